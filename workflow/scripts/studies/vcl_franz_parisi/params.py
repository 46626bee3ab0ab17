"""Types of the parameters: teachers and students of binary weights, permuted digits, and the replica theory."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from pesin.params import DataFolder, Model, Share

Loads = Annotated[list[PositiveFloat], Field(min_length=1)]


class Pair(Model):
    """Two tasks, one after the other."""

    alpha: PositiveFloat
    """Patterns of task 1 over weights."""
    alphas: Loads
    """Those of task 2."""
    overlaps: Annotated[list[Annotated[float, Field(gt=-1, lt=1)]], Field(min_length=1)]
    """Expected overlaps r0 of the two teachers."""


class Digits(Model):
    """Images whose pixels are permuted, each task in its own way."""

    source: Literal["digits", "mnist"]
    folder: DataFolder | None = None
    """Of MNIST's files."""
    train: Annotated[int, Field(ge=2)]
    test: Annotated[int, Field(ge=2)]
    tasks: Annotated[int, Field(ge=2)]
    seeds: Annotated[int, Field(ge=3)]


class Simulate(Model):
    """Seen by all steps."""

    weights: PositiveInt
    """N. Odd, so that no teacher's field is zero."""
    runs: Annotated[int, Field(ge=5)]
    """Teachers with their patterns: the independent unit."""
    alphas: Loads
    """Patterns over weights of the single task, rising; fewer patterns are the first of more."""
    pair: Pair
    digits: Digits

    @field_validator("weights")
    @classmethod
    def _odd(cls, value):
        if value % 2 == 0:
            raise ValueError("must be odd, so that sums of so many signs have a sign")
        return value

    @field_validator("alphas")
    @classmethod
    def _rising(cls, value):
        if value != sorted(set(value)):
            raise ValueError("must rise")
        return value


class Descent(Model):
    """Stochastic gradient descent in the fields."""

    rate: PositiveFloat
    """Learning rate of gradients summed over a batch."""
    batch: PositiveInt
    """Patterns, the least of them; and at least `share` of all."""
    share: Annotated[float, Field(ge=0, le=1)] = 0.0
    epochs: PositiveInt


class Deep(Model):
    """Networks on permuted digits."""

    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    rate: PositiveFloat
    """Learning rate of Adam."""
    batch: PositiveInt
    epochs: PositiveInt
    """Of each task."""
    sharpness: PositiveFloat
    """b in m = tanh(theta b tanh(0.1 + 2 progress)); the progress is that through all tasks."""
    starts: Annotated[list[PositiveFloat], Field(min_length=1)]
    """Deviations of the variational networks' first fields: their settings."""
    strengths: Annotated[list[NonNegativeFloat], Field(min_length=1)]
    """m_c of the metaplastic ones, as many: an update that shrinks a hidden weight h is scaled by 1 - tanh^2(m_c h)."""
    start: PositiveFloat
    """Deviation of the metaplastic networks' first hidden weights."""

    @model_validator(mode="after")
    def _as_many(self):
        if len(self.starts) != len(self.strengths):
            raise ValueError("starts and strengths: each method has as many settings as the other")
        return self


class Train(Model):
    """Seen by the train step and those after it."""

    runs: Annotated[int, Field(ge=3)]
    """Teachers: how many of the simulated ones."""
    seeds: Annotated[int, Field(ge=3)]
    """Sets of permutations of the digits: how many of the simulated ones."""
    alphas: Loads
    """Loads of the single task: some of the simulated ones."""
    trained: bool
    """false: no step is taken. Null."""
    modulated: bool
    """false: steps lack the factor 1 - m^2, a weight's uncertainty. Control."""
    labels: Literal["teacher", "shuffled"]
    """shuffled: the single task's labels are dealt out among its patterns. Control."""
    gamma: NonNegativeFloat
    """Weight of the divergence from what the tasks before have left. Control: 0."""
    momentum: Share
    single: Descent
    pair: Descent
    deep: Deep


class Grid(Model):
    """Where the replica integrals are summed."""

    gauss: Annotated[int, Field(ge=11)]
    """Points of the Gaussian fields on [-7, 7]."""
    field: Annotated[int, Field(ge=11)]
    """Points of theta on [-8, 8]. Odd: zero is one of them."""

    @field_validator("field")
    @classmethod
    def _odd(cls, value):
        if value % 2 == 0:
            raise ValueError("must be odd, so that zero, where a weight's sign changes, is a point")
        return value


class Entropy(Model):
    """Seen by the entropy step alone."""

    beta: PositiveFloat
    """Inverse temperature of the theory."""
    grid: Grid
    alphas: Loads
    """Loads of the theory of one task, rising: its branch is continued from each to the next."""
    pair_alphas: Loads
    """Loads of task 2 in the theory of two: some of the simulated ones."""
    damping: Share
    """Share of each update of the order parameters."""
    tolerance: PositiveFloat
    """Change of every order parameter at which an iteration has ended."""
    sweeps: PositiveInt
    """Most updates."""
    identity: Annotated[list[float], Field(min_length=1)]
    """Fields at which the divergence is expanded."""


class Forecast(Model):
    """Seen by the forecast step alone."""

    patterns: NonNegativeInt
    """Fresh ones, for the direct estimate of errors."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fits(self):
        world, train, theory = self.simulate, self.train, self.entropy
        if theory.beta * train.gamma > 40:
            raise ValueError("entropy.beta x train.gamma: above 40 the weights of fields far from the prior underflow")
        if theory.alphas != sorted(set(theory.alphas)):
            raise ValueError("entropy.alphas: must rise")
        for key, some, all_ in (
            ("train.alphas", train.alphas, world.alphas),
            ("entropy.alphas: simulate.pair.alpha and train.alphas", [world.pair.alpha, *train.alphas], theory.alphas),
            ("entropy.pair_alphas", theory.pair_alphas, world.pair.alphas),
        ):
            if missing := set(some) - set(all_):
                raise ValueError(f"{key}: {sorted(missing)} is none of {all_}")
        for key, value, most in (
            ("train.runs", train.runs, world.runs),
            ("train.seeds", train.seeds, world.digits.seeds),
        ):
            if value > most:
                raise ValueError(f"{key}: {value} is more than the {most} that are simulated")
        return self
