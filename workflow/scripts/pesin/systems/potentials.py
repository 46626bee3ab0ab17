"""Potentials of galactic dynamics: potential and acceleration at positions of shape (..., dim).

Positions may be complex, so that complex-step tangents pass through (see `pesin.integrate.variational`).
"""

from __future__ import annotations

import numpy as np


def isochrone(x, gm: float = 1.0, b: float = 1.0) -> np.ndarray:
    """Henon's isochrone, Phi = -GM / (b + sqrt(b^2 + r^2)) (Binney and Tremaine 2008, eq. 2.47). Shape (...)."""
    return -gm / (b + np.sqrt(b**2 + (x**2).sum(-1)))


def isochrone_acceleration(x, gm: float = 1.0, b: float = 1.0) -> np.ndarray:
    """-grad Phi of `isochrone`, shape of x."""
    a = np.sqrt(b**2 + (x**2).sum(-1, keepdims=True))
    return -gm * x / (a * (b + a) ** 2)


def logarithmic(x, axes, v0: float = 1.0, core: float = 0.1) -> np.ndarray:
    """Logarithmic potential, Phi = v0^2 / 2 ln(core^2 + sum x_i^2 / axes_i^2) (Binney and Tremaine, eq. 2.71).

    Parameters
    ----------
    x : ndarray, shape (..., dim)
    axes : array_like, shape (dim,)
        Axis ratios of the equipotentials, such as (1, q) or (1, q, p).
    v0
        Circular speed far out.
    core
        Core radius.

    Returns
    -------
    ndarray, shape (...)
    """
    return v0**2 / 2 * np.log(core**2 + (x**2 / np.square(axes)).sum(-1))


def logarithmic_acceleration(x, axes, v0: float = 1.0, core: float = 0.1) -> np.ndarray:
    """-grad Phi of `logarithmic`, shape of x."""
    scaled = x / np.square(axes)
    return -(v0**2) * scaled / (core**2 + (x * scaled).sum(-1, keepdims=True))


def henon_heiles(x, coupling: float = 1.0) -> np.ndarray:
    """Phi = (x^2 + y^2) / 2 + coupling (x^2 y - y^3 / 3) (Henon and Heiles, AJ 69, 73, 1964). Shape (...).

    At coupling 1 orbits are bound up to E = 1/6, where most of them are chaotic; at 0 it is a harmonic oscillator.
    """
    x, y = x[..., 0], x[..., 1]
    return (x**2 + y**2) / 2 + coupling * (x**2 * y - y**3 / 3)


def henon_heiles_acceleration(x, coupling: float = 1.0) -> np.ndarray:
    """-grad Phi of `henon_heiles`, shape (..., 2)."""
    pull, x, y = np.empty_like(x, dtype=np.result_type(x, float)), x[..., 0], x[..., 1]
    pull[..., 0] = -x - 2 * coupling * x * y
    pull[..., 1] = -y - coupling * (x**2 - y**2)
    return pull
