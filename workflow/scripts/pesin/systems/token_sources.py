"""Sources of tokens with a known entropy: sequences that repeat with a lag, among sequences of a Markov chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.special import softmax, xlogy

from pesin.errors import UserError


def markov_matrix(symbols: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Transition probabilities softmax(spread * N(0, 1)), shape (symbols, symbols), rows sum to 1."""
    return softmax(spread * rng.normal(size=(symbols, symbols)), axis=1)


def copy_and_markov(shape: tuple[int, ...], lag: int, transition: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw sequences: even ones repeat their first `lag` symbols, odd ones follow a Markov chain. Starts are uniform.

    Parameters
    ----------
    shape
        (..., sequences, length).
    lag
        x_t = x_{t - lag} in the copies.
    transition : ndarray, shape (symbols, symbols)

    Returns
    -------
    ndarray of int16, shape `shape`
    """
    *lead, sequences, length = shape
    if not 0 < lag < length:
        raise ValueError(f"lag must lie between 1 and the length {length} - 1, it is {lag}")
    symbols = len(transition)
    tokens = np.empty((*lead, sequences, length), np.int16)
    copies = (sequences + 1) // 2
    block = rng.integers(symbols, size=(*lead, copies, lag))
    tokens[..., ::2, :] = np.take(block, np.arange(length) % lag, axis=-1)
    state = rng.integers(symbols, size=(*lead, sequences - copies))
    cumulative = transition.cumsum(1)
    cumulative[:, -1] = 1
    for t in range(length):
        tokens[..., 1::2, t] = state
        state = (rng.random(state.shape)[..., None] >= cumulative[state]).sum(-1)
    return tokens


def copy_and_markov_entropy(length: int, lag: int, transition: np.ndarray) -> float:
    """Nats per predicted token (all but the first) of one who is told which kind a sequence is: no model does better.

    Copies cost ln(symbols) until they repeat, then nothing; the chain costs its rows' entropy, from a uniform start.
    """
    symbols = len(transition)
    rows = -xlogy(transition, transition).sum(1)
    share, chain = np.full(symbols, 1 / symbols), 0.0
    for _ in range(length - 1):
        chain += share @ rows
        share = share @ transition
    return float((0.5 * (lag - 1) * np.log(symbols) + 0.5 * chain) / (length - 1))


def byte_sequences(path: str | None, length: int) -> np.ndarray:
    """Cut a file into sequences of bytes: the loader of real text.

    Parameters
    ----------
    path
        Any file, such as enwik8 or the raw text of WikiText-103.
    length
        Bytes in a sequence.

    Returns
    -------
    ndarray of int16, shape (sequences, length)
        Values 0 to 255; a rest shorter than `length` is left out.

    Raises
    ------
    UserError
        If there is no such file, or it holds no whole sequence.
    """
    if not path or not Path(path).is_file():
        raise UserError(
            f"source.path: there is no file {path!r}. Give a text file, whose bytes are the tokens: enwik8"
            " (unpack http://mattmahoney.net/dc/enwik8.zip), or the raw training text of WikiText-103"
            " (https://huggingface.co/datasets/Salesforce/wikitext)."
        )
    found = np.fromfile(path, np.uint8)
    if len(found) < length:
        raise UserError(f"{path}: holds {len(found)} bytes, fewer than one sequence of {length}.")
    return found[: len(found) // length * length].reshape(-1, length).astype(np.int16)
