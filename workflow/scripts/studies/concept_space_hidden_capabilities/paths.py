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


def fall_and_rise(steps: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far a series falls to its lowest, and how far it rises after that within a factor 2 in updates.

    Parameters
    ----------
    steps : ndarray, shape (steps,)
        Over more than an octave.
    series : ndarray, shape (..., steps)

    Returns
    -------
    (fall, rise) : ndarrays, shape (...)
        Not negative.
    """
    octave = np.log2(steps)
    rows = series.reshape(-1, len(steps))
    found = np.empty((2, len(rows)))
    for i, row in enumerate(rows):
        lowest = row.argmin()
        start = octave[lowest:]
        later = np.interp(start + 1, octave, row)
        found[:, i] = row[: lowest + 1].max() - row[lowest], (later - row[lowest:]).max()
    return tuple(part.reshape(series.shape[:-1]) for part in found)


def smoothed(path: np.ndarray) -> np.ndarray:
    """Median of three neighbouring times, the ends as they are; shape (..., steps, 2)."""
    middle = np.median(np.stack([path[..., :-2, :], path[..., 1:-1, :], path[..., 2:, :]]), 0)
    return np.concatenate([path[..., :1, :], middle, path[..., -1:, :]], -2)


def turning(steps: np.ndarray, path: np.ndarray, since: np.ndarray, lag: int, still: float) -> np.ndarray:
    """Update at which a path changes its direction most.

    Parameters
    ----------
    path : ndarray, shape (..., steps, 2)
    since : ndarray, shape (...)
        Updates before this one don't count.
    lag
        Times on either side between which the directions are taken.
    still
        Where either displacement is less, there is no direction.

    Returns
    -------
    ndarray, shape (...)
        NaN for a path without directions.
    """
    before = path[..., lag:-lag, :] - path[..., : -2 * lag, :]
    after = path[..., 2 * lag :, :] - path[..., lag:-lag, :]
    size = [np.linalg.norm(part, axis=-1) for part in (before, after)]
    cosine = (before * after).sum(-1) / np.maximum(size[0] * size[1], 1e-12)
    at = steps[lag:-lag]
    moves = (np.minimum(*size) >= still) & (at >= since[..., None])
    straight = np.where(moves, cosine, np.inf)
    return np.where(moves.any(-1), at[straight.argmin(-1)].astype(float), np.nan)
