"""The worlds: sequences with a known entropy, or the bytes of a text."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import entr

from pesin.errors import UserError
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.token_sources import byte_sequences, copy_and_markov, copy_and_markov_entropy, markov_matrix
from studies.sigma_reparam_attention_entropy.sequences.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return sequences to train on, each seed its own, fresh ones in every step, and held-out ones for all."""
    source = case.params.simulate
    variables, source_loss = {}, 0.0
    if source.source == "bytes":
        found, rng = byte_sequences(source.path, source.length), case.rng("sequences")
        if len(found) < 2 * source.held_out:
            raise UserError(f"{source.path}: {len(found)} sequences are too few to hold out {source.held_out}.")
        held_out, rest = np.split(rng.permutation(found), [source.held_out])
        train, symbols = rest[rng.integers(len(rest), size=(source.seeds, source.training))], 256
    else:
        transition = markov_matrix(source.symbols, source.spread, case.rng("source"))
        shape = (source.seeds, source.training, source.length)
        train = copy_and_markov(shape, source.lag, transition, case.rng("sequences"))
        held_out = copy_and_markov((source.held_out, source.length), source.lag, transition, case.rng("held out"))
        symbols = source.symbols
        source_loss = copy_and_markov_entropy(source.length, source.lag, transition)
        name = "transition probabilities of the Markov half"
        variables["transition"] = labelled(("symbol", "next_symbol"), transition, name, role="truth", may_be_constant=1)
    variables["tokens"] = labelled(("seed", "sequence", "position"), train, "training sequences, in their order")
    variables["held_out"] = labelled(("held_out_sequence", "position"), held_out, "sequences to measure on")
    coordinates = {"seed": np.arange(source.seeds), "position": np.arange(source.length), "symbol": np.arange(symbols)}
    counts = np.bincount(held_out[:, 1:].ravel())
    # What one pays, in nat per token, who knows the frequencies of the symbols alone, and who knows the source.
    known = {"frequencies_loss": float(entr(counts / counts.sum()).sum()), "source_loss": source_loss}
    return xr.Dataset(variables, coordinates, known)
