"""Types of the parameters of the learned samplers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator, model_validator

from pesin.params import Model

Law = Literal["blob", "circles", "checker"]
CLOSED = ("blob", "checker")
"""Laws whose noised score is known."""
Seeds = Annotated[int, Field(ge=3)]


class Simulate(Model):
    """Seen by all steps."""

    law: Law
    seeds: Seeds
    samples: Annotated[int, Field(ge=100)]
    """Points of each generated cloud, and of each cloud of data that the sampling floor is of."""
    truth: PositiveInt
    """Points of the cloud that stands for the law of the data."""


class Train(Model):
    """Seen by the train step and those after it."""

    weights: Annotated[list[NonNegativeFloat], Field(min_length=3)]
    """Of the Fokker-Planck residual in the loss, the first one zero."""
    horizon: PositiveFloat
    start: PositiveFloat
    """Time at which learning and sampling begin, above zero."""
    width: PositiveInt
    layers: PositiveInt
    sharpness: PositiveFloat
    """Of the softplus activation."""
    loss: Literal["plain", "by_variance"]
    """plain: |score + z / sd|^2; by_variance: sd^2 times that. Ablation."""
    batch: Annotated[int, Field(ge=2, multiple_of=2)]
    collocation: PositiveInt
    """Points at which the residual is asked to vanish in each update."""
    reach: PositiveFloat
    """Half the edge of the square that they are drawn from."""
    steps: PositiveInt
    schedule: Literal["one_cycle", "official"]
    """one_cycle: up to lr over three tenths of the steps, then down; official: lr, lr / 10 from a quarter on, lr / 100
    in the last tenth."""
    lr: PositiveFloat

    @field_validator("weights")
    @classmethod
    def _rising_from_zero(cls, weights):
        if weights[0] != 0 or any(b <= a for a, b in zip(weights[:-1], weights[1:], strict=True)):
            raise ValueError("the weights must rise, and begin with 0")
        return weights

    @model_validator(mode="after")
    def _in_order(self):
        if self.start >= self.horizon:
            raise ValueError(f"start: {self.start} is not before the horizon {self.horizon}")
        return self


class Entropy(Model):
    """Seen by the entropy step."""

    neighbours: PositiveInt
    points: Annotated[int, Field(ge=50)]
    """Of each cloud that a likelihood is computed for."""
    steps: PositiveInt
    """Of Heun's method along the flow, on the quadratic grid of times."""
    times: Annotated[list[PositiveFloat], Field(min_length=2)]
    """At which the entropy of the flow is compared with the integral of its divergence."""


class Forecast(Model):
    """Seen by the forecast step."""

    score: Literal["learned", "exact", "untrained"]
    """Whose score the samplers follow. exact: the closed form, control; untrained: networks before training, null."""
    penalised: bool
    """false: the networks of weight zero are judged in place of all. Control."""
    steps: Annotated[int, Field(ge=11)]
    grid: Literal["quadratic", "official"]
    coarse: list[Annotated[int, Field(ge=11)]]
    """Numbers of steps, fewer than `steps`, at which the gap is looked at too."""
    chunk: PositiveInt
    """Points of each run that go through a sampler at once."""
    keep: PositiveInt
    """Points of each cloud that the result keeps."""
    bins: Annotated[int, Field(ge=4)]
    edge: PositiveFloat
    """Half the edge of the square that the histograms cover. What lies outside is left out of `inside`, and
    stands in the outermost bins of `all`."""
    floors: Annotated[int, Field(ge=2)]
    """Pairs of data clouds of each seed that the sampling floor is the mean of."""
    directions: PositiveInt
    """Of the sliced distance."""
    collocation: PositiveInt
    """Points at which the residual is measured."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _closed_where_exact(self):
        if self.forecast.score == "exact" and self.simulate.law not in CLOSED:
            raise ValueError(
                f"forecast.score: the exact score is known of {' and '.join(CLOSED)}, not of {self.simulate.law}"
            )
        if max(self.entropy.times) >= self.train.horizon or min(self.entropy.times) <= self.train.start:
            raise ValueError("entropy.times: they must lie between train.start and train.horizon")
        return self
