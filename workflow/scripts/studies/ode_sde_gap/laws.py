"""The laws of the data: nine blobs, two rings, a checkerboard, with their entropies and, where closed, their scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pesin.systems.checkerboard import Checkerboard
from pesin.systems.mixtures import Mixture


@dataclass(frozen=True)
class Blobs:
    """Nine round Gaussians on a lattice."""

    mixture: Mixture = field(
        default_factory=lambda: Mixture(
            np.full(9, 1 / 9),
            0.65 * np.array([(2, 2), (2, -2), (-2, 2), (-2, -2), (0, 0), (4, 0), (-4, 0), (0, 4), (0, -4)], float),
            np.broadcast_to(0.65**2 * 0.2 * np.eye(2), (9, 2, 2)),
        )
    )

    def sample(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Draw points, shape (samples, 2)."""
        return self.mixture.sample(rng, samples)

    def noised_score(self, x, scale: float, sd: float) -> np.ndarray:
        """Score of the law of scale x0 + sd z, shape (..., 2) -> (..., 2)."""
        return self.mixture.noised(scale, sd).score(x)

    @property
    def entropy(self) -> float:
        """Differential entropy in nats, by quadrature on a lattice of step 0.05."""
        axis = np.arange(-6, 6, 0.05)
        log_density = self.mixture.log_density(np.stack(np.meshgrid(axis, axis, indexing="ij"), -1))
        return float(-(np.exp(log_density) * log_density).sum() * 0.05**2)


@dataclass(frozen=True)
class Rings:
    """Two rings, equally likely, each point's radius normal around its ring's."""

    radii: tuple[float, float] = (2 * 0.65, 2 * 1.4)
    spread: float = 2 * 0.1

    def sample(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Draw points, shape (samples, 2)."""
        radius = rng.choice(self.radii, samples) + self.spread * rng.standard_normal(samples)
        angle = rng.uniform(0, 2 * np.pi, samples)
        return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)

    @property
    def entropy(self) -> float:
        """Differential entropy in nats: that of the radius, and the mean of ln(2 pi radius), by quadrature."""
        r = np.arange(1e-3, 6, 1e-3)
        peaks = np.exp(-0.5 * ((r[:, None] - self.radii) / self.spread) ** 2) / (self.spread * np.sqrt(2 * np.pi))
        density = peaks.mean(1)
        density /= density.sum() * 1e-3
        return float(-(density * (np.log(density + 1e-300) - np.log(2 * np.pi * r))).sum() * 1e-3)


LAWS: dict[str, Any] = {"blob": Blobs(), "circles": Rings(), "checker": Checkerboard(4, 1.5)}
