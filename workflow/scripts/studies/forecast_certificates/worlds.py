"""Two worlds: a dissipative one, and one with a Hamiltonian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from pesin.integrate.ode import solve_together

ENERGY = 0.16
"""Of Henon and Heiles's star: below 1/6, where it could leave, and nearly all orbits are chaotic."""


NEAR, FAR, WATCHED = 1e-8, 1e-3, 400.0
"""Regular orbits part in proportion to time: to 1e-5 in so long."""


@dataclass(frozen=True)
class World:
    """rates: coordinates -> their rates, arrays or tensors. step: between samples. settle: time that goes by before an
    orbit counts. draw: rng, number -> states. canonical: (q, p) of a Hamiltonian."""

    rates: Callable[..., tuple]
    step: float
    settle: float
    draw: Callable[[np.random.Generator, int], np.ndarray]
    canonical: bool

    def orbits(self, rng: np.random.Generator, number: int, points: int) -> np.ndarray:
        """Sampled orbits, shape (number, points, coordinates)."""
        return self._from(self.draw(rng, number), points)

    def chaotic(self, rng: np.random.Generator, number: int, points: int) -> np.ndarray:
        """Orbits that leave their neighbours: a twin begins `NEAR` and is `FAR` after the time `WATCHED`."""
        found: list[np.ndarray] = []
        while len(found) < number:
            start = self.draw(rng, number)
            one, twin = solve_together(self.law, np.stack([start, start + NEAR]), np.array([0.0, WATCHED]))[..., -1, :]
            found.extend(start[np.linalg.norm(twin - one, axis=-1) > FAR])
        return self._from(np.stack(found[:number]), points)

    def _from(self, start: np.ndarray, points: int) -> np.ndarray:
        first = round(self.settle / self.step)
        return solve_together(self.law, start, self.step * np.arange(first + points))[:, first:]

    def law(self, t, x) -> np.ndarray:
        """Rates of states (..., dim)."""
        return np.stack(self.rates(*np.moveaxis(x, -1, 0)), -1)

    def scaled_law(self, x: torch.Tensor, mean: torch.Tensor, unit: torch.Tensor) -> torch.Tensor:
        """Rates of standardised states (runs, points, dim), mean and unit being (runs, 1, dim)."""
        return torch.stack(self.rates(*(mean + unit * x).unbind(-1)), -1) / unit

    def scale(self, orbits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and unit of the coordinates (..., 1, dim); a common unit where the coordinates are conjugate."""
        unit = orbits.std(-2, keepdims=True)
        if self.canonical:
            unit = np.broadcast_to(np.sqrt((unit**2).mean(-1, keepdims=True)), unit.shape)
        return orbits.mean(-2, keepdims=True), unit


def lorenz(x, y, z) -> tuple:
    """E. N. Lorenz, J. Atmos. Sci. 20, 130 (1963), at his parameters."""
    return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z


def henon_heiles(q1, q2, p1, p2) -> tuple:
    """M. Henon and C. Heiles, Astron. J. 69, 73 (1964)."""
    return p1, p2, -q1 - 2 * q1 * q2, -q2 - q1**2 + q2**2


def energy(x) -> np.ndarray:
    """H of states (..., 4)."""
    q1, q2, p1, p2 = np.moveaxis(np.asarray(x), -1, 0)
    return (p1**2 + p2**2 + q1**2 + q2**2) / 2 + q1**2 * q2 - q2**3 / 3


def _on_the_shell(rng: np.random.Generator, number: int) -> np.ndarray:
    """States of the energy above, places uniform where the potential is lower, directions uniform."""
    found: list[np.ndarray] = []
    while len(found) < number:
        q1, q2 = rng.uniform(-0.8, 0.8), rng.uniform(-0.5, 0.95)
        left = ENERGY - float(energy([q1, q2, 0.0, 0.0]))
        if left > 0 and q2 > -0.5 and abs(q1) < np.sqrt(3) * (1 - q2) / 3 * 1.0001:
            angle = rng.uniform(0, 2 * np.pi)
            found.append(np.array([q1, q2, *np.sqrt(2 * left) * np.array([np.cos(angle), np.sin(angle)])]))
    return np.stack(found)


WORLDS = {
    "lorenz": World(lorenz, 0.05, 20.0, lambda rng, number: 1 + rng.uniform(-0.5, 0.5, (number, 3)), False),
    "henon_heiles": World(henon_heiles, 0.25, 0.0, _on_the_shell, True),
}
