"""Ordinary differential equations over a batch: fixed-step Runge-Kutta, and scipy's adaptive solvers at given times.

States have shape (..., dim), leading axes are a batch; trajectories have shape (..., time, dim).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

from pesin.door import finite, numbers, unmasked


def rk4_step(rhs: Callable, t: float, x: np.ndarray, dt: float, args: tuple = ()) -> np.ndarray:
    """One classical Runge-Kutta step of order 4; x and the result have shape (..., dim)."""
    k1 = rhs(t, x, *args)
    k2 = rhs(t + dt / 2, x + dt / 2 * k1, *args)
    k3 = rhs(t + dt / 2, x + dt / 2 * k2, *args)
    k4 = rhs(t + dt, x + dt * k3, *args)
    return x + dt / 6 * (k1 + 2 * (k2 + k3) + k4)


def rk4(rhs: Callable, x0, dt: float, steps: int, every: int = 1, t0=0.0, args: tuple = ()) -> np.ndarray:
    """Integrate a batch with a fixed step.

    Parameters
    ----------
    rhs
        f(t, x, *args) -> dx/dt, for x of shape (..., dim).
    x0 : array_like, shape (..., dim)
        May be complex (complex-step tangents).
    dt
        Step, in units of time.
    steps
        Number of steps.
    every
        Steps between two stored states; `steps` must be a multiple of it.
    t0
        Time of x0; or an array that broadcasts against (...), for members that are at times of their own.

    Returns
    -------
    ndarray, shape (..., 1 + steps / every, dim)
        States at t0, t0 + every dt, ... A member that blows up turns to inf or NaN; the others are not touched.

    Raises
    ------
    ValueError
        If `steps` is not a multiple of `every`.
    """
    if steps % every:
        raise ValueError(f"steps ({steps}) must be a multiple of every ({every})")
    x = unmasked(x0, "x0").copy()
    x = x.astype(np.result_type(x, float))
    path = np.empty((1 + steps // every, *x.shape), x.dtype)
    path[0] = x
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(steps):
            x = rk4_step(rhs, t0 + i * dt, x, dt, args)
            if (i + 1) % every == 0:
                path[(i + 1) // every] = x
    return np.moveaxis(path, 0, -2)


def solve(
    rhs: Callable, x0, times, args: tuple = (), method: str = "DOP853", rtol: float = 1e-10, atol: float = 1e-12
) -> np.ndarray:
    """Integrate each member of a batch by itself with an adaptive solver of scipy.

    Parameters
    ----------
    rhs
        f(t, x, *args) -> dx/dt, for x of shape (..., dim).
    x0 : array_like, shape (..., dim)
        States at times[0].
    times : array_like, shape (time,)
        Increasing output times.
    method
        DOP853 (smooth), LSODA (stiff), or another name scipy knows.

    Returns
    -------
    ndarray, shape (..., time, dim)
        NaN from the time on at which a member's integration failed.
    """
    x0, times = numbers(x0, "x0"), finite(times, "times")
    out = np.full((x0[..., 0].size, times.size, x0.shape[-1]), np.nan)
    for member, start in enumerate(x0.reshape(-1, x0.shape[-1])):
        run = solve_ivp(rhs, times[[0, -1]], start, method, times, args=args, rtol=rtol, atol=atol)
        out[member, : run.y.shape[1]] = run.y.T
    return out.reshape(*x0.shape[:-1], *out.shape[1:])


def solve_together(
    rhs: Callable, x0, times, args: tuple = (), method: str = "DOP853", rtol: float = 1e-10, atol: float = 1e-12
) -> np.ndarray:
    """Integrate a whole batch as one system with a common adaptive step: far faster where the members are alike.

    Same arguments and result as `solve`. scipy controls the root mean square of the error over all components, so the
    tolerances are divided by sqrt(members): no single member's error estimate can exceed them. All members are NaN
    from the time on at which the common integration failed.
    """
    x0, times = unmasked(x0, "x0"), finite(times, "times")
    x0 = x0.astype(np.result_type(x0, float))
    tighter = np.sqrt(max(x0[..., 0].size, 1))

    def flat(t, y):
        return rhs(t, y.reshape(x0.shape), *args).ravel()

    run = solve_ivp(
        flat, times[[0, -1]], x0.ravel(), method, times, rtol=max(rtol / tighter, 3e-14), atol=atol / tighter
    )
    out = np.full((times.size, x0.size), np.nan, x0.dtype)
    out[: run.y.shape[1]] = run.y.T
    return np.moveaxis(out.reshape(times.size, *x0.shape), 0, -2)
