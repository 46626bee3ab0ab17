"""DSE and DSMI of a representation under a convention, in bits; NaN where they are not defined."""

from __future__ import annotations

from functools import partial

import numpy as np

from pesin.entropy.kernel import (
    diffusion_spectral_entropy,
    diffusion_spectral_mutual_information,
    median_distance,
)
from pesin.steps.labels import DIVERGED, labelled
from studies.diffusion_spectral_entropy.bit import BIT

NO_MEDIAN = "points without a median distance"
UNDEFINED = f"{DIVERGED}, or {NO_MEDIAN}"
"""What a missing DSE or DSMI of a trained representation stands for."""
bits = partial(labelled, units="bit", nan=UNDEFINED)
"""A DSE or DSMI of trained networks."""
KEPT = 0.8  # share of the samples in a subsample


def prepared(z: np.ndarray, convention) -> tuple[np.ndarray, float | str, float | list[float], str]:
    """Features, bandwidth, diffusion time(s) and normalisation of a convention, or of (features, sigma, t)."""
    if isinstance(convention, tuple):
        features, sigma, t, normalisation = (*convention, "symmetric")
    else:
        features, sigma, t = convention.features, convention.sigma, convention.t
        normalisation = convention.normalisation
    z = np.asarray(z, float)
    if features == "l2":
        norm = np.linalg.norm(z, axis=-1, keepdims=True)
        z = z / np.where(norm > 0, norm, 1)
    return z, sigma, t, normalisation


def bandwidth(points: np.ndarray, sigma: float | str) -> float:
    """The bandwidth of one cloud; NaN if it has no diffusion entropy: not finite, or no median distance."""
    if not np.isfinite(points).all():
        return np.nan
    if sigma != "median":
        return float(sigma)
    try:
        return median_distance(points)
    except ValueError:
        return np.nan


def bits_of(z: np.ndarray, convention) -> np.ndarray:
    """DSE of every cloud of z, shape (..., samples, features) -> (...), or (..., times) for several times."""
    z, sigma, t, normalisation = prepared(z, convention)
    found = []
    for cloud in z.reshape(-1, *z.shape[-2:]):
        width = bandwidth(cloud, sigma)
        if np.isfinite(width):
            found.append(np.asarray(diffusion_spectral_entropy(cloud, width, t, normalisation).value) / BIT)
        else:
            found.append(np.full(np.shape(t), np.nan))
    return np.reshape(found, (*z.shape[:-2], *np.shape(t)))


def bits_between(z: np.ndarray, classes: np.ndarray, rng: np.random.Generator, convention, subsets: int) -> np.ndarray:
    """DSMI of one cloud (samples, features) and classes (..., samples): shape (...), or (..., times) for several times.

    Several labellings are permutations of one another.
    """
    z, sigma, t, normalisation = prepared(z, convention)
    width = bandwidth(z, sigma)
    if np.isnan(width):
        return np.full((*classes.shape[:-1], *np.shape(t)), np.nan)
    found = diffusion_spectral_mutual_information(z, classes, rng, width, t, subsets, normalisation)
    return np.asarray(found.value) / BIT


def subsample_error(
    z: np.ndarray, classes: np.ndarray, rng: np.random.Generator, convention, subsets: int, draws: int
) -> float:
    """Standard error of DSMI over the samples, from the spread over random subsamples of 80 %.

    Subsamples of m of N points, drawn without replacement (copies would lie at distance 0), scatter around the whole
    with the variance s^2 (1/m - 1/N); the whole has s^2 / N.
    """
    size = len(z)
    part = round(KEPT * size)
    values = []
    for _ in range(draws):
        rows = rng.choice(size, part, replace=False)
        values.append(bits_between(z[rows], classes[rows], rng, convention, subsets))
    return float(np.std(values, ddof=1) * np.sqrt(part / (size - part)))
