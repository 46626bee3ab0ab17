"""What stands beside a cluster's transformations, against other clusters of like mass at the same time."""

from __future__ import annotations

import numpy as np

from pesin.entropy.amplitude import miller_madow_entropy

LIKE = 0.2
"""Dex of mass within which another cluster is a control."""


def peers(lg_mass: np.ndarray) -> np.ndarray:
    """Weights (cluster, cluster): equal ones of all other clusters of like mass, else of the nearest in mass.

    The mean over them is what random draws of a control would give on average.
    """
    apart = np.abs(lg_mass[:, None] - lg_mass)
    np.fill_diagonal(apart, np.inf)
    near = apart <= np.maximum(LIKE, apart.min(1, keepdims=True))
    return near / near.sum(1, keepdims=True)


def before(happens: np.ndarray, steps: int) -> np.ndarray:
    """How many happened in the last `steps` steps up to each time, that time included; shape (..., time) kept."""
    total = np.cumsum(happens, -1)
    late = np.zeros_like(total)
    late[..., steps:] = total[..., :-steps]
    return total - late


def around(values: np.ndarray, steps: int) -> np.ndarray:
    """Mean from `steps` before to `steps` after each time, as far as the record goes; shape (..., time) kept."""
    n = values.shape[-1]
    total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, -1, dtype=float)], -1)
    first, last = np.maximum(np.arange(n) - steps, 0), np.minimum(np.arange(n) + steps + 1, n)
    return (total[..., last] - total[..., first]) / (last - first)


def excess(marked: np.ndarray, weights: np.ndarray, row: np.ndarray, place: np.ndarray) -> tuple[float, float]:
    """Mean of `marked` (cluster, time) at events, and the same of their controls; NaN where there is no event."""
    if not row.size:
        return np.nan, np.nan
    marked = marked.astype(float)
    controls = np.einsum("ij,ji->i", weights[row], marked[:, place])
    return float(marked[row, place].mean()), float(controls.mean())


def transfer_entropy(source: np.ndarray, target: np.ndarray) -> float:
    """Transfer entropy in bits a step from one series of symbols to another, over all rows, shuffled rows taken off.

    I(y next; x | y) = H(y next, y) + H(x, y) - H(y next, x, y) - H(y) by Miller and Madow's estimator. The same with
    each source beside another row's target, mean over all shifts of a few, is what rows that share no more than their
    history in common would have.

    Parameters
    ----------
    source, target : int ndarrays of 0 and 1, shape (rows, time)
    """
    own = _transfer(source, target)
    others = [_transfer(np.roll(source, shift, 0), target) for shift in range(1, min(6, len(source)))]
    return own - float(np.mean(others))


def _transfer(source: np.ndarray, target: np.ndarray) -> float:
    x, y, after = source[:, :-1].ravel(), target[:, :-1].ravel(), target[:, 1:].ravel()
    counts = np.bincount(4 * after + 2 * x + y, minlength=8).reshape(2, 2, 2)
    parts = (counts.sum(1), counts.sum(0), counts, counts.sum((0, 1)))
    joint, cause, whole, alone = (float(miller_madow_entropy(part.ravel()).value) for part in parts)
    return (joint + cause - whole - alone) / float(np.log(2))
