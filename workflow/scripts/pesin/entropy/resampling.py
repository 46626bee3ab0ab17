"""The sampling error of any measure, by the rule that its estimate names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pesin.declared import Declared
from pesin.door import centred, finite, unmasked
from pesin.entropy.estimate import BLOCK_SUBSAMPLES, BLOCKS, BOOTSTRAP, EXACT, SUBSAMPLES
from pesin.entropy.measure import Measure
from pesin.entropy.registry import get
from pesin.errors import UserError
from pesin.stats.bootstrap import moving_blocks

TIMES = ("series", "runs", "symbols", "two series")  # resampled along the last axis
CLOUDS = ("samples", "pairs", "triples", "two clouds")  # along the last but one
FEWEST_BLOCKS = 10


@dataclass(frozen=True)
class Resampled:
    """A value with its sampling error."""

    value: np.ndarray | float
    """The estimate on the data as they are."""
    standard_error: np.ndarray | float
    """Standard deviation over the resamples."""
    low: np.ndarray | float
    """Normal interval around `value` (resamples of an entropy are biased, so that their quantiles are not used)."""
    high: np.ndarray | float
    rule: str
    """The rule that was applied: one of those of `pesin.entropy.estimate`."""
    block: int
    """Length of a block in samples; 1 for independent samples."""


def resample(
    measure: str | Measure, *data, rng: np.random.Generator, resamples: int = 100, block: int = 0, **parameters
) -> Resampled:
    """Measure one set of data with its 95 % interval.

    Parameters
    ----------
    measure
        Name in the registry, or an entry of it.
    *data
        Its arguments, without batch axes: series (time,), clouds (samples, dim).
    rng
        Generator.
    resamples
        Number of resamples, measured as one batch.
    block
        Length of a block for dependent series; 0 takes five integrated correlation times of the slowest of the series.
    **parameters
        Of the measure, in place of its defaults.

    Returns
    -------
    Resampled
        In the units of the measure.

    Raises
    ------
    UserError
        If the measure is a function of exact arguments, takes arguments of its own kind, or the series has fewer than
        ten blocks.
    """
    entry = get(measure) if isinstance(measure, str) else measure
    if entry.takes not in TIMES + CLOUDS:
        raise UserError(f"{entry.name} takes {entry.takes}: resample where its argument was estimated")
    axis = -1 if entry.takes in TIMES else -2
    arrays = [unmasked(x, name) for x, name in zip(data, entry.data, strict=False)]
    if any(x.ndim != -axis for x in arrays):
        raise UserError(f"resample takes one set of data, not a batch; the shapes are {[x.shape for x in arrays]}")
    estimate = entry(*arrays, **parameters)
    lengths = [x.shape[0] for x in arrays]
    if estimate.resampling == EXACT:
        raise UserError(f"{entry.name} is a function of its argument: resample where that was estimated")
    if estimate.resampling in (BLOCKS, BLOCK_SUBSAMPLES):
        block = block or max(int(np.ceil(5 * correlation_time(x))) for x in arrays)
        if lengths[0] < FEWEST_BLOCKS * block:
            raise UserError(
                f"{entry.name}: {lengths[0]} points hold fewer than {FEWEST_BLOCKS} blocks of {block} (five integrated "
                "correlation times): a longer series is needed"
            )
    else:
        block = 1
    if entry.takes == "two clouds":  # not paired
        drawn = [_draw(estimate.resampling, rng, length, block, resamples) for length in lengths]
    else:
        drawn = [_draw(estimate.resampling, rng, lengths[0], block, resamples)] * len(arrays)
    batch = entry(*(x[index] for x, index in zip(arrays, drawn, strict=True)), **parameters)
    error = np.std(batch.value, axis=0, ddof=1)
    low, high = estimate.value - 1.96 * error, estimate.value + 1.96 * error
    return Resampled(estimate.value, error, low, high, estimate.resampling, block)


def correlation_time(x) -> float:
    """Integrated correlation time of a series in samples, 1/2 + sum of autocorrelations, cut off by Sokal's window.

    The sum ends at the first lag of at least five correlation times (Sokal, in Functional Integration, 1997, sec. 3).

    Parameters
    ----------
    x : array_like, shape (time,)

    Returns
    -------
    float
        1/2 for white noise and for a constant series.
    """
    x = centred(finite(x))
    x = x - x.mean()
    spectrum = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    covariance = np.fft.irfft(spectrum)[: len(x)]
    if covariance[0] <= 0:
        return 0.5
    times = np.cumsum(covariance / covariance[0]) - 0.5
    enough = np.arange(len(x)) >= 5 * times
    return float(max(0.5, times[enough.argmax() if enough.any() else -1]))


def _draw(rule: str, rng: np.random.Generator, length: int, block: int, resamples: int) -> np.ndarray:
    """Indices of the resamples, shape (resamples, samples of each)."""
    if rule == SUBSAMPLES:
        # Half of the points: the spread of halves of a sample is that of whole samples, whatever the estimator's rate.
        return np.argsort(rng.random((resamples, length)), axis=1)[:, : length // 2]
    if rule == BLOCK_SUBSAMPLES:
        blocks = _draw(SUBSAMPLES, rng, length // block, 1, resamples)
        return (np.sort(blocks)[..., None] * block + np.arange(block)).reshape(resamples, -1)
    if rule == BOOTSTRAP:
        return rng.integers(length, size=(resamples, length))
    starts = moving_blocks(rng, length, block, resamples)
    return (starts[..., None] + np.arange(block)).reshape(resamples, -1)[:, :length]


DECLARED = (Declared(correlation_time, ("x",), invariant=("shift", "scale")),)
