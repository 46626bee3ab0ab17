"""Types of the parameters of the benchmark: SAC and its rivals on a pendulum, or on a task of gymnasium."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from pesin.params import Model, Share
from studies.soft_actor_critic.agents import Discount, TaskParams, TaskStarts, TaskTraining


class Simulate(TaskStarts):
    """Seen by all steps."""

    environment: str
    """pendulum, or the name of a gymnasium environment such as HalfCheetah-v5, whose starts are its own."""

    @field_validator("environment")
    @classmethod
    def _there(cls, name):
        if name != "pendulum" and "-v" not in name:
            raise ValueError("must be pendulum, or a gymnasium name such as HalfCheetah-v5")
        return name


class Ppo(Model):
    """Proximal policy optimisation, the on-policy baseline."""

    steps: PositiveInt
    environments: PositiveInt
    length: PositiveInt
    epochs: PositiveInt
    minibatch: PositiveInt
    discount: Discount
    trace: Share
    clip: PositiveFloat
    lr: NonNegativeFloat
    clip_norm: PositiveFloat


class Train(TaskTraining):
    """Seen by the train step and those after it."""

    ppo: Ppo


class Entropy(Model):
    """Seen by the entropy step."""

    early: PositiveInt
    """Environment steps after the warm-up over which visited states are counted."""
    bins: Annotated[int, Field(ge=2)]
    """Bins of the histogram of visited states, along each of its two axes."""


class Forecast(Model):
    """Seen by the forecast step."""

    goal_return: float
    """Return that counts as learned."""
    perturbation: Annotated[float, Field(gt=0, lt=1)]
    """Relative change of mass and length that the trained policies meet."""
    bootstrap: PositiveInt


class Params(TaskParams):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast
