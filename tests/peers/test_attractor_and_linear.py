"""Own attractor scores, mutual information and least squares against scipy and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import entropy, multivariate_normal
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mutual_info_score

from pesin.forecast.attractor import mixture_divergence, state_space_divergence
from pesin.models import linear
from pesin.systems.ecg import mutual_information


@pytest.fixture
def orbit():
    rng = np.random.default_rng(0)
    return np.cumsum(rng.standard_normal((4000, 3)), 0) / 30 + rng.standard_normal((4000, 3))


def test_divergence_is_scipys_entropy_of_full_histograms(orbit):
    true, other = orbit[:2000], np.clip(1.1 * orbit[2000:], orbit[:2000].min(0), orbit[:2000].max(0))
    edges = [np.linspace(x.min() - 0.1 * x.std(), x.max() + 0.1 * x.std(), 31) for x in true.T]
    p, q = (np.histogramdd(x, edges)[0].ravel() + 1e-5 for x in (true, other))
    assert state_space_divergence(true, other) == pytest.approx(entropy(p, q), rel=1e-9)


def test_mixture_is_scipys_normal_density_at_the_same_samples():
    rng = np.random.default_rng(1)
    true, other = rng.standard_normal((30, 6)), rng.standard_normal((40, 6)) + 0.3
    draw = np.random.default_rng(2)
    points = true[draw.integers(30, size=50)] + draw.normal(0, np.sqrt(0.7), (50, 6))
    p, q = (np.mean([multivariate_normal(c, 0.7).pdf(points) for c in x], 0) for x in (true, other))
    got = mixture_divergence(true, other, np.random.default_rng(2), variance=0.7, samples=50)
    assert got == pytest.approx(np.mean(np.log(p / q)), rel=1e-9)


def test_mutual_information_is_scikit_learns_up_to_the_bias_term(orbit):
    x = orbit[:, 0]
    symbol = np.argsort(np.argsort(x, kind="stable"), kind="stable") * 16 // len(x)
    for lag in (1, 7):
        bias = 15**2 / (2 * (len(x) - lag))
        plug_in = mutual_info_score(symbol[:-lag], symbol[lag:])
        assert mutual_information(x, [lag], bins=16)[0] + bias == pytest.approx(plug_in, rel=1e-9)


def test_var_is_scikit_learns_regression(orbit):
    for ridge, peer in ((0.0, LinearRegression()), (3.0, None)):
        fit = linear.fit(orbit, 2, ridge)
        features = np.column_stack([orbit[1:-1], orbit[:-2]])
        if peer is None:  # its intercept is free of penalty too
            peer = Ridge(ridge, solver="cholesky")
        peer.fit(features, orbit[2:])
        np.testing.assert_allclose(fit, np.vstack([peer.intercept_, peer.coef_.T]), atol=1e-9)
