"""How a study's yaml names a forecaster."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from pesin.params import Model


class Forecaster(Model):
    """One forecaster: its file, the knobs to choose among for each system, and those that stay."""

    file: str
    """Defines NAME, FAMILY, fit(history, ...) and forecast(state, steps); below workflow/scripts, or yours, below the
    project."""
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    """Knob -> values, chosen for each system on the series for tuning."""
    fixed: dict[str, Any] = {}
    """Knob -> value."""
