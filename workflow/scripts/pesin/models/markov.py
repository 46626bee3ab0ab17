"""Rates of Markov jump processes from paths seen at a regular pace: counts, matrix logarithm, EM for misread labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg import logm

from pesin.compiled import njit
from pesin.door import finite, whole_numbers

SKEW = 1e4  # condition of eigenvectors from which on the logarithm takes another way


class Fit(NamedTuple):
    """A hidden Markov chain in discrete time, found by EM."""

    transition: np.ndarray
    """(..., states, states), rows sum to 1."""
    start: np.ndarray
    """(..., states)."""
    counts: np.ndarray
    """Expected transitions, (..., states, states)."""
    log_likelihood: np.ndarray
    """(...), in nats, before the last update."""


def transition_counts(labels, states: int, lags: Sequence[int] = (1,)) -> np.ndarray:
    """Count pairs of labels that lie so many points apart, in all paths of a process.

    Parameters
    ----------
    labels : array_like of int, shape (..., paths, points)
        -1 where nothing was seen: such pairs are left out.
    states
        Number of states.
    lags
        In points; one of a path's length or more finds no pair.

    Returns
    -------
    ndarray of int64, shape (..., lags, states, states)
    """
    seen = whole_numbers(labels, "labels", -1, states)
    if min(lags) < 1:
        raise ValueError(f"lags must be 1 or more, they are {tuple(lags)}")
    found = np.zeros((*seen.shape[:-2], len(lags), states, states), np.int64)
    flat = seen.reshape(-1, *seen.shape[-2:])
    _count(flat, np.array(lags), found.reshape(-1, len(lags), states, states))
    return found


@njit()
def _count(labels, lags, found):
    for process in range(labels.shape[0]):
        for lag in range(lags.size):
            apart = lags[lag]
            for path in range(labels.shape[1]):
                for point in range(labels.shape[2] - apart):
                    i, j = labels[process, path, point], labels[process, path, point + apart]
                    if i >= 0 and j >= 0:
                        found[process, lag, i, j] += 1


def matrix_log_rates(counts, pace: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates by the matrix logarithm of the observed transition probabilities, ln(P) / pace.

    Parameters
    ----------
    counts : array_like, shape (..., states, states)
        Transitions between points that lie `pace` apart, or their probabilities. A state without any is taken to stay.
    pace
        In units of time.

    Returns
    -------
    rates : ndarray, shape (..., states, states)
        Rows sum to 0. Negative ones, which noise makes, are set to 0.
    clipped : ndarray of int, shape (...)
        How many were.

    Notes
    -----
    The principal logarithm: oscillations faster than half a turn in a pace are taken for slower ones. What an
    eigenvalue has decayed to can't be told below one in all counts; there it is held (probabilities: at 1e-12). An
    eigenvalue below 0, which no rates have, is taken by its size. Where eigenvectors nearly coincide the logarithm of
    noise can be anything; so no rate is above what would decay to that one count in a pace either.
    """
    n = finite(counts, "counts")
    if n.ndim < 2 or n.shape[-1] != n.shape[-2] or (n < 0).any():
        raise ValueError(f"counts must be 0 or more, of shape (..., states, states); this shape is {n.shape}")
    if not pace > 0:
        raise ValueError(f"pace must be positive, it is {pace}")
    states, total = n.shape[-1], n.sum(-1, keepdims=True)
    p = np.where(total > 0, n / np.where(total > 0, total, 1), np.eye(states))
    values, vectors = np.linalg.eig(p)
    seen = n.sum((-1, -2))
    least = np.where(seen > states * (1 + 1e-9), 1 / np.maximum(seen, 1), 1e-12)[..., None]
    logs = np.log(np.maximum(np.abs(values), least)) + 1j * np.where(values.real > 0, np.angle(values), 0)
    with np.errstate(all="ignore"):
        skew = ~(np.linalg.cond(vectors) < SKEW)
    vectors = np.where(skew[..., None, None], np.eye(states), vectors)
    found = ((vectors * logs[..., None, :]) @ np.linalg.inv(vectors)).real / pace
    for place in np.argwhere(skew):  # hardly any: eigenvectors that nearly coincide
        one = tuple(place)
        found[one] = logm((1 - least[one]) * p[one] + least[one] * np.eye(states)).real / pace
    off = ~np.eye(states, dtype=bool)
    clipped = ((found < -1e-12 / pace) & off).sum((-1, -2))
    return generator(np.clip(found, 0, -np.log(least)[..., None] / pace)), clipped


def generator(rates) -> np.ndarray:
    """Rates (..., states, states) with the diagonal that makes each row sum to 0."""
    flow = finite(rates, "rates")
    flow = flow * (1 - np.eye(flow.shape[-1]))
    return flow - flow.sum(-1)[..., None] * np.eye(flow.shape[-1])


def relaxation_times(rates) -> np.ndarray:
    """Times in which the modes of a jump process decay, 1 / |Re lambda|, the slowest first.

    Parameters
    ----------
    rates : array_like, shape (..., states, states)
        The diagonal does not count.

    Returns
    -------
    ndarray, shape (..., states - 1)
        Infinite where the process falls apart.
    """
    decay = np.sort(-np.linalg.eigvals(generator(rates)).real, -1)[..., 1:]
    with np.errstate(divide="ignore"):
        return 1 / np.maximum(decay, 0)


def first_passage_times(rates) -> np.ndarray:
    """Mean times until a state is first reached.

    Parameters
    ----------
    rates : array_like, shape (..., states, states)
        Every state must be reached from every other.

    Returns
    -------
    ndarray, shape (..., states, states)
        From i to j; 0 on the diagonal.
    """
    flow = generator(rates)
    states = flow.shape[-1]
    found = np.zeros_like(flow)
    for j in range(states):
        rest = np.delete(np.arange(states), j)
        part = flow[..., rest[:, None], rest]
        found[..., rest, j] = np.linalg.solve(-part, np.ones((*part.shape[:-1], 1)))[..., 0]
    return found


def predictive(labels, transition, start, emission) -> np.ndarray:
    """Probabilities of each label given those before it in its path (the forward algorithm).

    Parameters
    ----------
    labels : array_like of int, shape (..., paths, points)
    transition : array_like, shape (..., states, states)
        Between two points; rows sum to 1.
    start : array_like, shape (..., states)
    emission : array_like, shape (states, labels)
        Probabilities of labels in each state.

    Returns
    -------
    ndarray, shape (..., paths, points, labels)
    """
    e, p, p0 = finite(emission, "emission"), finite(transition, "transition"), finite(start, "start")
    seen = whole_numbers(labels, "labels", 0, e.shape[1])
    flat = seen.reshape(-1, *seen.shape[-2:])
    states = len(e)
    found = np.empty((*flat.shape, e.shape[1]))
    _forward(flat, p.reshape(-1, states, states), p0.reshape(-1, states), e, found)
    return found.reshape(*seen.shape, e.shape[1])


@njit()
def _forward(labels, transition, start, emission, found):
    states = emission.shape[0]
    belief, ahead = np.empty(states), np.empty(states)
    for process in range(labels.shape[0]):
        for path in range(labels.shape[1]):
            belief[:] = start[process]
            for point in range(labels.shape[2]):
                seen, total = labels[process, path, point], 0.0
                for label in range(emission.shape[1]):
                    said = 0.0
                    for i in range(states):
                        said += belief[i] * emission[i, label]
                    found[process, path, point, label] = said
                for i in range(states):
                    belief[i] *= emission[i, seen]
                    total += belief[i]
                for j in range(states):
                    ahead[j] = 0.0
                    for i in range(states):
                        ahead[j] += belief[i] * transition[process, i, j]
                for j in range(states):  # impossible by this model: go on from equal odds
                    belief[j] = ahead[j] / total if total > 0 else 1.0 / states


def fit_chain(labels, emission, iterations: int = 50, pseudo: float = 0.5) -> Fit:
    """EM for Markov chains whose states are misread with known probabilities (Baum et al., Ann. Math. Stat. 41, 164).

    Parameters
    ----------
    labels : array_like of int, shape (..., paths, points)
    emission : array_like, shape (states, labels)
        Probabilities of labels in each state; not learnt.
    iterations
        Each raises the likelihood (but for `pseudo`).
    pseudo
        Transitions of each kind that are added to the counts at the start only, so that none begins as impossible.

    Returns
    -------
    Fit
    """
    e = finite(emission, "emission")
    states = len(e)
    seen = whole_numbers(labels, "labels", 0, e.shape[1])
    if e.shape != (states, states):
        raise ValueError(f"emission must have as many labels as states, its shape is {e.shape}")
    first = transition_counts(seen, states)[..., 0, :, :].reshape(-1, states, states) + pseudo
    transition = first / first.sum(-1, keepdims=True)
    start = np.full(transition.shape[:2], 1 / states)
    counts, score = np.zeros_like(transition), np.zeros(len(transition))
    flat = np.ascontiguousarray(seen.reshape(-1, *seen.shape[-2:]))
    _expect_maximise(flat, e, iterations, transition, start, counts, score)
    batch = seen.shape[:-2]
    return Fit(*(part.reshape((*batch, *part.shape[1:])) for part in (transition, start, counts, score)))


@njit()
def _expect_maximise(labels, emission, iterations, transition, start, counts, score):
    processes, paths, points = labels.shape
    states = emission.shape[0]
    forward, scale = np.empty((points, states)), np.empty(points)
    backward, ahead = np.empty(states), np.empty(states)
    for process in range(processes):
        for _ in range(iterations):
            p = transition[process]
            pairs, begin, total = np.zeros((states, states)), np.zeros(states), 0.0
            for path in range(paths):
                seen = labels[process, path]
                for t in range(points):
                    for j in range(states):
                        reached = 0.0
                        if t == 0:
                            reached = start[process, j]
                        else:
                            for i in range(states):
                                reached += forward[t - 1, i] * p[i, j]
                        forward[t, j] = reached * emission[j, seen[t]]
                    scale[t] = forward[t].sum()
                    for j in range(states):
                        forward[t, j] /= scale[t]
                    total += np.log(scale[t])
                backward[:] = 1.0
                for t in range(points - 1, 0, -1):
                    for j in range(states):
                        ahead[j] = backward[j] * emission[j, seen[t]] / scale[t]
                    for i in range(states):
                        reached = 0.0
                        for j in range(states):
                            step = p[i, j] * ahead[j]
                            pairs[i, j] += forward[t - 1, i] * step
                            reached += step
                        backward[i] = reached
                begin += forward[0] * backward
            for i in range(states):
                out = pairs[i].sum()
                if out > 0:
                    transition[process, i] = pairs[i] / out
            start[process] = begin / paths
            counts[process], score[process] = pairs, total
