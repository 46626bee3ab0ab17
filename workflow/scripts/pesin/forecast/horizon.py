"""How far ahead a forecast is good: error after n steps, and valid prediction time."""

from __future__ import annotations

import numpy as np


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
        squared = np.mean((np.asarray(predicted, float) - np.asarray(true, float)) ** 2, axis=-1)
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
        error = (np.asarray(predicted, float) - np.asarray(true, float)) / np.asarray(scale, float)
        good = np.sqrt(np.mean(error**2, axis=-1)) <= threshold
    return np.cumprod(good, axis=-1).sum(-1) * dt
