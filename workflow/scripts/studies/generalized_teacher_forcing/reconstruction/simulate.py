"""The world: a chaotic orbit observed with noise, and true orbits to compare with."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from pesin.integrate.lyapunov import jacobian_by_differences, lyapunov_spectrum
from pesin.integrate.ode import rk4, rk4_step
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems import ecg
from pesin.systems.flows import lorenz63, lorenz96
from pesin.systems.recordings import read_recording
from studies.generalized_teacher_forcing.reconstruction.params import (
    Ecg,
    File,
    Lorenz63,
    Lorenz96,
    Observe,
    Params,
    Spiral,
)

STEP = 0.01  # largest step of the integration [time units]
TRANSIENT = 20.0  # thrown away [time units]
EXPONENT_TIME = 200.0  # length of the orbit from which the true exponent is computed [time units]

World = tuple[np.ndarray, np.ndarray, np.ndarray, float, dict]
"""Training orbit (time, dim), test orbit, reference orbits (seed, time, dim), largest exponent, attributes."""


def simulate(case: Case[Params]) -> xr.Dataset:
    """Observe a system.

    A system is standardised dimension by dimension with the mean and standard deviation of the noise-free training
    orbit; the noise is added afterwards. True orbits are `role = truth`: training sees the noisy orbit alone.
    """
    p = case.params.simulate
    clean, test, references, exponent, notes = _system(case)
    mean, sd = clean.mean(0), clean.std(0)
    unit_noise = case.rng("noise").standard_normal(clean.shape)
    observed = (clean - mean) / sd + np.asarray(p.noise)[:, None, None] * unit_noise
    time = "s" if p.data.source == "ecg" else "time unit"
    return xr.Dataset(
        {
            "observed": labelled(("noise", "time", "dim"), observed, "noisy training orbit, standardised"),
            "test": labelled(
                ("test_time", "dim"), (test - mean) / sd, "noise-free test orbit, standardised", role="truth"
            ),
            "reference": labelled(
                ("seed", "test_time", "dim"),
                (references - mean) / sd,
                "further true orbits, for the floor, standardised",
                role="truth",
            ),
            "mean": labelled("dim", mean, "mean of the training orbit", may_be_constant=1),
            "std": labelled("dim", sd, "standard deviation of the training orbit", may_be_constant=1),
            "dt": labelled((), p.data.dt, "time between two points", time),
            "lyapunov_true": labelled(
                (),
                exponent,
                "largest Lyapunov exponent of the system",
                f"nat/{time}",
                nan="a system whose Lyapunov exponent isn't known",
                role="truth",
            ),
        },
        {"noise": p.noise, "seed": np.arange(p.seeds)},
        notes,
    )


def _system(case: Case[Params]) -> World:
    """The world that the data's source names."""
    p, data = case.params.simulate, case.params.simulate.data
    if isinstance(data, Spiral):
        return _spiral(case, data)
    if isinstance(data, Ecg):
        return _synthetic_ecg(case, data)
    if isinstance(data, File):
        return _recording(p, data)
    return _flow(case, data)


def _flow(case: Case[Params], data: Lorenz63 | Lorenz96) -> World:
    p = case.params.simulate
    if isinstance(data, Lorenz63):
        rhs = partial(lorenz63, sigma=data.sigma, rho=data.rho, beta=data.beta)
        start = np.array([0.0, 0.0, 25.0]) + 5 * case.rng("start").standard_normal((p.seeds + 2, 3))
    else:
        rhs = partial(lorenz96, forcing=data.forcing)
        start = data.forcing / 2 + case.rng("start").standard_normal((p.seeds + 2, data.sites))
    every = int(np.ceil(data.dt / STEP - 1e-9))
    h = data.dt / every
    skip = int(np.ceil(TRANSIENT / data.dt))
    orbits = rk4(rhs, start, h, every * (skip + p.length - 1), every)[:, skip:]

    def advance(x):
        for _ in range(every):
            x = rk4_step(rhs, 0.0, x, h)
        return x

    counted = int(EXPONENT_TIME / data.dt)
    jacobians = jacobian_by_differences(advance, orbits[0, :counted])
    exponent = lyapunov_spectrum(jacobians, data.dt, skip=len(jacobians) // 10)[0]
    return orbits[0], orbits[1], orbits[2:], exponent, {}


def _spiral(case: Case[Params], data: Spiral) -> World:
    """Exact steps of a linear stochastic equation in its stationary state, unit variance in each direction."""
    p, rng = case.params.simulate, case.rng("kicks")
    kept = np.exp(-data.decay * data.dt)
    turn = np.exp(1j * data.turn * data.dt)
    kicks = rng.standard_normal((p.length, p.seeds + 2, 3)) * np.sqrt(1 - kept**2)
    x = rng.standard_normal((p.seeds + 2, 3))
    orbits = np.empty((p.seeds + 2, p.length, 3))
    for t in range(p.length):
        plane = (x[:, 0] + 1j * x[:, 1]) * turn
        x = kept * np.stack([plane.real, plane.imag, x[:, 2]], 1) + kicks[t]
        orbits[:, t] = x
    return orbits[0], orbits[1], orbits[2:], -data.decay, {}


def _synthetic_ecg(case: Case[Params], data: Ecg) -> World:
    p = case.params.simulate
    longest = int(round(0.5 / data.dt))
    spare = (data.delays - 1) * longest
    voltage = ecg.voltage(p.length + spare, data.dt, case.rng("ecg"), p.seeds + 2, data.rr_sd)
    lag = ecg.first_minimum_lag(voltage[0], longest)
    vectors = ecg.delay_embed(voltage, data.delays, lag)[:, : p.length]
    return vectors[0], vectors[1], vectors[2:], np.nan, {"delay_lag": lag}


def _recording(p: Observe, data: File) -> World:
    """A recording has no second true orbit: equal parts of the test record, compared with the whole, are the floor."""
    fewest = 1000
    options = data.model_dump(include={"columns", "time", "gaps", "decimal"})
    x = read_recording(data.train, data.where, fewest, **options)
    cut = len(x) if data.test else int(len(x) * (1 - data.test_share))
    test = read_recording(data.test, data.where, fewest, **options) if data.test else x[cut:]
    half = len(test) // 2
    references = np.stack([np.roll(test, half, axis=0)] * p.seeds)
    return x[:cut], test, references, np.nan, {}
