"""Chaotic flows as f(t, x, ...) -> dx/dt, with the state on the last axis: leading axes are a batch."""

from __future__ import annotations

import numpy as np


def lorenz63(t, x, sigma: float = 10.0, rho: float = 28.0, beta: float = 8.0 / 3.0) -> np.ndarray:
    """Lorenz's convection model (J. Atmos. Sci. 20, 130, 1963, eqs. 25-27).

    Parameters
    ----------
    t
        Time; unused, the flow is autonomous.
    x : ndarray, shape (..., 3)
    sigma, rho, beta
        Prandtl number, relative Rayleigh number, aspect. At the defaults the largest Lyapunov exponent is 0.906 and
        the sum of the exponents is exactly -(sigma + 1 + beta) = -13.667.

    Returns
    -------
    ndarray, shape (..., 3)
    """
    out = np.empty_like(x)
    out[..., 0] = sigma * (x[..., 1] - x[..., 0])
    out[..., 1] = x[..., 0] * (rho - x[..., 2]) - x[..., 1]
    out[..., 2] = x[..., 0] * x[..., 1] - beta * x[..., 2]
    return out


def lorenz96(t, x, forcing: float = 8.0) -> np.ndarray:
    """Lorenz's ring of n sites, dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F (ECMWF seminar 1996, eq. 1).

    Parameters
    ----------
    t
        Time; unused, the flow is autonomous.
    x : ndarray, shape (..., sites)
    forcing
        F; the ring of 40 sites is chaotic at 8.

    Returns
    -------
    ndarray, shape (..., sites)
    """
    return (np.roll(x, -1, -1) - np.roll(x, 2, -1)) * np.roll(x, 1, -1) - x + forcing
