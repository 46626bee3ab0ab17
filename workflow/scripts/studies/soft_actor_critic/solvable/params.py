"""Types of the parameters of the problems whose soft-optimal policy is known: tables, and the regulator."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from pesin.params import Model
from studies.soft_actor_critic.agents import Discount, Learning, Seeds

Temperatures = Annotated[list[PositiveFloat], Field(min_length=1)]


class Bandit(Model):
    """Arms with known rewards."""

    rewards: Annotated[list[float], Field(min_length=2)]
    temperatures: Temperatures


class Chain(Model):
    """A chain of states, its middle one the start where there is one."""

    states: Annotated[int, Field(ge=3)]
    discount: Discount
    temperatures: Temperatures


class Regulator(Model):
    """The linear-quadratic regulator and the agents on it."""

    rho: PositiveFloat
    noise: NonNegativeFloat
    discount: Discount
    temperatures: Temperatures
    """Fixed alpha."""
    targets: Annotated[list[float], Field(min_length=1)]
    """Entropies to hold [nat]."""
    seeds: Seeds
    episodes: PositiveInt
    """Start states of the training, for each seed; after the last one they come again."""


class Simulate(Model):
    """Seen by all steps."""

    bandit: Bandit
    chain: Chain
    two_goals: Chain
    regulator: Regulator

    @field_validator("two_goals")
    @classmethod
    def _has_a_middle(cls, chain):
        if chain.states % 2 == 0:
            raise ValueError("states must be odd: the walk begins in the middle")
        return chain


class PerceptronLearning(Learning):
    """Perceptrons in place of the right function class."""

    hidden: Annotated[list[PositiveInt], Field(min_length=1)]


class Train(Model):
    """Seen by the train step and those after it."""

    iterations: PositiveInt
    """Of soft policy iteration on the chains."""
    entropy_weight: Annotated[float, Field(ge=0, le=1)]
    """Factor on alpha in all that learns; the exact solutions keep the whole. Control: 0."""
    start: PositiveFloat
    """Where the regulator's automatic temperatures begin."""
    in_class: Learning
    """Linear-Gaussian actor, quadratic critic."""
    perceptrons: PerceptronLearning


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
