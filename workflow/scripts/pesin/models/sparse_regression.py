"""Sparse regression of derivatives on a library of functions (SINDy), piece by piece: library, fit, prediction.

`pesin.models.sindy` identifies one noisy orbit and forecasts it. Here derivatives may be given, libraries are plain
matrices, and many systems are fitted one after the other: only the optimiser is pysindy's.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

from pesin.door import finite, numbers


def polynomial_library(x, degree: int = 2) -> np.ndarray:
    """All monomials of the coordinates up to a total degree, the constant first.

    Parameters
    ----------
    x : array_like, shape (time, dim)

    Returns
    -------
    ndarray, shape (time, terms)
    """
    x = numbers(x)
    terms = [c for power in range(degree + 1) for c in combinations_with_replacement(range(x.shape[1]), power)]
    return np.stack([x[:, list(term)].prod(1) for term in terms], 1)


def fourier_library(x, frequencies: int = 10) -> np.ndarray:
    """sin(k x) and cos(k x) of each coordinate, k = 1 .. frequencies: (time, dim) -> (time, 2 frequencies dim)."""
    angles = numbers(x)[:, None, :] * np.arange(1, frequencies + 1)[:, None]
    return np.concatenate([np.sin(angles), np.cos(angles)], 1).reshape(len(angles), -1)


def finite_differences(x, dt: float) -> np.ndarray:
    """Central differences along time, second order at the ends too: shape (time, dim), in units of x per time."""
    return np.gradient(numbers(x), dt, axis=0, edge_order=2)


def fit(features: np.ndarray, derivatives: np.ndarray, threshold: float = 0.1) -> np.ndarray:
    """Sequentially thresholded least squares with pysindy's defaults (ridge 0.05, then without it on what is left).

    Parameters
    ----------
    features : ndarray, shape (time, terms)
    derivatives : ndarray, shape (time, dim)
    threshold
        Smaller coefficients are dropped.

    Returns
    -------
    ndarray, shape (terms, dim)
        features @ coefficients are the predicted derivatives.

    Raises
    ------
    ValueError
        If an argument is not finite.

    References
    ----------
    Brunton, Proctor and Kutz, PNAS 113, 3932 (2016).
    """
    import pysindy  # a second or two: only where a fit is made

    features, derivatives = finite(features, "features"), finite(derivatives, "derivatives")
    return np.asarray(pysindy.STLSQ(threshold=threshold).fit(features, derivatives).coef_, float).T
