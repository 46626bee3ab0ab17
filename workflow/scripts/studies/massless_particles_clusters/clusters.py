"""Star clusters: Plummer's sphere, Kroupa's mass function, lives of stars, and where the centre of a cluster is."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

PLUMMER = 3 * np.pi / 16
"""Scale radius of Plummer's sphere of energy -1/4, G = M = 1."""
DISPERSION = (1 / 6) ** 0.5
"""Its velocity along an axis, root mean square: the virial theorem gives <v^2> = 1/2."""
BREAK, SLOPES, LIGHTEST = 0.5, (-1.3, -2.3), 0.08
"""Kroupa (MNRAS 322, 231, 2001): where the exponent of dN/dm changes, the exponents, the least mass; solar masses."""
WITHIN = 0.999
"""Share of Plummer's mass that is drawn from: the rest lies beyond 38 scale radii."""
COLLAPSING, REMNANT, WIND = 8.0, 0.1, 0.7
"""Mass (solar) from which a star ends in a supernova, and the share of its mass that is left of it, and of others."""
NEIGHBOUR = 6
"""The neighbour whose distance makes a local density (Casertano and Hut, ApJ 298, 80, 1985)."""


def plummer(rng: np.random.Generator, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities of bodies in Plummer's sphere of energy -1/4, each (*shape, 3).

    Radii by the inverse of the mass within, speeds q of that of escape with density q^2 (1 - q^2)^3.5 (Aarseth, Hénon
    and Wielen, A&A 37, 183, 1974), so that q^2 has a beta distribution.
    """
    radius = PLUMMER / np.sqrt((WITHIN * (1 - rng.random(shape))) ** (-2 / 3) - 1)
    speed = np.sqrt(rng.beta(1.5, 4.5, shape)) * np.sqrt(2) * (radius**2 + PLUMMER**2) ** -0.25
    directions = rng.standard_normal((2, *shape, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    return radius[..., None] * directions[0], speed[..., None] * directions[1]


def kroupa(rng: np.random.Generator, heaviest: float, *shape: int) -> np.ndarray:
    """Masses, solar, by the inverse of the number below."""
    edges = (LIGHTEST, BREAK, heaviest)
    powers = [slope + 1 for slope in SLOPES]
    heights = (1.0, BREAK ** (SLOPES[0] - SLOPES[1]))  # dN/dm is continuous
    numbers = [
        height * (high**power - low**power) / power
        for height, power, low, high in zip(heights, powers, edges[:-1], edges[1:], strict=True)
    ]
    drawn = rng.random(shape) * sum(numbers)
    first = np.minimum(drawn, numbers[0])
    low = (first * powers[0] / heights[0] + LIGHTEST ** powers[0]) ** (1 / powers[0])
    rest = np.maximum(drawn - numbers[0], 0)
    high = (rest * powers[1] / heights[1] + BREAK ** powers[1]) ** (1 / powers[1])
    return np.where(drawn < numbers[0], low, high)


def lifetime(solar: np.ndarray) -> np.ndarray:
    """Million years that a star of this mass (solar) lives: 10^4 m^-2.5."""
    return 1e4 * solar**-2.5


def left(solar: np.ndarray, age: float) -> np.ndarray:
    """Share of a star's mass that is left at this age, in million years."""
    end = np.where(solar > COLLAPSING, REMNANT, WIND)
    return np.where(age >= lifetime(solar), end, 1.0)


def core(x: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Density centre (3,), core radius and core density of stars (stars, 3).

    Densities are those of the mass within the sixth neighbour, itself and the star left out; the centre is the mean
    place weighted by them, the radius the root mean square distance weighted by their squares, as in NBODY6.
    """
    distance, index = cKDTree(x).query(x, NEIGHBOUR + 1)
    density = mass[index[:, 1:-1]].sum(-1) / (4 / 3 * np.pi * distance[:, -1] ** 3)
    centre = density @ x / density.sum()
    squares = density**2
    radius = np.sqrt(squares @ ((x - centre) ** 2).sum(-1) / squares.sum())
    return centre, float(radius), float(squares.sum() / density.sum())
