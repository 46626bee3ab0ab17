"""Each particle's nearest neighbours, and what they carry: batched, dense, in open space or a periodic box."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial import cKDTree

Array = Any
"""ndarray or tensor."""


def nearest(x, k: int, box: float = 0.0) -> np.ndarray:
    """Places of the k nearest neighbours, the nearest first, the particle itself left out.

    Parameters
    ----------
    x : array_like, shape (..., particles, dim)
    k
        Fewer than the particles.
    box
        Edge of the periodic box; 0 for open space.

    Returns
    -------
    ndarray of int64, shape (..., particles, k)
    """
    x = np.asarray(x, float)
    particles, dim = x.shape[-2:]
    if not 0 < k < particles:
        raise ValueError(f"k lies between 1 and the other particles, {particles - 1}; it is {k}")
    found = np.empty((*x.shape[:-1], k), np.int64)
    own = np.arange(particles)[:, None]
    for place in np.ndindex(x.shape[:-2]):
        points = np.mod(x[place], box) if box else x[place]
        if box:
            points[points >= box] = 0.0  # a tiny negative number's remainder rounds to the box itself
        index = cKDTree(points, boxsize=box or None).query(points, k + 1)[1]
        others = index != own
        others[others.all(1), -1] = False  # several particles in one place: the last of them goes
        found[place] = index[others].reshape(particles, k)
    return found


def gather(values: Array, index: Array) -> Array:
    """What each particle's neighbours carry, shape (..., particles, k, width).

    Values (..., particles, width) and index (..., particles, k), arrays or tensors of the same leading shape.
    """
    *batch, particles, k = index.shape
    flat = index.reshape(*batch, particles * k)[..., None]
    shape = (*batch, particles, k, values.shape[-1])
    if isinstance(values, np.ndarray):
        return np.take_along_axis(values, flat, -2).reshape(shape)
    return values.gather(-2, flat.expand(*batch, particles * k, values.shape[-1])).reshape(shape)
