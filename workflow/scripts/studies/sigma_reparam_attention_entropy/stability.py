"""When a run counts as unstable or diverged, and which variant plays which part: one definition for both steps."""

from __future__ import annotations

import numpy as np
import xarray as xr


def ceiling(params, found: xr.Dataset) -> float:
    """Loss from which a run has diverged, nat."""
    return params.divergence * float(np.log(found.attrs["symbols"]))


def diverged(params, found: xr.Dataset) -> xr.DataArray:
    """True for a run whose loss passes the ceiling after the grace, or stops being finite at any step."""
    loss = found["loss"]
    late = loss.isel({"step": slice(params.grace, None)})
    return (late > ceiling(params, found)).any("step") | ~np.isfinite(loss).all("step")


def instability(params, found: xr.Dataset, since: int = 0) -> xr.DataArray:
    """Largest rise of the probe's loss over its running minimum after the grace, nat; the ceiling for diverged runs.

    The probe is the same sequences throughout, so that a batch that happens to be hard is no instability. With `since`,
    rises after that step only.
    """
    loss = found["probe_loss"]
    lowest = xr.apply_ufunc(np.fmin.accumulate, loss, kwargs={"axis": loss.get_axis_num("probe")})
    later = loss["probe"].values > max(params.grace, since)
    rise = (loss - lowest).isel({"probe": later}).max("probe", skipna=True)
    top = ceiling(params, found)
    return xr.where(diverged(params, found), top, rise.fillna(top).clip(max=top))


def arms(chosen, values: xr.DataArray) -> xr.DataArray:
    """Values of the two variants in the dimension `arm`: baseline, treated."""
    picked = values.sel({"variant": [chosen.baseline, chosen.treated]}).rename({"variant": "arm"})
    return picked.assign_coords({"arm": ["baseline", "treated"]})
