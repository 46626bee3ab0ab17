"""Parameters of the trajectories that are integrated twice."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from pesin.params import Model
from studies.dysts_chaos_benchmark.systems_params import Direction


class Simulate(Model):
    systems: Annotated[list[str], Field(min_length=3)]
    lyapunov_times: PositiveFloat
    """Length of a trajectory, by the recomputed exponent."""
    coarse: PositiveInt
    """Points in a period of the coarse series."""
    finer: Annotated[int, Field(ge=2)]
    """Points of the fine series for each of the coarse one."""
    tolerance: PositiveFloat
    direction: Direction


class Params(Model):
    simulate: Simulate
