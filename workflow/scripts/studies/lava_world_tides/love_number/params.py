"""Parameters of the response: its closed form against the equations it solves, and over the melt fraction."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat

from pesin.params import Model
from studies.lava_world_tides.settings import Levels, Range


class Simulate(Model):
    self_attraction: bool
    """false: the closed form leaves the ocean's own attraction out of the restoring force."""
    sigma: Range
    points: Annotated[int, Field(ge=5)]
    """Frequencies of the curves."""
    checks: Annotated[int, Field(ge=3)]
    """Frequencies of the comparison, between those of `sigma`."""
    depths: Levels
    drags: Levels
    viscosities: Levels
    rigidity: PositiveFloat
    andrade: PositiveFloat
    critical_melt: PositiveFloat
    solid_viscosity: PositiveFloat
    softening: PositiveFloat
    """The viscosity of the mush falls as exp(-softening Phi)."""
    blend_width: PositiveFloat
    """Of the weight of the ocean branch, in melt fraction."""
    melt_step: Annotated[float, Field(gt=0, le=1e-3)]
    """Step of the melt fraction, on both sides of the critical one, in which a continuous response changes little."""
    ocean_depth: NonNegativeFloat


class Params(Model):
    simulate: Simulate
