"""Types of the parameters of what is learned."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFile, Model, Rising

Drop = Annotated[float, Field(ge=0, lt=1)]


class Series(Model):
    """Spirals, left or right, and strokes of four kinds of Lissajous figures, at irregular times."""

    train: Annotated[int, Field(ge=8)]
    test: Annotated[int, Field(ge=8)]
    """Series of each seed."""
    points: Annotated[int, Field(ge=10)]
    noise: PositiveFloat
    drops: Annotated[list[Drop], Field(min_length=1)]
    """Shares of the points that are taken away."""
    dense: Annotated[int, Field(ge=20)]
    """Points of series without noise, of which half are dropped."""
    denser: PositiveInt
    """How many such series."""
    letters: DataFile | None = None
    """CharacterTrajectories_TRAIN.ts of https://www.timeseriesclassification.com: its first four letters take the place
    of the made-up strokes."""


class Predators(Model):
    """Lotka and Volterra's species: dx = 1.3 x - 0.9 x y, dy = 0.8 x y - 1.8 y."""

    points: Annotated[int, Field(ge=8)]
    """Observed over `horizon`; as many follow, unseen."""
    horizon: PositiveFloat
    noise: PositiveFloat
    """Relative to the value."""


class Relaxation(Model):
    """dX = (drift t - rate X) dt + noise dW, X(0) = 0."""

    drift: float
    rate: PositiveFloat
    noise: PositiveFloat
    times: Annotated[int, Field(ge=17)]
    """0, 1, 2, ..."""
    paths: Annotated[int, Field(ge=50)]


class Simulate(Model):
    """Seen by all steps."""

    seeds: Annotated[int, Field(ge=3)]
    series: Series
    predators: Predators
    relaxation: Relaxation


class Fit(Model):
    """Size and training of one panel's networks."""

    width: PositiveInt
    updates: PositiveInt
    rate: PositiveFloat
    """Largest learning rate; it falls along half a cosine."""
    steps: PositiveInt = 1
    """Of the solver over the whole time (crossing, controlled); points ahead (predators); times between two at which
    the laws are compared (relaxation)."""


class Crossing(Fit):
    """The map x -> -x."""

    points: Annotated[int, Field(ge=8)]
    """Even ones in [-1, 1]."""


class Batched(Fit):
    """One that draws some of the series or paths for each update; the others look at all points."""

    batch: PositiveInt


class Train(Model):
    """Seen by the train step and those after it."""

    crossing: Crossing
    predators: Fit
    controlled: Batched
    recurrent: Batched
    relaxation: Batched
    code: Annotated[int, Field(ge=2)]
    """Dimensions of the controlled equation."""


class Entropy(Model):
    """Seen by the entropy step."""

    paths: Annotated[int, Field(ge=20)]
    """Along which the relative entropy is taken."""


class Forecast(Model):
    """Seen by the forecast step."""

    trained: bool
    """false: networks as they were drawn. Null."""
    aided: bool
    """Control if false: no added dimension, no known mechanism, a path of time alone, no noise."""
    finer: Annotated[int, Field(ge=2)]
    """Times the steps of training: the crossing flow is judged with so many."""
    threshold: PositiveFloat
    """Of the sparse regression."""
    paths: Annotated[int, Field(ge=50)]
    """Of the learned process."""
    times: Annotated[list[PositiveInt], Field(min_length=3), Rising]
    """At which its law is judged."""
    lags: Annotated[list[PositiveInt], Field(min_length=1), Rising]


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fits(self):
        last = self.simulate.relaxation.times - 1
        if self.forecast.times[-1] > last or self.forecast.lags[-1] >= last:
            raise ValueError(f"forecast: times and lags must lie within simulate.relaxation.times, which end at {last}")
        if self.train.controlled.batch > self.simulate.series.train:
            raise ValueError("train.controlled.batch: a batch is larger than simulate.series.train")
        if self.train.predators.steps >= self.simulate.predators.points:
            raise ValueError("train.predators.steps: so many points ahead are more than simulate.predators.points")
        return self
