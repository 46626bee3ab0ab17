"""Driven diffusions dx = b dt + sqrt(2 D) dW, even dimensions, with drift, score and entropy production in closed form.

Swimmers in traps (the Gaussian case of `active_probability_flow`), modes of a driven electrolyte (of
`driven_coulomb_fields`), and two Gaussians that a force stirs without moving their density: the drift (1 + A) s with A
antisymmetric leaves any density as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import block_diag, solve_continuous_lyapunov

from pesin.entropy.nonequilibrium import linear_entropy_production

APART = 2.0  # from the middle of the two Gaussians to each of them, in their standard deviations


@dataclass(frozen=True)
class Linear:
    """dx = -K x dt + noise."""

    relaxation: np.ndarray
    """K, shape (dim, dim)."""
    diffusion: np.ndarray
    """The diagonal of D, shape (dim,)."""

    @cached_property
    def covariance(self) -> np.ndarray:
        return solve_continuous_lyapunov(self.relaxation, 2 * np.diag(self.diffusion))

    @property
    def production(self) -> float:
        return float(linear_entropy_production(self.relaxation, np.diag(self.diffusion)).value)

    def draw(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Of the steady density, shape (samples, dim)."""
        return rng.standard_normal((samples, len(self.diffusion))) @ np.linalg.cholesky(self.covariance).T

    def drift(self, x: np.ndarray) -> np.ndarray:
        return -x @ self.relaxation.T

    def divergence(self, x: np.ndarray) -> np.ndarray:
        """Of the drift, shape (..., samples)."""
        return np.full(x.shape[:-1], -np.trace(self.relaxation))

    def score(self, x: np.ndarray) -> np.ndarray:
        return -x @ np.linalg.inv(self.covariance)


@dataclass(frozen=True)
class Stirred:
    """Two Gaussians of unit variance, `APART` times the diagonal's unit vector away from 0; D is one."""

    dim: int

    @property
    def diffusion(self) -> np.ndarray:
        return np.ones(self.dim)

    @property
    def production(self) -> float:
        """E|A s|^2 = E|s|^2: that of one coordinate by quadrature, of the others 1 each."""
        y = np.linspace(-APART - 10, APART + 10, 4001)
        density = np.exp(-((y - APART) ** 2) / 2) + np.exp(-((y + APART) ** 2) / 2)
        along = (density * (APART * np.tanh(APART * y) - y) ** 2).sum() / density.sum()
        return float(along) + self.dim - 1

    def draw(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Of the steady density, shape (samples, dim)."""
        side = rng.choice([-APART, APART], samples)
        return rng.standard_normal((samples, self.dim)) + side[:, None] * self.dim**-0.5

    def drift(self, x: np.ndarray) -> np.ndarray:
        score = self.score(x)
        return score + np.stack([-score[..., 1::2], score[..., ::2]], -1).reshape(x.shape)

    def divergence(self, x: np.ndarray) -> np.ndarray:
        """Of the drift, shape (..., samples)."""
        return APART**2 / np.cosh(APART * self._along(x)) ** 2 - self.dim

    def score(self, x: np.ndarray) -> np.ndarray:
        return APART * np.tanh(APART * self._along(x))[..., None] * self.dim**-0.5 - x

    def _along(self, x: np.ndarray) -> np.ndarray:
        return x.sum(-1) * self.dim**-0.5


World = Linear | Stirred


def swimmers(dim: int) -> Linear:
    """Place and propulsion of dim / 2 swimmers, each in a trap of its own: trap and speed 1."""
    one, diffusion = [[1.0, -1.0], [0.0, 0.5]], [0.3, 0.5]
    return Linear(block_diag(*[one] * (dim // 2)), np.tile(diffusion, dim // 2))


def electrolyte(dim: int) -> Linear:
    """Charge and density of dim / 2 modes along the field, of wave number 1, 1.5, 2, ... inverse Debye lengths."""
    numbers, field = 1 + np.arange(dim // 2) / 2, 2.0
    blocks = [[[k**2 + 1, field * k], [-field * k, k**2]] for k in numbers]
    return Linear(block_diag(*blocks), np.repeat(numbers**2, 2))


WORLDS: dict[str, Callable[[int], World]] = {"swimmers": swimmers, "electrolyte": electrolyte, "stirred": Stirred}
