"""Parameters of the Moon's recession from a molten Earth."""

from typing import Annotated

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model
from studies.lava_world_tides.settings import Levels, Range


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError("must be a power of two")
    return value


PowerOfTwo = Annotated[int, Field(ge=8), AfterValidator(_power_of_two)]


class Draws(Model):
    """Log-uniform ranges of the ensemble."""

    members: PositiveInt
    flux: Range
    """Cooling flux, W/m^2."""
    drag: Range
    """Rayleigh drag, 1/s."""
    depth: Range
    """Depth of the ocean at the start, m."""
    sobol: PowerOfTwo
    """Base size of the sensitivity design, a power of two; it costs six times as many runs."""
    solid: Range
    """Range of k2/Q of the solid in the sensitivity design."""


class Simulate(Model):
    start: PositiveFloat
    """Earth radii."""
    years: Range
    """First output time after 0, and the end."""
    outputs: Annotated[int, Field(ge=10)]
    fluxes: Levels
    drags: Levels
    reference: tuple[PositiveFloat, PositiveFloat]
    """Cooling flux and drag of the reference run; both are in the lists."""
    depth: PositiveFloat
    """Depth at the start in the runs of the lists, m."""
    solid: PositiveFloat
    """k2/Q of the solid part."""
    ocean: bool
    """false: the fluid response is taken away."""
    draws: Draws

    @model_validator(mode="after")
    def _reference_is_run(self):
        if self.reference[0] not in self.fluxes or self.reference[1] not in self.drags:
            raise ValueError("reference: its flux must be one of fluxes, its drag one of drags")
        return self


class Train(Model):
    """A net that learns -Im k2; auxiliary, no claim rests on it."""

    seeds: PositiveInt
    samples: Annotated[int, Field(ge=2)]
    """They are standardised, so that one alone would be 0 / 0."""
    width: PositiveInt
    steps: PositiveInt
    batch: PositiveInt
    lr: PositiveFloat
    sigma: Range
    """Ranges of the training inputs: tidal frequency 1/s, depth m, drag 1/s, viscosity Pa s."""
    depth: Range
    drag: Range
    viscosity: Range


class Entropy(Model):
    melt_temperature: PositiveFloat
    """K, at which tidal heat is released."""


class Forecast(Model):
    members: PositiveInt
    """Held-out runs inside the training range, and as many outside."""
    outside: Range
    """Drags below the training range, 1/s."""
    viscosity: PositiveFloat
    """Of the solid in these runs, Pa s."""
    table: PositiveInt
    """Points along each of the three axes of the table that the net is compared with."""


class Params(Model):
    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast
