"""Ordinal patterns: permutation entropy and its variants, complexity, their bounds, and the choice of the delay.

All functions take series of shape (..., time) and work on every leading axis. A pattern is the rank order of `order`
samples `delay` samples apart; all overlapping windows count, P = N - (order - 1) delay of them. Equal values rank in
the order of time (a stable sort).
"""

from __future__ import annotations

from functools import partial
from math import factorial, log
from typing import NamedTuple

import numpy as np
from scipy.special import entr

from pesin.compiled import njit
from pesin.declared import Change, Declared
from pesin.door import centred, finite, series, unmasked
from pesin.entropy.estimate import BLOCKS, Estimate
from pesin.entropy.measure import Measure


class Ordinal(NamedTuple):
    """What `complexity_entropy` returns; every entry has the shape of the batch."""

    permutation_entropy: np.ndarray
    """H in [0, 1]."""
    statistical_complexity: np.ndarray
    """C = H x (normalised Jensen-Shannon divergence from the uniform distribution)."""
    patterns: np.ndarray
    """Number of different patterns seen."""
    windows: np.ndarray
    """Number of windows, P."""
    bias: np.ndarray
    """Miller-Madow estimate of the bias of H, -(patterns - 1) / (2 P ln order!)."""


def pattern_codes(x, order: int = 5, delay: int = 1) -> np.ndarray:
    """Number of the ordinal pattern of every window.

    Parameters
    ----------
    x : array_like, shape (..., time)
        Finite values.
    order
        Samples in a pattern (2 to 8).
    delay
        Samples between two samples of a pattern.

    Returns
    -------
    ndarray of int, shape (..., time - (order - 1) delay)
        Lehmer code of the window: 0 for a rising (or constant) one, order! - 1 for a falling one.

    Raises
    ------
    ValueError
        If a value isn't finite, the order is outside 2..8, or not a single window fits.
    """
    rows, batch = _windows_fit(x, order, delay)
    codes = np.empty((len(rows), rows.shape[1] - (order - 1) * delay), np.uint16)
    _encode(rows, order, delay, codes)
    return codes.reshape(*batch, -1)


def _windows_fit(x, order: int, delay: int) -> tuple[np.ndarray, tuple[int, ...]]:
    if not 2 <= order <= 8:
        raise ValueError(f"order must lie between 2 and 8, it is {order}")
    if delay < 1:
        raise ValueError(f"delay must be 1 or more, it is {delay}")
    return series(x, (order - 1) * delay + 1, f"a window of {order} samples {delay} apart")


@njit()
def _encode(rows, order, delay, codes):
    """Lehmer codes: sample i counts (order - 1 - i)! for each later, smaller one.

    Time runs innermost, without a branch, so that the compiler takes many windows at once and random series cost no
    more than smooth ones.
    """
    windows = codes.shape[1]
    for b in range(rows.shape[0]):
        code = codes[b]
        code[:] = 0
        place = 1
        for k in range(2, order):
            place *= k
        for i in range(order - 1):
            early = rows[b, i * delay : i * delay + windows]
            for j in range(i + 1, order):
                late = rows[b, j * delay : j * delay + windows]
                for t in range(windows):
                    code[t] += np.uint16(place) * np.uint16(late[t] < early[t])
            place //= max(order - 1 - i, 1)


def pattern_counts(x, order: int = 5, delay: int = 1) -> np.ndarray:
    """Histogram of the ordinal patterns.

    Parameters
    ----------
    x, order, delay
        As in `pattern_codes`.

    Returns
    -------
    ndarray of int, shape (..., order!)
    """
    return code_counts(pattern_codes(x, order, delay), order)


def code_counts(codes, order: int = 5) -> np.ndarray:
    """Histogram, of shape (..., order!), of pattern codes of shape (..., windows)."""
    codes = unmasked(codes, "codes")
    size = factorial(order)
    counts = np.zeros((*codes.shape[:-1], size), np.int64)
    _count(codes.reshape(-1, codes.shape[-1]), counts.reshape(-1, size))
    return counts


@njit()
def _count(codes, counts):
    for b in range(codes.shape[0]):
        for t in range(codes.shape[1]):
            counts[b, codes[b, t]] += 1


def pattern_entropy(counts) -> np.ndarray:
    """Normalised Shannon entropy of pattern counts (Bandt and Pompe, PRL 88, 174102, 2002).

    Parameters
    ----------
    counts : array_like, shape (..., order!)
        Counts or probabilities.

    Returns
    -------
    ndarray, shape (...)
        H = -sum p ln p / ln order!, in [0, 1].
    """
    p = _probabilities(counts)
    return entr(p).sum(-1) / log(p.shape[-1])


def pattern_complexity(counts) -> np.ndarray:
    """Jensen-Shannon complexity of pattern counts (Lamberti et al. 2004; Rosso et al., PRL 99, 154102, 2007).

    Parameters
    ----------
    counts : array_like, shape (..., order!)
        Counts or probabilities, absent patterns included as zeros.

    Returns
    -------
    ndarray, shape (...)
        C = H JS(p, u) / JS_max, u the uniform distribution, JS_max that of a single pattern.
    """
    p = _probabilities(counts)
    n = p.shape[-1]
    divergence = entr((p + 1 / n) / 2).sum(-1) - entr(p).sum(-1) / 2 - log(n) / 2
    largest = -0.5 * ((n + 1) / n * log(n + 1) - 2 * log(2 * n) + log(n))
    # The divergence is never negative; rounding makes it -1e-16 for equal counts.
    return pattern_entropy(p) * np.maximum(divergence, 0) / largest


def complexity_entropy(x, order: int = 5, delay=1) -> Ordinal:
    """Permutation entropy and statistical complexity of a batch of series.

    Parameters
    ----------
    x : array_like, shape (..., time)
    order
        Samples in a pattern.
    delay : int or array_like of int
        Samples between two samples of a pattern; one for all, or an array that broadcasts to the batch's shape.

    Returns
    -------
    Ordinal
    """
    x = finite(x)
    delays = np.broadcast_to(delay, x.shape[:-1])
    counts = np.empty((*x.shape[:-1], factorial(order)), np.int64)
    for one in np.unique(delays):
        counts[delays == one] = pattern_counts(x[delays == one], order, int(one))
    return from_counts(counts)


def from_counts(counts) -> Ordinal:
    """The same record from pattern counts of shape (..., order!)."""
    counts = unmasked(counts, "counts")
    patterns, windows = (counts > 0).sum(-1), counts.sum(-1)
    bias = -(patterns - 1) / (2 * windows * log(counts.shape[-1]))
    return Ordinal(pattern_entropy(counts), pattern_complexity(counts), patterns, windows, bias)


def _probabilities(counts) -> np.ndarray:
    counts = finite(counts, "counts")
    return counts / counts.sum(-1, keepdims=True)


# -------------------------------------------------------------------------------------------------------- measures


def permutation_entropy(x, order: int = 5, delay: int = 1) -> Estimate:
    """Entropy of the ordinal patterns, H = -sum p ln p / ln order! (Bandt and Pompe, PRL 88, 174102, 2002).

    Parameters
    ----------
    x : array_like, shape (..., time)
    order, delay
        Samples in a pattern (2 to 8), and how far apart.

    Returns
    -------
    Estimate
        In [0, 1]; bias by Miller and Madow, counts of `windows` and of different `patterns`. Windows overlap, so no
        formula gives the error: resample blocks (`stats.bootstrap.block_counts` on `pattern_codes`).

    Raises
    ------
    ValueError
        If a value isn't finite, the order is outside 2..8, or not a single window fits.
    """
    found = from_counts(pattern_counts(x, order, delay))
    counts = {"windows": found.windows, "patterns": found.patterns}
    return _plain(found.permutation_entropy, found.bias, counts)


def statistical_complexity(x, order: int = 5, delay: int = 1) -> Estimate:
    """Jensen-Shannon complexity C of the ordinal patterns (Rosso et al., PRL 99, 154102, 2007).

    Parameters, counts and errors as in `permutation_entropy`; C = H x JS(p, uniform) / JS_max, in [0, 1].
    """
    found = from_counts(pattern_counts(x, order, delay))
    return _plain(found.statistical_complexity, None, {"windows": found.windows, "patterns": found.patterns})


def weighted_permutation_entropy(x, order: int = 5, delay: int = 1) -> Estimate:
    """Permutation entropy with each window weighted by its variance (Fadlallah et al., PRE 87, 022911, 2013).

    Parameters and errors as in `permutation_entropy`; a constant series has no weight and raises.

    Returns
    -------
    Estimate
        In [0, 1]. The count `effective_windows` is (sum w)^2 / sum w^2: small if a few windows carry the weight.
    """
    return _weighted(x, order, delay, np.var, "weighted permutation entropy")


def amplitude_aware_permutation_entropy(x, order: int = 5, delay: int = 1, mix: float = 0.5) -> Estimate:
    """Permutation entropy with windows weighted by size and steps (Azami and Escudero, CMPB 128, 40, 2016).

    Parameters
    ----------
    x, order, delay
        As in `permutation_entropy`.
    mix
        The weight is mix x (mean |x|) + (1 - mix) x (mean |step|) of the window: it depends on where zero lies.

    Returns
    -------
    Estimate
        In [0, 1], counts as in `weighted_permutation_entropy`.
    """

    def weight(windows, axis):
        return mix * np.abs(windows).mean(axis) + (1 - mix) * np.abs(np.diff(windows, axis=axis)).mean(axis)

    return _weighted(x, order, delay, weight, "amplitude-aware permutation entropy")


def ordinal_transition_entropy(x, order: int = 4, delay: int = 1) -> Estimate:
    """Entropy of the next ordinal pattern given this one, -sum p_i P_ij ln P_ij.

    It is the conditional entropy of ordinal patterns of Unakafov and Keller (Physica D 269, 94, 2014), which comes
    nearer to the Kolmogorov-Sinai entropy than the permutation entropy of the same order; also the global node entropy
    of the ordinal network (Pessa and Ribeiro, PRE 100, 042304, 2019).

    Parameters
    ----------
    x : array_like, shape (..., time)
    order, delay
        As in `permutation_entropy`; patterns one sample apart follow each other.

    Returns
    -------
    Estimate
        In nats per sample, at most ln(order) if the delay is 1. Bias by Miller and Madow for the pairs less that for
        the patterns; counts of `transitions` and of `different` ones.
    """
    rows, batch = series(x, (order - 1) * delay + 2, f"ordinal transition entropy of order {order}, delay {delay}")
    codes = pattern_codes(rows, order, delay).astype(np.int64)
    size = factorial(order)
    pairs = codes[:, :-1] * size + codes[:, 1:]
    value, bias, different = np.empty(len(rows)), np.empty(len(rows)), np.empty(len(rows), int)
    for b, row in enumerate(pairs):
        seen, joint = np.unique(row, return_counts=True)
        first = np.bincount(seen // size, joint)
        first = first[first > 0]
        value[b] = max(_entropy(joint) - _entropy(first), 0.0)
        different[b] = seen.size
        bias[b] = -(seen.size - first.size) / (2 * row.size)
    transitions = np.full(len(rows), pairs.shape[1])
    return Estimate.of(batch, value, BLOCKS, bias=bias, transitions=transitions, different=different)


def missing_patterns(x, order: int = 5, delay: int = 1) -> Estimate:
    """Ordinal patterns that never occur (Amigo, Zambrano and Sanjuan, EPL 79, 50001, 2007).

    Chaos forbids patterns; noise only misses those that a short series has no room for. Compare with a shuffled series.

    Returns
    -------
    Estimate
        Their number, of order!; counts as in `permutation_entropy`.
    """
    counts = pattern_counts(x, order, delay)
    seen = (counts > 0).sum(-1)
    return _plain(counts.shape[-1] - seen, None, {"windows": counts.sum(-1), "patterns": seen})


def _plain(value, bias, counts) -> Estimate:
    """An estimate from arrays that have the batch's shape already."""
    batch = np.shape(value)
    flat = {name: np.reshape(count, -1) for name, count in counts.items()}
    return Estimate.of(batch, np.reshape(value, -1), BLOCKS, bias=None if bias is None else np.ravel(bias), **flat)


def _weighted(x, order: int, delay: int, weight, measure: str) -> Estimate:
    rows, batch = _windows_fit(x, order, delay)
    windows = np.lib.stride_tricks.sliding_window_view(rows, (order - 1) * delay + 1, -1)[..., ::delay]
    weights = weight(windows, axis=-1)
    total = weights.sum(-1)
    if (total == 0).any():
        raise ValueError(f"{measure} is not defined where every window has weight 0 (row {int((total == 0).argmax())})")
    codes = pattern_codes(rows, order, delay)
    sums = np.stack([np.bincount(c, w, factorial(order)) for c, w in zip(codes, weights, strict=True)])
    return Estimate.of(
        batch,
        pattern_entropy(sums),
        BLOCKS,
        windows=np.full(len(rows), codes.shape[1]),
        effective_windows=total**2 / (weights**2).sum(-1),
    )


def _entropy(counts) -> float:
    return float(entr(counts / counts.sum()).sum())


# ---------------------------------------------------------------------------------------------------------- bounds


def periodic_bound(order: int = 5) -> float:
    """Largest H of a periodic series with one maximum and one minimum a period: ln(2 (2 (n - 2) + 1)) / ln n!.

    It holds for pattern times up to half the period (Hyman et al., ApJ 987, 195, 2025): then no more than
    2 (2 (n - 2) + 1) patterns occur, 14 for n = 5.
    """
    return log(2 * (2 * (order - 2) + 1)) / log(factorial(order))


def complexity_bounds(order: int = 5, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Curves between which every (H, C) lies (Martin, Plastino and Rosso, Physica A 369, 439, 2006).

    Parameters
    ----------
    order
        Samples in a pattern; above 6 the upper curve takes long.
    points
        Points along the lower curve; the upper one is swept over order! - 1 arcs.

    Returns
    -------
    (lower, upper) : ndarrays, shape (points, 2) and (order! - 1 arcs of at least 2 points, 2)
        Pairs (H, C), H rising.
    """
    n = factorial(order)
    q = np.linspace(1 / n, 1, points)[::-1]
    lower = np.concatenate([q[:, None], np.repeat((1 - q[:, None]) / (n - 1), n - 1, 1)], 1)
    arcs = []
    for absent in range(n - 2, -1, -1):
        first = np.linspace(0, 1 / (n - absent), max(points // n, 2))
        p = np.zeros((first.size, n))
        p[:, 0] = first
        p[:, 1 : n - absent] = ((1 - first) / (n - absent - 1))[:, None]
        arcs.append(p)
    upper = np.concatenate(arcs)
    curves = [np.stack([pattern_entropy(p), pattern_complexity(p)], -1) for p in (lower, upper)]
    return curves[0], curves[1]


# -------------------------------------------------------------------------------------------------- sampling


def natural_period(x, dt: float = 1.0) -> np.ndarray:
    """Natural period by mean crossings: 2 x duration / number of crossings.

    Parameters
    ----------
    x : array_like, shape (..., time)
    dt
        Time between samples.

    Returns
    -------
    ndarray, shape (...)
        In the unit of dt; inf for a series that never crosses its mean.
    """
    x = centred(finite(x))
    above = x > x.mean(-1, keepdims=True)
    crossings = (above[..., 1:] != above[..., :-1]).sum(-1)
    with np.errstate(divide="ignore"):
        return 2 * dt * (x.shape[-1] - 1) / crossings


def delay_for(ratio, period, dt: float = 1.0, order: int = 5) -> np.ndarray:
    """Delay that brings the pattern time (order - 1) x delay x dt nearest to ratio x period; at least 1.

    Parameters
    ----------
    ratio, period : array_like
        Wanted t_pat / t_nat, and t_nat; broadcast against each other.
    dt
        Time between samples, in the unit of the period.

    Returns
    -------
    ndarray of int
    """
    wanted = np.asarray(ratio) * np.asarray(period, float) / ((order - 1) * dt)
    return np.maximum(np.rint(wanted), 1).astype(int)


_measure = partial(Measure, section="A", takes="series", units="1", cost="N n^2", bounds=(0, 1))
MEASURES = (
    _measure(
        "permutation_entropy",
        permutation_entropy,
        measures="How evenly the rank orders of successive samples are used: 0 for a ramp, 1 for independent noise.",
        avoid="Amplitudes matter; many ties; fewer than 5 n! samples; a flow sampled so finely that most windows rise "
        "or fall (choose the delay first).",
        source="Bandt and Pompe, PRL 88, 174102 (2002)",
        needs=5,
        advised=600,
        peer="antropy.perm_entropy(x, order=5, normalize=True)",
        constant=0.0,
        invariant=("shift", "scale", "monotone"),
    ),
    _measure(
        "statistical_complexity",
        statistical_complexity,
        measures="Structure beyond randomness: 0 for a ramp and for independent noise, large for chaos in between.",
        avoid="On its own: it separates chaos from noise only together with the permutation entropy, at one length.",
        source="Rosso et al., PRL 99, 154102 (2007)",
        needs=5,
        advised=600,
        peer="ordpy.complexity_entropy(x, dx=5)[1]",
        constant=0.0,
        invariant=("shift", "scale", "monotone"),
    ),
    _measure(
        "weighted_permutation_entropy",
        weighted_permutation_entropy,
        measures="Permutation entropy that listens to windows of large variance: small noise on flat stretches counts "
        "little.",
        avoid="Spikes or outliers: a few windows then carry all the weight (see `effective_windows`).",
        source="Fadlallah et al., PRE 87, 022911 (2013)",
        needs=5,
        advised=600,
        peer="EntropyHub.PermEn(x, m=5, Typex='weighted', Logx=0)[0][-1] / ln 120",
        invariant=("shift", "scale"),
    ),
    _measure(
        "amplitude_aware_permutation_entropy",
        amplitude_aware_permutation_entropy,
        moves="windows are weighed by their mean size, which asks where zero lies",
        measures="Permutation entropy that weighs windows by their mean size and mean step.",
        avoid="Series whose zero has no meaning: it changes under a shift.",
        source="Azami and Escudero, Comput. Methods Programs Biomed. 128, 40 (2016)",
        needs=5,
        advised=600,
        peer="EntropyHub.PermEn(x, m=5, Typex='ampaware', Logx=0)[0][-1] / ln 120",
        constant=0.0,
        invariant=("scale",),
    ),
    _measure(
        "ordinal_transition_entropy",
        ordinal_transition_entropy,
        measures="What the next ordinal pattern adds to the present one, in nats per sample: an upper estimate of the "
        "entropy rate that falls towards the Kolmogorov-Sinai entropy as the order grows.",
        avoid="Short series: there are up to n n! transitions to see.",
        source="Unakafov and Keller, Physica D 269, 94 (2014)",
        needs=5,
        advised=1000,
        peer="ordpy.global_node_entropy(x, dx=4)",
        constant=0.0,
        invariant=("shift", "scale", "monotone"),
        units="nat per sample",
        bounds=(0, log(4)),
    ),
    _measure(
        "missing_patterns",
        missing_patterns,
        measures="How many rank orders never occur: forbidden by determinism, or unseen for want of data.",
        avoid="Observational noise, which fills forbidden patterns; fewer than about 10 n! samples.",
        source="Amigo, Zambrano and Sanjuan, EPL 79, 50001 (2007)",
        needs=5,
        advised=1200,
        peer="ordpy.missing_patterns(x, dx=5, return_fraction=False, return_missing=False)",
        constant=119.0,
        invariant=("shift", "scale", "monotone"),
        units="patterns",
        bounds=(0, 119),
    ),
)


_ALIKE = "a use added to all patterns makes them more alike"
_ORDER: tuple[Change, ...] = ("shift", "scale", "monotone")
DECLARED = (
    Declared(pattern_codes, ("x",), invariant=_ORDER),
    Declared(pattern_counts, ("x",), invariant=_ORDER),
    Declared(complexity_entropy, ("x",), invariant=_ORDER),
    Declared(pattern_entropy, ("counts",), invariant=("scale",), moves=_ALIKE),
    Declared(pattern_complexity, ("counts",), invariant=("scale",), moves=_ALIKE),
    Declared(natural_period, ("x",), invariant=("shift", "scale")),
)
