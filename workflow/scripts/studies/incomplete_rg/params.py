"""Types of the parameters of the incomplete renormalisation-group flows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from pesin.params import Model, Rising


class Simulate(Model):
    """Seen by all steps. Lengths in AdS radii, which are those of the boundary's sphere."""

    potentials: Annotated[list[Literal["quadratic", "cosh", "quartic"]], Field(min_length=1)]
    """The first is the one that the emulator learns."""
    quartic: NonNegativeFloat
    """Coefficient of phi^4 in the potential `quartic`."""
    sources: Annotated[list[NonNegativeFloat], Field(min_length=4), Rising]
    """Of the deformation; the first is 0."""
    strength: PositiveFloat
    """Factor of all sources. Null: a millionth."""
    backreaction: Literal[0, 1]
    """0: the scalar does not bend the metric. Control."""
    radii: Annotated[list[PositiveFloat], Field(min_length=6), Rising]
    """Of the horizons."""
    nodes: Annotated[int, Field(ge=17)]
    """Angles at which profiles of solitons are kept, 4 n + 1: every second one makes the coarser check."""
    rtol: Annotated[float, Field(ge=1e-12, le=1e-7)]
    """Relative tolerance; the check takes a hundred times as much."""

    @field_validator("sources")
    @classmethod
    def _from_zero(cls, sources):
        if sources[0]:
            raise ValueError("the first must be 0: the undeformed theory")
        return sources

    @field_validator("radii")
    @classmethod
    def _holds_the_transition(cls, radii):
        if not radii[0] < 0.2 or not radii[-1] > 1.05:
            raise ValueError(
                "radii must reach from below 0.2 to above 1.05, to hold the transition, which is at 1 or below"
            )
        return radii

    @field_validator("nodes")
    @classmethod
    def _halved_twice(cls, nodes):
        if nodes % 4 != 1:
            raise ValueError("nodes must be 4 n + 1, such as 33")
        return nodes


class Train(Model):
    """Seen by train and those after it."""

    seeds: Annotated[int, Field(ge=1)]
    width: PositiveInt
    steps: PositiveInt
    rate: PositiveFloat
    weight: PositiveFloat
    """Of the thermodynamic relations in the loss of the consistent emulator."""


class Entropy(Model):
    """Seen by the entropy step."""

    cutoff: Annotated[float, Field(gt=1)]
    """Radius at which volumes end."""
    clock: bool
    """false: temperatures in the horizon's time, not the boundary's. Control."""


class Forecast(Model):
    """Seen by the forecast step."""

    held_out: Annotated[list[PositiveFloat], Field(min_length=3), Rising]
    """Sources that no table has; those beyond the table's last are extrapolated to."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast
