"""First-passage times of series, and the share that has passed when some are still on their way (censored)."""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared
from pesin.door import finite, numbers, yes_no


def first_passage(times, series, level: float) -> np.ndarray:
    """Time at which each series first reaches a level from below, by interpolation between samples.

    Parameters
    ----------
    times : array_like, shape (time,)
        Rising.
    series : array_like, shape (..., time)
    level
        The level.

    Returns
    -------
    ndarray, shape (...)
        times[0] for a series that starts at or above the level; inf for one that never reaches it; NaN for one that
        turns NaN before it does.
    """
    times, series, height = finite(times, "times"), numbers(series, "series"), finite(level, "level")
    above = series >= height
    passed = above.any(-1)
    after = np.where(passed, above.argmax(-1), 0)
    before = np.maximum(after - 1, 0)
    y0, y1 = (np.take_along_axis(series, i[..., None], -1)[..., 0] for i in (before, after))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(after > 0, (height - y0) / (y1 - y0), 0.0)
    found = times[before] + np.where(after > 0, share, 0) * (times[after] - times[before])
    return np.where(passed, found, np.where(np.isnan(series).any(-1), np.nan, np.inf))


def kaplan_meier(times, observed, at) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of units that have not passed yet, with units censored at any time (Kaplan and Meier 1958).

    Parameters
    ----------
    times : array_like, shape (units,)
        Time of passage, or of the end of the observation.
    observed : array_like of bool, shape (units,)
        False where the unit was still on its way when it was last seen.
    at : array_like, shape (points,)
        Times at which the share is wanted.

    Returns
    -------
    (share, low, high), each of shape (points,)
        With Greenwood's variance on the log-minus-log scale (95 %), which keeps within 0 and 1; where nobody or
        everybody has passed it is (share, share).
    """
    times, observed, at = finite(times, "times"), yes_no(observed, "observed"), finite(at, "at")
    events = np.unique(times[observed])
    risk = (times[None] >= events[:, None]).sum(1)
    deaths = (times[None, observed] == events[:, None]).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.r_[1.0, np.cumprod(1 - deaths / risk)]
        variance = np.r_[0.0, np.cumsum(deaths / (risk * (risk - deaths)))]
        width = 1.96 * np.sqrt(variance) / np.abs(np.log(share))
        low, high = share ** np.exp(width), share ** np.exp(-width)
    inside = (share > 0) & (share < 1)
    low, high = np.where(inside, low, share), np.where(inside, high, share)
    place = np.searchsorted(events, at, side="right")
    return share[place], low[place], high[place]


DECLARED = (
    Declared(
        first_passage,
        ("times", "series", "level"),
        follows="values",
        moves="it is a time",
        missing={"series": "a series that turns NaN has no passage after it"},
    ),
    Declared(
        kaplan_meier,
        ("times", "observed", "at"),
        names=("observed",),
        invariant=("shift", "scale", "monotone"),
        moves="the times asked for are those of the same clock",
    ),
)
