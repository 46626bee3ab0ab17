"""Types of the parameters of the MOREC study."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising, Share

Activation = Literal["tanh", "relu"]
Seeds = Annotated[int, Field(ge=3)]
Widths = Annotated[list[PositiveInt], Field(min_length=1)]


class Simulate(Model):
    """Seen by all steps."""

    seeds: Seeds
    """Sets of data with models and rewards of their own: the independent unit."""
    episodes: PositiveInt
    steps: Annotated[int, Field(ge=2)]
    noise: PositiveFloat
    """Standard deviation of the process, degC."""
    explore: PositiveFloat
    """Standard deviation of the behaviour's cooling power."""
    test_episodes: PositiveInt
    test_steps: PositiveInt
    controllers: Annotated[int, Field(ge=2)]
    """Random linear controllers that the search chooses from."""
    horizon: PositiveInt
    """Steps of a rollout."""
    start: float
    """Temperature that rollouts begin at, degC."""


class Filter(Model):
    """How next states are proposed and one of them is kept."""

    samples: Annotated[int, Field(ge=2)]
    """Drawn from each member of the ensemble."""
    temperature: PositiveFloat
    """Of the softmax over rewards, the softer way to choose."""


class Ensemble(Model):
    """Gaussian perceptrons that learn the standardised change of the state."""

    members: Annotated[int, Field(ge=2)]
    hidden: Widths
    activations: Annotated[list[Activation], Field(min_length=1)]
    updates: PositiveInt
    batch: PositiveInt
    lr: NonNegativeFloat


class Reward(Model):
    """The adversarial loop: discriminators against a generator of next states."""

    hidden: Widths
    activations: Annotated[list[Activation], Field(min_length=1)]
    """Of the discriminator."""
    updates: PositiveInt
    batch: Annotated[int, Field(ge=2)]
    lr: NonNegativeFloat
    """Of both; 0: nothing is learnt (null)."""
    generator_every: PositiveInt
    """Updates of the discriminator for one of the generator."""
    entropy_weight: NonNegativeFloat
    every: PositiveInt
    """Updates between the discriminators that are kept, after a third of all."""
    noise: Annotated[list[float], Field(min_length=2, max_length=2), Rising]
    """Log of the least and the largest noise that makes data transitions false, in s.d. of the change."""

    @model_validator(mode="after")
    def _keeps(self):
        if self.updates < 2 * self.every:
            raise ValueError(
                f"updates ({self.updates}) must be twice `every` ({self.every}) or more: none is kept else"
            )
        return self


class Learning(Model):
    """Soft actor-critic, alike in all worlds."""

    steps: PositiveInt
    warmup: PositiveInt
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
    starts: PositiveInt
    """Start states of an evaluation."""
    horizon: PositiveInt
    target: float
    """Temperature to hold, degC."""
    penalty: NonNegativeFloat
    """MOPO's, for each degC of the largest deviation that a member of the ensemble says."""
    samples: PositiveInt
    """Drawn from each member at a step."""

    @model_validator(mode="after")
    def _learns(self):
        if self.warmup + 8 > self.steps:
            raise ValueError("steps must exceed warmup by 8 or more: learning starts after it")
        return self

    def settings(self) -> dict:
        """What soft actor-critic is told."""
        shared = self.model_dump(include={"steps", "warmup", "batch", "discount", "tau", "lr_temperature"})
        return shared | {"lr_actor": self.lr, "lr_critic": self.lr}


class Pair(Model):
    """An ensemble and a reward, by the activations of their networks."""

    models: Activation
    reward: Activation


class Train(Model):
    """Seen by the train step and those after it."""

    ensemble: Ensemble
    reward: Reward
    pair: Pair
    """That agents learn with."""
    learning: Learning


class Entropy(Model):
    """Seen by the entropy step."""

    pair: Pair
    filter: Filter
    every: PositiveInt
    """Test transitions of which one is taken."""


class Forecast(Model):
    """Seen by the forecast step."""

    pair: Pair
    """Whose claims are judged."""
    filter: Filter
    trained: bool
    """False: the discriminator before its first update takes the place of the history (control)."""
    variants: list[Pair]
    """Others that are shown."""
    every: PositiveInt
    """Test transitions of which one is taken for these."""
    counts: Annotated[list[PositiveInt], Field(min_length=3), Rising]
    """Candidates that the filter chooses from."""
    recovered: Annotated[float, Field(gt=0, lt=1)]
    """Share of the mean model's error that the filter's may reach for a policy to count as recovered."""
    rollout_samples: PositiveInt
    """Drawn from each member in rollouts."""
    targets: Annotated[list[float], Field(min_length=1)]
    """Temperatures to hold, degC."""
    least_reward: float
    """A rollout counts as stopped at the first step with less."""
    map_points: Annotated[int, Field(ge=2)]


class Params(Model):
    """All of a case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fits(self):
        ensemble, reward = self.train.ensemble, self.train.reward
        for pair in (self.train.pair, self.entropy.pair, self.forecast.pair, *self.forecast.variants):
            if pair.models not in ensemble.activations:
                raise ValueError(f"a pair names models of {pair.models}: train.ensemble has {ensemble.activations}")
            if pair.reward not in reward.activations:
                raise ValueError(f"a pair names a reward of {pair.reward}: train.reward has {reward.activations}")
            if pair.reward not in ensemble.activations:
                raise ValueError(f"a reward of {pair.reward} is held against models of it: add them to train.ensemble")
        most = ensemble.members * self.forecast.filter.samples
        if self.forecast.counts[-1] > most:
            raise ValueError(f"forecast.counts asks for {self.forecast.counts[-1]} candidates, there are {most}")
        return self
