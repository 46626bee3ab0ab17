"""Spheres in which isotropic orbits have the energies of DARKexp, found without rescaling; G = M = r_half = 1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import least_squares
from scipy.special import expit

STEP = 0.55
T = np.arange(-22, 11, STEP)
V, REST = 1 / (1 + np.exp(-T)), 1 / (1 + np.exp(T))
"""Nodes v of (0, 1) and 1 - v, crowded at both ends."""
WEIGHT = V * REST * STEP
LOG_V = -np.log1p(np.exp(-T))
BELOW = np.arange(-8.0, 0)
"""Energies below the innermost node are those at these shifts of ln r."""
STEEPEST = 1.95
"""Bound of the slope inside the innermost node; from 2 on the potential would be infinite."""


STRIDE = 2.0
"""Longest way in phi0 from one halo to the next."""
WILD = 100.0
"""No halo's ln rho spans so much."""


class Grid(NamedTuple):
    """ln r of the unknowns, and the finer ln r of the integrals; both in half-mass radii, evenly spaced."""

    node: np.ndarray
    fine: np.ndarray
    spread: np.ndarray
    """Values at the nodes to those of their spline on the fine grid."""
    integral: np.ndarray
    """Values on the fine grid to the integral of their spline from its start."""


class Sphere(NamedTuple):
    """A sphere of unit mass on the fine grid; `inner` is -dln rho/dln r inside it, outside rho falls as r^-4."""

    log_mass: float
    inner: float
    mass: np.ndarray
    potential: np.ndarray
    depth: np.ndarray
    """psi(0) - psi(r)."""
    centre: float
    """psi(0), counted from 0 at infinity."""


def grid_of(nodes: int, points: int, low: float = 2e-3, high: float = 60.0) -> Grid:
    """Even grids in ln r between `low` and `high` half-mass radii."""
    ends = np.log(low), np.log(high)
    node, fine = np.linspace(*ends, nodes), np.linspace(*ends, points)
    spread = CubicSpline(node, np.eye(nodes))(fine)
    return Grid(node, fine, spread, CubicSpline(fine, np.eye(points)).antiderivative()(fine))


def sphere_of(found: np.ndarray, grid: Grid) -> Sphere:
    """Mass and potential of ln rho at the nodes and, last, the logit of the slope inside; the mass is divided out.

    The slope inside is an unknown of its own, between 0 and `STEEPEST` (isotropic orbits make no hole). Tied to the
    nodes, it leaves fewer unknowns than independent equations, and the best compromise is no solution.
    """
    r, rho = np.exp(grid.fine), np.exp(grid.spread @ found[:-1])
    inner = STEEPEST * float(expit(found[-1]))
    shell = 4 * np.pi * rho * r**3
    mass = shell[0] / (3 - inner) + grid.integral @ shell
    whole = mass[-1] + shell[-1]
    mass = mass / whole
    depth = mass[0] / r[0] / (2 - inner) + grid.integral @ (mass / r)
    edge = mass[-1] / r[-1] + shell[-1] / whole / r[-1] / 2
    centre = depth[-1] + edge
    return Sphere(float(np.log(whole)), inner, mass, centre - depth, depth, float(centre))


def energies(phi0: float, centre: float, depth: np.ndarray) -> np.ndarray:
    """N(e) of unit mass, at psi(0) - e = `depth`: exp(phi0 - phi0 e / psi(0)) - 1, times a constant."""
    beta = phi0 / centre
    return beta * np.expm1(beta * depth) / (np.expm1(phi0) - phi0)


class Orbits(NamedTuple):
    """Isotropic f on energies from the most bound (depth of almost 0) to the least: depth, e, states g(e), ln f."""

    depth: np.ndarray
    energy: np.ndarray
    states: np.ndarray
    log_f: np.ndarray


def depth_at(sphere: Sphere, grid: Grid):
    """psi(0) - psi as a function of ln r up to the end of the grid."""
    x, spline = grid.fine, CubicSpline(grid.fine, np.log(sphere.depth))
    return lambda u: np.exp(spline(np.maximum(u, x[0])) + (2 - sphere.inner) * np.minimum(u - x[0], 0))


def orbits_of(sphere: Sphere, grid: Grid, phi0: float, every: int = 5) -> Orbits:
    """The f(e) = N(e) / g(e) that gives this potential's orbits the energies of DARKexp.

    g(e) = 16 pi^2 int r^2 sqrt(2 (psi - e)) dr (Binney and Tremaine, Galactic Dynamics, eq. 4.56).
    """
    depth = depth_at(sphere, grid)
    reach = np.concatenate([grid.fine[0] + BELOW, grid.fine[:-1:every], grid.fine[-1:]])
    bound = depth(reach)
    kinetic = np.maximum(bound[:, None] - depth(reach[:, None] + LOG_V), 0)
    states = 16 * np.pi**2 * np.exp(3 * reach) * (np.sqrt(2 * kinetic) @ (V**2 * WEIGHT))
    return Orbits(bound, sphere.centre - bound, states, np.log(energies(phi0, sphere.centre, bound) / states))


def log_f(orbits: Orbits, depth: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """ln f at and beyond the tabulated energies: a power law inside, e^(5/2) outside. `depth` + `energy` = psi(0)."""
    s = np.log(orbits.depth / orbits.energy)
    spline = CubicSpline(s, orbits.log_f)
    at = np.log(depth / energy)
    return (
        spline(np.clip(at, s[0], s[-1])) + spline(s[0], 1) * np.minimum(at - s[0], 0) - 2.5 * np.maximum(at - s[-1], 0)
    )


def density_of(sphere: Sphere, grid: Grid, phi0: float) -> np.ndarray:
    """ln rho at the nodes, from all orbits: rho = 4 pi int_0^psi f(e) sqrt(2 (psi - e)) de."""
    orbits = orbits_of(sphere, grid, phi0)
    depth = depth_at(sphere, grid)(grid.node)[:, None]
    psi = sphere.centre - depth
    inside = np.exp(log_f(orbits, depth + psi * V, psi * REST))
    return np.log(4 * np.pi * np.sum(inside * np.sqrt(2 * psi * V) * psi * WEIGHT, 1))


def misfit(found: np.ndarray, grid: Grid, phi0: float) -> np.ndarray:
    """ln rho_new - ln rho at each node, and two for the scale: the mass inside 1 less a half, and ln of all mass.

    Nothing is rescaled: an iteration that keeps a radius fixed ends where rho_new is rho stretched: no solution.
    """
    if np.ptp(found[:-1]) > WILD:  # a step too far, which the method takes back
        return np.full(found.size + 1, WILD)
    sphere = sphere_of(found, grid)
    if not (sphere.mass > 0).all():
        return np.full(found.size + 1, WILD)
    change = density_of(sphere, grid, phi0) - found[:-1] + sphere.log_mass
    return np.append(change, [np.interp(0, grid.fine, sphere.mass) - 0.5, sphere.log_mass])


def guess(grid: Grid) -> np.ndarray:
    """Unknowns of a sphere of unit mass with slopes of 1 inside and 4 outside: no solution."""
    r = np.exp(grid.node)
    start = np.append(-np.log(r * (r + 0.4) ** 3), 0.0)
    start[:-1] -= sphere_of(start, grid).log_mass
    return start


def family(shapes: list[float], grid: Grid) -> np.ndarray:
    """Unknowns (phi0, node + 1) of the DARKexp halos of these rising phi0, each from its cuspier neighbour."""
    found, last, at = [], guess(grid), shapes[-1]
    for phi0 in reversed(shapes):
        for stone in np.linspace(at, phi0, int(np.ceil((at - phi0) / STRIDE)) + 1)[int(at > phi0) :]:
            last = solved(last, grid, stone)
        at = phi0
        found.append(last)
    return np.array(found[::-1])


def solved(start: np.ndarray, grid: Grid, phi0: float) -> np.ndarray:
    """The halo nearest to a solution, by Levenberg's and Marquardt's method."""
    return least_squares(misfit, start, args=(grid, phi0), method="lm", xtol=1e-8, ftol=1e-8).x


def mean_energy(phi0: float) -> float:
    """Mean of e over N(e), as a share of phi0: [exp(p) - 1 - p - p^2/2] / [exp(p) - 1 - p] / p."""
    rest = np.expm1(phi0) - phi0
    return float((rest - phi0**2 / 2) / rest / phi0)


def virial_ratio(sphere: Sphere, phi0: float) -> float:
    """<e> / (3/2 |W|): 1 in equilibrium; |W| = 1/2 int psi dm."""
    work = 0.5 * np.trapezoid(sphere.potential, sphere.mass)
    work += 0.5 * (sphere.potential[-1] * (1 - sphere.mass[-1]) + sphere.mass[0] * sphere.centre)
    return mean_energy(phi0) * sphere.centre / (1.5 * float(work))
