"""Types of the parameters of the sweep of the dimension: one good channel among d - 1 worthless ones."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat

from pesin.params import Model
from studies.dynamical_linear_bandits.learners import Horizon, Stable, Training


class Simulate(Model):
    """Seen by all steps."""

    channels: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=3)]
    gaps: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)]
    """Value of the good channel, J of the best arm minus that of any other."""
    rho: Stable
    """Of the state that the good channel is paid through."""


class Train(Training):
    """Seen by the train step."""

    noise: NonNegativeFloat
    horizon: Horizon


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
