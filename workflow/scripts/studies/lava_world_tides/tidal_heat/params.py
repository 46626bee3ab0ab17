"""Parameters of the heat of synchronous planets against what their stars send."""

from typing import Annotated

from pydantic import Field, PositiveFloat

from pesin.params import Model
from studies.lava_world_tides.settings import Eccentricities, Levels


class World(Model):
    """A rocky planet: days, Earth radii and masses, solar masses and luminosities."""

    period: PositiveFloat
    radius: PositiveFloat
    mass: PositiveFloat
    star: PositiveFloat
    luminosity: PositiveFloat


class Simulate(Model):
    worlds: dict[str, World]
    ocean: bool
    eccentricities: Eccentricities
    drags: Levels
    depth: PositiveFloat
    """m."""
    rigidity: PositiveFloat
    viscosity: PositiveFloat
    albedo: Annotated[float, Field(ge=0, lt=1)]


class Params(Model):
    simulate: Simulate
