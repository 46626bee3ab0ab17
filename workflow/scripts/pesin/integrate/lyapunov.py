"""Lyapunov spectrum of a map from its Jacobians, batched, and the Kaplan-Yorke dimension."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pesin.door import numbers


def lyapunov_spectrum(jacobians: Iterable[np.ndarray], dt: float = 1.0, skip: int = 0) -> np.ndarray:
    """All Lyapunov exponents along orbits of a map, by QR decomposition at every step.

    Parameters
    ----------
    jacobians : iterable over time of ndarray, shape (..., dim, dim)
        Jacobians of the map at the states of the orbit, the first first; an array (time, ..., dim, dim) will do.
    dt
        Time of one step; 1 gives exponents per step.
    skip
        First steps that turn the frame but don't count.

    Returns
    -------
    ndarray, shape (..., dim)
        Exponents, largest first, in nats per unit of time. -inf where the map is singular; NaN where a Jacobian isn't
        finite.

    Raises
    ------
    ValueError
        If no more than `skip` Jacobians are given.

    References
    ----------
    Benettin, Galgani, Giorgilli and Strelcyn, Meccanica 15, 9 (1980); Eckmann and Ruelle, RMP 57, 617 (1985).
    """
    frame, total, counted = None, 0.0, 0
    for t, jacobian in enumerate(jacobians):
        jacobian = numbers(jacobian, "jacobian")
        if frame is None:
            bad = np.zeros(jacobian.shape[:-2], bool)
            frame = np.broadcast_to(np.eye(jacobian.shape[-1]), jacobian.shape)
        bad |= ~np.isfinite(jacobian).all((-2, -1))
        frame, r = np.linalg.qr(np.where(bad[..., None, None], 0.0, jacobian) @ frame)
        if t >= skip:
            with np.errstate(divide="ignore"):
                total = total + np.log(np.abs(np.diagonal(r, axis1=-2, axis2=-1)))
            counted += 1
    if not counted:
        raise ValueError(f"no Jacobian is left after skipping {skip}")
    exponents = np.where(bad[..., None], np.nan, total / (counted * dt))
    return -np.sort(-exponents, axis=-1)


def kaplan_yorke_dimension(exponents) -> np.ndarray:
    """Kaplan-Yorke dimension k + (l_1 + ... + l_k)/|l_{k+1}|, k the last with a sum that isn't negative.

    Parameters
    ----------
    exponents : array_like, shape (..., dim)
        Lyapunov exponents in any order.

    Returns
    -------
    ndarray, shape (...)
        0 if all exponents are negative, dim if their sum isn't; NaN where an exponent is NaN.
    """
    exponents = -np.sort(-numbers(exponents, "exponents"), axis=-1)
    dim = exponents.shape[-1]
    sums = np.cumsum(exponents, axis=-1)
    k = (sums >= 0).sum(-1)
    padded_sum = np.concatenate([np.zeros_like(sums[..., :1]), sums], -1)
    padded_next = np.concatenate([exponents, np.full_like(sums[..., :1], -np.inf)], -1)
    at = np.take_along_axis(padded_sum, k[..., None], -1)[..., 0]
    ahead = np.take_along_axis(padded_next, k[..., None], -1)[..., 0]
    dimension = k + at / np.abs(ahead)
    return np.where(np.isnan(exponents).any(-1), np.nan, np.minimum(dimension, dim))


def map_orbit_jacobians(jacobian, orbit: np.ndarray, chunk: int = 1000):
    """Yield Jacobians along an orbit, evaluated in chunks of time to bound the memory.

    Parameters
    ----------
    jacobian
        states (..., time, dim) -> Jacobians (..., time, dim, dim).
    orbit : ndarray, shape (..., time, dim)
    chunk
        Steps evaluated together.

    Yields
    ------
    ndarray, shape (..., dim, dim)
    """
    for first in range(0, orbit.shape[-2], chunk):
        block = np.asarray(jacobian(orbit[..., first : first + chunk, :]))
        yield from np.moveaxis(block, -3, 0)


def jacobian_by_differences(advance, x: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Jacobians of a map by central differences, all states at once.

    Parameters
    ----------
    advance
        states (..., dim) -> states one step later, same shape; any number of leading axes.
    x : ndarray, shape (..., dim)
    step
        Half the distance of the two states compared, in units of the state.

    Returns
    -------
    ndarray, shape (..., dim, dim)
        Row i, column j: derivative of the new x_i with respect to the old x_j; exact to about step**2.
    """
    shift = step * np.eye(x.shape[-1])
    ahead, behind = advance(x[..., None, :] + shift), advance(x[..., None, :] - shift)
    return np.swapaxes(ahead - behind, -1, -2) / (2 * step)
