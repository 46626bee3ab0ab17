"""How a movie of damage is scored: overlap of what is new, the tip and its speed, the roughness of the path."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from studies.dynamic_fracture_forecasting.simulate import deviation

EIGHT = np.ones((3, 3), int)


def overlap(predicted: np.ndarray, truth: np.ndarray, notch: np.ndarray) -> np.ndarray:
    """Intersection over union of the damage outside the notch, (..., frames); 1 if there is none in either.

    Parameters
    ----------
    predicted, truth : bool ndarray, shape (..., frames, y, x)
    notch : bool ndarray, shape (..., 1, y, x)
    """
    one, other = predicted & ~notch, truth & ~notch
    union = (one | other).sum((-1, -2))
    return np.where(union > 0, (one & other).sum((-1, -2)) / np.maximum(union, 1), 1.0)


def reach(damage: np.ndarray, notch: np.ndarray) -> np.ndarray:
    """Rightmost column of the damage that hangs together with the notch, corners too: (..., y, x) -> (...); -1 if none.

    Parameters
    ----------
    notch : bool ndarray
        Of the shape of `damage`.
    """
    found = np.full(damage.shape[:-2], -1)
    for place in np.ndindex(found.shape):
        parts, _ = ndimage.label(damage[place], EIGHT)
        joined = np.isin(parts, np.unique(parts[notch[place] & (parts > 0)])) & (parts > 0)
        columns = np.flatnonzero(joined.any(0))
        found[place] = columns[-1] if columns.size else -1
    return found


def speeds(column: np.ndarray, width: int) -> np.ndarray:
    """Columns a frame of a tip: (..., frames) -> (...).

    The slope of a line through the frames from the last one in which it stands at the notch to the first beyond 85 %
    of the width (or the last of all); 0 if it never moves.
    """
    found = np.zeros(column.shape[:-1])
    for place in np.ndindex(found.shape):
        own = column[place]
        moved = np.flatnonzero(own > own[0])
        if moved.size:
            far = np.flatnonzero(own > 0.85 * (width - 1))
            first, last = max(moved[0] - 1, 0), far[0] if far.size else len(own) - 1
            time = np.arange(first, max(last, first + 1) + 1)
            found[place] = np.polyfit(time, own[time], 1)[0]
    return found


def roughness(damage: np.ndarray, notch: np.ndarray) -> np.ndarray:
    """Standard deviation of the rows of damaged cells outside the notch: (..., y, x) -> (...), in cells."""
    by_row = (damage & ~notch).sum(-1).astype(float)
    return deviation(np.arange(damage.shape[-2], dtype=float), by_row)


def best_threshold(mean: np.ndarray, truth: np.ndarray, notch: np.ndarray) -> float:
    """Above which share of the samples a mean movie calls a cell damaged, so that it overlaps best with them.

    Parameters
    ----------
    mean : ndarray, shape (frames, y, x)
    truth : bool ndarray, shape (samples, frames, y, x)
    notch : bool ndarray, shape (samples, 1, y, x)
    """
    tried = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5]
    return max(tried, key=lambda t: float(overlap(np.broadcast_to(mean > t, truth.shape), truth, notch).mean()))
