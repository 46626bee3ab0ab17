"""When a run counts as unstable or diverged, and which variant plays which part: one definition for both steps."""

from __future__ import annotations

import numpy as np
import xarray as xr

from studies.sigma_reparam_attention_entropy.sequences.params import Arms, Stability


def ceiling(rule: Stability, found: xr.Dataset) -> float:
    """Loss from which a run has diverged, nat."""
    return rule.divergence * float(np.log(found.attrs["symbols"]))


def diverged(rule: Stability, found: xr.Dataset) -> xr.DataArray:
    """True for a run whose loss passes the ceiling after the grace, or stops being finite at any step."""
    loss = found["loss"]
    late = loss.isel({"step": slice(rule.grace, None)})
    return (late > ceiling(rule, found)).any("step") | ~(abs(loss) < np.inf).all("step")


def instability(rule: Stability, found: xr.Dataset, since: int = 0) -> xr.DataArray:
    """Largest rise of the probe's loss over its running minimum after the grace, nat; the ceiling for diverged runs.

    The probe is the same sequences throughout, so that a batch that happens to be hard is no instability. With `since`,
    rises after that step only.
    """
    loss = found["probe_loss"]
    lowest = xr.apply_ufunc(np.fmin.accumulate, loss, kwargs={"axis": loss.get_axis_num("probe")})
    later = loss["probe"].values > max(rule.grace, since)
    rise = (loss - lowest).isel({"probe": later}).max("probe", skipna=True)
    top = ceiling(rule, found)
    return xr.where(diverged(rule, found), top, rise.fillna(top).clip(max=top))


def arms(chosen: Arms, values: xr.DataArray) -> xr.DataArray:
    """Values of the two variants in the dimension `arm`: baseline, treated."""
    picked = values.sel({"variant": [chosen.baseline, chosen.treated]}).rename({"variant": "arm"})
    return picked.assign_coords({"arm": ["baseline", "treated"]})
