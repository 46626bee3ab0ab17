"""Echo state networks, batched over seeds, with a ridge penalty tuned on held-out noisy data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from pesin.door import finite


class Reservoir(NamedTuple):
    """Weights of all runs: inside (runs, dim + 1, units) with the bias last, recurrent (runs, units, units), readout
    (runs, units + 1, dim), leak, and the ridge chosen for each run (runs,)."""

    inside: np.ndarray
    recurrent: np.ndarray
    readout: np.ndarray
    leak: float
    ridge: np.ndarray


def fit(
    x: np.ndarray,
    units: int,
    rngs: list[np.random.Generator],
    ridges,
    radius: float = 0.9,
    input_scale: float = 0.5,
    leak: float = 1.0,
    warm_up: int = 100,
    lead: int = 20,
) -> Reservoir:
    """Train echo state networks; each run picks the penalty with the smallest error `lead` steps ahead.

    The last fifth of x is held out to choose the penalty; the readout is then fitted to all of x. The readout sees the
    units, every second one squared (Pathak et al., PRL 120, 024102, 2018), and a constant.

    Parameters
    ----------
    x : ndarray, shape (time, dim)
        Observed orbit, noise included, standardised.
    units
        Reservoir size.
    rngs
        One generator for each run.
    ridges : array_like
        Penalties to choose from, per point of x.
    radius, input_scale, leak
        Spectral radius, half-width of the input weights, leak rate.
    warm_up
        First steps that aren't fitted.
    lead
        Steps ahead at which penalties are compared.

    Returns
    -------
    Reservoir
    """
    x = finite(x)
    dim = x.shape[1]
    inside = np.stack([rng.uniform(-input_scale, input_scale, (dim + 1, units)) for rng in rngs])
    recurrent = np.stack([_recurrent(rng, units, radius) for rng in rngs])
    empty = Reservoir(inside, recurrent, np.zeros((len(rngs), units + 1, dim)), leak, np.zeros(len(rngs)))
    states = _listen(empty, x)
    cut = int(0.8 * len(x))
    starts = np.arange(cut, len(x) - lead, max(1, (len(x) - lead - cut) // 100))
    targets = x[starts + lead]
    best, error = empty.ridge.copy(), np.full(len(rngs), np.inf)
    early = _gram(states[:, warm_up : cut - 1], x[warm_up + 1 : cut])
    for ridge in ridges:
        trial = empty._replace(readout=_solve(*early, ridge * (cut - warm_up)))
        ahead = _speak(trial, states[:, starts], lead)[:, :, -1]
        with np.errstate(all="ignore"):
            miss = np.nan_to_num(np.mean((ahead - targets) ** 2, axis=(1, 2)), nan=np.inf)
        best, error = np.where(miss < error, ridge, best), np.minimum(miss, error)
    late = _gram(states[:, cut - 1 : -1], x[cut:])
    readout = _solve(early[0] + late[0], early[1] + late[1], best * (len(x) - warm_up))
    return empty._replace(readout=readout, ridge=best)


def forecast(reservoir: Reservoir, history: np.ndarray, steps: int) -> np.ndarray:
    """Listen to each history, (starts, time, dim) or each run's own (runs, starts, time, dim), then run freely.

    Returns
    -------
    ndarray, shape (runs, starts, steps, dim)
    """
    update = _update_of(reservoir)
    state = np.zeros((len(reservoir.inside), history.shape[-3], reservoir.recurrent.shape[1]))
    for t in range(history.shape[-2]):
        state = update(state, history[..., t, :])
    return _speak(reservoir, state, steps)


def _recurrent(rng, units, radius):
    """Sparse random matrix, about ten connections a unit, scaled to the spectral radius."""
    matrix = rng.standard_normal((units, units)) * (rng.random((units, units)) < min(1.0, 10 / units))
    return matrix * (radius / np.abs(np.linalg.eigvals(matrix)).max())


def _update_of(reservoir):
    """Return (state, x) -> next state; all runs are one sparse block-diagonal matrix."""
    runs, units = reservoir.recurrent.shape[:2]
    # From sparse blocks: dense ones would keep their zeros.
    blocks = sparse.block_diag([sparse.csr_array(matrix.T) for matrix in reservoir.recurrent], format="csr")

    def update(state, x):
        flat = state.transpose(0, 2, 1).reshape(runs * units, -1)
        echo = (blocks @ flat).reshape(runs, units, -1).transpose(0, 2, 1)
        drive = x @ reservoir.inside[:, :-1] + reservoir.inside[:, -1:] + echo
        return (1 - reservoir.leak) * state + reservoir.leak * np.tanh(drive)

    return update


def _features(state):
    features = np.concatenate([state, np.ones_like(state[..., :1])], -1)
    features[..., : state.shape[-1] : 2] **= 2
    return features


def _listen(reservoir, x):
    """States (runs, time, units) after each observation."""
    update = _update_of(reservoir)
    state = np.zeros((len(reservoir.inside), 1, reservoir.recurrent.shape[1]))
    path = np.empty((len(reservoir.inside), len(x), state.shape[-1]))
    for t in range(len(x)):
        state = update(state, x[None, t : t + 1])
        path[:, t] = state[:, 0]
    return path


def _speak(reservoir, state, steps):
    update = _update_of(reservoir)
    path = np.empty((*state.shape[:2], steps, reservoir.readout.shape[-1]))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            path[:, :, t] = _features(state) @ reservoir.readout
            state = update(state, path[:, :, t])
    return path


def _gram(states, targets) -> tuple[np.ndarray, np.ndarray]:
    """Normal equations, run by run to bound the memory."""
    inner, outer = [], []
    for run in states:
        features = _features(run)
        inner.append(features.T @ features)
        outer.append(features.T @ targets)
    return np.stack(inner), np.stack(outer)


def _solve(inner, outer, ridge) -> np.ndarray:
    penalty = np.reshape(ridge, (-1, 1, 1)) * np.eye(inner.shape[-1])
    return np.linalg.solve(inner + penalty, outer)
