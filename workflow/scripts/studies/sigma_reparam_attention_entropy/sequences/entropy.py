"""Attention entropy against instability of trained networks: what the claims ask of entropy."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.learning import attention_entropy_bound
from pesin.stats.intervals import ranks
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.sigma_reparam_attention_entropy.sequences.missing import NO_LAYER
from studies.sigma_reparam_attention_entropy.sequences.params import Measures, Params
from studies.sigma_reparam_attention_entropy.sequences.stability import arms, diverged, instability

LOWEST, RISE = "lowest entropy of a layer in training", "largest rise of the loss over its running minimum"
UNSTABLE = 0.5  # nat: a rise of the loss as C1's needs have it


def entropy(case: Case[Params], trained: xr.DataTree) -> xr.Dataset:
    """Return the association of entropy and instability, the arms' entropies, and the bound in trained networks."""
    params, found = case.params.entropy, trained["grid"].to_dataset()
    parts = [association(case, found), collapse(params, found), trained_bound(found), intervention(params, trained)]
    return xr.merge(parts).assign_attrs(keys=int(found.attrs["keys"]))


def layer_entropy(found: xr.Dataset) -> xr.DataArray:
    """Mean over the heads; NaN for layers that a shallower net doesn't have."""
    return found["attention_entropy"].mean("head", skipna=False)


def lowest_entropy(found: xr.Dataset) -> xr.DataArray:
    """Entropy of the lowest layer at its lowest, nat: over all measurements up to the one before a run stopped."""
    return layer_entropy(found).min(("probe", "layer"), skipna=True)


def association(case: Case[Params], found: xr.Dataset) -> xr.Dataset:
    """Lowest entropy and instability, run by run, and their ranks among the runs of one variant and learning rate.

    Across variants and rates both follow the rate, so that their going together says little; among the seeds of one
    cell nothing but chance differs. A control hands the entropies to other trained.
    """
    params, variables = case.params.entropy, {}
    lowest, size = (
        values.sel({"variant": params.associated})
        .stack({"cell": ("variant", "depth", "rate")})
        .transpose("cell", "seed")
        for values in (lowest_entropy(found), instability(params.stability, found))
    )
    one, other = lowest.values, size.values
    if params.shuffle == "all":
        one = case.rng("shuffled run").permutation(one.ravel()).reshape(one.shape)
    elif params.shuffle == "within":
        one = case.rng("shuffled within").permuted(one, axis=1)
    variables["lowest_entropy_of_run"] = labelled("run", one.ravel(), LOWEST, "nat")
    variables["instability_of_run"] = labelled("run", other.ravel(), RISE, "nat")
    for name, values, said in (("lowest_entropy", one, LOWEST), ("instability", other, RISE)):
        among = f"rank among the seeds of its variant and rate, mean taken off: {said}"
        variables[f"{name}_rank"] = labelled("run", centred_ranks(values, other).ravel(), among)
    said = "1 if the seeds of the run's variant and rate differ in stability"
    variables["mixed"] = labelled("run", mixed(other).ravel(), said)
    return xr.Dataset(variables)


def centred_ranks(values: np.ndarray, told_apart: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, mean taken off; 0 in cells whose `told_apart` are all the same, and say nothing."""
    same = np.ptp(told_apart, axis=-1, keepdims=True) == 0
    return np.where(same, 0, ranks(values) - (values.shape[-1] + 1) / 2)


def mixed(sizes: np.ndarray) -> np.ndarray:
    """1.0 in the cells (cell, seed) of which some runs were unstable and some not, 0.0 in the others; same shape."""
    unstable = (sizes > UNSTABLE).astype(float)
    return np.broadcast_to(np.ptp(unstable, axis=1, keepdims=True), sizes.shape)


def collapse(params: Measures, found: xr.Dataset) -> xr.Dataset:
    """Entropies against the step; each arm's over the last quarter of training, as a share of uniform attention's."""
    layers, relative = layer_entropy(found), found["relative_attention_entropy"].mean("head", skipna=False)
    final = arms(params.arms, settled(relative))
    mean, least, lowest = final.mean("layer"), final.min("layer"), lowest_entropy(found)
    status = xr.where(diverged(params.stability, found), "diverged", "ok")
    of_layer = "attention entropy of a layer, mean over its heads"
    late = "over its maximum, last quarter of training"
    return xr.Dataset(
        {
            "layer_entropy": labelled(layers.dims, layers, of_layer, "nat", nan=NO_LAYER),
            "layer_relative_entropy": labelled(relative.dims, relative, f"{of_layer}, over its maximum", nan=NO_LAYER),
            "lowest_entropy": labelled(lowest.dims, lowest, LOWEST, "nat"),
            "final_entropy": labelled(mean.dims, mean, f"attention entropy, mean over layers, {late}"),
            "final_lowest_entropy": labelled(least.dims, least, f"attention entropy of the lowest layer, {late}"),
            "status": labelled(status.dims, status, "how the run went"),
        },
        {**layers.coords, "arm": final["arm"]},
    )


def settled(values: xr.DataArray) -> xr.DataArray:
    """Mean over the measurements in the last quarter of training; the last one of a run that had stopped before it."""
    measured = ((abs(values) < np.inf).any("layer").sum("probe") - 1).clip(min=0)
    last = values.isel({"probe": measured}).drop_vars("probe")
    late = values["probe"].values >= 0.75 * values["probe"].values[-1]
    return values.isel({"probe": late}).mean("probe", skipna=True).fillna(last)


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


def intervention(params: Measures, trained: xr.DataTree) -> xr.Dataset:
    """Lowest entropy and instability of the other variants: what a change of temperature alone does to both."""
    if "ablation" not in trained.children:
        return xr.Dataset()
    found = trained["ablation"].to_dataset()
    renamed = {"variant": "ablation", "rate": "ablation_rate", "seed": "ablation_seed", "depth": "ablation_depth"}
    lowest, size = lowest_entropy(found), instability(params.stability, found)
    return xr.Dataset(
        {
            "ablation_entropy": labelled(lowest.dims, lowest, LOWEST, "nat"),
            "ablation_instability": labelled(size.dims, size, RISE, "nat"),
        },
        lowest.coords,
    ).rename(renamed)
