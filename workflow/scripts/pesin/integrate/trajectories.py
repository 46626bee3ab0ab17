"""Trajectories of any system from given starts at given times, by the engine that fits it.

heyoka integrates smooth flows; scipy those with kinks and jumps, and everything where heyoka is absent; delay equations
and maps have their own. A start that blows up or stalls is a failed trajectory with its reason; the others go on.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import warnings
from typing import NamedTuple

import numpy as np

from pesin.door import finite, numbers
from pesin.errors import UserError
from pesin.integrate import taylor
from pesin.integrate.delay import solve_delay
from pesin.integrate.system import System

# Below it, a solver that steps over kinks and slides along jumps spends its time on steps without end.
KINKED = 1e-9
ENGINES = ("auto", "heyoka", "lsoda", "dop853")


class Trajectories(NamedTuple):
    """What `integrate` returns."""

    x: np.ndarray
    """States, shape (starts, time, dim); NaN from the failure on."""
    reason: list[str]
    """Why each start failed; empty if it didn't."""
    engine: str
    """What integrated: heyoka, lsoda, dop853, runge-kutta (delay), iteration (map)."""


def integrate(
    system: System,
    x0,
    times,
    engine: str = "auto",
    tolerance: float = 1e-12,
    max_steps: int = 1_000_000,
    seconds: float = 120.0,
) -> Trajectories:
    """Integrate a batch of starts.

    Parameters
    ----------
    system
        From `pesin.systems.zoo`.
    x0 : array_like, shape (starts, dim)
        States at times[0]; of a delay system the values of constant histories.
    times : array_like, shape (time,)
        Increasing, in the model's time; whole numbers of steps for a map.
    engine
        auto, heyoka, lsoda or dop853 (flows only).
    tolerance
        Relative error of a step; also the absolute one, in units of `System.size` with scipy. With lsoda chosen by
        itself not below 1e-9.
    max_steps, seconds
        Bounds for each start: steps (with scipy a twentieth of the evaluations of the field) and processor time.

    Raises
    ------
    UserError
        If the shapes or the engine's name are wrong, or heyoka was asked for and can't do it.
    """
    x0, times = numbers(x0, "x0"), finite(times, "times")
    if x0.ndim != 2 or x0.shape[-1] != system.dim:
        raise UserError(f"{system.name}: starts have shape (starts, {system.dim}), not {x0.shape}.")
    if times.ndim != 1 or times.size < 2 or not (np.diff(times) > 0).all():
        raise UserError(f"{system.name}: times must be an increasing series of at least two.")
    if engine not in ENGINES:
        raise UserError(f"There is no engine '{engine}'. Known: {', '.join(ENGINES)}.")
    if system.kind == "map":
        return _finish(_iterate(system, x0, times), [""] * len(x0), "iteration", times)
    if system.kind == "delay":
        path = solve_delay(system.components, system.delay, system.period, x0[:, 0], times)[..., None]
        return _finish(path, [""] * len(x0), "runge-kutta", times)
    chosen = choose(system, tolerance) if engine == "auto" else engine
    if engine == "auto" and chosen == "lsoda":
        tolerance = max(tolerance, KINKED)
    paths, reasons = [], []
    for start in x0:
        if chosen == "heyoka":
            path, reason = _heyoka(system, start, times, tolerance, max_steps)
        else:
            path, reason = _scipy(system, start, times, tolerance, chosen, max_steps, seconds)
        paths.append(path)
        reasons.append(reason)
    return _finish(np.array(paths), reasons, chosen, times)


def choose(system: System, tolerance: float = 1e-12) -> str:
    """heyoka if it is there and the field is smooth, else lsoda."""
    if not taylor.HERE:
        return "lsoda"
    try:
        taylor.engine(system, tolerance)
    except taylor.NotSmooth:
        return "lsoda"
    return "heyoka"


def _finish(x: np.ndarray, reasons: list[str], engine: str, times: np.ndarray) -> Trajectories:
    """NaN from the first number that isn't finite on, with a reason."""
    good = np.logical_and.accumulate(np.isfinite(x).all(-1), axis=1)
    x = np.where(good[..., None], x, np.nan)
    for i, row in enumerate(good):
        if not row.all() and not reasons[i]:
            reasons[i] = f"not finite from t = {times[row.argmin()]:.6g} on"
    return Trajectories(x, reasons, engine)


def _iterate(system: System, x0: np.ndarray, times: np.ndarray) -> np.ndarray:
    steps = np.rint(times - times[0]).astype(int)
    path = np.empty((steps[-1] + 1, *x0.shape))
    path[0] = x0
    with np.errstate(all="ignore"):
        for n in range(steps[-1]):
            path[n + 1] = system.rhs(times[0] + n, path[n])
    return np.moveaxis(path[steps], 0, 1)


def _heyoka(system: System, start, times, tolerance: float, max_steps: int) -> tuple[np.ndarray, str]:
    import heyoka

    try:
        integrator = taylor.engine(system, tolerance)
    except taylor.NotSmooth as error:
        raise UserError(f"{system.name}: heyoka can't integrate it: {error}.") from None
    path = np.full((times.size, system.dim), np.nan)
    if not np.isfinite(start).all():
        return path, "the start isn't finite"
    integrator.time = times[0]
    integrator.state[:] = start
    outcome, *_, done = integrator.propagate_grid(times, max_steps=max_steps)
    path[: len(done)] = done
    if outcome == heyoka.taylor_outcome.time_limit:
        return path, ""
    if outcome == heyoka.taylor_outcome.step_limit:
        return path, f"stalled: {max_steps} steps took it to t = {integrator.time:.6g} only"
    return path, f"not finite at t = {integrator.time:.6g}"


def _scipy(system: System, start, times, tolerance, method: str, max_steps: int, seconds: float):
    from scipy.integrate import odeint, solve_ivp

    calls, absolute = 0, tolerance * system.size
    last = times[0]

    def rhs(t, x):
        nonlocal calls, last
        calls, last = calls + 1, t
        if calls > 20 * max_steps:
            raise _Stalled(f"stalled: {20 * max_steps} evaluations took it to t = {t:.6g} only")
        return np.asarray(system.components(t, x), float)

    path = np.full((times.size, system.dim), np.nan)
    if not np.isfinite(start).all():
        return path, "the start isn't finite"
    try:
        with time_limit(seconds), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if method == "lsoda":
                done, report = odeint(
                    rhs, start, times, rtol=tolerance, atol=absolute, tfirst=True, full_output=True, mxstep=100_000
                )
                # After a failure odeint leaves the rest of its array unwritten.
                reached = np.logical_and.accumulate(report["tcur"] >= times[1:])
                count = 1 + reached.sum()
                path[:count] = done[:count]
                return path, "" if count == times.size else f"not finite, or steps too small, at t = {last:.6g}"
            run = solve_ivp(rhs, times[[0, -1]], start, "DOP853", times, rtol=max(tolerance, 3e-14), atol=absolute)
            path[: run.y.shape[1]] = run.y.T
            return path, "" if run.success else f"{run.message} (t = {last:.6g})"
    except _Stalled as error:
        return path, str(error)
    except TimeoutError:
        return path, f"stalled: {seconds:g} s took it to t = {last:.6g} only"
    except (ArithmeticError, ValueError) as error:
        return path, f"{type(error).__name__} at t = {last:.6g}: {error}"


class _Stalled(Exception):
    pass


@contextlib.contextmanager
def time_limit(seconds: float):
    """Raise TimeoutError in this block after so many seconds of processor time, also inside the caller's own code.

    Processor time, so that a busy machine gives the same result. Needs the main thread and a POSIX system; elsewhere
    the block runs unbounded.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
