"""Parameters of the forecasts: the forecasters with their knobs, systems and lengths of history."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from pesin.forecasters.entry import Forecaster
from pesin.params import Model


class Fitted(Forecaster):
    seeds: Annotated[int, Field(ge=1, le=100)] = 1
    """Independent fits of each system."""
    share_of_updates: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the updates of the size whose fitting time is wanted: that time is the measured one divided by it."""


class Train(Model):
    systems: list[str] | None = None
    """Names of the systems to forecast; all if left out."""
    without: list[str] = []
    """Names left out of them."""
    forecasters: Annotated[list[Fitted], Field(min_length=1)]
    lengths: Annotated[list[PositiveInt], Field(min_length=1)]
    """Numbers of points of history, the last ones before the forecast, longest first."""
    steps: PositiveInt
    """Points to forecast."""


class Params(Model):
    train: Train
