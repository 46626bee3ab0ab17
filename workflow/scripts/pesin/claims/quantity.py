"""Takes the number or the array that a rule names out of a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import xarray as xr

from pesin.claims.models import Quantity
from pesin.errors import UserError, did_you_mean


def select(quantity: Quantity, result: xr.Dataset | xr.DataTree) -> xr.DataArray:
    """Return the variable narrowed by `at` and then by `reduce`.

    Parameters
    ----------
    quantity
        Names the variable (`group/name` in a DataTree), coordinate values and reductions.
    result
        The opened result of quantity.step and quantity.case.

    Returns
    -------
    DataArray
        With the dimensions that are left, and the variable's attributes. Booleans stay booleans unless reduced.

    Raises
    ------
    UserError
        If a variable, dimension or coordinate value isn't there; the message names the nearest one.
    """
    where = f"{quantity.step}/{quantity.case}"
    array = _variable(quantity.variable, result, where)
    attributes = array.attrs
    for dim, wanted in quantity.at.items():
        array = _at(array, dim, wanted, f"{where}: {quantity.variable}")
    for dim, how in quantity.reduce.items():
        if dim not in array.dims:
            raise UserError(f"{where}: {quantity.variable} has no dimension '{dim}'.{did_you_mean(dim, array.dims)}")
        if how in ("first", "last"):
            array = array.isel({dim: 0 if how == "first" else -1})
        else:
            # A NaN (a run that diverged) stays one: skipping it would drop the run.
            array = getattr(array.astype(float), how)(dim, skipna=False)
    return array.assign_attrs(attributes)


def _variable(name: str, result: xr.Dataset | xr.DataTree, where: str) -> xr.DataArray:
    group, _, short = name.rpartition("/")
    node: xr.Dataset | xr.DataTree | xr.DataArray = result
    if group:
        if not isinstance(result, xr.DataTree) or group not in result:
            raise UserError(f"{where} has no group '{group}', asked for by '{name}'.")
        node = result[group]
    dataset = node.to_dataset() if isinstance(node, xr.DataTree) else cast(xr.Dataset, node)
    if short not in dataset.variables:
        raise UserError(f"{where} has no variable '{name}'.{did_you_mean(short, dataset.data_vars)}")
    return dataset[short]


def _at(array: xr.DataArray, dim: str, wanted, where: str) -> xr.DataArray:
    if dim not in array.dims:
        raise UserError(f"{where} has no dimension '{dim}'.{did_you_mean(dim, array.dims)}")
    if dim not in array.coords:
        raise UserError(f"{where}: the dimension '{dim}' has no coordinate, so nothing can be chosen by value.")
    values = array[dim].values
    if isinstance(wanted, Mapping):
        if set(wanted) != {"from", "to"}:
            raise UserError(f"{where}, at {dim}: a range is written {{from: a, to: b}}.")
        chosen = np.flatnonzero((values >= wanted["from"]) & (values <= wanted["to"]))
        if not chosen.size:
            raise UserError(f"{where}, at {dim}: nothing lies between {wanted['from']} and {wanted['to']}.")
        return array.isel({dim: chosen})
    if isinstance(wanted, list):
        return array.isel({dim: [_index(values, value, f"{where}, at {dim}") for value in wanted]})
    return array.isel({dim: _index(values, wanted, f"{where}, at {dim}")})


def _index(values: np.ndarray, wanted, where: str) -> int:
    if values.dtype.kind in "fiu" and isinstance(wanted, (int, float)):
        hits = np.flatnonzero(np.isclose(values.astype(float), float(wanted), rtol=1e-6, atol=1e-12))
    else:
        hits = np.flatnonzero(values.astype(str) == str(wanted))
    if not hits.size:
        raise UserError(f"{where}: no coordinate value {wanted!r}.{did_you_mean(wanted, values.tolist())}")
    return int(hits[0])
