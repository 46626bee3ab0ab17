"""Ordinal, template and spectral entropies against ordpy and antropy."""

import antropy
import numpy as np
import ordpy
import pytest

from pesin.entropy.ordinal import complexity_entropy
from pesin.entropy.spectral import periodogram_entropy
from pesin.entropy.templates import sample_entropy
from pesin.systems.maps import henon, iterate, logistic
from pesin.systems.noise import coloured_noise

SERIES = {
    "logistic": iterate(logistic, np.array([0.1234]), 3000)[:, 0],
    "henon": iterate(henon, np.array([0.1, 0.1]), 3000, 100)[:, 0],
    "white": np.random.default_rng(0).normal(size=3000),
    "red": coloured_noise(np.random.default_rng(1), -2, (3000,)),
    "sine": np.sin(2 * np.pi * np.arange(3000) / 49.3 + 0.1),
    "tied": np.random.default_rng(2).integers(0, 5, 3000).astype(float),
}


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize(("order", "delay"), [(3, 1), (4, 2), (5, 1), (5, 7)])
def test_ordinal_agrees_with_ordpy_and_antropy(name, order, delay):
    x = SERIES[name]
    found = complexity_entropy(x, order, delay)
    entropy, complexity = ordpy.complexity_entropy(x, dx=order, taux=delay)
    assert found.permutation_entropy == pytest.approx(entropy, abs=1e-9)
    assert found.statistical_complexity == pytest.approx(complexity, abs=1e-9)
    peer = antropy.perm_entropy(x, order=order, delay=delay, normalize=True)
    assert found.permutation_entropy == pytest.approx(peer, abs=1e-9)


@pytest.mark.parametrize("name", SERIES)
def test_sample_entropy_agrees_with_antropy(name):
    x = SERIES[name][:1500].copy()
    assert sample_entropy(x).value == pytest.approx(antropy.sample_entropy(x), abs=1e-9)


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("length", [3000, 2999])
def test_spectral_entropy_agrees_with_antropy(name, length):
    x = SERIES[name][:length]
    peer = antropy.spectral_entropy(x - x.mean(), sf=1, method="fft", normalize=True)
    assert periodogram_entropy(x).value == pytest.approx(peer, abs=1e-9)
