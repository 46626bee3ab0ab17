"""Uniform density on the dark squares of a board, and what noise makes of it: a law with edges, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr


@dataclass(frozen=True)
class Checkerboard:
    """The dark squares of a board of cells x cells, centred on the origin.

    Parameters
    ----------
    cells
        Squares along an edge, even.
    side
        Length of a square's edge.
    """

    cells: int = 4
    side: float = 2.0

    def __post_init__(self) -> None:
        if self.cells < 2 or self.cells % 2 or self.side <= 0:
            raise ValueError(f"a board has an even number of cells and a positive side: {self.cells}, {self.side}")

    @property
    def corners(self) -> np.ndarray:
        """Lower left corners of the dark squares, shape (squares, 2)."""
        places = np.stack(np.meshgrid(*2 * [np.arange(self.cells)], indexing="ij"), -1).reshape(-1, 2)
        return (places[places.sum(1) % 2 == 0] - self.cells / 2) * self.side

    @property
    def entropy(self) -> float:
        """Differential entropy in nats: the logarithm of the dark area."""
        return float(np.log(self.cells**2 / 2 * self.side**2))

    def sample(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Draw points, shape (samples, 2)."""
        corners = self.corners[rng.integers(len(self.corners), size=samples)]
        return corners + self.side * rng.random((samples, 2))

    def noised_score(self, x, scale: float, sd: float) -> np.ndarray:
        """Score of the law of scale x1 + sd z, x1 from the board and z standard normal; shape (..., 2) -> (..., 2).

        The posterior of x1 on a square is a normal law cut off at its edges, coordinate by coordinate.
        """
        centre, width = np.asarray(x, float)[..., None, :] / scale, sd / scale
        low = (self.corners - centre) / width
        high = low + self.side / width
        log_mass = _log_mass(low, high)
        weights = np.exp(log_mass.sum(-1) - log_mass.sum(-1).max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        means = centre + width * _cut_mean(low, high, log_mass)
        return (scale * np.einsum("...k,...ki->...i", weights, means) - x) / sd**2


def _log_mass(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Logarithm of the normal probability between two bounds, without cancellation in the tails."""
    flip = low > 0  # there the upper tail is the small one
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    below = log_ndtr(low)
    above = log_ndtr(high)
    with np.errstate(divide="ignore"):
        return above + np.log1p(-np.exp(np.minimum(below - above, 0)))


def _cut_mean(low: np.ndarray, high: np.ndarray, log_mass: np.ndarray) -> np.ndarray:
    """Mean of the standard normal law between two bounds: (phi(low) - phi(high)) / mass, held inside them."""
    log_phi = -0.5 * np.log(2 * np.pi)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.exp(log_phi - low**2 / 2 - log_mass) - np.exp(log_phi - high**2 / 2 - log_mass)
    nearest = np.where(low > 0, low, high)
    return np.clip(np.where(np.isfinite(mean), mean, nearest), low, high)
