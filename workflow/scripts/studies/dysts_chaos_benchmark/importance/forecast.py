"""Scores the forecasts of all arms."""

import xarray as xr

from pesin.forecast.metrics import nrmse, smape
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.dysts_chaos_benchmark.importance.params import Params


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """Errors of each system, averaged over its futures; a forecast that blew up scores 200."""
    truth, prediction = data.future.values[..., None], trained.prediction.values[..., None]
    dims = ("arm", "system")
    return xr.Dataset(
        {
            "smape": labelled(dims, smape(truth, prediction).mean(-1), "sMAPE", "%"),
            "nrmse": labelled(
                dims, nrmse(truth, prediction).mean(-1), "root-mean-square error over deviation", nan=DIVERGED
            ),
            "backtest_error": trained.backtest_error,
            "updates": trained.updates,
        },
        {"arm": trained.arm.values, "system": trained.system.values},
    )
