"""Fits every forecaster to every system and foretells what this step can't see."""

import numpy as np
import xarray as xr

from pesin.forecasters.tuning import tuned_forecasts
from pesin.steps.plugin import load


def train(case, data: xr.Dataset) -> xr.Dataset:
    """Tune each forecaster on one series of each system, fit it to another, and foretell what the step can't see."""
    wanted, future = case.params.train.forecasters, case.params.simulate.future_points
    tune, history = data["tune"].values, data["history"].values
    names, paths, seconds, reasons, families = [], [], [], [], []
    for entry in case.progress(wanted):
        module = load(entry.file)
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
        paths.append(np.where(np.isfinite(found.forecast), found.forecast, np.nan)[..., 0])
        seconds.append(found.seconds_fit)
        reasons.append(found.reason)
        families.append(module.FAMILY)
        names.append(module.NAME)
    return xr.Dataset(
        {
            "forecast": (
                ("forecaster", "system", "lead"),
                np.array(paths),
                {"units": "units of the model", "long_name": "forecast", "allow_nan": 1},
            ),
            "seconds": (
                ("forecaster", "system"),
                np.array(seconds),
                {"units": "s", "long_name": "wall time of the last fit", "role": "timing"},
            ),
            "reason": (("forecaster", "system"), np.array(reasons), {"units": "1", "long_name": "why it failed"}),
            "family": ("forecaster", families, {"units": "1", "long_name": "family of the forecaster"}),
        },
        coords={"forecaster": names, "system": data["system"].values},
    )
