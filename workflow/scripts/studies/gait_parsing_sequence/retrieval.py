"""Who is it? Ranks of the sequences of a test set by their distance from one of them, and their scores."""

from __future__ import annotations

import numpy as np


def distances(codes: np.ndarray) -> np.ndarray:
    """Euclidean distance of two sequences, the mean over strips and parts, shape (sequences, sequences).

    Parameters
    ----------
    codes : ndarray, shape (sequences, parts, dim)
    """
    total = np.zeros((len(codes), len(codes)))
    for part in np.moveaxis(codes - codes.mean(0, dtype=float), 1, 0):
        square = (part**2).sum(-1)
        total += np.sqrt(np.maximum(square[:, None] + square - 2 * part @ part.T, 0))
    return total / codes.shape[1]


def hits(apart: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Whether each ranked sequence is of the probe's person, nearest first: bool of shape (probes, sequences - 1).

    Each sequence is the probe once, all others are the gallery.
    """
    apart = apart.copy()
    np.fill_diagonal(apart, np.inf)
    order = np.argsort(apart, axis=1, kind="stable")[:, :-1]
    return person[order] == person[:, None]


def scores(found: np.ndarray) -> dict[str, float]:
    """Rank-1 and Rank-5, mean average precision, and mean inverse negative penalty, each from 0 to 1.

    Parameters
    ----------
    found
        As `hits` gives it; each probe has one hit at least.

    Returns
    -------
    dict
        `rank1`, `rank5`: share of probes with a hit among the first or the first five. `map`: the mean over probes of
        the precision at each hit. `minp`: hits over the rank of the last of them (Ye et al. 2021, arXiv 2001.04193).
    """
    many, places = found.sum(1), np.arange(1, found.shape[1] + 1)
    precision = (np.cumsum(found, 1) / places * found).sum(1) / many
    last = found.shape[1] - np.argmax(found[:, ::-1], axis=1)
    return {
        "rank1": float(found[:, 0].mean()),
        "rank5": float(found[:, :5].any(1).mean()),
        "map": float(precision.mean()),
        "minp": float((many / last).mean()),
    }


def cumulative(found: np.ndarray, ranks: int) -> np.ndarray:
    """Share of probes with a hit among the first 1, 2, ... `ranks`."""
    return (np.cumsum(found[:, :ranks], 1) > 0).mean(0)


def fano(rank1: float, people: int) -> float:
    """The least that codes tell of identity, by Fano's inequality, in bits.

    log2 n - h(e) - e log2(n - 1), with e = 1 - Rank-1. Zero where it says nothing.
    """
    wrong = 1 - rank1
    unsure = sum(-p * np.log2(p) for p in (wrong, rank1) if p > 0)
    return max(0.0, float(np.log2(people) - unsure - wrong * np.log2(max(people - 1, 1))))


def probed(apart: np.ndarray, person: np.ndarray) -> float:
    """The least that codes tell of identity, by a classifier: log2 n less its cross-entropy, in bits.

    A probe's person is guessed with odds exp(-beta d), d the mean distance from the other sequences of each; beta is
    the best of a grid for one half of the people, and judged on the other. Below zero if that is worse than no guess.
    """
    people = np.unique(person)
    own = person[:, None] == people
    total, many = apart @ own, own.sum(0) - own
    logits = -total / np.maximum(many, 1) / apart.mean()
    half = np.isin(person, people[::2])

    def bits(beta: float, some: np.ndarray) -> float:
        z = beta * logits[some]
        z = z - z.max(1, keepdims=True)
        return float(((np.log(np.exp(z).sum(1)) - z[own[some]]) / np.log(2)).mean())

    best = min(np.geomspace(0.1, 100, 31), key=lambda beta: bits(beta, half))
    return float(np.log2(len(people)) - bits(best, ~half))
