"""Labelled images from files of three formats written here, digits, and errors that tell what to get."""

import gzip

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pesin.errors import UserError
from pesin.systems.images import SOURCES, load_images, on_textures

RNG = np.random.default_rng(0)


def load(source, folder=None, train=6, test=4, seed=0):
    return load_images(source, train, test, np.random.default_rng(seed), folder)


def test_digits_are_those_of_scikit_learn():
    found, peer = load("digits", train=1000, test=797), load_digits()
    every = np.concatenate([found.train, found.test])[..., 0], np.concatenate([found.train_label, found.test_label])
    order = np.random.default_rng(0).permutation(1797)
    np.testing.assert_array_equal(every[0], (peer.images[order] / 16).astype(np.float32))
    np.testing.assert_array_equal(every[1], peer.target[order])


def idx(values: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, values.ndim)) + b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    return head + values.tobytes()


def mnist(folder, packed=False, rows=28):
    pixels, label = {}, {}
    for stem, count in (("train", 9), ("t10k", 5)):
        pixels[stem] = RNG.integers(0, 256, (count, rows, rows)).astype(np.uint8)
        label[stem] = np.arange(count).astype(np.uint8) % 10
        for name, values in ((f"{stem}-images-idx3-ubyte", pixels[stem]), (f"{stem}-labels-idx1-ubyte", label[stem])):
            path = folder / (name + ".gz" if packed else name)
            path.write_bytes(gzip.compress(idx(values)) if packed else idx(values))
    return pixels, label


def cifar10(folder, count=3):
    kept, labels = [], []
    for name in [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]:
        data, label = RNG.integers(0, 256, (count, 3072)).astype(np.uint8), RNG.integers(0, 10, (count, 1))
        (folder / name).write_bytes(np.concatenate([label.astype(np.uint8), data], 1).tobytes())
        kept.append(data)
        labels.append(label[:, 0])
    return kept, labels


def stl10(folder, labels=(1, 10, 3)):
    pixels = RNG.integers(0, 256, (len(labels), 3, 96, 96)).astype(np.uint8)
    for part in ("train", "test"):
        (folder / f"{part}_X.bin").write_bytes(pixels.tobytes())
        (folder / f"{part}_y.bin").write_bytes(bytes(labels))
    return pixels


def rows_of(images: np.ndarray) -> set[bytes]:
    return {np.round(image * 255).astype(np.uint8).tobytes() for image in images}


@pytest.mark.parametrize("packed", [False, True])
def test_mnist(tmp_path, packed):
    pixels, _ = mnist(tmp_path, packed)
    found = load("mnist", tmp_path, train=9, test=5)
    assert found.train.shape == (9, 28, 28, 1) and found.train.dtype == np.float32
    assert 0 <= found.train.min() and found.train.max() <= 1
    for image, label in zip(found.train, found.train_label, strict=True):
        np.testing.assert_array_equal(np.round(image[..., 0] * 255), pixels["train"][label])
    assert rows_of(found.test) == {image.tobytes() for image in pixels["t10k"]}


def test_cifar10(tmp_path):
    kept, labels = cifar10(tmp_path)
    found = load("cifar10", tmp_path, train=15, test=3)
    assert found.train.shape == (15, 32, 32, 3) and found.train_label.dtype == np.int64
    planes = np.concatenate(kept[:5]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    stored = {plane.tobytes(): label for plane, label in zip(planes, np.concatenate(labels[:5]), strict=True)}
    loaded = (np.round(found.train * 255).astype(np.uint8), found.train_label)
    assert {image.tobytes(): label for image, label in zip(*loaded, strict=True)} == stored


def test_stl10(tmp_path):
    pixels = stl10(tmp_path)
    found = load("stl10", tmp_path, train=3, test=3)
    assert found.train.shape == (3, 96, 96, 3) and sorted(found.train_label) == [0, 2, 9]
    first = found.train[list(found.train_label).index(0)]  # stored channel, column, row
    np.testing.assert_array_equal(np.round(first[5, 7] * 255), pixels[0][:, 7, 5])


def test_digits_are_split_at_random_and_textures_say_nothing():
    plain, textured = load("digits", train=1200, test=597), load("textured_digits", train=1200, test=597)
    np.testing.assert_array_equal(plain.train_label, textured.train_label)
    assert plain.train.shape == (1200, 8, 8, 1) and plain.train.max() == 1
    assert not rows_of(plain.train[:100]) & rows_of(plain.test)
    assert 0 <= textured.train.min() and textured.train.max() <= 1
    black = plain.train == 0
    assert textured.train[black].std() > 0.2
    np.testing.assert_array_equal(textured.train[plain.train == 1], 1)
    np.testing.assert_array_equal(on_textures(plain.train, np.random.default_rng(1), 0.0), plain.train)
    other = load("digits", train=1200, test=597, seed=1)
    assert not np.array_equal(other.train_label, plain.train_label)


@pytest.mark.parametrize("source", ["mnist", "cifar10", "stl10"])
def test_missing_files_say_where_to_get_them(tmp_path, source):
    with pytest.raises(UserError, match="http"):
        load(source, tmp_path)
    with pytest.raises(UserError, match="set data.folder.*http"):
        load(source)


def test_wrong_files_are_refused(tmp_path):
    mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + bytes(11))
    with pytest.raises(UserError, match="train-images-idx3-ubyte.*http"):
        load("mnist", tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"nothing")
    with pytest.raises(UserError, match="doesn't begin"):
        load("mnist", tmp_path)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"nothing")
    with pytest.raises(UserError, match="can't be unpacked"):
        load("mnist", tmp_path)
    stl10(tmp_path, labels=(1, 11, 3))
    with pytest.raises(UserError, match="labels run from 0 to 10"):
        load("stl10", tmp_path, 2, 2)
    (tmp_path / "train_X.bin").write_bytes(bytes(100))
    with pytest.raises(UserError, match="no multiple"):
        load("stl10", tmp_path, 2, 2)
    cifar10(tmp_path)
    (tmp_path / "data_batch_3.bin").write_bytes(bytes(100))
    with pytest.raises(UserError, match="data_batch_3.bin.*no multiple.*http"):
        load("cifar10", tmp_path)


def test_too_many_and_unknown(tmp_path):
    for source in ("digits", "textured_digits"):
        with pytest.raises(UserError, match="1797"):
            load(source, train=1700, test=98)
    mnist(tmp_path)
    with pytest.raises(UserError, match="9 train images"):
        load("mnist", tmp_path, train=10)
    with pytest.raises(UserError, match=", ".join(SOURCES)):
        load("imagenet")
