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
SKIN = 1.0  # radii by which a list of pairs is longer than they reach, so that it lasts for some steps


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
        # Copies in C order, whatever the arguments' own (broadcast ones have none): below they are changed by views.
        x = np.array(x, float, order="C")
        g = np.array(np.broadcast_to(g, x.shape), float, order="C")
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
def _pairs(x, reach, box):
    """Pairs nearer than `reach`, shape (pairs, 2): counted first, then written."""
    particles, dim = x.shape
    found = np.empty((0, 2), np.int64)
    for writing in (False, True):
        many = 0
        for i in range(particles):
            for j in range(i):
                square = 0.0
                for a in range(dim):
                    apart = x[i, a] - x[j, a]
                    if box > 0:
                        apart -= box * np.floor(apart / box + 0.5)
                    square += apart * apart
                if square < reach * reach:
                    if writing:
                        found[many, 0], found[many, 1] = i, j
                    many += 1
        if not writing:
            found = np.empty((many, 2), np.int64)
    return found


@njit()
def _forces(x, pairs, force, divergence, trap, repulsion, sharpness, radius, box, obstacle):
    particles, dim = x.shape
    for i in range(particles):
        divergence[i] = -trap * dim
        for a in range(dim):
            force[i, a] = -trap * x[i, a]
    if repulsion == 0:
        return
    reach = 2 * radius + NOTHING / sharpness
    apart = np.empty(dim)
    for pair in range(len(pairs) + (particles if obstacle else 0)):
        held = pair >= len(pairs)  # by the obstacle
        i = pair - len(pairs) if held else pairs[pair, 0]
        j = i if held else pairs[pair, 1]
        square = 0.0
        for a in range(dim):
            apart[a] = x[i, a] - (0.0 if held else x[j, a])
            if box > 0:
                apart[a] -= box * np.floor(apart[a] / box + 0.5)
            square += apart[a] * apart[a]
        if square >= reach * reach or square == 0:
            continue
        r = np.sqrt(square)
        z = sharpness * (2 * radius - r)
        strength = repulsion * (max(z, 0.0) + np.log1p(np.exp(-abs(z)))) / sharpness
        spread = (dim - 1) * strength / r - repulsion / (1 + np.exp(-z))
        divergence[i] += spread
        for a in range(dim):
            force[i, a] += strength * apart[a] / r
        if not held:
            divergence[j] += spread
            for a in range(dim):
                force[j, a] -= strength * apart[a] / r


@njit()
def _all_forces(x, force, divergence, trap, repulsion, sharpness, radius, box, obstacle):
    reach = 2 * radius + NOTHING / sharpness if repulsion > 0 else 0.0
    for copy in range(len(x)):
        pairs = _pairs(x[copy], reach, box)
        _forces(x[copy], pairs, force[copy], divergence[copy], trap, repulsion, sharpness, radius, box, obstacle)


@njit()
def _run(rng, x, g, dt, steps, kept, lost, speed, noise, trap, repulsion, sharpness, radius, box, obstacle):
    """Pairs that may meet are looked for anew once a particle has gone half the skin by which the list is too long."""
    copies, particles, dim = x.shape
    force, divergence = np.empty((particles, dim)), np.empty(particles)
    skin = SKIN * radius
    reach = 2 * radius + NOTHING / sharpness + skin if repulsion > 0 else 0.0
    gone = np.empty((particles, dim))
    for copy in range(copies):
        place, pace = x[copy], g[copy]
        pairs, farthest = _pairs(place, reach, box), 0.0
        gone[:] = 0
        for _ in range(steps):
            if farthest > (skin / 2) ** 2:
                pairs, farthest = _pairs(place, reach, box), 0.0
                gone[:] = 0
            _forces(place, pairs, force, divergence, trap, repulsion, sharpness, radius, box, obstacle)
            for i in range(particles):
                square = 0.0
                for a in range(dim):
                    move = dt * (speed * pace[i, a] + force[i, a])
                    if noise > 0:
                        move += noise * rng.standard_normal()
                    gone[i, a] += move
                    square += gone[i, a] * gone[i, a]
                    place[i, a] += move
                    if box > 0:
                        place[i, a] -= box * np.floor(place[i, a] / box + 0.5)
                    pace[i, a] = kept * pace[i, a] + lost * rng.standard_normal()
                farthest = max(farthest, square)
