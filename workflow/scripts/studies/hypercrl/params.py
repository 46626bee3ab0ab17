"""Types of the parameters: pendulums one after the other, networks that learn them, and the planner on top."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model

Arm = Literal["hyper", "hyper_one", "coreset", "retrain", "finetune", "blind", "wide", "ewc", "si"]
Widths = Annotated[list[PositiveInt], Field(min_length=1)]
Strengths = Annotated[list[NonNegativeFloat], Field(min_length=1)]


class Task(Model):
    """A pendulum."""

    gravity: NonNegativeFloat
    """m s-2."""
    length: PositiveFloat
    """m."""
    mass: PositiveFloat
    """kg."""


class Planner(Model):
    """Model-predictive control by the cross-entropy method, and the episodes that judge it."""

    particles: PositiveInt
    elite: Annotated[int, Field(ge=2)]
    iterations: PositiveInt
    horizon: PositiveInt
    """Steps that a plan looks ahead."""
    episodes: PositiveInt
    """Of each task and seed; all arms start alike."""
    steps: PositiveInt
    """Of an episode."""

    @model_validator(mode="after")
    def _elite(self):
        if self.elite > self.particles:
            raise ValueError(f"elite: {self.elite} is more than the {self.particles} particles")
        return self


class Simulate(Model):
    """Seen by all steps."""

    tasks: Annotated[list[Task], Field(min_length=3)]
    """In the order in which they are learnt."""
    seeds: Annotated[int, Field(ge=3)]
    """Sets of transitions: the independent unit."""
    samples: Annotated[int, Field(ge=10)]
    """Transitions of each task that are learnt from."""
    test: Annotated[int, Field(ge=10)]
    """Those it is tested on, the same for all seeds."""
    validation: Annotated[int, Field(ge=10)]
    """Those that settings are chosen on."""
    speed: PositiveFloat
    """Transitions start at rates up to this, rad/s."""
    rate_limit: PositiveFloat
    """rad/s."""
    trajectories: PositiveInt
    """Held-out ones of each task, under random torques."""
    rollout: PositiveInt
    """Their steps."""
    planner: Planner


class Network(Model):
    """The networks."""

    hidden: Widths
    """Of the dynamics network, and of the plain ones."""
    wide: Widths
    """Of the arm `wide`."""
    generator: Widths
    """Of the hypernetwork."""
    embedding: PositiveInt
    """Numbers of a task."""
    spread: PositiveFloat
    """Factor of the first weights of the hypernetwork's last layer."""


class Train(Model):
    """Seen by the train step and those after it."""

    arms: Annotated[list[Arm], Field(min_length=1)]
    memory: Literal["recent", "all"]
    """What the arms that keep the last task alone are given. all: every task so far, as for `coreset`. Control."""
    beta: NonNegativeFloat
    """Of the penalty, a squared norm over all weights. Control: 0."""
    iterations: NonNegativeInt
    """Of each session; 0: nothing is learnt (null)."""
    batch: PositiveInt
    """Samples that a step has of a task; `coreset` shares them out among all tasks so far."""
    rate: PositiveFloat
    """Learning rate of Adam for hypernetworks; it starts anew in each session."""
    plain_rate: PositiveFloat
    """Likewise for the plain networks."""
    network: Network
    ewc: Strengths
    """Settings of elastic weight consolidation: weight of the quadratic penalty."""
    si: Strengths
    """Settings of synaptic intelligence: c."""
    damping: PositiveFloat
    """Of synaptic intelligence."""
    fisher: PositiveInt
    """Samples of a task that its Fisher information is taken from."""


class Entropy(Model):
    """Seen by the entropy step alone."""

    noise: PositiveFloat
    """Standard deviation of the Gaussian that a prediction stands for, in scaled units."""
    samples: PositiveInt
    """Test samples that Fisher information is taken from."""


class Forecast(Model):
    """Seen by the forecast step alone."""

    planned: list[Arm]
    """Arms whose models plan, if they were trained."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fits(self):
        if self.train.fisher > self.simulate.samples:
            raise ValueError(
                f"train.fisher: {self.train.fisher} is more than the {self.simulate.samples} simulate.samples"
            )
        if self.train.batch < len(self.simulate.tasks):
            raise ValueError(
                f"train.batch: {self.train.batch} samples are fewer than the {len(self.simulate.tasks)} tasks"
            )
        if len(set(self.train.arms)) < len(self.train.arms):
            raise ValueError("train.arms: each once")
        return self
