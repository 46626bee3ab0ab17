"""The galaxies, in three worlds that differ in the halo alone, and dwarfs as projected stars; or SPARC's own table."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.darkexp_halos.fits import curves, sparc
from studies.darkexp_halos.fits.params import Params

CORED = ("core_nfw", "burkert", "pseudo_isothermal")
WORLDS = ("cored", "nfw", "soliton")
MASS_TO_LIGHT = 0.5
LEAST_ERROR, ERROR = 2.0, 0.05
"""km/s, and a share of V."""


def simulate(case: Case[Params]) -> xr.DataTree:
    """`galaxies` (world, galaxy, radius) and `dwarfs` (dwarf, star)."""
    params = case.params.simulate
    rng = case.rng("galaxies")
    kinds = [kind for kind in (*CORED, "nfw") for _ in range(params.galaxies)]
    drawn = [galaxy(rng, kind, params) for kind in kinds]
    if params.data == "sparc":
        kinds = [kind for kind in kinds if kind == "nfw"]
        real = sparc.read(params.path, params.radii[0])
        drawn = [one | {"v_obs": np.stack([one["v_obs"]] * len(WORLDS))} for one in real] + drawn[-len(kinds) :]
        kinds = ["observed"] * len(real) + kinds
    longest = max(one["rad"].size for one in drawn)

    def padded(name):  # by the last radius again, which `measured` leaves out
        short = [one[name] for one in drawn]
        return np.stack([np.pad(v, [(0, 0)] * (v.ndim - 1) + [(0, longest - v.shape[-1])], "edge") for v in short])

    flat = ("galaxy", "radius")
    measured = np.array([np.arange(longest) < one["rad"].size for one in drawn]).astype(int)
    galaxies = xr.Dataset(
        {
            "rad": labelled(flat, padded("rad"), "radius", "kpc"),
            "v_obs": labelled(("galaxy", "world", "radius"), padded("v_obs"), "observed speed", "km/s"),
            "v_err": labelled(("galaxy", "world", "radius"), errors(padded("v_obs"), drawn), "error", "km/s"),
            "v_gas": labelled(flat, padded("v_gas"), "speed due to gas", "km/s"),
            "v_disk": labelled(flat, padded("v_disk"), "speed due to stars of M/L = 1", "km/s"),
            "measured": labelled(flat, measured, "whether the radius was measured", may_be_constant=1),
            "cored": labelled("galaxy", [int(kind != "nfw") for kind in kinds], "whether the halo isn't NFW"),
        },
        {"world": list(WORLDS), "truth": ("galaxy", kinds)},
    )
    u = case.rng("dwarfs").random((params.dwarfs, params.stars)) * curves.plummer_inside(params.field)
    stars = labelled(("dwarf", "star"), np.sqrt(u / (1 - u)), "projected radius", "Plummer scale")
    return xr.DataTree.from_dict({"galaxies": galaxies, "dwarfs": xr.Dataset({"projected": stars})})


def errors(v_obs: np.ndarray, drawn: list[dict]) -> np.ndarray:
    """Errors of all speeds: the galaxy's own where it has them, else the rule of the noise, on what was observed."""
    found = np.maximum(LEAST_ERROR, ERROR * np.abs(v_obs))
    for i, one in enumerate(drawn):
        if "v_err" in one:
            found[i] = np.pad(one["v_err"], (0, v_obs.shape[-1] - one["v_err"].size), "edge")
    return found


def galaxy(rng: np.random.Generator, kind: str, params) -> dict:
    """One galaxy: rad, v_gas, v_disk (radius) and v_obs (world, radius), all with the same disc, sky and noise."""
    v_max = np.exp(rng.uniform(np.log(20), np.log(200)))
    v200 = 0.85 * v_max
    c = curves.concentration(v200) * 10 ** (0.11 * rng.standard_normal())
    r_s = float(curves.scale_radius(v200, c))
    r_d = 2 * v_max / 80 * 10 ** (0.15 * rng.standard_normal())
    number = rng.integers(params.radii[0], params.radii[1] + 1)
    rad = np.linspace(0.2, rng.uniform(3, 6), number) * r_d
    disk = rng.uniform(0.3, 0.6) ** 2 / MASS_TO_LIGHT * v_max**2 * curves.freeman(rad / r_d)
    gas = rng.uniform(0.2, 0.4) ** 2 * v_max**2 * curves.freeman(rad / (2 * r_d))
    stars = MASS_TO_LIGHT * 10 ** (0.1 * rng.standard_normal())
    far, tilt = np.exp(params.scatter * rng.standard_normal(2))
    noise = rng.standard_normal(number)
    core = np.sqrt(PEAK) / v_max
    halo = {
        "core_nfw": v_max**2 * curves.core_nfw(rad / r_s),
        "burkert": v_max**2 * curves.burkert(rad / (r_s * curves.NFW_PEAK / curves.BURKERT_PEAK)),
        "pseudo_isothermal": v_max**2 * curves.pseudo_isothermal(rad / (0.25 * r_s)),
        "nfw": v_max**2 * curves.nfw(rad / r_s),
    }
    own = [np.sqrt(halo[name] + gas + stars * disk) * tilt for name in (kind, "nfw")]
    # a halo of one number could not take up the sky's scatter, so there is none in the solitons' world
    true = np.array([*own, np.sqrt(curves.soliton(rad * far, core, 1.0) + (gas + stars * disk) * far)])
    v_obs = true + np.maximum(LEAST_ERROR, ERROR * true) * noise
    return {
        "rad": rad * far,
        "v_obs": v_obs,
        "v_gas": np.sqrt(gas * far),
        "v_disk": np.sqrt(disk * far),
    }


PEAK = float(curves.soliton(np.geomspace(0.1, 10, 400), np.array(1.0), 1.0).max())
"""V_max^2 of a soliton with a core of 1 kpc and a boson of 1e-22 eV; V_max goes as 1 / r_c."""
