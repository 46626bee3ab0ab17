"""Which heads are overloaded, what the last layer's entropy is, and how heads differ, at the end of training."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.entropy_guided_attention.networks.ends import by_role, settled
from studies.entropy_guided_attention.networks.params import Params

BANDS = 4
MAXIMUM = "attention entropy over its maximum"


def entropy(case: Case[Params], trained: xr.DataTree) -> xr.Dataset:
    """Return shares of overloaded heads and entropies of layers by variant and role."""
    params, found = case.params.entropy, trained["main"].to_dataset().isel({"rate": 0}, drop=True)
    relative = settled(found["relative_entropy"], params.last)
    first_half = relative["layer"].values <= relative.sizes["layer"] / 2
    over = (relative > params.overloaded).astype(float)
    heads = ("layer", "head")
    early, everywhere = over.isel({"layer": first_half}).mean(heads), over.mean(heads)
    last = relative.isel({"layer": -1}, drop=True).mean("head")
    share = f"share of heads whose entropy exceeds {params.overloaded:g} of its maximum"
    said = {
        "early_overload": (early, f"{share}, first half of the layers"),
        "overload": (everywhere, share),
        "last_layer_entropy": (last, f"{MAXIMUM}, last layer"),
    }
    variables = {}
    for name, (values, text) in said.items():
        variables[name] = labelled(values.dims, values, text)
        roles = by_role(values, params.roles)
        variables[f"role_{name}"] = labelled(roles.dims, roles, text)
    layers = found["relative_entropy"].mean("head", skipna=False)
    spread = relative.std(heads)
    shares = bands(settled(found["head_entropy"], params.last))
    variables |= {
        "head_relative_entropy": labelled(relative.dims, relative, MAXIMUM),
        "layer_entropy": labelled(layers.dims, layers, f"{MAXIMUM}, mean over the heads of a layer", nan=DIVERGED),
        "spread": labelled(spread.dims, spread, "standard deviation over heads of the relative entropy"),
        "band_share": labelled(shares.dims, shares, "share of heads by entropy, in quarters of the largest head's"),
    }
    coordinates = {"role": list(params.roles.named), "band": np.arange(1, BANDS + 1)}
    return xr.Dataset(variables, {**layers.coords, **relative.coords, **coordinates})


def bands(entropies: xr.DataArray) -> xr.DataArray:
    """Share of heads in each quarter from 0 to the largest head's entropy: (..., layer, head) -> (..., band)."""
    heads = ("layer", "head")
    place = np.ceil(BANDS * entropies / entropies.max(heads)).clip(1, BANDS)
    return xr.concat([(place == i).mean(heads) for i in range(1, BANDS + 1)], "band").transpose(..., "band")
