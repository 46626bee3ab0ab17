"""Fits of all models, their scores on what was fitted and on the radii that were not, and the dwarfs' star counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.darkexp_halos.fits import dwarfs, rotation
from studies.darkexp_halos.fits.params import Params

GOOD = 2.0
"""Reduced chi^2 of a fit."""
PREDICTED = ("darkexp", "nfw", "nfw_tied", "burkert", "no_halo", "soliton")
COLUMNS = ("rad", "v_obs", "v_err", "v_gas", "v_disk")


def forecast(case: Case[Params], data: Any, halos: xr.Dataset) -> xr.Dataset:
    """Scores (model, galaxy), also of those with cores (model, core) and NFW (model, cusp); of dwarfs (dwarf)."""
    params, flat = case.params.forecast, case.params.forecast.halo == "isothermal"
    galaxies = data["galaxies"].to_dataset().sel(world=params.world)
    known = {name: galaxies[name].transpose("galaxy", "radius").values for name in COLUMNS}
    measured = galaxies.measured.transpose("galaxy", "radius").values.astype(bool)
    every = rotation.models(halos, params.shapes, flat)
    every["soliton"], boson = best_soliton(params, known, measured)
    chosen = parts(measured, params.inner)
    fits = {name: fitted(model, known, measured, params) for name, model in every.items()}
    held = [[held_out(every[name], known, chosen, way, params) for way in (0, 1)] for name in PREDICTED]
    free = np.array([model.free for model in every.values()])[:, None]
    number, chi2 = measured.sum(1), np.array([one.chi2 for one in fits.values()])
    reduced, bic = chi2 / (number - free), chi2 + free * np.log(number)
    stars, field = data["dwarfs/projected"].values, case.params.simulate.field
    counts = dwarfs.scores(stars, dwarfs.table(halos, flat), params.dwarf_shapes, dwarfs.edges(field))
    cored = galaxies.cored.values.astype(bool)
    dims, theta = ("model", "galaxy"), fits["darkexp"].theta
    found = {
        "reduced": labelled(dims, reduced, "reduced chi^2"),
        "fits": labelled(dims, (reduced < GOOD).astype(int), "whether reduced chi^2 is below 2", may_be_constant=1),
        "bic": labelled(dims, bic, "BIC"),
        "speed": labelled((*dims, "radius"), [one.speed for one in fits.values()], "fitted speed", "km/s"),
        "held_out": labelled(("rival", "way", "galaxy"), held, "error at radii not fitted", "error of V"),
        "reduced_core": labelled(("model", "core"), reduced[:, cored], "reduced chi^2"),
        "bic_core": labelled(("model", "core"), bic[:, cored], "BIC"),
        "reduced_cusp": labelled(("model", "cusp"), reduced[:, ~cored], "reduced chi^2"),
        "prefers_nfw": labelled(
            "cusp", (bic[1] < bic[0])[~cored].astype(int), "whether BIC prefers NFW to DARKexp", may_be_constant=1
        ),
        "shape": labelled("galaxy", theta[:, 0], "phi0 of the best fit", may_be_constant=1),
        "boson": labelled((), boson, "boson mass", "1e-22 eV", may_be_constant=1),
    }
    for name, values in counts.items():
        found[f"dwarf_{name}"] = labelled("dwarf", values, SAID[name], may_be_constant=1)
    return xr.Dataset(found, {"model": list(every), "rival": list(PREDICTED), "way": ["outwards", "inwards"]})


SAID = {
    "reduced": "reduced deviance of star counts",
    "best": "deviance of star counts, best shape",
    "cuspy": "deviance of star counts, phi0 = 5",
    "shape": "phi0 of the best fit",
    "scale": "half-mass radius over Plummer scale",
}


def fitted(model: rotation.Halo, known: dict, used: np.ndarray, params) -> rotation.Fitted:
    """A model's fit with the settings of the case."""
    return rotation.fit(model, known, used, params.steps, params.starts)


def best_soliton(params, known: dict, measured: np.ndarray) -> tuple[rotation.Halo, float]:
    """The boson mass with which most galaxies are fitted, chosen on the same galaxies: in favour of the soliton."""
    most = []
    for boson in params.bosons:
        model = rotation.soliton(boson)
        chi2 = fitted(model, known, measured, params).chi2
        most.append(int(np.sum(chi2 / (measured.sum(1) - model.free) < GOOD)))
    boson = params.bosons[int(np.argmax(most))]
    return rotation.soliton(boson), boson


def parts(measured: np.ndarray, inner: float) -> np.ndarray:
    """Radii of the inner part, and of the rest, (2, galaxy, radius); radii rise, and those measured come first."""
    edge = np.ceil(inner * measured.sum(1, keepdims=True)).astype(int)
    first = np.arange(measured.shape[1]) < edge
    return np.stack([measured & first, measured & ~first])


def held_out(model: rotation.Halo, known: dict, chosen: np.ndarray, way: int, params) -> np.ndarray:
    """Root mean square of (V - V_obs) / error at the radii of the other part, (galaxy,)."""
    speed, other = fitted(model, known, chosen[way], params).speed, chosen[1 - way]
    wrong = ((speed - known["v_obs"]) / known["v_err"]) ** 2 * other
    return np.sqrt(wrong.sum(1) / other.sum(1))
