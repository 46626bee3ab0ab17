"""Simulates the pool to pre-train on, and labelled series of other systems to classify."""

import numpy as np
import xarray as xr

from pesin.integrate.trajectories import integrate
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems import zoo
from studies.dysts_chaos_benchmark.transfer.params import Params

TRANSIENT = 50  # periods


def simulate(case: Case[Params]) -> xr.Dataset:
    """Labelled series of each task, and the pool of systems to pre-train on."""
    p, rng = case.params.simulate, case.rng("tasks")
    low, high = np.log(p.points_per_period)
    sampling = np.exp(rng.uniform(low, high, len(p.tasks)))
    most = max(len(task.values or task.systems) for task in p.tasks)
    sizes = {"train": p.train_series, "test": p.test_series}
    x = {part: np.full((len(p.tasks), most * size, p.length), np.nan) for part, size in sizes.items()}
    label = {part: np.full((len(p.tasks), most * size), -1) for part, size in sizes.items()}
    for i, task in enumerate(case.progress(p.tasks, what="tasks")):
        systems = (
            [zoo.get(task.systems[0], **{task.parameter: value}) for value in task.values]
            if task.parameter
            else [zoo.get(name) for name in task.systems]
        )
        series = np.stack([_pieces(case, system, sampling[i], rng) for system in systems])
        for part, some in (("train", series[:, : p.train_series]), ("test", series[:, p.train_series :])):
            labels = np.repeat(np.arange(len(systems)), some.shape[1])
            order = rng.permutation(labels.size)
            x[part][i, : labels.size] = some.reshape(labels.size, -1)[order]
            label[part][i, : labels.size] = labels[order]
    pool, names = _pool(case)
    dims = ("task", "{}_series", "time")
    variables = {}
    for part in sizes:
        each = [dim.format(part) for dim in dims]
        hidden = {"role": "truth"} if part == "test" else {}
        variables[f"{part}_x"] = labelled(
            each,
            x[part],
            "series, each of mean 0 and deviation 1",
            nan="no such series: a task has fewer classes, or its system couldn't be integrated",
        )
        variables[f"{part}_label"] = labelled(each[:2], label[part], "class; -1: no such series", **hidden)
    return xr.Dataset(
        variables
        | {
            "classes": labelled("task", [len(t.values or t.systems) for t in p.tasks], "classes", may_be_constant=1),
            "points_per_period": labelled("task", sampling, "sampling of the task's series", "points per period"),
            "pool": labelled(("pool_system", "pool_time"), pool, "first coordinates, each of mean 0 and deviation 1"),
        },
        {"task": [_name(task) for task in p.tasks], "pool_system": names},
    )


def _name(task) -> str:
    return f"{task.systems[0]} {task.parameter}" if task.parameter else " / ".join(task.systems)


def _pieces(case: Case[Params], system, points_per_period: float, rng) -> np.ndarray:
    """Noisy pieces of an orbit's first coordinate, each of mean 0 and deviation 1: shape (series, time).

    A gap of up to two periods lies between two.
    """
    p = case.params.simulate
    count = p.train_series + p.test_series
    dt = system.period / points_per_period
    starts = np.cumsum(p.length * dt + rng.uniform(0, 2 * system.period, count))
    times = TRANSIENT * system.period + starts[:, None] + dt * np.arange(p.length)
    path = integrate(system, system.x0[None], np.concatenate([[0.0], times.ravel()])).x[0, 1:, 0]
    series = path.reshape(count, p.length)
    return _standard(series + p.noise * path.std() * rng.normal(size=series.shape))


def _pool(case: Case[Params]) -> tuple[np.ndarray, list[str]]:
    """Long series of systems that no task uses: shape (system, time), and their names."""
    p = case.params.simulate
    used = {name for task in p.tasks for name in task.systems} | set(p.pool_without)
    free = [name for name in zoo.names("flow") if name not in used]
    chosen = [free[i] for i in np.linspace(0, len(free) - 1, min(p.pool, len(free))).round().astype(int)]
    grid = TRANSIENT + np.arange(p.pool_periods * p.pool_points_per_period) / p.pool_points_per_period
    series = []
    for system in case.progress([zoo.get(name) for name in chosen], what="pool"):
        path = integrate(system, system.x0[None], system.period * np.concatenate([[0.0], grid])).x[0, 1:]
        series.append(system.observed(path)[:, 0])
    good = [i for i, one in enumerate(series) if np.isfinite(one).all()]  # one whose integration failed teaches nothing
    return _standard(np.stack([series[i] for i in good])), [chosen[i] for i in good]


def _standard(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
