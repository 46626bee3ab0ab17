"""Networks that give a normal law; data and anchors that make their ensembles differ. The runs axis comes first."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch.nn.functional import softplus

from pesin.models.mlp import Parameters


def gaussian_head(out: torch.Tensor, floor: float, ceiling: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log standard deviation from a network's outputs, the last softly held between two bounds.

    The bounds are those of Chua et al. (2018, arXiv 1805.12114, appendix A.1): a slope is left everywhere, so that a
    deviation that has run away can come back. Above the ceiling it may lie by a factor of 1 + floor / ceiling.

    Parameters
    ----------
    out : Tensor, shape (..., 2 dim)
        Means, then unbounded log deviations.
    floor, ceiling
        Least and largest standard deviation, in the unit of the means.

    Returns
    -------
    (mean, log_std)
        Both of shape (..., dim).

    Raises
    ------
    ValueError
        If the outputs are odd in number, or the bounds are not 0 < floor < ceiling.
    """
    if out.shape[-1] % 2:
        raise ValueError(f"a mean and a deviation each make an even number of outputs, not {out.shape[-1]}")
    if not 0 < floor < ceiling:
        raise ValueError(f"bounds must be 0 < floor < ceiling, they are {floor:g} and {ceiling:g}")
    low, high = math.log(floor), math.log(ceiling)
    mean, raw = out.chunk(2, -1)
    return mean, low + softplus(high - softplus(high - raw) - low)


def nll(mean: torch.Tensor, log_std: torch.Tensor, y: torch.Tensor, beta: float = 0.0) -> torch.Tensor:
    """Negative log density of y, in nats: summed over the last axis, mean over those between it and the runs.

    Parameters
    ----------
    mean, log_std, y : Tensors that broadcast to (runs, ..., dim)
    beta
        Each sample weighs its predicted variance to this power, held constant in the gradient (Seitzer et al. 2022,
        arXiv 2203.09168). 0: the density itself, under which a mean hardly learns where the deviation is large; 1: its
        gradient is that of squared errors.

    Returns
    -------
    Tensor, shape (runs,)
    """
    one = 0.5 * ((y - mean) * torch.exp(-log_std)).square() + log_std + 0.5 * math.log(2 * math.pi)
    if beta:
        one = one * torch.exp(2 * beta * log_std.detach())
    total = one.sum(-1)
    return total.flatten(1).mean(1) if total.dim() > 1 else total


def bootstrap_places(rng: np.random.Generator, runs: int, n: int) -> np.ndarray:
    """Places of a resample with replacement for each run: integers in [0, n), shape (runs, n)."""
    if min(runs, n) < 1:
        raise ValueError(f"a bootstrap needs a run and a sample, not {runs} and {n}")
    return rng.integers(n, size=(runs, n))


def anchored(
    parameters: Parameters, anchors: Mapping[str, torch.Tensor] | None, weight: float | Mapping[str, float]
) -> torch.Tensor:
    """Penalty of the distance from each run's own anchors (Pearce et al. 2020, arXiv 1810.05546).

    With the weight 1 / (2 s^2) it is the negative log density, but for a constant, of a normal prior of standard
    deviation s around the anchors.

    Parameters
    ----------
    anchors
        By the names of the parameters; None: all 0.
    weight
        Of all squares, or by the names of the parameters.

    Returns
    -------
    Tensor, shape (runs,)
        weight times the sum of squared distances.
    """
    total = torch.zeros(())
    for name, value in parameters.items():
        apart = value if anchors is None else value - anchors[name]
        scale = weight[name] if isinstance(weight, Mapping) else weight
        total = total.to(value.device) + scale * apart.square().flatten(1).sum(1)
    return total
