"""The worlds: images cut into patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from pesin.errors import UserError
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.sigma_reparam_attention_entropy.images.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return patches of training, validation and test images, in the standard units of the training images."""
    images, rng = case.params.simulate, case.rng("split")
    if images.source == "digits":
        pixels, labels = _digits()
        order = rng.permutation(len(pixels))
        held = images.validation + images.test
        if held >= len(pixels):
            raise UserError(f"simulate: validation + test must be less than the {len(pixels)} images that there are.")
        test, validation, train = np.split(order, [images.test, held])
        parts = {"train": train, "validation": validation, "test": test}
    else:
        pixels, labels, tested = imagenet64(images.folder)
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
        raise UserError(f"simulate.patch: {high} x {wide} does not divide images of {height} x {width} pixels.")
    tiles = pixels.reshape(images, height // high, high, width // wide, wide, channels).swapaxes(2, 3)
    return tiles.reshape(images, -1, high * wide * channels)


def imagenet64(folder: str | None) -> tuple[np.ndarray, np.ndarray, int]:
    """Read ImageNet-1k at 64 x 64 pixels.

    Parameters
    ----------
    folder
        With train_data_batch_1.npz, ... and val_data.npz, each holding `data`, shape (images, 12288), uint8,
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
    place = Path(folder or "")
    files = [*sorted(place.glob("train_data_batch_*.npz")), place / "val_data.npz"]
    if not folder or len(files) < 2 or not files[-1].is_file():
        raise UserError(
            f"simulate.folder: {folder!r} is no folder with train_data_batch_1.npz, ... and val_data.npz. Register at"
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
