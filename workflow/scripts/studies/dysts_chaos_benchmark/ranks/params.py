"""Parameters of the comparison of ranks."""

from __future__ import annotations

from typing import Literal

from pesin.params import Model


class Forecast(Model):
    labels: Literal["kept", "shuffled"]
    """shuffled: the forecasters change their names in each condition."""


class Params(Model):
    forecast: Forecast
