"""Neighbours within clouds of points, what they carry, graphs of them: dense and batched, for some hundred points."""

from __future__ import annotations

from math import prod
from typing import TypeVar

import numpy as np
import torch

Array = TypeVar("Array", np.ndarray, torch.Tensor)

PAIRS = 4_000_000
"""Pairs of points whose distances are held at once."""


def nearest(x: Array, k: int, box: float = 0.0) -> Array:
    """Places of each point's k nearest others of its cloud, the nearest first.

    Points at the same place count as others. Ties may fall either way.

    Parameters
    ----------
    x : ndarray or tensor, shape (..., points, dim)
    k
        Fewer than the points.
    box
        Edge of the periodic box; 0 for open space.

    Returns
    -------
    ndarray or tensor of int64, shape (..., points, k)

    Raises
    ------
    ValueError
        If a cloud has no k other points.
    """
    if isinstance(x, np.ndarray):
        return nearest(torch.from_numpy(np.array(x, float)), k, box).numpy()
    points, dim = x.shape[-2:]
    if not 1 <= k < points:
        raise ValueError(f"k must lie between 1 and the {points - 1} other points of a cloud, it is {k}")
    itself = torch.eye(points, dtype=torch.bool, device=x.device)
    clouds = x.reshape(prod(x.shape[:-2]), points, dim).split(max(1, PAIRS // points**2))
    found = [_distances(part, box).masked_fill(itself, torch.inf).topk(k, largest=False).indices for part in clouds]
    return torch.cat(found).reshape(*x.shape[:-1], k)


def _distances(x: torch.Tensor, box: float) -> torch.Tensor:
    if not box:
        return torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")  # by products, near points lose digits
    apart = x[..., None, :] - x[..., None, :, :]
    return (apart - box * torch.round(apart / box)).norm(dim=-1)


def gather(values: Array, index: Array) -> Array:
    """What each point's neighbours carry.

    Parameters
    ----------
    values : ndarray or tensor, shape (..., points, width)
    index : ndarray or tensor of int64, shape (..., points, k)
        As `nearest` gives it, of the same leading shape.

    Returns
    -------
    ndarray or tensor, shape (..., points, k, width)
    """
    if isinstance(values, np.ndarray):
        return np.take_along_axis(values[..., None, :, :], np.asarray(index)[..., None], -2)
    return torch.take_along_dim(values.unsqueeze(-3), index.unsqueeze(-1), -2)


def normalised_adjacency(index: torch.Tensor) -> torch.Tensor:
    """The matrix by which a graph convolution averages: D^-1/2 (A + 1) D^-1/2, shape (..., points, points).

    Two points are joined if either is among the other's neighbours; D counts a point's edges and itself (Kipf and
    Welling, ICLR 2017, eq. 2).

    Parameters
    ----------
    index : LongTensor, shape (..., points, k)
        Neighbours of each point, as `nearest` gives them.
    """
    points = index.shape[-2]
    joined = torch.zeros((*index.shape[:-1], points), device=index.device).scatter_(-1, index, 1.0)
    joined = torch.maximum(joined, joined.mT)
    joined.diagonal(dim1=-2, dim2=-1).fill_(1.0)
    share = joined.sum(-1).rsqrt()
    return share.unsqueeze(-1) * joined * share.unsqueeze(-2)
