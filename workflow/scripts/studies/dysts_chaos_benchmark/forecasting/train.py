"""Fits every forecaster to every system and foretells what this step can't see."""

import numpy as np
import xarray as xr

from pesin.forecasters.tuning import tuned_forecasts
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import labelled
from pesin.steps.plugin import load
from studies.dysts_chaos_benchmark.forecasting.params import Params


def train(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Tune each forecaster on one series of each system, fit it to another, and foretell what the step can't see."""
    wanted, future = case.params.train.forecasters, case.params.simulate.future_points
    tune, history = data["tune"].values, data["history"].values
    modules, seen, checkpoint = [load(entry.file) for entry in wanted], Seen(), case.checkpoint("forecasters")
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
            fixed=entry.fixed,
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
