"""Types of the parameters of the clusters with massless particles."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Name, Rising


class Density(Model):
    """One cluster's size and the step it is followed with."""

    radius: PositiveFloat
    """Its lengths, in those of a cluster of energy -1/4; velocities go as its inverse root."""
    steps: Annotated[int, Field(ge=2)]
    """Leapfrog steps between two stored states."""


class Simulate(Model):
    """Seen by all steps. Units of Hénon: G = M = 1, the energy of a cluster of radius 1 is -1/4."""

    seeds: Annotated[int, Field(ge=3)]
    """Clusters of each density: the independent unit. One seed has the same draws at all densities."""
    stars: Annotated[int, Field(ge=70)]
    """A tenth of them is heavy, and an entropy in six dimensions wants seven."""
    tracers: Annotated[int, Field(ge=40)]
    """Massless particles (MLPs) of each cluster."""
    densities: dict[Name, Density]
    """`normal` and `dense`."""
    duration: PositiveFloat
    stored: Annotated[float, Field(gt=0, le=1)]
    """Time between two stored states."""
    softening: PositiveFloat
    masses: Literal["kroupa", "equal"]
    """equal: control, no star is heavy."""
    heaviest: Annotated[float, Field(gt=0.5)]
    """Cap of the mass function, solar masses."""
    motion: Literal["all", "tracers", "none"]
    """tracers: control, stars stand still and their potential with them. none: null."""
    evolution: bool
    """Whether stars lose mass at the end of their lives."""
    myr: PositiveFloat
    """Million years in a unit of time."""
    kicked: Annotated[float, Field(ge=0, lt=0.5)]
    """Share of the stars, the heaviest ones, that get a kick in the first half of the run. Control of the speeds."""
    kick: NonNegativeFloat
    """Its velocity along an axis, in the cluster's own 1-D dispersion."""

    @model_validator(mode="after")
    def _fit(self):
        if set(self.densities) != {"normal", "dense"}:
            raise ValueError("densities: give normal and dense")
        if self.densities["dense"].radius >= self.densities["normal"].radius:
            raise ValueError("densities: the radius of dense must be below that of normal")
        if self.duration / self.stored < 20 or self.duration / self.stored % 1:
            raise ValueError("duration: must be at least 20, and a whole number of times, stored")
        return self


class Entropy(Model):
    """Seen by the entropy step."""

    every: PositiveInt
    """Stored states from one measurement of entropies and spanning trees to the next."""
    random_trees: Annotated[int, Field(ge=5)]
    """Random sets of stars whose spanning trees the heaviest stars' is compared with."""
    linger: PositiveFloat
    """A body escapes when it is unbound for good: for the rest of the run, and this long at least."""
    smoothed: PositiveFloat
    """Time over which the core's radius and density are averaged before their extremes are looked for."""
    weightless: bool
    """false: control, the cost is counted as if the MLPs had mass."""
    counted: Annotated[list[PositiveInt], Field(min_length=3), Rising]
    """Numbers of MLPs at which the cost of a step is counted."""


class Forecast(Model):
    """Seen by the forecast step."""

    starts: Annotated[list[NonNegativeFloat], Field(min_length=1), Rising]
    horizons: Annotated[list[PositiveFloat], Field(min_length=1), Rising]
    steps: PositiveInt
    """Leapfrog steps between two stored states."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        duration, stored = self.simulate.duration, self.simulate.stored
        if self.forecast.starts[-1] + self.forecast.horizons[-1] > duration:
            raise ValueError("forecast.starts: the last, with the longest of forecast.horizons, is after the end")
        for key in ("starts", "horizons"):
            if any(time / stored % 1 for time in getattr(self.forecast, key)):
                raise ValueError(f"forecast.{key}: must be whole numbers of times simulate.stored")
        if self.entropy.linger >= duration / 2:
            raise ValueError("entropy.linger: must be below half of simulate.duration")
        return self
