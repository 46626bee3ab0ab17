"""The scalar linear-quadratic regulator with an entropy bonus, and its closed-form solution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LinearQuadratic:
    """x' = a x + b u + noise n, reward -(q x^2 + rho u^2); u is any real number.

    Attributes
    ----------
    spread
        Standard deviation of start states.
    """

    a: float = 1.0
    b: float = 1.0
    q: float = 1.0
    rho: float = 0.1
    noise: float = 0.05
    spread: float = 1.0
    horizon: int = 5
    observations: int = 1
    actions: int = 1
    noises: int = 1

    def starts(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Normal start states, shape (*shape, 1)."""
        return self.spread * rng.standard_normal((*shape, 1))

    def observe(self, state: np.ndarray) -> np.ndarray:
        """The state itself."""
        return state

    def step(self, state: np.ndarray, action: np.ndarray, noise: np.ndarray | None = None):
        """One step; `noise` holds standard normals of shape (..., 1)."""
        x, u = state[..., 0], action[..., 0]
        n = 0.0 if noise is None else noise[..., 0]
        reward = -(self.q * x**2 + self.rho * u**2)
        return (self.a * x + self.b * u + self.noise * n)[..., None], reward, np.zeros(x.shape, bool)

    def solution(self, discount: float) -> tuple[float, float, float]:
        """Riccati solution of the regulator.

        Returns
        -------
        (P, K, c)
            Value -P x^2 + const; the soft-optimal policy at temperature alpha is N(-K x, alpha c), with
            c = 1 / (2 (rho + discount P b^2)): the maximum-entropy policy exp(Q / alpha) of a quadratic Q is Gaussian.
        """
        # P = q + g a^2 P - (g a b P)^2 / (rho + g b^2 P), a quadratic in P with one positive root.
        g, b2 = discount, self.b**2
        leading = g * b2
        linear = self.rho * (1 - g * self.a**2) - g * b2 * self.q
        p = (-linear + np.sqrt(linear**2 + 4 * leading * self.q * self.rho)) / (2 * leading)
        curvature = self.rho + g * p * b2
        return float(p), float(g * self.a * self.b * p / curvature), float(1 / (2 * curvature))

    def temperature(self, discount: float, entropy: float) -> float:
        """Temperature at which the soft-optimal policy has this entropy [nat]: ln(2 pi e alpha c) / 2 = entropy."""
        return float(np.exp(2 * entropy) / (2 * np.pi * np.e * self.solution(discount)[2]))
