"""Rare events with known probabilities, and the laws that cross-entropy fits to them.

`Small`: |zeta(s)| below a level, s uniform in a box; tilted to a mixture of Gaussians at given zeros and of the uniform
law. `Bridge`: the shortest of the four paths over five edges of exponential lengths is longer than a level; tilted
to other means (R. Y. Rubinstein and D. P. Kroese, The Cross-Entropy Method, 2004, chapter 2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import logsumexp

from studies.riemann_cross_entropy.dirichlet import small_area, values

DEFENSIVE = 0.1
"""Share of the uniform law in a mixture."""
SMOOTHING = 0.7
"""Weight of a fit against the law before."""


@dataclass
class Small:
    """|zeta| < level in a box of (sigma, t). A law: log weights and spreads of the components, (..., components)."""

    level: float
    box: np.ndarray
    """(low or high, axis)"""
    zeros: np.ndarray
    """Heights of the components' centres."""
    name: str = "|zeta|"

    def first(self, seeds: int) -> np.ndarray:
        n = len(self.zeros)
        return np.stack([np.full((seeds, n), -np.log(n)), np.full((seeds, n), np.log(0.3))], -1)

    def draw(self, law: np.ndarray | None, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Points (seeds, samples, axis) of the law, or of the uniform one."""
        x = self.box[0] + (self.box[1] - self.box[0]) * rng.random((*shape, 2))
        if law is None:
            return x
        below = np.exp(law[..., 0]).cumsum(-1)[:, None]
        place = np.minimum((rng.random(shape)[..., None] > below).sum(-1), len(self.zeros) - 1)
        spread = np.exp(np.take_along_axis(law[..., 1], place, -1))
        centre = np.stack([np.full(shape, 0.5), self.zeros[place]], -1)
        near = centre + spread[..., None] * rng.standard_normal((*shape, 2))
        return np.where(rng.random(shape)[..., None] < DEFENSIVE, x, near)

    def score(self, x: np.ndarray) -> np.ndarray:
        """|zeta|, infinite outside the box: the event is a low score."""
        inside = ((x >= self.box[0]) & (x <= self.box[1])).all(-1)
        found = np.full(inside.shape, np.inf)
        found[inside] = abs(values("zeta", x[inside] @ np.array([1, 1j])))
        return found

    def log_parts(self, law: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Log densities of the components, weights included, without the uniform one: (seeds, samples, components)."""
        square = (x[..., :1] - 0.5) ** 2 + (x[..., 1:] - self.zeros) ** 2
        spread = law[:, None, :, 1]
        return (
            law[:, None, :, 0] + np.log1p(-DEFENSIVE) - np.log(2 * np.pi) - 2 * spread - square / 2 / np.exp(2 * spread)
        )

    def log_ratio(self, law: np.ndarray, x: np.ndarray) -> np.ndarray:
        """ln p / q of points in the box."""
        uniform = -np.log(np.prod(self.box[1] - self.box[0]))
        mixture = np.logaddexp(logsumexp(self.log_parts(law, x), axis=-1), np.log(DEFENSIVE) + uniform)
        return uniform - mixture

    def fit(self, law: np.ndarray, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """The law of least cross-entropy to weighted points, by one step of expectation and maximisation.

        Weights are drawn towards equal ones, so that no zero is lost that a sample has missed.
        """
        parts = self.log_parts(law, x)
        share = np.exp(parts - logsumexp(parts, axis=-1, keepdims=True)) * weight[..., None]
        total = share.sum(1)
        square = (x[..., :1] - 0.5) ** 2 + (x[..., 1:] - self.zeros) ** 2
        spread = np.sqrt((share * square).sum(1) / np.maximum(2 * total, 1e-300))
        old = np.exp(law[..., 1])
        spread = SMOOTHING * np.where(total > 0, spread, old) + (1 - SMOOTHING) * old
        weights = SMOOTHING * total / total.sum(-1, keepdims=True) + (1 - SMOOTHING) / len(self.zeros)
        return np.log(np.stack([weights, spread], -1))

    def probability(self) -> float:
        """By the areas around the zeros: exact if all lie in `zeros`, and no area leaves the box."""
        area = sum(small_area("zeta", 0.5 + 1j * t, self.level) for t in self.zeros)
        return area / float(np.prod(self.box[1] - self.box[0]))


@dataclass
class Bridge:
    """Minus the shortest path is below -level. A law: log means of the edges, (..., edges)."""

    length: float
    means: np.ndarray = field(default_factory=lambda: np.array([0.25, 0.4, 0.1, 0.3, 0.2]))
    name: str = "bridge"

    @property
    def level(self) -> float:
        return -self.length

    def first(self, seeds: int) -> np.ndarray:
        return np.broadcast_to(np.log(self.means), (seeds, len(self.means))).copy()

    def draw(self, law: np.ndarray | None, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        means = self.means if law is None else np.exp(law)[:, None]
        return means * rng.standard_exponential((*shape, len(self.means)))

    def score(self, x: np.ndarray) -> np.ndarray:
        a, b, c, d, e = np.moveaxis(x, -1, 0)
        return -np.minimum(np.minimum(a + d, a + c + e), np.minimum(b + e, b + c + d))

    def log_ratio(self, law: np.ndarray, x: np.ndarray) -> np.ndarray:
        v = law[:, None]
        return (v - np.log(self.means) - x / self.means + x / np.exp(v)).sum(-1)

    def fit(self, law: np.ndarray, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        mean = (weight[..., None] * x).sum(1) / weight.sum(1)[:, None]
        return np.log(SMOOTHING * mean + (1 - SMOOTHING) * np.exp(law))

    def probability(self, points: int = 160) -> float:
        """Given three edges the other two are free: Gauss and Legendre over those, in pieces at the kinks' box."""
        node, weight = np.polynomial.legendre.leggauss(points)
        u, edges = self.means, [(0, self.length), (self.length, 20 * self.means.max())]

        def grid(mean):
            x = np.concatenate([lo + (hi - lo) * (node + 1) / 2 for lo, hi in edges])
            w = np.concatenate([(hi - lo) * weight / 2 for lo, hi in edges])
            return x, w * np.exp(-x / mean) / mean

        (a, wa), (b, wb) = grid(u[0]), grid(u[1])
        total = 0.0
        for c, wc in zip(*grid(u[2]), strict=True):
            d = np.maximum(np.maximum(self.length - a[:, None], self.length - c - b), 0)
            e = np.maximum(np.maximum(self.length - b, self.length - c - a[:, None]), 0)
            total += wc * (wa @ np.exp(-d / u[3] - e / u[4]) @ wb)
        return float(total)


Event = Small | Bridge


def fitted(event: Event, seeds: int, levels: int, draws: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Laws of all levels, the first one included: (levels + 1, seeds, ...).

    At each level the quantile of the scores, but no further than the event itself, says which samples are kept.
    """
    law = event.first(seeds)
    laws = [law]
    for _ in range(levels):
        x = event.draw(law, (seeds, draws), rng)
        score = event.score(x)
        level = np.maximum(np.quantile(score, share, axis=1), event.level)
        weight = np.where(score <= level[:, None], np.exp(event.log_ratio(law, x)), 0.0)
        law = event.fit(law, x, weight)
        laws.append(law)
    return np.array(laws)
