"""Parameters of the networks, their training and their scores."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model
from studies.lagrangian_pinn.problems import Problem, Problems


class Train(Model):
    """Seen by train and later steps."""

    seeds: PositiveInt
    width: PositiveInt
    layers: PositiveInt
    path_width: PositiveInt
    path_layers: PositiveInt
    """Of the branch that gives the characteristics."""
    collocation: PositiveInt
    """Points of the residual in an update, drawn anew each time, the same for all networks of a seed."""
    initial: PositiveInt
    """Points of the condition at the start, in an update."""
    initial_weight: PositiveFloat
    path_weight: dict[Problem, PositiveFloat]
    """Of the residual of the characteristics in the loss."""
    steps: PositiveInt
    lr: PositiveFloat


class Forecast(Model):
    """Seen by the forecast step."""

    networks: Literal["trained", "untrained"]
    """untrained: the networks before training. Null."""
    slow: bool
    """true: networks and fields of each problem's slowest wave stand in the place of all others. Control."""
    moving: bool
    """false: the characteristics of the Lagrangian networks stay where they start, and the network of the whole time
    stands in the place of those of windows. Control."""
    every: PositiveInt
    """Every how many-th place of the grid a network is asked at."""
    points: PositiveInt
    """At which the loss is taken whose curvature is measured."""
    probes: PositiveInt
    iterations: PositiveInt
    """Starts and length of the power iteration."""
    reach: PositiveFloat
    """How far the landscape goes along an eigenvector of length 1."""
    lattice: Annotated[int, Field(ge=3)]
    """Points of the landscape along an edge."""


class Params(Model):
    """Parameters of one case."""

    problems: Problems
    train: Train
    forecast: Forecast

    @model_validator(mode="after")
    def _fits(self):
        if self.problems.points % self.forecast.every:
            raise ValueError(f"forecast.every: {self.forecast.every} doesn't divide the {self.problems.points} points")
        if self.train.steps < self.problems.windows:
            raise ValueError("train.steps: each window needs an update at least")
        for name in ("sine", "burgers"):
            if name not in self.train.path_weight:
                raise ValueError(f"train.path_weight: it must name {name}")
        return self
