"""A linear state space identified from the outputs (N4SID), filtered to the present, then iterated without input.

The state is what the past tells linearly about the future: the projection of future outputs on past ones, cut to its
largest singular vectors. That projection is a bank of Kalman filters, so the last block of the history gives the
filtered state to start from. P. Van Overschee and B. De Moor, Automatica 30, 75 (1994).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.forecasters.common import checked, limits, standardise

NAME = "Kalman"
FAMILY = "classical"


class State(NamedTuple):
    """Transition (series, states, states), observation (series, dim, states), present state (series, states), mean and
    deviation (series, 1, dim), limits of the standardised points (series, dim)."""

    transition: np.ndarray
    observation: np.ndarray
    present: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit(history: np.ndarray, *, states: int = 1) -> State:
    """Identify a model for each series.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    states
        Dimension of the state; 1 is darts' default. Past and future are max(10, states + 1) points each.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If the history is shorter than three such blocks.
    """
    block = max(10, states + 1)
    history = checked(NAME, history, 3 * block, block)
    z, mean, deviation = standardise(history)
    models = [_identify(x, states, block) for x in z]
    transition, observation, present = (np.stack(parts) for parts in zip(*models, strict=True))
    return State(transition, observation, present, mean, deviation, *limits(z))


def _identify(x: np.ndarray, states: int, block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dim = x.shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(x, block, axis=0).transpose(0, 2, 1).reshape(-1, block * dim)
    past, future = windows[:-block], windows[block:]
    predictor = np.linalg.lstsq(past, future)[0]
    _, size, directions = np.linalg.svd(past @ predictor, full_matrices=False)
    size, directions = size[:states], directions[:states]
    # Directions that the past says nothing about would be rounding, blown up.
    scale = np.where(size > 1e-10 * size[0], 1 / np.sqrt(np.where(size > 0, size, 1)), 0)
    to_state = predictor @ directions.T * scale
    path = past @ to_state
    transition = np.linalg.lstsq(path[:-1], path[1:])[0].T
    observation = np.linalg.lstsq(path, future[:, :dim])[0].T
    return transition, observation, windows[-1] @ to_state


def forecast(state: State, steps: int) -> np.ndarray:
    """Iterate the state; outputs clipped: shape (series, steps, dim)."""
    now, path = state.present[..., None], np.empty((len(state.present), steps, state.observation.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            path[:, t] = np.clip((state.observation @ now)[..., 0], state.low, state.high)
            now = state.transition @ now
    return path * state.deviation + state.mean
