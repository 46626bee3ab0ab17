"""Reads recordings that don't ship with the project: NetCDF, CSV or .npy files of shape (time, channels)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from pesin.errors import UserError

FORMATS = (
    "It must be one of: NetCDF (.nc) with a variable x(time, dim); CSV (.csv) with one line of column names, then one"
    " line a time step; NumPy (.npy) with a float array of shape (time, dim), no pickled objects."
)


def read_recording(path: str | Path, where_from: str, fewest: int = 2) -> np.ndarray:
    """Read a multichannel recording.

    Parameters
    ----------
    path
        File; its ending tells the format.
    where_from
        Sentence that says where to get the data, for the error messages.
    fewest
        Fewest time steps that make sense.

    Returns
    -------
    ndarray, shape (time, dim), float64

    Raises
    ------
    UserError
        If the file isn't there, has another format or shape, or holds a value that isn't a finite number. The message
        says where to get the data and how it must look.
    """
    path = Path(path)
    hint = f"{FORMATS} {where_from}"
    if not path.is_file():
        raise UserError(f"{path}: there is no such recording. {hint}")
    reader = {".nc": _netcdf, ".csv": _csv, ".npy": _npy}.get(path.suffix)
    if reader is None:
        raise UserError(f"{path}: the ending '{path.suffix}' isn't known. {hint}")
    try:
        x = np.asarray(reader(path))
    except Exception as error:
        raise UserError(f"{path}: can't be read ({type(error).__name__}: {error}). {hint}") from None
    if x.ndim != 2 or x.dtype.kind not in "fiu":
        raise UserError(f"{path}: holds {x.dtype} of shape {x.shape}, not numbers of shape (time, dim). {hint}")
    if len(x) < fewest:
        raise UserError(f"{path}: has {len(x)} time steps; at least {fewest} are needed. {hint}")
    x = x.astype(float)
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise UserError(f"{path}: the value at time step {row}, channel {column} isn't a finite number. {hint}")
    if (np.ptp(x, axis=0) == 0).any():
        raise UserError(f"{path}: channel {int(np.argmin(np.ptp(x, axis=0)))} is constant. {hint}")
    return x


def _netcdf(path: Path):
    import xarray

    with xarray.open_dataset(path) as data:
        return data["x"].transpose("time", "dim").values


def _csv(path: Path):
    with open(path, encoding="utf-8", newline="") as handle:
        next(csv.reader(handle))
        return np.array([[float(value) for value in line] for line in csv.reader(handle) if line])


def _npy(path: Path):
    return np.load(path, allow_pickle=False)
