"""Windows of delays: what the networks are given, and what should come next."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.models.koopman import hankel


class Pairs(NamedTuple):
    """Windows and the same one step later, (runs, pairs, n), in standard deviations from the mean."""

    now: np.ndarray
    then: np.ndarray


class Scaled(NamedTuple):
    """Mean and standard deviation of what is learnt from, (runs, dim): nothing of what is held out."""

    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> Scaled:
        """Of series of shape (runs, samples, dim)."""
        return cls(x.mean(1), x.std(1))

    def to(self, x: np.ndarray) -> np.ndarray:
        """Series of shape (runs, ..., dim) in standard deviations."""
        shape = (len(self.centre), *[1] * (x.ndim - 2), -1)
        return (x - self.centre.reshape(shape)) / self.scale.reshape(shape)


def pairs(orbits: np.ndarray, delays: int) -> Pairs:
    """All pairs of orbits, (runs, orbits, time, dim): a window has `delays` samples of all coordinates."""
    rows = np.array([[hankel(orbit, delays) for orbit in own] for own in orbits])
    flat = rows.shape[0], -1, rows.shape[-1]
    return Pairs(rows[:, :, :-1].reshape(flat), rows[:, :, 1:].reshape(flat))


def lorenz_series(state: np.ndarray, train: int, rng: np.random.Generator | None = None) -> tuple[np.ndarray, Scaled]:
    """x of all orbits, (seeds, time), standardised by its first `train` samples; with rng these are shuffled."""
    x = state[..., :1]
    scaled = Scaled.of(x[:, :train])
    x = scaled.to(x)[..., 0]
    if rng is not None:
        x = np.concatenate([rng.permuted(x[:, :train], axis=1), x[:, train:]], 1)
    return x, scaled


def roll(step, window: np.ndarray, steps: int, dim: int = 1) -> np.ndarray:
    """Run free: what `step` says comes next is the end of the next window.

    Parameters
    ----------
    step
        Windows (runs, starts, n) -> the next sample, (runs, starts, dim).
    window : ndarray, shape (runs, starts, n)
    steps

    Returns
    -------
    ndarray, shape (runs, starts, steps, dim)
        A run that blows up is held at 1e6.
    """
    path = np.empty((*window.shape[:2], steps, dim))
    for k in range(steps):
        path[:, :, k] = np.nan_to_num(np.clip(step(window), -1e6, 1e6), nan=1e6)
        window = np.concatenate([window[..., dim:], path[:, :, k]], -1)
    return path
