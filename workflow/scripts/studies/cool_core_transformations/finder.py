"""Transformations of cores in histories of ln K0, and the spells that they spend in a state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from pesin.stats.passage import kaplan_meier

SMOOTHING, BRIDGE = 0.45, 0.3
"""Gyr: width of the box, and gaps shorter than this don't end an event or a spell."""
SLOPE, CHANGE = 0.35, 0.6
"""Per Gyr, and in ln K: a transformation is steeper, and larger."""
COOL, HOT = 22.0, 150.0
"""keV cm^2: below COOL a cool core, above HOT none."""
LASTING = 2.0
"""Gyr: a spell that outlasts it is longer than a transformation takes."""


class Events(NamedTuple):
    """One entry for each transformation: row of its history, place of the steepest slope in time, +1 up or -1 down."""

    row: np.ndarray
    place: np.ndarray
    sign: np.ndarray


def smooth(log_k: np.ndarray, dt: float) -> np.ndarray:
    """Mean over a box of `SMOOTHING` Gyr along the last axis; ends are continued by their last values."""
    return uniform_filter1d(log_k, 2 * int(SMOOTHING / dt / 2 + 1e-9) + 1, axis=-1, mode="nearest")


def runs(yes: np.ndarray, bridge: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maximal runs of True along the last axis, gaps of fewer than `bridge` places bridged.

    Parameters
    ----------
    yes : bool ndarray, shape (rows, time)

    Returns
    -------
    (row, first, last) : int ndarrays, shape (runs,)
        Both ends belong to the run.
    """
    edge = np.diff(np.pad(yes.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, first = np.nonzero(edge == 1)
    last = np.nonzero(edge == -1)[1] - 1
    if not row.size:
        return row, first, last
    joined = (row[1:] == row[:-1]) & (first[1:] - last[:-1] - 1 < bridge)
    begins, ends = np.r_[True, ~joined], np.r_[~joined, True]
    return row[begins], first[begins], last[ends]


def slopes(smoothed: np.ndarray, dt: float, slope: float) -> tuple[np.ndarray, ...]:
    """Runs in which the smoothed ln K rises or falls faster than `slope` per Gyr, whatever the change in all.

    Parameters
    ----------
    smoothed : ndarray, shape (rows, time)
        What `smooth` gave.

    Returns
    -------
    (row, first, last, sign, change) : ndarrays, shape (runs,)
        Upward ones first, in the order of rows and times; change is that of ln K in the direction of the sign.
    """
    gradient = np.gradient(smoothed, dt, axis=-1)
    found = []
    for sign in (1, -1):
        row, first, last = runs(sign * gradient > slope, round(BRIDGE / dt))
        found.append((row, first, last, np.full(row.size, sign), sign * (smoothed[row, last] - smoothed[row, first])))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def transformations(smoothed: np.ndarray, dt: float, slope: float = SLOPE, change: float = CHANGE) -> Events:
    """What `slopes` finds, if ln K changes by more than `change` in all; in the same order."""
    row, first, last, sign, changed = slopes(smoothed, dt, slope)
    kept = changed > change
    row, first, last, sign = row[kept], first[kept], last[kept], sign[kept]
    gradient = np.gradient(smoothed, dt, axis=-1)
    parts = zip(row, first, last, sign, strict=True)
    steepest = [f + np.argmax(s * gradient[r, f : t + 1]) for r, f, t, s in parts]
    return Events(row, np.array(steepest, int), sign)


def outlasting(inside: np.ndarray, dt: float, least: float = LASTING) -> float:
    """Share of the spells in a state that outlast `least` Gyr, of those seen to begin; still on at the end: censored.

    By Kaplan and Meier, so it can be told where more than half outlast all that was seen and a median can't. Spells
    shorter than `BRIDGE` are passed over; NaN if no spell began.

    Parameters
    ----------
    inside : bool ndarray, shape (rows, time)
    """
    bridge = round(BRIDGE / dt)
    _, first, last = runs(inside, bridge)
    length = last - first + 1
    kept = (first > 0) & (length >= bridge)
    if not kept.any():
        return float("nan")
    return float(kaplan_meier(length[kept], (last < inside.shape[-1] - 1)[kept], [round(least / dt)])[0][0])
