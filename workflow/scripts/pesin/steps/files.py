"""The one door for results: publish checks a dataset and writes it whole or not at all; open refuses what isn't whole.

A result is a NetCDF-4 file. `complete = 1` says that it was written to its end, `digest` (over names, dimensions,
attributes and values) that nobody changed it since.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from pathlib import Path

# HDF5 takes a lock at every open, which many network disks refuse. No file of ours is ever changed in place, so none is
# needed; HDF5 reads this when it is loaded.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

import numpy as np
import xarray as xr

from pesin.errors import UserError

FILL = 9.969209968386869e36  # NetCDF's own mark of a number that was never written
OUTSIDE_DIGEST = ("digest", "complete", "wall_time", "host", "threads", "created_by", "instructions")


def publish(result: xr.Dataset | xr.DataTree, path: Path, attributes: dict) -> None:
    """Check a result and write it atomically.

    Parameters
    ----------
    result
        Dataset or DataTree. Each data variable carries `units` and `long_name`; numbers are finite unless the variable
        says what a missing one stands for (`nan`); a simulated float variable isn't constant unless it has
        `may_be_constant = 1`. The values of a variable with `role = timing` (measured seconds) stay outside the digest.
    path
        The file to make. It appears only when it is whole.
    attributes
        Global attributes: where the result comes from.

    Raises
    ------
    ValueError
        If a check fails; the message names the variable and the index.
    OSError
        If there is no room; nothing is left behind.
    """
    tree = result if isinstance(result, xr.DataTree) else xr.DataTree(result)
    tree = tree.copy()
    faults = [fault for group, dataset in _groups(tree) for fault in _faults(group, dataset, attributes.get("step"))]
    if faults:
        raise ValueError(f"{path.name}: " + "; ".join(faults))
    tree.attrs = {**tree.attrs, **attributes}
    tree.attrs["digest"] = digest(tree)
    tree.attrs["complete"] = np.int8(1)
    write_whole(tree, path)


def write_whole(tree: xr.DataTree, path: Path) -> None:
    """Write a NetCDF file that appears only when it is whole, under a name of its own till then.

    A second writer of the same path (a job that outlived its Snakemake) is no harm: the last whole file stands.
    """
    temporary = path.with_name(f".{path.name}.tmp-{uuid.uuid4().hex[:12]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        tree.to_netcdf(temporary, engine="netcdf4", encoding=_encoding(tree))
        with open(temporary, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def open_result(path: Path) -> xr.Dataset | xr.DataTree:
    """Read a published result into memory: a Dataset, or a DataTree if it has groups.

    Raises
    ------
    UserError
        If the file is missing, truncated, unfinished, changed by hand, or holds what publish would refuse.
    """
    again = f"Delete it and run snakemake again to remake it: rm '{path}'"
    try:
        with xr.open_datatree(path, engine="netcdf4") as handle:
            # Node by node: xarray's `load` of a tree passes over a variable that is named like its group.
            tree = xr.DataTree.from_dict({node.path: node.to_dataset(inherit=False).load() for node in handle.subtree})
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such result.") from None
    except Exception as error:
        raise UserError(f"{path}: can't be read as NetCDF ({type(error).__name__}). {again}") from None
    if np.ravel(tree.attrs.get("complete", 0)).tolist() != [1]:
        raise UserError(f"{path}: has no mark 'complete': it wasn't written to its end. {again}")
    faults = [fault for group, data in _groups(tree) for fault in _faults(group, data, tree.attrs.get("step"))]
    if faults:
        raise UserError(f"{path}: {'; '.join(faults)}. {again}")
    if tree.attrs.get("digest") != digest(tree):
        raise UserError(f"{path}: was changed after it was made (its digest doesn't fit). {again}")
    for _, dataset in _groups(tree):
        for variable in dataset.variables.values():
            variable.encoding = {}
    return tree if tree.children else tree.to_dataset()


def digest(result: xr.Dataset | xr.DataTree) -> str:
    """SHA-256 over names, dimensions, attributes and values; wall time, host, threads and timings stay outside."""
    tree = result if isinstance(result, xr.DataTree) else xr.DataTree(result)
    total = hashlib.sha256()
    for group, dataset in _groups(tree):
        total.update(f"{group}\0{_plain(dataset.attrs)}\0".encode())
        for name in sorted(map(str, dataset.variables)):
            variable = dataset.variables[name]
            total.update(f"{name}\0{variable.dims}\0{variable.shape}\0{_plain(variable.attrs)}\0".encode())
            if variable.attrs.get("role") != "timing":
                total.update(_bytes(variable.values))
    return total.hexdigest()


def same(first: xr.Dataset | xr.DataTree, second: xr.Dataset | xr.DataTree) -> bool:
    """True if two results agree bit for bit, wall time, host and number of threads apart."""
    return digest(first) == digest(second)


def without_truth(result: xr.Dataset | xr.DataTree) -> xr.Dataset | xr.DataTree:
    """Drop the variables marked `role = truth`, which training must not see."""

    def kept(dataset: xr.Dataset) -> xr.Dataset:
        return dataset.drop_vars([name for name, v in dataset.variables.items() if v.attrs.get("role") == "truth"])

    return result.map_over_datasets(kept) if isinstance(result, xr.DataTree) else kept(result)


def _groups(tree: xr.DataTree):
    return [(node.path, node.to_dataset(inherit=False)) for node in tree.subtree]


def _plain(attributes) -> str:
    return json.dumps(
        {str(k): np.asarray(v).tolist() for k, v in sorted(attributes.items()) if k not in OUTSIDE_DIGEST}
    )


def _bytes(values: np.ndarray) -> bytes:
    if values.dtype.kind in "OUST":
        return "\0".join(map(str, values.ravel())).encode()
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.asarray(np.nan, values.dtype), values)
    return values.dtype.str.lstrip("<>=|").encode() + np.ascontiguousarray(values).tobytes()


def _encoding(tree: xr.DataTree) -> dict:
    """No fill values, so that nothing is masked. No compression: noise does not shrink, and trying costs seconds."""
    return {
        group: {str(name): {"_FillValue": None} for name, v in dataset.variables.items() if v.dtype.kind in "fiub"}
        for group, dataset in _groups(tree)
    }


def _faults(group: str, dataset: xr.Dataset, step) -> list[str]:
    faults = []
    for dim, size in dataset.sizes.items():
        if size == 0:
            faults.append(f"{group}: the dimension '{dim}' is empty")
        if str(dim).startswith("dim_"):
            faults.append(f"{group}: the dimension '{dim}' has no name")
    for name, variable in dataset.variables.items():
        label = f"{group.rstrip('/')}/{name}".lstrip("/")
        for key in ("units", "long_name"):
            if name in dataset.data_vars and not variable.attrs.get(key):
                faults.append(f"variable '{label}' has no attribute '{key}'")
        values = variable.values
        if values.dtype.kind not in "fc":
            continue
        for what, bad in (
            ("a NaN or an infinity", ~np.isfinite(values) if not variable.attrs.get("nan") else None),
            ("NetCDF's fill value (never written)", np.isclose(np.abs(values), FILL, rtol=1e-5)),
        ):
            if bad is not None and bad.any():
                index = ", ".join(map(str, np.argwhere(bad)[0]))
                faults.append(f"variable '{label}' holds {what} at [{index}] ({int(bad.sum())} in all)")
        may = variable.attrs.get("may_be_constant") or name not in dataset.data_vars or step != "simulate"
        if values.size > 1 and not may and np.all(values == values.flat[0]):
            faults.append(f"variable '{label}' is constant ({values.flat[0]}): nothing moved")
    return faults
