"""Nonlinear vector autoregression as the papers ran it: order 1, that is linear, on raw values.

Gauthier et al., Nat. Commun. 12, 5564 (2021), has products of the delays as well: see `quadratic_nvar`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.forecasters.common import checked, lagged, limits, ridge_regression, roll

NAME = "NVAR"
FAMILY = "hybrid"


class State(NamedTuple):
    """Coefficients (series, 1 + delay * dim, dim), the constant's first, then newest delay first; last points (series,
    delay, dim); limits (series, dim)."""

    coefficients: np.ndarray
    past: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit(history: np.ndarray, *, delay: int = 15, ridge: float = 1e-4) -> State:
    """Regress each point on the `delay` points before.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    delay
        Points that are features.
    ridge
        Penalty on all coefficients, the constant's included.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If there are fewer than delay + 1 points.
    """
    history = checked(NAME, history, delay + 1, delay)
    features, targets = lagged(history, delay)
    features = np.concatenate([np.ones_like(features[..., :1]), features], -1)
    return State(ridge_regression(features, targets, ridge), history[:, -delay:], *limits(history))


def forecast(state: State, steps: int) -> np.ndarray:
    """Continue recursively, clipped: shape (series, steps, dim)."""

    def predict(window):
        features = window[:, ::-1].reshape(len(window), 1, -1)
        return (features @ state.coefficients[:, 1:] + state.coefficients[:, :1])[:, 0]

    return roll(predict, state.past, steps, state.low, state.high)
