"""Simulates the standard series, the double pendulum, and orbits in potentials, with their Lyapunov exponents."""

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import natural_period
from pesin.integrate.ode import rk4, solve_together
from pesin.integrate.symplectic import yoshida4
from pesin.integrate.variational import Tangents, finite_time_exponent, follow_tangents
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.flows import lorenz63
from pesin.systems.maps import henon, iterate, logistic, skew_tent
from pesin.systems.noise import coloured_noise
from pesin.systems.pendulum import bob_positions, double_pendulum, energy, linear_double_pendulum, linear_energy
from pesin.systems.potentials import (
    henon_heiles,
    henon_heiles_acceleration,
    isochrone,
    isochrone_acceleration,
    logarithmic,
    logarithmic_acceleration,
)
from studies.ordinal_orbit_complexity.classes import CLASSES, LOST

MAPS = {"logistic": (logistic, 1), "henon": (henon, 2), "skew_tent": (skew_tent, 1)}
PRIMES = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97])


def simulate(case: Case) -> xr.Dataset | xr.DataTree:
    return {"series": _series, "pendulum": _pendulum, "orbits": _orbits}[case.params.kind](case)


# ------------------------------------------------------------------------------------------------ standard series


def _series(case: Case) -> xr.DataTree:
    groups = {
        "maps": _maps(case),
        "noise": _noise(case),
        "lorenz": _lorenz(case),
        "sines": _sines(case),
        "switched": _switched(case),
    }
    groups["records"] = _records(case, float(groups["lorenz"].natural_period.sel(coordinate="x")))
    if case.params.simulate.time_order == "shuffled":
        rng = case.rng("shuffle")
        for group, data in groups.items():
            for name in ("x", "package_x", "sine", "sum", "noisy"):
                if name in data:
                    groups[group] = data = data.assign({name: data[name].copy(data=rng.permuted(data[name], axis=-1))})
    return xr.DataTree.from_dict(groups)


def _maps(case: Case) -> xr.Dataset:
    p, rng = case.params.simulate, case.rng("maps")
    series, exponents = [], []
    for step, dim in MAPS.values():
        start = iterate(step, rng.uniform(0.05, 0.2, (p.seeds, dim)), 1, p.map_transient)[:, 0]
        series.append(iterate(step, start, p.map_length)[..., 0])
        exponents.append(_map_exponent(step, start, rng))
    return xr.Dataset(
        {
            "x": labelled(("system", "seed", "step"), series, "map, first coordinate"),
            "lyapunov_exponent": labelled(
                ("system", "seed"), exponents, "finite-time Lyapunov exponent", "1/step", role="truth"
            ),
        },
        {"system": list(MAPS), "seed": np.arange(p.seeds)},
    )


def _map_exponent(step, start, rng) -> np.ndarray:
    """Largest exponent over 2000 iterations, scaled back each 10."""
    deviations = rng.normal(size=(len(start), 1, start.shape[-1]))
    tangents = follow_tangents(lambda z: iterate(step, z, 11), start, deviations, 200)
    return finite_time_exponent(tangents.growth[:, 0], 10)


def _noise(case: Case) -> xr.Dataset:
    p = case.params.simulate
    series = [coloured_noise(case.rng(f"noise {e:g}"), e, (p.seeds, p.map_length)) for e in p.noise_exponents]
    return xr.Dataset(
        {"x": labelled(("exponent", "seed", "step"), series, "Gaussian noise with spectrum f^exponent")},
        {"exponent": p.noise_exponents, "seed": np.arange(p.seeds)},
    )


def _lorenz(case: Case) -> xr.Dataset:
    """Lorenz's attractor by RK4; and the default of the authors' package, rho = 20, by its forward Euler and by RK4."""
    p, lorenz, rng = case.params.simulate, case.params.simulate.lorenz, case.rng("lorenz")
    steps = round(lorenz.duration / lorenz.dt)
    start = rng.normal(size=(p.seeds, 3)) + [0, 0, 25]
    run_in = rk4(lorenz63, start, lorenz.dt, round(lorenz.transient / lorenz.dt), args=(10, lorenz.rho))[:, -1]
    path = rk4(lorenz63, run_in, lorenz.dt, steps, args=(10, lorenz.rho))
    every = round(0.5 / lorenz.dt)
    tangents = follow_tangents(
        lambda z: rk4(lorenz63, z, lorenz.dt, every, every, args=(10, lorenz.rho)),
        run_in,
        rng.normal(size=(p.seeds, 1, 3)),
        round(lorenz.duration / (5 * every * lorenz.dt)) + 1,
    )
    euler = np.empty((p.seeds, steps))
    state = start
    for i in range(steps):
        euler[:, i] = state[:, 0]
        state = state + lorenz.dt * lorenz63(0, state, rho=lorenz.package_rho)
    package = [euler, rk4(lorenz63, start, lorenz.dt, steps - 1, args=(10, lorenz.package_rho))[..., 0]]
    period = natural_period(np.moveaxis(path, -1, 0), lorenz.dt).mean(1)
    exponent = finite_time_exponent(tangents.growth[:, 0], every * lorenz.dt)
    # A sine for each coordinate, with its natural period and sampled alike, so that both get the very same delays.
    phase = rng.uniform(0, 2 * np.pi, (3, p.seeds, 1))
    matched = np.sin(2 * np.pi * np.arange(steps + 1) * lorenz.dt / period[:, None, None] + phase)
    return xr.Dataset(
        {
            "x": labelled(("coordinate", "seed", "time"), np.moveaxis(path, -1, 0), "Lorenz attractor"),
            "sine": labelled(("coordinate", "seed", "time"), matched, "sine with the natural period of the coordinate"),
            "package_x": labelled(("scheme", "seed", "package_time"), package, "x of Lorenz at the package's rho"),
            "natural_period": labelled("coordinate", period, "natural period by mean crossings", "time unit"),
            "dt": labelled((), lorenz.dt, "time between samples", "time unit"),
            "lyapunov_exponent": labelled(
                "seed", exponent, "finite-time Lyapunov exponent", "1/time unit", role="truth"
            ),
        },
        {"coordinate": list("xyz"), "scheme": ["euler", "rk4"], "seed": np.arange(p.seeds)},
    )


def _sines(case: Case) -> xr.Dataset:
    """Sines of period 1 and random phase (a phase of 0 makes ties that rounding decides), sums, and noisy ones."""
    p, sines, rng = case.params.simulate, case.params.simulate.sines, case.rng("sines")
    time = np.arange(round(sines.periods / sines.dt)) * sines.dt
    sine = np.sin(2 * np.pi * time + rng.uniform(0, 2 * np.pi, (p.seeds, 1)))
    sums = [
        sum(np.sin(np.sqrt(prime) / 3 * 2 * np.pi * time + rng.uniform(0, 2 * np.pi, (p.seeds, 1))) for prime in primes)
        for primes in (PRIMES[:count] for count in sines.counts)
    ]
    noise = rng.normal(size=sine.shape) * sine.std(-1, keepdims=True)
    return xr.Dataset(
        {
            "sine": labelled(("seed", "time"), sine, "sine of period 1"),
            "sum": labelled(("count", "seed", "time"), sums, "sum of sines of frequencies sqrt(prime)/3"),
            "noisy": labelled(
                ("noise_to_signal", "seed", "time"),
                sine + np.reshape(sines.noise_to_signal, (-1, 1, 1)) * noise,
                "sine with white noise",
            ),
            "sum_period": labelled(
                ("count", "seed"), natural_period(sums, sines.dt), "natural period by mean crossings", "time unit"
            ),
            "dt": labelled((), sines.dt, "time between samples", "time unit"),
        },
        {"seed": np.arange(p.seeds), "count": sines.counts, "noise_to_signal": sines.noise_to_signal},
    )


def _switched(case: Case) -> xr.Dataset:
    """Logistic map whose r steps from a periodic to a chaotic value half-way."""
    p, (before, after) = case.params.simulate, case.params.simulate.switched_r
    start = case.rng("switched").uniform(0.1, 0.9, (p.seeds, 1))
    first = iterate(logistic, start, p.switched_length, p.map_transient, (before,))
    second = iterate(logistic, logistic(first[:, -1], after), p.switched_length, 0, (after,))
    return xr.Dataset(
        {"x": labelled(("seed", "step"), np.concatenate([first, second], 1)[..., 0], "logistic map, r switched")},
        {"seed": np.arange(p.seeds)},
    )


def _records(case: Case, lorenz_period: float) -> xr.Dataset:
    """Records of the three classes with the same number of samples a natural period.

    Noise has no period: it gets as many samples as the sine, and its colours take turns.
    """
    p, r, lorenz = case.params.simulate, case.params.simulate.records, case.params.simulate.lorenz
    count, length = r.training + r.held_out, r.periods * r.samples_per_period
    rng = case.rng("records")
    sine = np.sin(2 * np.pi * np.arange(length) / r.samples_per_period + rng.uniform(0, 2 * np.pi, (count, 1)))
    dt = lorenz_period / r.samples_per_period
    every = int(np.ceil(dt / lorenz.dt))
    start = rng.normal(size=(count, 3)) + [0, 0, 25]
    run_in = rk4(lorenz63, start, lorenz.dt, round(lorenz.transient / lorenz.dt), args=(10, lorenz.rho))[:, -1]
    path = rk4(lorenz63, run_in, dt / every, (length - 1) * every, every, args=(10, lorenz.rho))
    colour = np.resize(p.noise_exponents, count)
    noise = np.stack([coloured_noise(rng, exponent, (length,)) for exponent in colour])
    return xr.Dataset(
        {
            "x": labelled(("class_label", "record", "sample"), np.stack([sine, path[..., 0], noise]), "record"),
            "held_out": labelled("record", np.arange(count) >= r.training, "not used to fit the rule"),
            "noise_exponent": labelled("record", colour, "spectral exponent of the noise record", may_be_constant=1),
        },
        {"class_label": list(CLASSES), "record": np.arange(count)},
    )


# ------------------------------------------------------------------------------------------------ double pendulum


def _pendulum(case: Case) -> xr.Dataset:
    """Three kinds of start, all at rest: pure normal modes, mixed small angles, large angles."""
    p, rng = case.params.simulate, case.rng("starts")
    pure = rng.uniform(0.1, 0.9, p.starts) * p.small_angle
    sign = np.resize([1, -1], p.starts)
    angles = {
        "pure_mode": np.stack([pure, sign * np.sqrt(2) * pure], -1),
        "mixed_mode": rng.uniform(-p.small_angle, p.small_angle, (p.starts, 2)),
        "large": np.stack([rng.uniform(*p.large_theta1, p.starts), np.full(p.starts, p.large_theta2)], -1),
    }
    flow, conserved = {"full": (double_pendulum, energy), "linear": (linear_double_pendulum, linear_energy)}[p.dynamics]
    dt, per_second = 1 / p.samples_per_second, p.samples_per_second
    results = []
    for start in case.progress(angles.values(), what="pendulum"):
        start = np.concatenate([np.deg2rad(start), np.zeros_like(start)], -1)
        # One interval is one second, about half a natural period.
        results.append(
            follow_tangents(
                lambda z: solve_together(flow, z, np.arange(per_second + 1) * dt),
                start,
                rng.normal(size=(p.starts, 2, 4)),
                p.duration,
            )
        )
    states = np.stack([result.path for result in results])
    dims = ("start_kind", "start")
    fixed = conserved(states)
    kinetic = fixed - conserved(states * [1, 1, 0, 0])
    x2 = bob_positions(states)[..., 2]
    return xr.Dataset(
        {
            "theta": labelled((*dims, "angle", "time"), np.moveaxis(states[..., :2], -1, 2), "angles", "rad", nan=LOST),
            "x2": labelled((*dims, "time"), x2, "horizontal position of the lower bob", "m", nan=LOST),
            "dt": labelled((), dt, "time between samples", "s"),
            "natural_period": labelled(dims, natural_period(x2, dt), "natural period of x2", "s", nan=LOST),
            "energy_error": labelled(
                dims, _energy_error(fixed, kinetic), "largest error of the energy / mean kinetic energy", nan=LOST
            ),
            **_tangent_variables(dims, results, 1.0, p.chaos_growth, "s"),
        },
        {"start_kind": list(angles), "start": np.arange(p.starts), "angle": ["theta1", "theta2"]},
    )


# --------------------------------------------------------------------------------------------------------- orbits


def _orbits(case: Case) -> xr.Dataset:
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
        dt = period / p.samples_per_period
        result = _follow_orbits(rng, acceleration, args, start, dt, substeps, p, rotation)
        dim = start.shape[-1] // 2
        x, v = result.path[..., :dim], result.path[..., dim:]
        fixed = (v**2).sum(-1) / 2 + potential(x, *args) - rotation * (x[..., 0] * v[..., 1] - x[..., 1] * v[..., 0])
        results.append(result)
        errors.append(_energy_error(fixed, (v**2).sum(-1) / 2))
        series.append(x[..., 0])
        dts.append(dt)
    x, dts, dims = np.stack(series), np.array(dts), ("potential", "orbit")
    period, error = natural_period(x) * dts[:, None], "largest error of the Jacobi integral / mean kinetic energy"
    return xr.Dataset(
        {
            "x": labelled((*dims, "time"), x, "x of the orbit (in the bar's frame)", "length unit", nan=LOST),
            "dt": labelled("potential", dts, "time between samples", "time unit"),
            "natural_period": labelled(dims, period, "natural period of x by mean crossings", "time unit", nan=LOST),
            "energy_error": labelled(dims, errors, error, nan=LOST),
            **_tangent_variables(dims, results, p.samples_per_period * dts[:, None], p.chaos_growth, "time unit"),
        },
        {"potential": list(runs), "orbit": np.arange(p.orbits)},
    )


def _potentials(p) -> dict[str, tuple]:
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
    return follow_tangents(
        lambda z: yoshida4(acceleration, z, dt / substeps, p.samples_per_period * substeps, substeps, rotation, args),
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


# ---------------------------------------------------------------------------------------------------------- shared


def _tangent_variables(dims, results: list[Tangents], interval, chaos_growth: float, unit: str) -> dict:
    """Finite-time exponent, SALI, and the label that follows from the growth of a deviation."""
    growth = np.stack([result.growth[:, 0] for result in results])
    sali = np.stack([result.sali[:, -1] for result in results])
    return {
        "lyapunov_exponent": labelled(
            dims, growth.mean(-1) / interval, "finite-time Lyapunov exponent", f"1/{unit}", role="truth", nan=LOST
        ),
        "growth": labelled(dims, growth.sum(-1), "ln of a deviation's growth over the run", role="truth", nan=LOST),
        "sali": labelled(dims, sali, "smaller alignment index at the end", role="truth", nan=LOST),
        "is_chaotic": labelled(
            dims, growth.sum(-1) > chaos_growth, "a deviation grew by more than the threshold", role="truth"
        ),
    }


def _energy_error(conserved, kinetic) -> np.ndarray:
    """Largest departure of a conserved quantity from its start, over the mean kinetic energy, along the last axis."""
    return np.abs(conserved - conserved[..., :1]).max(-1) / kinetic.mean(-1)
