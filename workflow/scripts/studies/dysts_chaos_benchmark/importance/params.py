"""Parameters of importance sampling: the series, and the networks with their start points."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model


class Simulate(Model):
    systems: Annotated[list[str], Field(min_length=3)]
    points_per_period: PositiveInt
    transient: PositiveInt
    """Periods before the history."""
    history: PositiveInt
    """Points of the training series."""
    context: Annotated[int, Field(ge=2)]
    """Points that a network sees before a future."""
    horizon: PositiveInt
    """Points that are forecast."""
    tests: PositiveInt
    """Futures of each system that are forecast, with their contexts one after the other behind the history."""


class Train(Model):
    weights: Literal["kept", "permuted"]
    """permuted: the sampling weights go to random start points, which leaves their spread and takes their meaning."""
    window: Annotated[int, Field(ge=2)]
    """Points that the network sees before the one it predicts."""
    hidden: PositiveInt
    layers: PositiveInt
    batch: PositiveInt
    learning_rate: PositiveFloat
    rounds: Annotated[int, Field(ge=2)]
    round_steps: NonNegativeInt
    """Updates in each round (0: untrained); full training gets `full_factor` times as many in all."""
    full_factor: PositiveInt
    trajectories: PositiveInt
    """New trajectories of each round."""
    trajectory_length: PositiveInt
    discarded: NonNegativeInt
    """First points of a new trajectory that are not used."""
    jitter: NonNegativeFloat
    """A start point is moved by at most this, in standard deviations of each coordinate."""
    power: PositiveFloat
    """The chance of a start point goes with its smoothed squared error to this power."""
    smoothing: Annotated[int, Field(ge=5)]
    """Points in the window of the cubic filter that smooths the squared error, odd."""

    @model_validator(mode="after")
    def _odd(self):
        if not self.smoothing % 2:
            raise ValueError("smoothing must be odd")
        return self


class Params(Model):
    """LSTMs trained on the whole history, on trajectories from start points that are hard, or from random ones."""

    simulate: Simulate
    train: Train

    @model_validator(mode="after")
    def _fits(self):
        shortest = min(self.simulate.history, self.train.trajectory_length)
        if self.train.window >= shortest:
            raise ValueError("train.window must be shorter than the history and than train.trajectory_length")
        if self.train.smoothing > self.simulate.history - self.train.window:
            raise ValueError("train.smoothing must not exceed simulate.history - train.window")
        return self
