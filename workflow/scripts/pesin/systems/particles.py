"""Self-propelled particles that repel each other softly, in a periodic box or a trap; many copies at once.

dx_i = [v0 g_i + k sum_j F(|x_ij|) x_ij / |x_ij| - A x_i] dt + sqrt(2 eps) dW_i,
dg_i = -gamma g_i dt + sqrt(2 gamma) dW'_i,

F(r) = ln(1 + exp(beta (2 R - r))) / beta, as in Boffi and Vanden-Eijnden, arXiv 2309.12991 (2023). The propulsion g is
an Ornstein-Uhlenbeck process of variance one: v0 is the root mean square speed of a free particle along an axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pesin.compiled import njit

NOTHING = 20.0  # a repulsion below exp(-20) / beta is left out


@dataclass(frozen=True)
class Swimmers:
    """The law of motion. Lengths and times in any unit; mobility one, so that forces are velocities.

    Parameters
    ----------
    speed
        v0.
    turning
        gamma, one over the time in which the propulsion forgets its direction; positive.
    diffusion
        eps.
    trap
        A, the stiffness of a harmonic trap at the origin.
    repulsion, sharpness, radius
        k, beta and R.
    box
        Edge of the periodic box, which lies around the origin; 0 for open space.
    obstacle
        Whether a particle is held fast at the origin: one swimmer and an obstacle on a line are the relative coordinate
        of a pair.
    """

    speed: float
    turning: float
    diffusion: float = 0.0
    trap: float = 0.0
    repulsion: float = 0.0
    sharpness: float = 7.5
    radius: float = 1.0
    box: float = 0.0
    obstacle: bool = False

    def __post_init__(self) -> None:
        if not self.turning > 0:
            raise ValueError(f"turning must be positive, it is {self.turning}")
        for name in ("speed", "diffusion", "trap", "repulsion", "box"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, it is {getattr(self, name)}")
        if not (self.sharpness > 0 and self.radius > 0):
            raise ValueError(f"sharpness and radius must be positive, they are {self.sharpness} and {self.radius}")
        if self.repulsion and 0 < self.box < 4 * self.radius:
            raise ValueError(f"box: {self.box} is too small for two particles of radius {self.radius}")

    def force(self, x) -> tuple[np.ndarray, np.ndarray]:
        """Repulsion and trap, without the propulsion.

        Parameters
        ----------
        x : array_like, shape (..., particles, dim)

        Returns
        -------
        (force, divergence)
            Shapes (..., particles, dim) and (..., particles): of each particle, sum over its own coordinates of
            d force / dx.
        """
        x = np.asarray(x, float)
        batch = np.ascontiguousarray(x.reshape(-1, *x.shape[-2:]))
        force, divergence = np.empty(batch.shape), np.empty(batch.shape[:-1])
        _all_forces(batch, force, divergence, *self._forces())
        return force.reshape(x.shape), divergence.reshape(x.shape[:-1])

    def drift(self, x, g) -> np.ndarray:
        """Velocity of the positions, shape (..., particles, dim)."""
        return self.speed * np.asarray(g, float) + self.force(x)[0]

    def run(self, rng: np.random.Generator, x, g, dt: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Follow all copies for `steps` steps: Euler and Maruyama's in x, exact in g.

        Parameters
        ----------
        x, g : array_like, shape (..., particles, dim)
            The copies don't see each other.
        dt
            At sharpness 7.5 and repulsion 2.5 at most 0.01.

        Returns
        -------
        (x, g)
            In a box, x lies in [-box / 2, box / 2).
        """
        x = np.array(x, float)
        g = np.array(np.broadcast_to(g, x.shape), float)
        copies = (-1, *x.shape[-2:])
        kept = math.exp(-self.turning * dt)
        lost = math.sqrt(-math.expm1(-2 * self.turning * dt))
        noise = math.sqrt(2 * self.diffusion * dt)
        moves = dt, steps, kept, lost, float(self.speed), noise
        _run(rng, x.reshape(copies), g.reshape(copies), *moves, *self._forces())
        return x, g

    def _forces(self) -> tuple:
        numbers = self.trap, self.repulsion, self.sharpness, self.radius, self.box
        return *map(float, numbers), self.obstacle


def box_edge(particles: int, packing: float, radius: float = 1.0, dim: int = 2) -> float:
    """Edge of the box in which discs (dim = 2) or rods (dim = 1) fill the share `packing`."""
    if dim not in (1, 2) or not packing > 0:
        raise ValueError(f"dim is 1 or 2 and packing positive, they are {dim} and {packing}")
    return particles * 2 * radius / packing if dim == 1 else radius * math.sqrt(particles * math.pi / packing)


def minimum_image(apart, box: float):
    """The shortest of all periodic copies of a separation, in [-box / 2, box / 2); box 0 leaves it as it is."""
    return apart - box * np.floor(apart / box + 0.5) if box else apart


def lattice(particles: int, box: float, dim: int = 2) -> np.ndarray:
    """Places of a cubic lattice that fills the box around the origin, (particles, dim): a start without overlap."""
    side = math.ceil(particles ** (1 / dim) - 1e-9)
    axis = (np.arange(side) + 0.5) / side * box - box / 2
    places = np.stack(np.meshgrid(*dim * [axis], indexing="ij"), -1).reshape(-1, dim)
    return places[np.arange(particles) * len(places) // particles]


# --------------------------------------------------------------------------------------------------- compiled kernels


@njit()
def _forces(x, force, divergence, trap, repulsion, sharpness, radius, box, obstacle):
    particles, dim = x.shape
    for i in range(particles):
        divergence[i] = -trap * dim
        for a in range(dim):
            force[i, a] = -trap * x[i, a]
    if repulsion == 0:
        return
    reach = 2 * radius + NOTHING / sharpness
    apart = np.empty(dim)
    for i in range(particles):
        for j in range(-1 if obstacle else 0, i):
            square = 0.0
            for a in range(dim):
                apart[a] = x[i, a] - (x[j, a] if j >= 0 else 0.0)
                if box > 0:
                    apart[a] -= box * np.floor(apart[a] / box + 0.5)
                square += apart[a] * apart[a]
            if square >= reach * reach or square == 0:
                continue
            r = np.sqrt(square)
            z = sharpness * (2 * radius - r)
            strength = repulsion * (max(z, 0.0) + np.log1p(np.exp(-abs(z)))) / sharpness
            slope = -repulsion / (1 + np.exp(-z))
            spread = slope + (dim - 1) * strength / r
            divergence[i] += spread
            if j >= 0:
                divergence[j] += spread
            for a in range(dim):
                push = strength * apart[a] / r
                force[i, a] += push
                if j >= 0:
                    force[j, a] -= push


@njit()
def _all_forces(x, force, divergence, trap, repulsion, sharpness, radius, box, obstacle):
    for copy in range(len(x)):
        _forces(x[copy], force[copy], divergence[copy], trap, repulsion, sharpness, radius, box, obstacle)


@njit()
def _run(rng, x, g, dt, steps, kept, lost, speed, noise, trap, repulsion, sharpness, radius, box, obstacle):
    copies, particles, dim = x.shape
    force, divergence = np.empty((particles, dim)), np.empty(particles)
    for copy in range(copies):
        place, pace = x[copy], g[copy]
        for _ in range(steps):
            _forces(place, force, divergence, trap, repulsion, sharpness, radius, box, obstacle)
            for i in range(particles):
                for a in range(dim):
                    place[i, a] += dt * (speed * pace[i, a] + force[i, a])
                    if noise > 0:
                        place[i, a] += noise * rng.standard_normal()
                    if box > 0:
                        place[i, a] -= box * np.floor(place[i, a] / box + 0.5)
                    pace[i, a] = kept * pace[i, a] + lost * rng.standard_normal()
