"""The halos: densities, curves and energies of the DARKexp family, and what the claims measure on them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, minimize_scalar

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.darkexp_halos.halo import Grid, family, grid_of, guess, misfit, orbits_of, sphere_of, virial_ratio
from studies.darkexp_halos.theory.params import Params, Simulate

PLACES = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
INNER = 0.2
"""The speed at this share of r_max is compared with V_max."""
ONE = 4.0


def simulate(case: Case[Params]) -> xr.Dataset:
    """Profiles (phi0, radius), orbits (phi0, level); on two grids slopes (phi0, grid, place), numbers (phi0, grid)."""
    params = case.params.simulate
    finer = round(1.3 * params.nodes), round(1.3 * params.points), 0.7 * params.low
    grids = {"given": grid_of(params.nodes, params.points, params.low), "finer": grid_of(*finer)}
    halos = {name: halos_on(grid, params) for name, grid in grids.items()}
    data = {}
    for name, dims in DIMS.items():
        values = [one[name] for one in halos["given"]]
        data[name] = labelled(("phi0", *dims), values, *SAID[name], may_be_constant=1)
    for name, dims in JUDGED.items():
        both = np.array([[one[name] for one in found] for found in halos.values()])
        data[name] = labelled(("grid", "phi0", *dims), both, *SAID[name], may_be_constant=1)
        if name in RISES:
            inner = both[..., 0] if dims else both
            data[RISES[name]] = labelled(("grid", "next"), np.diff(inner), *SAID[RISES[name]], may_be_constant=1)
    shapes = params.shapes
    known = {"grid": list(grids), "phi0": shapes, "next": shapes[1:], "place": PLACES}
    return xr.Dataset(data, known | {"radius": np.exp(grids["given"].fine)})


def halos_on(grid: Grid, params: Simulate) -> list[dict]:
    """What `halo` keeps of each phi0."""
    if params.solved == "isothermal":
        return [halo(guess(grid), ONE, grid) | isothermal(grid)] * len(params.shapes)
    if params.solved == "one":
        return [halo(family([ONE], grid)[0], ONE, grid)] * len(params.shapes)
    return [halo(found, phi0, grid) for found, phi0 in zip(family(params.shapes, grid), params.shapes, strict=True)]


DIMS: dict[str, tuple[str, ...]] = {name: ("radius",) for name in ("density", "mass", "potential", "speed", "slope")}
DIMS |= {name: ("level",) for name in ("energy", "depth", "states", "log_f")}
DIMS |= {"r_max": ()}
JUDGED: dict[str, tuple[str, ...]] = {"slope_at": ("place",)}
JUDGED |= {name: () for name in ("speed_ratio", "depth_ratio", "virial_error", "misfit")}
"""Numbers that are judged, on both grids: the difference is the error."""
RISES = {"slope_at": "slope_rise", "speed_ratio": "speed_rise"}
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


def halo(found: np.ndarray, phi0: float, grid: Grid) -> dict:
    """Everything that is kept of one halo, under the names of `DIMS` and `JUDGED`."""
    sphere, spline, r = sphere_of(found, grid), CubicSpline(grid.node, found[:-1]), np.exp(grid.fine)
    orbits = orbits_of(sphere, grid, phi0)
    slope = -spline(grid.fine, 1)
    last = int(np.flatnonzero(slope < 2)[-1])
    two = brentq(lambda x: -spline(x, 1) - 2, grid.fine[last], grid.fine[last + 1])
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
        "misfit": np.abs(misfit(found, grid, phi0)[:-2]).max(),
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
