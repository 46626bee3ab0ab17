"""Chaotic maps x' = f(x), with the state on the last axis: leading axes are a batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pesin.door import unmasked


def logistic(x, r: float = 4.0) -> np.ndarray:
    """x' = r x (1 - x) on [0, 1], r <= 4; at r = 4 the Lyapunov exponent is ln 2. x has shape (..., 1).

    Rounding takes |x - 1/2| < 7e-9 to exactly 1, and so to the fixed point 0 for ever: at r = 4 one orbit in some
    thousand within 1e5 steps. Such a value becomes the largest double below 1, from where the orbit leaves 0 again.
    """
    return np.minimum(r * x * (1 - x), 1 - 2.0**-53)


def henon(x, a: float = 1.4, b: float = 0.3) -> np.ndarray:
    """x' = 1 - a x^2 + y, y' = b x (Henon 1976); exponents 0.4192 and ln b - 0.4192. x has shape (..., 2)."""
    return np.stack([1 - a * x[..., 0] ** 2 + x[..., 1], b * x[..., 0]], -1)


def skew_tent(x, a: float = 0.1847) -> np.ndarray:
    """x' = x / a below a, (1 - x) / (1 - a) above; exponent -a ln a - (1 - a) ln(1 - a). x has shape (..., 1).

    The symmetric map, a = 1/2, collapses to 0 within 53 iterations in binary floating point: each one shifts a bit out.
    """
    return np.where(np.real(x) < a, x / a, (1 - x) / (1 - a))


def iterate(step: Callable, x0, length: int, discard: int = 0, args: tuple = ()) -> np.ndarray:
    """Orbit of a map.

    Parameters
    ----------
    step
        f(x, *args) -> x'.
    x0 : array_like, shape (..., dim)
        May be complex (complex-step tangents).
    length
        Points to keep.
    discard
        Iterations before the first kept point.

    Returns
    -------
    ndarray, shape (..., length, dim)
    """
    x = unmasked(x0, "x0").copy()
    x = x.astype(np.result_type(x, float))
    for _ in range(discard):
        x = step(x, *args)
    orbit = np.empty((length, *x.shape), x.dtype)
    for i in range(length):
        orbit[i] = x
        x = step(x, *args)
    return np.moveaxis(orbit, 0, -2)
