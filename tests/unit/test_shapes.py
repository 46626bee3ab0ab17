"""Point clouds: norms, dimensions, and embeddings that keep distances."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from pesin.systems.shapes import embed, sphere, swiss_roll, tree


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("dim", [1, 2, 7])
def test_spheres_are_uniform(dim):
    x = sphere(rng(), 20000, dim)
    assert x.shape == (20000, dim + 1)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1)
    np.testing.assert_allclose(x.T @ x / len(x), np.eye(dim + 1) / (dim + 1), atol=0.02)


@pytest.mark.parametrize("make", [swiss_roll, tree])
def test_shapes_are_centred_and_of_unit_size(make):
    x = make(rng(), 300)
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-12)
    assert (x**2).sum(1).mean() == pytest.approx(1)
    assert len(np.unique(x, axis=0)) == 300


def test_embedding_keeps_distances_and_directions_are_uniform():
    x = sphere(rng(), 50, 2)
    y = embed(rng(1), x, 20)
    assert y.shape == (50, 20)
    np.testing.assert_allclose(pdist(y), pdist(x))
    assert np.linalg.matrix_rank(y) == 3
    first = np.array([embed(rng(seed), np.ones((1, 1)), 2)[0] for seed in range(2000)])
    np.testing.assert_allclose(first.mean(0), 0, atol=0.06)  # the sign too is random
    with pytest.raises(ValueError, match="don't fit"):
        embed(rng(), x, 2)
