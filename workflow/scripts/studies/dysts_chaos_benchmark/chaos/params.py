"""Parameters of the comparison of scores with exponents."""

from __future__ import annotations

from typing import Literal

from pesin.params import Model


class Forecast(Model):
    exponents: Literal["measured", "shuffled"]
    """shuffled: each system gets the exponents of another one."""
    forecaster: str
    """Whose error should follow chaos."""


class Params(Model):
    forecast: Forecast
