"""What both steps after training say of its end: averages over the last part, and which variant plays which part."""

from __future__ import annotations

import numpy as np
import xarray as xr

from studies.entropy_guided_attention.networks.params import Roles


def settled(values: xr.DataArray, last: float) -> xr.DataArray:
    """Mean over the measurements in the last part of training; a run that stopped keeps its last one till the end."""
    axis = values.get_axis_num("probe")
    numbers = np.moveaxis(values.values, axis, -1)
    known = np.where(np.isfinite(numbers), np.arange(numbers.shape[-1]), 0)
    held = np.take_along_axis(numbers, np.maximum.accumulate(known, -1), -1)
    filled = values.copy(data=np.moveaxis(held, -1, axis))
    late = values["probe"].values >= (1 - last) * values["probe"].values[-1]
    return filled.isel({"probe": late}).mean("probe", skipna=False)


def by_role(values: xr.DataArray, roles: Roles) -> xr.DataArray:
    """The dimension `variant` turned into the parts that variants play."""
    picked = values.sel({"variant": list(roles.named.values())}).rename({"variant": "role"})
    return picked.assign_coords({"role": list(roles.named)})
