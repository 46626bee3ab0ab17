"""Types of the parameters of sweeps of dimension and stability, each at the gap that costs the learner most."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat

from pesin.params import Model, Name
from studies.dynamical_linear_bandits.learners import Horizon, Stable, Training


class Sweep(Model):
    """Problems of one good channel among worthless ones, paid through a state; every pair of the two lists."""

    channels: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=1)]
    rhos: Annotated[list[Stable], Field(min_length=1)]
    """Spectral radii of the state; the value of the good channel stays."""
    horizon: Horizon


class Train(Training):
    """Seen by the train step."""

    sweeps: Annotated[dict[Name, Sweep], Field(min_length=1)]
    gaps: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=3)]
    """Values of the good channel, J of the best arm minus that of any other; rising."""
    noise: NonNegativeFloat


class Params(Model):
    """Parameters of one case."""

    train: Train
