"""Types of the parameters of the structured network for Hankel operators."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from pesin.params import Model, Rising

Family = Literal["structured", "dense", "equal"]
Rows = Annotated[list[PositiveInt], Field(min_length=1)]


def _power_of_two(value: int) -> int:
    if value < 2 or value & (value - 1):
        raise ValueError(f"butterflies need a power of two, 2 or more: {value} is none")
    return value


class Simulate(Model):
    """Seen by all steps."""

    seeds: Annotated[int, Field(ge=3)]
    """Orbits of the Lorenz system, each with networks of its own: the independent unit."""
    dt: PositiveFloat
    discard: PositiveFloat
    """Time before an orbit is taken to be on the attractor."""
    samples: Annotated[int, Field(ge=200)]
    rates: Annotated[list[PositiveFloat], Field(min_length=2)]
    """beta and delta of Lotka and Volterra's equations: each pair of them is an environment."""
    novel: Annotated[list[tuple[PositiveFloat, PositiveFloat]], Field(min_length=3)]
    """(beta, delta) of environments that LEADS' shared part doesn't see."""
    times: Annotated[int, Field(ge=12)]
    """Samples of a Lotka-Volterra orbit, 0.5 apart."""
    train_orbits: PositiveInt
    test_orbits: PositiveInt


class Train(Model):
    """Seen by the train step and those after it."""

    share: Annotated[float, Field(gt=0, lt=1)]
    """The beginning of each orbit is learnt from, the rest is what the networks are judged on."""
    delays: int
    """n, the length of a window."""
    arms: dict[Family, Rows]
    """Networks on Lorenz, each with its p: the sub-blocks of a structured network, or of that which a dense network has
    the widths of, or has as many parameters as."""
    steps: PositiveInt
    batch: PositiveInt
    lr: dict[Family, PositiveFloat]
    order: Literal["time", "shuffled"]
    """shuffled: the samples that are learnt from come in any order. Control."""
    draws: PositiveInt
    """Networks of each environment, whose logarithmic errors are averaged."""
    environment_blocks: PositiveInt
    environment_steps: PositiveInt
    environment_batch: PositiveInt
    leads_steps: PositiveInt
    leads_width: PositiveInt
    leads_lr: PositiveFloat
    leads_penalty: Annotated[float, Field(ge=0)]

    _check = field_validator("delays")(_power_of_two)

    @model_validator(mode="after")
    def _rates(self):
        if missing := sorted((set(self.arms) | {"structured"}) - set(self.lr)):
            raise ValueError(f"lr: give one for {', '.join(missing)}")
        return self


class Entropy(Model):
    """Seen by the entropy step."""

    sizes: Annotated[list[int], Field(min_length=3), Rising]
    """n at which parameters and operations are counted, rising."""
    slopes_from: PositiveInt
    """Exponents are those of the sizes from here on."""
    blocks: Rows
    factors: Literal["butterfly", "dense"]
    """dense: a learnt matrix in the place of each butterfly. Control."""
    matrix_sizes: Annotated[list[int], Field(min_length=3), Rising]
    matrix: Literal["hankel", "random"]
    twiddles: Literal["dft", "drawn"]
    """drawn: those of a network that has learnt nothing. Null."""

    @field_validator("sizes", "matrix_sizes")
    @classmethod
    def _sizes(cls, sizes):
        for size in sizes:
            _power_of_two(size)
        return sizes

    @model_validator(mode="after")
    def _enough(self):
        if sum(size >= self.slopes_from for size in self.sizes) < 2:
            raise ValueError("slopes_from: at least two of the sizes must reach it")
        return self


class Forecast(Model):
    """Seen by the forecast step."""

    networks: Literal["trained", "untrained"]
    environments: Literal["own", "other"]
    """other: each environment is forecast by the structured network of the next one. Control."""
    starts: Annotated[int, Field(ge=5)]
    horizon: Annotated[int, Field(ge=10)]
    """Steps of a free run."""
    threshold: PositiveFloat
    """A free run holds until x is off by so many standard deviations."""
    havok: Rows
    """Ranks."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        if self.train.delays % 2 or self.train.delays // 2 + 2 > self.simulate.times:
            raise ValueError(f"train.delays: half of {self.train.delays} must leave two of simulate.times")
        kept = round(self.simulate.samples * (1 - self.train.share))
        if kept < self.train.delays + self.forecast.horizon + self.forecast.starts:
            raise ValueError(f"forecast.horizon: the {kept} samples that are held out are too few for it")
        if max(self.forecast.havok) > self.train.delays or min(self.forecast.havok) < 2:
            raise ValueError("forecast.havok: ranks lie between 2 and train.delays")
        return self
