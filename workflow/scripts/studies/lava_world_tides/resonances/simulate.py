"""Spins of a close-in planet: which resonances trap it, histories from random starts, and the time to lose the spin."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lava_world_tides.resonances.params import Params, Simulate
from studies.lava_world_tides.resonances.spin import (
    RESONANCES,
    Planet,
    evolve_spins,
    off_resonance,
    spin_down_time,
    traps,
)
from studies.lava_world_tides.settings import FAILED, output_years
from studies.lava_world_tides.tides import DAY


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups: traps, histories, down."""
    params = case.params.simulate
    return xr.DataTree.from_dict(
        {"traps": _trap_map(params), "histories": _histories(case, params), "down": _spin_down(case, params)}
    )


def _body(params: Simulate, period, e, depth, drag, viscosity) -> Planet:
    body = params.body
    depth = depth if params.ocean else 0.0 * np.asarray(depth)
    return Planet(body.mass, body.radius, np.asarray(period) * DAY, e, body.star, body.rigidity, viscosity, depth, drag)


def _trap_map(params: Simulate) -> xr.Dataset:
    """Which resonances trap, over period, eccentricity, depth and drag; depth 0 is the solid planet."""
    depths = [0.0, *params.depths]
    axes = {
        "period": params.periods,
        "eccentricity": params.eccentricities,
        "depth": depths,
        "drag": params.drags,
    }
    period, e, depth, drag = np.meshgrid(*axes.values(), indexing="ij")
    planet = _body(params, period, e, depth, drag, params.viscosity)
    caught = np.stack([traps(planet, q) for q in RESONANCES.values()], -1).astype(np.int8)
    solid, ocean = caught[0, 0, 0, 0], caught[0, 0, 1, 0]  # the first of each axis is the reference
    return xr.Dataset(
        {
            "traps": labelled((*axes, "resonance"), caught, "1 if the resonance traps", may_be_constant=1),
            "solid_traps": labelled("resonance", solid, "traps the solid reference planet"),
            "reference_traps": labelled("resonance", ocean, "traps the reference planet with its ocean"),
        },
        axes | {"resonance": list(RESONANCES)},
    )


def _histories(case: Case[Params], params: Simulate) -> xr.Dataset:
    starts = case.rng("starts").uniform(*params.start_range, params.starts)
    years = output_years(*params.years, params.outputs)
    branches = {"ocean": params.depths[0], "solid": 0.0}
    bodies = [
        _body(params, params.periods[0], params.eccentricities[0], depth, params.drags[0], params.viscosity)
        for depth in branches.values()
    ]
    spins = np.stack([evolve_spins(body, starts, years).states[..., 0] for body in bodies])
    final, width, dims = spins[..., -1], bodies[0].kink_width, ("branch", "start")
    unit = "over the kink's width"
    return xr.Dataset(
        {
            "spin": labelled((*dims, "time"), spins, "rotation number Omega / n", nan=FAILED),
            "final_spin": labelled(dims, final, "rotation number at the end", nan=FAILED, may_be_constant=1),
            "off_resonance": labelled(
                dims, off_resonance(final) / width, f"distance from the nearest resonance {unit}", nan=FAILED
            ),
            "moved": labelled(dims, (starts - final) / width, f"spin lost {unit}", nan=FAILED, may_be_constant=1),
            "first_spin": labelled("start", starts, "rotation number at the start"),
        },
        {"branch": list(branches), "start": np.arange(params.starts), "time": years},
    )


def _spin_down(case: Case[Params], params: Simulate) -> xr.Dataset:
    """Time from 4 n to 1.3 n, solid and with oceans drawn at random, against the period."""
    u = case.rng("oceans").random((2, params.down_oceans))
    depth, drag = (
        low * (high / low) ** one for one, (low, high) in zip(u, (params.down_depths, params.down_drags), strict=True)
    )
    e, viscosity = params.eccentricities[0], params.down_viscosity

    def time(period, depth, drag) -> float:
        return spin_down_time(_body(params, period, e, depth, drag, viscosity))

    solid = np.array([time(period, 0.0, 1e-5) for period in params.down_periods])
    fluid = np.array(
        [
            [time(period, *ocean) for ocean in zip(depth, drag, strict=True)]
            for period in case.progress(params.down_periods, what="spin-down")
        ]
    )
    dims, years = ("period", "ocean"), "log10(year)"
    return xr.Dataset(
        {
            "fluid_time": labelled(dims, fluid, "time from 4 n to 1.3 n with an ocean", "year"),
            "solid_time": labelled("period", solid, "time from 4 n to 1.3 n without an ocean", "year"),
            "log_fluid_time": labelled(dims, np.log10(fluid), "log10 of the years with an ocean", years),
            "log_solid_time": labelled("period", np.log10(solid), "log10 of the years without an ocean", years),
            "log_ratio": labelled(
                dims, np.log10(solid[:, None] / fluid), "log10 of the ratio solid / fluid", may_be_constant=1
            ),
            "depth": labelled("ocean", depth, "depth of the ocean", "m"),
            "drag": labelled("ocean", drag, "Rayleigh drag", "1/s"),
        },
        {"period": params.down_periods, "ocean": np.arange(params.down_oceans)},
    )
