"""Ensembles of the signal's gradient one unit of time ahead, by the true, the learnt and the linear equation."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.forecast.probabilistic import crps_ensemble
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.driven_coulomb_fields import burgers
from studies.driven_coulomb_fields.chemotaxis.params import Params
from studies.driven_coulomb_fields.chemotaxis.simulate import as_modes, equation

MODELS = ("true", "learnt", "linear", "climatology")


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """`crps` (model, realisation), mean over points and starts.

    The learnt equation is another realisation's, and so are the climatology's states: none has seen what it forecasts.
    """
    params, whole = case.params.forecast, case.params.simulate
    modes = as_modes(whole, data["u"].sel(arm="coupled").values)
    lead = round(params.lead / whole.spacing)
    starts = lead * np.arange(params.starts)
    now, then = (np.fft.irfft(modes[:, starts + shift], whole.points) for shift in (0, lead))
    learnt = np.roll(trained["coefficient"].values, 1, axis=0)
    said = {
        "true": (whole.nu, whole.coupling),
        "learnt": (learnt[:, 0, None, None], -learnt[:, 1, None, None]),
        "linear": (whole.nu, 0.0),
    }
    found = np.full((len(MODELS), whole.realisations), np.nan)
    rng, members = case.rng("members"), params.members
    for place, model in enumerate(MODELS):
        if model in said:
            nu, coupling = said[model]
            begin = np.repeat(np.fft.rfft(now), members, 1)
            told = equation(whole) | {"nu": nu, "coupling": coupling, "steps": round(params.lead / whole.step)}
            *_, end = burgers.noisy(begin, rng, **told)
            ensemble = np.fft.irfft(end, whole.points).reshape(*now.shape[:2], members, whole.points)
        else:
            frames = rng.integers(0, modes.shape[1], members)
            other = np.roll(np.fft.irfft(modes[:, frames], whole.points), 1, axis=0)
            ensemble = np.broadcast_to(other[:, None], (*now.shape[:2], members, whole.points))
        alive = np.isfinite(ensemble).all((1, 2, 3)) & np.isfinite(then).all((1, 2))
        # mean over points, then over starts
        found[place, alive] = crps_ensemble(np.moveaxis(ensemble[alive], 2, -1), then[alive]).mean(1)
    return xr.Dataset(
        {
            "crps": labelled(
                ("model", "realisation"), found, "score of the ensemble", "(D0 length / nu)^(1/2)", nan=DIVERGED
            )
        },
        {"model": list(MODELS), "realisation": data["realisation"]},
    )
