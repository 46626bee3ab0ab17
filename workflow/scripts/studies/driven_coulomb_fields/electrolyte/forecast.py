"""Held-out modes ahead of time by the fitted drift, against the exact conditional mean and the equilibrium's drift."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.linalg import expm

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.driven_coulomb_fields.electrolyte.params import Params
from studies.driven_coulomb_fields.electrolyte.train import learnt
from studies.driven_coulomb_fields.theory import relaxation

MODELS = ("exact", "fit", "equilibrium", "mean")


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """`error` (model, lead, run, field): root mean square over modes and frames, over that of the field itself.

    The mean of an Ornstein-Uhlenbeck process given its state is exp(-K t) times it: nothing does better than that.
    """
    params, fields = case.params, data["field"].values
    held = slice(learnt(data).stop, None)
    vectors = data["followed_vector"].values[held]
    x = np.moveaxis(np.stack([data["rho"].values, data["ic"].values], -1)[..., held, :], 3, 0).astype(float)
    fit = trained["fitted"]
    rates = {
        "exact": relaxation(vectors, fields)[None],
        "fit": fitted(vectors, *(fit.sel(parameter=name).values[..., None] for name in ("v", "D", "kappa2"))),
        "equilibrium": relaxation(vectors, 0 * fields)[None],
    }
    size = np.sqrt((x**2).mean((0, 1, -2, -1)))
    error = np.empty((len(MODELS), len(params.forecast.leads), *size.shape))
    for row, lead in enumerate(params.forecast.leads):
        for place, model in enumerate(MODELS):
            ahead = expm(-rates[model] * lead * params.simulate.between) if model in rates else np.zeros((2, 2))
            left = x[lead:] - np.einsum("...ij,...j->...i", ahead, x[:-lead])
            error[place, row] = np.sqrt((left**2).mean((0, 1, -2, -1))) / size
    leads = params.simulate.between * np.array(params.forecast.leads)
    return xr.Dataset(
        {"error": labelled(("model", "lead", "run", "field"), error, "error of the forecast over the field's size")},
        {"model": list(MODELS), "lead": leads, "run": data["run"], "field": fields},
    )


def fitted(vectors: np.ndarray, v, d, kappa2) -> np.ndarray:
    """K of each mode by fitted numbers of shape (..., 1): shape (..., modes, 2, 2)."""
    k2, drive = (vectors**2).sum(-1), v * vectors[:, 0]
    return np.stack([np.stack([d * (k2 + kappa2), drive], -1), np.stack([-drive, d * k2 + 0 * drive], -1)], -2)
