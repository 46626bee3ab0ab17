"""Entropies over scales: of a series averaged over windows of growing length."""

from __future__ import annotations

from functools import partial

import numpy as np

from pesin.door import centred, series
from pesin.entropy.dispersion import classes, dispersion_of_classes
from pesin.entropy.estimate import BLOCKS, Estimate
from pesin.entropy.measure import Measure
from pesin.entropy.templates import entropy_of_matches, pair_counts, tolerances


def multiscale_entropy(x, scales: int = 5, m: int = 2, r: float = 0.2) -> Estimate:
    """Sample entropy of the series averaged over windows of 1, 2, ..., scales samples (Costa et al., PRL 89, 068102).

    Parameters
    ----------
    x : array_like, shape (..., time)
    scales
        Longest window; windows don't overlap, and the last incomplete one is dropped.
    m, r
        As in `sample_entropy`; r counts in standard deviations of the original series at every scale.

    Returns
    -------
    Estimate
        Value (..., scales) in nats; inf with a warning where no template matches. Counts `longer` and `shorter`.
    """
    rows, batch = _enough_windows(x, scales, m)
    limits = tolerances(rows, r, None)
    counts = np.stack([pair_counts(windows(rows, s), m, limits) for s in range(1, scales + 1)], 1)
    value = entropy_of_matches(counts[..., 0], counts[..., 1], "multiscale entropy")
    return Estimate.of(batch, value, BLOCKS, longer=counts[..., 0], shorter=counts[..., 1])


def composite_multiscale_entropy(x, scales: int = 5, m: int = 2, r: float = 0.2) -> Estimate:
    """Mean over the offsets of the windows of the sample entropy at each scale (Wu et al., Entropy 15, 1069, 2013).

    Parameters and result as in `multiscale_entropy`; at scale s the s series that start at 0 .. s - 1 have the same
    number of windows. One offset without a match makes the scale infinite: prefer the refined form.
    """
    counts, batch = _offset_counts(x, scales, m, r)
    value = np.stack(
        [entropy_of_matches(c[..., 0], c[..., 1], "composite multiscale entropy").mean(1) for c in counts], 1
    )
    return Estimate.of(batch, value, BLOCKS, **_pooled(counts))


def refined_composite_multiscale_entropy(x, scales: int = 5, m: int = 2, r: float = 0.2) -> Estimate:
    """Sample entropy at each scale from the matches of all offsets pooled (Wu et al., Phys. Lett. A 378, 1369, 2014).

    Parameters and result as in `composite_multiscale_entropy`: A and B are summed over the offsets, then one log.
    """
    counts, batch = _offset_counts(x, scales, m, r)
    pooled = _pooled(counts)
    value = entropy_of_matches(pooled["longer"], pooled["shorter"], "refined composite multiscale entropy")
    return Estimate.of(batch, value, BLOCKS, **pooled)


def multiscale_dispersion_entropy(x, scales: int = 5, kinds: int = 6, m: int = 2) -> Estimate:
    """Dispersion entropy over scales, the classes fixed by the original series (Azami et al., IEEE TBME 64, 2872).

    Parameters
    ----------
    x, scales
        As in `multiscale_entropy`.
    kinds, m
        As in `dispersion_entropy`; mean and standard deviation are those of the original series at every scale.

    Returns
    -------
    Estimate
        Value (..., scales) in nats, bias by Miller and Madow, counts of different `words`.
    """
    rows, batch = series(x, scales * m, f"multiscale dispersion entropy to scale {scales}, words of {m}")
    rows = centred(rows)
    mean, spread = rows.mean(-1, keepdims=True), rows.std(-1, keepdims=True)
    found = [
        dispersion_of_classes(classes(windows(rows, s), mean, spread, kinds), kinds, m) for s in range(1, scales + 1)
    ]
    value, bias, words = (np.stack(part, -1) for part in zip(*found, strict=True))
    return Estimate.of(batch, value, BLOCKS, bias=bias, words=words)


def windows(rows: np.ndarray, scale: int, offset: int = 0) -> np.ndarray:
    """Means over windows of `scale` samples that don't overlap, from `offset` on; (rows, time) -> (rows, windows)."""
    number = (rows.shape[-1] - offset) // scale
    return rows[:, offset : offset + number * scale].reshape(len(rows), number, scale).mean(-1)


def _enough_windows(x, scales: int, m: int):
    rows, batch = series(x, scales * (m + 2), f"multiscale entropy to scale {scales} with templates of {m} samples")
    return centred(rows), batch


def _offset_counts(x, scales: int, m: int, r: float):
    """Pairs of each row, offset and (longer, shorter), one array for each scale."""
    needs = (scales + 1) * scales if scales > m + 2 else scales * (m + 3) - 1
    rows, batch = series(x, max(needs, scales * (m + 3) - 1), f"composite multiscale entropy to scale {scales}")
    rows = centred(rows)
    limits = tolerances(rows, r, None)
    counts = []
    for scale in range(1, scales + 1):
        length = (rows.shape[-1] - scale + 1) // scale
        offsets = [windows(rows, scale, k)[:, :length] for k in range(scale)]
        counts.append(np.stack([pair_counts(np.ascontiguousarray(o), m, limits) for o in offsets], 1))
    return counts, batch


def _pooled(counts) -> dict[str, np.ndarray]:
    pooled = np.stack([c.sum(1) for c in counts], 1)
    return {"longer": pooled[..., 0], "shorter": pooled[..., 1]}


_measure = partial(Measure, section="B", takes="series", units="nat")
_matching = partial(
    _measure,
    cost="scales x that of sample entropy",
    advised=2000,
    constant=0.0,
    bounds=(0, float("inf")),
    invariant=("shift", "scale"),
)
MEASURES = (
    _matching(
        "multiscale_entropy",
        multiscale_entropy,
        measures="Irregularity at each time scale: falls with scale for white noise, stays level for 1/f noise.",
        avoid="Fewer than about 200 samples for each scale; a tolerance set anew at each scale, which hides the fall.",
        source="Costa, Goldberger and Peng, PRL 89, 068102 (2002)",
        needs=20,
        peer="EntropyHub.MSEn(x, EntropyHub.MSobject('SampEn', m=2, r=.2 * x.std()), Scales=5)[0]",
    ),
    _matching(
        "composite_multiscale_entropy",
        composite_multiscale_entropy,
        measures="Multiscale entropy averaged over where the windows begin: less spread at large scales.",
        avoid="Short series at large scales: one offset without a match makes the mean infinite.",
        source="Wu et al., Entropy 15, 1069 (2013)",
        needs=30,
        peer="EntropyHub.cMSEn(x, EntropyHub.MSobject('SampEn', m=2, r=.2 * x.std()), Scales=5)[0]",
    ),
    _matching(
        "refined_composite_multiscale_entropy",
        refined_composite_multiscale_entropy,
        measures="Multiscale entropy from matches pooled over where the windows begin: defined where the others are "
        "not. The one to take above scale N / 200.",
        avoid="As multiscale entropy.",
        source="Wu et al., Phys. Lett. A 378, 1369 (2014)",
        needs=30,
        peer="EntropyHub.cMSEn(x, EntropyHub.MSobject('SampEn', m=2, r=.2 * x.std()), Scales=5, Refined=True)[0]",
    ),
    _measure(
        "multiscale_dispersion_entropy",
        multiscale_dispersion_entropy,
        measures="Dispersion entropy at each time scale, in linear time.",
        avoid="Heavy-tailed series, whose standard deviation makes all but one class empty.",
        source="Azami et al., IEEE Trans. Biomed. Eng. 64, 2872 (2017)",
        cost="scales x N",
        needs=10,
        advised=1000,
        constant=0.0,
        bounds=(0, 3.5835189384561104),
        invariant=("shift", "scale"),
    ),
)
