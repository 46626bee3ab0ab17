"""Fits every forecaster to every history and writes what it predicts; the future is not among the data here."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.forecasters.tuning import tuned_forecasts
from pesin.steps.plugin import load


def train(case, data: xr.Dataset) -> xr.Dataset:
    """Forecasts of all runs (a forecaster and a seed), history lengths and systems."""
    p = case.params.train
    data = data.sel(system=p.systems or data.system.values[~data.failed.values])
    dims = data.dim.values
    forecasters = [(spec, load(spec.file)) for spec in p.forecasters]
    runs = [(module.NAME, module.FAMILY, seed) for spec, module in forecasters for seed in range(spec.seeds)]
    shape = (len(runs), len(p.lengths), len(dims))
    forecast = np.full((*shape, p.steps, dims.max()), np.nan, np.float32)
    reason, knobs = np.full(shape, "", object), np.full(shape, "", object)
    fit, total = np.zeros(shape), np.zeros(shape)
    checkpoint = case.checkpoint("forecasters")
    done, saved = checkpoint.load()
    grown = {"forecast": forecast, "reason": reason, "knobs": knobs, "fit": fit, "total": total}
    for name, values in saved.items():
        grown[name][:] = values

    def state() -> dict[str, np.ndarray]:
        return {name: values.astype(str) if values.dtype == object else values for name, values in grown.items()}

    turns = case.progress(range(done, len(forecasters) * len(p.lengths)))
    for turn in checkpoint.over(turns, state):
        place, j = divmod(turn, len(p.lengths))
        (spec, module), length = forecasters[place], p.lengths[j]
        first = sum(before.seeds for before, _ in forecasters[:place])
        mine = slice(first, first + spec.seeds)
        for dim in np.unique(dims):
            members = np.flatnonzero(dims == dim)
            tune, history = (data[name].values[members, :, :dim] for name in ("tune", "history"))
            found = tuned_forecasts(
                module,
                np.tile(tune, (spec.seeds, 1, 1)),
                np.tile(history[:, -length:], (spec.seeds, 1, 1)),
                p.steps,
                period=float(data.attrs["points_per_period"]),
                rng=case.rng(f"{module.NAME}/{length}/{dim}"),
                grid=_within(spec.grid, length),
                fixed=spec.fixed,
                device=case.device,
            )
            by_seed = (spec.seeds, len(members))
            where = (mine, j, members)
            forecast[*where, :, :dim] = found.forecast.reshape(*by_seed, p.steps, dim)
            reason[where] = found.reason.reshape(by_seed)
            fit[where] = found.seconds_fit.reshape(by_seed) / spec.share_of_updates
            total[where] = found.seconds_total / len(found.failed)
            for knob, values in found.chosen.items():
                knobs[where] += np.array([f"{knob}={value} " for value in values], object).reshape(by_seed)
    over, clock = ("run", "length", "system"), {"units": "s", "role": "timing"}
    said = {"units": "model units", "long_name": "forecast", "allow_nan": 1}
    return xr.Dataset(
        {
            "forecast": ((*over, "lead", "coord"), forecast, said),
            "reason": (over, reason, {"units": "1", "long_name": "why a forecast failed; empty if it did not"}),
            "knobs": (over, knobs, {"units": "1", "long_name": "knobs chosen on the orbit for tuning"}),
            "seconds_fit": (over, fit, clock | {"long_name": "wall time of the last fit, for each series of a batch"}),
            "seconds_total": (over, total, clock | {"long_name": "wall time with tuning and forecasting"}),
        },
        {
            "system": data.system.values,
            "length": p.lengths,
            "model": ("run", [name for name, _, _ in runs]),
            "family": ("run", [family for _, family, _ in runs]),
            "seed": ("run", [seed for _, _, seed in runs]),
        },
    )


def _within(grid: dict, length: int) -> dict:
    """The grid without lags that take more than half of the history; at least the smallest value of a knob stays."""
    kept = {knob: [v for v in values if isinstance(v, str) or v <= length / 2] for knob, values in grid.items()}
    return {knob: values or [min(grid[knob])] for knob, values in kept.items()}
