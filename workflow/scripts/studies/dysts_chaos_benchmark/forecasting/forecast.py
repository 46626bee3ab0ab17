"""Scores every forecaster on every system, failures counted as failures."""

import numpy as np
import xarray as xr

from pesin.forecast.horizon import valid_prediction_steps
from pesin.forecast.metrics import METRICS, all_metrics

SCORES = ("sMAPE", "MAE", "MSE", "RMSE", "MAPE", "MARRE", "R2", "CV", "MASE", "NRMSE")


def forecast(case, data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """Scores of every forecaster on every system, failures counted as failures."""
    true = data["future"].values
    paths = trained["forecast"].values[..., None]
    scores = all_metrics(true, paths, data["history"].values)
    scale = data["history"].values.std(1)
    steps = valid_prediction_steps(true, paths, scale[:, None, :])
    per_period = data.attrs["points_per_period"]
    out = xr.Dataset(
        {
            name.lower(): (
                ("forecaster", "system"),
                scores[name],
                {"units": METRICS[name].units, "long_name": name, "allow_nan": 1},
            )
            for name in SCORES
        },
        coords={"forecaster": trained["forecaster"].values, "system": data["system"].values},
    )
    for rule, values in steps.items():
        out[f"vpt_{rule}"] = (
            ("forecaster", "system"),
            values / per_period,
            {"units": "periods", "long_name": f"valid prediction time, rule {rule}"},
        )
    out["seconds"] = trained["seconds"]
    out["family"] = trained["family"]
    out["failed"] = (trained["reason"] != "").astype(np.int8).assign_attrs(units="1", long_name="the forecast failed")
    # Place among the paper's forecasters: the stronger baselines are ours, and stand beside the ranking.
    listed = np.flatnonzero(~np.isin(trained["family"].values, ["baseline"]))
    median = np.median(scores["sMAPE"][listed], axis=1)
    place = np.full(len(trained["forecaster"]), len(listed) + 1.0)
    place[listed] = 1 + np.argsort(np.argsort(median))
    out["place"] = ("forecaster", place, {"units": "1", "long_name": "place by median sMAPE in the paper's list"})
    out["places_below_second"] = (
        "forecaster",
        np.maximum(place - 2, 0),
        {"units": "1", "long_name": "places below the second"},
    )
    return out
