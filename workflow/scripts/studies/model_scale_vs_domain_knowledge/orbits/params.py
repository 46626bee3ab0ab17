"""Parameters of the orbits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from pesin.params import Model


class Simulate(Model):
    kinds: Annotated[list[Literal["flow", "delay"]], Field(min_length=1)]
    """Which systems of the zoo."""
    systems: list[str] | None = None
    """Names of those to take; all of these kinds if left out."""
    points_per_period: PositiveInt
    """Samples in a dominant period."""
    tune_points: PositiveInt
    """Length of the orbit on which knobs are chosen."""
    history_points: PositiveInt
    future_points: PositiveInt


class Params(Model):
    simulate: Simulate
