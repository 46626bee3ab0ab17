"""Labelled images: the digits of scikit-learn, alone and on textures, and MNIST, CIFAR-10 and STL-10 from files.

All come as pixels in [0, 1], shape (sample, row, column, channel), and classes 0 .. 9.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from pesin.errors import UserError

SOURCES = ("digits", "textured_digits", "mnist", "cifar10", "stl10")
CLASSES = 10
WHERE = {
    "mnist": "MNIST in idx format, as they are or gzipped: train-images-idx3-ubyte, train-labels-idx1-ubyte,"
    " t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, from https://yann.lecun.com/exdb/mnist or a mirror.",
    "cifar10": "CIFAR-10 in its binary version, unpacked: data_batch_1.bin to data_batch_5.bin and test_batch.bin, from"
    " https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz.",
    "stl10": "STL-10 in its binary version, unpacked: train_X.bin, train_y.bin, test_X.bin and test_y.bin, from"
    " http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz.",
}


@dataclass(frozen=True)
class Images:
    """Training and test images, float32 in [0, 1], shape (sample, row, column, channel); classes as int64."""

    train: np.ndarray
    train_label: np.ndarray
    test: np.ndarray
    test_label: np.ndarray


def load_images(
    source: str, train: int, test: int, rng: np.random.Generator, folder: str | Path | None = None
) -> Images:
    """Load a random part of a data set.

    Parameters
    ----------
    source
        One of SOURCES. The two kinds of digits ship with scikit-learn and are split at random; the others keep the
        split of their files.
    train, test
        Numbers of images.
    rng
        Generator: which images, and the textures.
    folder
        Where the files of the source lie.

    Raises
    ------
    UserError
        If there are fewer images than asked for, or files are missing or have another format. The message says where
        to get them and how they must look.
    """
    if source in ("digits", "textured_digits"):
        pixels, label = _digits()
        if train + test > len(pixels):
            raise UserError(f"{source}: there are {len(pixels)} images, fewer than the {train} + {test} asked for.")
        order = rng.permutation(len(pixels))[: train + test]
        pixels, label = pixels[order], label[order]
        if source == "textured_digits":
            pixels = on_textures(pixels, rng)
        return Images(pixels[:train], label[:train], pixels[train:], label[train:])
    if source not in WHERE:
        raise UserError(f"'{source}' is no source of images; there are {', '.join(SOURCES)}.")
    if folder is None:
        raise UserError(f"{source}: set data.folder to the folder that holds {WHERE[source]}")
    parts = []
    for part, count in (("train", train), ("test", test)):
        pixels, label = {"mnist": _mnist, "cifar10": _cifar10, "stl10": _stl10}[source](Path(folder), part)
        _fits(source, pixels, label)
        if count > len(pixels):
            raise UserError(f"{source}: there are {len(pixels)} {part} images in {folder}, fewer than {count}.")
        chosen = rng.permutation(len(pixels))[:count]
        parts += [np.ascontiguousarray(pixels[chosen]).astype(np.float32) / 255, label[chosen].astype(np.int64)]
    return Images(*parts)


def on_textures(pixels: np.ndarray, rng: np.random.Generator, contrast: float = 0.8) -> np.ndarray:
    """Lay digits over gratings of random direction, wavelength and phase, which say nothing about the digit.

    Parameters
    ----------
    pixels : ndarray, shape (sample, row, column, channel)
        White on black.
    contrast
        Of the grating, from 0 (none) to 1 (as strong as the digit).
    """
    count, rows, columns, _ = pixels.shape
    drawn = rng.random((3, count))
    direction, phase = np.pi * drawn[0], 2 * np.pi * drawn[1]
    waves = 1 + 1.5 * drawn[2]  # across the image
    y, x = np.meshgrid(np.arange(rows) / rows, np.arange(columns) / columns, indexing="ij")
    along = np.cos(direction)[:, None, None] * x + np.sin(direction)[:, None, None] * y
    grating = np.sin(2 * np.pi * waves[:, None, None] * along + phase[:, None, None])
    background = contrast * (1 + grating[..., None]) / 2
    return (pixels + (1 - pixels) * background).astype(np.float32)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    # The file behind `sklearn.datasets.load_digits`, which would cost every job a second of imports.
    path = distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    table = np.loadtxt(str(path), delimiter=",")  # unpacks it
    return (table[:, :-1].reshape(-1, 8, 8, 1) / 16).astype(np.float32), table[:, -1].astype(np.int64)


# -------------------------------------------------------------------------------------------------------------- files


def _mnist(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    stem = {"train": "train", "test": "t10k"}[part]
    pixels = _idx(folder, f"{stem}-images-idx3-ubyte", 3)
    return pixels[..., None], _idx(folder, f"{stem}-labels-idx1-ubyte", 1)


def _idx(folder: Path, name: str, axes: int) -> np.ndarray:
    """An idx file: two zeros, type 8 (bytes), number of axes, lengths as big-endian 32-bit numbers, the bytes."""
    packed = folder / f"{name}.gz"
    try:
        content = gzip.decompress(_bytes("mnist", packed)) if packed.is_file() else _bytes("mnist", folder / name)
    except (OSError, EOFError) as error:
        raise _unfit("mnist", packed, f"can't be unpacked ({error})") from None
    if content[:4] != bytes((0, 0, 8, axes)):
        raise _unfit("mnist", folder / name, f"doesn't begin as an idx file of bytes with {axes} axes")
    shape = np.frombuffer(content, ">u4", axes, 4) if len(content) >= 4 + 4 * axes else np.array([-1])
    values = np.frombuffer(content, np.uint8, offset=min(4 + 4 * axes, len(content)))
    if values.size != np.prod(shape.astype(np.int64)):
        raise _unfit("mnist", folder / name, f"holds {values.size} values, not those of shape {tuple(shape.tolist())}")
    return values.reshape(shape)


def _cifar10(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """For each image its label and then its bytes by channel, row, column."""
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] if part == "train" else ["test_batch.bin"]
    batches = []
    for name in names:
        values = np.frombuffer(_bytes("cifar10", folder / name), np.uint8)
        if values.size % (1 + 3 * 32 * 32):
            raise _unfit("cifar10", folder / name, f"holds {values.size} bytes, no multiple of 1 + 3 x 32 x 32")
        batches.append(values.reshape(-1, 1 + 3 * 32 * 32))
    whole = np.concatenate(batches)
    return whole[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), whole[:, 0].astype(np.int64)


def _stl10(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images by channel, column, row; labels 1 .. 10."""
    pixels = np.frombuffer(_bytes("stl10", folder / f"{part}_X.bin"), np.uint8)
    label = np.frombuffer(_bytes("stl10", folder / f"{part}_y.bin"), np.uint8)
    if pixels.size % (3 * 96 * 96):
        raise _unfit("stl10", folder / f"{part}_X.bin", f"holds {pixels.size} bytes, no multiple of 3 x 96 x 96")
    return pixels.reshape(-1, 3, 96, 96).transpose(0, 3, 2, 1), label.astype(np.int64) - 1


def _bytes(source: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise UserError(f"{path}: there is no such file. data.folder must hold {WHERE[source]}") from None


def _unfit(source: str, path: Path, what: str) -> UserError:
    return UserError(f"{path}: {what}. It must be part of {WHERE[source]}")


def _fits(source: str, pixels: np.ndarray, label: np.ndarray) -> None:
    if len(pixels) != len(label):
        raise UserError(f"{source}: {len(pixels)} images and {len(label)} labels don't fit together. {WHERE[source]}")
    if len(label) and not (0 <= label.min() and label.max() < CLASSES):
        raise UserError(f"{source}: labels run from {label.min()} to {label.max()}, not 0 to 9. {WHERE[source]}")
