"""The world: a chaotic orbit observed with noise and true orbits to compare with, or random networks."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from pesin.errors import UserError
from pesin.integrate.lyapunov import jacobian_by_differences, lyapunov_spectrum
from pesin.integrate.ode import rk4, rk4_step
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems import ecg
from pesin.systems.flows import lorenz63, lorenz96
from pesin.systems.recordings import read_recording

STEP = 0.01  # largest step of the integration [time units]
TRANSIENT = 20.0  # thrown away [time units]
EXPONENT_TIME = 200.0  # length of the orbit from which the true exponent is computed [time units]


def simulate(case: Case) -> xr.Dataset:
    """Draw random networks, or observe a system.

    A system is standardised dimension by dimension with the mean and standard deviation of the noise-free training
    orbit; the noise is added afterwards. True orbits are `role = truth`: training sees the noisy orbit alone.
    """
    if case.params.kind == "random_networks":
        return _networks(case)
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


def _system(case: Case):
    """Training orbit (time, dim), test orbit, reference orbits (seed, time, dim), largest exponent, attributes."""
    p = case.params.simulate
    if p.data.source == "ecg":
        return _synthetic_ecg(case)
    if p.data.source == "file":
        return _recording(p)
    if p.data.source == "lorenz63":
        rhs = partial(lorenz63, sigma=p.data.sigma, rho=p.data.rho, beta=p.data.beta)
        start = np.array([0.0, 0.0, 25.0]) + 5 * case.rng("start").standard_normal((p.seeds + 2, 3))
    else:
        rhs = partial(lorenz96, forcing=p.data.forcing)
        start = p.data.forcing / 2 + case.rng("start").standard_normal((p.seeds + 2, p.data.sites))
    every = int(np.ceil(p.data.dt / STEP - 1e-9))
    h = p.data.dt / every
    skip = int(np.ceil(TRANSIENT / p.data.dt))
    orbits = rk4(rhs, start, h, every * (skip + p.length - 1), every)[:, skip:]

    def advance(x):
        for _ in range(every):
            x = rk4_step(rhs, 0.0, x, h)
        return x

    counted = int(EXPONENT_TIME / p.data.dt)
    jacobians = jacobian_by_differences(advance, orbits[0, :counted])
    exponent = lyapunov_spectrum(jacobians, p.data.dt, skip=len(jacobians) // 10)[0]
    return orbits[0], orbits[1], orbits[2:], exponent, {}


def _synthetic_ecg(case: Case):
    p = case.params.simulate
    longest = int(round(0.5 / p.data.dt))
    spare = (p.data.delays - 1) * longest
    voltage = ecg.voltage(p.length + spare, p.data.dt, case.rng("ecg"), p.seeds + 2, p.data.rr_sd)
    lag = ecg.first_minimum_lag(voltage[0], longest)
    vectors = ecg.delay_embed(voltage, p.data.delays, lag)[:, : p.length]
    return vectors[0], vectors[1], vectors[2:], np.nan, {"delay_lag": lag}


def _recording(p):
    """A recording has no second true orbit: equal parts of the test record, compared with the whole, are the floor."""
    fewest = 1000
    x = read_recording(p.data.train, p.data.where, fewest)
    cut = len(x) if p.data.test else int(len(x) * (1 - p.data.test_share))
    test = read_recording(p.data.test, p.data.where, fewest) if p.data.test else x[cut:]
    half = len(test) // 2
    references = np.stack([np.roll(test, half, axis=0)] * p.seeds)
    digest = hashlib.sha256(Path(p.data.train).read_bytes()).hexdigest()
    return x[:cut], test, references, np.nan, {"recording_sha256": digest}


def _networks(case: Case) -> xr.Dataset:
    """Clipped shallow PLRNNs with random weights, in the layout of `pesin.models.shplrnn.Weights`.

    Of random networks many fall into cycles. The claim is about chaos: the first that are chaotic are kept.
    """
    p = case.params.simulate
    rng = case.rng("networks")
    n, m, hidden = p.candidates, p.dim, p.hidden
    drawn = {
        "A": (("dim",), rng.uniform(0, 0.9, (n, m)), "diagonal of A"),
        "W1": (("hidden", "dim"), p.gain * rng.uniform(-1, 1, (n, hidden, m)) / np.sqrt(hidden), "W1, transposed"),
        "W2": (("dim", "hidden"), p.gain * rng.uniform(-1, 1, (n, m, hidden)) / np.sqrt(m), "W2, transposed"),
        "h1": (("dim",), rng.uniform(-0.1, 0.1, (n, m)), "bias h1"),
        "h2": (("hidden",), rng.uniform(-1, 1, (n, hidden)), "kinks h2"),
        "z0": (("dim",), rng.standard_normal((n, m)), "start"),
    }
    exponent = _pilot_exponent({name: values for name, (_, values, _) in drawn.items()})
    kept = np.flatnonzero(exponent > p.chaotic_above)[: p.networks]
    if len(kept) < p.networks:
        raise UserError(
            f"{case.study}/{case.name}: of {n} random networks {len(kept)} are chaotic; {p.networks} are asked for."
            " Raise simulate.candidates or simulate.gain."
        )
    return xr.Dataset(
        {
            name: labelled(("network", *dims), values[kept], long_name)
            for name, (dims, values, long_name) in drawn.items()
        },
        {"network": kept},
        {"share_chaotic": float(np.mean(exponent > p.chaotic_above))},
    )


def _pilot_exponent(w, steps: int = 2000, transient: int = 2000) -> np.ndarray:
    """Growth rate of one tangent vector of each network [nat/step]."""
    z, tangent, total = w["z0"], np.ones_like(w["z0"]), 0.0
    for t in range(transient + steps):
        u = np.einsum("nm,nmh->nh", z, w["W2"])
        bend = np.maximum(u + w["h2"], 0) - np.maximum(u, 0)
        slope = (u > -w["h2"]).astype(float) - (u > 0)
        push = slope * np.einsum("nm,nmh->nh", tangent, w["W2"])
        tangent = w["A"] * tangent + np.einsum("nh,nhm->nm", push, w["W1"])
        z = w["A"] * z + np.einsum("nh,nhm->nm", bend, w["W1"]) + w["h1"]
        length = np.linalg.norm(tangent, axis=1)
        tangent = tangent / length[:, None]
        total = total + np.log(length) * (t >= transient)
    return total / steps
