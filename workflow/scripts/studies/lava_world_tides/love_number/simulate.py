"""The response: over frequency, against the equations that its closed form solves, and over the melt fraction."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import expit

from pesin.integrate.ode import solve
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lava_world_tides.love_number.params import Params, Simulate
from studies.lava_world_tides.tides import (
    BULK_DENSITY,
    EARTH_GRAVITY,
    EARTH_RADIUS,
    attraction,
    ocean_love,
    solid_love,
)


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups: curves, check, melt."""
    params = case.params.simulate
    return xr.DataTree.from_dict(
        {"curves": _curves(params), "check": _closed_form_check(params), "melt": _melt(params)}
    )


def _curves(params: Simulate) -> xr.Dataset:
    sigma = np.geomspace(*params.sigma, params.points)
    depths, viscosities = np.array(params.depths)[:, None], np.array(params.viscosities)[:, None]
    drag = params.drags[0]
    body = (BULK_DENSITY, EARTH_GRAVITY, EARTH_RADIUS)
    creeps = (None, params.andrade)
    maxwell, andrade = (-solid_love(sigma, params.rigidity, viscosities, *body, creep).imag for creep in creeps)
    return xr.Dataset(
        {
            "ocean": labelled(
                ("depth", "sigma"),
                -ocean_love(sigma, depths, drag, EARTH_GRAVITY, EARTH_RADIUS).imag,
                "-Im k2 of the ocean",
            ),
            "maxwell": labelled(("viscosity", "sigma"), maxwell, "-Im k2 of a Maxwell body"),
            "andrade": labelled(("viscosity", "sigma"), andrade, "-Im k2 of an Andrade body"),
        },
        {"sigma": sigma, "depth": params.depths, "viscosity": params.viscosities},
    )


def _closed_form_check(params: Simulate) -> xr.Dataset:
    """k2 in closed form against the periodic solution of the ocean's equations, found by integrating them."""
    low, high = np.log(params.sigma)
    frequencies = np.exp(np.linspace(low, high, params.checks + 2)[1:-1])
    points = np.array([(s, h, d) for s in frequencies for h in params.depths for d in params.drags])
    sigma, depth, drag = points.T
    closed = ocean_love(sigma, depth, drag, EARTH_GRAVITY, EARTH_RADIUS, self_attraction=params.self_attraction)
    solved = np.array([integrated_love(*point) for point in points])
    return xr.Dataset(
        {
            "relative_error": labelled(
                "point", np.abs(closed - solved) / np.abs(solved), "relative error of k2 in closed form"
            ),
            "closed_real": labelled("point", closed.real, "Re k2 in closed form"),
            "closed_imaginary": labelled("point", closed.imag, "Im k2 in closed form"),
            "solved_real": labelled("point", solved.real, "Re k2 integrated"),
            "solved_imaginary": labelled("point", solved.imag, "Im k2 integrated"),
            "sigma": labelled("point", sigma, "tidal frequency", "1/s"),
            "depth": labelled("point", depth, "depth of the ocean", "m", may_be_constant=1),
            "drag": labelled("point", drag, "Rayleigh drag", "1/s", may_be_constant=1),
        }
    )


def integrated_love(sigma: float, depth: float, drag: float, gravity=EARTH_GRAVITY, radius=EARTH_RADIUS) -> complex:
    """k2 of the ocean from its equations of motion, integrated over one period from three starts.

    Degree 2 of the surface elevation z (in units of the equilibrium tide) and of the scaled flow potential f, with
    time in radians of the tide: z' = k f, f' = -k ((1 - x) z - cos t) - (sigma_R / sigma) f, k^2 = 6 g H / (R sigma)^2.
    The system is linear, so three integrations give the start from which it is periodic.
    """
    x, k = attraction(), np.sqrt(6 * gravity * depth) / (radius * sigma)

    def rhs(t, y, forced):
        return np.array([k * y[1], -k * ((1 - x) * y[0] - forced * np.cos(t)) - drag / sigma * y[1]])

    times = np.array([0, np.pi / 2, 2 * np.pi])
    at = [solve(rhs, start, times, args=(forced,)) for start, forced in (((0, 0), 1), ((1, 0), 0), ((0, 1), 0))]
    through = np.stack([at[1][-1], at[2][-1]], 1)
    start = np.linalg.solve(np.eye(2) - through, at[0][-1])
    quarter = at[0][1] + start[0] * at[1][1] + start[1] * at[2][1]
    return complex(x * (start[0] - 1j * quarter[0]))


def _melt(params: Simulate) -> xr.Dataset:
    """-Im k2 over the melt fraction at the middle frequency: sharp switch to the ocean branch, and blended."""
    sigma = float(np.sqrt(np.prod(params.sigma)))
    melt = np.linspace(0, 1, 201)
    sharp, blended = (_branches(params, sigma, melt, width) for width in (None, params.blend_width))
    fine = params.critical_melt + params.melt_step * np.arange(-500, 501)
    steps = [_branches(params, sigma, fine, width) for width in (None, params.blend_width)]
    relative = [(abs(np.diff(k2)) / np.maximum(abs(k2[1:]), abs(k2[:-1]))).max() for k2 in steps]
    return xr.Dataset(
        {
            "im_k2": labelled(("model", "melt"), -np.stack([sharp.imag, blended.imag]), "-Im k2"),
            "re_k2": labelled(("model", "melt"), np.stack([sharp.real, blended.real]), "Re k2"),
            "jump": labelled("model", relative, "largest relative change of k2 in one step of the melt fraction"),
        },
        {"model": ["sharp", "blended"], "melt": melt},
    )


def _branches(params: Simulate, sigma: float, melt, width: float | None):
    viscosity = params.solid_viscosity * np.exp(-params.softening * np.minimum(melt, params.critical_melt))
    solid = solid_love(sigma, params.rigidity, viscosity, BULK_DENSITY, EARTH_GRAVITY, EARTH_RADIUS, params.andrade)
    fluid = ocean_love(sigma, params.ocean_depth, params.drags[0], EARTH_GRAVITY, EARTH_RADIUS)
    over = melt - params.critical_melt
    weight = (over > 0).astype(float) if width is None else expit(over / width)
    return (1 - weight) * solid + weight * fluid
