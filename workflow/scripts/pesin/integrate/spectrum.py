"""Lyapunov spectra of any system, with standard errors: variational equations, displaced copies, delay lines, maps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.compiled import njit
from pesin.integrate import taylor
from pesin.integrate.delay import DelayLine, points_per_delay
from pesin.integrate.lyapunov import jacobian_by_differences
from pesin.integrate.ode import rk4
from pesin.integrate.system import System
from pesin.integrate.trajectories import choose, integrate

BLOCKS = 32
NATS = 5.0  # mean shear of a frame between two orthonormalisations
LONGER = 5  # times the steps asked for
RANK = 13.0  # most shear in one interval: at more, errors of the integration drown the contracting directions


class Spectrum(NamedTuple):
    """What `lyapunov` returns. Exponents in nats per unit of the model's time, largest first."""

    exponents: np.ndarray
    """Shape (exponents,): dim of a flow or map; as many as asked of a delay system."""
    errors: np.ndarray
    """Standard errors from blocks of the run (or from its members), same shape."""
    covariance: np.ndarray
    """Of the exponents, shape (exponents, exponents): sums and dimensions take their errors from it."""
    divergence: float
    """Mean divergence of the field (ln |det J| of a map) along the same run; NaN where it isn't computed."""
    time: float
    """Time averaged over, all members together."""
    engine: str
    """taylor (variational), copies (displaced, Runge-Kutta), delay line, jacobians."""
    reason: str
    """Why there is no spectrum, or why its run ended early; empty if all went well."""
    growth: float = np.nan
    """Nats by which a displacement grew along the run of one member, on average."""


def lyapunov(
    system: System,
    rng: np.random.Generator,
    target: float = 0.005,
    max_steps: int = 200_000,
    transient: float = 50.0,
    exponents: int = 16,
    engine: str = "auto",
    growth: float = 0.0,
) -> Spectrum:
    """Lyapunov spectrum with standard errors.

    Parameters
    ----------
    system
        From `pesin.systems.zoo`.
    rng
        Generator, for starts.
    target
        Relative standard error of the largest exponent at which the run ends.
    max_steps
        Steps of the integrator at which it ends anyway.
    transient
        Periods (steps / 10 of a map) that turn the frame but don't count.
    exponents
        Number wanted of a delay system, which has infinitely many.
    engine
        auto, taylor or copies, for flows.
    growth
        Nats that displaced copies should be seen to grow: up to `LONGER` times the steps are taken for it.

    References
    ----------
    Benettin, Galgani, Giorgilli and Strelcyn, Meccanica 15, 9 (1980); Farmer, Physica D 4, 366 (1982) for delays.
    """
    if system.kind == "map":
        return _of_map(system, rng, max_steps)
    if system.kind == "delay":
        return _of_delay(system, rng, exponents, max_steps)
    if engine == "auto":
        engine = "taylor" if choose(system) == "heyoka" else "copies"
    if engine == "taylor":
        return _by_taylor(system, target, max_steps, transient)
    return _by_copies(system, rng, max_steps, transient, growth)


def failed(engine: str, size: int, reason: str) -> Spectrum:
    """A spectrum that isn't there."""
    none = np.full(size, np.nan)
    return Spectrum(none, none, np.full((size, size), np.nan), np.nan, 0.0, engine, reason)


@njit()
def _orthonormalise(state, dim, growth, divergence):
    """Modified Gram-Schmidt on the tangent vectors of every member, in place.

    state (dim + dim^2 + 1, members): as `taylor.engine` has it; its last row, the divergence, goes to `divergence`
    (members,) and starts again from 0. growth (members, dim): logarithm of each vector's length on its turn. A numba
    loop, since two dozen calls of NumPy on matrices of three by three take longer than the integration between them.
    """
    for m in range(state.shape[1]):
        for j in range(dim):
            for k in range(j):
                dot = 0.0
                for i in range(dim):
                    dot += state[dim + i * dim + j, m] * state[dim + i * dim + k, m]
                for i in range(dim):
                    state[dim + i * dim + j, m] -= dot * state[dim + i * dim + k, m]
            length = 0.0
            for i in range(dim):
                length += state[dim + i * dim + j, m] ** 2
            length = np.sqrt(length)
            for i in range(dim):
                state[dim + i * dim + j, m] /= length
            growth[m, j] = np.log(length)
        divergence[m] = state[-1, m]
        state[-1, m] = 0.0


def _by_taylor(system: System, target: float, max_steps: int, transient: float, tolerance: float = 1e-9) -> Spectrum:
    """Variational equations with the exact Jacobian; members side by side, each cut into blocks."""
    import heyoka

    dim, members = system.dim, taylor.MEMBERS
    integrator = taylor.engine(system, tolerance, variational=True)
    integrator.set_time(np.zeros(members))
    integrator.state[:] = 0.0
    integrator.state[:dim] = (system.x0 * (1 + 1e-4 * np.arange(members)[:, None])).T
    integrator.state[dim:-1] = np.eye(dim).reshape(-1, 1)
    steps = 0

    def go(interval: float, count: int):
        """Growth (count, members, dim) and divergence (count, members) of so many intervals; None after a failure."""
        nonlocal steps
        growth, divergence = np.empty((count, members, dim)), np.empty((count, members))
        state, ahead, done = integrator.state, np.full(members, interval), heyoka.taylor_outcome.time_limit
        for i in range(count):
            integrator.propagate_for(ahead, max_steps=max_steps)
            reports = integrator.propagate_res
            steps += max([report[3] for report in reports])
            if any([report[0] != done for report in reports]):
                return None
            _orthonormalise(state, dim, growth[i], divergence[i])
        return (growth, divergence) if np.isfinite(growth).all() and np.isfinite(state).all() else None

    def lost() -> str:
        return f"not finite, or stalled, at t = {np.max(integrator.time):.6g}"

    first = go(system.period / 20, 200)
    if first is None:
        return failed("taylor", dim, lost())
    interval = min(system.period, NATS * system.period / 20 / max(_shear(first[0]).mean(), 1e-300))
    growth: list[np.ndarray] = []
    divergence: list[np.ndarray] = []
    settled, reason, shortened = False, "", 0
    while True:
        length = (transient if not settled else 100 / members) * system.period
        part = go(interval, max(BLOCKS, int(np.ceil(length / interval))))
        if part is None:
            reason = f"left the attractor: {lost()}"
            break
        worst = _shear(part[0]).max()
        if worst > RANK:  # a frame sheared further than double precision resolves: what was counted so is lost
            interval *= 0.7 * RANK / worst
            growth, divergence, steps, shortened = [], [], 0, shortened + 1
        elif not settled:
            settled, steps = True, 0
        else:
            growth.append(part[0])
            divergence.append(part[1])
            rates = np.concatenate(growth) / interval
            covariance = _covariance(rates)
            mean = rates.mean((0, 1))
            top = mean.argmax()
            if np.sqrt(covariance[top, top]) < target * abs(mean[top]):
                break
        if steps >= max_steps or shortened > 20:
            break
    if not growth:
        return failed("taylor", dim, reason or "the frame can't be kept apart")
    total = interval * len(rates) * members
    slope = float(np.concatenate(divergence).mean() / interval)
    return _sorted(mean, covariance, slope, total, members, "taylor", reason)


def _shear(growth: np.ndarray) -> np.ndarray:
    """Difference of the largest and smallest logarithmic growth over an interval, (..., exponents) -> (...)."""
    return np.ptp(growth, axis=-1)


def _covariance(rates: np.ndarray) -> np.ndarray:
    """Covariance of the mean of correlated series (time, members, exponents), from BLOCKS blocks of time in all.

    An orbit that is slow to mix stays by itself for longer than a block. Where the means of the members scatter by more
    than blocks say, their scatter is the error.
    """
    times, members, exponents = rates.shape
    each = BLOCKS // members
    blocks = rates[: times // each * each].reshape(each, -1, members, exponents).mean(1).reshape(-1, exponents)
    found = np.atleast_2d(np.cov(blocks.T)) / len(blocks)
    between = np.diagonal(_over_members(rates.mean(0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        wider = np.sqrt(np.maximum(np.nan_to_num(between / np.diagonal(found), nan=1.0, posinf=1.0), 1.0))
    return found * wider[:, None] * wider


def _over_members(rates: np.ndarray) -> np.ndarray:
    """Covariance of the mean over independent members (members, exponents)."""
    return np.atleast_2d(np.cov(rates.T)) / len(rates)


def _sorted(exponents, covariance, divergence, time, members, engine, reason="") -> Spectrum:
    """The spectrum, largest exponent first; time: averaged over, all members together."""
    order = np.argsort(-exponents)
    covariance = covariance[np.ix_(order, order)]
    errors, growth = np.sqrt(np.diagonal(covariance)), float(exponents[order[0]] * time / members)
    return Spectrum(exponents[order], errors, covariance, divergence, float(time), engine, reason, growth)


def _by_copies(
    system: System, rng, max_steps: int, transient: float, wanted: float, members: int = 32, displacement: float = 1e-7
) -> Spectrum:
    """Benettin's displaced copies, which also feel kinks and jumps; members from along one trajectory, on its clock."""
    dim = system.dim
    at = (transient + np.cumsum(rng.uniform(1.0, 3.0, members))) * system.period
    start = integrate(system, system.x0[None], np.concatenate([[0.0], at]), tolerance=1e-9)
    if start.reason[0]:
        return failed("copies", dim, start.reason[0])
    scale = np.ptp(start.x[0], axis=0) / 4 + 1e-300
    x = start.x[0, 1:]
    per_period = _substeps(system, x, at)
    if not per_period:
        return failed("copies", dim, "no step of Runge-Kutta is small enough")
    h = system.period / per_period
    frame = np.broadcast_to(np.eye(dim), (members, dim, dim))
    every = max(per_period // 20, 1)  # steps between two orthonormalisations
    growth, settling = [], 5 * per_period // every
    blocks, grown = max(max_steps // (20 * every), 2 * settling), np.zeros(dim)
    for i in range(LONGER * blocks + settling):
        if i >= blocks + settling and not wanted / LONGER < grown.max() < wanted:
            break
        copies = x[:, None] + displacement * scale * np.swapaxes(frame, -1, -2)
        clock = (at + i * every * h)[:, None]
        path = rk4(system.rhs, np.concatenate([x[:, None], copies], 1), h, every, every, clock)[..., -1, :]
        x = path[:, 0]
        tangents = np.swapaxes((path[:, 1:] - path[:, :1]) / (displacement * scale), -1, -2)
        if not np.isfinite(tangents).all():
            return failed("copies", dim, "a member left every bound")
        frame, r = np.linalg.qr(tangents)
        if i >= settling:
            growth.append(np.log(np.abs(np.diagonal(r, axis1=-2, axis2=-1))))
            grown += growth[-1].mean(0)
    rates = np.mean(growth, 0) / (every * h)
    time = len(growth) * every * h * members
    return _sorted(rates.mean(0), _over_members(rates), np.nan, time, members, "copies")


def _substeps(system: System, x: np.ndarray, at: np.ndarray) -> int:
    """Steps of Runge-Kutta in a period at which half the step changes a tenth of a period by less than 1e-3."""
    for per_period in (200 * 2**i for i in range(8)):
        h, steps = system.period / per_period, per_period // 10
        coarse = rk4(system.rhs, x, h, steps, steps, at)[..., -1, :]
        fine = rk4(system.rhs, x, h / 2, 2 * steps, 2 * steps, at)[..., -1, :]
        if (np.abs(coarse - fine) <= 1e-3 * (np.abs(fine) + np.ptp(x, axis=0))).all():
            return per_period
    return 0


def _of_delay(system: System, rng, exponents: int, max_steps: int, members: int = 8, h: float = 1e-30) -> Spectrum:
    """Tangent functions on the delay line by the complex step."""
    points = points_per_delay(system.delay, system.period)
    scale = np.abs(system.x0[0]) + 0.1 * system.size
    starts = system.x0[0] + 0.1 * scale * rng.standard_normal(members)
    line = DelayLine.constant(system.components, system.delay, points, starts)
    settling = int(np.ceil(20 * system.period / system.delay))
    counted = max(max_steps // (10 * points), 16)
    for _ in range(settling):
        line.advance()
    w = rng.standard_normal((points + 1, members, exponents))
    line.x = line.x[..., None] + 1j * h * w
    line.slope = line.slope[..., None] + 0j * w
    growth = []
    for i in range(counted + counted // 4):
        x, slope = line.advance()
        if not np.isfinite(x).all():
            return failed("delay line", exponents, "a member left every bound")
        q, r = np.linalg.qr(np.moveaxis(x.imag / h, 0, 1))
        turned = np.linalg.solve(np.swapaxes(r, -1, -2), np.moveaxis(slope.imag / h, 0, -1))
        line.x = x.real + 1j * h * np.moveaxis(q, 1, 0)
        line.slope = slope.real + 1j * h * np.moveaxis(turned, -1, 0)
        if i >= counted // 4:
            growth.append(np.log(np.abs(np.diagonal(r, axis1=-2, axis2=-1))))
    rates = np.mean(growth, 0) / system.delay
    time = len(growth) * system.delay * members
    return _sorted(rates.mean(0), _over_members(rates), np.nan, time, members, "delay line")


def _of_map(system: System, rng, max_steps: int) -> Spectrum:
    """Products of Jacobians by differences, along orbits from scattered starts."""
    dim, steps, members = system.dim, max(max_steps // 50, 200), 32 if system.vectorises else 4
    x = system.x0 + 1e-3 * (np.abs(system.x0) + 1e-3 * system.size) * rng.standard_normal((members, dim))
    frame, growth, volume = np.broadcast_to(np.eye(dim), (members, dim, dim)), [], []
    with np.errstate(all="ignore"):
        for n in range(steps + steps // 10):
            step = 1e-7 * (np.abs(x).max() + 1e-3 * system.size)
            jacobian = jacobian_by_differences(lambda z, n=n: system.rhs(float(n), z), x, step)
            if not np.isfinite(jacobian).all():
                return failed("jacobians", dim, f"not finite at step {n}")
            frame, r = np.linalg.qr(jacobian @ frame)
            x = system.rhs(float(n), x)
            if n >= steps // 10:
                growth.append(np.log(np.abs(np.diagonal(r, axis1=-2, axis2=-1))))
                volume.append(np.linalg.slogdet(jacobian)[1])
    rates = np.mean(growth, 0)
    if not np.isfinite(rates).all():
        return failed("jacobians", dim, "the map is singular on the orbit")
    return _sorted(rates.mean(0), _over_members(rates), float(np.mean(volume)), steps * members, members, "jacobians")
