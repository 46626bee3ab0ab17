"""ChaosBench's archive of real data: what its daily files must look like, and how many frames they hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from pesin.errors import UserError

VARIABLES = ("z", "q", "t", "u", "v", "w")
LEVELS = (10, 50, 100, 200, 300, 500, 700, 850, 925, 1000)
GRID = (121, 240)
WHERE = "ERA5 as ChaosBench has it: the data set LEAP/ChaosBench of huggingface.co, folder data/era5, as NetCDF."


def count_frames(folder: str) -> int:
    """Days x variables x levels in a folder of NetCDF files, one or more days each.

    Raises
    ------
    UserError
        If the folder has none, or a file isn't of the archive's shape: (time, param, level, lat, lon).
    """
    files = sorted(Path(folder).glob("**/*.nc"))
    if not files:
        raise UserError(f"{folder} (simulate.archive) has no NetCDF files. It takes {WHERE}")
    return sum(days(path) for path in files) * len(VARIABLES) * len(LEVELS)


def days(path: Path) -> int:
    """Days in one file, after its shape has been checked."""
    with xr.open_dataset(path) as data:
        if len(data.data_vars) != 1:
            raise UserError(f"{path} must hold one variable, it holds {sorted(map(str, data.data_vars))}. {WHERE}")
        (field,) = data.data_vars.values()
        wanted = {"param": len(VARIABLES), "level": len(LEVELS), "lat": GRID[0], "lon": GRID[1]}
        found = {str(name): size for name, size in field.sizes.items() if name != "time"}
        if found != wanted:
            raise UserError(f"{path} must have the dimensions {wanted} beside time, it has {found}. {WHERE}")
        if "level" in field.coords and not np.array_equal(np.sort(field["level"]), LEVELS):
            raise UserError(f"{path}: the levels must be {LEVELS} hPa, they are {field['level'].values.tolist()}.")
        return int(field.sizes.get("time", 1))
