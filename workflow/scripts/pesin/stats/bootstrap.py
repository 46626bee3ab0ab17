"""Bootstraps: whole units drawn with replacement, or blocks of a dependent series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pesin.declared import Declared
from pesin.door import unmasked, whole_numbers

MOST = 2**30  # entries of a table of histograms


def unit_bootstrap(
    rng: np.random.Generator, statistic: Callable, samples: tuple, resamples: int = 1000, level: float = 0.95
) -> tuple[float, float, float]:
    """Percentile interval of a statistic over independent units.

    Parameters
    ----------
    rng
        Generator.
    statistic
        f(*samples) -> number.
    samples
        Arrays whose first axis is the unit; the same units are drawn from all of them.
    resamples
        Number of draws.

    Returns
    -------
    (value, low, high)
        Draws for which the statistic isn't finite are left out; -inf and inf if half of them or more are.
    """
    arrays = [unmasked(sample, "samples") for sample in samples]
    arrays = [array.astype(np.float64, copy=False) if array.dtype.kind == "f" else array for array in arrays]
    draws = rng.integers(len(arrays[0]), size=(resamples, len(arrays[0])))
    values = np.array([statistic(*(array[draw] for array in arrays)) for draw in draws], float)
    values = values[np.isfinite(values)]
    if values.size <= resamples / 2:
        return float(statistic(*arrays)), -np.inf, np.inf
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
    return float(statistic(*arrays)), float(low), float(high)


def moving_blocks(rng: np.random.Generator, length: int, block: int, resamples: int) -> np.ndarray:
    """Starts of the blocks of a moving-block bootstrap (Kunsch, Ann. Stat. 17, 1217, 1989).

    Parameters
    ----------
    length
        Length of the series.
    block
        Length of a block, at least several correlation times; cut to `length` if longer.
    resamples
        Number of resampled series.

    Returns
    -------
    ndarray of int, shape (resamples, ceil(length / block))
        The resampled series is x[start : start + block] for each start of a row, one after the other.
    """
    block = min(block, length)
    return rng.integers(length - block + 1, size=(resamples, -(-length // block)))


def block_counts(rng: np.random.Generator, codes, size: int, block: int, resamples: int) -> np.ndarray:
    """Histograms of moving-block resamples of a series of integer codes.

    Parameters
    ----------
    codes : array_like of int, shape (length,)
        Values in 0 .. size - 1, such as ordinal patterns.
    size
        Number of bins.
    block, resamples
        As in `moving_blocks`.

    Returns
    -------
    ndarray of int, shape (resamples, size)
        Each row counts ceil(length / block) x block codes.
    """
    codes = whole_numbers(codes, "codes", 0, size)
    if resamples * size > MOST:
        raise ValueError(f"{resamples} histograms of {size} bins are too large: number the codes with np.unique first")
    starts = moving_blocks(rng, codes.size, block, resamples)
    block = min(block, codes.size)
    used, codes = np.unique(codes, return_inverse=True)
    seen = np.zeros((codes.size + 1, used.size), np.int32)
    seen[np.arange(1, codes.size + 1), codes] = 1
    np.cumsum(seen, 0, out=seen)
    counts = np.zeros((resamples, size), np.int64)
    counts[:, used] = (seen[starts + block] - seen[starts]).sum(1)
    return counts


DECLARED = (
    Declared(
        unit_bootstrap,
        ("samples",),
        follows="values",
        moves="by the statistic's own law; that of a mean goes with the values",
        missing={"samples": "what the statistic makes of it"},
    ),
    Declared(block_counts, ("codes",), names=("codes",), moves="codes are names, not sizes"),
)
