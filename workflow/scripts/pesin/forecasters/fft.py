"""The strongest Fourier components of the history, continued, coordinate by coordinate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.forecasters.common import checked, limits

NAME = "FFT"
FAMILY = "classical"


class State(NamedTuple):
    """Filtered history (series, time, dim), which repeats; trend coefficients (degree + 1, series, dim), highest power
    first; limits (series, dim)."""

    cycle: np.ndarray
    trend: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit(history: np.ndarray, *, period: float, frequencies: int = 10, degree: int = 0) -> State:
    """Detrend and keep the largest components.

    The history is cut to its last whole number of periods first, so that the dominant frequency is one of the
    transform's.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    period
        Points per dominant period.
    frequencies
        Components kept in each coordinate.
    degree
        Of the polynomial trend taken off before and added back after; 0 is the mean.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If the history is shorter than a period.
    """
    history = checked(NAME, history, round(period), round(period))
    low, high = limits(history)
    x = history[:, -round(history.shape[1] // period * period) :]
    time = x.shape[1]
    clock = np.arange(time)
    trend = np.polyfit(clock, x.transpose(1, 0, 2).reshape(time, -1), degree).reshape(degree + 1, len(x), -1)
    spectrum = np.fft.rfft(x - _polynomial(trend, clock), axis=1)
    rank = np.argsort(np.argsort(-np.abs(spectrum), axis=1, kind="stable"), axis=1)
    return State(np.fft.irfft(np.where(rank < frequencies, spectrum, 0), time, axis=1), trend, low, high)


def _polynomial(trend: np.ndarray, clock: np.ndarray) -> np.ndarray:
    return np.moveaxis(sum(c[..., None] * clock**k for k, c in enumerate(trend[::-1])), -1, 1)


def forecast(state: State, steps: int) -> np.ndarray:
    """Continue trend and cycle, clipped: shape (series, steps, dim)."""
    time = state.cycle.shape[1]
    clock = time + np.arange(steps)
    path = state.cycle[:, clock % time] + _polynomial(state.trend, clock)
    return np.clip(path, state.low[:, None], state.high[:, None])
