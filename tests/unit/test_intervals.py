"""Intervals against scipy and by their coverage."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from pesin.stats.intervals import (
    correlation_interval,
    interval,
    mean_interval,
    median_interval,
    ranks,
    share_interval,
    spearman,
)


def test_mean_interval_is_students():
    x = np.random.default_rng(0).normal(size=9)
    expected = stats.t.interval(0.95, 8, loc=x.mean(), scale=stats.sem(x))
    assert mean_interval(x)[1:] == pytest.approx(expected)


def test_share_interval_is_wilsons():
    for yes, n in ((0, 10), (3, 10), (10, 10), (50, 100)):
        expected = stats.binomtest(yes, n).proportion_ci(method="wilson")
        got = share_interval(np.arange(n) < yes)
        assert got[0] == pytest.approx(yes / n, rel=1e-12)
        assert got[1:] == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("n", [8, 15, 40])
def test_median_interval_covers_at_least_95_percent(n):
    rng = np.random.default_rng(1)
    hits = 0
    for x in rng.exponential(size=(2000, n)):
        _, low, high = median_interval(x)
        hits += low <= np.log(2) <= high
    assert hits / 2000 > 0.94


def test_median_interval_of_few_is_the_whole_range():
    assert median_interval([3, 1, 2]) == (2, 1, 3)


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_correlation_interval_covers(method):
    rng = np.random.default_rng(2)
    truth = 0.6 if method == "pearson" else 6 / np.pi * np.arcsin(0.3)
    hits = 0
    for _ in range(1000):
        x = rng.normal(size=50)
        y = 0.6 * x + 0.8 * rng.normal(size=50)
        _, low, high = correlation_interval(x, y, method)
        hits += low <= truth <= high
    assert 0.92 < hits / 1000 < 0.98


def test_one_value_has_no_interval():
    assert mean_interval([2.0]) == (2.0, -np.inf, np.inf)
    assert np.isnan(correlation_interval([1, 1, 1, 1, 1], [1, 2, 3, 4, 5])[0])


def test_ranks_are_scipys():
    x = np.random.default_rng(3).integers(0, 5, 30)
    assert ranks(x).tolist() == stats.rankdata(x).tolist()

    many = np.random.default_rng(4).integers(0, 4, (3, 2, 9))
    assert ranks(many).tolist() == stats.rankdata(many, axis=-1).tolist()


def test_spearman_is_scipys():
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 9, 40), rng.normal(size=40)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert np.isnan(spearman(x, np.ones(40))) and np.isnan(spearman(x, np.where(y > 0, np.nan, y)))
    assert spearman([1, 2, 3], [1, 2, np.inf]) == pytest.approx(1)


def test_an_interval_over_a_dimension_is_what_the_judge_gets_for_each_row():
    rows = xr.DataArray(np.random.default_rng(0).normal(size=(3, 8)), dims=("dose", "seed"), attrs={"units": "nat"})
    rows[1, 2] = np.nan
    found = interval(rows, "seed")
    assert found.centre.dims == ("dose",) and found.centre.attrs["units"] == "nat"
    for i in (0, 2):
        assert mean_interval(rows[i].values) == pytest.approx([float(end[i]) for end in found[:3]], rel=1e-12)
    assert list(found.failed) == [0, 1, 0]
    assert found.low[1] == -np.inf and found.high[1] == np.inf and np.isfinite(found.centre[1])


def test_a_failed_unit_is_a_no_in_a_share():
    assert interval([1.0, 1.0, np.nan, 1.0], estimate="share")[:3] == share_interval([True, True, False, True])
    with pytest.raises(ValueError, match="yes/no"):
        interval([0.5, 1.0], estimate="share")
