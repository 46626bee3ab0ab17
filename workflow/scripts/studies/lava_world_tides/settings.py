"""What several experiments share beside the tides: types of parameters, output times, what a lost run stands for."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, PositiveFloat

Range = tuple[PositiveFloat, PositiveFloat]
Levels = Annotated[list[PositiveFloat], Field(min_length=1)]
Eccentricities = Annotated[list[Annotated[float, Field(ge=0, lt=0.4)]], Field(min_length=1)]
FAILED = "a run whose integration failed"  # what a missing value stands for


def output_years(first: float, end: float, outputs: int) -> np.ndarray:
    """0 and logarithmically spaced years."""
    return np.r_[0, np.logspace(np.log10(first), np.log10(end), outputs)]
