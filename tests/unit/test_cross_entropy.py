"""The cross-entropy method: known minima, many searches at once, nothing learnt at smoothing 0, bad input."""

import numpy as np
import pytest

from pesin.stats.cross_entropy import search


def bowl(x):
    return ((x - np.array([1.0, -2.0])) ** 2).sum(-1)


def run(score=bowl, searches=6, **change):
    given = {"samples": 60, "elite": 8, "smoothing": 0.8, "iterations": 40} | change
    rng = np.random.default_rng(3)
    start = np.random.default_rng(5).normal(size=(searches, 2))
    return search(score, start, np.full((searches, 2), 2.0), rng=rng, **given)


def test_all_searches_find_the_minimum():
    found = run()
    assert found.mean.shape == found.spread.shape == (41, 6, 2)
    np.testing.assert_allclose(found.mean[-1], np.tile([1.0, -2.0], (6, 1)), atol=1e-6)


def test_the_law_narrows_as_that_of_a_uniform_disc():
    """Of a round bowl's samples the best eighth fills a disc of radius R, R^2 = 2 s^2 ln(8/7); its sd is R / 2."""
    found = run(searches=400, samples=400, elite=50, iterations=12)
    rate = (found.spread[-1] / found.spread[-4]) ** (1 / 3)
    expected = 0.8 * np.sqrt(2 * np.log(8 / 7)) / 2 + 0.2
    np.testing.assert_allclose(rate.mean(), expected, rtol=0.02)


def test_nothing_is_learnt_at_smoothing_zero():
    found = run(smoothing=0.0)
    np.testing.assert_array_equal(found.mean[-1], found.mean[0])
    np.testing.assert_array_equal(found.spread[-1], found.spread[0])


def test_points_stay_in_the_box_and_nan_is_the_worst():
    seen = []

    def half(x):
        seen.append(x)
        return np.where(x[..., 0] > 0.5, np.nan, bowl(x))

    found = run(half, clip=((-1.0, -1.0), (0.6, 3.0)))
    points = np.array(seen)
    assert points[..., 0].max() <= 0.6 and points[..., 1].min() >= -1.0
    assert (found.mean[-1, :, 0] <= 0.5 + 1e-6).all() and np.isfinite(found.mean).all()


@pytest.mark.parametrize("elite", [1, 61])
def test_an_elite_that_does_not_fit_is_refused(elite):
    with pytest.raises(ValueError, match="elite"):
        run(elite=elite)
