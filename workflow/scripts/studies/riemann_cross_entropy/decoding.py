"""Paths through random language models (Markov chains): by beam in a nucleus, by top-p, and the best one."""

from __future__ import annotations

import numpy as np


def nucleus(rows: np.ndarray, p: float) -> np.ndarray:
    """Whether each word is among the fewest likeliest whose probabilities sum to p at least. Shape (..., words)."""
    order = np.argsort(-rows, axis=-1, kind="stable")
    before = np.roll(np.cumsum(np.take_along_axis(rows, order, -1), -1), 1, -1)
    before[..., 0] = 0.0
    kept = np.empty(rows.shape, bool)
    np.put_along_axis(kept, order, before < p, -1)
    return kept


def beam(rows: np.ndarray, length: int, width: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Grow the `width` paths of greatest probability by words of the nucleus, from word 0 (width 1: greedy).

    Parameters
    ----------
    rows : ndarray, shape (models, states, words)
        Probability of the next word; states are words.

    Returns
    -------
    log_probability : ndarray, shape (models, width)
        Of the paths kept at the end, -inf where there are fewer.
    entropy : ndarray, shape (models, length - 1)
        Of the normed weights of the paths kept after each word, in nats.
    """
    models, states, _ = rows.shape
    with np.errstate(divide="ignore"):
        step = np.where(nucleus(rows, p), np.log(rows), -np.inf)
    score = np.full((models, width), -np.inf)
    score[:, 0] = 0.0
    last = np.zeros((models, width), int)
    entropy = []
    for _ in range(length - 1):
        grown = (score[..., None] + np.take_along_axis(step, last[..., None], 1)).reshape(models, -1)
        best = np.argsort(-grown, axis=1, kind="stable")[:, :width]
        score, last = np.take_along_axis(grown, best, 1), best % states
        entropy.append(_entropy(score))
    return score, np.stack(entropy, 1)


def _entropy(log_weight: np.ndarray) -> np.ndarray:
    share = np.exp(log_weight - log_weight.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    return -(share * np.log(np.where(share > 0, share, 1.0))).sum(1)


def sample(rows: np.ndarray, length: int, paths: int, p: float, rng: np.random.Generator) -> np.ndarray:
    """Log probability, by the model itself, of paths drawn from the normed nucleus: shape (models, paths)."""
    kept = np.where(nucleus(rows, p), rows, 0.0)
    below = np.cumsum(kept / kept.sum(-1, keepdims=True), -1)
    each = np.arange(len(rows))[:, None]
    state, total = np.zeros((len(rows), paths), int), np.zeros((len(rows), paths))
    for _ in range(length - 1):
        drawn = rng.random((len(rows), paths))
        word = (drawn[..., None] > below[each, state]).sum(-1).clip(max=rows.shape[-1] - 1)
        total += np.log(rows[each, state, word])
        state = word
    return total


def best(rows: np.ndarray, length: int) -> np.ndarray:
    """Greatest log probability of any path from word 0 (Viterbi): shape (models,)."""
    with np.errstate(divide="ignore"):
        step = np.log(rows)
    value = step[:, 0]
    for _ in range(length - 2):
        value = (value[:, :, None] + step).max(1)
    return value.max(1)
