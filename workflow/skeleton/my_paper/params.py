"""Parameters of the study. A section named after a step is seen by that step and those after it."""

from typing import Annotated

from pydantic import Field, PositiveInt

from pesin.params import Model


class Simulate(Model):
    r: Annotated[float, Field(gt=0, le=4)]
    """Height of the map, four times its maximum."""
    seeds: PositiveInt
    """Orbits, each from a start of its own: the independent unit."""
    steps: PositiveInt
    """Points of each orbit."""


class Entropy(Model):
    burn_in: PositiveInt
    """Points left out at the beginning."""


class Params(Model):
    simulate: Simulate
    entropy: Entropy
