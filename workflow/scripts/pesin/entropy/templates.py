"""Template-matching entropies of a scalar series: sample entropy."""

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
    matches = []
    for length in (m, m + 1):
        tree = cKDTree(np.stack([x[i : i + templates] for i in range(length)], -1))
        matches.append(tree.count_neighbors(tree, tolerance, p=np.inf) - templates)
    with np.errstate(divide="ignore"):
        return float(-np.log(matches[1] / matches[0])) if matches[0] else float("inf")
