"""Parameters of the scores, and what a control takes away."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from pesin.params import Model


class Forecast(Model):
    short: PositiveInt
    """Points of the short forecast."""
    bins: PositiveInt
    """Bins of the lead in curves of the error."""
    later: Annotated[float, Field(gt=0, lt=1)]
    """How much later the wrong future of a control begins, as a share of the future."""
    effect: Literal["kept", "later_future", "chaos_alone", "shuffled", "constant"]
    """What a control takes away; constant: every model is the history's mean, and takes the same time."""
    chaos_per_period: NonNegativeFloat
    """A system counts as chaotic by its spectrum, and if its exponent exceeds so many nats in a period: the Lyapunov
    time of a slower one is longer than the forecast."""
    lyapunov_times: Annotated[list[PositiveFloat], Field(min_length=1)]
    """Valid prediction times that are asked for."""
    scarce: PositiveInt
    """Histories of at most so many points count as scarce."""
    resamples: PositiveInt
    """Bootstrap draws of systems."""


class Params(Model):
    forecast: Forecast
