"""The entropy of the actions in windows, and the information that the regression gained."""

from __future__ import annotations

import numpy as np

from pesin.steps.case import Case
import xarray as xr
from scipy.special import entr

from pesin.steps.labels import labelled


def entropy(case: Case, data, trained) -> xr.Dataset:
    """Return -sum_a p ln p of each window's arms (nat), its start and end, and the information gain.

    A player that is outside the arms (the expert) plays one action: entropy 0.
    """
    counts = trained.window_counts
    total = counts.sum("arm")
    share = counts / total.where(total > 0, 1)
    action_entropy = xr.apply_ufunc(entr, share).sum("arm")
    dims = action_entropy.dims
    outer = action_entropy.isel(window=0).dims
    position = (np.arange(case.params.windows) + 0.5) / case.params.windows
    return xr.Dataset(
        {
            "action_entropy": labelled(dims, action_entropy.values, "entropy of the actions in a window", "nat"),
            "first_entropy": labelled(outer, action_entropy.isel(window=0).values, "action entropy at first", "nat"),
            "last_entropy": labelled(outer, action_entropy.isel(window=-1).values, "action entropy at last", "nat"),
            "information": trained.information,
            "final_information": labelled(
                trained.information.isel(mark=-1).dims,
                trained.information.isel(mark=-1).values,
                "information gained by the regression over the whole run",
                "nat",
                allow_nan=1,
            ),
        },
        {"window": position},
    )
