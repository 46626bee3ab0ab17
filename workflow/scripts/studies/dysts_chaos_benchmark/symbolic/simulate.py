"""Simulates two trajectories of each system, with the true derivatives, for symbolic regression."""

from functools import partial

import numpy as np
import xarray as xr

from pesin.integrate.trajectories import integrate
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems import zoo
from studies.dysts_chaos_benchmark.symbolic.params import Params

STATE, RATE = "model unit", "model unit per model time"


def simulate(case: Case[Params]) -> xr.DataTree:
    """Two trajectories of each system with the true derivatives; systems of the form under test apart from others."""
    p, rng = case.params.simulate, case.rng("systems")
    if p.form == "trigonometric":
        return xr.DataTree.from_dict({"known_form": _trajectories(case, _random_fields(p.fields, rng))})
    every = [zoo.get(name) for name in zoo.names("flow") if name not in p.without]
    # A driven field depends on time, which no library holds.
    autonomous = [system for system in every if not system.driven]
    quadratic = {system.name: is_quadratic(system, rng) for system in autonomous}
    known = [system for system in autonomous if quadratic[system.name]]
    others = [system for system in autonomous if not quadratic[system.name]]
    groups = {"known_form": _evenly(known, p.known or len(known)), "other_form": _evenly(others, p.others)}
    return xr.DataTree.from_dict({name: _trajectories(case, systems) for name, systems in groups.items()})


def is_quadratic(system, rng: np.random.Generator, lines: int = 32) -> bool:
    """True if the right-hand side is a polynomial of degree 2 at most: its third differences along lines vanish.

    Lines go through the system's start state in random directions, ten times as far as the state is from 0.
    """
    way = rng.normal(size=(lines, 1, system.dim)) * np.maximum(np.abs(system.x0), 1)
    states = system.x0 + way * np.linspace(-5, 5, 8)[:, None]
    with np.errstate(all="ignore"):
        values = system.rhs(0.0, states.reshape(-1, system.dim)).reshape(states.shape)
        third, scale = np.abs(np.diff(values, 3, axis=1)).max((0, 1)), np.abs(values).max((0, 1))
    return bool(np.isfinite(scale).all() and (third <= 1e-10 * scale).all())


def _evenly(items: list, count: int) -> list:
    """At most `count` items, evenly spaced in the list."""
    count = min(count, len(items))
    return [items[i] for i in np.linspace(0, len(items) - 1, count).round().astype(int)]


def _random_fields(count: int, rng: np.random.Generator) -> list[zoo.System]:
    """Flows whose rates are sines and cosines of the two other coordinates (as in the ABC flow), wave numbers 1 and 2.

    The period is nominal: the time in which a coordinate passes a wavelength at the root mean square speed.
    """
    systems = []
    for i in range(count):
        sines, cosines = (rng.uniform(-1.5, 1.5, (3, 3)) * (1 - np.eye(3)) for _ in range(2))
        waves = rng.integers(1, 3, (3, 3))

        def components(t, x, sines=sines, cosines=cosines, waves=waves):
            return [
                sum(
                    sines[a, b] * np.sin(int(waves[a, b]) * x[b]) + cosines[a, b] * np.cos(int(waves[a, b]) * x[b])
                    for b in range(3)
                    if b != a
                )
                for a in range(3)
            ]

        speed = np.sqrt((sines**2 + cosines**2).sum() / 2 / 3)
        start = rng.uniform(0, 2 * np.pi, 3)
        systems.append(zoo.System(f"trigonometric_{i}", "flow", 3, 2 * np.pi / speed, start, {}, components))
    return systems


def _trajectories(case: Case[Params], systems: list) -> xr.Dataset:
    p = case.params.simulate
    widest, shape = max(system.dim for system in systems), (len(systems), 2, p.points)
    x, derivative = np.full((*shape, widest), np.nan), np.full((*shape, widest), np.nan)
    for i, system in enumerate(case.progress(systems)):
        dt, gap = system.period / p.points_per_period, p.transient * system.period
        grid = gap + dt * np.arange(p.points)
        # One orbit, cut twice: its second piece starts a transient after the first has ended.
        path = integrate(system, system.x0[None], np.concatenate([[0.0], grid, grid + grid[-1]])).x[0, 1:]
        x[i, ..., : system.dim] = path.reshape(2, p.points, system.dim)
        derivative[i, ..., : system.dim] = system.rhs(0.0, path).reshape(2, p.points, system.dim)
    coordinates = partial(
        labelled, ("system", "time", "coord"), nan="beyond a system's coordinates, or one that couldn't be integrated"
    )
    given = "true derivatives along it, for regressions that are given them"
    dt = [system.period / p.points_per_period for system in systems]
    return xr.Dataset(
        {
            "train_x": coordinates(x[:, 0], "training trajectory", STATE),
            "train_derivative": coordinates(derivative[:, 0], given, RATE),
            "test_x": coordinates(x[:, 1], "held-out trajectory", STATE),
            "test_derivative": coordinates(derivative[:, 1], "true derivatives along it", RATE, role="truth"),
            "dt": labelled("system", dt, "time between points", "model time"),
            "dim": labelled("system", [system.dim for system in systems], "coordinates", may_be_constant=1),
        },
        {"system": [system.name for system in systems]},
    )
