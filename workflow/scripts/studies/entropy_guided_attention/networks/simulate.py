"""The worlds: sequences with a known entropy, or the bytes of a text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from scipy.special import entr

from pesin.errors import UserError
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.token_sources import byte_sequences, copy_and_markov, copy_and_markov_entropy, markov_matrix
from studies.entropy_guided_attention.networks.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return sequences to train on, each seed its own, held-out ones for all, and the losses of simple predictors.

    Raises
    ------
    UserError
        If there is no text, or it is too short.
    """
    source, known = case.params.simulate, {}
    if source.source == "bytes":
        train, held_out = _text(case)
        symbols = 256
    else:
        transition = markov_matrix(source.symbols, source.spread, case.rng("source"))
        shape = (source.seeds, source.training, source.length)
        train = copy_and_markov(shape, source.lag, transition, case.rng("sequences"))
        held_out = copy_and_markov((source.held_out, source.length), source.lag, transition, case.rng("held out"))
        symbols = source.symbols
        known["source_loss"] = copy_and_markov_entropy(source.length, source.lag, transition)
    known["pairs_loss"], known["frequencies_loss"] = table_losses(train[0], held_out, symbols)
    variables = {
        "tokens": labelled(("seed", "sequence", "position"), train, "training sequences, in their order"),
        "held_out": labelled(("held_out_sequence", "position"), held_out, "sequences to measure on"),
    }
    coordinates = {"seed": np.arange(source.seeds), "position": np.arange(source.length)}
    # What one pays, in nat per token, who knows the source, how often symbols follow each other, how often they come.
    return xr.Dataset(variables, coordinates, {"source_loss": 0.0, "symbols": symbols} | known)


def _text(case: Case[Params]) -> tuple[np.ndarray, np.ndarray]:
    source, rng = case.params.simulate, case.rng("sequences")
    if not source.path or not Path(source.path).is_file():
        raise UserError(
            f"simulate.path: there is no file {source.path!r}. Give one file of text, whose bytes are the tokens: the"
            " paper's is the Python code of CodeParrot (the column `content` of"
            " https://huggingface.co/datasets/codeparrot/codeparrot-clean, written one after another)."
        )
    found = byte_sequences(source.path, source.length)
    if len(found) < 2 * source.held_out:
        raise UserError(f"{source.path}: {len(found)} sequences are too few to hold out {source.held_out}.")
    held_out, rest = np.split(rng.permutation(found), [source.held_out])
    return rest[rng.integers(len(rest), size=(source.seeds, source.training))], held_out


def table_losses(train: np.ndarray, held_out: np.ndarray, symbols: int) -> tuple[float, float]:
    """Loss on held-out sequences of a table of symbol pairs learnt from training ones, and the symbols' entropy.

    Parameters
    ----------
    train, held_out : ndarray of int, shape (sequences, length)

    Returns
    -------
    (float, float)
        In nat per predicted token. The table is what no attention is needed for.
    """
    counts = np.full((symbols, symbols), 0.5)
    pairs = train[:, :-1].astype(np.int64) * symbols + train[:, 1:]
    counts += np.bincount(pairs.ravel(), minlength=symbols**2).reshape(symbols, symbols)
    table = np.log(counts / counts.sum(1, keepdims=True))
    often = np.bincount(held_out[:, 1:].ravel())
    return float(-table[held_out[:, :-1], held_out[:, 1:]].mean()), float(entr(often / often.sum()).sum())
