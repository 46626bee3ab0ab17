"""What every estimator of entropy gives: an `Estimate`. What it takes comes in by `pesin.door`.

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
            entry = entry + 0.0 if entry.dtype.kind == "f" else entry  # -0.0 is 0.0
            return entry if entry.ndim else entry.item()

        return cls(
            shaped(value),
            resampling,
            shaped(standard_error),
            shaped(bias),
            {name: shaped(entry) for name, entry in counts.items()},
        )


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
