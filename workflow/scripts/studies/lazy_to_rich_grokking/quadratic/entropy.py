"""Effective ranks of the tangent kernel and of the weights, before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.entropy.kernel import effective_rank
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lazy_to_rich_grokking.moments import kernel, with_one
from studies.lazy_to_rich_grokking.quadratic.params import Params
from studies.lazy_to_rich_grokking.quadratic.simulate import drawn


def entropy(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """`kernel_rank`, `weight_rank` (seed, moment) at base: exp of the entropy of normalised eigenvalues."""
    base = trained.sel(setting="base")
    epsilon, ranks = case.params.train.settings["base"].epsilon, []
    for seed in range(base.sizes["seed"]):
        x = drawn(case.rng(f"inputs {seed}"), case.params.entropy.points, data.sizes["dim"])
        q = base["moments"].values[seed, np.flatnonzero(np.isfinite(base["train_loss"].values[seed]))[[0, -1]]]
        ranks.append([effective_rank(kernel(q, with_one(x), epsilon)).value, effective_rank(q[:, 1:, 1:]).value])
    of_kernel, of_weights = np.moveaxis(np.array(ranks), 1, 0)
    dims = ("seed", "moment")
    return xr.Dataset(
        {
            "kernel_rank": labelled(dims, of_kernel, "effective rank of the kernel"),
            "weight_rank": labelled(dims, of_weights, "effective rank of the weights' second moment"),
        },
        {"seed": base["seed"].values, "moment": ["first", "last"]},
    )
