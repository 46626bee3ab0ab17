"""Entropies, curvature, volume and gap of solitons, and the Hawking-Page transition, with their numerical errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.incomplete_rg import geometry
from studies.incomplete_rg.gravity import HORIZON, LARGEST, ceiling, potential, theory
from studies.incomplete_rg.params import Params
from studies.incomplete_rg.simulate import LOOSER, members, strengths
from studies.incomplete_rg.transition import Transition, hawking_page, integrated, level

OBSERVABLES = ("entanglement", "curvature", "volume", "gap", "temperature", "radius", "central_c")
"""Hemisphere entropy, Ricci scalar at the centre, volume, lowest probe mode; T and r_h of the transition; -12 / R."""
FLOOR = 1e-9
"""Least numerical error that is believed."""
LOST = "no transition was found"
PLACES = ("potential", "source")


def entropy(case: Case[Params], data: Any, trained: Any = None) -> xr.Dataset:
    """All that the claims ask for."""
    soliton, hole = data["soliton"], data["hole"]
    sides = transitions(case, soliton, hole)
    fine, coarse = (
        np.stack([*observed(case, soliton, place), *level_at], 1) for place, level_at in enumerate(sides)
    )  # (potential, observable, source)
    for side in (fine, coarse):
        side[:, OBSERVABLES.index("central_c")] = -12 / side[:, OBSERVABLES.index("curvature")]
    error = np.maximum(abs(fine - coarse), FLOOR)
    dims = ("potential", "observable")
    found = {
        "value": labelled((*dims, "source"), fine, "value", nan=LOST, may_be_constant=1),
        "error": labelled((*dims, "source"), error, "numerical error", nan=LOST, may_be_constant=1),
        "increment": labelled(
            (*dims, "driven"),
            np.diff(fine) / (error[..., 1:] + error[..., :-1]),
            "change from the source before, in numerical errors",
            nan=LOST,
            may_be_constant=1,
        ),
    }
    at = OBSERVABLES.index("temperature")
    excess = (fine[:, at] - 1 / np.pi) / error[:, at]
    found["excess"] = labelled(
        ("potential", "driven"), excess[:, 1:], "temperature above 1 / pi, in numerical errors", nan=LOST
    )
    found |= flows(case, soliton, fine) | free_energies(case, soliton, hole)
    driven = case.params.simulate.sources[1:]
    coordinates = {
        "potential": case.params.simulate.potentials,
        "observable": list(OBSERVABLES),
        "source": case.params.simulate.sources,
        "driven": driven,
        "later": driven[1:],
        "radius": hole["radius"].values,
        "angle": soliton["angle"].values,
    }
    return xr.Dataset(found, coordinates)


def observed(case: Case[Params], soliton: Any, side: int) -> list[np.ndarray]:
    """Those of the solitons' metrics, each (potential, source); side 1 has the looser tolerance and half the nodes."""
    every = 1 + side
    above, chi = (soliton[key].isel(tolerance=side).values[..., ::every] for key in ("above", "chi"))
    angle = soliton["angle"].values[::every]
    return [
        geometry.entanglement(above),
        geometry.central_curvature(above, chi, angle),
        geometry.volume(above, case.params.entropy.cutoff),
        geometry.gap(above, chi, angle),
    ]


def transitions(case: Case[Params], soliton: Any, hole: Any) -> list[list[np.ndarray]]:
    """Temperature and radius, each (potential, source), twice, and a place for the C-function: fine, and looser."""
    params, sources = case.params, strengths(case)
    shape = (len(params.simulate.potentials), sources.size)
    energy = soliton["energy"].values
    temperature = clocked(case, hole["temperature"].values, hole["chi_inf"].values)
    free = hole["energy"].values - temperature * hole["entropy"].values - energy[:, 0, :, None]
    guess = np.array(
        [
            level(hole["radius"].values, *rows)
            for rows in zip(*(v.reshape(-1, v.shape[-1]) for v in (free, hole["scalar"].values)), strict=True)
        ]
    ).T
    found = []
    of, target = members(case, sources.size), np.tile(sources, shape[0])
    known = np.isfinite(guess).all(0)
    for side, (looser, start) in enumerate([(1, HORIZON), (LOOSER, 10 * HORIZON)]):
        one = hawking_page(
            target,
            energy[:, side].ravel(),
            np.where(known, guess[0], 1.0),
            np.where(known, guess[1], 0.1),
            of,
            looser * params.simulate.rtol,
            start,
            params.entropy.clock,
        )
        one = Transition(*(np.where(known, v, np.nan) for v in one))
        guess = np.where(np.isfinite(one.radius), np.stack([one.radius, one.scalar]), guess)
        found.append([one.temperature.reshape(shape), one.radius.reshape(shape), np.zeros(shape)])
    return found


def clocked(case: Case[Params], temperature: np.ndarray, chi_inf: np.ndarray) -> np.ndarray:
    """Temperatures in the boundary's time, or in the horizon's."""
    return temperature * (1 if case.params.entropy.clock else np.exp(-chi_inf / 2))


def flows(case: Case[Params], soliton: Any, fine: np.ndarray) -> dict:
    """The C-function -6 / V (potential, source, angle) and its steps inwards, slopes, what curvature must be."""
    params = case.params.simulate
    shape = (len(params.potentials), len(params.sources))
    of = members(case, shape[1])
    phi = soliton["phi"].isel(tolerance=0).values
    v = np.stack([potential(column, of) for column in phi.reshape(-1, phi.shape[-1]).T], -1).reshape(phi.shape)
    curvature = fine[:, OBSERVABLES.index("curvature")]
    slope = soliton["slope"].values
    turn = ceiling(theory(params.potentials, 1, params.quartic))
    infrared = np.where(turn < LARGEST, -6 / potential(turn, theory(params.potentials, 1, params.quartic)), np.nan)
    return {
        "c_infrared": labelled(
            "potential", infrared, "C-function of the infrared fixed point", nan="no such point", may_be_constant=1
        ),
        "c_function": labelled((*PLACES, "angle"), -6 / v, "C-function", may_be_constant=1),
        "c_rise": labelled(
            (*PLACES, "inwards"), np.diff((-6 / v)[..., ::-1]), "step of the C-function inwards", may_be_constant=1
        ),
        "deepest": labelled(PLACES, v.max(-1) + 6, "largest V above -6", may_be_constant=1),
        "deeper": labelled(
            ("potential", "driven"), curvature[:, 1:] + 12, "Ricci scalar at the centre above -12", may_be_constant=1
        ),
        "mismatch": labelled(
            PLACES, curvature - 2 * v[..., 0], "Ricci scalar at the centre less 2 V", may_be_constant=1
        ),
        "slope": labelled(("potential", "driven"), slope, soliton["slope"].attrs["long_name"], may_be_constant=1),
        "slope_rise": labelled(
            ("potential", "later"), np.diff(slope), "change of the slope from the source before", may_be_constant=1
        ),
        "energy": labelled(PLACES, soliton["energy"].values[:, 0], "energy of the soliton", may_be_constant=1),
    }


def free_energies(case: Case[Params], soliton: Any, hole: Any) -> dict:
    """Free energy above the soliton's and temperature (potential, source, radius), and how far two routes differ."""
    radius = hole["radius"].values
    temperature = clocked(case, hole["temperature"].values, hole["chi_inf"].values)
    chi_inf, energy = (soliton[key].values[:, 0] for key in ("chi_inf", "energy"))
    direct = hole["energy"].values - temperature * hole["entropy"].values - energy[..., None]
    redshift = np.exp(chi_inf / 2) if case.params.entropy.clock else np.ones_like(chi_inf)
    other = integrated(radius, temperature, redshift)
    return {
        "free_energy": labelled((*PLACES, "radius"), direct, "free energy above the soliton's"),
        "temperature": labelled((*PLACES, "radius"), temperature, "temperature"),
        "routes": labelled(PLACES, abs(direct - other).max(-1), "largest difference of two routes to the free energy"),
    }
