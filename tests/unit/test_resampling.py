"""The sampling error by resampling, against the spread over fresh data and against closed forms."""

import numpy as np
import pytest
from scipy.signal import lfilter

from pesin.entropy.estimate import BLOCK_SUBSAMPLES, BLOCKS, BOOTSTRAP, SUBSAMPLES
from pesin.entropy.resampling import correlation_time, resample
from pesin.errors import UserError


def red_noise(rng, length, memory=0.8):
    return lfilter([1], [1, -memory], rng.normal(size=length + 200))[200:]


def driven(rng, length):
    x = red_noise(rng, length)
    return x, 0.5 * np.roll(x, 1) + rng.normal(size=length)


CASES = {
    "sample_entropy": (BLOCKS, lambda rng: (red_noise(rng, 1500),)),
    "permutation_entropy": (BLOCKS, lambda rng: (red_noise(rng, 3000),)),
    "histogram_entropy": (BLOCKS, lambda rng: (red_noise(rng, 3000),)),
    "entropy_rate": (BLOCKS, lambda rng: ((red_noise(rng, 1000) > 0).astype(int),)),
    "transfer_entropy": (BLOCK_SUBSAMPLES, lambda rng: driven(rng, 1000)),
    "differential_entropy": (SUBSAMPLES, lambda rng: (rng.normal(size=(500, 2)),)),
    "kl_divergence": (SUBSAMPLES, lambda rng: (rng.normal(size=(500, 2)), rng.normal(size=(700, 2)) + 0.5)),
    "uncertainty_bound": (BOOTSTRAP, lambda rng: (rng.normal(1, 1, 300),)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_error_is_the_spread_over_fresh_data(name):
    rule, make = CASES[name]
    rng = np.random.default_rng(0)
    found = [resample(name, *make(rng), rng=rng, resamples=60) for _ in range(60)]
    assert {f.rule for f in found} == {rule}
    spread = np.std([f.value for f in found], ddof=1)
    assert 0.7 * spread < np.median([f.standard_error for f in found]) < 1.4 * spread
    assert all(f.low < f.value < f.high for f in found)


def test_blocks_that_are_too_short_miss_the_memory():
    rng = np.random.default_rng(1)
    x = red_noise(rng, 3000, 0.95)
    error, too_small = (resample("histogram_entropy", x, rng=rng, block=b).standard_error for b in (0, 1))
    assert error > 1.5 * too_small


def test_a_value_for_each_scale():
    found = resample("multiscale_entropy", red_noise(np.random.default_rng(2), 1000), rng=np.random.default_rng(3))
    assert np.shape(found.standard_error) == np.shape(found.value) == np.shape(found.low)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_correlation_time_of_red_noise(memory):
    times = [correlation_time(red_noise(np.random.default_rng(seed), 20000, memory)) for seed in range(9)]
    assert np.median(times) == pytest.approx(0.5 * (1 + memory) / (1 - memory), rel=0.1)
    assert correlation_time(np.ones(50)) == 0.5


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("renyi_entropy", [[0.5, 0.5]], "takes probabilities"),
        ("pesin_entropy", [[0.9, 0.0, -14.0]], "takes exponents"),
        ("sample_entropy", [np.zeros((2, 500))], "not a batch"),
        ("sample_entropy", [np.cumsum(np.ones(500))], "fewer than 10 blocks"),
        ("differential_entropy", [np.zeros(5)], "not a batch"),
    ],
)
def test_what_cannot_be_resampled_is_said(name, data, says):
    with pytest.raises(UserError, match=says):
        resample(name, *data, rng=np.random.default_rng(0))
