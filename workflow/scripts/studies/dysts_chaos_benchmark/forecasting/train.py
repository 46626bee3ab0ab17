"""Fits every forecaster to every system and foretells what this step can't see."""

import inspect

import numpy as np
import xarray as xr

from pesin.forecasters.tuning import check_knobs, tuned_forecasts
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import labelled
from pesin.steps.plugin import load
from studies.dysts_chaos_benchmark.forecasting.params import Params


def train(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Tune each forecaster on one series of each system, fit it to another, and foretell what the step can't see."""
    p, future, noise = case.params.train, case.params.simulate.future_points, case.rng("noise")
    wanted, modules = p.forecasters, [load(entry.file) for entry in p.forecasters]
    for entry, module in zip(wanted, modules, strict=True):
        check_knobs(module, entry.grid, entry.fixed)  # before the first fit
    tune, history = (_noisy(data[name].values, p.noise, noise) for name in ("tune", "history"))
    seen, checkpoint = Seen(), case.checkpoint("forecasters")
    done, saved = checkpoint.load()
    seen.restore(saved)
    for place in checkpoint.over(case.progress(range(done, len(wanted))), seen.arrays):
        entry, module = wanted[place], modules[place]
        found = tuned_forecasts(
            module,
            tune,
            history,
            future,
            period=data.attrs["points_per_period"],
            rng=case.rng(module.NAME),
            grid=entry.grid,
            fixed=entry.fixed | _cut(module, entry.fixed, p.updates),
            device=case.device,
        )
        path = np.where(np.isfinite(found.forecast), found.forecast, np.nan)[..., 0]
        seen.add({"path": path, "seconds": found.seconds_fit, "reason": found.reason.astype(str)})
    all_found = seen.arrays()
    over, family = ("forecaster", "system"), [module.FAMILY for module in modules]
    return xr.Dataset(
        {
            "forecast": labelled(
                (*over, "lead"), all_found["path"], "forecast", "model unit", nan="a forecast that failed"
            ),
            "seconds": labelled(over, all_found["seconds"], "wall time of the last fit", "s", role="timing"),
            "reason": labelled(over, all_found["reason"], "why it failed"),
            "family": labelled("forecaster", family, "family of the forecaster"),
        },
        {"forecaster": [module.NAME for module in modules], "system": data["system"].values},
    )


def _noisy(x: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Series (system, time, coord) with noise of so many of their own standard deviations."""
    return x + noise * x.std(1, keepdims=True) * rng.standard_normal(x.shape)


def _cut(module, fixed: dict, updates: float) -> dict:
    """The knob `steps` of a network that takes only a share of its updates; nothing for the others."""
    steps = inspect.signature(module.fit).parameters.get("steps")
    if updates == 1 or steps is None:
        return {}
    return {"steps": int(updates * fixed.get("steps", steps.default))}
