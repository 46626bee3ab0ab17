"""What a net replays: the patterns one after the other, how long each is shown, and which moves are right."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

STAYED = "fewer than two patterns were left again"


def changes(winner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Patterns in the order in which they are shown, from those of each time, and the times at which each begins."""
    begins = np.flatnonzero(np.concatenate([[True], winner[1:] != winner[:-1]]))
    return winner[begins], begins


def scores(overlap: np.ndarray, following: np.ndarray, delays, clear: float) -> tuple[np.ndarray, np.ndarray]:
    """How well nets replay, after the first cycle.

    Parameters
    ----------
    overlap : ndarray, shape (net, context, delay, time, pattern)
    following : ndarray of int, shape (context, pattern)
        The pattern that should follow each.
    delays
        Steps.
    clear
        Overlap from which a pattern counts as shown.

    Returns
    -------
    right, dwell : ndarray, shape (net, context, delay)
        Share of right moves among those made, or among those that there was time for if these are more; mean steps that
        a pattern is shown, the first and the last not counted, NaN where fewer than two were left again.
    """
    *shape, steps, count = overlap.shape
    right, dwell = np.zeros(shape), np.full(shape, np.nan)
    for net, context, d in np.ndindex(*shape):
        shown, start = overlap[net, context, d], count * delays[d]
        times = start + np.flatnonzero(shown[start:].max(-1) >= clear)
        if not times.size:
            continue
        order, begins = changes(shown.argmax(-1)[times])
        possible = (steps - start) // delays[d] - 1
        right[net, context, d] = (following[context][order[:-1]] == order[1:]).sum() / max(possible, order.size - 1)
        if order.size > 2:
            dwell[net, context, d] = np.diff(times[begins])[1:].mean()
    return right, dwell


def foretold(order: np.ndarray, learnt: int) -> float:
    """Share of moves after the first `learnt` elements that are those last seen among these; 0 if there are none."""
    pairs, first = list(pairwise(order.tolist())), max(learnt - 1, 0)
    seen, moves = dict(pairs[:first]), pairs[first:]
    return float(np.mean([seen.get(a) == b for a, b in moves])) if moves else 0.0
