"""The worlds: sequences that each follow one of several Markov chains, or the bytes of a text; images as patches."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from pesin.errors import UserError
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.images import CLASSES, load_images
from pesin.systems.token_sources import byte_sequences, markov_matrix
from studies.selective_ssm_token_dynamics.networks.params import Params


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups `text` and `images`, each with `train` and `held_out`, and what the source itself comes to."""
    return xr.DataTree.from_dict({"text": text(case), "images": images(case)})


def text(case: Case[Params]) -> xr.Dataset:
    """Sequences of length + 1; losses of one who knows the chains, and of a table of pairs, in nat per token."""
    p, rng = case.params.simulate.text, case.rng("text")
    total, source = p.training + p.held_out, 0.0
    if p.source == "bytes":
        found, symbols = byte_sequences(p.path, p.length + 1), 256
        if len(found) < total:
            raise UserError(f"{p.path}: {len(found)} sequences are fewer than the {total} asked for.")
        found = found[rng.permutation(len(found))[:total]]
    else:
        chains, symbols = np.stack([markov_matrix(p.symbols, p.spread, rng) for _ in range(p.chains)]), p.symbols
        found = draw(chains, total, p.length + 1, rng)
        source = source_loss(found[p.training :], chains)
    train, held_out = np.split(found, [p.training])
    return xr.Dataset(
        {
            "train": labelled(("sequence", "position"), train, "training sequences"),
            "held_out": labelled(("held_out_sequence", "position"), held_out, "held-out sequences"),
            "source_loss": labelled(
                (), source, "loss of one who knows the source", "nat", role="truth", may_be_constant=1
            ),
            "pairs_loss": labelled((), pairs_loss(train, held_out, symbols), "loss of a table of pairs", "nat"),
        },
        attrs={"symbols": symbols},
    )


def draw(chains: np.ndarray, sequences: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Draw sequences, shape (sequences, length), int16: each follows one of the chains, from a uniform start."""
    which = rng.integers(len(chains), size=sequences)
    cumulative = chains.cumsum(-1)
    cumulative[..., -1] = 1
    tokens = np.empty((sequences, length), np.int16)
    tokens[:, 0] = rng.integers(chains.shape[1], size=sequences)
    for t in range(1, length):
        tokens[:, t] = (rng.random(sequences)[:, None] >= cumulative[which, tokens[:, t - 1]]).sum(-1)
    return tokens


def source_loss(tokens: np.ndarray, chains: np.ndarray) -> float:
    """Nats per told token of the posterior over the chains, by Bayes' rule: no model does better on average."""
    pairs = np.log(chains)[:, tokens[:, :-1], tokens[:, 1:]].sum(-1)  # (chains, sequences)
    return float(-(logsumexp(pairs, axis=0) - np.log(len(chains))).mean() / (tokens.shape[1] - 1))


def pairs_loss(train: np.ndarray, held_out: np.ndarray, symbols: int) -> float:
    """Nats per token of a table of how often a symbol follows another in training, 1 added: no memory but the last."""
    counts = np.ones((symbols, symbols))
    np.add.at(counts, (train[:, :-1].ravel(), train[:, 1:].ravel()), 1)
    table = np.log(counts / counts.sum(1, keepdims=True))
    return float(-table[held_out[:, :-1], held_out[:, 1:]].mean())


def images(case: Case[Params]) -> xr.Dataset:
    """Patches, in the standard units of the training images, (image, patch, pixel), and classes."""
    p = case.params.simulate.images
    found = load_images(p.source, p.training, p.held_out, case.rng("images"), p.folder)
    train, held_out = (cut(pixels, p.patch) for pixels in (found.train, found.test))
    mean, spread = train.mean(), train.std()
    variables = {}
    for part, patches, label in (("train", train, found.train_label), ("held_out", held_out, found.test_label)):
        dims = (f"{part}_image", "patch", "pixel")
        variables[part] = labelled(dims, (patches - mean) / spread, f"patches, {part} images")
        variables[f"{part}_label"] = labelled(dims[:1], label.astype(np.int16), f"class, {part} images")
    commonest = np.bincount(found.test_label).max() / p.held_out
    variables["majority"] = labelled((), commonest, "share of the commonest class")
    return xr.Dataset(variables, attrs={"classes": CLASSES})


def cut(pixels: np.ndarray, edge: int) -> np.ndarray:
    """Square patches, row by row: (images, height, width, channels) -> (images, patches, pixels)."""
    count, height, width, channels = pixels.shape
    if height % edge or width % edge:
        raise UserError(f"simulate.images.patch: {edge} doesn't divide images of {height} x {width} pixels.")
    tiles = pixels.reshape(count, height // edge, edge, width // edge, edge, channels).swapaxes(2, 3)
    return tiles.reshape(count, -1, edge * edge * channels)
