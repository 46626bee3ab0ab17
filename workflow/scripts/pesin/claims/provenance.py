"""Reads where a result comes from: the attributes of its NetCDF file, without its numbers."""

from __future__ import annotations

from pathlib import Path


def attributes(path: Path) -> dict:
    """Global attributes of a NetCDF file; {} if it is missing or can't be read."""
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            return {name: file.getncattr(name) for name in file.ncattrs()}
    except OSError:
        return {}
