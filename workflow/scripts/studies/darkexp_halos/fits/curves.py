"""Squared circular speeds (km/s)^2 of halos and discs at radii in kpc, in closed form where there is one."""

from __future__ import annotations

import numpy as np
from scipy.special import i0e, i1e, k0e, k1e

HUBBLE = 0.07
"""km/s/kpc."""
G = 4.30091e-6
"""kpc (km/s)^2 / solar mass."""
NFW_PEAK = 2.1626
BURKERT_PEAK = 3.2446
"""r_max in scale radii."""


def nfw_mass(x: np.ndarray) -> np.ndarray:
    """ln(1 + x) - x / (1 + x)."""
    return np.log1p(x) - x / (1 + x)


def nfw(x: np.ndarray) -> np.ndarray:
    """V^2 / V_max^2 at x = r / r_s (Navarro, Frenk and White 1997)."""
    return nfw_mass(x) / x * NFW_PEAK / nfw_mass(np.array(NFW_PEAK))


def core_nfw(x: np.ndarray, core: float = 0.8) -> np.ndarray:
    """NFW's mass times tanh(r / (core r_s)), as Read, Agertz and Collins (2016) have it, at NFW's amplitude."""
    return nfw(x) * np.tanh(x / core)


def burkert(x: np.ndarray) -> np.ndarray:
    """V^2 / V_max^2 at x = r / r_0 of rho ~ 1 / ((1 + x)(1 + x^2)) (Burkert 1995)."""
    x = np.asarray(x, float)

    def mass(y):
        return 0.5 * np.log1p(y**2) + np.log1p(y) - np.arctan(y)

    return mass(x) / x * BURKERT_PEAK / mass(BURKERT_PEAK)


def pseudo_isothermal(x: np.ndarray) -> np.ndarray:
    """V^2 / V(infinity)^2 at x = r / r_c of rho ~ 1 / (1 + x^2)."""
    return 1 - np.arctan(x) / x


SOLITON_X = np.geomspace(1e-3, 300, 600)


def soliton(r: np.ndarray, core: np.ndarray, boson: float) -> np.ndarray:
    """V^2 of rho = rho_s / (1 + 0.091 (r / r_c)^2)^8: one boson mass leaves one number for each halo.

    rho_s = 1.9e7 (m / 1e-22 eV)^-2 (r_c / kpc)^-4 solar masses / kpc^3 (Schive and others, Nature Physics 10, 2014).
    """
    y = SOLITON_X
    shell = y**3 * (1 + 0.091 * y**2) ** -8
    mass = y[0] ** 3 / 3 + np.concatenate([[0], np.cumsum((shell[1:] + shell[:-1]) / 2 * np.diff(np.log(y)))])
    x = r / core
    inside = np.exp(np.interp(np.log(x), np.log(y), np.log(mass)))
    inside = np.where(x < y[0], x**3 / 3, inside)
    return 4 * np.pi * G * 1.9e7 / (boson * core) ** 2 * inside / x


def concentration(v200: np.ndarray) -> np.ndarray:
    """c of an NFW halo with this V200 in km/s (Dutton and Maccio 2014, eq. 8, h = 0.7)."""
    mass = v200**3 / (10 * HUBBLE * G)
    return 10 ** (0.905 - 0.101 * np.log10(0.7 * mass / 1e12))


def scale_radius(v200: np.ndarray, c: np.ndarray) -> np.ndarray:
    """r_s = r200 / c in kpc, with r200 = V200 / (10 H)."""
    return v200 / (10 * HUBBLE) / c


def nfw_peak(v200: np.ndarray, c: np.ndarray) -> np.ndarray:
    """V_max in km/s of an NFW halo."""
    return v200 / np.sqrt(nfw(c))


def freeman(x: np.ndarray) -> np.ndarray:
    """V^2 of an exponential disc at x = R / R_d, over its value at 2.2 R_d (Freeman 1970, eq. 12)."""

    def curve(y):  # the e of the scaled functions cancel
        return y**2 * (i0e(y) * k0e(y) - i1e(y) * k1e(y))

    return curve(np.asarray(x) / 2) / curve(1.1)


def plummer_inside(radius):
    """Share of a Plummer sphere's stars at projected radii below R, in units of its scale: R^2 / (1 + R^2)."""
    return radius**2 / (1 + radius**2)
