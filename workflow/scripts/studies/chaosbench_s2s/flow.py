"""The surrogate atmosphere: Phillips' two layers of quasi-geostrophic flow on a doubly periodic square.

    q1_t + J(psi1, q1) + U q1_x + (beta + 2 F U) psi1_x = 0,    q1 = lap psi1 + F (psi2 - psi1)
    q2_t + J(psi2, q2) - U q2_x + (beta - 2 F U) psi2_x = -r lap psi2,    q2 = lap psi2 + F (psi1 - psi2)

The side is 8 pi, a day one unit of time. Fields have shape (..., layer, y, x), their modes (`numpy.fft.rfft2`)
(..., layer, points, points // 2 + 1). Pseudo-spectral, by Runge and Kutta's method of order 4, with an exponential
filter of the highest wave numbers in place of viscosity. N. A. Phillips, Tellus 6, 273 (1954).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import fft

from pesin.integrate.ode import rk4_step
from pesin.integrate.pseudospectral import wavenumbers

SIDE = 8 * np.pi
CHANNELS = ("psi1", "psi2", "q1", "q2", "u1", "u2", "v1", "v2")
TOGETHER = 12
"""Runs stepped at once: more don't fit the processor's cache."""
Advance = Callable[[np.ndarray, np.ndarray | float], np.ndarray]


def waves(points: int) -> tuple[np.ndarray, np.ndarray]:
    """k and l of each mode, shape (points, points // 2 + 1)."""
    k, l = np.meshgrid(wavenumbers(points, SIDE), 2 * np.pi / SIDE * np.fft.fftfreq(points, 1 / points))
    return k, l


def cutoff(points: int) -> np.ndarray:
    """The filter of each step: 1 up to 0.65 of the grid's largest wave number, then exp(-23.6 (k dx - 0.65 pi)^4)."""
    above = np.maximum(np.hypot(*waves(points)) * SIDE / points - 0.65 * np.pi, 0)
    return np.exp(-23.6 * above**4)


def vorticity(psi: np.ndarray, coupling: float) -> np.ndarray:
    """Modes of the potential vorticities q from those of the stream functions psi."""
    k, l = waves(psi.shape[-2])
    return -(k**2 + l**2) * psi + coupling * (psi[..., ::-1, :, :] - psi)


def inversion(points: int, coupling: float) -> tuple[np.ndarray, np.ndarray]:
    """a, b with psi1 = a q1 + b q2 and psi2 = a q2 + b q1, mode by mode; psi has no mean."""
    k, l = waves(points)
    own = -(k**2 + l**2 + coupling)
    whole = own**2 - coupling**2
    whole[0, 0] = np.inf
    return own / whole, -coupling / whole


def to_modes(psi: np.ndarray, coupling: float) -> np.ndarray:
    """Modes of q of stream functions, in complex64."""
    return vorticity(fft.rfft2(np.asarray(psi, float)), coupling).astype(np.complex64)


def to_psi(modes: np.ndarray, coupling: float) -> np.ndarray:
    """Stream functions of modes of q."""
    a, b = inversion(modes.shape[-2], coupling)
    return fft.irfft2(a * modes + b * modes[..., ::-1, :, :], s=[modes.shape[-2]] * 2)


def channels(psi: np.ndarray, coupling: float) -> np.ndarray:
    """All of `CHANNELS`, shape (..., channel, y, x), in float32: psi, q, u = -psi_y and v = psi_x of both layers."""
    k, l = waves(psi.shape[-1])
    hat = fft.rfft2(np.asarray(psi, np.float32))
    others = np.concatenate([vorticity(hat, coupling), -1j * l * hat, 1j * k * hat], -3)
    return np.concatenate([psi, fft.irfft2(others, s=psi.shape[-2:])], -3).astype(np.float32)


def model(
    points: int,
    coupling: float,
    beta: float,
    friction: float,
    steps: int,
    advection: bool = True,
    filtered: bool = True,
    precision: Any = np.float32,
) -> Advance:
    """Return the function that takes modes of q (runs, layer, ...) and U (runs,) one day further.

    `steps` Runge-Kutta steps a day, in float32 or float64 (`precision`). advection: with the terms J. filtered: with
    the filter, without which energy and enstrophy are conserved.
    """
    k, l = waves(points)
    complex_ = np.result_type(precision, np.complex64)
    ik, il = (1j * k).astype(complex_), (1j * l).astype(complex_)
    a, b = inversion(points, coupling)
    kept = cutoff(points) if filtered else np.ones_like(k)
    a, b, drag, kept, sign = (
        np.asarray(part, precision) for part in (a, b, friction * (k**2 + l**2), kept, np.array([[[1]], [[-1]]]))
    )

    def rates(_, q, shear):
        psi = a * q + b * q[:, ::-1]
        psi_x, q_x = ik * psi, ik * q
        found = -(beta + 2 * coupling * sign * shear) * psi_x - sign * shear * q_x
        if advection:
            field = fft.irfft2(np.stack([psi_x, il * psi, il * q, q_x]), s=(points, points), overwrite_x=True)
            found -= fft.rfft2(field[0] * field[2] - field[1] * field[3])
        found[:, 1] += drag * psi[:, 1]
        return found

    def some(q, shear):
        for _ in range(steps):
            q = kept * rk4_step(rates, 0.0, q, precision(1 / steps), (shear,))
        return q

    def advance(modes, shear):
        shear = np.broadcast_to(np.asarray(shear, precision), len(modes))[:, None, None, None]
        parts = range(0, len(modes), TOGETHER)
        with np.errstate(over="ignore", invalid="ignore"):  # a run that overflows is a result
            return np.concatenate([some(modes[i : i + TOGETHER], shear[i : i + TOGETHER]) for i in parts])

    return advance
