"""Alignment of the tangent kernel with the task, and effective ranks of kernel and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.entropy.kernel import effective_rank
from pesin.stats.intervals import spearman
from pesin.stats.similarity import kernel_alignment
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lazy_to_rich_grokking.moments import kernel, with_one
from studies.lazy_to_rich_grokking.quadratic.params import Params
from studies.lazy_to_rich_grokking.quadratic.simulate import drawn, target
from studies.lazy_to_rich_grokking.quadratic.train import STOPPED

UNRELATED = "an alignment that doesn't change, or losses that have not fallen"


def entropy(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """`alignment` (seed, time), `follows` (seed); `kernel_rank`, `weight_rank` (seed, moment), all at base.

    `follows` is Spearman's correlation of the alignment with minus the test loss, at logged times from the fall of the
    training loss to that of the test loss.
    """
    beta = data["beta"].values
    base = trained.sel(setting="base")
    setting, time = case.params.train.settings["base"], base["time"].values
    aligned = np.full(base["train_loss"].shape, np.nan)
    follows, ranks = np.full(len(aligned), np.nan), np.full((2, len(aligned), 2), np.nan)
    test_loss = base["parts"].sum("part", skipna=False).values
    for seed in range(len(aligned)):
        x = drawn(case.rng(f"inputs {seed}"), case.params.entropy.points, beta.shape[-1])
        there = np.flatnonzero(np.isfinite(base["train_loss"].values[seed]))
        q = base["moments"].values[seed, there * (not setting.frozen)]  # a linearised network keeps its kernel
        gram = kernel(q, with_one(x), setting.epsilon)
        y = target(x, beta[seed])[:, None]
        aligned[seed, there] = kernel_alignment(gram, np.broadcast_to(y, (len(gram), *y.shape)))
        ranks[0, seed] = effective_rank(gram[[0, -1]]).value
        ranks[1, seed] = effective_rank(q[[0, -1], 1:, 1:]).value
        ends = base["t_train"].values[seed], base["t_test"].values[seed]
        if np.isfinite(ends).all():
            late = (time >= ends[0]) & (time <= ends[1])
            follows[seed] = spearman(aligned[seed, late], -test_loss[seed, late])
    dims = ("seed", "moment")
    return xr.Dataset(
        {
            "alignment": labelled(("seed", "time"), aligned, "alignment of the kernel with the task", nan=STOPPED),
            "follows": labelled(
                "seed", follows, "correlation of alignment and falling test loss", nan=UNRELATED, may_be_constant=1
            ),
            "kernel_rank": labelled(dims, ranks[0], "effective rank of the kernel"),
            "weight_rank": labelled(dims, ranks[1], "effective rank of the weights' second moment"),
        },
        {"seed": base["seed"].values, "time": time, "moment": ["first", "last"]},
    )
