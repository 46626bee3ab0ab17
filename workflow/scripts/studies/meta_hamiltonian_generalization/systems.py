"""The systems, H = a |p|^2 / 2 + b V(q): bodies in the plane, their potentials, where points and orbits begin.

States have the shape (..., bodies, 4): qx, qy, px, py of each body; a and b broadcast against the leading axes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pesin.systems import potentials

COORDS = ("qx", "qy", "px", "py")
CLOSEST = 0.5
"""Least distance of two bodies where points are drawn."""
Potential = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class System:
    """One law of motion."""

    bodies: int
    reach: float
    """Half the edge of the box that positions and momenta are drawn from."""
    potential: Potential
    """(..., bodies, 2) -> (...)."""
    slope: Potential
    """Its gradient, shape (..., bodies, 2)."""


def _pendulum(q: np.ndarray) -> np.ndarray:
    return (1 - np.cos(q)).sum((-2, -1))


def _mirror(q: np.ndarray) -> np.ndarray:
    x, y = q[..., 0, 0], q[..., 0, 1]
    return (x**2 + y**2 + x**2 * y**2) / 2


def _mirror_slope(q: np.ndarray) -> np.ndarray:
    return q * (1 + q[..., ::-1] ** 2)


def _gravity(q: np.ndarray) -> np.ndarray:
    pairs = combinations(range(q.shape[-2]), 2)
    return -sum(1 / np.linalg.norm(q[..., i, :] - q[..., j, :], axis=-1) for i, j in pairs)


def _gravity_slope(q: np.ndarray) -> np.ndarray:
    found = np.zeros_like(q)
    for i, j in combinations(range(q.shape[-2]), 2):
        apart = q[..., i, :] - q[..., j, :]
        pull = apart / np.linalg.norm(apart, axis=-1, keepdims=True) ** 3
        found[..., i, :] += pull
        found[..., j, :] -= pull
    return found


SYSTEMS = {
    "mass_spring": System(1, 1.0, lambda q: (q**2).sum((-2, -1)) / 2, lambda q: q),
    "pendulum": System(1, 1.5, _pendulum, np.sin),
    "henon_heiles": System(
        1,
        0.4,
        lambda q: potentials.henon_heiles(q[..., 0, :]),
        lambda q: -potentials.henon_heiles_acceleration(q),
    ),
    "magnetic_mirror": System(1, 1.0, _mirror, _mirror_slope),
    "two_body": System(2, 1.0, _gravity, _gravity_slope),
    "three_body": System(3, 1.0, _gravity, _gravity_slope),
}


def energy(system: System, state: np.ndarray, a=1.0, b=1.0) -> np.ndarray:
    """H, shape (...)."""
    return a * (state[..., 2:] ** 2).sum((-2, -1)) / 2 + b * system.potential(state[..., :2])


def field(system: System, state: np.ndarray, a=1.0, b=1.0) -> np.ndarray:
    """dstate/dt = (dH/dp, -dH/dq), shape of the state."""
    a, b = (np.asarray(value)[..., None, None] for value in (a, b))
    return np.concatenate([a * state[..., 2:], -b * system.slope(state[..., :2])], -1)


def points(system: System, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """States drawn evenly from the box, no two bodies nearer than CLOSEST: shape (*shape, bodies, 4)."""
    found = rng.uniform(-system.reach, system.reach, (*shape, system.bodies, 4))
    while (near := _too_near(found)).any():
        found[near] = rng.uniform(-system.reach, system.reach, found[near].shape)
    return found


def _too_near(state: np.ndarray) -> np.ndarray:
    near = np.zeros(state.shape[:-2], bool)
    for i, j in combinations(range(state.shape[-2]), 2):
        near |= np.linalg.norm(state[..., i, :2] - state[..., j, :2], axis=-1) < CLOSEST
    return near


def orbits(name: str, rng: np.random.Generator, a: np.ndarray, b: np.ndarray, many: int) -> np.ndarray:
    """Where roll-outs begin, shape (tasks, many, bodies, 4): bound, and near the box.

    One body: a quarter of the box's volume in each half, for Henon-Heiles the states below three quarters of the
    saddle's energy b / 6. Several bodies: on a ring about their centre of mass, within a tenth of the speed of the
    circular orbit.
    """
    system, shape = SYSTEMS[name], (len(a), many)
    if system.bodies > 1:
        return _ring(system.bodies, rng, a, b, many)
    half = System(1, system.reach / 2, system.potential, system.slope)
    found = points(half, rng, shape)
    if name == "henon_heiles":
        while (wild := energy(system, found, a[:, None], b[:, None]) > b[:, None] / 8).any():
            found[wild] = points(half, rng, (int(wild.sum()),))
    return found


def _ring(bodies: int, rng: np.random.Generator, a: np.ndarray, b: np.ndarray, many: int) -> np.ndarray:
    """Bodies evenly on a circle of radius r: each is pulled inward by b k / r^2, and a p^2 / r = b k / r^2 holds it."""
    radius = rng.uniform(0.4, 0.7, (len(a), many, 1))
    angle = rng.uniform(0, 2 * np.pi, radius.shape) + 2 * np.pi * np.arange(bodies) / bodies
    pull = sum(1 / (4 * np.sin(np.pi * k / bodies)) for k in range(1, bodies))
    speed = np.sqrt(b[:, None, None] * pull / (a[:, None, None] * radius)) * rng.uniform(0.9, 1.1, radius.shape)
    place = [radius * np.cos(angle), radius * np.sin(angle)]
    return np.stack([*place, -speed * np.sin(angle), speed * np.cos(angle)], -1)
