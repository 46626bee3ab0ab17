"""Attention entropy against instability of trained networks: what the claims ask of entropy."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.learning import attention_entropy_bound
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.sigma_reparam_attention_entropy.sequences.missing import NO_LAYER
from studies.sigma_reparam_attention_entropy.sequences.params import Measures, Params
from studies.sigma_reparam_attention_entropy.sequences.stability import arms, diverged, instability

LOWEST, RISE = "lowest entropy of a layer in training", "largest rise of the loss over its running minimum"


def entropy(case: Case[Params], runs: xr.DataTree) -> xr.Dataset:
    """Return the association of entropy and instability, the arms' entropies, and the bound in trained networks."""
    params, found = case.params.entropy, runs["grid"].to_dataset()
    parts = [association(case, found), collapse(params, found), trained_bound(found), intervention(params, runs)]
    return xr.merge(parts).assign_attrs(keys=int(found.attrs["keys"]))


def layer_entropy(found: xr.Dataset) -> xr.DataArray:
    """Mean over the heads; NaN for layers that a shallower net doesn't have."""
    return found["attention_entropy"].mean("head", skipna=False)


def lowest_entropy(found: xr.Dataset) -> xr.DataArray:
    """Entropy of the lowest layer at its lowest, nat: over all measurements up to the one before a run stopped."""
    return layer_entropy(found).min(("probe", "layer"), skipna=True)


def association(case: Case[Params], found: xr.Dataset) -> xr.Dataset:
    """Lowest entropy and instability, run by run; a control hands the entropies to other runs."""
    params, variables = case.params.entropy, {}
    lowest, size = lowest_entropy(found), instability(params.stability, found)
    for dim, names in (("run", found["variant"].values), ("baseline_run", [params.arms.baseline])):
        one, other = (values.sel({"variant": names}).values.ravel() for values in (lowest, size))
        if params.shuffle_runs:
            one = case.rng(f"shuffled {dim}").permutation(one)
        variables[f"lowest_entropy_of_{dim}"] = labelled(dim, one, LOWEST, "nat")
        variables[f"instability_of_{dim}"] = labelled(dim, other, RISE, "nat")
    return xr.Dataset(variables)


def collapse(params: Measures, found: xr.Dataset) -> xr.Dataset:
    """Entropies against the step, and of each arm at the end; a run that stopped keeps its last measured one."""
    layers = layer_entropy(found)
    # A run that stopped has NaN from then on.
    measured = ((abs(layers) < np.inf).all("layer").sum("probe") - 1).clip(min=0)
    last = layers.isel({"probe": measured}).drop_vars("probe")
    relative = found["relative_attention_entropy"].mean("head", skipna=False)
    final = arms(params.arms, last)
    mean, least, lowest = final.mean("layer"), final.min("layer"), lowest_entropy(found)
    status = xr.where(diverged(params.stability, found), "diverged", "ok")
    of_layer = "attention entropy of a layer, mean over its heads"
    return xr.Dataset(
        {
            "layer_entropy": labelled(layers.dims, layers, of_layer, "nat", nan=NO_LAYER),
            "layer_relative_entropy": labelled(relative.dims, relative, f"{of_layer}, over its maximum", nan=NO_LAYER),
            "lowest_entropy": labelled(lowest.dims, lowest, LOWEST, "nat"),
            "final_entropy": labelled(mean.dims, mean, "entropy after training, mean over layers", "nat"),
            "final_lowest_entropy": labelled(least.dims, least, "entropy of the lowest layer after training", "nat"),
            "status": labelled(status.dims, status, "how the run went"),
        },
        {**layers.coords, "arm": final["arm"]},
    )


def trained_bound(found: xr.Dataset) -> xr.Dataset:
    """The last row's entropy of trained networks beside the bound, by its own norm and by the theorem's."""
    keys = int(found.attrs["keys"])
    variables: dict = {"row_entropy": found["row_entropy"], "row_norm": found["row_norm"]}
    for name in ("row_norm", "theorem_norm"):
        values = found[name].values
        known = np.isfinite(values)
        least = np.where(known, attention_entropy_bound(np.where(known, values, 0), keys), np.nan)
        said = f"lower bound of the row's entropy by the {name.replace('_', ' ')}"
        variables[name.replace("norm", "bound")] = labelled(found[name].dims, least, said, "nat", nan=NO_LAYER)
    return xr.Dataset(variables)


def intervention(params: Measures, runs: xr.DataTree) -> xr.Dataset:
    """Lowest entropy and instability of the other variants: what a change of temperature alone does to both."""
    if "ablation" not in runs.children:
        return xr.Dataset()
    found = runs["ablation"].to_dataset()
    renamed = {"variant": "ablation", "rate": "ablation_rate", "seed": "ablation_seed", "depth": "ablation_depth"}
    lowest, size = lowest_entropy(found), instability(params.stability, found)
    return xr.Dataset(
        {
            "ablation_entropy": labelled(lowest.dims, lowest, LOWEST, "nat"),
            "ablation_instability": labelled(size.dims, size, RISE, "nat"),
        },
        lowest.coords,
    ).rename(renamed)
