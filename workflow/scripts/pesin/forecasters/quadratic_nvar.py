"""Nonlinear vector autoregression of order 2: delays and all their products, on standardised values.

The features of Gauthier et al., Nat. Commun. 12, 5564 (2021), predicting the increment. On noise-free orbits of
quadratic flows it is close to an exact integrator.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.forecasters.common import checked, lagged, limits, ridge_regression, roll, standardise

NAME = "NVAR-2"
FAMILY = "baseline"


class State(NamedTuple):
    """Coefficients (series, features, dim) of the increments; points between delays; last standardised points (series,
    window, dim); mean and deviation (series, 1, dim); limits of the standardised points (series, dim)."""

    coefficients: np.ndarray
    stride: int
    past: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit(history: np.ndarray, *, delay: int = 3, stride: int = 1, ridge: float = 1e-6) -> State:
    """Regress each increment on the delays and their products.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    delay
        Number of delays.
    stride
        Points from one delay to the next.
    ridge
        Penalty on all coefficients.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If there are fewer points than the delays reach back, and one.
    """
    window = (delay - 1) * stride + 1
    history = checked(NAME, history, window + 1, window)
    z, mean, deviation = standardise(history)
    windows, targets = lagged(z, delay, stride)
    increments = targets - windows[..., : z.shape[2]]
    return State(
        ridge_regression(quadratic(windows), increments, ridge), stride, z[:, -window:], mean, deviation, *limits(z)
    )


def quadratic(windows: np.ndarray) -> np.ndarray:
    """A constant, the values, and their products: (..., n) -> (..., 1 + n + n (n + 1) / 2)."""
    i, j = np.triu_indices(windows.shape[-1])
    return np.concatenate([np.ones_like(windows[..., :1]), windows, windows[..., i] * windows[..., j]], -1)


def forecast(state: State, steps: int) -> np.ndarray:
    """Continue recursively, clipped: shape (series, steps, dim)."""

    def predict(window):
        features = quadratic(window[:, :: -state.stride].reshape(len(window), 1, -1))
        return window[:, -1] + (features @ state.coefficients)[:, 0]

    return roll(predict, state.past, steps, state.low, state.high) * state.deviation + state.mean
