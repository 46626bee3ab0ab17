"""Fits every forecaster to every system and foretells what this step can't see."""

import numpy as np
import xarray as xr

from pesin.forecasters.tuning import tuned_forecasts
from pesin.steps.checkpoint import Seen
from pesin.steps.plugin import load


def train(case, data: xr.Dataset) -> xr.Dataset:
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
    return xr.Dataset(
        {
            "forecast": (
                ("forecaster", "system", "lead"),
                all_found["path"],
                {"units": "units of the model", "long_name": "forecast", "allow_nan": 1},
            ),
            "seconds": (
                ("forecaster", "system"),
                all_found["seconds"],
                {"units": "s", "long_name": "wall time of the last fit", "role": "timing"},
            ),
            "reason": (("forecaster", "system"), all_found["reason"], {"units": "1", "long_name": "why it failed"}),
            "family": (
                "forecaster",
                [module.FAMILY for module in modules],
                {"units": "1", "long_name": "family of the forecaster"},
            ),
        },
        coords={"forecaster": [module.NAME for module in modules], "system": data["system"].values},
    )
