"""The worlds: sequences with a known entropy (or the bytes of a text), and images cut into patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from scipy.special import entr

from pesin.errors import UserError
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.token_sources import byte_sequences, copy_and_markov, copy_and_markov_entropy, markov_matrix


def simulate(case: Case) -> xr.Dataset:
    """Return sequences to train on and held out, or images with their labels."""
    return _images(case) if case.params.kind == "images" else _sequences(case)


# ---------------------------------------------------------------------------------------------------------- sequences


def _sequences(case: Case) -> xr.Dataset:
    """Each seed gets its own training sequences, fresh ones in every step; the held-out ones are the same for all."""
    params, source = case.params, case.params.source
    needed = max(sweep.steps * sweep.batch for sweep in params.sweeps.values())
    variables, source_loss = {}, 0.0
    if source.kind == "bytes":
        found, rng = byte_sequences(source.path, source.length), case.rng("sequences")
        if len(found) < 2 * params.held_out:
            raise UserError(f"{source.path}: {len(found)} sequences are too few to hold out {params.held_out}.")
        held_out, rest = np.split(rng.permutation(found), [params.held_out])
        train, symbols = rest[rng.integers(len(rest), size=(params.seeds, needed))], 256
    else:
        transition = markov_matrix(source.symbols, source.spread, case.rng("source"))
        shape = (params.seeds, needed, source.length)
        train = copy_and_markov(shape, source.lag, transition, case.rng("sequences"))
        held_out = copy_and_markov((params.held_out, source.length), source.lag, transition, case.rng("held out"))
        symbols = source.symbols
        source_loss = copy_and_markov_entropy(source.length, source.lag, transition)
        name = "transition probabilities of the Markov half"
        variables["transition"] = labelled(("symbol", "next_symbol"), transition, name, role="truth", may_be_constant=1)
    variables["tokens"] = labelled(("seed", "sequence", "position"), train, "training sequences, in their order")
    variables["held_out"] = labelled(("held_out_sequence", "position"), held_out, "sequences to measure on")
    coordinates = {"seed": np.arange(params.seeds), "position": np.arange(source.length), "symbol": np.arange(symbols)}
    counts = np.bincount(held_out[:, 1:].ravel())
    # What one pays, in nat per token, who knows the frequencies of the symbols alone, and who knows the source.
    known = {"frequencies_loss": float(entr(counts / counts.sum()).sum()), "source_loss": source_loss}
    return xr.Dataset(variables, coordinates, known)


# ------------------------------------------------------------------------------------------------------------- images


def _images(case: Case) -> xr.Dataset:
    """Patches of training, validation and test images, in the standard units of the training images."""
    images, rng = case.params.images, case.rng("split")
    if images.source == "digits":
        pixels, labels = _digits()
        order = rng.permutation(len(pixels))
        held = images.validation + images.test
        if held >= len(pixels):
            raise UserError(f"images: validation + test must be less than the {len(pixels)} images that there are.")
        test, validation, train = np.split(order, [images.test, held])
        parts = {"train": train, "validation": validation, "test": test}
    else:
        pixels, labels, tested = imagenet64(images.path)
        order = rng.permutation(tested)
        parts = {"train": order[images.validation :], "validation": order[: images.validation]}
        parts["test"] = np.arange(tested, min(tested + images.test, len(pixels)))
    patches = cut(pixels, images.patch)
    mean, spread = patches[parts["train"]].mean(), patches[parts["train"]].std()
    variables = {}
    for part, rows in parts.items():
        dims = (f"{part}_image", "patch", "pixel")
        values = ((patches[rows] - mean) / spread).astype(np.float32)
        variables[f"{part}_patches"] = labelled(dims, values, f"patches of the {part} images, standardised")
        variables[f"{part}_labels"] = labelled(dims[:1], labels[rows].astype(np.int16), f"class, {part} images")
    return xr.Dataset(variables)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images[..., None].astype(np.float32), found.target


def cut(pixels: np.ndarray, patch: tuple[int, int]) -> np.ndarray:
    """Patches of images, row by row: (images, height, width, channels) -> (images, patches, pixels)."""
    images, height, width, channels = pixels.shape
    high, wide = patch
    if height % high or width % wide:
        raise UserError(f"images.patch: {high} x {wide} does not divide images of {height} x {width} pixels.")
    tiles = pixels.reshape(images, height // high, high, width // wide, wide, channels).swapaxes(2, 3)
    return tiles.reshape(images, -1, high * wide * channels)


def imagenet64(path: str | None) -> tuple[np.ndarray, np.ndarray, int]:
    """Read ImageNet-1k at 64 x 64 pixels.

    Parameters
    ----------
    path
        Folder with train_data_batch_1.npz, ... and val_data.npz, each holding `data`, shape (images, 12288), uint8,
        red, green and blue planes one after another, and `labels`, 1 to 1000.

    Returns
    -------
    pixels, labels, number
        (images, 64, 64, 3) float32, training images first; labels from 0; how many are training images.

    Raises
    ------
    UserError
        If the folder or one of its arrays isn't as described; it says where to get the files.
    """
    folder = Path(path or "")
    files = [*sorted(folder.glob("train_data_batch_*.npz")), folder / "val_data.npz"]
    if not path or len(files) < 2 or not files[-1].is_file():
        raise UserError(
            f"images.path: {path!r} is no folder with train_data_batch_1.npz, ... and val_data.npz. Register at"
            " https://image-net.org/download-images.php, take the downsampled 64x64 npz files, and unpack them there."
        )
    pixels, labels = [], []
    for file in files:
        with np.load(file, allow_pickle=False) as held:
            if not {"data", "labels"} <= set(held) or held["data"].ndim != 2 or held["data"].shape[1] != 3 * 64 * 64:
                raise UserError(f"{file}: should hold `data`, shape (images, 12288), and `labels`.")
            data, label = held["data"], held["labels"].astype(int) - 1
        if len(data) != len(label) or label.min() < 0:
            raise UserError(f"{file}: `labels` should be 1 to 1000, one for each of the {len(data)} images.")
        pixels.append(data.reshape(-1, 3, 64, 64).transpose(0, 2, 3, 1).astype(np.float32))
        labels.append(label)
    return np.concatenate(pixels), np.concatenate(labels), sum(map(len, pixels[:-1]))
