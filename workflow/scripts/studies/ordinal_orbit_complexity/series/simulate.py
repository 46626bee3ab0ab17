"""The standard series: maps, noise, Lorenz, sines and what is made of them, and records of the three classes."""

from collections.abc import Callable
from functools import partial

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import natural_period
from pesin.integrate.ode import rk4
from pesin.integrate.variational import finite_time_exponent, follow_tangents
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.flows import lorenz63
from pesin.systems.maps import henon, iterate, logistic, skew_tent
from pesin.systems.noise import coloured_noise
from studies.ordinal_orbit_complexity.series.params import Params
from studies.ordinal_orbit_complexity.series.records import map_records, sampled_records

MAPS: dict[str, tuple[Callable, int]] = {"logistic": (logistic, 1), "henon": (henon, 2), "skew_tent": (skew_tent, 1)}
PRIMES = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97])


def simulate(case: Case[Params]) -> xr.DataTree:
    """Return each family of series, and the records that the rule is fitted on and applied to."""
    groups = {
        "maps": _maps(case),
        "noise": _noise(case),
        "lorenz": _lorenz(case),
        "sines": _sines(case),
        "switched": _switched(case),
        "records": sampled_records(case),
        "map_records": map_records(case),
    }
    reordered = {"kept": None, "shuffled": partial(case.rng("shuffle").permuted, axis=-1), "sorted": np.sort}
    order = reordered[case.params.simulate.time_order]
    if order is not None:
        for group, data in groups.items():
            for name in ("x", "package_x", "sine", "sum", "noisy"):
                if name in data:
                    groups[group] = data = data.assign({name: data[name].copy(data=order(data[name].values))})
    return xr.DataTree.from_dict(groups)


def _maps(case: Case[Params]) -> xr.Dataset:
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
    tangents = follow_tangents(lambda z, _: iterate(step, z, 11), start, deviations, 200)
    return finite_time_exponent(tangents.growth[:, 0], 10)


def _noise(case: Case[Params]) -> xr.Dataset:
    p = case.params.simulate
    series = [coloured_noise(case.rng(f"noise {e:g}"), e, (p.seeds, p.map_length)) for e in p.noise_exponents]
    return xr.Dataset(
        {"x": labelled(("exponent", "seed", "step"), series, "Gaussian noise with spectrum f^exponent")},
        {"exponent": p.noise_exponents, "seed": np.arange(p.seeds)},
    )


def _lorenz(case: Case[Params]) -> xr.Dataset:
    """Lorenz's attractor by RK4; and the default of the authors' package, rho = 20, by its forward Euler and by RK4."""
    p, lorenz, rng = case.params.simulate, case.params.simulate.lorenz, case.rng("lorenz")
    steps = round(lorenz.duration / lorenz.dt)
    start = rng.normal(size=(p.seeds, 3)) + [0, 0, 25]
    run_in = rk4(lorenz63, start, lorenz.dt, round(lorenz.transient / lorenz.dt), args=(10, lorenz.rho))[:, -1]
    path = rk4(lorenz63, run_in, lorenz.dt, steps, args=(10, lorenz.rho))
    every = round(0.5 / lorenz.dt)
    tangents = follow_tangents(
        lambda z, _: rk4(lorenz63, z, lorenz.dt, every, every, args=(10, lorenz.rho)),
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


def _sines(case: Case[Params]) -> xr.Dataset:
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


def _switched(case: Case[Params]) -> xr.Dataset:
    """Logistic map whose r steps from a periodic to a chaotic value half-way."""
    p, (before, after) = case.params.simulate, case.params.simulate.switched_r
    start = case.rng("switched").uniform(0.1, 0.9, (p.seeds, 1))
    first = iterate(logistic, start, p.switched_length, p.map_transient, (before,))
    second = iterate(logistic, logistic(first[:, -1], after), p.switched_length, 0, (after,))
    return xr.Dataset(
        {"x": labelled(("seed", "step"), np.concatenate([first, second], 1)[..., 0], "logistic map, r switched")},
        {"seed": np.arange(p.seeds)},
    )
