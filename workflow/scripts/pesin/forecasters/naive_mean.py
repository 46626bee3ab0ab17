"""The mean of the history, for ever."""

from __future__ import annotations

import numpy as np

from pesin.forecasters.common import checked

NAME = "NaiveMean"
FAMILY = "naive"


def fit(history: np.ndarray) -> np.ndarray:
    """Return the mean of each coordinate: (series, time, dim) -> (series, 1, dim)."""
    return checked(NAME, history).mean(1, keepdims=True)


def forecast(state: np.ndarray, steps: int) -> np.ndarray:
    """Repeat it: shape (series, steps, dim)."""
    return np.repeat(state, steps, 1)
