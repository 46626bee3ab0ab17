"""The entropy of the actions in windows, and the information that the regression gained."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import entr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.system.params import Params


def entropy(case: Case[Params], trained: xr.Dataset) -> xr.Dataset:
    """Return -sum_a p ln p of each window's arms (nat), its start and end, and the information gain.

    A player that is outside the arms (the expert) plays one action: entropy 0.
    """
    counts = trained.window_counts
    total = counts.sum("arm")
    share = counts / total.where(total > 0, 1)
    spread = xr.apply_ufunc(entr, share).sum("arm")
    first, last, gained = spread.isel(window=0), spread.isel(window=-1), trained.information.isel(mark=-1)
    said, why = "information gained over the whole run", gained.attrs["nan"]
    return xr.Dataset(
        {
            "action_entropy": labelled(spread.dims, spread.values, "entropy of the actions in a window", "nat"),
            "first_entropy": labelled(first.dims, first.values, "entropy of the actions in the first window", "nat"),
            "last_entropy": labelled(last.dims, last.values, "entropy of the actions in the last window", "nat"),
            "information": trained.information,
            "final_information": labelled(gained.dims, gained.values, said, "nat", nan=why),
        },
        {"window": (np.arange(case.params.train.windows) + 0.5) / case.params.train.windows},
    )
