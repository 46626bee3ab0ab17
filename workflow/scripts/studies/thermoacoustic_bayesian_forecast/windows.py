"""Windows of runs: what networks are given at a time, what they shall foretell, and how both are standardised."""

from __future__ import annotations

from typing import Any

import numpy as np

PAST, AHEAD, LAST, STRIDE = 100, 100, 10, 10
"""Samples of 5 ms: half a second back; half a second ahead; what amplitudes are averaged over; between windows."""
STEP = 0.05
"""Time from window to window, in s."""
THRESHOLD = 0.3
"""Amplitude above which the chamber counts as unstable."""
BLOCKS = {"dynamic_pressure": ("hfA", 10), "oh": ("oh", 5), "pressure": ("pc", 5), "injector": ("tinj", 5)}
"""Each sensor's variable, and the number of block means of its past that networks are given."""
SENSORS = tuple(BLOCKS)
COMMANDS = ("mo", "mh")
GROUPS = (
    *["dynamic_pressure"] * 12,  # ten block means, standard deviation, autocorrelation from sample to sample
    *["oh"] * 5,
    *["pressure"] * 5,
    *["injector"] * 5,
    *["past commands"] * 20,
    *["future commands"] * 20,
)
"""The group of each input. Of sensors only the past is given; of commands, which are known, the future too."""


def places(samples: int) -> np.ndarray:
    """The present of each window: the number of samples before it, shape (windows,)."""
    return np.arange(PAST, samples - AHEAD + 1, STRIDE)


def past(x: np.ndarray, start: int = -PAST, stop: int = 0) -> np.ndarray:
    """Samples from `start` to `stop`, counted from each window's present: (..., time) -> (..., windows, samples)."""
    return x[..., places(x.shape[-1])[:, None] + np.arange(start, stop)]


def blocks(x: np.ndarray, number: int) -> np.ndarray:
    """Means of so many equal parts of the last axis."""
    return x.reshape(*x.shape[:-1], number, -1).mean(-1)


def autocorrelation(x: np.ndarray) -> np.ndarray:
    """From each sample to the next, along the last axis; 0 where nothing varies."""
    varies = np.ptp(x, axis=-1) > 0
    x = x - x.mean(-1, keepdims=True)  # of what is still, its rounding
    product = (x[..., 1:] * x[..., :-1]).sum(-1)
    return np.where(varies, product, 0) / np.where(varies, (x**2).sum(-1), 1)


def inputs(runs: dict[str, np.ndarray]) -> np.ndarray:
    """Inputs of all windows, (..., windows, len(GROUPS)), from the sensors and commands of runs, each (..., time)."""
    parts = []
    for sensor, (name, number) in BLOCKS.items():
        before = past(runs[name])
        parts.append(blocks(before, number))
        if sensor == "dynamic_pressure":
            parts += [before.std(-1)[..., None], autocorrelation(before)[..., None]]
    parts += [blocks(past(runs[name]), 10) for name in COMMANDS]
    parts += [blocks(past(runs[name], 0, AHEAD), 10) for name in COMMANDS]
    return np.concatenate(parts, -1)


def target(amplitude: np.ndarray) -> np.ndarray:
    """Mean amplitude in the last 50 ms of the next half second, (..., time) -> (..., windows)."""
    return past(amplitude, AHEAD - LAST, AHEAD).mean(-1)


def present(amplitude: np.ndarray) -> np.ndarray:
    """Mean amplitude in the last 50 ms before each window's present, (..., time) -> (..., windows)."""
    return past(amplitude, -LAST, 0).mean(-1)


def given(data: Any, sensors: str) -> dict[str, np.ndarray]:
    """Sensors and commands of all runs, (seed, run, time) each.

    Parameters
    ----------
    sensors
        own, or other_run: each run has the sensors of the next one of those that are trained on, or held out, alike.
    """
    held_out = data["held_out"].values
    order = np.arange(held_out.size)
    if sensors == "other_run":
        order = np.concatenate([np.roll(order[held_out == part], -1) for part in (0, 1)])
    measured = {name: data[name].values[:, order].astype(float) for name, _ in BLOCKS.values()}
    return measured | {name: data[name].values.astype(float) for name in COMMANDS}


def standard(x: np.ndarray, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over the windows of the first runs: (seed, run, window, ...) -> (seed, ...) each.

    An input that never varies there is left in its own unit.
    """
    mean, deviation = x[:, :runs].mean((1, 2)), x[:, :runs].std((1, 2))
    return mean, np.where(deviation > 0, deviation, 1.0)


def mask(name: str) -> np.ndarray:
    """1 for each input that a set of sensors has, 0 for the others; commands are in all of them."""
    if name in ("all", "commands"):
        kept = set(SENSORS if name == "all" else ())
    elif name.startswith("no_"):
        kept = set(SENSORS) - {name.removeprefix("no_")}
    else:
        kept = {name}
    return np.array([group not in SENSORS or group in kept for group in GROUPS], float)
