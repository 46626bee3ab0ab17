"""The cross-entropy method: sample, keep the best, fit the law anew (Rubinstein and Kroese 2004), many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class History(NamedTuple):
    """The laws of all iterations, the first one included."""

    mean: np.ndarray
    """(iterations + 1, searches, dim)"""
    spread: np.ndarray
    """Standard deviations, of the same shape."""


def search(
    score: Callable[[np.ndarray], np.ndarray],
    mean: np.ndarray,
    spread: np.ndarray,
    samples: int,
    elite: int,
    smoothing: float,
    iterations: int,
    rng: np.random.Generator,
    clip: tuple | None = None,
) -> History:
    """Minimise by Gaussian laws with independent coordinates, one for each search.

    Parameters
    ----------
    score
        Points of shape (searches, samples, dim) -> values (searches, samples), the lower the better. NaN is the worst.
    mean, spread : ndarray, shape (searches, dim)
        Of the first laws.
    samples, elite
        Points drawn in each iteration, and how many of the best the next law is fitted to.
    smoothing
        Weight of the fit against the law before; at 0 nothing is learnt.
    iterations
        Times that the law is fitted.
    clip : (low, high), optional
        Points are moved to this box, each side of shape (dim,).

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If the elite is less than two or more than all samples.
    """
    if not 2 <= elite <= samples:
        raise ValueError(f"elite is {elite}: at least 2, at most the {samples} samples")
    mean, spread = np.array(mean, float), np.array(spread, float)
    history = [(mean, spread)]
    for _ in range(iterations):
        points = mean[:, None] + spread[:, None] * rng.standard_normal((len(mean), samples, mean.shape[1]))
        points = points if clip is None else np.clip(points, *clip)
        value = np.asarray(score(points), float)
        best = np.argpartition(np.where(np.isnan(value), np.inf, value), elite - 1, axis=1)[:, :elite]
        kept = np.take_along_axis(points, best[..., None], axis=1)
        mean = smoothing * kept.mean(1) + (1 - smoothing) * mean
        spread = smoothing * kept.std(1) + (1 - smoothing) * spread
        history.append((mean, spread))
    means, spreads = zip(*history, strict=True)
    return History(np.array(means), np.array(spreads))
