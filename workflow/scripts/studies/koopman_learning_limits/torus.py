"""Affine maps of the torus, whose Koopman operator takes a Fourier function to another one, times a phase.

F(x) = S x + c mod 1, so K e_k = exp(2 pi i k.c) e_(S^T k) with e_k = exp(2 pi i k.x).
"""

from __future__ import annotations

import numpy as np

GOLDEN = (5**0.5 - 1) / 2
MAPS = {
    "cat": ([[2, 1], [1, 1]], (0.0, 0.0)),
    "anzai": ([[1, 0], [1, 1]], (GOLDEN, 0.0)),
    "rotation": ([[1, 0], [0, 1]], (GOLDEN, 2**0.5 - 1)),
    "identity": ([[1, 0], [0, 1]], (0.0, 0.0)),
}
"""Arnold's cat map (spectrum: the circle, without an eigenvalue but that of the constant); Anzai's skew product (a part
of both kinds); a rotation (eigenvalues alone, dense in the circle)."""
PRIME = 2**31 - 1
"""Orbits are followed in integers modulo it: doubles lose a bit or more at each step of the cat map."""


def step(name: str, x: np.ndarray) -> np.ndarray:
    """F(x) of points of shape (..., 2) in [0, 1)."""
    matrix, shift = MAPS[name]
    return (x @ np.array(matrix).T + np.array(shift)) % 1


def step_exactly(name: str, x: np.ndarray) -> np.ndarray:
    """F of points x / PRIME, as integers of shape (..., 2); the shift is rounded to such a point."""
    matrix, shift = MAPS[name]
    return (x @ np.array(matrix).T + np.rint(np.array(shift) * PRIME).astype(np.int64)) % PRIME


def exponents(name: str) -> np.ndarray:
    """Lyapunov exponents, in nats for each step."""
    found = np.log(abs(np.linalg.eigvals(np.array(MAPS[name][0], float))))
    return np.where(abs(found) < 1e-7, 0.0, found)  # a double eigenvalue 1 is found to half the digits


def modes(size: int) -> np.ndarray:
    """All k with 0 < |k| <= size (maximum norm), those of a smaller size first: shape ((2 size + 1)^2 - 1, 2)."""
    edge = np.arange(-size, size + 1)
    k = np.stack(np.meshgrid(edge, edge, indexing="ij"), -1).reshape(-1, 2)
    norm = abs(k).max(1)
    return k[np.argsort(norm, kind="stable")][1:]


def functions(x: np.ndarray, k: np.ndarray) -> np.ndarray:
    """exp(2 pi i k.x), shape (points, modes)."""
    return np.exp(2j * np.pi * (x @ k.T))


def exact_nodes(points: int) -> np.ndarray:
    """The points^2 nodes of a grid: inner products of waves that differ by less than `points` are exact."""
    edge = np.arange(points) / points
    return np.stack(np.meshgrid(edge, edge, indexing="ij"), -1).reshape(-1, 2)


def distance_to_spectrum(name: str, points: np.ndarray) -> np.ndarray:
    """From each lambda to the spectrum without the constant: the circle, or {1} of the identity."""
    return abs(points - 1) if name == "identity" else abs(abs(points) - 1)
