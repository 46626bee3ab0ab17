"""Predictions of several cases in one, beside the truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr


def together(parts: list[xr.Dataset]) -> xr.Dataset:
    """All runs on the longest history along one dimension."""
    return xr.concat([part.isel(length=0, drop=True) for part in parts], "run", data_vars="all")


def by_system(data: xr.Dataset, made: xr.Dataset) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """For each system forecast: its name, history (time, dim), whole future (lead, dim), forecasts (..., lead, dim)."""
    for name in made.system.values:
        one = data.sel(system=name)
        dim = int(one.dim)
        forecast = made.forecast.sel(system=name).values[..., :dim].astype(float)
        yield str(name), one.history.values[:, :dim], one.future.values[:, :dim], forecast


def by_model(values: np.ndarray, run_model: np.ndarray, models: list[str]) -> np.ndarray:
    """Median over the seeds of each model: (run, ...) -> (model, ...)."""
    return np.stack([np.median(values[run_model == model], axis=0) for model in models])
