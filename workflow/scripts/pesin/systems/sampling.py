"""Series from attractors, all on the same clock: so many points in each dominant period."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr

from pesin.integrate.system import System
from pesin.integrate.trajectories import Trajectories, integrate
from pesin.steps.labels import labelled
from pesin.steps.parallel import each
from pesin.systems import zoo

TRANSIENT = 20.0  # periods from the stored state to the first sample; delay systems start from a constant history
GAP = 10.0  # periods between two series of one system, plus a random part of as much


def with_period(system: System) -> System:
    """The system with a period: its own, or that of the highest peak in the power of all coordinates together.

    Raises
    ------
    ValueError
        If it can't be integrated, or no step of time resolves a peak.
    """
    if np.isfinite(system.period):
        return system
    from scipy.signal import welch

    step = _first_step(system)
    for _ in range(20):  # double the step until the peak is well inside the spectrum
        path = integrate(system, system.x0[None], step * np.arange(8192), tolerance=1e-9)
        if path.reason[0]:
            raise ValueError(f"{system.name}: its period can't be measured: {path.reason[0]}")
        x = system.observed(path.x[0, 2048:])
        x = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
        frequency, power = welch(x.T, 1 / step, nperseg=2048)
        peak = int(power.sum(0)[1:].argmax()) + 1
        if peak >= 10:
            return replace(system, period=float(1 / frequency[peak]))
        step *= 2
    raise ValueError(f"{system.name}: no period was found; state PERIOD in its file")


def _first_step(system: System) -> float:
    """0.01 of the model's time, or a power of two times that where the system's own rates are far from 1."""
    if system.kind == "delay":
        rate = 1 / system.delay
    else:
        shifts = 1e-6 * np.where(system.x0 != 0, np.abs(system.x0), system.size) * np.eye(system.dim)
        slopes = (system.rhs(0.0, system.x0 + shifts) - system.rhs(0.0, system.x0 - shifts)) / (2 * shifts.sum(1))[
            :, None
        ]
        rate = float(np.linalg.norm(slopes, 2))
    if not np.isfinite(rate) or rate == 0:
        return 0.01
    return float(0.01 * 2.0 ** np.round(np.log2(np.clip(rate, 0.01, 100) / rate)))


def series(
    system: System,
    lengths: tuple[int, ...],
    points_per_period: float,
    rng: np.random.Generator,
    transient: float = TRANSIENT,
    tolerance: float = 1e-12,
    engine: str = "auto",
) -> tuple[list[np.ndarray], list[np.ndarray], Trajectories]:
    """Series of the given lengths from different parts of one attractor, transient discarded.

    Parameters
    ----------
    system
        With a finite period.
    lengths
        Number of points of each series.
    points_per_period
        Samples in a dominant period; 1 or less for maps (a sample each 1 / points_per_period steps).
    rng
        Generator, for the gaps between the series.
    transient
        Periods discarded before the first.

    Returns
    -------
    times, values, run
        For each series (points,) and (points, coords) in bounded coordinates; NaN from a failure on. `run` holds the
        raw states of the whole run, with its reason and engine.
    """
    step = system.period / points_per_period
    times, begin = [], transient * system.period
    for length in lengths:
        times.append(begin + step * np.arange(length))
        begin = times[-1][-1] + step + system.period * (GAP + GAP * rng.random())
    if system.kind == "map":
        times = [np.rint(t) for t in times]
    run = integrate(system, system.x0[None], np.concatenate([[0.0], *times]), engine=engine, tolerance=tolerance)
    parts = np.split(system.observed(run.x[0, 1:]), np.cumsum(lengths)[:-1])
    return times, parts, run


def forecasting_data(
    names: list[str],
    points_per_period: float,
    tune_points: int,
    history_points: int,
    future_points: int,
    rng: np.random.Generator,
    tolerance: float = 1e-12,
    threads: int = 1,
) -> xr.Dataset:
    """What a forecaster is tuned on, what it is given, and what it must foretell, for each system.

    Parameters
    ----------
    names
        Systems of the zoo, or files of one's own (see `zoo.get`).
    points_per_period
    tune_points, history_points, future_points
        Lengths; the future follows right after the history, the tuning series is from another part of the attractor.

    Returns
    -------
    Dataset
        tune(system, tune_time, coord), history(system, time, coord), future(system, lead, coord) (truth, withheld from
        training), in the model's units, NaN beyond the system's coordinates; dim, period, failed (system), reason.
    """
    seeds = rng.integers(2**63, size=len(names))
    lengths = (tune_points, history_points + future_points)
    job = partial(_sample, lengths=lengths, points_per_period=points_per_period, tolerance=tolerance)
    done = each(job, list(zip(names, seeds, strict=True)), threads)
    coords = max(item["values"][0].shape[1] for item in done)

    def stacked(pick):
        out = np.full((len(done), *pick(done[0]).shape[:-1], coords), np.nan)
        for row, item in zip(out, done, strict=True):
            values = pick(item)
            row[..., : values.shape[-1]] = values
        return out

    series = partial(labelled, units="model unit", nan="beyond a system's coordinates, or its integration failed")
    each_of = partial(labelled, "system", may_be_constant=1)
    data = xr.Dataset(
        {
            "tune": series(
                ("system", "tune_time", "coord"),
                stacked(lambda item: item["values"][0]),
                "series to choose hyperparameters on",
            ),
            "history": series(
                ("system", "time", "coord"),
                stacked(lambda item: item["values"][1][:history_points]),
                "series that forecasts are made from",
            ),
            "future": series(
                ("system", "lead", "coord"),
                stacked(lambda item: item["values"][1][history_points:]),
                "what follows the history",
                role="truth",
            ),
            "period": each_of([item["period"] for item in done], "dominant period", "model time"),
            "dim": each_of([item["values"][0].shape[1] for item in done], "coordinates of the system"),
            "failed": each_of([bool(item["reason"]) for item in done], "integration failed"),
            "reason": each_of([item["reason"] for item in done], "why integration failed"),
            "engine": each_of([item["engine"] for item in done], "what integrated"),
        },
        coords={"system": [item["name"] for item in done], "coord": np.arange(coords)},
        attrs={"points_per_period": points_per_period, "tolerance": tolerance},
    )
    return data


def _sample(job: tuple[str, int], lengths, points_per_period, tolerance) -> dict:
    name, seed = job
    system = with_period(zoo.get(name))
    times, values, run = series(system, lengths, points_per_period, np.random.default_rng(seed), tolerance=tolerance)
    found = {"name": system.name, "period": system.period, "reason": run.reason[0], "engine": run.engine}
    return found | {"values": values, "times": times}
