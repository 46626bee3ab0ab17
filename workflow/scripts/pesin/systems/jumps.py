"""Markov jump processes: exact paths of many at once, seen at given times; readers that mislabel states."""

from __future__ import annotations

import numpy as np

from pesin.compiled import njit
from pesin.door import finite, whole_numbers


def jump_paths(rates, starts, times, rng: np.random.Generator) -> np.ndarray:
    """Exact paths (Gillespie, J. Comput. Phys. 22, 403, 1976) as they stand at given times.

    Parameters
    ----------
    rates : array_like, shape (..., states, states)
        rates[i, j] from state i to j, per unit of time; the diagonal does not count. A state without rates is kept.
    starts : array_like of int, shape (..., paths)
        States at the first time.
    times : array_like, shape (points,)
        Rising.
    rng
        Generator.

    Returns
    -------
    ndarray of int8, shape (..., paths, points)

    Raises
    ------
    ValueError
        If a rate is negative, a start is no state, times fall, or shapes don't fit.
    """
    flow, when = finite(rates, "rates"), finite(times, "times")
    if flow.ndim < 2 or flow.shape[-1] != flow.shape[-2] or flow.shape[-1] > 127:
        raise ValueError(f"rates must have shape (..., states, states) with at most 127 states, not {flow.shape}")
    states = flow.shape[-1]
    flow = flow * (1 - np.eye(states))
    if (flow < 0).any():
        raise ValueError("rates off the diagonal must be 0 or more")
    first = whole_numbers(starts, "starts", 0, states)
    if first.shape[:-1] != flow.shape[:-2]:
        raise ValueError(f"starts {first.shape} and rates {flow.shape} are not of as many processes")
    if when.ndim != 1 or (np.diff(when) < 0).any():
        raise ValueError("times must be one rising row")
    found = np.empty((*first.shape, when.size), np.int8)
    flat = flow.reshape(-1, states, states), first.reshape(-1, first.shape[-1])
    _paths(*flat, when, rng, found.reshape(-1, *found.shape[-2:]))
    return found


@njit()
def _paths(rates, starts, times, rng, found):
    processes, paths, points = found.shape
    states = rates.shape[1]
    for process in range(processes):
        flow = rates[process]
        total = flow.sum(1)
        for path in range(paths):
            state, now = starts[process, path], times[0]
            left = now + (rng.exponential() / total[state] if total[state] > 0 else np.inf)
            for point in range(points):
                while left <= times[point]:
                    aim, reached, following = rng.random() * total[state], 0.0, -1
                    for k in range(states):
                        if flow[state, k] > 0:
                            reached += flow[state, k]
                            following = k  # the last one, where rounding leaves a remainder
                            if aim < reached:
                                break
                    state, now = following, left
                    left = now + (rng.exponential() / total[state] if total[state] > 0 else np.inf)
                found[process, path, point] = state


def mislabelled(labels, states: int, share, rng: np.random.Generator) -> np.ndarray:
    """Labels as a reader with errors gives them: with probability `share` any of the states, the true one among them.

    Parameters
    ----------
    labels : array_like of int, shape (...)
    states
        Number of states.
    share : float or array_like
        Broadcasts against the labels.
    rng
        Generator.

    Returns
    -------
    ndarray of int8, shape (...)
    """
    true = whole_numbers(labels, "labels", 0, states)
    wrong = rng.random(true.shape) < finite(share, "share")
    said = true.astype(np.int8)
    said[wrong] = rng.integers(states, size=wrong.sum())
    return said


def reader(states: int, share: float) -> np.ndarray:
    """Probabilities of such a reader, shape (states, states): from the true state to its label."""
    return (1 - share) * np.eye(states) + share / states
