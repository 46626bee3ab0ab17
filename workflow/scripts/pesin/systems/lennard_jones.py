"""Atoms that attract and repel each other by Lennard-Jones' law, truncated and shifted; many copies at once.

Units are reduced: lengths in sigma, energies in epsilon, masses in that of an atom, times in sigma sqrt(m / epsilon).
"""

from __future__ import annotations

import numpy as np

from pesin.compiled import njit
from pesin.door import unmasked
from pesin.systems.particles import minimum_image

_CORNERS = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def fcc(cells: int, constant: float) -> np.ndarray:
    """Sites of a face-centred cubic crystal, shape (4 cells^3, 3), in a cubic box of edge cells x constant.

    The nearest neighbours are constant / sqrt(2) apart.
    """
    edge = np.arange(cells)
    origins = np.stack(np.meshgrid(edge, edge, edge, indexing="ij"), -1).reshape(-1, 1, 3)
    return constant * (origins + _CORNERS).reshape(-1, 3)


def lennard_jones(x, box: float, cutoff: float) -> tuple[np.ndarray, np.ndarray]:
    """Forces and potential energy: 4 (r^-12 - r^-6) for each pair nearer than the cutoff, less its value there.

    The energy is continuous; the force jumps to zero at the cutoff.

    Parameters
    ----------
    x : array_like, shape (..., atoms, 3)
        Positions, wrapped or not. The copies don't see each other; one that isn't finite gives NaN, and only itself.
    box
        Edge of the periodic box, at least twice the cutoff (the nearest image is the only one); 0 for open space.
    cutoff
        A length, positive.

    Returns
    -------
    (force, energy)
        Shapes (..., atoms, 3) and (...).

    Raises
    ------
    ValueError
        If the shape, the cutoff or the box won't do.
    """
    x = np.asarray(unmasked(x, "x"), float)
    if x.shape[-1:] != (3,) or x.ndim < 2:
        raise ValueError(f"x must have shape (..., atoms, 3), it has {x.shape}")
    if not cutoff > 0:
        raise ValueError(f"cutoff must be positive, it is {cutoff}")
    if box and box < 2 * cutoff:
        raise ValueError(f"box: {box} is less than twice the cutoff {cutoff}, so that an atom would see two images")
    batch = np.ascontiguousarray(x.reshape(-1, *x.shape[-2:]))
    force, energy = np.zeros(batch.shape), np.zeros(len(batch))
    shift = 4 * (cutoff**-12 - cutoff**-6)
    _sum(batch, float(box), float(cutoff) ** 2, shift, force, energy)
    return force.reshape(x.shape), energy.reshape(x.shape[:-2])


def radial_distribution(x, box: float, edges) -> np.ndarray:
    """Pairs at a distance, over those of an ideal gas of the same density: g(r), averaged over all copies.

    Parameters
    ----------
    x : array_like, shape (..., atoms, 3)
    box
        Edge of the periodic box.
    edges : array_like, shape (bins + 1,)
        Rising, up to half the box.

    Returns
    -------
    ndarray, shape (bins,)
        NaN if a position isn't finite.

    Raises
    ------
    ValueError
        If the edges reach beyond half the box.
    """
    x, edges = np.asarray(unmasked(x, "x"), float), np.asarray(edges, float)
    if not edges[-1] <= box / 2:
        raise ValueError(f"edges: they reach to {edges[-1]}, beyond half the box, {box / 2}")
    atoms = x.shape[-2]
    if not np.isfinite(x).all():
        return np.full(len(edges) - 1, np.nan)
    one, other = np.triu_indices(atoms, 1)
    found = np.zeros(len(edges) - 1, int)
    for copy in x.reshape(-1, atoms, 3):  # all at once would take gigabytes
        apart = minimum_image(copy[one] - copy[other], box)
        found += np.histogram(np.sqrt((apart**2).sum(-1)), edges)[0]
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    return found / (x.size // (3 * atoms) * len(one) * shells / box**3)


@njit(error_model="numpy")
def _sum(x, box, square, shift, force, energy):
    atoms = x.shape[1]
    for copy in range(len(x)):
        place, pull = x[copy], force[copy]
        found = 0.0
        for i in range(atoms):
            for j in range(i):
                dx, dy, dz = place[i, 0] - place[j, 0], place[i, 1] - place[j, 1], place[i, 2] - place[j, 2]
                if box > 0:
                    dx -= box * np.floor(dx / box + 0.5)
                    dy -= box * np.floor(dy / box + 0.5)
                    dz -= box * np.floor(dz / box + 0.5)
                distance = dx * dx + dy * dy + dz * dz
                if distance >= square:
                    continue
                inverse = 1 / distance
                six = inverse * inverse * inverse
                found += 4 * six * (six - 1) - shift
                strength = 24 * six * (2 * six - 1) * inverse
                pull[i, 0] += strength * dx
                pull[i, 1] += strength * dy
                pull[i, 2] += strength * dz
                pull[j, 0] -= strength * dx
                pull[j, 1] -= strength * dy
                pull[j, 2] -= strength * dz
        energy[copy] = found
