"""The Earth and the Moon with conserved angular momentum: rates of distance, ocean depth and dissipated energy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from pesin.integrate.stiff import EnsembleRun, stiff_ensemble
from studies.lava_world_tides.tides import (
    EARTH_GRAVITY,
    EARTH_MASS,
    EARTH_RADIUS,
    INERTIA,
    LATENT_HEAT,
    MAGMA_DENSITY,
    MOON_MASS,
    YEAR,
    G,
    ocean_dissipation,
    resonant_depth,
)

ANGULAR_MOMENTUM = 3.4407e34  # kg m^2/s, Earth and Moon
TOTAL = EARTH_MASS + MOON_MASS
REDUCED = EARTH_MASS * MOON_MASS / TOTAL
MOMENT = INERTIA * EARTH_MASS * EARTH_RADIUS**2
AREA = 4 * np.pi * EARTH_RADIUS**2
DEPTH_UNIT, ENERGY_UNIT = 1e6, 1e30  # m, J: states of order one
RAMP = 1e-5  # 10 m, in units of 1000 km
DEEPEST = 2.9  # core-mantle boundary, in units of 1000 km


@dataclass(frozen=True)
class Members:
    """What distinguishes the members of an ensemble; arrays of shape (member,).

    Attributes
    ----------
    flux
        Cooling flux F, W/m^2.
    drag
        Rayleigh drag sigma_R, 1/s.
    depth
        Depth of the ocean at the start, m.
    solid
        k2/Q of the solid part.
    ocean, feedback
        1 or 0: whether there is a fluid response, and whether tidal heat goes into the ocean.
    """

    flux: np.ndarray
    drag: np.ndarray
    depth: np.ndarray
    solid: np.ndarray
    ocean: np.ndarray
    feedback: np.ndarray

    def __len__(self) -> int:
        return len(self.flux)


def spin(distance):
    """Rotation rate of the Earth (1/s) with the Moon at `distance` (m), from the conserved angular momentum."""
    return (ANGULAR_MOMENTUM - REDUCED * np.sqrt(G * TOTAL * distance)) / MOMENT


def motion(distance):
    """Mean motion of the Moon, 1/s."""
    return np.sqrt(G * TOTAL / distance**3)


def tidal_frequency(distance):
    """sigma = 2 (Omega - n), 1/s."""
    return 2 * (spin(distance) - motion(distance))


def mechanical_energy(distance):
    """Energy of rotation and orbit, J."""
    return 0.5 * MOMENT * spin(distance) ** 2 - G * EARTH_MASS * MOON_MASS / (2 * distance)


def closed_form(sigma, depth, drag):
    """-Im k2 of the ocean on the Earth (depth in m)."""
    return ocean_dissipation(sigma, depth, drag, EARTH_GRAVITY, EARTH_RADIUS)


def recession(distance, dissipation):
    """da/dt = 3 (-Im k2) (m/M) (R/a)^5 n a, m/s."""
    return 3 * dissipation * MOON_MASS / EARTH_MASS * (EARTH_RADIUS / distance) ** 5 * motion(distance) * distance


def power(distance, speed):
    """Tidal heat P = (1/2) mu sqrt(G (M + m) / a) (da/dt) (Omega - n), W."""
    return 0.5 * REDUCED * np.sqrt(G * TOTAL / distance) * speed * (spin(distance) - motion(distance))


def dissipation(members: Members, index, distance, depth, response=closed_form):
    """-Im k2 of ocean and solid together."""
    sigma = tidal_frequency(distance)
    fluid = members.ocean[index] * response(sigma, np.maximum(depth, 0), members.drag[index])
    return fluid + members.solid[index] * np.sign(sigma)


def evolve(members: Members, years, start: float = 4.0, rtol: float = 1e-5, response=closed_form) -> EnsembleRun:
    """Integrate an ensemble.

    Parameters
    ----------
    members
        The ensemble.
    years : array_like, shape (time,)
        Rising output times, years.
    start
        Distance at the start, Earth radii.
    response
        f(sigma, depth, drag) -> -Im k2 of the ocean.

    Returns
    -------
    EnsembleRun
        states (member, time, 3): distance (Earth radii), depth (1000 km), dissipated energy (1e30 J).
    """
    depth = np.minimum(members.depth / DEPTH_UNIT, DEEPEST)
    return stiff_ensemble(
        partial(_rate, members=members, response=response),
        np.stack([np.full(len(members), start), depth, np.zeros(len(members))], 1),
        years,
        rtol=rtol,
        atol=1e-9,
        limit=partial(_longest_step, members=members),
        project=lambda y: np.stack([y[:, 0], np.clip(y[:, 1], 0, DEEPEST), y[:, 2]], 1),
    )


def _rate(y, index, members: Members, response):
    """dy/dt of states (n, 3), per year."""
    distance, depth = np.maximum(y[:, 0], 1) * EARTH_RADIUS, y[:, 1] * DEPTH_UNIT
    speed = recession(distance, dissipation(members, index, distance, depth, response))
    heat = power(distance, speed)
    kept = members.feedback[index] * heat / AREA - members.flux[index]
    growth = kept / (MAGMA_DENSITY * LATENT_HEAT) / DEPTH_UNIT
    # The last ten metres before a bound are slowed down: a rate that jumps would stall the integrator there.
    room = np.where(growth < 0, y[:, 1], DEEPEST - y[:, 1])
    growth = growth * np.clip(room / RAMP, 0, 1)
    return YEAR * np.stack([speed / EARTH_RADIUS, growth, heat / ENERGY_UNIT], 1)


def _longest_step(y, f, index, members: Members):
    """Depth moves by at most a tenth of the resonance's width and a fifth of its distance from the resonance.

    And not beyond its bound: a step whose middle lies there finds no growth, and would stall in front of the bound.
    """
    distance = y[:, 0] * EARTH_RADIUS
    sigma = tidal_frequency(distance)
    middle = resonant_depth(sigma, EARTH_GRAVITY, EARTH_RADIUS) / DEPTH_UNIT
    width = middle * members.drag[index] / np.maximum(np.abs(sigma), 1e-12)
    ahead = (distance + 10.0) / EARTH_RADIUS  # ten metres on
    moved = resonant_depth(tidal_frequency(ahead * EARTH_RADIUS), EARTH_GRAVITY, EARTH_RADIUS) / DEPTH_UNIT - middle
    drift = f[:, 1] - moved / (ahead - y[:, 0]) * f[:, 0]
    away = 0.1 * width + 0.2 * np.abs(y[:, 1] - middle)
    room = np.where(f[:, 1] < 0, y[:, 1], DEEPEST - y[:, 1])
    with np.errstate(divide="ignore"):
        near = np.where(members.ocean[index] > 0, away / np.abs(drift), np.inf)
        bound = np.where(room > RAMP, room, np.inf) / np.abs(f[:, 1])
        return np.minimum(np.minimum(near, bound), 0.02 * y[:, 0] / np.abs(f[:, 0]))
