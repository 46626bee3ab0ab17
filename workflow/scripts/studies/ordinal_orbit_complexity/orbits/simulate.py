"""Tracer orbits in galactic potentials and in Henon-Heiles, with their Lyapunov exponents."""

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import natural_period
from pesin.integrate.symplectic import yoshida4
from pesin.integrate.variational import Tangents, follow_tangents
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.potentials import (
    henon_heiles,
    henon_heiles_acceleration,
    isochrone,
    isochrone_acceleration,
    logarithmic,
    logarithmic_acceleration,
)
from studies.ordinal_orbit_complexity.classes import LOST
from studies.ordinal_orbit_complexity.orbits.params import Params, Simulate
from studies.ordinal_orbit_complexity.tangents import energy_error, tangent_variables


def simulate(case: Case[Params]) -> xr.Dataset:
    """Tracers in the isochrone, a triaxial and a rotating barred logarithmic potential; Henon-Heiles beside them.

    In the first three an orbit starts at a radius in [0.5, 1.5], in a random direction, with 0.3 to 1.2 of the
    circular speed (of the acceleration there) in a random direction; radius and share of the speed are the same for
    the i-th orbit of each. In Henon-Heiles starts are random within the energy's zero-velocity curve.
    """
    p, rng = case.params.simulate, case.rng("starts")
    radius, share = rng.uniform(0.5, 1.5, (p.orbits, 1)), rng.uniform(0.3, 1.2, (p.orbits, 1))
    runs = _potentials(p)
    results, errors, series, dts = [], [], [], []
    for name, (acceleration, potential, args, rotation, period, substeps, kind) in case.progress(runs.items()):
        if name.startswith("henon_heiles"):
            start = _henon_heiles_starts(rng, p.orbits, kind, p.henon_heiles_coupling)
        else:
            start = _tracers(rng, acceleration, args, radius, share, kind)
        step = period / p.samples_per_period
        result = _follow_orbits(rng, acceleration, args, start, step, substeps, p, rotation)
        dim = start.shape[-1] // 2
        x, v = result.path[..., :dim], result.path[..., dim:]
        fixed = (v**2).sum(-1) / 2 + potential(x, *args) - rotation * (x[..., 0] * v[..., 1] - x[..., 1] * v[..., 0])
        results.append(result)
        errors.append(energy_error(fixed, (v**2).sum(-1) / 2))
        series.append(x[..., 0])
        dts.append(step)
    x, dt, dims = np.stack(series), np.array(dts), ("potential", "orbit")
    period, error = natural_period(x) * dt[:, None], "largest error of the Jacobi integral / mean kinetic energy"
    return xr.Dataset(
        {
            "x": labelled((*dims, "time"), x, "x of the orbit (in the bar's frame)", "length unit", nan=LOST),
            "dt": labelled("potential", dt, "time between samples", "time unit"),
            "natural_period": labelled(dims, period, "natural period of x by mean crossings", "time unit", nan=LOST),
            "energy_error": labelled(dims, errors, error, nan=LOST),
            **tangent_variables(dims, results, p.samples_per_period * dt[:, None], p.chaos_growth, "time unit"),
        },
        {"potential": list(runs), "orbit": np.arange(p.orbits)},
    )


def _potentials(p: Simulate) -> dict[str, tuple]:
    """{name: (acceleration, potential, their arguments, rotation, typical period, substeps, starts)}.

    `starts` is the dimension of a tracer's place, or the energy in Henon-Heiles.
    """
    triaxial, bar = ((1 + p.flattening * (np.array(axes) - 1),) for axes in ([1, 0.9, 0.7], [1, 0.8]))
    coupling, coarse = (p.henon_heiles_coupling,), max(p.substeps // 2, 1)
    return {
        "isochrone": (isochrone_acceleration, isochrone, (), 0.0, 18.0, coarse, 3),
        "triaxial_logarithmic": (logarithmic_acceleration, logarithmic, triaxial, 0.0, 7.0, p.substeps, 3),
        "rotating_bar": (logarithmic_acceleration, logarithmic, bar, p.bar_speed, 6.0, p.substeps, 2),
    } | {
        f"henon_heiles_1_{denominator}": (
            henon_heiles_acceleration, henon_heiles, coupling, 0.0, 6.6, coarse, 1 / denominator
        )
        for denominator in (12, 8, 6)
    }  # fmt: skip


def _follow_orbits(rng, acceleration, args, start, dt, substeps, p, rotation) -> Tangents:
    """One interval is one typical natural period."""
    force = acceleration if p.attraction else lambda x, *args: 0 * x
    return follow_tangents(
        lambda z, _: yoshida4(force, z, dt / substeps, p.samples_per_period * substeps, substeps, rotation, args),
        start,
        rng.normal(size=(len(start), 2, start.shape[-1])),
        p.periods,
    )


def _tracers(rng, acceleration, args, radius, share, dim: int) -> np.ndarray:
    """Start states, shape (orbits, 2 dim)."""
    place, way = (_directions(rng, len(radius), dim) for _ in range(2))
    pull = np.linalg.norm(acceleration(radius * place, *args), axis=-1, keepdims=True)
    return np.concatenate([radius * place, share * np.sqrt(radius * pull) * way], -1)


def _henon_heiles_starts(rng, orbits: int, energy_: float, coupling: float) -> np.ndarray:
    """Start states of one energy, shape (orbits, 4): uniform in the bounded region, in a random direction."""
    places = np.empty((0, 2))
    while len(places) < orbits:
        place = rng.uniform(-1, 1, (4 * orbits, 2))
        # Inside the triangle of the saddles, which bounds the well; outside it the potential falls off for ever.
        inside = (np.sqrt(3) * np.abs(place[:, 0]) + place[:, 1] < 1) & (place[:, 1] > -0.5)
        places = np.concatenate([places, place[inside & (henon_heiles(place, coupling) < energy_)]])
    places = places[:orbits]
    speed = np.sqrt(2 * (energy_ - henon_heiles(places, coupling)))
    return np.concatenate([places, speed[:, None] * _directions(rng, orbits, 2)], -1)


def _directions(rng, count: int, dim: int) -> np.ndarray:
    vectors = rng.normal(size=(count, dim))
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
