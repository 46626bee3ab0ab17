"""Choose a forecaster's knobs for each series on one orbit, fit it again on another, and forecast."""

from __future__ import annotations

import inspect
import itertools
import time
from typing import Any, NamedTuple

import numpy as np

from pesin.errors import UserError, did_you_mean
from pesin.forecast.metrics import smape

MOST_RAISING = 0.1  # share of the series on which a forecaster may raise
NOT_FINITE = "the forecast is not finite"


class Tuned(NamedTuple):
    """Forecasts and how they came about.

    forecast (series, steps, dim); failed (series,) where it isn't finite, with its reason (series,), "" where all is
    well; chosen {knob: (series,)}; tuning_error (grid point, series), sMAPE on the held-out part, NaN where there was
    nothing to choose; seconds_fit (series,), the last fit's wall time shared among the series of a batch;
    seconds_total, everything [s].
    """

    forecast: np.ndarray
    failed: np.ndarray
    reason: np.ndarray
    chosen: dict[str, np.ndarray]
    tuning_error: np.ndarray
    seconds_fit: np.ndarray
    seconds_total: float


def tuned_forecasts(
    module,
    tune,
    history,
    steps: int,
    *,
    period: float,
    rng: np.random.Generator,
    grid: dict[str, list] | None = None,
    fixed: dict[str, Any] | None = None,
    device: str = "cpu",
) -> Tuned:
    """Forecast each series by a forecaster whose knobs were chosen for that series.

    At each point of the grid the forecaster is fitted to the first 5/6 of `tune` and forecasts the last 1/6; the point
    with the smallest sMAPE (200 for a failure; the first one of equals) is taken, series by series. Then it is fitted
    to `history` with what was chosen. All fits of the choice start from the same random seed: knobs are compared, not
    draws. An exception in a batch sends its series through one by one: only those that raise fail; where more than one
    in ten does, the fault is the method's or its knobs', and no score is given.

    Parameters
    ----------
    module
        A forecaster: NAME, fit(history, *, ...) and forecast(state, steps). fit gets `period`, `rng` and `device` if
        its signature names them.
    tune : array_like, shape (series, tune time, dim)
        Orbits used for the choice only.
    history : array_like, shape (series, time, dim)
    steps
        Steps to forecast after the history's last point.
    period
        Points per dominant period.
    rng
        Source of all randomness.
    grid
        Knob -> values to try; all combinations are. With one combination nothing is chosen and `tune` isn't touched.
    fixed
        Knob -> value.
    device
        Where networks train.

    Returns
    -------
    Tuned

    Raises
    ------
    UserError
        If a knob isn't one of the forecaster's, a forecast has the wrong shape, a history is too short for its lags, or
        the last fit or its forecast raises on more than one series, and more than a tenth of them.
    """
    start = time.perf_counter()
    tune, history = np.asarray(tune, float), np.asarray(history, float)
    grid, fixed = grid or {}, fixed or {}
    check_knobs(module, grid, fixed)
    known = inspect.signature(module.fit).parameters
    given = {"period": period, "device": device}
    fixed = {name: value for name, value in given.items() if name in known} | fixed
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    seed = int(rng.integers(2**63))

    error = np.full((len(points), len(history)), np.nan)
    best = np.zeros(len(history), int)
    if len(points) > 1:
        cut = tune.shape[1] * 5 // 6
        for i, point in enumerate(points):
            path = _run(module, tune[:, :cut], tune.shape[1] - cut, fixed | point, [seed])[0]
            error[i] = smape(tune[:, cut:], path)
        best = error.argmin(0)

    path = np.empty((len(history), steps, history.shape[2]))
    reason, seconds = np.full(len(history), "", object), np.empty(len(history))
    for i in np.unique(best):
        members = np.flatnonzero(best == i)
        path[members], reason[members], seconds[members] = _run(
            module, history[members], steps, fixed | points[i], [seed, 1 + int(i)]
        )
    raised = [text for text in reason if text not in ("", NOT_FINITE)]
    if len(raised) > max(1, len(reason) * MOST_RAISING):
        raise UserError(f"{module.NAME}: raised on {len(raised)} of {len(reason)} series. The first time: {raised[0]}")
    chosen = {knob: np.array([points[i][knob] for i in best]) for knob in grid}
    total = time.perf_counter() - start
    return Tuned(path, reason != "", reason.astype(str), chosen, error, seconds, total)


def check_knobs(module, grid: dict[str, list], fixed: dict[str, Any]) -> None:
    """Refuse knobs that a forecaster doesn't have, and values below the least that it can work with (its LEAST).

    Raises
    ------
    UserError
        With the nearest name, or the least value.
    """
    known = list(inspect.signature(module.fit).parameters)[1:]
    least = getattr(module, "LEAST", {})
    for knob, values in {**grid, **{name: [value] for name, value in fixed.items()}}.items():
        if knob not in known:
            raise UserError(f"{module.NAME}: has no knob '{knob}'.{did_you_mean(knob, known)}")
        for value in values:
            if knob in least and value < least[knob]:
                raise UserError(f"{module.NAME}: {knob} is {value}, and at least {least[knob]} are needed.")


def _run(module, history, steps, knobs, seed) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit and forecast a batch: forecast, reasons of failure (series,), seconds of the fit for each series."""
    size = len(history)
    start = time.perf_counter()
    if "rng" in inspect.signature(module.fit).parameters:
        knobs = knobs | {"rng": np.random.default_rng(seed)}
    try:
        state = module.fit(history.copy(), **knobs)
        seconds = np.full(size, (time.perf_counter() - start) / size)
        path = np.asarray(module.forecast(state, steps), float)
    except UserError:
        raise
    except Exception as problem:
        if size > 1:
            alone = [_run(module, history[i : i + 1], steps, knobs, [*seed, i]) for i in range(size)]
            path, reason, seconds = (np.concatenate(parts) for parts in zip(*alone, strict=True))
            return path, reason, seconds
        path = np.full((size, steps, history.shape[2]), np.nan)
        return path, np.array([f"{type(problem).__name__}: {problem}"], object), np.full(1, time.perf_counter() - start)
    expected = (size, steps, history.shape[2])
    if path.shape != expected:
        raise UserError(f"{module.NAME}: forecast has shape {path.shape}, expected {expected} (series, steps, dim)")
    finite = np.isfinite(path).all((1, 2))
    return path, np.where(finite, "", NOT_FINITE).astype(object), seconds
