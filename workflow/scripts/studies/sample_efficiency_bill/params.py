"""Types of the parameters: two pendulums, budgets of real steps, four kinds of models and two kinds of agents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising, Share

Widths = Annotated[list[PositiveInt], Field(min_length=1)]
Learned = Literal["sparse", "filtered"]
Seeds = Annotated[int, Field(ge=3)]


class World(Model):
    """A pendulum."""

    gravity: PositiveFloat
    """m s-2."""
    length: PositiveFloat
    """m."""
    mass: PositiveFloat
    """kg."""


class Planner(Model):
    """Model-predictive control by the cross-entropy method."""

    particles: PositiveInt
    elite: Annotated[int, Field(ge=2)]
    iterations: PositiveInt
    horizon: PositiveInt
    """Steps that a plan looks ahead."""

    @model_validator(mode="after")
    def _elite(self):
        if self.elite > self.particles:
            raise ValueError(f"elite: {self.elite} is more than the {self.particles} particles")
        return self


class Simulate(Model):
    """Seen by all steps."""

    worlds: dict[str, World]
    """Two; a network that is told the task learns them in both orders."""
    seeds: Seeds
    """Sets of transitions, with models and agents of their own: the independent unit."""
    budgets: Annotated[list[Annotated[int, Field(ge=20)]], Field(min_length=1), Rising]
    """Real transitions that models are fitted to."""
    horizon: PositiveInt
    """Steps of an episode."""
    starts: Annotated[int, Field(ge=2)]
    """Start states of the evaluations, of each seed; all arms begin alike."""
    planner: Planner

    @model_validator(mode="after")
    def _two(self):
        if len(self.worlds) != 2:
            raise ValueError(f"worlds: two pendulums are compared, here are {len(self.worlds)}")
        return self


class Sparse(Model):
    """Polynomials: an ensemble's median."""

    degree: Annotated[int, Field(ge=1, le=4)]
    threshold: NonNegativeFloat
    """Smaller coefficients are dropped; very large: none is left (null)."""
    ridge: PositiveFloat
    members: Annotated[int, Field(ge=3)]
    dropped: NonNegativeInt
    """Terms of the library that each is refused."""


class Ensemble(Model):
    """Gaussian networks of the standardised change."""

    members: Annotated[int, Field(ge=2)]
    hidden: Widths
    updates: PositiveInt
    batch: PositiveInt
    lr: NonNegativeFloat
    beta: NonNegativeFloat
    """Power of the predicted variance by which a sample weighs; 0: the density itself."""
    samples: PositiveInt
    """Next states that each member proposes at a step."""
    penalty: NonNegativeFloat
    """MOPO's, for the largest deviation that a member says, in standard deviations of the change."""


class Filter(Model):
    """Discriminators of transitions against a generator; their mean chooses among proposed states."""

    hidden: Widths
    updates: PositiveInt
    batch: Annotated[int, Field(ge=2)]
    lr: NonNegativeFloat
    generator_every: PositiveInt
    entropy_weight: NonNegativeFloat
    every: PositiveInt
    """Updates between the discriminators that are kept, after a third of all."""
    noise: Annotated[list[float], Field(min_length=2, max_length=2), Rising]
    """Log of the least and the largest noise that makes data transitions false, in s.d. of the change."""

    @property
    def moments(self) -> list[int]:
        """Updates before which a discriminator is kept."""
        return [step for step in range(self.every, self.updates, self.every) if step >= self.updates / 3]

    @model_validator(mode="after")
    def _keeps(self):
        if not self.moments:
            raise ValueError(f"updates ({self.updates}) must be more than `every` ({self.every}): none is kept else")
        return self


class Hyper(Model):
    """A hypernetwork that makes the dynamics network of each pendulum."""

    hidden: Widths
    """Of the network that it makes."""
    generator: Widths
    """Its own."""
    embedding: PositiveInt
    spread: PositiveFloat
    beta: NonNegativeFloat
    iterations: NonNegativeInt
    """Of each session; 0: nothing is learnt (null)."""
    batch: PositiveInt
    rate: PositiveFloat


class Learning(Model):
    """Soft actor-critic, alike in all worlds."""

    steps: PositiveInt
    warmup: PositiveInt
    """Steps of uniform actions at the start, without updates."""
    batch: PositiveInt
    discount: Annotated[float, Field(gt=0, lt=1)]
    tau: Share
    lr: NonNegativeFloat
    """Of actor and critics; 0: nothing is learnt (null)."""
    lr_temperature: NonNegativeFloat
    reward_scale: PositiveFloat
    hidden: Widths
    every: PositiveInt
    """Steps between evaluations."""

    @model_validator(mode="after")
    def _learns(self):
        if self.warmup + 8 > self.steps:
            raise ValueError("steps must exceed warmup by 8 or more: learning starts after it")
        return self


class Train(Model):
    """Seen by the train step and those after it."""

    shuffled: Literal["none", "all", "other"]
    """Whose transitions have the ends of others (controls); `other`: the pendulum's that `hyper_after` came from."""
    sparse: Sparse
    ensemble: Ensemble
    filter: Filter
    hyper: Hyper
    learning: Learning


class Forecast(Model):
    """Seen by the forecast step."""

    goal: Annotated[float, Field(gt=0, lt=1)]
    """Return that counts as having learned, from random actions (0) to a planner on the exact law (1)."""
    stand_ins: dict[Learned, Learned]
    """Agents judged in the place of others (control)."""


class Params(Model):
    """All of a case."""

    simulate: Simulate
    train: Train
    forecast: Forecast
