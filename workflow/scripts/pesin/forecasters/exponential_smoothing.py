"""Exponential smoothing with an additive trend, coordinate by coordinate (statsforecast's ETS(A,A,N)).

The additive season is taken off by classical decomposition before and put back after. Holt and Winters' own way, a
smoothed value for each phase, has 100 starting values to fit at 100 points per period: twenty times slower in
statsforecast, and its search stops far from the optimum.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pesin.forecasters.common import checked, columns, deseasonalise, from_columns, limits, season, standardise

NAME = "ExponentialSmoothing"
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
    """Fit level, trend and their smoothing constants by maximum likelihood.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    period
        Points per season.
    seasonality
        "additive" or "none".

    Returns
    -------
    State

    Raises
    ------
    UserError
        If the history is shorter than 10 points, or two seasons.
    """
    from statsforecast.ets import ets_f

    lags = round(period) if seasonality == "additive" else 1
    z, mean, deviation = standardise(checked(NAME, history, max(10, 2 * lags), lags))
    rest, figure = deseasonalise(columns(z), period, seasonality)
    models = [ets_f(row, m=1, model="AAN", damped=False) for row in rest]
    return State(models, figure, history.shape[1], *limits(z), mean, deviation)


def forecast(state: State, steps: int) -> np.ndarray:
    """Continue level and trend, clipped: shape (series, steps, dim)."""
    from statsforecast.ets import forecast_ets

    path = np.stack([forecast_ets(model, steps)["mean"] for model in state.models])
    path = from_columns(path + season(state.figure, state.time, steps), state.low.shape[1])
    z = np.clip(path, state.low[:, None], state.high[:, None])
    return z * state.deviation + state.mean
