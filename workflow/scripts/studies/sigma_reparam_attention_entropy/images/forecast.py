"""How well the recipes classify images that they were not trained on."""

from __future__ import annotations

import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.sigma_reparam_attention_entropy.images.params import Params


def forecast(case: Case[Params], runs: xr.DataTree) -> xr.Dataset:
    """Return test accuracies at the learning rate that validates best (mean over seeds), by recipe and by its part."""
    found, arms = runs["recipes"].to_dataset(), dict(case.params.forecast.arms)
    best = found["validation_accuracy"].mean("seed").argmax("rate_index")
    chosen = found["test_accuracy"].isel({"rate_index": best})
    parts = chosen.sel({"recipe": list(arms.values())}).rename({"recipe": "arm"})
    return xr.Dataset(
        {
            "test_accuracy": found["test_accuracy"],
            "rate": found["rate"],
            "best_rate": labelled("recipe", found["rate"].isel({"rate_index": best}), "learning rate chosen"),
            "best_accuracy": labelled(chosen.dims, chosen, "test accuracy at the learning rate chosen"),
            "arm_accuracy": labelled(parts.dims, parts, "test accuracy at the learning rate chosen"),
        },
        {"arm": list(arms)},
    )
