"""Distances between clouds of points: exact and sliced Wasserstein, kernel discrepancy, and what equal laws score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from pesin.declared import Declared
from pesin.door import finite, origin
from pesin.steps.packages import needs_package


def wasserstein(x, y, order: int = 1) -> np.ndarray:
    """Wasserstein distance of two equally large samples on the line, by their sorted values.

    Parameters
    ----------
    x, y : shape (..., samples)
    order
        1 or 2.

    Returns
    -------
    ndarray, shape (...)
        In the unit of x.
    """
    x, y = np.sort(finite(x), -1), np.sort(finite(y, "y"), -1)
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"samples must be equally large; these have {x.shape[-1]} and {y.shape[-1]}")
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, it is {order}")
    return (abs(x - y) ** order).mean(-1) ** (1 / order)


def wasserstein1(x, y) -> float:
    """Exact 1-Wasserstein distance (Euclidean) of two equally large clouds, as `wasserstein2`."""
    return _assigned(x, y, "euclidean")


def wasserstein2(x, y) -> float:
    """Exact 2-Wasserstein distance of two equally large clouds, each of shape (samples, dim), by optimal assignment.

    Costs grow as samples^3: some thousand points at most (Peyre and Cuturi, Computational optimal transport, 2019).
    """
    return _assigned(x, y, "sqeuclidean") ** 0.5


def _assigned(x, y, metric: Literal["euclidean", "sqeuclidean"]) -> float:
    x, y = _clouds(x, y)
    if len(x) != len(y):
        raise ValueError(f"clouds must be equally large; these have {len(x)} and {len(y)} points")
    cost = cdist(x, y, metric)
    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].mean())


def wasserstein2_histograms(p, q, places) -> float:
    """Exact 2-Wasserstein distance of two histograms by POT's network simplex; empty bins cost nothing.

    Parameters
    ----------
    p, q : array_like, shape (bins,)
        Shares of mass, each summing to one.
    places : array_like, shape (bins, dim)
        Centres of the bins.

    Raises
    ------
    ValueError
        If shapes don't fit, or shares are negative or don't sum to one.
    UserError
        If POT isn't installed.
    """
    with needs_package("pot"):
        import ot.lp

    p, q, places = finite(p, "p"), finite(q, "q"), finite(places, "places")
    if p.shape != q.shape or places.shape[:-1] != p.shape:
        raise ValueError(f"shares (bins,) and places (bins, dim) don't fit: {p.shape}, {q.shape}, {places.shape}")
    for shares in (p, q):
        if not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-9:
            raise ValueError(f"shares are positive and sum to one; these sum to {shares.sum()!r}")
    places = places - origin(places, 0)
    cost = cdist(places[p > 0], places[q > 0], "sqeuclidean")
    return float(np.sqrt(max(ot.lp.emd2(p[p > 0], q[q > 0], cost, numItermax=1_000_000), 0.0)))


def sliced_wasserstein2(rng: np.random.Generator, x, y, directions: int = 100) -> float:
    """Root mean square over random directions of the 2-Wasserstein distance of the projections.

    Bonneel, Rabin, Peyre and Pfister, J. Math. Imaging Vis. 51, 22 (2015). Clouds of shape (samples, dim), equally
    large.
    """
    x, y = _clouds(x, y)
    axes = rng.standard_normal((x.shape[1], directions))
    axes /= np.linalg.norm(axes, axis=0)
    return float(np.sqrt((wasserstein((x @ axes).T, (y @ axes).T, 2) ** 2).mean()))


def mean_discrepancy(x, y, widths) -> float:
    """Squared maximum mean discrepancy with Gaussian kernels exp(-|x - y|^2 / (2 width^2)), averaged over widths.

    The unbiased estimate (Gretton and others, JMLR 13, 723, 2012, eq. 3): it may be negative for equal laws.
    """
    x, y = _clouds(x, y)
    widths = np.atleast_1d(finite(widths, "widths"))

    def kernel(a, b) -> np.ndarray:
        squares = cdist(a, b, "sqeuclidean")
        return np.mean([np.exp(-squares / (2 * width**2)) for width in widths], 0)

    def apart(values: np.ndarray) -> float:
        n = len(values)
        return (values.sum() - np.trace(values)) / (n * (n - 1))

    return float(apart(kernel(x, x)) + apart(kernel(y, y)) - 2 * kernel(x, y).mean())


def sampling_floor(
    rng: np.random.Generator,
    draw: Callable[[np.random.Generator, int], np.ndarray],
    distance: Callable[[np.ndarray, np.ndarray], float],
    samples: int,
    repeats: int = 5,
) -> np.ndarray:
    """What a distance comes to between two samples of the same law, shape (repeats,): nothing below it means anything.

    Parameters
    ----------
    draw
        (rng, samples) -> cloud of shape (samples, dim).
    distance
        Of two clouds.
    """
    return np.array([distance(draw(rng, samples), draw(rng, samples)) for _ in range(repeats)])


def _clouds(x, y) -> tuple[np.ndarray, np.ndarray]:
    x, y = finite(x), finite(y, "y")
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"clouds have the shape (samples, dim); these have {x.shape} and {y.shape}")
    start = origin(x, 0)
    return x - start, y - start


_APART = "a distance is in the unit of x, and a cloud moved alone is farther away"
DECLARED = (
    Declared(wasserstein, ("x", "y"), invariant=("shift",), follows="unit", moves=_APART),
    Declared(wasserstein1, ("x", "y"), invariant=("shift",), follows="unit", moves=_APART),
    Declared(wasserstein2, ("x", "y"), invariant=("shift",), follows="unit", moves=_APART),
    Declared(
        wasserstein2_histograms,
        ("p", "q", "places"),
        names=("p", "q"),
        invariant=("shift",),
        follows="unit",
        moves="a distance is in the unit of the places",
    ),
    Declared(sliced_wasserstein2, ("x", "y"), invariant=("shift",), follows="unit", moves=_APART),
    Declared(
        mean_discrepancy,
        ("x", "y", "widths"),
        sizes=("widths",),
        invariant=("shift", "scale"),
        moves="a cloud moved alone is farther away, and the widths are in the unit of x",
    ),
)
