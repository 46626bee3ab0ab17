"""The pairs of laws that are bridged, and the exact velocity and score between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pesin.models.bridges import Interpolant, velocity_from_score
from pesin.systems.checkerboard import Checkerboard
from pesin.systems.mixtures import Mixture, bridged


@dataclass(frozen=True)
class World:
    """A base and a target; a target with edges needs a standard normal base for its fields to be known."""

    base: Mixture
    target: Mixture | Checkerboard

    def fields(self, interpolant: Interpolant, x: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
        """Exact velocity and score of the bridge, each of the shape of x, (..., dim)."""
        if isinstance(self.target, Mixture):
            return bridged(self.base, self.target, interpolant, t).both(x)
        (a, b, _), (spread, _) = interpolant.values(t), interpolant.variance(t)
        score = self.target.noised_score(x, b, float(np.sqrt(a**2 + spread)))
        return velocity_from_score(interpolant, x, score, t), score

    @property
    def anchors(self) -> np.ndarray:
        """Centres of equally probable parts of a target in the plane, shape (parts, 2): modes or dark squares."""
        target = self.target
        return target.means if isinstance(target, Mixture) else target.corners + target.side / 2


def ring(modes: int, radius: float, sd: float) -> Mixture:
    """Equal round modes in the plane, evenly on a circle."""
    angles = 2 * np.pi * np.arange(modes) / modes + np.pi / 2
    means = radius * np.stack([np.cos(angles), np.sin(angles)], -1)
    return Mixture(np.full(modes, 1 / modes), means, np.tile(sd**2 * np.eye(2), (modes, 1, 1)))


def line(means: list[float], sd: float, weights: list[float]) -> Mixture:
    """Modes of one width on the line."""
    return Mixture(np.array(weights), np.array(means)[:, None], np.full((len(means), 1, 1), sd**2))


def normal(dim: int) -> Mixture:
    """The standard normal law."""
    return Mixture(np.ones(1), np.zeros((1, dim)), np.eye(dim)[None])


# On the line, for what is exact: two peaks as in the card's trial, and five modes out of three.
LINE = {
    "peaks": World(normal(1), line([-2, 2], 0.3, [0.5, 0.5])),
    "modes": World(line([-2, 0, 2], 0.5, [0.25, 0.5, 0.25]), line([-4, -2, 0, 2, 4], 0.3, [0.1, 0.2, 0.4, 0.2, 0.1])),
}
# In the plane, for what is learned.
PLANE = {
    "mixture": World(normal(2), ring(5, 3.0, 0.6)),
    "checkerboard": World(normal(2), Checkerboard()),
}
