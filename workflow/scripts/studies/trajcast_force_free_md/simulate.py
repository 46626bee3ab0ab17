"""The world: Lennard-Jones crystals at constant energy, and the same with a thermostat as the reference."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.symplectic import leapfrog
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.lennard_jones import fcc, lennard_jones
from studies.trajcast_force_free_md.params import Params, Simulate
from studies.trajcast_force_free_md.thermostat import csvr, freedom, temperature

PATH = ("replica", "frame", "atom", "xyz")
RESCALED = 20
"""Steps between two rescalings while the crystal settles."""


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups `train` and `held_out` (constant energy), `reference` and `large` (thermostat, a frame each big step).

    `reference` starts from the first states of the held-out crystals, then of the others. All have `position`
    (unwrapped) and `velocity` of shape (replica, frame, atom, xyz), `potential`, and `site`.
    """
    params = case.params.simulate
    sizes = {"train": params.replicas, "held_out": params.held_out}
    groups = {}
    for name, replicas in sizes.items():
        x, v = settled(params, case.rng(name), params.cells, replicas)
        path = leapfrog(force(params, params.cells), x, v, params.dt, params.steps, params.every)
        groups[name] = kept(params, params.cells, *(np.moveaxis(a, 0, 1) for a in path))
    for name, cells, frames in (
        ("reference", params.cells, params.frames),
        ("large", params.large, params.large_frames),
    ):
        if name == "reference":
            firsts = [
                [groups[of][key].values[:, 0] for of in ("held_out", "train")] for key in ("position", "velocity")
            ]
            x, v = (np.concatenate(first).astype(float) for first in firsts)
        else:
            x, v = settled(params, case.rng(name), cells, params.large_replicas)
        groups[name] = kept(params, cells, *canonical(case, name, cells, frames, x, v))
    return xr.DataTree.from_dict(groups)


def force(params: Simulate, cells: int):
    """Acceleration of the atoms of a crystal of unit masses."""
    box = cells * params.constant
    return lambda x: lennard_jones(x, box, params.cutoff)[0]


def settled(params: Simulate, rng: np.random.Generator, cells: int, replicas: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities after `settle` steps in which the temperature is set anew every 20th."""
    x = np.repeat(fcc(cells, params.constant)[None], replicas, 0)
    v = rng.standard_normal(x.shape)
    mass, pull = np.ones(x.shape[1]), force(params, cells)
    for _ in range(params.settle // RESCALED):
        v -= v.mean(1, keepdims=True)
        v *= np.sqrt(params.temperature / temperature(v, mass))[:, None, None]
        x, v = (a[-1] for a in leapfrog(pull, x, v, params.dt, RESCALED, RESCALED))
    return x, v - v.mean(1, keepdims=True)


def canonical(
    case: Case[Params], name: str, cells: int, frames: int, x: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Molecular dynamics with canonical rescaling after each big step: paths (replica, frames + 1, atom, xyz)."""
    params = case.params.simulate
    rng, mass, pull = case.rng(f"{name} thermostat"), np.ones(x.shape[1]), force(params, cells)
    path = np.empty((2, frames + 1, *x.shape))
    path[:, 0] = x, v
    for i in range(1, frames + 1):
        x, v = (a[-1] for a in leapfrog(pull, x, v, params.dt, params.stride, params.stride))
        now = temperature(v, mass)
        v *= csvr(rng, now, params.temperature, freedom(len(mass)), params.relax)[:, None, None]
        path[:, i] = x, v
    return np.moveaxis(path[0], 0, 1), np.moveaxis(path[1], 0, 1)


def kept(params: Simulate, cells: int, x: np.ndarray, v: np.ndarray) -> xr.Dataset:
    """Paths as a Dataset, with the potential energy of each frame, in single precision."""
    energy = lennard_jones(x, cells * params.constant, params.cutoff)[1]
    sites = fcc(cells, params.constant)
    return xr.Dataset(
        {
            "position": labelled(PATH, x.astype(np.float32), "position, unwrapped", "sigma"),
            "velocity": labelled(PATH, v.astype(np.float32), "velocity", "sqrt(epsilon/m)"),
            "potential": labelled(PATH[:2], energy, "potential energy", "epsilon"),
            "site": labelled(PATH[2:], sites, "site in the crystal", "sigma"),
            "mass": labelled("atom", np.ones(len(sites)), "mass", "m", may_be_constant=1),
            "species": labelled("atom", np.zeros(len(sites), np.int64), "species", may_be_constant=1),
        }
    )
