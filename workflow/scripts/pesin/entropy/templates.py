"""Template-matching entropies: sample, approximate and fuzzy entropy."""

from __future__ import annotations

import numba
import numpy as np
from scipy.spatial import cKDTree

from pesin.entropy.estimate import BLOCKS, Estimate, log_of_counts, series
from pesin.entropy.measure import Measure


def sample_entropy(x, m: int = 2, r: float = 0.2, tolerance=None) -> Estimate:
    """Sample entropy -ln(A / B) (Richman and Moorman, Am. J. Physiol. 278, H2039, 2000).

    B counts ordered pairs of different templates of m samples (the first N - m only) within the tolerance in the
    maximum norm, A those of m + 1.

    Parameters
    ----------
    x : array_like, shape (..., time)
    m
        Samples in a template.
    r
        Largest distance of a match, in standard deviations (ddof 0) of each series.
    tolerance : float or array_like, shape (...)
        Largest distance in the unit of x, instead of r.

    Returns
    -------
    Estimate
        In nats; inf with a warning if A or B is 0. Counts `longer` (A) and `shorter` (B).

    Raises
    ------
    ValueError
        If a value isn't finite or there are fewer than m + 2 points.
    """
    rows, batch = series(x, m + 2, f"sample entropy of templates of {m} samples")
    limits = _tolerances(rows, r, tolerance)
    counts = [match_counts(row, m, limit) for row, limit in zip(rows, limits, strict=True)]
    longer, shorter = np.array(counts, float).reshape(-1, 2).T
    value = entropy_of_matches(longer, shorter, "sample entropy")
    return Estimate.of(batch, value, BLOCKS, longer=longer, shorter=shorter)


def match_counts(x: np.ndarray, m: int, tolerance: float) -> tuple[int, int]:
    """Ordered pairs of matching templates of m + 1 and of m samples of one series (time,)."""
    width = max(tolerance * (1 + 1e-9), float(np.ptp(x)) / 1e6) or 1.0  # a match never lies two cells away
    cell = ((x - x.min()) / width).astype(np.int64)
    rows = int(cell.max()) + 2
    second = cell[1 : x.size - m + 1] if m > 1 else np.zeros(x.size - m, np.int64)
    key = cell[: x.size - m] * rows + second
    order = np.argsort(key, kind="stable")
    longer, shorter = _pairs_in_cells(x, m, tolerance, order, key[order], rows)
    return 2 * longer, 2 * shorter


@numba.njit(cache=True)
def _pairs_in_cells(x, m, tolerance, order, key, rows):
    """Pairs of templates in the same or touching cells of the plane (x_t, x_t+1), tested in full.

    Sorted by cell, the candidates of a template are two runs: the rest of its own cell and the one after it, and three
    cells of the next row.
    """
    longer, shorter = 0, 0
    first, last = 0, 0
    for a in range(order.size):
        i, here = order[a], key[a]
        while first < order.size and key[first] < here + rows - 1:
            first += 1
        last = max(last, first)
        while last < order.size and key[last] <= here + rows + 1:
            last += 1
        b = a + 1
        while b < last:
            if b < first and key[b] > here + 1:
                b = first
                continue
            j = order[b]
            b += 1
            k = 0
            while k < m and abs(x[i + k] - x[j + k]) <= tolerance:
                k += 1
            if k == m:
                shorter += 1
                longer += abs(x[i + m] - x[j + m]) <= tolerance
    return longer, shorter


def entropy_of_matches(longer, shorter, measure: str) -> np.ndarray:
    """-ln(longer / shorter), elementwise; inf with a warning where either is 0."""
    log_of_counts(longer, measure)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(longer) > 0, -np.log(np.asarray(longer) / np.asarray(shorter)), np.inf)


def _tolerances(rows: np.ndarray, r: float, tolerance) -> np.ndarray:
    if tolerance is None:
        return r * rows.std(-1)
    return np.broadcast_to(np.ravel(tolerance), rows.shape[:1])


def joint_multiscale_entropy(x, scales, m: int = 2, r: float = 0.2) -> np.ndarray:
    """Sample entropy of a vector series averaged over windows of growing length, all coordinates together.

    Parameters
    ----------
    x : array_like, shape (time, dim)
        A template is m points of all coordinates, close if the largest difference of any, in standard deviations of
        the original series, is within r. Constant coordinates are left out.
    scales : sequence of int
        Window lengths; windows don't overlap.
    m, r
        Points in a template; largest distance, in standard deviations.

    Returns
    -------
    ndarray, shape (scales,)
        In nats; inf where no longer template matches another, NaN where no shorter one does.
    """
    x = np.asarray(x, float)
    x = x[:, x.std(0) > 0]
    x = (x - x.mean(0)) / x.std(0)
    values = []
    for scale in scales:
        windows = len(x) // scale
        coarse = x[: windows * scale].reshape(windows, scale, -1).mean(1)
        counts = [_joint_matches(coarse, length, windows - m, r) for length in (m, m + 1)]
        with np.errstate(divide="ignore"):
            values.append(-np.log(counts[1] / counts[0]) if counts[0] else np.nan)
    return np.array(values)


def _joint_matches(x: np.ndarray, length: int, templates: int, tolerance: float) -> int:
    """Ordered pairs of different templates (time, dim) within the tolerance in the maximum norm."""
    tree = cKDTree(np.concatenate([x[i : i + templates] for i in range(length)], -1))
    return tree.count_neighbors(tree, tolerance, p=np.inf) - templates


MEASURES = (
    Measure(
        "sample_entropy",
        sample_entropy,
        section="B",
        takes="series",
        units="nats",
        measures="How seldom stretches that were alike stay alike for one sample more.",
        avoid="Fewer than about 10^m to 20^m samples (no match gives an infinity); flows sampled finely (it measures "
        "the sampling); trends, which widen the tolerance.",
        source="Richman and Moorman, Am. J. Physiol. 278, H2039 (2000)",
        cost="N^1.5 typical, N^2 worst",
        needs=4,
        advised=400,
        peer="antropy.sample_entropy(x, order=2)",
        constant=0.0,
        bounds=(0, float("inf")),
        invariant=("shift", "scale"),
    ),
)
