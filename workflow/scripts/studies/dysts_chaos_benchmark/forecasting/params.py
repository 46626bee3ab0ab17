"""Parameters of the forecasts: the series, and the forecasters with their knobs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from pesin.forecasters.entry import Forecaster
from pesin.params import Model
from studies.dysts_chaos_benchmark.systems_params import Systems


class Simulate(Model):
    systems: Systems
    own: list[str] = []
    points_per_period: PositiveInt
    tune_points: PositiveInt
    history_points: PositiveInt
    future_points: PositiveInt
    order: Literal["time", "shuffled"]
    """shuffled: the points of each series in random order, so that nothing can be foretold."""


class Train(Model):
    noise: NonNegativeFloat
    """Standard deviation of noise on the series that forecasters see, over that of the series."""
    updates: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of the updates that networks take; 0: untrained."""
    forecasters: Annotated[list[Forecaster], Field(min_length=1)]


class Params(Model):
    simulate: Simulate
    train: Train
