"""What every estimator of entropy takes and gives: checked arrays in, an `Estimate` out.

Conventions of the whole library: nats; standard deviations with ddof 0; Chebyshev distance; a match is a distance
<= r; delay 1 unless said otherwise. No match is an infinity with a warning, never 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

# How the sampling error of an estimate is found where no formula gives it.
BOOTSTRAP = "bootstrap over the samples, which must be independent"
SUBSAMPLES = "subsamples of half the points without replacement (bootstrap copies are neighbours at distance 0)"
BLOCKS = "moving blocks of at least five integrated correlation times"
BLOCK_SUBSAMPLES = "half of the blocks of at least five integrated correlation times, without replacement"
EXACT = "none: a function of its argument, which carries the error"


@dataclass(frozen=True)
class Estimate:
    """A value with what is needed to judge it.

    Every entry has the shape of the batch (the value of a multiscale measure one axis more), and is a float where one
    series came in.
    """

    value: np.ndarray | float
    """The estimate as the definition gives it: `bias` is not subtracted."""
    resampling: str
    """How to find the sampling error by resampling: one of the sentences above; `resampling.resample` does."""
    standard_error: np.ndarray | float | None = None
    """Its sampling error, where a formula gives one for such data."""
    bias: np.ndarray | float | None = None
    """Estimated bias, where a formula gives one; value - bias is corrected."""
    counts: Mapping[str, np.ndarray | float] = field(default_factory=dict)
    """What was counted: windows, patterns, matches ..."""

    @classmethod
    def of(cls, batch: tuple[int, ...], value, resampling: str, standard_error=None, bias=None, **counts) -> Estimate:
        """The record of a batch whose rows were measured one after the other.

        Parameters
        ----------
        batch
            Shape of the batch, () for one series.
        value, standard_error, bias, **counts : array_like, shape (rows, ...)
            `rows` is the product of `batch`; brought to shape (*batch, ...).
        """

        def shaped(entry):
            if entry is None:
                return None
            entry = np.asarray(entry)
            entry = entry.reshape(batch + entry.shape[1:])
            return entry if entry.ndim else entry.item()

        return cls(
            shaped(value),
            resampling,
            shaped(standard_error),
            shaped(bias),
            {name: shaped(entry) for name, entry in counts.items()},
        )


def finite(x, name: str = "x") -> np.ndarray:
    """Return x as a float64 array, whatever numbers it holds.

    Raises
    ------
    TypeError
        If it holds complex numbers, text or objects.
    ValueError
        If a value is NaN or infinite; the message gives its index.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, its dtype is {x.dtype}")
    x = x.astype(np.float64, copy=False)
    bad = ~np.isfinite(x)
    if bad.any():
        index = tuple(int(i) for i in np.unravel_index(bad.argmax(), x.shape))
        where = ", ".join(map(str, index))
        raise ValueError(f"{name}[{where}] is {x[index]}: {int(bad.sum())} of {x.size} values are not finite")
    return x


def series(x, needs: int, measure: str, name: str = "x") -> tuple[np.ndarray, tuple[int, ...]]:
    """Check one series or a batch.

    Parameters
    ----------
    x : array_like, shape (..., time)
    needs
        Smallest number of points.
    measure
        Name for the message.

    Returns
    -------
    rows : ndarray of float64, shape (batch, time), C-contiguous
    batch : tuple
        x.shape[:-1].

    Raises
    ------
    ValueError
        If a value isn't finite (with its index), there is no time axis, or the series are too short.
    """
    x = finite(x, name)
    if x.ndim == 0:
        raise ValueError(f"{name} must be a series (time,) or a batch (batch, time), it is a single number")
    enough(x.shape[-1], needs, measure)
    return np.ascontiguousarray(x.reshape(-1, x.shape[-1])), x.shape[:-1]


def samples(x, needs: int, measure: str, name: str = "x") -> tuple[np.ndarray, tuple[int, ...]]:
    """Check one cloud of points or a batch.

    Parameters
    ----------
    x : array_like, shape (..., samples, dim)
    needs
        Smallest number of samples.
    measure
        Name for the message.

    Returns
    -------
    clouds : ndarray of float64, shape (batch, samples, dim), C-contiguous
    batch : tuple
        x.shape[:-2].

    Raises
    ------
    ValueError
        If a value isn't finite (with its index), x has fewer than two axes, or the samples are too few.
    """
    x = finite(x, name)
    if x.ndim < 2:
        raise ValueError(
            f"{measure} needs {name} as (samples, dim) or (batch, samples, dim), its shape is {x.shape}; "
            f"pass {name}[:, None] for samples of one number each"
        )
    enough(x.shape[-2], needs, measure, "samples")
    return np.ascontiguousarray(x.reshape(-1, *x.shape[-2:])), x.shape[:-2]


def enough(number: int, needs: int, measure: str, what: str = "points") -> None:
    """Raise a ValueError that says how many points are needed if there are fewer."""
    if number < needs:
        raise ValueError(f"{measure} needs at least {needs} {what}, there are {number}")


def varying(rows: np.ndarray, measure: str) -> None:
    """Raise a ValueError if a row (the last axis) is constant, for measures that are not defined then."""
    constant = (rows == rows[..., :1]).all(-1)
    if constant.any():
        which = f" (row {int(constant.argmax())} of the batch)" if len(rows) > 1 else ""
        raise ValueError(f"{measure} is not defined for a constant series{which}")


def log_of_counts(counts, measure: str) -> np.ndarray:
    """ln of counts; -inf with a warning where nothing was counted."""
    counts = np.asarray(counts, float)
    if (counts == 0).any():
        warnings.warn(
            f"{measure}: no match in {int((counts == 0).sum())} of {counts.size} counts, the value is infinite; "
            "take a longer series or a larger tolerance",
            RuntimeWarning,
            stacklevel=3,
        )
    with np.errstate(divide="ignore"):
        return np.log(counts)
