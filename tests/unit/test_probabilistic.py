"""Scores of ensembles against their definitions and closed forms."""

import numpy as np
import pytest
from scipy.stats import norm

from pesin.forecast.probabilistic import crps_ensemble


def test_it_is_the_integral_of_the_squared_difference_of_distribution_functions():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 7)), rng.normal(size=5)
    grid = np.linspace(-6, 6, 240_001)
    share = (x[..., None] <= grid).mean(-2)
    expected = ((share - (y[:, None] <= grid)) ** 2).sum(-1) * (grid[1] - grid[0])
    np.testing.assert_allclose(crps_ensemble(x, y, fair=False), expected, atol=2e-4)


def test_the_fair_score_of_small_normal_ensembles_is_that_of_the_normal_law():
    """For N(0, 1) and y: y (2 Phi(y) - 1) + 2 phi(y) - 1 / sqrt(pi)."""
    rng, y = np.random.default_rng(1), 0.7
    found = crps_ensemble(rng.normal(size=(200_000, 3)), np.full(200_000, y))
    expected = y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - np.pi**-0.5
    assert found.mean() == pytest.approx(expected, abs=5 * found.std() / 200_000**0.5)


def test_one_member_scores_its_distance():
    np.testing.assert_allclose(crps_ensemble([[1.0], [-2.0]], [3.0, 0.5], fair=False), [2.0, 2.5])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="members"):
        crps_ensemble(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(ValueError, match="against"):
        crps_ensemble(np.zeros((3, 4)), np.zeros(4))
