"""Correlation dimension of an orbit (Grassberger and Procaccia, Physica D 9, 189, 1983)."""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared
from pesin.door import centred, finite, still

SHARES = (1e-3, 3e-2)  # shares of close pairs between which the slope is fitted


def correlation_dimension(
    x, theiler: int, rng: np.random.Generator, references: int = 1000, blocks: int = 10
) -> tuple[float, float]:
    """Slope of ln C(r) against ln r, C the share of pairs closer than r in the maximum norm.

    Parameters
    ----------
    x : array_like, shape (time, dim)
        Each coordinate is divided by its standard deviation first; constant ones are left out.
    theiler
        Pairs closer in time than this many points don't count: they lie together because time is continuous.
    rng
        Generator, for the reference points.
    references
        Points whose distances to all others are taken.
    blocks
        Groups of neighbouring references that are left out in turn (jackknife).

    Returns
    -------
    dimension, error
        The slope where C is between 0.001 and 0.03, and its jackknife error. It is that of a finite range of scales: of
        a set in d dimensions it reads up to a tenth less than d.

    Raises
    ------
    ValueError
        If a value isn't finite, or the series doesn't vary or is too short for its Theiler window.
    """
    x = finite(x)
    x = centred(x[:, ~still(x, 0)], 0)
    if x.shape[1] == 0:
        raise ValueError("the series is constant")
    if len(x) < 4 * theiler or len(x) < 100:
        raise ValueError(f"{len(x)} points are too few for a Theiler window of {theiler}")
    x = x / x.std(0)
    rows = np.sort(rng.choice(len(x), min(references, len(x)), replace=False))
    edges = np.concatenate([[-np.inf], np.linspace(np.log(1e-4), np.log(4.0), 120), [np.inf]])
    counts = np.empty((len(rows), len(edges) - 1))
    for k, row in enumerate(rows):
        distance = np.abs(x - x[row]).max(1)
        distance = np.concatenate([distance[: max(row - theiler, 0)], distance[row + theiler + 1 :]])
        with np.errstate(divide="ignore"):
            counts[k] = np.histogram(np.log(distance), edges)[0]
    groups = np.array_split(counts, blocks)
    total = counts.sum(0)
    without = np.array([_slope(total - group.sum(0), edges) for group in groups])
    spread = np.sqrt((blocks - 1) / blocks * ((without - without.mean()) ** 2).sum())
    return _slope(total, edges), float(spread)


def _slope(counts: np.ndarray, edges: np.ndarray) -> float:
    share = np.cumsum(counts)[:-1] / counts.sum()
    inside = (share >= SHARES[0]) & (share <= SHARES[1])
    if inside.sum() < 2:
        return float("nan")
    return float(np.polyfit(edges[1:-1][inside], np.log(share[inside]), 1)[0])


DECLARED = (Declared(correlation_dimension, ("x",), invariant=("shift", "scale")),)
