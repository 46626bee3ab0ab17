"""Symplectic integration of H = p^2/2 + Phi(x) in fixed steps: order 4, also in a rotating frame, and the leapfrog."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pesin.door import unmasked

# Forest and Ruth (Physica D 43, 105, 1990) and Yoshida (Phys. Lett. A 150, 262, 1990): three leapfrogs.
_OUTER = 1 / (2 - 2 ** (1 / 3))
KICKS = (_OUTER, 1 - 2 * _OUTER, _OUTER)
DRIFTS = (_OUTER / 2, (1 - _OUTER) / 2, (1 - _OUTER) / 2, _OUTER / 2)


def yoshida4(
    acceleration: Callable, y0, dt: float, steps: int, every: int = 1, rotation: float = 0.0, args: tuple = ()
) -> np.ndarray:
    """Integrate a batch of orbits.

    The drift is solved exactly in the rotating frame too, since p^2/2 and the angular momentum commute: a straight
    line, then a turn of position and momentum. The Jacobi integral p^2/2 + Phi - rotation L_z is conserved up to
    dt^4, with no drift.

    Parameters
    ----------
    acceleration
        f(x, *args) -> -grad Phi(x), for x of shape (..., dim).
    y0 : array_like, shape (..., 2 dim)
        Positions, then momenta. In a rotating frame both in its axes, the momenta being the velocities as seen from
        the frame at rest. May be complex (complex-step tangents).
    dt
        Step, in units of time.
    steps
        Number of steps.
    every
        Steps between two stored states; `steps` must be a multiple of it.
    rotation
        Angular speed of the frame about z, in the x-y plane.

    Returns
    -------
    ndarray, shape (..., 1 + steps / every, 2 dim)

    Raises
    ------
    ValueError
        If `steps` is not a multiple of `every`.
    """
    if steps % every:
        raise ValueError(f"steps ({steps}) must be a multiple of every ({every})")
    y = unmasked(y0, "y0")
    path = np.empty((1 + steps // every, *y.shape), np.result_type(y, float))
    path[0] = y
    y = path[0].reshape(*y.shape[:-1], 2, y.shape[-1] // 2)
    # In memory components come first: the sums over them then run along whole batches.
    y = np.moveaxis(np.moveaxis(y, (-2, -1), (0, 1)).copy(), (0, 1), (-2, -1))
    x, p = y[..., 0, :], y[..., 1, :]
    drifts = [(weight * dt, rotation * weight * dt) for weight in DRIFTS]
    kicks = [weight * dt for weight in KICKS]
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(1, steps + 1):
            _drift(y, x, p, *drifts[0])
            for kick, drift in zip(kicks, drifts[1:], strict=True):
                p += kick * acceleration(x, *args)
                _drift(y, x, p, *drift)
            if i % every == 0:
                path[i // every] = y.reshape(path.shape[1:])
    return np.moveaxis(path, 0, -2)


def leapfrog(acceleration: Callable, x, v, dt: float, steps: int, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Kick, drift, kick (Verlet's method, order 2): one call of the acceleration a step, and one at the start.

    It is reversible, and the energy errs by dt^2 without a drift while the forces are smooth on the scale of dt.

    Parameters
    ----------
    acceleration
        f(x) for x of shape (..., dim); it may look at all bodies of a copy. It must not keep x: that moves on in place.
    x, v : array_like, shape (..., dim)
        Positions and velocities; not changed.
    dt
        Step, in units of time; negative runs backwards.
    steps
        Number of steps, 1 or more.
    every
        Steps between two stored states; `steps` must be a multiple of it.

    Returns
    -------
    (x, v)
        Both of shape (1 + steps / every, ..., dim): time comes first here, so that the last state is `x[-1]`.

    Raises
    ------
    ValueError
        If `steps` isn't a positive multiple of `every`, or the shapes differ.
    """
    x, v = np.array(unmasked(x, "x"), float), np.array(unmasked(v, "v"), float)
    if every < 1 or steps < 1 or steps % every:
        raise ValueError(f"steps ({steps}) must be a positive multiple of every ({every})")
    if x.shape != v.shape:
        raise ValueError(f"x and v must have one shape, they have {x.shape} and {v.shape}")
    paths = np.empty((2, 1 + steps // every, *x.shape))
    paths[:, 0] = x, v
    pull = acceleration(x)
    for i in range(1, steps + 1):
        v += dt / 2 * pull
        x += dt * v
        pull = acceleration(x)
        v += dt / 2 * pull
        if i % every == 0:
            paths[:, i // every] = x, v
    return paths[0], paths[1]


def _drift(y: np.ndarray, x: np.ndarray, p: np.ndarray, dt: float, angle: float) -> None:
    """Move in place: x on a straight line, then x and p (both views of y) as seen from axes that turned by `angle`."""
    x += dt * p
    if angle:
        cosine, sine = np.cos(angle), np.sin(angle)
        first = y[..., 0].copy()
        y[..., 0] = cosine * first + sine * y[..., 1]
        y[..., 1] = cosine * y[..., 1] - sine * first
