"""Types of the parameters of the thermoacoustic forecasts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFile, Model, Rising, Share

Sensors = Literal["all", "no_dynamic_pressure", "no_oh", "no_pressure", "no_injector", "dynamic_pressure", "commands"]
NEEDED = {"all", "no_dynamic_pressure", "no_oh", "no_pressure", "no_injector", "commands"}
Networks = Literal["trained", "untrained"]
"""Whose predictions are judged; untrained: the networks as they were before the first update. Null."""

Precursor = Literal["variance", "autocorrelation", "permutation entropy"]


class Simulate(Model):
    """Seen by all steps."""

    seeds: Annotated[int, Field(ge=3)]
    """Campaigns, each of runs and networks of its own: the independent unit."""
    train_runs: Annotated[int, Field(ge=3)]
    test_runs: Annotated[int, Field(ge=2)]
    """Runs of a campaign that no network sees."""
    duration: Annotated[float, Field(ge=5)]
    """Of a run, in s."""
    scatter: NonNegativeFloat
    """Standard deviation of the hidden offset of each run."""
    subcritical: bool
    """Whether the bifurcation is subcritical: an abrupt onset."""
    source: DataFile | None = None
    """NetCDF with recorded runs: hfA, oh, pc, tinj, mo, mh of dimensions (run, time), 5 ms apart. None: the model."""


class Train(Model):
    """Seen by the train step and those after it."""

    sizes: Annotated[list[PositiveInt], Field(min_length=3), Rising]
    """Numbers of training runs; the last is all of them, on which every set of sensors is tried."""
    sets: Annotated[list[Sensors], Field(min_length=6)]
    """Sensors that networks are given beside the commands."""
    sensors: Literal["own", "other_run"]
    """other_run: the sensors are another run's, so that they say nothing of this one. Control."""
    members: Annotated[int, Field(ge=2)]
    """Networks of an ensemble."""
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    batch: PositiveInt
    steps: PositiveInt
    lr: PositiveFloat
    """At the first update; it falls as half a cosine."""
    anchor: NonNegativeFloat
    """Weight of the squared distance from the anchors, over the number of training windows."""
    beta: Annotated[float, Field(ge=0, le=1)]
    """Power of its predicted variance by which a window weighs in the loss; 0: negative log likelihood."""
    floor: PositiveFloat
    """Least standard deviation that a network can predict, in standard deviations of the target."""
    ceiling: PositiveFloat
    """Largest one."""


class Failure(Model):
    """What a failed sensor says: a level and white noise."""

    level: float | Literal["median"]
    """In units of the amplitude; median: of the training runs."""
    noise: NonNegativeFloat


class Entropy(Model):
    """Seen by the entropy step."""

    networks: Networks
    widths: PositiveFloat
    """Predicted deviations are taken so many times as large. Control: smaller."""
    failures: dict[Literal["out_of_range", "zero", "noise", "inside"], Failure]
    """Ways in which the dynamic pressure sensor fails."""
    points: Annotated[int, Field(ge=8)]
    """Of the quadrature of the mixture's entropy."""
    every: PositiveInt
    """The information is taken of each such window."""


class Forecast(Model):
    """Seen by the forecast step."""

    networks: Networks
    ensemble: Literal["members", "copies"]
    """copies: the deterministic network stands in for all members. Control."""
    alarm: Share
    """Share of the quiet training windows in which an alarm may be given; the level is set by it."""
    precursors: list[Precursor]
    """Classic signs of an onset that are shown beside the forecasts."""
    explained: Annotated[int, Field(ge=10)]
    """Test windows of each campaign whose attributions are taken."""
    path: Annotated[int, Field(ge=4)]
    """Points of the quadrature along the path of integrated gradients."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        if self.train.sizes[-1] != self.simulate.train_runs:
            raise ValueError(
                f"train.sizes: the last must be simulate.train_runs, {self.simulate.train_runs}, it is"
                f" {self.train.sizes[-1]}"
            )
        if missing := sorted(NEEDED - set(self.train.sets)):
            raise ValueError(f"train.sets: the claims need {', '.join(missing)} too")
        if len(set(self.train.sets)) < len(self.train.sets):
            raise ValueError("train.sets: a set stands there twice")
        if self.train.floor >= self.train.ceiling:
            raise ValueError("train.floor must lie below train.ceiling")
        if "out_of_range" not in self.entropy.failures:
            raise ValueError("entropy.failures: the claims need out_of_range")
        return self
