"""Fits every forecaster to every history and writes what it predicts; the future is not among the data here."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.forecasters.tuning import check_knobs, tuned_forecasts
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.steps.plugin import load
from studies.model_scale_vs_domain_knowledge.forecasts.params import Params


def train(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Forecasts of all runs (a forecaster and a seed), history lengths and systems."""
    p = case.params.train
    known = p.systems or data.system.values[~data.failed.values]
    data = data.sel(system=[name for name in known if name not in p.without])
    forecasters = [(spec, load(spec.file)) for spec in p.forecasters]
    for spec, module in forecasters:
        check_knobs(module, spec.grid, spec.fixed)  # before the first fit
    runs = [(module.NAME, module.FAMILY, seed) for spec, module in forecasters for seed in range(spec.seeds)]
    grown = _grown(case, data, forecasters, (len(runs), len(p.lengths), data.sizes["system"]))
    over = ("run", "length", "system")
    return xr.Dataset(
        {
            "forecast": labelled(
                (*over, "lead", "coord"),
                grown["forecast"],
                "forecast",
                "model unit",
                nan="beyond a system's coordinates, or a forecast that failed",
            ),
            "reason": labelled(over, grown["reason"], "why a forecast failed; empty if it did not"),
            "knobs": labelled(over, grown["knobs"], "knobs chosen on the orbit for tuning"),
            "seconds_fit": labelled(
                over, grown["fit"], "wall time of the last fit, for each series of a batch", "s", role="timing"
            ),
            "seconds_total": labelled(
                over, grown["total"], "wall time with tuning and forecasting", "s", role="timing"
            ),
        },
        {
            "system": data.system.values,
            "length": p.lengths,
            "model": ("run", [name for name, _, _ in runs]),
            "family": ("run", [family for _, family, _ in runs]),
            "seed": ("run", [seed for _, _, seed in runs]),
        },
    )


def _grown(
    case: Case[Params], data: xr.Dataset, forecasters: list, shape: tuple[int, int, int]
) -> dict[str, np.ndarray]:
    """Fit one forecaster to one length of history after another, going on from the checkpoint.

    Parameters
    ----------
    forecasters
        (specification, module) of each.
    shape
        (run, length, system).

    Returns
    -------
    dict
        forecast (run, length, system, lead, coord); reason, knobs, fit and total, both in seconds, of that shape.
    """
    p, dims = case.params.train, data.dim.values
    grown = {
        "forecast": np.full((*shape, p.steps, dims.max()), np.nan, np.float32),
        "reason": np.full(shape, "", object),
        "knobs": np.full(shape, "", object),
        "fit": np.zeros(shape),
        "total": np.zeros(shape),
    }
    checkpoint = case.checkpoint("forecasters")
    done, saved = checkpoint.load()
    for name, values in saved.items():
        grown[name][:] = values

    def state() -> dict[str, np.ndarray]:
        return {name: values.astype(str) if values.dtype == object else values for name, values in grown.items()}

    turns = case.progress(range(done, len(forecasters) * len(p.lengths)))
    for turn in checkpoint.over(turns, state):
        place, j = divmod(turn, len(p.lengths))
        first = sum(before.seeds for before, _ in forecasters[:place])
        for dim in np.unique(dims):
            _forecasts(case, data, forecasters[place], first, j, int(dim), grown)
    return grown


def _forecasts(
    case: Case[Params], data, forecaster, first: int, j: int, dim: int, grown: dict[str, np.ndarray]
) -> None:
    """Fit a forecaster to the j-th length of history of all systems of `dim` coordinates; its runs begin at `first`."""
    p, (spec, module) = case.params.train, forecaster
    members, length = np.flatnonzero(data.dim.values == dim), p.lengths[j]
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
    by_seed, where = (spec.seeds, len(members)), (slice(first, first + spec.seeds), j, members)
    grown["forecast"][*where, :, :dim] = found.forecast.reshape(*by_seed, p.steps, dim)
    grown["reason"][where] = found.reason.reshape(by_seed)
    grown["fit"][where] = found.seconds_fit.reshape(by_seed) / spec.share_of_updates
    grown["total"][where] = found.seconds_total / len(found.failed)
    for knob, values in found.chosen.items():
        grown["knobs"][where] += np.array([f"{knob}={value} " for value in values], object).reshape(by_seed)


def _within(grid: dict, length: int) -> dict:
    """The grid without lags that take more than half of the history; at least the smallest value of a knob stays."""
    kept = {knob: [v for v in values if isinstance(v, str) or v <= length / 2] for knob, values in grid.items()}
    return {knob: values or [min(grid[knob])] for knob, values in kept.items()}
