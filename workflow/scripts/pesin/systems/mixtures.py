"""Gaussian mixtures in closed form: density, score, what noise makes of them, and the law between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp

from pesin.models.bridges import Interpolant


@dataclass(frozen=True)
class Mixture:
    """A mixture of Gaussians.

    Parameters
    ----------
    weights : ndarray, shape (components,)
        They sum to one.
    means : ndarray, shape (components, dim)
    covariances : ndarray, shape (components, dim, dim)
        Symmetric and positive definite.

    Raises
    ------
    ValueError
        If shapes or weights don't fit, or a covariance isn't positive definite.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def __post_init__(self) -> None:
        for name in ("weights", "means", "covariances"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), float))
        components, dim = self.means.shape
        if self.weights.shape != (components,) or self.covariances.shape != (components, dim, dim):
            raise ValueError(
                f"weights (k,), means (k, d) and covariances (k, d, d) don't fit: {self.weights.shape},"
                f" {self.means.shape}, {self.covariances.shape}"
            )
        if (self.weights < 0).any() or abs(self.weights.sum() - 1) > 1e-12 * components:
            raise ValueError(f"weights are positive and sum to one; these sum to {self.weights.sum()!r}")
        if (np.linalg.eigvalsh(self.covariances) <= 0).any():
            raise ValueError("a covariance is not positive definite")

    @cached_property
    def _precisions(self) -> np.ndarray:
        return np.linalg.inv(self.covariances)

    @cached_property
    def _log_scale(self) -> np.ndarray:
        """Logarithm of each component's weight times its density at its mean, shape (components,)."""
        _, log_determinant = np.linalg.slogdet(2 * np.pi * self.covariances)
        with np.errstate(divide="ignore"):
            return np.log(self.weights) - log_determinant / 2

    def sample(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Draw samples, shape (samples, dim)."""
        component = rng.choice(len(self.weights), samples, p=self.weights)
        roots = np.linalg.cholesky(self.covariances)
        normal = rng.standard_normal((samples, self.means.shape[1]))
        return self.means[component] + np.einsum("nij,nj->ni", roots[component], normal)

    def log_density(self, x) -> np.ndarray:
        """Logarithm of the density in nats, shape (..., dim) -> (...)."""
        return logsumexp(self._log_joint(self._pulled(x)), -1)

    def responsibilities(self, x) -> np.ndarray:
        """Probability of each component given x, shape (..., dim) -> (..., components)."""
        joint = self._log_joint(self._pulled(x))
        return np.exp(joint - logsumexp(joint, -1, keepdims=True))

    def score(self, x) -> np.ndarray:
        """Gradient of the log density, shape of x."""
        _, pulled = deviations = self._pulled(x)
        return -np.einsum("...k,...ki->...i", self._shares(deviations), pulled)

    def noised(self, scale: float, sd: float) -> Mixture:
        """The law of scale x + sd z, z standard normal."""
        identity = np.eye(self.means.shape[1])
        return Mixture(self.weights, scale * self.means, scale**2 * self.covariances + sd**2 * identity)

    def _pulled(self, x) -> tuple[np.ndarray, np.ndarray]:
        """x - mean, and the precision times it, each of shape (..., components, dim)."""
        apart = np.asarray(x, float)[..., None, :] - self.means
        return apart, np.einsum("kij,...kj->...ki", self._precisions, apart)

    def _log_joint(self, deviations: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        apart, pulled = deviations
        return self._log_scale - (apart * pulled).sum(-1) / 2

    def _shares(self, deviations: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        joint = self._log_joint(deviations)
        shares = np.exp(joint - joint.max(-1, keepdims=True))
        return shares / shares.sum(-1, keepdims=True)


@dataclass(frozen=True)
class Bridge:
    """The law of alpha x0 + beta x1 + gamma z at one time, x0 and x1 independent and from mixtures, and its velocity.

    Albergo, Boffi and Vanden-Eijnden, arXiv 2303.08797 (2023), definition 2.1 and theorem 2.6; for a pair of Gaussians
    the conditional mean of the path's velocity is m' + C'/2 C^-1 (x - m).
    """

    density: Mixture
    mean_rates: np.ndarray
    """Time derivative of each pair's mean, shape (pairs, dim)."""
    covariance_rates: np.ndarray
    """Time derivative of each pair's covariance, shape (pairs, dim, dim)."""

    def score(self, x) -> np.ndarray:
        """Gradient of the log density, shape of x."""
        return self.density.score(x)

    def velocity(self, x) -> np.ndarray:
        """Mean velocity of the paths that pass through x, shape of x: the field of the transport equation."""
        return self.both(x)[0]

    def both(self, x) -> tuple[np.ndarray, np.ndarray]:
        """Velocity and score together, each of the shape of x."""
        _, pulled = deviations = self.density._pulled(x)
        shares = self.density._shares(deviations)
        pairs = self.mean_rates + np.einsum("kij,...kj->...ki", self.covariance_rates / 2, pulled)
        return np.einsum("...k,...ki->...i", shares, pairs), -np.einsum("...k,...ki->...i", shares, pulled)


def bridged(first: Mixture, second: Mixture, interpolant: Interpolant, t: float) -> Bridge:
    """The bridge between two mixtures at time t in [0, 1], in closed form.

    Raises
    ------
    ValueError
        If the mixtures have different dimensions.
    """
    if first.means.shape[1] != second.means.shape[1]:
        raise ValueError(f"the mixtures have {first.means.shape[1]} and {second.means.shape[1]} dimensions")
    a, b, _ = interpolant.values(t)
    da, db, _ = interpolant.rates(t)
    spread, spread_rate = interpolant.variance(t)
    identity = np.eye(first.means.shape[1])

    def pairs(of_first: np.ndarray, of_second: np.ndarray) -> np.ndarray:
        both = of_first[:, None] + of_second[None]
        return both.reshape(-1, *both.shape[2:])

    covariances = pairs(a**2 * first.covariances, b**2 * second.covariances) + spread * identity
    rates = pairs(2 * a * da * first.covariances, 2 * b * db * second.covariances) + spread_rate * identity
    weights = np.outer(first.weights, second.weights).ravel()
    density = Mixture(weights / weights.sum(), pairs(a * first.means, b * second.means), covariances)
    return Bridge(density, pairs(da * first.means, db * second.means), rates)
