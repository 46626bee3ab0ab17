"""Tidal response of a planet with a magma ocean: Love numbers of ocean and solid, torques and heat they make.

Signs: k2 depends on e^{i sigma t}, so that -Im k2 has the sign of the tidal frequency sigma, and torques change sign
where it does. SI units throughout. The formulas are the standard theory of the authors' group (Auclair-Desrotour,
Boue, Laskar, Farhat): a global uniform ocean without rotation, and a homogeneous incompressible sphere.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gamma

G = 6.674e-11
EARTH_MASS, EARTH_RADIUS, MOON_MASS = 5.972e24, 6.371e6, 7.342e22
SUN_MASS, SUN_LUMINOSITY = 1.989e30, 3.828e26
STEFAN_BOLTZMANN = 5.670374e-8
YEAR, DAY = 3.15576e7, 86400.0
MAGMA_DENSITY, BULK_DENSITY = 3300.0, 5514.0
LATENT_HEAT = 4e5  # J/kg
INERTIA = 0.33  # of M R^2
TINY = np.finfo(float).tiny  # no tide of frequency 0 and no ocean of depth 0 divides by zero


def attraction(magma: float = MAGMA_DENSITY, bulk: float = BULK_DENSITY) -> float:
    """x = (3/5) rho_o / rho_b: share of the tide that the ocean's own attraction makes up for at degree 2."""
    return 0.6 * magma / bulk


def surface_gravity(mass, radius):
    """g = G M / R^2, m/s^2."""
    return G * mass / radius**2


EARTH_GRAVITY = float(surface_gravity(EARTH_MASS, EARTH_RADIUS))


def ocean_love(sigma, depth, drag, gravity, radius, x: float | None = None, self_attraction: bool = True):
    """k2 of a global ocean: x s_b^2 / (s_2^2 - sigma^2 + i sigma_R sigma), s_b^2 = 6 g H / R^2, s_2^2 = s_b^2 (1 - x).

    Parameters
    ----------
    sigma
        Tidal frequency, 1/s, with its sign.
    depth, drag
        Thickness H (m) and Rayleigh drag sigma_R (1/s) of the ocean.
    gravity, radius
        g (m/s^2) and R (m).
    x
        (3/5) rho_o / rho_b; default: that of magma on the Earth.
    self_attraction
        False leaves the ocean's own attraction out of s_2.

    Returns
    -------
    complex, broadcast over all arguments
        0 where there is no ocean.
    """
    x = attraction() if x is None else x
    depth = np.asarray(depth, float)
    free = 6 * gravity * depth / radius**2
    restored = free * (1 - x) if self_attraction else free
    with np.errstate(invalid="ignore", divide="ignore"):
        k2 = x * free / (restored - sigma**2 + 1j * drag * sigma)
    return np.where(depth > 0, k2, 0)


def ocean_dissipation(sigma, depth, drag, gravity, radius, x: float | None = None):
    """-Im k2 of the ocean, x s_b^2 sigma_R sigma / ((s_2^2 - sigma^2)^2 + sigma_R^2 sigma^2), in real numbers."""
    x = attraction() if x is None else x
    free = 6 * gravity * np.asarray(depth, float) / radius**2
    detuned = free * (1 - x) - sigma**2
    return x * free * drag * sigma / (detuned**2 + (drag * sigma) ** 2 + TINY)


def resonant_depth(sigma, gravity, radius, x: float | None = None):
    """H_res = sigma^2 R^2 / (6 g (1 - x)), m: the depth at which the ocean resonates with the tide."""
    x = attraction() if x is None else x
    return sigma**2 * radius**2 / (6 * gravity * (1 - x))


def solid_love(sigma, rigidity, viscosity, density, gravity, radius, andrade: float | None = None):
    """k2 = 1.5 / (1 + mu~) of a homogeneous sphere, mu~ = 19 mu_c / (2 rho g R).

    Parameters
    ----------
    rigidity, viscosity
        mu (Pa) and eta (Pa s). mu = 0: a fluid, k2 = 1.5.
    andrade
        Exponent alpha of Andrade's transient creep; None: a Maxwell body.

    Returns
    -------
    complex, broadcast over all arguments
    """
    sigma, rigidity, viscosity = np.broadcast_arrays(*(np.asarray(v, float) for v in (sigma, rigidity, viscosity)))
    mu, frequency = np.where(rigidity > 0, rigidity, 1.0), np.where(sigma == 0, 1e-300, np.abs(sigma))
    compliance = 1 / mu - 1j / (viscosity * frequency)
    if andrade is not None:
        tau = viscosity / mu
        compliance = compliance + gamma(1 + andrade) / mu * (1j * frequency * tau) ** (-andrade)
    k2 = 1.5 / (1 + 19 / compliance / (2 * density * gravity * radius))
    k2 = np.where(sigma < 0, np.conj(k2), k2)
    return np.where(rigidity > 0, k2, 1.5)


def maxwell_dissipation(sigma, relaxation, stiffness):
    """-Im k2 of a Maxwell sphere, in real numbers: 1.5 m s / (1 + (1 + m)^2 s^2), s = sigma tau.

    Its largest value 0.75 m / (1 + m) is at s = 1 / (1 + m), whatever the viscosity. m = 19 mu / (2 rho g R).
    """
    s = sigma * relaxation
    return 1.5 * stiffness * s / (1 + ((1 + stiffness) * s) ** 2)


def eccentricity_functions(e) -> dict[int, np.ndarray]:
    """Kaula's G_20q(e) to the lowest orders, by q; those of all other q are 0 to these orders."""
    e = np.asarray(e, float)
    return {
        -1: -e / 2 + e**3 / 16,
        0: 1 - 5 * e**2 / 2 + 13 * e**4 / 16,
        1: 7 * e / 2 - 123 * e**3 / 16,
        2: 17 * e**2 / 2 - 115 * e**4 / 6,
        3: 845 * e**3 / 48,
    }


def mean_motion(period):
    """n = 2 pi / P, 1/s."""
    return 2 * np.pi / np.asarray(period, float)


def orbit_size(period, mass):
    """Semi-major axis (m) from Kepler's third law, for a period (s) and a total mass (kg)."""
    return (G * mass / mean_motion(period) ** 2) ** (1 / 3)


def synchronous_heat(dissipation, star_mass, radius, motion, e, size):
    """Heat of a synchronous planet on an eccentric orbit, (21/2)(-Im k2) G M_s^2 R^5 n e^2 / a^6, W."""
    return 10.5 * dissipation * G * star_mass**2 * radius**5 * motion * e**2 / size**6
