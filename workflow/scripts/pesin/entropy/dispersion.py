"""Dispersion entropies: Shannon entropy of words of amplitude classes, in linear time."""

from __future__ import annotations

from functools import partial
from math import log

import numpy as np
from scipy.special import entr, ndtr

from pesin.door import centred, series
from pesin.entropy.estimate import BLOCKS, Estimate
from pesin.entropy.measure import Measure


def dispersion_entropy(x, kinds: int = 6, m: int = 2) -> Estimate:
    """Entropy of words of amplitude classes (Rostaghi and Azami, IEEE Signal Process. Lett. 23, 610, 2016).

    Parameters
    ----------
    x : array_like, shape (..., time)
    kinds
        Classes: the normal distribution function of the standardised value (ddof 0), cut into equal parts.
    m
        Classes in a word.

    Returns
    -------
    Estimate
        In nats, at most m ln(kinds); bias by Miller and Madow, counts of different `words`. 0 for a constant series.

    Raises
    ------
    ValueError
        If a value isn't finite, the series is shorter than a word, or there are fewer than 2 kinds.
    """
    rows, batch = series(x, m, f"dispersion entropy of words of {m}")
    rows = centred(rows)
    found = classes(rows, rows.mean(-1, keepdims=True), rows.std(-1, keepdims=True), kinds)
    value, bias, words = dispersion_of_classes(found, kinds, m)
    return Estimate.of(batch, value, BLOCKS, bias=bias, words=words)


def fluctuation_dispersion_entropy(x, kinds: int = 6, m: int = 2) -> Estimate:
    """Entropy of the steps between successive classes (Azami and Escudero, Entropy 20, 210, 2018).

    Parameters and result as in `dispersion_entropy`; words of m - 1 steps, at most (m - 1) ln(2 kinds - 1) nats.
    """
    if m < 2:
        raise ValueError(f"fluctuation-based dispersion entropy needs words of 2 or more classes, m is {m}")
    rows, batch = series(x, m, f"fluctuation-based dispersion entropy of words of {m}")
    rows = centred(rows)
    found = classes(rows, rows.mean(-1, keepdims=True), rows.std(-1, keepdims=True), kinds)
    steps = np.diff(found, axis=-1) + kinds - 1
    value, bias, words = dispersion_of_classes(steps, 2 * kinds - 1, m - 1)
    return Estimate.of(batch, value, BLOCKS, bias=bias, words=words)


def classes(rows: np.ndarray, mean: np.ndarray, spread: np.ndarray, kinds: int) -> np.ndarray:
    """Amplitude classes 0 .. kinds - 1 of each value of centred rows; mean and spread broadcast against them."""
    if kinds < 2:
        raise ValueError(f"dispersion entropy needs 2 or more classes, kinds is {kinds}")
    z = np.where(spread == 0, 0.0, (rows - mean) / np.where(spread == 0, 1.0, spread))
    return np.minimum((ndtr(z) * kinds).astype(np.int64), kinds - 1)


def dispersion_of_classes(found: np.ndarray, kinds: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entropy (nats), its Miller-Madow bias and the number of different words, of classes (rows, time)."""
    number = found.shape[-1] - m + 1
    words = np.zeros((len(found), number), np.int64)
    for k in range(m):
        words = words * kinds + found[:, k : k + number]
    size = kinds**m
    if size <= 16 * number + 4096:
        counts = [np.bincount(row, minlength=size) for row in words]
    else:
        counts = [np.unique(row, return_counts=True)[1] for row in words]
    value = np.array([entr(c / number).sum() for c in counts])
    seen = np.array([(c > 0).sum() for c in counts])
    return value, -(seen - 1) / (2 * number), seen


_measure = partial(
    Measure,
    section="B",
    takes="series",
    units="nat",
    cost="N",
    needs=2,
    advised=300,
    constant=0.0,
    invariant=("shift", "scale"),
)
MEASURES = (
    _measure(
        "dispersion_entropy",
        dispersion_entropy,
        measures="How evenly words of amplitude classes are used: order and amplitude together, in linear time. The "
        "default for long series.",
        avoid="Heavy tails or outliers, which empty the outer classes.",
        source="Rostaghi and Azami, IEEE Signal Process. Lett. 23, 610 (2016)",
        peer="EntropyHub.DispEn(x, m=2, c=6)[0]",
        bounds=(0, 2 * log(6)),
    ),
    _measure(
        "fluctuation_dispersion_entropy",
        fluctuation_dispersion_entropy,
        measures="Dispersion entropy of the steps between classes: deaf to the level, so to slow trends.",
        avoid="Questions about the level itself.",
        source="Azami and Escudero, Entropy 20, 210 (2018)",
        peer="EntropyHub.DispEn(x, m=2, c=6, Fluct=True)[0]",
        bounds=(0, log(11)),
    ),
)
