"""Slabs of a triangular lattice whose springs snap, many at once; mass, spring and spacing are one.

A bond of length r holds (r - 1)^2 / 2 and pulls with r - 1 until r exceeds its reach; then it is gone for good.
For long waves the lattice is an isotropic solid with both Lame constants sqrt 3 / 4 and density 2 / sqrt 3.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pesin.compiled import njit

ROW = math.sqrt(3) / 2
"""Distance of two rows."""
LAME, DENSITY = math.sqrt(3) / 4, 2 / math.sqrt(3)
P_SPEED, S_SPEED = math.sqrt(3 * LAME / DENSITY), math.sqrt(LAME / DENSITY)
RAYLEIGH = 0.9194 * S_SPEED
"""Speed of surface waves, which a crack in tension can't exceed."""
NEVER = np.iinfo(np.int32).max
"""Step at which a bond that holds snaps; a bond of the notch has 0."""


class Slab(NamedTuple):
    """A lattice at rest."""

    place: np.ndarray
    """(atoms, 2)"""
    bonds: np.ndarray
    """Atoms that they join, (bonds, 2)."""
    shift: np.ndarray
    """Added to the x of a bond's second atom, (bonds,): the period where it closes the ring, else 0."""
    free: np.ndarray
    """False for the bottom and the top row, which are held, (atoms,)."""
    width: float
    height: float

    @property
    def middle(self) -> np.ndarray:
        """Middles of the bonds, (bonds, 2)."""
        ends = self.place[self.bonds]
        return ends.mean(1) + np.stack([self.shift / 2, np.zeros(len(self.shift))], -1)


def slab(columns: int, rows: int, ring: bool = False) -> Slab:
    """Rows along x, every second one moved by half a spacing; a ring is closed in x."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    bonds: list[np.ndarray] = []
    shift: list[np.ndarray] = []
    for step_row, step in ((0, np.ones(2, int)), (1, np.array([0, 1])), (1, np.array([-1, 0]))):
        other = column + step[row % 2]  # right; up to the right; up to the left
        around = other // columns
        kept = (row + step_row < rows) & (ring | (around == 0))
        atom = np.arange(rows * columns)[kept]
        bonds.append(np.stack([atom, (row[kept] + step_row) * columns + other[kept] % columns], -1))
        shift.append(around[kept] * float(columns))
    place = np.stack([column + 0.5 * (row % 2), ROW * row], -1)
    return Slab(
        place, np.concatenate(bonds), np.concatenate(shift), (row > 0) & (row < rows - 1), columns, ROW * (rows - 1)
    )


def notched(world: Slab, length: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Steps at which bonds snap, (samples, bonds): 0 where a cut from the left crosses them, else NEVER."""
    y = np.sort(world.place[world.bonds, 1], -1)
    across = (y[:, 0] < height[:, None]) & (y[:, 1] > height[:, None])
    return np.where(across & (world.middle[:, 0] < length[:, None]), 0, NEVER).astype(np.int32)


def stretched(world: Slab, strain: np.ndarray) -> np.ndarray:
    """Places of all samples, each stretched in y alone: (samples, atoms, 2)."""
    scale = np.stack([np.ones_like(strain), 1 + strain], -1)
    return world.place * scale[:, None]


def follow(world: Slab, x, v, snapped, lost, dt: float, first: int, steps: int, reach: float) -> None:
    """Velocity Verlet in place, from step `first` on.

    Parameters
    ----------
    x, v : ndarray, shape (samples, atoms, 2)
    snapped : int32 ndarray, shape (samples, bonds)
        Step at which each bond snapped, or NEVER.
    lost : ndarray, shape (samples,)
        Energy of the bonds that have snapped is added.
    reach
        Length at which a bond snaps.
    """
    _follow(x, v, world.bonds, world.shift, world.free, snapped, lost, dt, first, steps, reach)


def energies(world: Slab, x, v, snapped) -> tuple[np.ndarray, np.ndarray]:
    """Kinetic energy and that of the bonds, (samples,) each."""
    apart = x[:, world.bonds[:, 1]] - x[:, world.bonds[:, 0]]
    apart[..., 0] += world.shift
    bond = (np.sqrt((apart**2).sum(-1)) - 1) ** 2 / 2
    return (v**2).sum((1, 2)) / 2, (bond * (snapped == NEVER)).sum(-1)


def front(world: Slab, snapped: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Rightmost snapped bond's middle after each of the steps, (samples, steps); 0 where none has snapped."""
    x = world.middle[:, 0]
    return np.stack([np.where(snapped <= step, x, 0).max(-1) for step in steps], -1)


@njit()
def _follow(x, v, bonds, shift, free, snapped, lost, dt, first, steps, reach):
    force = np.empty(x.shape[1:])
    for sample in range(len(x)):
        place, speed, gone = x[sample], v[sample], snapped[sample]
        _pull(place, bonds, shift, gone, lost, sample, first, reach, force)
        for step in range(first + 1, first + steps + 1):
            for i in range(len(place)):
                if free[i]:
                    for a in range(2):
                        speed[i, a] += dt / 2 * force[i, a]
                        place[i, a] += dt * speed[i, a]
            _pull(place, bonds, shift, gone, lost, sample, step, reach, force)
            for i in range(len(place)):
                if free[i]:
                    for a in range(2):
                        speed[i, a] += dt / 2 * force[i, a]


@njit()
def _pull(place, bonds, shift, gone, lost, sample, step, reach, force):
    """Forces of the bonds that hold; those that are too long snap first."""
    force[:] = 0.0
    for b in range(len(bonds)):
        if gone[b] <= step:
            continue
        i, j = bonds[b, 0], bonds[b, 1]
        dx = place[j, 0] + shift[b] - place[i, 0]
        dy = place[j, 1] - place[i, 1]
        r = np.sqrt(dx * dx + dy * dy)
        if r > reach:
            gone[b] = step
            lost[sample] += (r - 1) ** 2 / 2
            continue
        pull = (r - 1) / r
        force[i, 0] += pull * dx
        force[i, 1] += pull * dy
        force[j, 0] -= pull * dx
        force[j, 1] -= pull * dy
