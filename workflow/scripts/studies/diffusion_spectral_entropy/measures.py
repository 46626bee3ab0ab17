"""DSE and DSMI of a representation under a convention, in bits; NaN where they are not defined."""

from __future__ import annotations

import numpy as np

from pesin.entropy.kernel import (
    diffusion_spectral_entropy,
    diffusion_spectral_mutual_information,
    median_distance,
)
from studies.diffusion_spectral_entropy.labelled import BIT

KEPT = 0.8  # share of the samples in a subsample


def prepared(z: np.ndarray, convention) -> tuple[np.ndarray, float | str, object, str]:
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


def defined(points: np.ndarray, sigma) -> bool:
    """Whether a cloud has a diffusion entropy: finite, and not half of it one point if the median distance is asked."""
    if not np.isfinite(points).all():
        return False
    try:
        return sigma != "median" or median_distance(points) > 0
    except ValueError:
        return False


def bits_of(z: np.ndarray, convention) -> np.ndarray:
    """DSE of every cloud of z, shape (..., samples, features) -> (...), or (..., times) for several times."""
    z, *how = prepared(z, convention)
    clouds = z.reshape(-1, *z.shape[-2:])
    nothing = np.full(np.shape(how[1]), np.nan)
    found = [
        diffusion_spectral_entropy(cloud, *how).value / BIT if defined(cloud, how[0]) else nothing for cloud in clouds
    ]
    return np.reshape(found, (*z.shape[:-2], *np.shape(how[1])))


def bits_between(z: np.ndarray, classes: np.ndarray, rng: np.random.Generator, convention, subsets: int) -> np.ndarray:
    """DSMI of one cloud (samples, features) and classes (samples,): a number, or one for each time."""
    z, sigma, t, normalisation = prepared(z, convention)
    if not defined(z, sigma):
        return np.full(np.shape(t), np.nan)
    found = diffusion_spectral_mutual_information(z, classes, rng, sigma, t, subsets, normalisation)
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
