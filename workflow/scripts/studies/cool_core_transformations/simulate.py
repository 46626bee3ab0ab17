"""Populations of clusters in all worlds, or the file's clusters in their place."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.errors import UserError
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.cool_core_transformations import generator, tng
from studies.cool_core_transformations.params import Params, Simulate

LONG = ("switch", "success", "population", "cluster", "time")
FLAT = ("population", "cluster", "time")


def simulate(case: Case[Params]) -> xr.Dataset:
    """K0 and AGN energy (switch, success, population, cluster, time); mergers (population, cluster, time); masses."""
    params = case.params.simulate
    if params.data == "synthetic":
        rngs = (case.rng(f"population {i}") for i in range(params.populations))
        made = [generator.population(rng, params.clusters, params.dt, params.success) for rng in rngs]
    else:
        made = parts(case.rng("parts"), tng.read(str(params.path), params.dt), params)
    held = {name: np.stack([one[name] for one in made], 2 if name in ("k0", "agn") else 0) for name in made[0]}
    return xr.Dataset(
        {
            "k0": labelled(LONG, held["k0"], "central entropy", "keV cm^2"),
            "agn": labelled(LONG, held["agn"], "energy of the black hole", "arbitrary"),
            "mass_ratio": labelled(FLAT, held["mass_ratio"].astype(np.float32), "mass ratio of a merger, 0 for none"),
            "spin": labelled(FLAT, held["spin"].astype(np.float32), "angular momentum of a merger", "arbitrary"),
            "lg_mass": labelled(("population", "cluster"), held["lg_mass"], "log10 mass", "log10 solar mass"),
        },
        {
            "switch": list(generator.SWITCHES),
            "success": params.success,
            "time": labelled("time", generator.clock(params.dt), "cosmic time", "Gyr"),
        },
    )


def parts(rng: np.random.Generator, real: dict[str, np.ndarray], params: Simulate) -> list[dict[str, np.ndarray]]:
    """The file's clusters in disjoint groups drawn at random; what can't be shared out evenly is left out.

    Nobody can switch off a real cluster's mergers or black hole. So the worlds without them have another cluster's
    history, and backwards, beside the mergers (no_mergers), or the same histories without the energies (no_agn); in
    `still` nothing moves. The third rule of C7, fewer transformations without bursts, then can't hold.
    """
    size = len(real["k0"]) // params.populations
    if size < 20:
        raise UserError(f"{params.path}: {len(real['k0'])} clusters are too few for {params.populations} groups of 20.")
    order = rng.permutation(len(real["k0"]))[: size * params.populations].reshape(params.populations, size)
    found = []
    for rows in order:
        one = {name: values[rows] for name, values in real.items()}
        rolled = np.roll(one["k0"], 1, 0)[:, ::-1]
        flat = np.broadcast_to(one["k0"][:, :1], rolled.shape)
        k0 = np.stack([one["k0"], rolled, one["k0"], flat])[:, None].repeat(len(params.success), 1)
        nothing = np.zeros_like(rolled)
        agn = np.stack([one["agn"], np.roll(one["agn"], 1, 0)[:, ::-1], nothing, nothing])[:, None]
        found.append(one | {"k0": k0.astype(np.float32), "agn": agn.repeat(len(params.success), 1).astype(np.float32)})
    return found
