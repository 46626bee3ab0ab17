"""Types of the parameters of the SINDy-RL study."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Share

Arm = Literal["sindy", "real", "nn", "linear", "reward"]
Threshold = Annotated[float, Field(ge=0)]
Seeds = Annotated[int, Field(ge=3)]


class Simulate(Model):
    """Seen by all steps."""

    seeds: Seeds
    """Sets of random transitions of the pendulum: the independent unit of models."""
    samples: Annotated[list[Annotated[int, Field(ge=20)]], Field(min_length=2)]
    """Real transitions that models are fitted to, rising; agents have the models of the most."""
    held_out: Annotated[int, Field(ge=3)]
    """Episodes of a swing-up policy that models are tested on."""
    starts: Annotated[int, Field(ge=2)]
    """Start states of the evaluations while learning."""
    fresh: Annotated[int, Field(ge=2)]
    """Start states of the last evaluation."""
    wake_seeds: Seeds
    wake_samples: Annotated[int, Field(ge=20)]
    """Real transitions of the wake."""

    @model_validator(mode="after")
    def _sizes(self):
        if sorted(set(self.samples)) != self.samples:
            raise ValueError(f"samples must rise, they are {self.samples}")
        return self


class Sparse(Model):
    """How a sparse model is fitted."""

    degree: Annotated[int, Field(ge=1, le=4)]
    threshold: Threshold
    """Smaller coefficients are dropped; very large: none is left (null)."""
    ridge: PositiveFloat


class Networks(Model):
    """Ensembles of perceptrons that learn the change of the state."""

    members: PositiveInt
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    updates: PositiveInt
    batch: PositiveInt
    lr: NonNegativeFloat


class Learning(Model):
    """Soft actor-critic, alike for all arms."""

    steps: PositiveInt
    warmup: PositiveInt
    """Steps of uniform actions at the start, without updates; real ones count as interactions."""
    batch: PositiveInt
    discount: Annotated[float, Field(gt=0, lt=1)]
    tau: Share
    lr: NonNegativeFloat
    """Of actor and critics; 0: nothing is learnt (null)."""
    lr_temperature: NonNegativeFloat
    reward_scale: PositiveFloat
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    every: PositiveInt
    """Steps between evaluations."""

    @model_validator(mode="after")
    def _learns(self):
        if self.warmup + 8 > self.steps:
            raise ValueError("steps must exceed warmup by 8 or more: learning starts after it")
        return self


class Train(Model):
    """Seen by the train step and those after it."""

    arms: Annotated[list[Arm], Field(min_length=1)]
    """Worlds that agents learn in. reward: the sparse model with a sparse reward in place of the exact one."""
    agents: Seeds
    """Agents of each arm, the k-th with the k-th set's models: the independent unit of returns."""
    members: Annotated[int, Field(ge=3)]
    """Models of a sparse ensemble; their median is used."""
    dropped: Annotated[int, Field(ge=0)]
    """Terms of the library that each is refused."""
    dynamics: Sparse
    linear: Sparse
    reward: Sparse
    shuffled: bool
    """Whether next states and rewards are those of other transitions (control)."""
    networks: Networks
    learning: Learning
    wake_learning: Learning

    @model_validator(mode="after")
    def _has_both(self):
        missing = sorted({"sindy", "real"} - set(self.arms))
        if missing:
            raise ValueError(f"arms must have {' and '.join(missing)}: the claims compare them")
        return self


class Entropy(Model):
    """Seen by the entropy step."""

    paired: bool
    """False: the spread of a prediction is held against the error of another one (control)."""


class Distillation(Model):
    """From the network to a polynomial."""

    degrees: Annotated[list[Annotated[int, Field(ge=1, le=4)]], Field(min_length=1)]
    thresholds: Annotated[list[Threshold], Field(min_length=1)]
    ridge: PositiveFloat
    noise: NonNegativeFloat
    """Standard deviation by which visited observations are moved for more queries."""
    clip: PositiveFloat
    """Of the mean action before squashing."""


class Forecast(Model):
    """Seen by the forecast step."""

    stand_ins: dict[Arm, Arm]
    """Arms and models judged in the place of others (control)."""
    goal: float
    """Return that counts as having learned."""
    wake_goal: Share
    """Share of the uncontrolled drag that counts as having learned."""
    fold: Annotated[float, Field(ge=1)]
    """Times as many real steps that model-free learning must take for an agent to count as saving many."""
    lead: PositiveInt
    """Steps of the rollout whose error is judged."""
    leads: PositiveInt
    """Steps that are followed."""
    distillation: Distillation

    @model_validator(mode="after")
    def _followed(self):
        if self.lead > self.leads:
            raise ValueError(f"lead ({self.lead}) must not exceed leads ({self.leads})")
        return self


class Params(Model):
    """All of a case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _models(self):
        agents, seeds = self.train.agents, self.simulate.seeds
        if agents > seeds:
            raise ValueError(f"train.agents ({agents}) must not exceed simulate.seeds ({seeds}): each needs models")
        return self
