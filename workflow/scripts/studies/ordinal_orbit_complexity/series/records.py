"""Records of many systems of each class, by which the rule is fitted and tested, and the quantities of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import delay_for, natural_period
from pesin.integrate.ode import rk4
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.flows import lorenz63
from pesin.systems.maps import henon, iterate, logistic
from pesin.systems.noise import coloured_noise
from studies.ordinal_orbit_complexity.classes import CLASSES
from studies.ordinal_orbit_complexity.features import features
from studies.ordinal_orbit_complexity.series.params import Params

NOISES = {-2: "red_noise", -1: "pink_noise", 0: "white_noise", 1: "blue_noise", 2: "violet_noise"}


class Flow(NamedTuple):
    """A flow, the coordinate that is recorded, the longest step, and where starts lie (with a spread of 1)."""

    field: Callable
    coordinate: int
    dt: float
    start: tuple[float, ...]
    args: tuple = ()


def _rossler(t, x) -> np.ndarray:
    """Roessler's band (Phys. Lett. A 57, 397, 1976) at a = b = 0.2, c = 5.7. x has shape (..., 3)."""
    return np.stack([-x[..., 1] - x[..., 2], x[..., 0] + 0.2 * x[..., 1], 0.2 + x[..., 2] * (x[..., 0] - 5.7)], -1)


def _van_der_pol(t, x) -> np.ndarray:
    """Van der Pol's oscillator at mu = 2. x has shape (..., 2)."""
    return np.stack([x[..., 1], 2 * (1 - x[..., 0] ** 2) * x[..., 1] - x[..., 0]], -1)


FLOWS = {
    "van_der_pol": Flow(_van_der_pol, 0, 0.04, (2, 0)),
    "lorenz_cycle": Flow(lorenz63, 0, 0.002, (0, 0, 300), (10, 350)),  # the symmetric limit cycle of rho = 350
    "lorenz_x": Flow(lorenz63, 0, 0.01, (0, 0, 25)),
    "lorenz_z": Flow(lorenz63, 2, 0.01, (0, 0, 25)),
    "rossler_x": Flow(_rossler, 0, 0.04, (1, 1, 0)),
}
MAPS: dict[str, tuple[Callable, int, tuple]] = {
    "logistic_cycle": (logistic, 1, (3.5,)),
    "logistic": (logistic, 1, ()),
    "henon": (henon, 2, ()),
}
CLASS_OF = {
    **dict.fromkeys(["sine", "two_tones", "van_der_pol", "lorenz_cycle", "logistic_cycle"], "periodic"),
    **dict.fromkeys(["lorenz_x", "lorenz_z", "rossler_x", "logistic", "henon"], "chaotic"),
    **dict.fromkeys(NOISES.values(), "stochastic"),
}


def sampled_records(case: Case[Params]) -> xr.Dataset:
    """Records at one cadence, the same number of samples a natural period.

    Noise has no period: it gets as many samples as a sine.
    """
    p, r = case.params.simulate, case.params.simulate.records
    length, phase = r.periods * r.samples_per_period, case.rng("records").uniform(0, 2 * np.pi, (2, r.number, 1))
    angle = 2 * np.pi * np.arange(length) / r.samples_per_period
    found = {"sine": np.sin(angle + phase[0]), "two_tones": np.sin(angle + phase[0]) + np.sin(2 * angle + phase[1]) / 2}
    for name, flow in FLOWS.items():
        found[name] = _flow_records(case.rng(f"records {name}"), flow, r.number, r.samples_per_period, length)
    for exponent in p.noise_exponents:
        rng = case.rng(f"records {exponent:g}")
        found[NOISES[exponent]] = coloured_noise(rng, exponent, (r.number, length))
    dims = ("system", "record", "sample")
    return xr.Dataset(
        {"x": labelled(dims, np.stack(list(found.values())), "record")},
        {"system": list(found), "record": np.arange(r.number)},
    )


def map_records(case: Case[Params]) -> xr.Dataset:
    """Records of maps, whose natural period is one sample."""
    r, found = case.params.simulate.records, []
    length = r.periods * r.map_samples_per_period
    for name, (step, dim, args) in MAPS.items():
        start = case.rng(f"records {name}").uniform(0.05, 0.2, (r.number, dim))
        found.append(iterate(step, start, length, case.params.simulate.map_transient, args)[..., 0])
    dims = ("system", "record", "step")
    return xr.Dataset(
        {"x": labelled(dims, found, "record of a map")}, {"system": list(MAPS), "record": np.arange(r.number)}
    )


def _flow_records(rng, flow: Flow, count: int, samples_per_period: int, length: int) -> np.ndarray:
    """Records of one coordinate, sampled by its natural period, from random starts; shape (count, length)."""
    start = np.array(flow.start) + rng.normal(size=(count, len(flow.start)))
    settled = rk4(flow.field, start, flow.dt, 4000, 4000, args=flow.args)[:, -1]
    probe = rk4(flow.field, settled, flow.dt, 4000, args=flow.args)[..., flow.coordinate]
    step = natural_period(probe, flow.dt).mean() / samples_per_period
    every = int(np.ceil(step / flow.dt))
    path = rk4(flow.field, settled, step / every, (length - 1) * every, every, args=flow.args)
    return path[..., flow.coordinate]


def record_features(case: Case[Params], data: xr.DataTree) -> tuple[np.ndarray, list[str]]:
    """Quantities of all records cut to each duration, and the systems' names.

    Returns
    -------
    ndarray, shape (duration, system, record, quantity)
    """
    p, r = case.params.train, case.params.simulate.records
    delay = int(delay_for(p.ratio, r.samples_per_period, 1, p.order))
    sampled, maps = data["records"].x, data["map_records"].x
    rows = []
    for duration in p.durations:
        row = []
        for x, own, per_period in ((sampled, delay, r.samples_per_period), (maps, 1, r.map_samples_per_period)):
            length = round(duration * per_period)
            flat = x.values[..., :length].reshape(-1, length)
            row.append(features(case.rng("zero-one angles"), flat, p.order, own).reshape(*x.shape[:2], -1))
        rows.append(np.concatenate(row))
    return np.stack(rows), [*map(str, sampled.system.values), *map(str, maps.system.values)]


def class_indices(systems) -> np.ndarray:
    """Index of the class of each system."""
    return np.array([CLASSES.index(CLASS_OF[str(name)]) for name in systems])
