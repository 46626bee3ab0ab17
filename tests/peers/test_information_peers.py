"""Continuous entropies and information against infomeasure, scikit-learn and dse-dsmi, their deviations included."""

import random

import dse_dsmi
import infomeasure
import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_regression

from pesin.entropy.kernel import diffusion_spectral_entropy, diffusion_spectral_mutual_information
from pesin.entropy.neighbours import (
    conditional_mutual_information,
    differential_entropy,
    mutual_information,
    transfer_entropy,
)

KSG = {"approach": "metric", "k": 4, "noise_level": 0}


def pair(rho=0.9, size=2000, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=size)
    return a, rho * a + np.sqrt(1 - rho**2) * rng.normal(size=size)


def coupled(size=1500):
    rng = np.random.default_rng(1)
    x, y, e = np.zeros(size), np.zeros(size), rng.normal(size=(2, size))
    for t in range(size - 1):
        x[t + 1], y[t + 1] = 0.5 * x[t] + e[0, t], 0.5 * y[t] + 0.8 * x[t] + e[1, t]
    return x, y


@pytest.mark.parametrize("k", [1, 3, 4, 10])
def test_differential_entropy_is_infomeasures(k):
    a, b = pair()
    for x in (a, np.exp(b), np.stack([a, b], 1), np.random.default_rng(2).normal(size=(800, 5))):
        peer = infomeasure.entropy(x, **(KSG | {"k": k}))
        assert differential_entropy(x, k).value == pytest.approx(peer, abs=1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.999])
@pytest.mark.parametrize("k", [1, 4])
def test_mutual_information_is_infomeasures(rho, k):
    a, b = pair(rho)
    peer = infomeasure.mutual_information(a, b, **(KSG | {"k": k}))
    assert mutual_information(a, b, k).value == pytest.approx(peer, abs=1e-9)


def test_information_of_vectors_is_infomeasures():
    x = np.random.default_rng(3).normal(size=(900, 5)) @ np.random.default_rng(4).normal(size=(5, 5))
    peer = infomeasure.mutual_information(x[:, :2], x[:, 2:], **KSG)
    assert mutual_information(x[:, :2], x[:, 2:]).value == pytest.approx(peer, abs=1e-9)


def test_conditional_information_is_infomeasures():
    a, b = pair()
    c = a + np.random.default_rng(5).normal(size=a.size)
    peer = infomeasure.conditional_mutual_information(a, b, cond=c, **KSG)
    assert conditional_mutual_information(a, b, c).value == pytest.approx(peer, abs=1e-9)


@pytest.mark.parametrize(("source", "target"), [(1, 1), (2, 1), (1, 3), (2, 2)])
def test_transfer_entropy_is_infomeasures(source, target):
    x, y = coupled()
    peer = infomeasure.transfer_entropy(x, y, src_hist_len=source, dest_hist_len=target, **KSG)
    found = transfer_entropy(x, y, source_history=source, target_history=target)
    assert found.value == pytest.approx(peer, abs=1e-9)


def test_infomeasure_thins_the_series_by_its_step():
    """Its step of 2 drops every other sample and so predicts two ahead; ours predicts the next from a wider past."""
    x, y = coupled()
    peer = infomeasure.transfer_entropy(x, y, src_hist_len=2, dest_hist_len=2, step_size=2, **KSG)
    thinned = transfer_entropy(x[::2], y[::2], source_history=2, target_history=2)
    assert peer == pytest.approx(thinned.value, abs=1e-9)
    assert transfer_entropy(x, y, source_history=2, target_history=2, step=2).value != pytest.approx(peer, abs=1e-3)


def test_infomeasure_gives_discrete_data_a_density_by_noise():
    dice = np.random.default_rng(9).integers(1, 7, (2, 600)).astype(float)
    noisy = infomeasure.mutual_information(*dice, approach="metric", k=4)  # its default: noise of 1e-10
    assert np.isfinite(noisy)
    with pytest.raises(ValueError, match="coincide with 4 others"), pytest.warns(RuntimeWarning, match="repeat"):
        mutual_information(*dice)


def test_scikit_learn_scales_adds_noise_and_clips():
    a, b = pair()
    found = mutual_information(a / a.std(), b / b.std()).value
    peer = mutual_info_regression(a[:, None], b, n_neighbors=4, random_state=0)[0]
    assert found == pytest.approx(peer, abs=1e-3)  # it scales by the standard deviation and adds 1e-10 noise
    below = [mutual_information(*pair(0.0, 300, seed)).value for seed in range(10)]
    clipped = []
    for seed in range(10):
        x, y = pair(0.0, 300, seed)
        clipped.append(mutual_info_regression(x[:, None], y, n_neighbors=4, random_state=0)[0])
    assert min(below) < 0 and min(clipped) == 0
    assert np.mean(clipped) > np.mean(below)  # clipping is a bias


def test_diffusion_entropy_is_the_authors():
    rng = np.random.default_rng(6)
    for x, sigma, t in (
        (rng.random((300, 20)), 10, 1),
        (rng.random((300, 20)), 0.5, 2),
        (rng.normal(size=(200, 3)), 0.3, 4),
        (1e3 * rng.normal(size=(100, 2)), 10, 1),
    ):
        peer = dse_dsmi.diffusion_spectral_entropy(x, sigma, t) * np.log(2)
        assert diffusion_spectral_entropy(x, sigma, t).value == pytest.approx(peer, abs=1e-9)


class SubsetsOfThePeer:
    """Stands in for a generator: draws the subsets that dse-dsmi draws, which reseeds Python's own for each class."""

    def __init__(self, subsets=5):
        self.subsets, self.drawn = subsets, 0

    def choice(self, samples, size, replace):
        assert not replace
        if self.drawn % self.subsets == 0:
            random.seed(0)
        self.drawn += 1
        return np.array(random.sample(range(samples), k=int(size)))


def test_diffusion_information_is_the_authors():
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 4, 300)
    x = rng.normal(size=(300, 5)) + labels[:, None]
    peer = dse_dsmi.diffusion_spectral_mutual_information(x, labels, gaussian_kernel_sigma=0.5, t=1)[0] * np.log(2)
    found = diffusion_spectral_mutual_information(x, labels, SubsetsOfThePeer(), 0.5, 1)
    assert found.value == pytest.approx(peer, abs=1e-9)


def test_the_authors_cache_of_eigenvalues_is_of_half_precision(tmp_path):
    x = np.random.default_rng(8).random((200, 20))
    options = {"gaussian_kernel_sigma": 0.5, "t": 1, "eigval_save_path": str(tmp_path / "cache" / "levels.npz")}
    fresh, cached = (dse_dsmi.diffusion_spectral_entropy(x, **options) for _ in range(2))
    exact = diffusion_spectral_entropy(x, 0.5, 1).value / np.log(2)
    assert fresh != pytest.approx(exact, abs=1e-7) and cached != pytest.approx(exact, abs=1e-7)
