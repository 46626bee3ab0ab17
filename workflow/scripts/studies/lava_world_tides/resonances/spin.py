"""Spin of a close-in planet: torque over eccentricity harmonics, traps at spin-orbit resonances, and spin-down.

Spins are written as w = Omega / n; the resonance of order q is at w = 1 + q / 2, where sigma_q = (2 + q) n - 2 Omega
changes sign. There the solid's torque has a kink as narrow as 1 / tau: its place is known, so no grid looks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad

from pesin.integrate.stiff import EnsembleRun, stiff_ensemble
from studies.lava_world_tides.tides import (
    EARTH_MASS,
    EARTH_RADIUS,
    INERTIA,
    SUN_MASS,
    YEAR,
    G,
    eccentricity_functions,
    maxwell_dissipation,
    mean_motion,
    ocean_dissipation,
    orbit_size,
    surface_gravity,
)

RESONANCES = {"3:2": 1, "2:1": 2, "5:2": 3}


@dataclass(frozen=True)
class Planet:
    """A planet and its orbit; arrays broadcast against each other.

    Attributes
    ----------
    mass, radius
        Earth masses and radii.
    period
        Orbital period, s.
    e
        Eccentricity.
    star
        Mass of the star, solar masses.
    rigidity, viscosity
        Of the solid, Pa and Pa s.
    depth, drag
        Ocean: thickness (m; 0: none) and Rayleigh drag (1/s).
    """

    mass: float
    radius: float
    period: np.ndarray
    e: np.ndarray
    star: float
    rigidity: float
    viscosity: np.ndarray
    depth: np.ndarray
    drag: np.ndarray

    @property
    def motion(self):
        return mean_motion(self.period)

    @property
    def gravity(self) -> float:
        return surface_gravity(self.mass * EARTH_MASS, self.radius * EARTH_RADIUS)

    @property
    def stiffness(self) -> float:
        """m = 19 mu / (2 rho g R)."""
        radius = self.radius * EARTH_RADIUS
        density = self.mass * EARTH_MASS / (4 / 3 * np.pi * radius**3)
        return 19 * self.rigidity / (2 * density * self.gravity * radius)

    @property
    def relaxation(self):
        """Maxwell time tau = eta / mu, s."""
        return self.viscosity / self.rigidity

    @property
    def kink_width(self):
        """How far from a resonance, in w, the Maxwell solid's torque is largest: 1 / (2 n tau (1 + m))."""
        return 1 / ((1 + self.stiffness) * self.relaxation * 2 * self.motion)

    @property
    def pace(self):
        """dw/dt for a unit of G^2 (-Im k2), 1/s."""
        radius = self.radius * EARTH_RADIUS
        size = orbit_size(self.period, self.star * SUN_MASS)
        torque = 1.5 * G * (self.star * SUN_MASS) ** 2 * radius**5 / size**6
        return torque / (INERTIA * self.mass * EARTH_MASS * radius**2 * self.motion)

    def dissipation(self, sigma):
        """-Im k2 of ocean and solid at a tidal frequency (1/s)."""
        fluid = ocean_dissipation(sigma, self.depth, self.drag, self.gravity, self.radius * EARTH_RADIUS)
        return fluid + maxwell_dissipation(sigma, self.relaxation, self.stiffness)


def spin_rate(planet: Planet, w, without: int | None = None):
    """dw/dt, 1/s: the sum over q of G_20q^2 (-Im k2(sigma_q)); `without` leaves one q out."""
    total = 0.0
    for q, weight in eccentricity_functions(planet.e).items():
        if q != without:
            total = total + weight**2 * planet.dissipation((2 + q - 2 * np.asarray(w)) * planet.motion)
    return planet.pace * total


def off_resonance(w):
    """Distance of spins from the nearest of the resonances 1:2, 1:1, 3:2, 2:1 and 5:2, in units of n."""
    return np.abs(np.asarray(w)[..., None] - (1 + np.arange(-1, 4) / 2)).min(-1)


def traps(planet: Planet, q: int):
    """True if the kink at resonance q is higher than the torque of all other harmonics there."""
    height = eccentricity_functions(planet.e)[q] ** 2 * 0.75 * planet.stiffness / (1 + planet.stiffness)
    return height > np.abs(spin_rate(planet, 1 + q / 2, without=q)) / planet.pace


def spin_down_time(planet: Planet, start: float = 4.0, end: float = 1.3) -> float:
    """Years from w = start to w = end, kinks ignored: by the semidiurnal tide (q = 0) of the planet alone.

    The planet's arrays must be scalars here.
    """
    weight = float(eccentricity_functions(planet.e)[0]) ** 2

    def slowness(w):
        return 1 / (planet.pace * weight * planet.dissipation(2 * (w - 1) * planet.motion))

    return float(quad(slowness, end, start, limit=500)[0] / YEAR)


def evolve_spins(planet: Planet, starts, years, rtol: float = 1e-5) -> EnsembleRun:
    """Integrate spins from `starts` (w), shape (member,); the planet's arrays have that shape or are scalars.

    A step is at most a third of the way to the next resonance, or of the kink's width there, so that no kink is jumped
    over. States: w, shape (member, time, 1).
    """
    starts = np.asarray(starts, float)
    names = ("period", "e", "viscosity", "depth", "drag")
    arrays = {name: np.broadcast_to(getattr(planet, name), starts.shape) for name in names}

    def chosen(member) -> Planet:
        picked = {name: array[member] for name, array in arrays.items()}
        return Planet(planet.mass, planet.radius, star=planet.star, rigidity=planet.rigidity, **picked)

    def rate(y, member):
        return YEAR * spin_rate(chosen(member), y[:, 0])[:, None]

    def slope(y, member):
        """By the complex step: differences would be wider than a kink."""
        return YEAR * spin_rate(chosen(member), y[:, 0] + 1e-30j).imag[:, None, None] / 1e-30

    def limit(y, f, member):
        one = chosen(member)
        width, away = one.kink_width, off_resonance(y[:, 0])
        pull = -slope(y, member)[:, 0, 0]
        settled = (pull > 0) & (np.abs(f[:, 0]) < 1e-3 * width * pull)  # at rest in a stable kink, up to rounding
        with np.errstate(divide="ignore"):
            return np.where(settled, np.inf, 0.3 * np.maximum(away, width) / np.abs(f[:, 0]))

    return stiff_ensemble(rate, starts[:, None], years, rtol=rtol, atol=1e-14, limit=limit, jacobian=slope)
