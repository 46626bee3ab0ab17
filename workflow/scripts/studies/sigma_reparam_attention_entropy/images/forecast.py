"""How well the recipes classify images that they were not trained on."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.sigma_reparam_attention_entropy.images.params import Params


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return test accuracies at the learning rate that validates best (mean over seeds), by recipe and by its part.

    The trivial classifier says of all test images that they are of the commonest class.
    """
    found, arms = trained["recipes"].to_dataset(), dict(case.params.forecast.arms)
    best = found["validation_accuracy"].mean("seed").argmax("rate_index")
    chosen = found["test_accuracy"].isel({"rate_index": best})
    parts = chosen.sel({"recipe": list(arms.values())}).rename({"recipe": "arm"})
    classes = np.bincount(data["test_labels"].values)
    majority = np.full(found.sizes["seed"], classes.max() / classes.sum())
    return xr.Dataset(
        {
            "majority_accuracy": labelled(
                "seed", majority, "share of the commonest class of test images", may_be_constant=1
            ),
            "test_accuracy": found["test_accuracy"],
            "rate": found["rate"],
            "best_rate": labelled("recipe", found["rate"].isel({"rate_index": best}), "learning rate chosen"),
            "best_accuracy": labelled(chosen.dims, chosen, "test accuracy at the learning rate chosen"),
            "arm_accuracy": labelled(parts.dims, parts, "test accuracy at the learning rate chosen"),
        },
        {"arm": list(arms)},
    )
