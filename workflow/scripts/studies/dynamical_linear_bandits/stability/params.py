"""Types of the parameters of the sweep of the stability: the synthetic system, its state slower and slower."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat

from pesin.params import Model
from studies.dynamical_linear_bandits.learners import Horizon, Stable, Training


class Simulate(Model):
    """Seen by all steps."""

    rhos: Annotated[list[Stable], Field(min_length=3)]
    """Spectral radii; h stays."""


class Train(Training):
    """Seen by the train step."""

    noise: NonNegativeFloat
    horizon: Horizon


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
