"""Types of the parameters of the driven electrolyte."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator, model_validator

from pesin.params import Model, Rising


class Simulate(Model):
    """Seen by all steps. Lengths are in Debye lengths, times in kappa^-2 / D."""

    fields: Annotated[list[NonNegativeFloat], Field(min_length=4)]
    """Ecal = e E / (kT kappa), the first one 0: the equilibrium that all others are held against."""
    length: PositiveFloat
    """Edge of the periodic square."""
    cutoff: PositiveFloat
    """Largest wave number."""
    runs: Annotated[int, Field(ge=3)]
    """Fields from noise of their own; those of one run share it at all Ecal."""
    settle: PositiveFloat
    """Time from the uniform state to the first snapshot, in 50 steps."""
    snapshots: Annotated[int, Field(ge=8)]
    spacing: PositiveFloat
    """Time between two snapshots."""
    followed: Annotated[int, Field(ge=4, multiple_of=2)]
    """Modes whose path is kept: the first half for learning, the others to be forecast."""
    frames: Annotated[int, Field(ge=12)]
    """Points of such a path."""
    between: PositiveFloat
    """Time between two of them."""

    @field_validator("fields")
    @classmethod
    def _rising_from_zero(cls, fields):
        if fields[0] != 0 or any(b <= a for a, b in zip(fields[:-1], fields[1:], strict=True)):
            raise ValueError("the fields must rise, and begin with 0")
        return fields

    @model_validator(mode="after")
    def _settled(self):
        slowest = (self.length / (2 * 3.141592653589793)) ** 2
        if self.settle < 3 * slowest:
            raise ValueError(
                f"settle: the slowest mode of a square of {self.length:g} relaxes in {slowest:.0f}, and {self.settle:g}"
                " is less than three times that"
            )
        return self


class Train(Model):
    """Seen by the train step and those after it."""

    ridge: NonNegativeFloat
    """Penalty of the vector autoregression, for sums over time."""


class Entropy(Model):
    """Seen by the entropy step."""

    source: Literal["driven", "undriven", "still"]
    """Which fluctuations are measured in place of the driven ones: those without field (control), or none (null)."""
    smoothing: PositiveFloat
    """Width of the Gaussian that densities are averaged over before they are correlated."""
    near: PositiveFloat
    """Least distance of the correlations, in Debye lengths; the greatest is an eighth of the square's edge."""
    distances: Annotated[int, Field(ge=4)]
    sector: Annotated[float, Field(gt=0, lt=45)]
    """Half the angle around a direction over which correlations are averaged, in degrees."""
    plates: Annotated[list[PositiveFloat], Field(min_length=4), Rising]
    """Distances of two plates."""


class Forecast(Model):
    """Seen by the forecast step."""

    leads: Annotated[list[PositiveInt], Field(min_length=2)]
    """In frames."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _within(self):
        if self.entropy.near >= self.simulate.length / 8:
            raise ValueError("entropy.near: it lies beyond an eighth of simulate.length, the greatest distance")
        if max(self.forecast.leads) >= self.simulate.frames:
            raise ValueError("forecast.leads: a lead reaches beyond simulate.frames")
        return self
