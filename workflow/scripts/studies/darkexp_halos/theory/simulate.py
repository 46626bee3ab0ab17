"""The halos: densities, curves and energies of the DARKexp family, and what the claims measure on them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, minimize_scalar

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.darkexp_halos.halo import Grid, family, grid_of, guess, misfit, orbits_of, sphere_of, virial_ratio
from studies.darkexp_halos.theory.params import Params

PLACES = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
INNER = 0.2
"""The speed at this share of r_max is compared with V_max."""
ONE = 4.0


def simulate(case: Case[Params]) -> xr.Dataset:
    """Profiles (phi0, radius), orbits (phi0, level), slopes (phi0, place), numbers (phi0) and their rises (next)."""
    params = case.params.simulate
    grid, shapes = grid_of(params.nodes, params.points), params.shapes
    solved = shapes if params.solved == "each" else [ONE] * len(shapes)
    if params.solved == "isothermal":
        halos = [halo(guess(grid), ONE, grid) | isothermal(grid)] * len(shapes)
    else:
        known = dict(zip(sorted(set(solved)), family(sorted(set(solved)), grid), strict=True))
        halos = [halo(known[phi0], phi0, grid) for phi0 in solved]
    found = {name: (dims, np.array([one[name] for one in halos])) for name, dims in DIMS.items()}
    data = {
        name: labelled(("phi0", *dims), values, *SAID[name], may_be_constant=1)
        for name, (dims, values) in found.items()
    }
    inner = found["slope_at"][1][:, 0]
    for name, values in (("slope_rise", inner), ("speed_rise", found["speed_ratio"][1])):
        data[name] = labelled("next", np.diff(values), *SAID[name], may_be_constant=1)
    return xr.Dataset(data, {"phi0": shapes, "next": shapes[1:], "radius": np.exp(grid.fine), "place": PLACES})


DIMS = {name: ("radius",) for name in ("density", "mass", "potential", "speed", "slope")}
DIMS |= {name: ("level",) for name in ("energy", "depth", "states", "log_f")}
DIMS |= {"slope_at": ("place",)}
DIMS |= {name: () for name in ("speed_ratio", "r_max", "depth_ratio", "virial_error", "misfit")}
SAID = {
    "density": ("density", "mass / half-mass radius^3"),
    "mass": ("mass inside", "total mass"),
    "potential": ("potential psi", "G M / half-mass radius"),
    "speed": ("circular speed", "sqrt(G M / half-mass radius)"),
    "slope": ("slope -dln rho/dln r",),
    "energy": ("binding energy e", "G M / half-mass radius"),
    "depth": ("psi(0) - e", "G M / half-mass radius"),
    "states": ("density of states g(e)",),
    "log_f": ("ln of the phase-space density f(e)",),
    "slope_at": ("slope -dln rho/dln r at multiples of r_-2",),
    "speed_ratio": ("V(0.2 r_max) / V_max",),
    "r_max": ("radius of the largest circular speed", "half-mass radius"),
    "depth_ratio": ("psi(0) r_half / (G M)",),
    "virial_error": ("distance of <e> / (3/2 |W|) from 1",),
    "misfit": ("largest |ln rho_new - ln rho|",),
    "slope_rise": ("rise of the inner slope from the phi0 before",),
    "speed_rise": ("rise of V(0.2 r_max) / V_max from the phi0 before",),
}


def halo(log_rho: np.ndarray, phi0: float, grid: Grid) -> dict:
    """Everything that is kept of one halo, under the names of `DIMS`."""
    sphere, spline, r = sphere_of(log_rho, grid), CubicSpline(grid.node, log_rho), np.exp(grid.fine)
    orbits = orbits_of(sphere, grid, phi0)
    slope = -spline(grid.fine, 1)
    first = int(np.argmax(slope > 2))
    two = brentq(lambda x: -spline(x, 1) - 2, grid.fine[first - 1], grid.fine[first])
    speed = CubicSpline(grid.fine, np.sqrt(sphere.mass / r))
    top = int(np.argmax(speed(grid.fine)))
    ends = grid.fine[top - 1], grid.fine[top + 1]
    peak = float(minimize_scalar(lambda x: -speed(x), bounds=ends, method="bounded").x)
    return {
        "density": np.exp(spline(grid.fine) - sphere.log_mass),
        "mass": sphere.mass,
        "potential": sphere.potential,
        "speed": speed(grid.fine),
        "slope": slope,
        "energy": orbits.energy,
        "depth": orbits.depth,
        "states": orbits.states,
        "log_f": orbits.log_f,
        "slope_at": -spline(two + np.log(PLACES), 1),
        "speed_ratio": speed(peak + np.log(INNER)) / speed(peak),
        "r_max": np.exp(peak),
        "depth_ratio": sphere.centre * np.exp(np.interp(0.5, sphere.mass, grid.fine)),
        "virial_error": abs(virial_ratio(sphere, phi0) - 1),
        "misfit": np.abs(misfit(log_rho, grid, phi0)[:-2]).max(),
    }


def isothermal(grid: Grid) -> dict:
    """What differs in a sphere with rho ~ r^-2 up to the end of the grid: it has one shape, whatever phi0 is."""
    r = np.exp(grid.fine)
    return {
        "density": 1 / (4 * np.pi * r[-1] * r**2),
        "mass": r / r[-1],
        "potential": (1 + np.log(r[-1] / r)) / r[-1],
        "speed": np.full(r.size, r[-1] ** -0.5),
        "slope": np.full(r.size, 2.0),
        "slope_at": np.full(len(PLACES), 2.0),
        "speed_ratio": 1.0,
        "r_max": 1.0,
    }
