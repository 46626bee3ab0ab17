"""Analogues: what followed the most similar pasts of the history (Lorenz, J. Atmos. Sci. 26, 636, 1969)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pesin.forecasters.common import checked, lagged, limits, roll, standardise

NAME = "Analogue"
FAMILY = "baseline"


class State(NamedTuple):
    """A k-d tree of the pasts of each series; the increments that followed (series, rows, dim); points between delays;
    neighbours; last standardised points (series, window, dim); mean and deviation (series, 1, dim); limits of the
    standardised points (series, dim)."""

    trees: list[Any]
    increments: np.ndarray
    stride: int
    neighbours: int
    past: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit(history: np.ndarray, *, delay: int = 5, stride: int = 5, neighbours: int = 4) -> State:
    """Store the pasts.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    delay, stride
        Number of delays that make up a past, and the points from one to the next.
    neighbours
        Similar pasts, whose increments are averaged with weights inverse to their distance.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If there are fewer points than the delays reach back and neighbours.
    """
    from scipy.spatial import KDTree

    window = (delay - 1) * stride + 1
    history = checked(NAME, history, window + neighbours, window)
    z, mean, deviation = standardise(history)
    windows, targets = lagged(z, delay, stride)
    increments = targets - windows[..., : z.shape[2]]
    return State(
        [KDTree(rows) for rows in windows],
        increments,
        stride,
        neighbours,
        z[:, -window:],
        mean,
        deviation,
        *limits(z),
    )


def forecast(state: State, steps: int) -> np.ndarray:
    """Follow the analogues one step at a time, looked up anew at each: shape (series, steps, dim)."""
    which, ranks = np.arange(len(state.trees))[:, None], np.arange(1, state.neighbours + 1)

    def predict(window):
        rows = window[:, :: -state.stride].reshape(len(window), -1)
        found = [tree.query(row, ranks) for tree, row in zip(state.trees, rows, strict=True)]
        distance, row = (np.stack(parts) for parts in zip(*found, strict=True))
        weight = 1 / (distance + 1e-12)
        followed = np.einsum("sk,skd->sd", weight, state.increments[which, row])
        return window[:, -1] + followed / weight.sum(1, keepdims=True)

    return roll(predict, state.past, steps, state.low, state.high) * state.deviation + state.mean
