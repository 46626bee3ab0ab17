"""Template-matching entropies: sample entropy, and its course over scales."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree


def sample_entropy(x, m: int = 2, tolerance: float | None = None) -> float:
    """Sample entropy -ln(A / B) (Richman and Moorman, Am. J. Physiol. 278, H2039, 2000).

    B counts pairs of different templates of length m (the first N - m only) within the tolerance in the maximum norm,
    A those of length m + 1.

    Parameters
    ----------
    x : array_like, shape (time,)
        Finite values.
    m
        Template length.
    tolerance
        Largest distance that counts as a match; 0.2 standard deviations (ddof 0) if not given.

    Returns
    -------
    float
        In nats; inf if no template of length m + 1 matches another.

    Raises
    ------
    ValueError
        If the series has fewer than m + 2 points.
    """
    x = np.asarray(x, float)
    templates = x.size - m
    if templates < 2:
        raise ValueError(f"sample entropy of templates of {m} points needs {m + 2} points, the series has {x.size}")
    if tolerance is None:
        tolerance = 0.2 * x.std()
    matches = [_matches(x[:, None], length, templates, tolerance) for length in (m, m + 1)]
    with np.errstate(divide="ignore"):
        return float(-np.log(matches[1] / matches[0])) if matches[0] else float("inf")


def multiscale_entropy(x, scales, m: int = 2, tolerance: float = 0.2) -> np.ndarray:
    """Sample entropy of a series averaged over windows of growing length (Costa, Goldberger and Peng, PRL 89, 068102).

    Parameters
    ----------
    x : array_like, shape (time, dim)
        All coordinates together: a template is m points of all of them, close if the largest difference of any, in
        standard deviations of the original series, is within the tolerance. Constant coordinates are left out.
    scales : sequence of int
        Window lengths; windows don't overlap.
    m, tolerance
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
        counts = [_matches(coarse, length, windows - m, tolerance) for length in (m, m + 1)]
        with np.errstate(divide="ignore"):
            values.append(-np.log(counts[1] / counts[0]) if counts[0] else np.nan)
    return np.array(values)


def _matches(x: np.ndarray, length: int, templates: int, tolerance: float) -> int:
    """Ordered pairs of different templates (time, dim) within the tolerance in the maximum norm."""
    tree = cKDTree(np.concatenate([x[i : i + templates] for i in range(length)], -1))
    return tree.count_neighbors(tree, tolerance, p=np.inf) - templates
