"""Tangent dynamics of any integrator by the complex step: finite-time Lyapunov exponents and SALI.

A state x with an infinitesimal deviation w travels as the complex number x + i h w, h = 1e-30: any analytic integrator
then moves the deviation by the exact tangent map of its own discrete step (squares of h are below rounding), with no
Jacobian written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pesin.door import numbers

H = 1e-30


class Tangents(NamedTuple):
    """What `follow_tangents` returns."""

    path: np.ndarray
    """Trajectory, shape (..., 1 + intervals x samples, dim)."""
    growth: np.ndarray
    """ln of the growth of each deviation over each interval, shape (..., vectors, intervals)."""
    sali: np.ndarray
    """Smaller alignment index min |w1 -+ w2| of the first two deviations after each interval, (..., intervals)."""


def follow_tangents(advance: Callable, x0, deviations, intervals: int) -> Tangents:
    """Integrate a batch with deviation vectors, each scaled back to unit length after each interval.

    Parameters
    ----------
    advance
        f(z, n) -> path of shape (..., vectors, 1 + samples, dim): interval number n (from 0) of the integration, from
        complex states z of shape (..., vectors, dim). The path's first state is z. A field that depends on time takes
        its clock from n.
    x0 : array_like, shape (..., dim)
    deviations : array_like, shape (..., vectors, dim)
        Start directions, at least two for SALI; they needn't be of unit length.
    intervals
        Number of intervals. In each the deviations must grow by less than about 1e10.

    Returns
    -------
    Tangents
        NaN from where a member blew up.
    """
    x = numbers(x0, "x0")
    w = _unit(numbers(deviations, "deviations"))[0]
    pieces, growth, sali = [x[..., None, :]], [], []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for n in range(intervals):
            path = advance(x[..., None, :] + 1j * H * w, n)
            pieces.append(path[..., 0, 1:, :].real)
            x = path[..., 0, -1, :].real
            w, length = _unit(path[..., -1, :].imag / H)
            growth.append(np.log(length))
            first, second = w[..., 0, :], w[..., -1, :]
            sali.append(np.minimum(_length(first + second), _length(first - second)))
    return Tangents(np.concatenate(pieces, -2), np.stack(growth, -1), np.stack(sali, -1))


def finite_time_exponent(growth, interval: float) -> np.ndarray:
    """Finite-time Lyapunov exponent [1 / time] from `Tangents.growth` of one vector, (..., intervals) -> (...)."""
    return np.asarray(growth).mean(-1) / interval


def _length(w) -> np.ndarray:
    return np.sqrt((w**2).sum(-1))


def _unit(w) -> tuple[np.ndarray, np.ndarray]:
    length = _length(w)
    return w / length[..., None], length
