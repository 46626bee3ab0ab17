"""Template-matching entropies: sample, approximate and fuzzy entropy."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.spatial import cKDTree

from pesin.compiled import njit
from pesin.declared import Declared
from pesin.door import centred, finite, series, still
from pesin.entropy.estimate import BLOCKS, Estimate, log_of_counts
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
    rows = centred(rows)
    limits = tolerances(rows, r, tolerance)
    longer, shorter = pair_counts(rows, m, limits).T
    value = entropy_of_matches(longer, shorter, "sample entropy")
    return Estimate.of(batch, value, BLOCKS, longer=longer, shorter=shorter)


def pair_counts(rows: np.ndarray, m: int, limits: np.ndarray) -> np.ndarray:
    """Ordered pairs (A, B) of matching templates of m + 1 and of m samples, of each row; floats, shape (rows, 2)."""
    counts = [matches(row, m, limit, row.size - m).sum(1) for row, limit in zip(rows, limits, strict=True)]
    return np.array(counts, float).reshape(-1, 2)


def approximate_entropy(x, m: int = 2, r: float = 0.2, tolerance=None) -> Estimate:
    """Approximate entropy phi_m - phi_(m+1), self-matches counted (Pincus, PNAS 88, 2297, 1991).

    Parameters
    ----------
    x, m, r, tolerance
        As in `sample_entropy`.

    Returns
    -------
    Estimate
        In nats. Biased by the self-matches, all the more the shorter the series; counts `lonely` templates of m + 1
        samples that match none but themselves.
    """
    rows, batch = series(x, m + 2, f"approximate entropy of templates of {m} samples")
    rows = centred(rows)
    value, lonely = np.empty(len(rows)), np.empty(len(rows), int)
    for b, (row, limit) in enumerate(zip(rows, tolerances(rows, r, tolerance), strict=True)):
        longer, shorter = matches(row, m, limit, row.size - m + 1) + 1.0
        longer = longer[:-1]  # the last template of m samples has no sample more
        value[b] = np.log(shorter / shorter.size).mean() - np.log(longer / longer.size).mean()
        lonely[b] = (longer == 1).sum()
    return Estimate.of(batch, value, BLOCKS, lonely=lonely)


def fuzzy_entropy(x, m: int = 2, r: float = 0.2, power: float = 2, tolerance=None) -> Estimate:
    """Fuzzy entropy (Chen, Wang, Xie and Yu, IEEE Trans. Neural Syst. Rehabil. Eng. 15, 266, 2007).

    The form, since packages differ: sample entropy with the match of two templates graded as exp(-(d / r)^power), d
    their maximum distance after each has its own mean taken off, r in standard deviations (ddof 0). EntropyHub grades
    exp(-d^power / r): its r is our tolerance^power.

    Parameters
    ----------
    x, m, r, tolerance
        As in `sample_entropy`.
    power
        Steepness of the grade.

    Returns
    -------
    Estimate
        In nats; `longer` and `shorter` are the sums of grades over ordered pairs.
    """
    rows, batch = series(x, m + 2, f"fuzzy entropy of templates of {m} samples")
    rows = centred(rows)
    limits = tolerances(rows, r, tolerance)
    if (limits <= 0).any():
        raise ValueError("fuzzy entropy is not defined for a constant series, whose tolerance is 0")
    grades = [_grades(row, m, limit, float(power)) for row, limit in zip(rows, limits, strict=True)]
    longer, shorter = np.array(grades).reshape(-1, 2).T
    value = entropy_of_matches(longer, shorter, "fuzzy entropy")
    return Estimate.of(batch, value, BLOCKS, longer=longer, shorter=shorter)


@njit()
def _grades(x, m, tolerance, power):
    templates = x.size - m
    longer, shorter = 0.0, 0.0
    means = np.zeros((2, templates))
    for i in range(templates):
        means[0, i] = x[i : i + m].mean()
        means[1, i] = x[i : i + m + 1].mean()
    far = tolerance * 40.0 ** (1 / power)  # beyond it a grade is below 1e-17
    for i in range(templates):
        for j in range(i + 1, templates):
            for k in range(2):
                apart = means[k, j] - means[k, i]
                largest = 0.0
                for n in range(m + k):
                    largest = max(largest, abs(x[i + n] - x[j + n] + apart))
                    if largest > far:
                        break
                if largest <= far:
                    ratio = largest / tolerance
                    grade = np.exp(-(ratio * ratio if power == 2 else ratio**power))
                    if k:
                        longer += grade
                    else:
                        shorter += grade
    return 2 * longer, 2 * shorter


def matches(x: np.ndarray, m: int, tolerance: float, templates: int) -> np.ndarray:
    """How many other templates match each one.

    Parameters
    ----------
    x : ndarray, shape (time,)
    m
        Samples in a template; a match is a largest difference <= tolerance.
    templates
        The first so many count.

    Returns
    -------
    ndarray of int, shape (2, templates)
        Matches of m + 1 samples (where both have that many), and of m.
    """
    width = max(tolerance * (1 + 1e-9), float(np.ptp(x)) / 1e6) or 1.0  # a match never lies two cells away
    cell = ((x - x.min()) / width).astype(np.int64)
    rows = int(cell.max()) + 2
    second = cell[1 : templates + 1] if m > 1 else np.zeros(templates, np.int64)
    key = cell[:templates] * rows + second
    order = np.argsort(key, kind="stable")
    found = np.zeros((2, templates), np.int64)
    _match_in_cells(x, m, tolerance, order, key[order], rows, found)
    return found


@njit()
def _match_in_cells(x, m, tolerance, order, key, rows, found):
    """Pairs of templates in the same or touching cells of the plane (x_t, x_t+1), tested in full.

    Sorted by cell, the candidates of a template are two runs: the rest of its own cell and the one after it, and three
    cells of the next row.
    """
    first, last = 0, 0
    for a in range(order.size):
        i, here = order[a], key[a]
        while first < order.size and key[first] < here + rows - 1:
            first += 1
        last = max(last, first)
        while last < order.size and key[last] <= here + rows + 1:
            last += 1
        b = a + 1
        shorter, longer = 0, 0
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
                found[1, j] += 1
                if max(i, j) + m < x.size and abs(x[i + m] - x[j + m]) <= tolerance:
                    longer += 1
                    found[0, j] += 1
        found[0, i] += longer
        found[1, i] += shorter


def entropy_of_matches(longer, shorter, measure: str) -> np.ndarray:
    """-ln(longer / shorter), elementwise; inf with a warning where either is 0."""
    log_of_counts(longer, measure)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(longer) > 0, -np.log(np.asarray(longer) / np.asarray(shorter)), np.inf)


def tolerances(rows: np.ndarray, r: float, tolerance) -> np.ndarray:
    """Largest distance of a match for each row: r standard deviations, or the tolerance where one is given."""
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
    x = finite(x)
    x = centred(x[:, ~still(x, 0)], 0)
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


_measure = partial(Measure, section="B", takes="series", units="nat", needs=4, invariant=("shift", "scale"))
MEASURES = (
    _measure(
        "sample_entropy",
        sample_entropy,
        measures="How seldom stretches that were alike stay alike for one sample more.",
        avoid="Fewer than about 10^m to 20^m samples (no match gives an infinity); flows sampled finely (it measures "
        "the sampling); trends, which widen the tolerance.",
        source="Richman and Moorman, Am. J. Physiol. 278, H2039 (2000)",
        cost="N^2 (N^2.1 measured on white noise)",
        advised=400,
        peer="antropy.sample_entropy(x, order=2)",
        constant=0.0,
        bounds=(0, float("inf")),
    ),
    _measure(
        "approximate_entropy",
        approximate_entropy,
        measures="Sample entropy's forerunner: the mean log-likelihood that alike stretches stay alike, each also "
        "matching itself.",
        avoid="Comparing series of different lengths: self-matches bias it down, the shorter the more. Prefer sample "
        "entropy.",
        source="Pincus, PNAS 88, 2297 (1991)",
        cost="N^2 (N^2.1 measured on white noise)",
        advised=1000,
        peer="antropy.app_entropy(x, order=2)",
        constant=0.0,
    ),
    _measure(
        "fuzzy_entropy",
        fuzzy_entropy,
        measures="Sample entropy with graded instead of yes-or-no matches, deaf to slow drifts of the level: steadier "
        "on short series.",
        avoid="Comparing with other packages without their form of the grade; series above 1e5 points (all pairs).",
        source="Chen, Wang, Xie and Yu, IEEE Trans. Neural Syst. Rehabil. Eng. 15, 266 (2007)",
        cost="N^2",
        advised=100,
        peer="EntropyHub.FuzzEn(x, m=2, r=((.2 * x.std())**2, 2))[0][-1]",
        bounds=(0, float("inf")),
    ),
)


DECLARED = (Declared(joint_multiscale_entropy, ("x",), invariant=("shift", "scale")),)
