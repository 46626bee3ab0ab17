"""Scores every forecaster on every system, failures counted as failures."""

import numpy as np
import xarray as xr

from pesin.forecast.horizon import valid_prediction_steps
from pesin.forecast.metrics import METRICS, all_metrics
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dysts_chaos_benchmark.forecasting.params import Params

SCORES = ("sMAPE", "MAE", "MSE", "RMSE", "MAPE", "MARRE", "R2", "CV", "MASE", "NRMSE")
UNITS = {"data": "model unit", "data2": "square of the model unit"}


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """Scores of every forecaster on every system, failures counted as failures."""
    true = data["future"].values
    paths = trained["forecast"].values[..., None]
    scores = all_metrics(true, paths, data["history"].values)
    scale = data["history"].values.std(1)
    steps = valid_prediction_steps(true, paths, scale[:, None, :])
    per_period = data.attrs["points_per_period"]
    over, lost = ("forecaster", "system"), "infinite: a forecast that failed, or a true value of 0 to divide by"
    variables = {
        name.lower(): labelled(
            over,
            scores[name],
            name,
            UNITS.get(METRICS[name].units, METRICS[name].units),
            nan="" if np.isfinite(METRICS[name].worst) else lost,
        )
        for name in SCORES
    }
    for rule, values in steps.items():
        variables[f"vpt_{rule}"] = labelled(
            over, values / per_period, f"valid prediction time, rule {rule.replace('_', ' ')}", "periods"
        )
    failed = (trained["reason"].values != "").astype(np.int8)
    place = _places(scores["sMAPE"], trained["family"].values)
    return xr.Dataset(
        variables
        | {
            "seconds": trained["seconds"],
            "family": trained["family"],
            "failed": labelled(over, failed, "the forecast failed"),
            "place": labelled("forecaster", place, "place by median sMAPE in the paper's list"),
            "places_below_second": labelled("forecaster", np.maximum(place - 2, 0), "places below the second"),
        },
        {"forecaster": trained["forecaster"].values, "system": data["system"].values},
    )


def _places(smape: np.ndarray, family: np.ndarray) -> np.ndarray:
    """Place of each forecaster by its median over systems, among those of the paper.

    The stronger baselines are ours, and stand beside the ranking: their place is the one after the last.
    """
    listed = np.flatnonzero(family != "baseline")
    place = np.full(len(family), len(listed) + 1.0)
    place[listed] = 1 + np.argsort(np.argsort(np.median(smape[listed], axis=1)))
    return place
