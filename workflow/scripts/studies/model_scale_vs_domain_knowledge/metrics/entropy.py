"""The metrics of all forecasts, and the information that forecasts keep about the truth along the lead."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.forecast.metrics import METRICS, all_metrics, mutual_information
from pesin.stats.fits import fit_line
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.model_scale_vs_domain_knowledge.metrics.params import Params
from studies.model_scale_vs_domain_knowledge.predictions import by_system, together

LOST = "infinite: a forecast that failed, or a true value of 0 to divide by"
NO_LOSS = "fewer than three periods above twice the floor, or no positive Pesin entropy"


def entropy(case: Case[Params], data: xr.Dataset, predicted: list[xr.Dataset], spectra: xr.Dataset) -> xr.Dataset:
    """Scores of all runs under all metrics over the short lead, and mutual information in each period of the long."""
    p = case.params.entropy
    made = together(predicted)
    models = [model for model in p.information_models if model in made.model.values]
    scores = [
        np.stack(list(all_metrics(future[: p.lead], forecast[:, : p.lead], history).values()))
        for _, history, future, forecast in by_system(data, made)
    ]
    information, floor = _information(data, made, models)
    rate = (spectra.pesin_entropy * spectra.period).sel(system=made.system.values).values
    loss = _loss(information, floor.mean(-1, keepdims=True)) / np.where(rate > 0, rate, np.nan)
    runs, over, said = ("metric", "run", "system"), ("information_model", "system"), "mutual information of"
    return xr.Dataset(
        {
            "score": labelled(runs, np.stack(scores, -1), "score, in the unit of each metric", nan=LOST),
            "information": labelled((*over, "window"), information, f"{said} forecast and truth in a period", "nat"),
            "information_floor": labelled(
                ("system", "window"), floor, f"{said} the truth and a later stretch of it", "nat"
            ),
            "information_loss": labelled(
                over,
                loss,
                "information lost in a period over the Pesin entropy of a period",
                nan=NO_LOSS,
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
            "window": np.arange(information.shape[-1]) + 0.5,
        },
    )


def _information(data, made: xr.Dataset, models: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Mutual information in each period [nat] of truth and forecast, and of the truth and a later stretch of itself.

    Returns
    -------
    (ndarray, ndarray), shapes (model, system, period) and (system, period)
        The first run of each model.
    """
    period = int(data.attrs["points_per_period"])
    first = [int(np.flatnonzero(made.model.values == model)[0]) for model in models]
    windows = made.sizes["lead"] // period

    def cut(x):
        return x[..., : windows * period, :].reshape(*x.shape[:-2], windows, period, x.shape[-1])

    information, floor = [], []
    for _, _, future, forecast in by_system(data, made):
        true = cut(future)
        information.append(mutual_information(true, cut(forecast[first])))
        floor.append(mutual_information(true, np.roll(true, windows // 2, axis=0)))
    return np.stack(information, 1), np.stack(floor)


def _loss(information: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Fall of I [nat per period] while it stays above twice its floor; NaN for fewer than three periods."""
    out = np.full(information.shape[:-1], np.nan)
    for index in np.ndindex(out.shape):
        above = information[index] > 2 * floor[index[-1]]
        count = int(np.cumprod(above).sum())
        if count >= 3:
            out[index] = -fit_line(np.arange(count), information[index][:count])[0]
    return out
