"""AutoARIMA, coordinate by coordinate: Hyndman and Khandakar's stepwise search (statsforecast), bounded.

Orders of differencing by the KPSS test, p and q by AICc over few models, compared by conditional least squares; the
chosen one is fitted by maximum likelihood. No season. R. J. Hyndman and Y. Khandakar, J. Stat. Softw. 27, 3 (2008).
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from pesin.forecasters.common import checked, columns, from_columns, limits, standardise

NAME = "AutoARIMA"
FAMILY = "classical"
LEAST = {"models": 5}  # those that the search starts from: with fewer it raises on nearly every series


class State(NamedTuple):
    """Of the standardised points: statsforecast's models, one a column, and limits (series, dim). Their mean and
    deviation (series, 1, dim)."""

    models: list[dict[str, Any]]
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray


def fit(history: np.ndarray, *, largest_p: int = 5, largest_q: int = 2, models: int = 8) -> State:
    """Search orders for each coordinate of a history (series, time, dim).

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    largest_p, largest_q
        Bounds of the orders.
    models
        Largest number of models tried; at least 5, the ones that the search starts from.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If there are fewer than 20 points.
    """
    from statsforecast.arima import auto_arima_f

    z, mean, deviation = standardise(checked(NAME, history, 20, largest_p))
    bounds = {"max_p": largest_p, "max_q": largest_q, "nmodels": models}
    with warnings.catch_warnings():
        # Candidates whose likelihood is hard to climb warn, and so does the bound on their number.
        warnings.simplefilter("ignore")
        found = [auto_arima_f(row, seasonal=False, approximation=True, **bounds) for row in columns(z)]
    return State(found, *limits(z), mean, deviation)


def forecast(state: State, steps: int) -> np.ndarray:
    """Continue, clipped: shape (series, steps, dim)."""
    from statsforecast.arima import forecast_arima

    path = np.stack([np.asarray(forecast_arima(model, steps)["mean"]) for model in state.models])
    z = np.clip(from_columns(path, state.low.shape[1]), state.low[:, None], state.high[:, None])
    return z * state.deviation + state.mean
