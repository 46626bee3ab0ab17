"""The closed form of the test loss against fresh inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lazy_to_rich_grokking.moments import form, outputs, with_one
from studies.lazy_to_rich_grokking.quadratic.params import Params
from studies.lazy_to_rich_grokking.quadratic.simulate import drawn, target
from studies.lazy_to_rich_grokking.quadratic.train import STOPPED


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """`monte_carlo`, `standard_error` (seed, time): the test loss on fresh inputs; `misfit` (seed), in standard errors.

    The misfit is the largest over the times of a seed.
    """
    base = trained.sel(setting="base")
    setting, params = case.params.train.settings["base"], case.params.forecast
    c = form(base["moments"].values, setting.alpha, setting.epsilon)
    exact = base["parts"].sum("part", skipna=False).values
    mean, error = np.full((2, *exact.shape), np.nan)
    rng = case.rng("inputs")
    for seed, time in case.progress(np.argwhere(np.isfinite(exact))):
        x = drawn(rng, params.points, data.sizes["dim"])
        if params.inputs == "elliptical":
            x *= 2**0.5 * rng.integers(2, size=(params.points, 1))
        squares = (outputs(c[seed, time], with_one(x)) - target(x, data["beta"].values[seed])) ** 2
        mean[seed, time], error[seed, time] = squares.mean(), squares.std() / params.points**0.5
    dims = ("seed", "time")
    return xr.Dataset(
        {
            "monte_carlo": labelled(dims, mean, "test loss on fresh inputs", nan=STOPPED),
            "standard_error": labelled(dims, error, "standard error of the test loss", nan=STOPPED),
            "misfit": labelled(
                "seed", np.nanmax(abs(mean - exact) / error, -1), "largest misfit of the test loss, in standard errors"
            ),
        },
        {"seed": base["seed"].values, "time": base["time"].values},
    )
