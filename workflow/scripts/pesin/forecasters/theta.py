"""The Theta method, coordinate by coordinate (statsforecast's standard theta model).

Mean of a straight line and of simple exponential smoothing of the series with its curvature doubled (theta = 2):
Assimakopoulos and Nikolopoulos, Int. J. Forecasting 16, 521 (2000).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pesin.forecasters.common import checked, columns, deseasonalise, from_columns, limits, season, standardise

NAME = "Theta"
FAMILY = "classical"


class State(NamedTuple):
    """Of the standardised points: statsforecast's models, one a column, seasonal figures (column, phase), points seen,
    limits (series, dim). Their mean and deviation (series, 1, dim)."""

    models: list[dict[str, Any]]
    figure: np.ndarray
    time: int
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray


def fit(history: np.ndarray, *, period: float, seasonality: str = "none") -> State:
    """Fit the line and the smoothing constant.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    period
        Points per season.
    seasonality
        "additive" (taken off by classical decomposition before, put back after) or "none".

    Returns
    -------
    State

    Raises
    ------
    UserError
        If the history is shorter than 4 points, or two seasons.
    """
    from statsforecast.theta import auto_theta

    lags = round(period) if seasonality == "additive" else 1
    z, mean, deviation = standardise(checked(NAME, history, max(4, 2 * lags), lags))
    rest, figure = deseasonalise(columns(z), period, seasonality)
    models = [auto_theta(row, m=1, model="STM") for row in rest]
    return State(models, figure, history.shape[1], *limits(z), mean, deviation)


def forecast(state: State, steps: int) -> np.ndarray:
    """Continue, clipped: shape (series, steps, dim)."""
    from statsforecast.theta import forecast_theta

    path = np.stack([forecast_theta(model, steps)["mean"] for model in state.models])
    path = from_columns(path + season(state.figure, state.time, steps), state.low.shape[1])
    z = np.clip(path, state.low[:, None], state.high[:, None])
    return z * state.deviation + state.mean
