"""The last value, for ever."""

from __future__ import annotations

import numpy as np

from pesin.forecasters.common import checked

NAME = "Persistence"
FAMILY = "baseline"


def fit(history: np.ndarray) -> np.ndarray:
    """Return the last point: (series, time, dim) -> (series, 1, dim)."""
    return checked(NAME, history)[:, -1:]


def forecast(state: np.ndarray, steps: int) -> np.ndarray:
    """Repeat it: shape (series, steps, dim)."""
    return np.repeat(state, steps, 1)
