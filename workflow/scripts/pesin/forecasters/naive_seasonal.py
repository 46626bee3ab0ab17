"""The last period of the history, over and over."""

from __future__ import annotations

import numpy as np

from pesin.forecasters.common import checked

NAME = "NaiveSeasonal"
FAMILY = "naive"


def fit(history: np.ndarray, *, period: float) -> np.ndarray:
    """Return the last round(period) points: (series, time, dim) -> (series, period, dim)."""
    lag = round(period)
    history = checked(NAME, history, lag, lag)
    return history[:, -lag:]


def forecast(state: np.ndarray, steps: int) -> np.ndarray:
    """Repeat them: shape (series, steps, dim)."""
    return state[:, np.arange(steps) % state.shape[1]]
