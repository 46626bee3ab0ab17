"""A stand-in for the combustor: amplitude of a tangential mode near a Hopf bifurcation, its commands and sensors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.signal import lfilter

from pesin.integrate.steppers import follow_sde

DT = 0.005
"""Time between samples, in s."""
NOISE = 0.06
"""Of each part of the complex amplitude, per square root of a second."""
CUBIC = 6.0
LEVELS, HOLD, RAMP = (0.7, 1.1), (1.5, 3.0), 0.4
"""Set points of the commands; how long they are held, and how long a change takes, in s."""
PRESSURE_TIME, THERMAL_TIME = 0.12, 1.5
"""In s."""
SENSOR_NOISE = {"hfA": 0.01, "oh": 0.05, "pc": 0.01, "tinj": 0.02}


def command(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """One command over time: set points drawn evenly, held for a time drawn evenly, with straight ramps between."""
    count = int(np.ceil(times[-1] / (HOLD[0] + RAMP))) + 1
    held, level = rng.uniform(*HOLD, count), rng.uniform(*LEVELS, count)
    end = np.cumsum(held + RAMP) - RAMP
    start = np.append(0.0, end[:-1] + RAMP)
    return np.interp(times, np.stack([start, end], -1).ravel(), np.repeat(level, 2))


def relaxed(x: np.ndarray, time: float) -> np.ndarray:
    """The state that follows x, shape (..., time), with a time constant in s; it starts at rest.

    Exact where x is held from one sample to the next.
    """
    keep = np.exp(-DT / time)
    return lfilter([1 - keep], [1, -keep], x, zi=keep * x[..., :1])[0]


def growth_rate(mo: np.ndarray, mh: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chamber pressure, thermal state and growth rate in 1/s from the commands.

    Parameters
    ----------
    mo, mh : ndarray, shape (..., time)
        Commanded flow of oxidiser and fuel.
    offset : ndarray, shape (...)
        Hidden scatter of the hardware.
    """
    pressure = relaxed((mo + 0.6 * mh) / 1.6, PRESSURE_TIME)
    thermal = relaxed(mh - mo, THERMAL_TIME)
    rate = 8 * (pressure - 0.92) + 5 * (mo / mh - 1.02) - 6 * thermal + 3 * offset[..., None] - 0.3
    return pressure, thermal, rate


def amplitudes(rng: np.random.Generator, rate: np.ndarray, subcritical: bool = False) -> np.ndarray:
    """Amplitude |z| of dz = (g z - 6 |z|^2 z) dt + 0.06 dW by Euler and Maruyama's method, shape (..., time).

    Parameters
    ----------
    rate : ndarray, shape (..., time)
        Growth rate g in 1/s at each sample.
    subcritical
        The nonlinear part is + 9 |z|^2 z - 12 |z|^4 z instead: onset is abrupt, and there is hysteresis.
    """
    times = DT * np.arange(rate.shape[-1])

    def drift(z, t):
        square = (z**2).sum(-1, keepdims=True)
        bend = 9 * square - 12 * square**2 if subcritical else -CUBIC * square
        return (rate[..., round(t / DT), None] + bend) * z

    start = NOISE * rng.standard_normal((*rate.shape[:-1], 2)) / 2
    states: Iterator[np.ndarray] = follow_sde(
        drift, lambda _: NOISE, start, times, lambda z: rng.standard_normal(z.shape)
    )
    path = np.stack([start, *states], -2)
    return np.hypot(path[..., 0], path[..., 1])


def sensors(
    rng: np.random.Generator, amplitude: np.ndarray, pressure: np.ndarray, thermal: np.ndarray
) -> dict[str, np.ndarray]:
    """What the sensors say of amplitude, chamber pressure and thermal state, each with white noise."""
    said = {"hfA": amplitude, "oh": 0.5 * amplitude + 0.2 * pressure, "pc": pressure, "tinj": thermal}
    return {name: x + SENSOR_NOISE[name] * rng.standard_normal(x.shape) for name, x in said.items()}
