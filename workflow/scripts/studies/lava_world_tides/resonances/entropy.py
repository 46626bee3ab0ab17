"""Entropy of where spins end."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import entr

from pesin.stats.bootstrap import unit_bootstrap
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lava_world_tides.resonances.params import Params


def entropy(case: Case[Params], data: xr.DataTree) -> xr.Dataset:
    """Shannon entropy of the histogram of final rotation numbers, with a bootstrap over the starts."""
    params, final = case.params.entropy, data["histories"].final_spin
    edges = 0.875 + 0.25 * np.arange(params.bins + 1)
    bins = np.clip(np.digitize(final.values, edges) - 1, 0, params.bins - 1)

    def shannon(codes) -> float:
        return float(entr(np.bincount(codes, minlength=params.bins) / len(codes)).sum())

    found = [unit_bootstrap(case.rng("bootstrap"), shannon, (codes,), params.bootstrap) for codes in bins]
    value, low, high = np.array(found).T
    name = "entropy of the final spin state"
    return xr.Dataset(
        {
            "final_entropy": labelled("branch", value, name, "nat"),
            "final_entropy_low": labelled("branch", low, f"{name}, lower end", "nat"),
            "final_entropy_high": labelled("branch", high, f"{name}, upper end", "nat"),
            "histogram": labelled(
                ("branch", "bin"),
                np.stack([np.bincount(codes, minlength=params.bins) for codes in bins]),
                "number of starts",
            ),
        },
        {"branch": final.branch.values, "bin": edges[:-1] + 0.125},
    )
