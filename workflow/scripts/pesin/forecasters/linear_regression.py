"""Least squares on the last points of all coordinates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.forecasters.common import checked, lagged, limits, roll, standardise

NAME = "LinearRegression"
FAMILY = "regression"


class State(NamedTuple):
    """Coefficients (series, lags * dim, dim), newest lag first, of the standardised points; last of these (series,
    lags, dim); mean and deviation (series, 1, dim); limits of the standardised points (series, dim)."""

    coefficients: np.ndarray
    past: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit(history: np.ndarray, *, lags: int = 25) -> State:
    """Regress each point of a history (series, time, dim) on a constant and the `lags` points before.

    Where the history doesn't determine the coefficients, the smallest ones are taken.

    Raises
    ------
    UserError
        If there are fewer than lags + 1 points.
    """
    history = checked(NAME, history, lags + 1, lags)
    z, mean, deviation = standardise(history)
    features, targets = lagged(z, lags)
    features = np.concatenate([features, np.ones_like(features[..., :1])], -1)
    coefficients = np.stack([np.linalg.lstsq(f, y)[0] for f, y in zip(features, targets, strict=True)])
    return State(coefficients, z[:, -lags:], mean, deviation, *limits(z))


def forecast(state: State, steps: int) -> np.ndarray:
    """Continue recursively, clipped: shape (series, steps, dim)."""

    def predict(window):
        features = window[:, ::-1].reshape(len(window), 1, -1)
        return (features @ state.coefficients[:, :-1] + state.coefficients[:, -1:])[:, 0]

    return roll(predict, state.past, steps, state.low, state.high) * state.deviation + state.mean
