"""Two conservative oscillators, quadratures of their Gibbs measure, and dictionaries of odd functions.

Energy is kept and so is exp(-cold x energy), which makes K an isometry. Functions that change sign under
(x, v) -> (-x, -v) leave out those of the energy, which K leaves alone.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.polynomial import chebyshev, hermite_e

FLOWS = ("pendulum", "duffing")
EDGE = {"pendulum": np.pi, "duffing": 3.6}
"""Positions lie in [-edge, edge]; beyond it Duffing's weight is below 1e-14 for any cold of 1 or more."""
NONE = 1e-20
"""A node of less weight is left out."""


def field(name: str):
    """(t, state) -> d state / dt, states (x, v) of shape (..., 2)."""

    def rate(_, state: np.ndarray) -> np.ndarray:
        x, v = state[..., 0], state[..., 1]
        return np.stack([v, -np.sin(x) if name == "pendulum" else x - x**3], -1)

    return rate


def potential(name: str, x: np.ndarray) -> np.ndarray:
    """-cos x of the pendulum, x^4/4 - x^2/2 of Duffing's oscillator without friction."""
    return -np.cos(x) if name == "pendulum" else x**4 / 4 - x**2 / 2


def positions(name: str, number: int, cold: float) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spaced positions, none of them 0, and their weights, which sum to 1."""
    edge = EDGE[name]
    x = edge * (2 * (np.arange(number) + 0.25) / number - 1)
    weight = np.exp(-cold * (potential(name, x) - potential(name, x).min()))
    return x, weight / weight.sum()


def quadrature(name: str, numbers: tuple[int, int], cold: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (x, v) of shape (nodes, 2) and weights (nodes,) of the measure exp(-cold x energy)."""
    x, along = positions(name, numbers[0], cold)
    v, across = hermite_e.hermegauss(numbers[1])
    weight = np.outer(along, across / across.sum()).ravel()
    nodes = np.stack(np.meshgrid(x, v / cold**0.5, indexing="ij"), -1).reshape(-1, 2)
    return nodes[weight > NONE], weight[weight > NONE]


def functions(name: str, degrees: tuple[int, int], cold: float, state: np.ndarray) -> np.ndarray:
    """The odd products of a function of position and one of velocity, shape (points, functions).

    Sines and cosines, or the polynomials that are orthonormal in the measure; in the velocity, Hermite's.
    """
    in_x, is_odd = _of_position(name, degrees[0], cold, state[:, 0])
    order = np.arange(degrees[1] + 1)
    in_v = hermite_e.hermevander(state[:, 1] * cold**0.5, degrees[1])
    in_v = in_v / np.sqrt([float(factorial(j)) for j in order])
    odd = is_odd[:, None] != (order % 2 == 1)
    return (in_x[:, :, None] * in_v[:, None])[:, odd]


def _of_position(name: str, degree: int, cold: float, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if name == "pendulum":
        k = np.arange(-degree, degree + 1)
        return np.where(k < 0, np.sin(k * x[:, None]), np.cos(k * x[:, None])), k < 0
    nodes, weight = positions(name, 20 * degree, cold)
    triangle = np.linalg.qr(np.sqrt(weight)[:, None] * chebyshev.chebvander(nodes / EDGE[name], degree))[1]
    found = chebyshev.chebvander(x / EDGE[name], degree) @ np.linalg.inv(triangle)
    return found, np.arange(degree + 1) % 2 == 1
