"""The straight line through the first and the last point of the history."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.forecasters.common import checked, limits

NAME = "NaiveDrift"
FAMILY = "naive"


class State(NamedTuple):
    """Last point and slope per step (series, 1, dim), and the limits (series, dim)."""

    last: np.ndarray
    slope: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit(history: np.ndarray) -> State:
    """Take the slope from a history (series, time, dim)."""
    history = checked(NAME, history, 2, 1)
    slope = (history[:, -1:] - history[:, :1]) / (history.shape[1] - 1)
    return State(history[:, -1:], slope, *limits(history))


def forecast(state: State, steps: int) -> np.ndarray:
    """Continue the line, clipped: shape (series, steps, dim)."""
    path = state.last + state.slope * np.arange(1, steps + 1)[:, None]
    return np.clip(path, state.low[:, None], state.high[:, None])
