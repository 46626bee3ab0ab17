"""Sparse regression of derivatives on a library of functions (SINDy), piece by piece: library, fit, prediction.

`pesin.models.sindy` identifies one noisy orbit and forecasts it. Here derivatives may be given, libraries are plain
matrices, and many systems are fitted one after the other: only the optimiser of `fit` is pysindy's. Maps are fitted as
flows are: features of state and action, next states for targets. Ensembles are fitted all at once (`sparse_ridge`).
"""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement

import numpy as np

from pesin.door import finite, numbers


def polynomial_library(x, degree: int = 2) -> np.ndarray:
    """All monomials of the coordinates up to a total degree, the constant first.

    Parameters
    ----------
    x : array_like, shape (..., dim)

    Returns
    -------
    ndarray, shape (..., terms)
    """
    x = numbers(x)
    powers = [np.ones((*x.shape[:-1], 1))]
    for parent, factor in _growth(x.shape[-1], degree):
        powers.append(powers[-1][..., parent] * x[..., factor])
    return np.concatenate(powers, -1)


def monomials(dim: int, degree: int = 2) -> list[tuple[int, ...]]:
    """Coordinates that each term of `polynomial_library` multiplies: (), (0,), ..., (0, 0), (0, 1), ..."""
    return [c for power in range(degree + 1) for c in combinations_with_replacement(range(dim), power)]


@cache
def _growth(dim: int, degree: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each power: of which term of the power before a term is made, and by which coordinate."""
    terms: list[tuple[int, ...]] = [()]
    steps = []
    for _ in range(degree):
        pairs = [(i, j) for i, term in enumerate(terms) for j in range(term[-1] if term else 0, dim)]
        terms = [(*terms[i], j) for i, j in pairs]
        steps.append((np.array([i for i, _ in pairs]), np.array([j for _, j in pairs])))
    return steps


def applied(coefficients: np.ndarray, degree: int, *parts: np.ndarray) -> np.ndarray:
    """Polynomials of the parts laid side by side.

    Parameters
    ----------
    coefficients : ndarray, shape (models, terms, dim)
    parts : ndarray, shape (models, ..., dim of the part)

    Returns
    -------
    ndarray, shape (models, ..., dim)
    """
    features = polynomial_library(np.concatenate(parts, -1), degree)
    flat = features.reshape(len(features), -1, features.shape[-1]) @ coefficients
    return flat.reshape(*features.shape[:-1], coefficients.shape[-1])


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


def sparse_ridge(
    features: np.ndarray,
    targets: np.ndarray,
    threshold: float,
    ridge: float,
    weights: np.ndarray | None = None,
    allowed: np.ndarray | None = None,
    rounds: int = 20,
) -> np.ndarray:
    """Sequentially thresholded ridge regression, for many weightings of the samples at once.

    pysindy's STLSQ without its last, unregularised fit: where columns depend on each other (1 = cos^2 + sin^2), that
    one has no unique answer. By normal equations: features with a condition above some 1e6 need a ridge.

    Parameters
    ----------
    features : ndarray, shape (samples, terms)
    targets : ndarray, shape (samples, dim)
    threshold
        Smaller coefficients are dropped, and what is left is fitted again.
    ridge
        Factor on the squared norm of the coefficients, against the sum of squared errors.
    weights : ndarray, shape (members, samples), optional
        Of the samples, such as how often a bootstrap drew them; one member with weight 1 if not given.
    allowed : bool ndarray, shape (members, terms), optional
        Terms that a member may use.
    rounds
        Most times that terms are dropped.

    Returns
    -------
    ndarray, shape (members, terms, dim)
        features @ coefficients are the predictions.

    Raises
    ------
    ValueError
        If an argument is not finite, or the ridge is not positive.

    References
    ----------
    Brunton, Proctor and Kutz, PNAS 113, 3932 (2016).
    """
    features, targets = finite(features, "features"), finite(targets, "targets")
    if ridge <= 0:
        raise ValueError(f"ridge is {ridge}: it must be positive, so that dropped and dependent terms have an answer")
    weights = np.ones((1, len(features))) if weights is None else finite(weights, "weights")
    weighted = features.T * weights[:, None]
    gram, moment = (weighted @ features)[:, None], (weighted @ targets).swapaxes(1, 2)
    kept = np.ones(moment.shape, bool) if allowed is None else np.broadcast_to(allowed[:, None], moment.shape)
    diagonal = ridge * np.eye(features.shape[1])
    for _ in range(rounds):
        matrix = gram * (kept[..., None] & kept[..., None, :]) + diagonal
        found = np.linalg.solve(matrix, (moment * kept)[..., None])[..., 0]
        large = kept & (abs(found) >= threshold)
        if (large == kept).all():
            break
        kept = large
    return (found * kept).swapaxes(1, 2)


def fit_bagged(
    rng: np.random.Generator,
    features: np.ndarray,
    targets: np.ndarray,
    threshold: float,
    ridge: float,
    members: int,
    dropped: int = 0,
) -> np.ndarray:
    """An ensemble of sparse models: each is fitted to samples drawn with replacement, and lacks some terms.

    Parameters
    ----------
    features, targets, threshold, ridge
        As in `sparse_ridge`.
    members
        Number of models.
    dropped
        Terms that each is refused, drawn for each anew (library bagging).

    Returns
    -------
    ndarray, shape (members, terms, dim)
        Their median over members is the model, their spread its uncertainty.

    References
    ----------
    Fasel, Kutz, Brunton and Brunton, Proc. R. Soc. A 478, 20210904 (2022).
    """
    samples, terms = np.shape(features)
    weights = rng.multinomial(samples, np.full(samples, 1 / samples), members).astype(float)
    allowed = rng.random((members, terms)).argsort(1) >= dropped
    return sparse_ridge(features, targets, threshold, ridge, weights, allowed)
