"""Times and turns along paths in concept space, which are sampled at rising updates."""

from __future__ import annotations

import numpy as np

from pesin.stats.passage import first_passage


def reaching(steps: np.ndarray, series: np.ndarray, level: float) -> np.ndarray:
    """Update at which a series first reaches a level, interpolated in log(update); (..., steps) -> (...).

    Infinite if it never does.
    """
    return np.exp2(first_passage(np.log2(steps), series, level))


def for_good(series: np.ndarray) -> np.ndarray:
    """The least of a series from each time on: it passes a level when the series does for the last time."""
    return np.minimum.accumulate(series[..., ::-1], -1)[..., ::-1]


def fall_and_rise(steps: np.ndarray, series: np.ndarray, since: np.ndarray) -> tuple[np.ndarray, ...]:
    """How far a series falls to its lowest, that, and how far it rises from there within a factor 2 in updates.

    Parameters
    ----------
    steps : ndarray, shape (steps,)
        Over more than an octave.
    series : ndarray, shape (..., steps)
    since : ndarray, shape (...)
        The lowest is looked for from this update on; what it falls from may lie before.

    Returns
    -------
    (fall, lowest, rise) : ndarrays, shape (...)
        Fall and rise are not negative.
    """
    octave = np.log2(steps)
    found = np.empty((3, *since.shape))
    for place in np.ndindex(since.shape):
        row = series[place]
        lowest = np.where(steps >= since[place], row, np.inf).argmin()
        later = np.interp(octave[lowest:] + 1, octave, row)
        found[:, *place] = row[: lowest + 1].max() - row[lowest], row[lowest], (later - row[lowest:]).max()
    return tuple(found)


def smoothed(series: np.ndarray) -> np.ndarray:
    """Median of three neighbouring times, the ends as they are; shape (..., steps)."""
    middle = np.median(np.stack([series[..., :-2], series[..., 1:-1], series[..., 2:]]), 0)
    return np.concatenate([series[..., :1], middle, series[..., -1:]], -1)


def turning(steps: np.ndarray, series: np.ndarray, since: np.ndarray, until: np.ndarray, lag: int) -> np.ndarray:
    """Update at which a coordinate begins to rise most: its rise over the next times less that over the last ones.

    A fall counts as no rise, or the end of a fall would be a turn. In the plane of both concepts the angle would find
    the jitter of a path at rest, and the curvature the arrival of the concept that came first.

    Parameters
    ----------
    series : ndarray, shape (..., steps)
    since, until : ndarray, shape (...)
        First and last update that count.
    lag
        Evenly spaced times on either side, over which the rises are taken.

    Returns
    -------
    ndarray, shape (...)
        NaN for a coordinate that never begins to rise, or without any time that counts.
    """
    middle = series[..., lag:-lag]
    gain = (series[..., 2 * lag :] - middle) - np.maximum(middle - series[..., : -2 * lag], 0)
    at = steps[lag:-lag]
    gain = np.where((at >= since[..., None]) & (at <= until[..., None]), gain, -np.inf)
    return np.where((gain > 0).any(-1), at[gain.argmax(-1)].astype(float), np.nan)
