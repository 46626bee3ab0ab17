"""The metrics of all forecasts, and the information that forecasts keep about the truth along the lead."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.forecast.metrics import METRICS, all_metrics, mutual_information
from pesin.stats.fits import fit_line
from studies.model_scale_vs_domain_knowledge.predictions import by_system, together


def entropy(
    case,
    data,
    classical=None,
    regression=None,
    feedforward=None,
    sequence=None,
    hybrid=None,
    baseline=None,
    spectra=None,
) -> xr.Dataset:
    """Scores of all runs under all metrics over the short lead, and mutual information in each period of the long."""
    p = case.params.entropy
    made = together(classical, regression, feedforward, sequence, hybrid, baseline)
    period = int(data.attrs["points_per_period"])
    models = [model for model in p.information_models if model in made.model.values]
    first = [int(np.flatnonzero(made.model.values == model)[0]) for model in models]
    windows = made.sizes["lead"] // period
    scores, information, floor = [], [], []
    for _, history, future, forecast in by_system(data, made):
        found = all_metrics(future[: p.lead], forecast[:, : p.lead], history)
        scores.append([found[name] for name in METRICS])

        def cut(x):
            return x[..., : windows * period, :].reshape(*x.shape[:-2], windows, period, x.shape[-1])

        true = cut(future)
        information.append(mutual_information(true, cut(forecast[first])))
        floor.append(mutual_information(true, np.roll(true, windows // 2, axis=0)))
    nats = {"units": "nat"}
    information, floor = np.stack(information, 1), np.stack(floor)
    result = xr.Dataset(
        {
            "score": (
                ("metric", "run", "system"),
                np.stack(scores, -1),
                {"units": "1", "long_name": "score, in the unit of each metric", "allow_nan": 1},
            ),
            "information": (
                ("information_model", "system", "window"),
                information,
                nats | {"long_name": "mutual information of forecast and truth in a period"},
            ),
            "information_floor": (
                ("system", "window"),
                floor,
                nats | {"long_name": "mutual information of the truth and a later stretch of it"},
            ),
        },
        {
            "metric": list(METRICS),
            "sign": ("metric", [1 if m.better == "lower" else -1 for m in METRICS.values()]),
            "metric_units": ("metric", [m.units for m in METRICS.values()]),
            "system": made.system,
            "model": made.model,
            "family": made.family,
            "seed": made.seed,
            "information_model": models,
            "window": np.arange(windows) + 0.5,
        },
    )
    rate = (spectra.pesin_entropy * spectra.period).sel(system=made.system.values).values
    result["information_loss"] = (
        ("information_model", "system"),
        _loss(information, floor.mean(-1, keepdims=True)) / np.where(rate > 0, rate, np.nan),
        {"units": "1", "long_name": "information lost in a period over the Pesin entropy of a period", "allow_nan": 1},
    )
    return result


def _loss(information: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Fall of I [nat per period] while it stays above twice its floor; NaN for fewer than three periods."""
    out = np.full(information.shape[:-1], np.nan)
    for index in np.ndindex(out.shape):
        above = information[index] > 2 * floor[index[-1]]
        count = int(np.cumprod(above).sum())
        if count >= 3:
            out[index] = -fit_line(np.arange(count), information[index][:count])[0]
    return out
