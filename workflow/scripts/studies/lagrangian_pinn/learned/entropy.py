"""Entropies of the learnt fields: of their singular values, and of their values against the exact ones at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.special import rel_entr

from pesin.entropy.kernel import effective_rank
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.lagrangian_pinn.learned.params import Params

BINS = np.linspace(-1.5, 1.5, 25)


def entropy(case: Case[Params], made: xr.Dataset) -> xr.Dataset:
    """Effective ranks of fields (method, speed, seed), entropy of their values along time, and what is lost of them."""
    variables: dict[str, Any] = {}
    for problem in ("sine", "burgers"):
        field = made[f"{problem}_field"].values
        exact = shares(made[f"{problem}_exact"].values)
        values = shares(field)
        grid = ("method", f"{problem}_speed", "seed")
        ranks = np.full(field.shape[:3], np.nan)
        for place in np.ndindex(ranks.shape):
            if np.isfinite(field[place]).all():
                ranks[place] = effective_rank(field[place]).value
        apart = rel_entr(exact[None, :, None, -1], values[..., -1, :]).sum(-1)
        variables |= {
            f"{problem}_rank": labelled(grid, ranks, "effective rank of the snapshots", nan=DIVERGED),
            f"{problem}_value_entropy": labelled(
                (*grid, "time"), entropies(values), "entropy of the field's values", "nat", nan=DIVERGED
            ),
            f"{problem}_exact_entropy": labelled(
                (grid[1], "time"), entropies(exact), "entropy of the exact field's values", "nat", may_be_constant=1
            ),
            f"{problem}_divergence": labelled(
                grid, apart, "KL divergence of exact from learnt values at the end", "nat", nan=DIVERGED
            ),
        }
    names = [n for n in ("method", "sine_speed", "burgers_speed", "seed", "time") if n in made.coords]
    return xr.Dataset(variables, {name: made[name].values for name in names})


def shares(field: np.ndarray) -> np.ndarray:
    """Histogram of values over places, half a count added to each bin, (..., n) -> (..., bins); NaN if diverged."""
    place = np.digitize(np.nan_to_num(field), BINS[1:-1])
    counts = (place[..., None] == np.arange(len(BINS) - 1)).sum(-2) + 0.5
    return np.where(np.isfinite(field).all(-1)[..., None], counts / counts.sum(-1, keepdims=True), np.nan)


def entropies(shares_of: np.ndarray) -> np.ndarray:
    """Shannon entropy along the last axis, in nats."""
    return -(shares_of * np.log(shares_of)).sum(-1)
