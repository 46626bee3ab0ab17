"""A refrigerator-like task: one temperature, one cooling power, and the policies that it is driven by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEP, LEAK, OUTSIDE, COOLING, STRONGER = 0.2, 0.25, 20.0, 2.5, 0.02
"""Time of a step, heat that leaks in per degree, temperature outside, cooling of one unit of power and its slope."""
MOST = 5.0
"""Largest cooling power."""
STARTS = (3.0, 8.0)
"""Temperatures that episodes begin at, uniform."""
BOX = (-30.0, 40.0)
"""Imagined temperatures are held within; the share that had to be is counted."""


def step(temperature: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Next temperature without noise, degC; shapes broadcast.

    T' = T + 0.2 (0.25 (20 - T) - 2.5 u (1 + 0.02 T)): at constant u it rests at (5 - 2.5 u) / (0.25 + 0.05 u), and
    approaches it by the factor 1 - 0.2 (0.25 + 0.05 u) a step.
    """
    rate = LEAK * (OUTSIDE - temperature) - COOLING * power * (1 + STRONGER * temperature)
    return temperature + STEP * rate


def linear(gain, centre, offset, temperature: np.ndarray) -> np.ndarray:
    """The controller u = gain (T - centre) + offset, held within what the machine can."""
    return np.clip(gain * (temperature - centre) + offset, 0, MOST)


Policy = Callable[[np.random.Generator, np.ndarray], np.ndarray]
POLICIES: dict[str, Policy] = {
    "behaviour": lambda rng, t: linear(0.5, 5.0, 1.5, t),
    "near": lambda rng, t: linear(0.5, 4.0, 1.5, t),
    "strong": lambda rng, t: linear(0.5, -5.0, 1.5, t),
    "off": lambda rng, t: np.full(t.shape, 0.2),
    "max": lambda rng, t: np.full(t.shape, 3.0),
    "random": lambda rng, t: rng.uniform(0, 3, t.shape),
}
"""Policies of the tests; the first is the data's own without its noise, all others leave the data."""


def episodes(
    rng: np.random.Generator,
    policy: Policy,
    shape: tuple[int, ...],
    steps: int,
    noise: float = 0.0,
    explore: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Temperatures, powers and next temperatures of episodes, each of shape (*shape, steps).

    Parameters
    ----------
    noise, explore
        Standard deviations of what is added to each next temperature, and to each power before it is clipped.
    """
    temperature, record = rng.uniform(*STARTS, shape), []
    for _ in range(steps):
        power = np.clip(policy(rng, temperature) + explore * rng.standard_normal(shape), 0, MOST)
        after = step(temperature, power) + noise * rng.standard_normal(shape)
        record.append((temperature, power, after))
        temperature = after
    here, power, after = (np.stack(values, -1) for values in zip(*record, strict=True))
    return here, power, after


def true_paths(gain: np.ndarray, centre: np.ndarray, offset: np.ndarray, start: float, steps: int) -> np.ndarray:
    """Temperatures under linear controllers without noise, shape (controllers, steps), the start left out."""
    temperature, path = np.full(gain.shape, start), []
    for _ in range(steps):
        temperature = step(temperature, linear(gain, centre, offset, temperature))
        path.append(temperature)
    return np.stack(path, -1)
