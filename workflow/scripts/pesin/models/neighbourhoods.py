"""Neighbours within clouds of points, and graphs of them: dense and batched, for clouds of some hundred points."""

from __future__ import annotations

import torch


def nearest(x: torch.Tensor, k: int) -> torch.Tensor:
    """Each point's k nearest others of its cloud, the nearest first: shape (..., points, dim) -> (..., points, k).

    Points at the same place count as others. Ties may fall either way.

    Raises
    ------
    ValueError
        If a cloud has no k other points.
    """
    points = x.shape[-2]
    if not 1 <= k < points:
        raise ValueError(f"k must lie between 1 and the {points - 1} other points of a cloud, it is {k}")
    apart = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")  # by products, near points lose digits
    itself = torch.eye(points, dtype=torch.bool, device=x.device)
    return apart.masked_fill(itself, torch.inf).topk(k, largest=False).indices


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
