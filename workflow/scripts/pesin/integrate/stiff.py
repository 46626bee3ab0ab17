"""Ensembles of small stiff ODEs, every member with its own step: Rosenbrock steps, output times, a stopping event.

Vectorised over members: thousands of integrations cost little more than the one with the most steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pesin.door import finite, numbers

_D, _E32 = 1 / (2 + np.sqrt(2)), 6 + np.sqrt(2)  # coefficients of the L-stable pair of Shampine and Reichelt


class EnsembleRun(NamedTuple):
    """Result of `stiff_ensemble`.

    Attributes
    ----------
    states : ndarray, shape (member, time, dim)
        After its event a member stays where it stopped; NaN from the time on at which it failed.
    event_time : ndarray, shape (member,)
        inf where the event did not come.
    steps : ndarray of int, shape (member,)
        Accepted steps.
    """

    states: np.ndarray
    event_time: np.ndarray
    steps: np.ndarray


def stiff_ensemble(
    rate: Callable,
    y0,
    times,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    limit: Callable | None = None,
    project: Callable | None = None,
    event: Callable | None = None,
    jacobian: Callable | None = None,
    max_steps: int = 100_000,
) -> EnsembleRun:
    """Integrate dy/dt = rate(y), member by member with its own step, by the Rosenbrock pair of order 2(3) "ode23s".

    Source: Shampine and Reichelt, SIAM J. Sci. Comput. 18, 1 (1997), for autonomous systems.

    Parameters
    ----------
    rate
        f(y, member) -> dy/dt, for y of shape (n, dim) and the indices `member` of these members, shape (n,).
    y0 : array_like, shape (member, dim)
        States at times[0].
    times : array_like, shape (time,)
        Rising output times.
    rtol, atol
        Tolerances of each component; atol may be an array of shape (dim,).
    limit
        f(y, dy/dt, member) -> largest step, shape (n,): keeps narrow features from being stepped over, which no error
        estimate can do that never saw them.
    project
        f(y) -> y, applied after each step (bounds that a state must keep to).
    event
        f(y, member) -> number; when it falls from above 0 to 0 or below, the member stops there.
    jacobian
        f(y, member) -> d rate / d y, shape (n, dim, dim); default: one-sided differences over 1e-7 of each component,
        too coarse where the rate has features as narrow as that.
    max_steps
        Accepted and rejected steps after which a member counts as failed.

    Returns
    -------
    EnsembleRun
    """
    y, times = numbers(y0, "y0").copy(), finite(times, "times")
    count, dim = y.shape
    out = np.full((count, times.size, dim), np.nan)
    out[:, 0] = y
    t, cursor = np.full(count, times[0]), np.ones(count, int)
    event_time, steps, tries = np.full(count, np.inf), np.zeros(count, int), np.zeros(count, int)
    alive = np.arange(count)
    f = rate(y, alive)
    with np.errstate(divide="ignore", invalid="ignore"):
        h = np.nan_to_num(1e-4 * ((np.abs(y) + atol) / np.abs(f)).min(1), nan=np.inf)
    h = np.minimum(h, times[-1] - times[0])
    while alive.size:
        step = np.minimum(h[alive], times[-1] - t[alive])
        if limit is not None:
            step = np.minimum(step, limit(y[alive], f[alive], alive))
        start = y[alive]
        k1, k2, f2, error = _rosenbrock(rate, jacobian, start, f[alive], step, alive)
        new = start + step[:, None] * k2
        scale = atol + rtol * np.maximum(np.abs(start), np.abs(new))
        ratio = np.nan_to_num((np.abs(error) / scale).max(1), nan=1e9, posinf=1e9)
        good = ratio <= 1
        tries[alive] += 1
        h[alive] = step * np.clip(0.8 * np.maximum(ratio, 1e-12) ** (-1 / 3), 0.2, 5)
        moved = alive[good]
        if moved.size:
            piece = (start[good], step[good], k1[good], k2[good])
            stopped = np.zeros(moved.size, bool)
            reach = t[moved] + step[good]
            if event is not None:
                stopped, share = _crossing(event, piece, new[good], moved)
                reach = np.where(stopped, t[moved] + share * step[good], reach)
                event_time[moved[stopped]] = reach[stopped]
            _write(out, times, cursor, t, moved, piece, reach)
            last = np.where(stopped[:, None], _inside(piece, (reach - t[moved]) / step[good]), new[good])
            y[moved], f[moved] = last, f2[good]
            if project is not None:
                y[moved] = project(last)
                changed = moved[(y[moved] != last).any(1)]
                if changed.size:
                    f[changed] = rate(y[changed], changed)
            t[moved], steps[moved] = reach, steps[moved] + 1
            for member in moved[stopped]:
                out[member, cursor[member] :] = y[member]
        ended = (t[alive] >= times[-1]) | np.isfinite(event_time[alive]) | (tries[alive] >= max_steps)
        alive = alive[~ended & np.isfinite(y[alive]).all(1)]
    return EnsembleRun(out, event_time, steps)


def _differences(rate, y, f, member):
    dim = y.shape[1]
    shifted = y + np.eye(dim)[:, None] * (1e-7 * np.maximum(np.abs(y), 1e-8))  # (component shifted, n, dim)
    rates = rate(shifted.reshape(-1, dim), np.tile(member, dim)).reshape(shifted.shape)
    return np.moveaxis((rates - f) / (shifted - y).sum(2, keepdims=True), 0, 2)


def _rosenbrock(rate, jacobian, y, f, step, member):
    """Slopes k1 and k2, the rate at the new state, and the error estimate. Shapes (n, dim)."""
    h = step[:, None]
    matrix = _differences(rate, y, f, member) if jacobian is None else jacobian(y, member)
    inverse = np.linalg.inv(np.eye(y.shape[1]) - _D * h[..., None] * np.nan_to_num(matrix))

    def solved(right):
        return (inverse @ right[..., None])[..., 0]

    k1 = solved(f)
    f1 = rate(y + h / 2 * k1, member)
    k2 = solved(f1 - k1) + k1
    f2 = rate(y + h * k2, member)
    k3 = solved(f2 - _E32 * (k2 - f1) - 2 * (k1 - f))
    return k1, k2, f2, h / 6 * (k1 - 2 * k2 + k3)


def _inside(piece, share):
    """States inside a step: the pair's own interpolant of order 2."""
    y, step, k1, k2 = piece
    s = share[:, None]
    return y + step[:, None] * (s * (1 - s) / (1 - 2 * _D) * k1 + s * (s - 2 * _D) / (1 - 2 * _D) * k2)


def _crossing(event, piece, new, member):
    """Which members cross the event in this step, and at which share of it (bisection)."""
    crossed = (event(piece[0], member) > 0) & (event(new, member) <= 0)
    low, high = np.zeros(member.size), np.ones(member.size)
    if crossed.any():
        for _ in range(40):
            middle = (low + high) / 2
            before = event(_inside(piece, middle), member) > 0
            low, high = np.where(before, middle, low), np.where(before, high, middle)
    return crossed, high


def _write(out, times, cursor, t, moved, piece, reach) -> None:
    """Fill in the output times that the steps have passed."""
    while True:
        due = (cursor[moved] < times.size) & (times[np.minimum(cursor[moved], times.size - 1)] <= reach)
        if not due.any():
            return
        who = moved[due]
        share = (times[cursor[who]] - t[who]) / piece[1][due]
        out[who, cursor[who]] = _inside(tuple(part[due] for part in piece), share)
        cursor[who] += 1
