"""How far ahead a forecast is good: error after n steps, and valid prediction time."""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared
from pesin.door import finite, numbers
from pesin.forecast.metrics import pointwise_smape


def prediction_error(true, predicted, ceiling: float = np.inf) -> np.ndarray:
    """Mean squared error over starts and dimensions, at each lead.

    Parameters
    ----------
    true : array_like, shape (starts, steps, dim)
    predicted : array_like, shape (..., starts, steps, dim)
    ceiling
        A squared error above it, or one that isn't finite, counts as this (a diverged forecast mustn't outweigh all).

    Returns
    -------
    ndarray, shape (..., steps)
        In squared units of the state.
    """
    with np.errstate(all="ignore"):
        squared = np.mean((numbers(predicted, "predicted") - finite(true, "true")) ** 2, axis=-1)
    squared = np.where(np.isfinite(squared), np.minimum(squared, ceiling), ceiling)
    return squared.mean(-2)


def valid_prediction_time(true, predicted, scale, dt: float = 1.0, threshold: float = 0.4) -> np.ndarray:
    """Time until the normalised root-mean-square error over dimensions first exceeds a threshold.

    Parameters
    ----------
    true : array_like, shape (starts, steps, dim)
        From one step after the start on.
    predicted : array_like, shape (..., starts, steps, dim)
    scale : array_like, shape (dim,)
        Standard deviation of each dimension over the attractor.
    dt
        Time of a step (1/lambda_1 as unit gives Lyapunov times).
    threshold
        In standard deviations.

    Returns
    -------
    ndarray, shape (..., starts)
        Number of good steps times dt; steps * dt if the error never exceeds the threshold (censored).
    """
    with np.errstate(all="ignore"):
        error = (numbers(predicted, "predicted") - finite(true, "true")) / finite(scale, "scale")
        distance = np.sqrt(np.mean(error**2, axis=-1))
    return good_steps(distance, threshold) * dt


def good_steps(error, threshold: float) -> np.ndarray:
    """Number of steps before an error first exceeds a threshold.

    Parameters
    ----------
    error : array_like, shape (..., lead)
        NaN exceeds everything.

    Returns
    -------
    ndarray of int, shape (...)
        All steps if the threshold is never exceeded (censored).
    """
    with np.errstate(invalid="ignore"):
        good = numbers(error, "error") <= threshold
    return np.cumprod(good, axis=-1, dtype=np.int64).sum(-1)


def valid_prediction_steps(true, predicted, scale, smape: float = 30.0, error: float = 0.4) -> dict[str, np.ndarray]:
    """Length of a valid forecast by the three rules in use.

    Parameters
    ----------
    true, predicted : array_like, shape (..., lead, dim)
        From one step after the start on.
    scale : array_like, shape (..., 1, dim) or (dim,)
        Standard deviation of each coordinate over the attractor.
    smape, error
        Thresholds: per cent on the scale 0 to 200, and standard deviations.

    Returns
    -------
    dict
        rule -> number of good steps, shape (...). pointwise_smape: the sMAPE of the coordinates at that lead exceeds
        its threshold; running_smape: its mean from the start on does (W. Gilpin, arXiv 2303.08011, and later papers);
        normalised_error: the root-mean-square error over coordinates does. Times dt and lambda_1: Lyapunov times.
    """
    pointwise = pointwise_smape(true, predicted)
    running = np.cumsum(pointwise, -1) / np.arange(1, pointwise.shape[-1] + 1)
    return {
        "pointwise_smape": good_steps(pointwise, smape),
        "running_smape": good_steps(running, smape),
        "normalised_error": valid_prediction_time(true, predicted, scale, threshold=error).astype(np.int64),
    }


_FAILED = "a forecast that isn't finite has failed"
_ALONE = "an error is a difference: what is done to one alone is an error"
DECLARED = (
    Declared(
        prediction_error,
        ("true", "predicted"),
        invariant=("shift",),
        follows="square",
        moves="it is in squared units of the state; " + _ALONE,
        missing={"predicted": _FAILED},
    ),
    Declared(
        valid_prediction_time,
        ("true", "predicted", "scale"),
        sizes=("scale",),
        invariant=("shift", "scale"),
        moves=_ALONE,
        missing={"predicted": _FAILED},
    ),
    Declared(
        good_steps, ("error",), moves="the threshold is in the unit of the error", missing={"error": "it exceeds all"}
    ),
    Declared(
        valid_prediction_steps,
        ("true", "predicted", "scale"),
        sizes=("scale",),
        invariant=("scale",),
        moves="sMAPE asks how large an error is beside the value, so where zero lies",
        missing={"predicted": _FAILED},
    ),
)
