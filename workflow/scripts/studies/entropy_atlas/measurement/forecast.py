"""How far ahead two cheap forecasters see: analogues, and a linear autoregression."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree

from pesin.forecast.horizon import good_steps
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.entropy_atlas.measurement.params import Forecasts, Params

FORECASTERS = ("analogue", "linear")


def forecast(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """valid_time(forecaster, system): mean over starts of the samples before the error exceeds the threshold."""
    p = case.params.forecast
    series = data.series.transpose("system", "time").values
    future = data.future.transpose("system", "lead").values
    steps = np.full((len(FORECASTERS), len(series), p.starts), np.nan)
    for s, (past, after) in enumerate(zip(series, future, strict=True)):
        if np.isfinite(past).all() and past.std() > 0:
            steps[:, s] = _good_steps(past, after, p)
    dims, none = ("forecaster", "system"), "a system without a series, or with a constant one"
    error = steps.std(-1, ddof=1) / np.sqrt(p.starts)
    return xr.Dataset(
        {
            "valid_time": labelled(dims, steps.mean(-1), "valid prediction time, mean over starts", "sample", nan=none),
            "valid_time_error": labelled(
                dims, error, "standard error of the valid prediction time over starts", "sample", nan=none
            ),
            "per_period": data.per_period,
        },
        coords={"forecaster": list(FORECASTERS), "system": data.system},
    )


def _good_steps(past: np.ndarray, after: np.ndarray, p: Forecasts) -> np.ndarray:
    """Samples before each forecast fails, (forecaster, start); the horizon if it never does."""
    mean, spread = past.mean(), past.std()
    past, after = (past - mean) / spread, (after - mean) / spread
    starts = np.linspace(p.delays, after.size - p.horizon, p.starts).astype(int)
    seen = np.stack([after[s - p.delays : s] for s in starts])
    truth = np.stack([after[s : s + p.horizon] for s in starts])
    made = np.stack([_analogues(past, seen, p), _linear(past, seen, p)])
    return good_steps(np.abs(made - truth), p.threshold)


def _analogues(past: np.ndarray, seen: np.ndarray, p: Forecasts) -> np.ndarray:
    """Mean of what followed the most similar stretches of the past, (start, horizon)."""
    windows = np.lib.stride_tricks.sliding_window_view(past[: past.size - p.horizon], p.delays)
    near = cKDTree(windows).query(seen, p.neighbours)[1].reshape(len(seen), -1)
    leads = p.delays + np.arange(p.horizon)
    return past[near[..., None] + leads].mean(1)


def _linear(past: np.ndarray, seen: np.ndarray, p: Forecasts) -> np.ndarray:
    """Ridge regression on the last samples, fed its own forecasts, (start, horizon)."""
    windows = np.lib.stride_tricks.sliding_window_view(past, p.delays + 1)
    rows, next_value = windows[:, :-1], windows[:, -1]
    weights = np.linalg.solve(rows.T @ rows + p.ridge * len(rows) * np.eye(p.delays), rows.T @ next_value)
    state, out = seen.copy(), np.empty((len(seen), p.horizon))
    for step in range(p.horizon):
        out[:, step] = np.clip(state @ weights, -10, 10)
        state = np.concatenate([state[:, 1:], out[:, step, None]], 1)
    return out
