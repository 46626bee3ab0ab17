"""Errors of the networks on clusters that they have not seen, and of forecasts that need none."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.forecast.classify import area_under_curve
from pesin.forecast.probabilistic import brier_score, gaussian_nll
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.cool_core_transformations.params import Params
from studies.cool_core_transformations.train import outlook
from studies.cool_core_transformations.windows import HORIZONS, Windows, cut

ONE_CLASS = "a test without, or with nothing but, upward transformations; or a run that diverged"


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """Root mean square error of each cluster, Brier score and area under the curve of upward transformations."""
    taught, tested = cut(case.params, data)
    names = [str(name) for name in trained["run"].values]
    weights = {name: torch.as_tensor(trained[name].values) for name in trained.data_vars if name != "loss"}
    with torch.no_grad():
        said = outlook(weights, torch.as_tensor(np.concatenate(list(tested.x))))
    clusters, windows = tested.event.shape
    mean, log_std, logit = (part.numpy().astype(float) for part in said)
    changes = np.stack([*mean, np.zeros_like(mean[0]), linear(taught, tested.x)])
    apart = changes.reshape(-1, clusters, windows, len(HORIZONS)) - tested.y
    chance = np.stack([*1 / (1 + np.exp(-logit)), np.full(clusters * windows, taught.event.mean())])
    brier, auc = np.transpose([told(one, tested.event.ravel()) for one in chance])
    truth, lost = tested.y.reshape(-1, len(HORIZONS)).T, np.full(len(HORIZONS), np.nan)
    density = [
        gaussian_nll(m.T, np.exp(s.T), truth) if np.isfinite(m).all() else lost
        for m, s in zip(mean, log_std, strict=True)
    ]
    rmse = np.sqrt((apart**2).mean(2))
    return xr.Dataset(
        {
            "rmse": labelled(("model", "test_cluster", "horizon"), rmse, "error of ln K", nan=DIVERGED),
            "density": labelled(("inputs", "horizon"), density, "negative log density", "nat", nan=DIVERGED),
            "brier": labelled("teller", brier, "Brier score of an upward transformation", nan=DIVERGED),
            "event_auc": labelled("teller", auc, "area under the curve of an upward transformation", nan=ONE_CLASS),
        },
        {
            "model": [*names, "persistence", "linear"],
            "inputs": names,
            "teller": [*names, "base_rate"],
            "horizon": list(HORIZONS),
        },
    )


def told(chance: np.ndarray, event: np.ndarray) -> tuple[float, float]:
    """Brier score and area under the curve of chances of yes/no events, shape (cases,); NaN for a run that diverged."""
    if not np.isfinite(chance).all():
        return np.nan, np.nan
    brier = float(brier_score(np.stack([1 - chance, chance], -1), event.astype(int)))
    mixed = 0 < event.sum() < event.size
    return brier, float(area_under_curve(chance[event], chance[~event])) if mixed else np.nan


def linear(taught: Windows, x: np.ndarray) -> np.ndarray:
    """Changes of ln K by least squares on the whole of what the networks with all inputs see, (cases, horizon)."""

    def columns(values):
        flat = np.concatenate(list(values)).astype(float)
        return np.c_[np.ones(len(flat)), flat.reshape(len(flat), -1)]

    fitted = np.linalg.lstsq(columns(taught.x), np.concatenate(list(taught.y)).astype(float), rcond=None)[0]
    return columns(x) @ fitted
