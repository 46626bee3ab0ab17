"""The bits of `diffusion_spectral_entropy` against the authors' package, on a representation of digits."""

import dse_dsmi
import numpy as np
import pytest
from test_information_peers import SubsetsOfThePeer

from pesin.entropy.kernel import median_distance
from pesin.systems.images import load_images
from studies.diffusion_spectral_entropy.measures import bits_between, bits_of
from studies.diffusion_spectral_entropy.shared_params import Convention


@pytest.fixture(scope="module")
def digits():
    found = load_images("digits", 200, 10, np.random.default_rng(0))
    weights = np.random.default_rng(1).normal(size=(64, 32))
    return np.maximum(found.train.reshape(200, -1) @ weights, 0), found.train_label


def test_entropy_under_each_convention(digits):
    z, _ = digits
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    for features, sigma, peer in (
        ("raw", 10.0, dse_dsmi.diffusion_spectral_entropy(z, 10.0, 1)),
        ("l2", 0.5, dse_dsmi.diffusion_spectral_entropy(unit, 0.5, 1)),
        ("raw", "median", dse_dsmi.diffusion_spectral_entropy(z, median_distance(z), 1)),
    ):
        assert bits_of(z, Convention(features=features, sigma=sigma, t=1)) == pytest.approx(peer, abs=1e-9)


def test_information_on_the_same_subsets(digits):
    z, label = digits
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    peer = dse_dsmi.diffusion_spectral_mutual_information(unit, label, gaussian_kernel_sigma=0.5, t=1)[0]
    assert bits_between(z, label, SubsetsOfThePeer(), ("l2", 0.5, 1), 5) == pytest.approx(peer, abs=1e-9)
    # The package draws the same subsets for every class of a size; drawn apart they scatter less around the mean.
    ours = [bits_between(z, label, np.random.default_rng(seed), ("l2", 0.5, 1), 5) for seed in range(30)]
    assert np.std(ours) < 0.05 < np.mean(ours)
    assert abs(peer - np.mean(ours)) > 3 * np.std(ours)
