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


def fall_and_rise(steps: np.ndarray, series: np.ndarray, since: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far a series falls to its lowest, and how far it rises after that within a factor 2 in updates.

    Parameters
    ----------
    steps : ndarray, shape (steps,)
        Over more than an octave.
    series : ndarray, shape (..., steps)
    since : ndarray, shape (...)
        The lowest is looked for from this update on; what it falls from may lie before.

    Returns
    -------
    (fall, rise) : ndarrays, shape (...)
        Not negative.
    """
    octave = np.log2(steps)
    found = np.empty((2, *since.shape))
    for place in np.ndindex(since.shape):
        row = series[place]
        lowest = np.where(steps >= since[place], row, np.inf).argmin()
        later = np.interp(octave[lowest:] + 1, octave, row)
        found[(0, *place)] = row[: lowest + 1].max() - row[lowest]
        found[(1, *place)] = (later - row[lowest:]).max()
    return found[0], found[1]


def smoothed(path: np.ndarray) -> np.ndarray:
    """Median of three neighbouring times, the ends as they are; shape (..., steps, 2)."""
    middle = np.median(np.stack([path[..., :-2, :], path[..., 1:-1, :], path[..., 2:, :]]), 0)
    return np.concatenate([path[..., :1, :], middle, path[..., -1:, :]], -2)


def turning(steps: np.ndarray, path: np.ndarray, since: np.ndarray, until: np.ndarray, lag: int) -> np.ndarray:
    """Update at which the velocity of a path, over evenly spaced times, changes most: its largest curvature.

    The angle alone would find the jitter of a path at rest.

    Parameters
    ----------
    path : ndarray, shape (..., steps, 2)
    since, until : ndarray, shape (...)
        First and last update that count.
    lag
        Times on either side between which displacements are taken.

    Returns
    -------
    ndarray, shape (...)
        NaN for a path at rest, or without any time that counts.
    """
    before = path[..., lag:-lag, :] - path[..., : -2 * lag, :]
    after = path[..., 2 * lag :, :] - path[..., lag:-lag, :]
    at = steps[lag:-lag]
    change = np.linalg.norm(after - before, axis=-1) * ((at >= since[..., None]) & (at <= until[..., None]))
    return np.where(change.any(-1), at[change.argmax(-1)].astype(float), np.nan)
