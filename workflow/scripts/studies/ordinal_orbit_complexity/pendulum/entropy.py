"""Permutation entropy and statistical complexity of the pendulum's motions, also against the pattern time."""

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import complexity_entropy, delay_for
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ordinal_orbit_complexity.motions import measure, motions
from studies.ordinal_orbit_complexity.pendulum.params import Params


def entropy(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Return (H, C) over (start_kind, start)."""
    moving = motions(case.params.train, data, "x2")
    return measure(case, data, moving).merge(_sampling(case, moving.x, moving.period))


def _sampling(case: Case[Params], x, period) -> xr.Dataset:
    """H and C against t_pat / t_nat."""
    order, ratios, starts = case.params.train.order, case.params.entropy.ratios, case.params.simulate.starts
    found = [complexity_entropy(x, order, delay_for(ratio, period, 1, order)) for ratio in ratios]
    dims, shape = ("ratio", "start_kind", "start"), (len(ratios), -1, starts)
    return xr.Dataset(
        {
            "sampled_permutation_entropy": labelled(
                dims, np.reshape([one.permutation_entropy for one in found], shape), "permutation entropy H"
            ),
            "sampled_statistical_complexity": labelled(
                dims, np.reshape([one.statistical_complexity for one in found], shape), "statistical complexity C"
            ),
        },
        {"ratio": ratios},
    )
