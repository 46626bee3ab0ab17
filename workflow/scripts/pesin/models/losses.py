"""Losses of networks with a leading runs axis: one number for each run."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy


def runs_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of each run.

    Parameters
    ----------
    logits : Tensor, shape (runs, ..., classes)
    target : int64 Tensor, shape (runs, ...)

    Returns
    -------
    Tensor, shape (runs,)
        In nat.
    """
    losses = cross_entropy(logits.flatten(0, -2), target.flatten(), reduction="none")
    return losses.view(len(logits), -1).mean(1)
