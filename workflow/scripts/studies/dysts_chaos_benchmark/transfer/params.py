"""Parameters of transfer learning: the tasks, the pool to pre-train on, and the encoders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model

Names = Annotated[list[str], Field(min_length=1)]


class Task(Model):
    """A classification task: which system a series comes from, or at which value of a parameter it was made."""

    systems: Names
    """The classes, or the one system whose parameter tells them apart."""
    parameter: str | None = None
    values: list[float] = []
    """Values of the parameter, one for each class."""

    @model_validator(mode="after")
    def _classes(self):
        classes = len(self.values) if self.parameter else len(self.systems)
        if classes < 2 or (self.parameter and len(self.systems) > 1) or (self.values and not self.parameter):
            raise ValueError("give two systems or more, or one system with a parameter and two values of it or more")
        return self


class Simulate(Model):
    tasks: Annotated[list[Task], Field(min_length=3)]
    train_series: PositiveInt
    """Labelled series of each class."""
    test_series: PositiveInt
    length: PositiveInt
    """Points of a series."""
    points_per_period: tuple[PositiveFloat, PositiveFloat]
    """Range that each task's sampling is drawn from, uniform in its logarithm."""
    noise: NonNegativeFloat
    """Standard deviation of the observation noise, in standard deviations of the signal."""
    pool: PositiveInt
    """Systems to pre-train on: none that a task uses, evenly spaced in the alphabet."""
    pool_without: list[str]
    """Systems left out of the pool: driven ones, and those that take seconds to integrate."""
    pool_periods: PositiveInt
    pool_points_per_period: PositiveInt


class Train(Model):
    windows: Literal["kept", "shuffled"]
    """shuffled: the points of each pre-training window in random order, which leaves no timescale to match."""
    window: PositiveInt
    """Points of a pre-training window."""
    random_periods: tuple[PositiveFloat, PositiveFloat]
    """Range of the points per period that each pre-training system gets, uniformly, in the random-timescale arm."""
    steps: NonNegativeInt
    """Updates; 0: untrained."""
    batch: PositiveInt
    learning_rate: PositiveFloat
    alphas: tuple[PositiveFloat, PositiveFloat, PositiveInt]
    """Ridge penalties that cross-validation chooses from: smallest, largest, how many."""

    @model_validator(mode="after")
    def _whole(self):
        if self.window % 3:
            raise ValueError("window must be a multiple of 3, the encoder's stride")
        return self


class Params(Model):
    """Autoencoders, pre-trained on chaotic systems, that make features for classifying series of other systems."""

    simulate: Simulate
    train: Train
