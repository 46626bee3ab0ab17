"""Heat of known planets in synchronous rotation against what their stars send."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lava_world_tides.tidal_heat.params import Params
from studies.lava_world_tides.tides import (
    DAY,
    EARTH_MASS,
    EARTH_RADIUS,
    STEFAN_BOLTZMANN,
    SUN_LUMINOSITY,
    SUN_MASS,
    YEAR,
    G,
    maxwell_dissipation,
    mean_motion,
    ocean_dissipation,
    orbit_size,
    resonant_depth,
    surface_gravity,
    synchronous_heat,
)


def simulate(case: Case[Params]) -> xr.Dataset:
    """Heat fluxes, insolation and surface temperatures, planet by planet."""
    params = case.params.simulate
    names, worlds = list(params.worlds), list(params.worlds.values())
    period, radius, mass, star, light = (
        np.array([getattr(world, key) for world in worlds])
        for key in ("period", "radius", "mass", "star", "luminosity")
    )
    metres, kilograms = radius * EARTH_RADIUS, mass * EARTH_MASS
    motion, size = mean_motion(period * DAY), orbit_size(period * DAY, star * SUN_MASS)
    gravity = surface_gravity(kilograms, metres)
    density = kilograms / (4 / 3 * np.pi * metres**3)
    stiffness = 19 * params.rigidity / (2 * density * gravity * metres)
    solid = maxwell_dissipation(motion, params.viscosity / params.rigidity, stiffness)
    depth = params.depth if params.ocean else 0.0
    drag = np.array(params.drags)[:, None]
    response = solid + ocean_dissipation(motion, depth, drag, gravity, metres)
    e = np.array(params.eccentricities)[:, None, None]
    heat = synchronous_heat(response, star * SUN_MASS, metres, motion, e, size) / (4 * np.pi * metres**2)
    received = light * SUN_LUMINOSITY / (16 * np.pi * size**2)
    absorbed = received * (1 - params.albedo)
    before, after = ((flux / STEFAN_BOLTZMANN) ** 0.25 for flux in (absorbed, absorbed + heat))
    spent = G * star * SUN_MASS * kilograms * e**2 / (2 * size)  # by an orbit that keeps its angular momentum
    lasts = 2 * spent / (heat * 4 * np.pi * metres**2) / YEAR  # half of e-squared's time is e's
    dims = ("eccentricity", "drag", "planet")
    return xr.Dataset(
        {
            "heat_flux": labelled(dims, heat, "tidal heat through the surface", "W m-2"),
            "insolation": labelled("planet", received, "insolation S / 4", "W m-2"),
            "heat_over_insolation": labelled(dims, heat / received, "tidal heat over insolation"),
            "exceeds": labelled(dims, (heat > received).astype(np.int8), "tidal heat exceeds insolation"),
            "temperature_before": labelled("planet", before, "surface temperature without tides", "K"),
            "temperature": labelled(dims, after, "surface temperature with tides", "K"),
            "temperature_rise": labelled(dims, after / before - 1, "relative rise of the surface temperature"),
            "circularisation_time": labelled(dims, lasts, "e-folding time of the eccentricity by this heat", "year"),
            "im_k2": labelled(("drag", "planet"), response, "-Im k2 at the orbital frequency"),
            "resonant_depth": labelled("planet", resonant_depth(motion, gravity, metres), "resonant depth", "m"),
        },
        {"eccentricity": params.eccentricities, "drag": params.drags, "planet": names},
    )
