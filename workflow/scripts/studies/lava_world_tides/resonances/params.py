"""Parameters of traps at spin-orbit resonances, and of spin-down."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from pesin.params import Model
from studies.lava_world_tides.settings import Eccentricities, Levels, Range


class Body(Model):
    """The close-in planet : 1.5 Earth masses around a star like the Sun."""

    mass: PositiveFloat
    radius: PositiveFloat
    star: PositiveFloat
    rigidity: PositiveFloat


class Simulate(Model):
    body: Body
    ocean: bool
    """false: depth 0 everywhere, so that the planet is solid."""
    periods: Levels
    """Days, of the trap map; the first is the reference."""
    eccentricities: Eccentricities
    """Of the trap map; the first is the reference."""
    depths: Levels
    """m, of the trap map; the first is the reference."""
    drags: Levels
    """1/s, of the trap map; the first is the reference."""
    viscosity: PositiveFloat
    """Pa s, of the trap map and the integrations."""
    starts: Annotated[int, Field(ge=3)]
    """Spins drawn at random."""
    start_range: Range
    """In units of n."""
    years: Range
    outputs: Annotated[int, Field(ge=10)]
    down_viscosity: PositiveFloat
    """Pa s, for the spin-down times."""
    down_periods: Levels
    """Days, rising."""
    down_oceans: Annotated[int, Field(ge=3)]
    """Oceans drawn for the spin-down times, log-uniform in both ranges."""
    down_depths: Range
    """m."""
    down_drags: Range
    """1/s."""


class Entropy(Model):
    bins: PositiveInt
    """Of the histogram of final spins."""
    bootstrap: PositiveInt
    """Resamples of the starts."""


class Params(Model):
    simulate: Simulate
    entropy: Entropy
