"""Parameters of the comparison of ranks."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from pesin.params import Model


class Forecast(Model):
    labels: Literal["kept", "shuffled"]
    """shuffled: on each system the forecasters change their names in each condition."""
    forecaster: str
    """Whose error noise should raise."""
    resamples: PositiveInt
    """Draws of systems with replacement, for the interval of a rank correlation."""


class Params(Model):
    forecast: Forecast
