"""4Theta, coordinate by coordinate: the Theta method with theta chosen by its error in sample.

E. Spiliotis, V. Assimakopoulos and S. Makridakis, Eur. J. Oper. Res. 284, 550 (2020). Of its variants only the additive
one with a linear trend: the multiplicative ones and the exponential trend need positive series.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.forecasters.common import checked, columns, deseasonalise, from_columns, limits, season

NAME = "FourTheta"
FAMILY = "classical"
ALPHAS = np.linspace(0.02, 1.0, 50)  # smoothing constants to choose from


class State(NamedTuple):
    """Trend lines (2, column) with the slope first, smoothed levels and thetas (column,), seasonal figures (column,
    phase), points seen, limits (series, dim)."""

    line: np.ndarray
    level: np.ndarray
    theta: np.ndarray
    figure: np.ndarray
    time: int
    low: np.ndarray
    high: np.ndarray


def fit(
    history: np.ndarray, *, period: float, seasonality: str = "none", thetas: tuple = (1.0, 1.5, 2.0, 2.5, 3.0)
) -> State:
    """Fit the trend line and, for each theta, the smoothing constant; keep the theta of smallest absolute error.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    period
        Points per season.
    seasonality
        "additive" (taken off by classical decomposition before, put back after) or "none".
    thetas
        Multiples of the curvature to choose from; at least 1.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If the history is shorter than 3 points, or two seasons.
    """
    lags = round(period) if seasonality == "additive" else 1
    history = checked(NAME, history, max(3, 2 * lags), lags)
    y, figure = deseasonalise(columns(history), period, seasonality)
    time, kinds = y.shape[1], np.array(thetas)[:, None, None]
    clock = np.arange(time)
    line = np.polyfit(clock, y.T, 1)
    trend = line[0][:, None] * clock + line[1][:, None]
    ahead, level = _smooth(kinds * y + (1 - kinds) * trend)
    error = np.abs(y - (1 - 1 / kinds) * trend - ahead / kinds)[..., 1:].mean(-1)
    best = error.argmin(0)
    level = level[best, np.arange(len(y))]
    return State(line, level, np.array(thetas)[best], figure, time, *limits(history))


def _smooth(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Simple exponential smoothing along the last axis: one-step forecasts (..., time) and the last level (...)."""
    level = np.repeat(y[..., :1], len(ALPHAS), -1)
    squared = np.zeros_like(level)
    for t in range(1, y.shape[-1]):
        miss = y[..., t, None] - level
        squared += miss**2
        level += ALPHAS * miss
    alpha = ALPHAS[squared.argmin(-1)]
    ahead, level = np.empty_like(y), y[..., 0].copy()
    for t in range(y.shape[-1]):
        ahead[..., t] = level
        level += alpha * (y[..., t] - level)
    return ahead, level


def forecast(state: State, steps: int) -> np.ndarray:
    """Add up the weighted line and level, clipped: shape (series, steps, dim)."""
    clock = state.time + np.arange(steps)
    slope, start, level, theta = (part[:, None] for part in (*state.line, state.level, state.theta))
    path = (1 - 1 / theta) * (slope * clock + start) + level / theta
    path = from_columns(path + season(state.figure, state.time, steps), state.low.shape[1])
    return np.clip(path, state.low[:, None], state.high[:, None])
