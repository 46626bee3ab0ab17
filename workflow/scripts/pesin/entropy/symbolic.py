"""Entropy rates of symbol series and Markov chains: Lempel-Ziv, block entropies, excess entropy."""

from __future__ import annotations

from functools import partial
from math import log

import numpy as np

from pesin.compiled import njit
from pesin.declared import Declared
from pesin.door import centred, enough, finite, series, unmasked, whole_numbers
from pesin.entropy.amplitude import grassberger_entropy
from pesin.entropy.estimate import BLOCKS, EXACT, Estimate
from pesin.entropy.measure import Measure
from pesin.entropy.nonequilibrium import law_of_chain

SPARSE = 1000  # symbols from here on may be few and far between
TABLE = 2**29  # entries of the largest table of transitions, 2 GiB


def lempel_ziv_complexity(x) -> Estimate:
    """Normalised Lempel-Ziv complexity of the series cut at its mean, c log2(N) / N (IEEE Trans. Inf. Theory 22, 75).

    Parameters
    ----------
    x : array_like, shape (..., time)

    Returns
    -------
    Estimate
        1 in the limit for fair coin tosses, and above it (by a term of order ln ln N / ln N) at finite length. The
        count `phrases` is c.
    """
    rows, batch = series(x, 2, "Lempel-Ziv complexity")
    rows = centred(rows)
    return _normalised((rows > rows.mean(-1, keepdims=True)).astype(np.int64), batch, 2)


def lempel_ziv_of_symbols(symbols, kinds: int | None = None) -> Estimate:
    """Normalised Lempel-Ziv complexity of symbols, c ln(N) / (N ln kinds).

    Parameters
    ----------
    symbols : array_like of int, shape (..., time)
        From 0 on.
    kinds
        Size of the alphabet; the largest symbol + 1 (at least 2) if not given.
    """
    rows, batch = _symbols(symbols, 2, "Lempel-Ziv complexity")
    return _normalised(rows, batch, kinds or max(int(rows.max(initial=0)) + 1, 2))


def _normalised(rows: np.ndarray, batch, kinds: int) -> Estimate:
    phrases, length = np.empty(len(rows)), rows.shape[-1]
    for b, row in enumerate(rows):
        row, used = _numbered(row)
        if 2 * (length + 1) * used > TABLE:
            raise ValueError(
                f"{used} different symbols in {length} are too many to parse: Lempel-Ziv complexity says nothing of "
                "symbols that hardly recur; take fewer classes"
            )
        phrases[b] = _phrases(row, max(used, 2))
    phrases = phrases.astype(np.int64)
    return Estimate.of(batch, phrases * log(length) / (length * log(kinds)), BLOCKS, phrases=phrases)


@njit()
def _phrases(s, kinds):
    """Phrases of the parsing of Lempel and Ziv (1976), each the shortest stretch not seen before, in linear time.

    A suffix automaton of what has been read holds every stretch of it; the phrase grows as long as the automaton can
    follow it. `length` and `link` are the automaton's, `step` its transitions.
    """
    size = 2 * s.size + 2
    step = np.full((size, kinds), -1, np.int32)
    length = np.zeros(size, np.int32)
    link = np.full(size, -1, np.int32)
    states, last = 1, 0
    phrases, at, grown = 0, 0, 0
    for symbol in s:
        seen = step[at, symbol]
        if seen >= 0:
            at, grown = seen, grown + 1
        else:
            phrases, at, grown = phrases + 1, 0, 0
        new = states
        states += 1
        length[new] = length[last] + 1
        p = last
        while p >= 0 and step[p, symbol] < 0:
            step[p, symbol] = new
            p = link[p]
        if p < 0:
            link[new] = 0
        else:
            q = step[p, symbol]
            if length[p] + 1 == length[q]:
                link[new] = q
            else:
                clone = states
                states += 1
                length[clone] = length[p] + 1
                step[clone] = step[q]
                link[clone] = link[q]
                while p >= 0 and step[p, symbol] == q:
                    step[p, symbol] = clone
                    p = link[p]
                link[q] = clone
                link[new] = clone
        last = new
        # The state that holds the phrase so far may just have been split: go to the half that still holds it.
        while at > 0 and length[link[at]] >= grown:
            at = link[at]
    return phrases + (grown > 0)


def block_entropies(symbols, longest: int = 5) -> Estimate:
    """Entropies H_1 .. H_longest of overlapping blocks, corrected after Grassberger (2003).

    Parameters
    ----------
    symbols : array_like of int, shape (..., time)
        From 0 on.
    longest
        Length of the longest block.

    Returns
    -------
    Estimate
        Value (..., longest) in nats; `blocks` counts the different ones. Trust lengths with far fewer different
        blocks than samples.
    """
    rows, batch = _symbols(symbols, longest + 1, f"block entropies to length {longest}")
    value, different = (np.empty((len(rows), longest)) for _ in range(2))
    for b, row in enumerate(rows):
        row, codes = _numbered(row)[0], np.zeros(row.size, np.int64)
        for k in range(longest):
            codes = np.unique(codes[: row.size - k] * (row.max() + 1) + row[k:], return_inverse=True)[1]
            counts = np.bincount(codes)
            value[b, k] = grassberger_entropy(counts).value
            different[b, k] = counts.size
            codes = codes[:-1]
    return Estimate.of(batch, value, BLOCKS, blocks=different)


def entropy_rate(symbols, longest: int = 5) -> Estimate:
    """Entropy rate h = H_L - H_(L-1) of blocks of L = `longest` symbols, corrected after Grassberger.

    Parameters
    ----------
    symbols, longest
        As in `block_entropies`.

    Returns
    -------
    Estimate
        In nats per symbol. From above as L grows, from below as the blocks outnumber the samples: the count `blocks`
        says how many different ones there were.
    """
    if longest < 2:
        raise ValueError(f"the entropy rate needs blocks of 2 symbols or more, longest is {longest}")
    blocks = block_entropies(symbols, longest)
    value = np.asarray(blocks.value)
    rate = value[..., -1] - value[..., -2]
    return Estimate.of(rate.shape, rate.ravel(), BLOCKS, blocks=np.asarray(blocks.counts["blocks"])[..., -1].ravel())


def excess_entropy(symbols, longest: int = 5) -> Estimate:
    """Excess entropy E = H_L - L h with h = H_L - H_(L-1) (Crutchfield and Feldman, Chaos 13, 25, 2003).

    Parameters
    ----------
    symbols, longest
        As in `entropy_rate`.

    Returns
    -------
    Estimate
        In nats: what the past tells of the future. ln(period) for a periodic series, 0 for independent symbols.
    """
    rate = np.asarray(entropy_rate(symbols, longest).value)
    blocks = block_entropies(symbols, longest)
    value = np.asarray(blocks.value)[..., -1] - longest * rate
    return Estimate.of(rate.shape, value.ravel(), BLOCKS, blocks=np.asarray(blocks.counts["blocks"])[..., -1].ravel())


def markov_entropy_rate(transitions) -> Estimate:
    """Entropy rate -sum p_i P_ij ln P_ij of a Markov chain, p its stationary distribution.

    Parameters
    ----------
    transitions : array_like, shape (..., states, states)
        P[i, j], the probability of j after i.

    Returns
    -------
    Estimate
        In nats per step.

    Raises
    ------
    ValueError
        If rows don't sum to 1, a probability is negative, or the stationary distribution isn't unique.
    """
    p = finite(transitions, "transitions")
    if p.ndim < 2 or p.shape[-1] != p.shape[-2]:
        raise ValueError(f"transitions must be (..., states, states), the shape is {p.shape}")
    if (p < 0).any() or not np.allclose(p.sum(-1), 1, atol=1e-9):
        raise ValueError("transitions must be probabilities whose rows sum to 1; divide counts by their row sums")
    flat = p.reshape(-1, *p.shape[-2:])
    stationary = np.array([law_of_chain(one) for one in flat]).reshape(-1, p.shape[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = np.where(flat > 0, -flat * np.log(flat), 0).sum(-1)
    return Estimate.of(p.shape[:-2], (stationary * surprise).sum(-1), EXACT)


def _numbered(row: np.ndarray) -> tuple[np.ndarray, int]:
    """The symbols and the size of their alphabet; sparse ones numbered anew in their order, so that it is small."""
    largest = int(row.max(initial=0))
    if largest < SPARSE:
        return row, largest + 1
    used, row = np.unique(row, return_inverse=True)
    return row, used.size


def _symbols(symbols, needs: int, measure: str) -> tuple[np.ndarray, tuple[int, ...]]:
    found = unmasked(symbols, "symbols")
    if found.dtype.kind == "i" and found.ndim and found.size and found.min() >= 0:
        enough(found.shape[-1], needs, measure)
        return found.reshape(-1, found.shape[-1]).astype(np.int64), found.shape[:-1]
    rows, batch = series(symbols, needs, measure, "symbols")
    if (np.rint(rows) != rows).any() or rows.min(initial=0) < 0:
        raise ValueError(f"{measure} needs symbols that are integers from 0 on; number the values with np.unique first")
    return whole_numbers(symbols, "symbols").reshape(rows.shape), batch


_measure = partial(Measure, section="C", cost="N")
_of_symbols = partial(_measure, takes="symbols")
MEASURES = (
    _measure(
        "lempel_ziv_complexity",
        lempel_ziv_complexity,
        takes="series",
        units="1",
        measures="How fast new stretches keep turning up in the series cut at its mean, relative to coin tosses.",
        avoid="Fine sampling (long runs of one symbol); lengths that differ, since it approaches its limit slowly.",
        source="Lempel and Ziv, IEEE Trans. Inf. Theory 22, 75 (1976); Kaspar and Schuster, PRA 36, 842 (1987)",
        needs=2,
        advised=1000,
        peer="antropy.lziv_complexity(x > x.mean(), normalize=True)",
        constant=lambda length: 2 * log(length) / (length * log(2)),
        bounds=(0, float("inf")),
        invariant=("shift", "scale"),
    ),
    _of_symbols(
        "lempel_ziv_of_symbols",
        lempel_ziv_of_symbols,
        names=("symbols",),
        moves="symbols are names, not sizes",
        units="1",
        measures="How fast new stretches keep turning up, relative to symbols drawn at random.",
        avoid="Lengths that differ, since it approaches its limit slowly.",
        source="Lempel and Ziv, IEEE Trans. Inf. Theory 22, 75 (1976)",
        needs=2,
        advised=1000,
        peer="antropy.lziv_complexity(symbols, normalize=True)",
        bounds=(0, float("inf")),
    ),
    _of_symbols(
        "entropy_rate",
        entropy_rate,
        names=("symbols",),
        moves="symbols are names, not sizes",
        units="nat per symbol",
        measures="What the next symbol adds to the ones before it.",
        avoid="Alphabets so large, or blocks so long, that most blocks occur once.",
        source="Crutchfield and Feldman, Chaos 13, 25 (2003); Grassberger, arXiv physics/0307138 (2003)",
        needs=6,
        advised=2000,
    ),
    _of_symbols(
        "excess_entropy",
        excess_entropy,
        names=("symbols",),
        moves="symbols are names, not sizes",
        units="nat",
        measures="What the past tells of the future: memory, 0 for independent symbols, ln(period) for a cycle.",
        avoid="As the entropy rate, whose error it takes L times.",
        source="Crutchfield and Feldman, Chaos 13, 25 (2003)",
        needs=6,
        advised=5000,
    ),
    _measure(
        "markov_entropy_rate",
        markov_entropy_rate,
        moves="probabilities have no unit: they sum to 1 in each row",
        takes="transitions",
        units="nat per step",
        measures="What the next state of a Markov chain adds to the present one.",
        avoid="Transition matrices counted from few samples: it is then biased down.",
        source="Cover and Thomas, Elements of Information Theory, theorem 4.2.4",
        cost="states^3",
        needs=1,
        advised=1,
        bounds=(0, float("inf")),
    ),
)


DECLARED = (Declared(block_entropies, ("symbols",), names=("symbols",), moves="symbols are names, not sizes"),)
