"""Point clouds of known intrinsic dimension in a space of many dimensions."""

from __future__ import annotations

import numpy as np


def sphere(rng: np.random.Generator, samples: int, dim: int) -> np.ndarray:
    """Points uniform on the unit sphere S^dim, shape (samples, dim + 1)."""
    x = rng.normal(size=(samples, dim + 1))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def swiss_roll(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Points uniform in angle and height on a rolled-up sheet, shape (samples, 3), mean square norm 1."""
    angle = 1.5 * np.pi * (1 + 2 * rng.random(samples))
    x = np.stack([angle * np.cos(angle), 21 * (rng.random(samples) - 0.5), angle * np.sin(angle)], 1)
    return _unit(x)


def tree(rng: np.random.Generator, samples: int, branches: int = 5, dim: int = 10, steps: int = 50) -> np.ndarray:
    """Points on a tree of random walks, shape (samples, dim), mean square norm 1.

    Parameters
    ----------
    branches
        Random walks; each starts at a random node of those before it.
    dim
        Dimensions they wander in.
    steps
        Length of a branch.

    Notes
    -----
    Points lie at random places of random steps, not at nodes: no two coincide.
    """
    nodes, starts = np.zeros((1, dim)), []
    for _ in range(branches):
        root = nodes[rng.integers(len(nodes))]
        walk = root + np.cumsum(rng.normal(size=(steps, dim)), 0)
        starts.append(np.concatenate([root[None], walk[:-1]]))
        nodes = np.concatenate([nodes, walk])
    begin, ends = np.concatenate(starts), nodes[1:]
    chosen = rng.integers(len(ends), size=samples)
    along = rng.random((samples, 1))
    return _unit(begin[chosen] + along * (ends[chosen] - begin[chosen]))


def embed(rng: np.random.Generator, x: np.ndarray, ambient: int) -> np.ndarray:
    """Rotate points at random into a space of more dimensions: (samples, dim) -> (samples, ambient).

    Raises
    ------
    ValueError
        If the space has fewer dimensions than the points.
    """
    if x.shape[1] > ambient:
        raise ValueError(f"points of {x.shape[1]} dimensions don't fit into {ambient}")
    # Orthonormal rows: a uniformly random frame, for which the signs of R's diagonal must be made positive.
    q, r = np.linalg.qr(rng.normal(size=(ambient, x.shape[1])))
    return x @ (q * np.sign(np.diag(r))).T


def _unit(x: np.ndarray) -> np.ndarray:
    x = x - x.mean(0)
    return x / np.sqrt((x**2).sum(1).mean())
