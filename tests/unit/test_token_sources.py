"""Sources of tokens: what repeats, what follows the chain, and the entropy that nobody can predict below."""

import numpy as np
import pytest

from pesin.errors import UserError
from pesin.systems.token_sources import byte_sequences, copy_and_markov, copy_and_markov_entropy, markov_matrix


def test_halves_are_what_they_should_be():
    rng = np.random.default_rng(0)
    transition = markov_matrix(5, 2.0, rng)
    tokens = copy_and_markov((2, 3001, 12), 3, transition, rng)
    assert tokens.shape == (2, 3001, 12) and tokens.min() == 0 and tokens.max() == 4
    copies, chains = tokens[:, ::2], tokens[:, 1::2]
    np.testing.assert_array_equal(copies[..., 3:], copies[..., :-3])
    assert abs(np.bincount(copies[..., :3].ravel()) / copies[..., :3].size - 0.2).max() < 0.01
    counts = np.zeros((5, 5))
    np.add.at(counts, (chains[..., :-1].ravel(), chains[..., 1:].ravel()), 1)
    assert abs(counts / counts.sum(1, keepdims=True) - transition).max() < 0.02


def test_entropy_of_known_sources():
    uniform = np.full((8, 8), 1 / 8)
    assert copy_and_markov_entropy(9, 8, uniform) == pytest.approx(np.log(8) * (7 + 8) / 16)
    still = np.eye(8)  # the chain costs nothing
    assert copy_and_markov_entropy(17, 4, still) == pytest.approx(0.5 * 3 / 16 * np.log(8))


def test_the_entropy_is_what_an_oracle_pays():
    rng = np.random.default_rng(1)
    transition = markov_matrix(6, 2.0, rng)
    tokens = copy_and_markov((40000, 10), 4, transition, rng)
    chain = -np.log(transition[tokens[1::2, :-1], tokens[1::2, 1:]]).mean()
    paid = 0.5 * (3 * np.log(6) / 9 + chain)
    assert copy_and_markov_entropy(10, 4, transition) == pytest.approx(paid, abs=0.01)


def test_a_lag_must_fit():
    with pytest.raises(ValueError, match="lag must lie between"):
        copy_and_markov((4, 5), 5, np.eye(2), np.random.default_rng(0))


def test_bytes_of_a_file(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(bytes(range(10)))
    np.testing.assert_array_equal(byte_sequences(str(path), 4), [[0, 1, 2, 3], [4, 5, 6, 7]])
    with pytest.raises(UserError, match="fewer than one sequence"):
        byte_sequences(str(path), 11)
    with pytest.raises(UserError, match="enwik8"):
        byte_sequences(None, 4)
