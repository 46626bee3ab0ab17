"""How far ahead do the trained models see? Error after some steps, and valid prediction time, on the test orbit."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from pesin.forecast.horizon import prediction_error, valid_prediction_time
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.generalized_teacher_forcing.reconstruction.models import NO_EXPONENT, by_method, choose_alpha, forecasters
from studies.generalized_teacher_forcing.reconstruction.params import Forecast, Params, Parts

CEILING = 100.0  # squared standard deviations: what a diverged forecast counts


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Score every model from the noise-free test orbit, in steps of the training data."""
    asked = case.params.forecast
    assert asked is not None  # a case with this step has its section
    levels = [_noise_level(asked, data, trained, level) for level in range(data.sizes["noise"])]
    return xr.concat(levels, dim="noise").assign_coords(noise=data.noise)


def _noise_level(p: Forecast, data, trained, level) -> xr.Dataset:
    test, dt, seeds = data.test.values, float(data.dt), data.seed.values
    forcings, alphas = list(trained.forcing.values.astype(str)), trained.alpha.values
    errors, horizons = {}, {}
    near = np.arange(p.warm_up, len(test) - p.lead, p.stride)
    far = np.linspace(p.warm_up, len(test) - p.horizon - 1, p.starts).astype(int)
    for name, run in forecasters(trained, level, dt).items():
        true, predicted = _both(run, test, near, p.warm_up, p.lead)
        errors[name] = prediction_error(true, predicted, CEILING)[:, -1]
        true, predicted = _both(run, test, far, p.warm_up, p.horizon)
        horizons[name] = np.median(valid_prediction_time(true, predicted, test.std(0), dt), axis=-1)
    n = len(alphas) * len(seeds)
    swept = errors["shplrnn"][:n].reshape(len(alphas), -1)
    chosen, parts = choose_alpha(swept, alphas), Parts()
    by_error, by_horizon = (by_method(forcings, s, chosen, parts) for s in (errors, horizons))
    squared = f"squared error {p.lead} steps ahead, in variances"
    time = partial(
        labelled, name="median valid prediction time (0.4 standard deviations)", units=data.dt.attrs["units"]
    )
    exponent = float(data.lyapunov_true)
    exponent = exponent if exponent > 0 else np.nan
    method_horizon = np.stack(list(by_horizon.values()))
    return xr.Dataset(
        {
            "prediction_error": labelled(("alpha", "seed"), swept, squared),
            "valid_prediction_time": time(("alpha", "seed"), horizons["shplrnn"][:n].reshape(swept.shape)),
            "method_prediction_error": labelled(("method", "seed"), np.stack(list(by_error.values())), squared),
            "method_valid_prediction_time": time(("method", "seed"), method_horizon),
            "method_lyapunov_times": labelled(
                ("method", "seed"),
                method_horizon * exponent,
                "median valid prediction time",
                "Lyapunov times",
                nan=NO_EXPONENT,
            ),
        },
        {"alpha": alphas, "seed": seeds, "method": list(by_error)},
    )


def _both(run, test, starts, warm_up, steps):
    """True continuation and forecast of each start; the history ends at the start."""
    history = np.stack([test[s - warm_up + 1 : s + 1] for s in starts])
    true = np.stack([test[s + 1 : s + 1 + steps] for s in starts])
    return true, run(history, steps)
