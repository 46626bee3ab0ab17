"""Ordinal variants, templates, dispersion, dynamical, symbolic, amplitude and spectral entropies: known values."""

from itertools import pairwise
from math import erf, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma, gammaln
from scipy.stats import entropy as scipy_entropy

from pesin.entropy.amplitude import (
    chao_shen_entropy,
    grassberger_entropy,
    hartley_entropy,
    histogram_entropy,
    miller_madow_entropy,
    min_entropy,
    nsb_entropy,
    renyi_entropy,
    shannon_entropy,
    tsallis_entropy,
)
from pesin.entropy.dispersion import dispersion_entropy, fluctuation_dispersion_entropy
from pesin.entropy.dynamical import (
    correlation_entropy,
    correlation_table,
    kantz_exponent,
    pesin_entropy,
    rosenstein_exponent,
)
from pesin.entropy.multiscale import (
    composite_multiscale_entropy,
    multiscale_dispersion_entropy,
    multiscale_entropy,
    refined_composite_multiscale_entropy,
    windows,
)
from pesin.entropy.ordinal import (
    amplitude_aware_permutation_entropy,
    missing_patterns,
    ordinal_transition_entropy,
    pattern_codes,
    permutation_entropy,
    weighted_permutation_entropy,
)
from pesin.entropy.spectral import spectral_entropy, svd_entropy
from pesin.entropy.symbolic import (
    block_entropies,
    entropy_rate,
    excess_entropy,
    lempel_ziv_complexity,
    lempel_ziv_of_symbols,
    markov_entropy_rate,
)
from pesin.entropy.templates import approximate_entropy, fuzzy_entropy, sample_entropy
from pesin.systems.maps import henon, iterate, logistic

LOGISTIC = iterate(logistic, np.array([0.1234]), 100_000)[:, 0]
L = LOGISTIC[:2000]
W = np.random.default_rng(0).normal(size=2000)
S = np.sin(2 * np.pi * np.arange(2000) / 50)
THREE = np.stack([L, W, S])
SMALL = st.lists(st.integers(0, 4), min_size=8, max_size=40)


def covers(values, truth, width=1.0):
    """The truth lies in the 95 % interval of the mean over seeds, `width` times as wide."""
    values = np.asarray(values)
    half = 1.96 * width * values.std(ddof=1) / np.sqrt(values.size)
    return abs(values.mean() - truth) <= half


# ------------------------------------------------------------------------------------------------------ A: ordinal


def test_permutation_entropy_of_the_standard_series():
    np.testing.assert_allclose(permutation_entropy(THREE, 3).value, [0.832519, 0.999809, 0.491201], atol=1e-6)
    np.testing.assert_allclose(permutation_entropy(THREE, 5).value, [0.678824, 0.992984, 0.269431], atol=1e-6)


def test_the_logistic_map_forbids_patterns_and_noise_none():
    np.testing.assert_array_equal(missing_patterns(LOGISTIC).value, 89)
    assert missing_patterns(np.random.default_rng(0).normal(size=20_000)).value == 0


def test_equal_weights_give_permutation_entropy():
    x = np.random.default_rng(1).choice([-1.0, 1.0], 3000) * 1e-9 + np.tile([0, 1], 1500)
    weighted = weighted_permutation_entropy(x, 3)
    assert weighted.value == pytest.approx(permutation_entropy(x, 3).value, abs=1e-6)
    assert weighted.counts["effective_windows"] == pytest.approx(2998, rel=1e-6)


def test_weights_silence_small_noise():
    rng = np.random.default_rng(0)
    x = np.where(np.arange(4000) % 200 < 100, 1e-3 * rng.normal(size=4000), np.tile([0, 1, 2, 3], 1000))
    for weighted in (weighted_permutation_entropy, amplitude_aware_permutation_entropy):
        assert weighted(x, 3).value < 0.8 * permutation_entropy(x, 3).value


@given(SMALL)
def test_ordinal_transition_entropy_is_the_conditional_entropy(x):
    codes = pattern_codes(x, 3).tolist()
    pairs = list(pairwise(codes))
    expected = 0.0
    for pair in set(pairs):
        here = sum(p[0] == pair[0] for p in pairs)
        expected -= pairs.count(pair) / len(pairs) * log(pairs.count(pair) / here)
    assert ordinal_transition_entropy(x, 3).value == pytest.approx(expected, abs=1e-12)


def test_ordinal_transition_entropy_falls_towards_the_entropy_of_the_logistic_map():
    away = [abs(ordinal_transition_entropy(LOGISTIC, order).value - log(2)) for order in (3, 4, 5, 6)]
    assert away[-1] < 0.5 * away[0] and away[-1] < 0.03


# ---------------------------------------------------------------------------------------------------- B: templates


def pairs_by_loop(x, m, tolerance):
    x, n = np.asarray(x, float), len(x) - m
    found = [0, 0]
    for i in range(n):
        for j in range(n):
            if i != j and np.abs(x[i : i + m] - x[j : j + m]).max() <= tolerance:
                found[1] += 1
                found[0] += abs(x[i + m] - x[j + m]) <= tolerance
    return found


@settings(deadline=None)
@given(SMALL, st.integers(1, 3), st.sampled_from([0.0, 0.5, 1.0, 2.0, 10.0]))
@pytest.mark.filterwarnings("ignore:.*no match")
def test_sample_entropy_counts_pairs(x, m, tolerance):
    found = sample_entropy(x, m, tolerance=tolerance)
    assert [found.counts["longer"], found.counts["shorter"]] == pairs_by_loop(x, m, tolerance)


def test_sample_entropy_with_a_far_outlier_and_tiny_tolerance():
    x = np.append(np.random.default_rng(0).normal(size=300), 1e9)
    found = sample_entropy(x, tolerance=0.3)
    assert [found.counts["longer"], found.counts["shorter"]] == pairs_by_loop(x, 2, 0.3)


@pytest.mark.parametrize(
    ("draw", "truth"),
    [("normal", -log(erf(0.1))), ("uniform", -log(2 * 0.2 / sqrt(12) - 0.04 / 12))],
)
def test_sample_entropy_of_independent_numbers(draw, truth):
    spread = 1 if draw == "normal" else 1 / sqrt(12)
    x = getattr(np.random.default_rng(3), draw)(size=(40, 2000))
    assert truth == pytest.approx(2.185132 if draw == "normal" else 2.188036, abs=1e-6)
    assert covers(sample_entropy(x, tolerance=0.2 * spread).value, truth, 1.5)


def test_approximate_and_fuzzy_entropy_of_the_standard_series():
    np.testing.assert_allclose(approximate_entropy(THREE).value, [0.654226, 1.897146, 0.268718], atol=1e-6)
    # EntropyHub's form, exp(-d^2 / (0.2 sd))
    found = fuzzy_entropy(THREE, tolerance=np.sqrt(0.2 * THREE.std(-1))).value
    np.testing.assert_allclose(found, [0.827312, 1.375094, 0.079132], atol=1e-6)


def test_fuzzy_entropy_ignores_a_slow_drift():
    drift = np.linspace(0, 50, 2000)
    assert fuzzy_entropy(W + drift, tolerance=0.2).value == pytest.approx(
        fuzzy_entropy(W, tolerance=0.2).value, abs=0.05
    )


def test_fuzzy_entropy_by_loop():
    x = np.random.default_rng(0).normal(size=60)
    sums = []
    for length in (3, 2):
        t = np.stack([x[i : i + length] - x[i : i + length].mean() for i in range(58)])
        d = np.abs(t[:, None] - t[None]).max(-1)
        sums.append(np.exp(-((d / 0.3) ** 3)).sum() - 58)
    assert fuzzy_entropy(x, power=3, tolerance=0.3).value == pytest.approx(-log(sums[0] / sums[1]), abs=1e-12)


def test_multiscale_entropy_of_the_standard_series():
    expected = [
        [0.6376, 1.2858, 1.3888, 1.3149, 1.2826],
        [2.1871, 1.7907, 1.6810, 1.4753, 1.3630],
        [0.2466, 0.2858, 0.1768, 0.3302, 0],
    ]
    np.testing.assert_allclose(multiscale_entropy(THREE).value, expected, atol=6e-5)


@pytest.mark.parametrize(
    "measure", [multiscale_entropy, composite_multiscale_entropy, refined_composite_multiscale_entropy]
)
def test_multiscale_entropy_of_white_noise(measure):
    x = np.random.default_rng(5).normal(size=(12, 4000))
    theory = [-log(erf(0.1 * sqrt(s))) for s in range(1, 6)]
    np.testing.assert_allclose(theory, [2.1851, 1.8419, 1.6425, 1.5019, 1.3936], atol=5e-5)
    found = measure(x).value
    half = 2.6 * found.std(0, ddof=1) / sqrt(12)
    assert (np.abs(found.mean(0) - theory) < 1.5 * half + 0.005).all()


def test_the_composite_forms_are_their_definitions():
    x = np.random.default_rng(1).normal(size=(1, 500))
    limit = 0.2 * x.std()
    offsets = [sample_entropy(windows(x, 3, k)[0, :166], tolerance=limit) for k in range(3)]
    assert composite_multiscale_entropy(x[0], 3).value[2] == pytest.approx(np.mean([o.value for o in offsets]))
    longer, shorter = (sum(o.counts[n] for o in offsets) for n in ("longer", "shorter"))
    assert refined_composite_multiscale_entropy(x[0], 3).value[2] == pytest.approx(-log(longer / shorter))


def test_dispersion_entropy_of_the_standard_series():
    np.testing.assert_allclose(dispersion_entropy(THREE).value, [2.585483, 3.579209, 2.223754], atol=1e-6)
    found = multiscale_dispersion_entropy(THREE, 4)
    np.testing.assert_allclose(found.value[:, 0], dispersion_entropy(THREE).value)
    assert (np.diff(found.value[1]) < 0).all()  # averages of noise leave the outer classes
    assert fluctuation_dispersion_entropy(W).value < log(11)


def test_dispersion_bias_explains_the_loss_of_noise():
    x = np.random.default_rng(2).normal(size=(200, 1000))
    found = dispersion_entropy(x, 4, 2)
    assert abs((found.value - found.bias).mean() - log(16)) < 0.1 * abs(found.bias.mean()) + 1e-3


def test_correlation_entropy_of_the_logistic_map():
    x = LOGISTIC[:4000]
    pairs = correlation_table(x, 7, [0.01 / x.std()])[0]
    np.testing.assert_allclose(
        np.log(pairs[:-1] / pairs[1:]), [0.8645, 0.7286, 0.6860, 0.6836, 0.6954, 0.6935], atol=1e-3
    )
    found = correlation_entropy(x, (3, 4, 5), (0.02, 0.03, 0.05))
    assert found.value == pytest.approx(log(2), abs=0.02) and found.counts["spread"] < 0.1
    noise = correlation_entropy(W)
    assert noise.counts["spread"] > 0.5  # no plateau: it grows as r falls


@settings(deadline=None, max_examples=20)
@given(SMALL, st.integers(1, 4))
def test_correlation_table_by_loop(x, theiler):
    x = np.asarray(x, float)
    expected = [
        sum(
            np.abs(x[i : i + m] - x[j : j + m]).max() <= x.std()
            for i in range(len(x) - 2)
            for j in range(i + theiler, len(x) - 2)
        )
        for m in (1, 2, 3)
    ]
    np.testing.assert_array_equal(correlation_table(x, 3, [1.0], theiler)[0], expected)


# ---------------------------------------------------------------------------------------------------- C: dynamical


def test_pesin_entropy_of_known_spectra():
    assert pesin_entropy([0.9056, 0, -14.5723]).value == 0.9056
    assert pesin_entropy([log((3 + sqrt(5)) / 2), -log((3 + sqrt(5)) / 2)]).value == pytest.approx(0.962424, abs=1e-6)
    found = pesin_entropy([0.5, 0.01, -1], np.diag([0.01, 0.01, 0.02]) ** 2)
    assert found.value == 0.5 and found.standard_error == pytest.approx(0.01) and found.counts["positive"] == 1


@pytest.mark.parametrize("exponent", [rosenstein_exponent, kantz_exponent])
def test_largest_exponent_from_data(exponent):
    logistic_map = exponent(LOGISTIC[:4000], m=1, theiler=1)
    assert abs(logistic_map.value - log(2)) < 0.02 and logistic_map.standard_error < 0.01
    orbit = iterate(henon, np.array([0.1, 0.1]), 5000, 100)[:, 0]
    assert exponent(orbit, m=2, theiler=1).value == pytest.approx(0.4192, abs=0.05)
    assert abs(exponent(np.sin(np.arange(2000) / 7), m=3).value) < 0.05
    with pytest.raises(ValueError, match="not defined"):
        exponent(np.tile([0.0, 1.0], 100))


def test_markov_chain():
    p = np.array([[0.9, 0.1], [0.4, 0.6]])
    h = [-q * log(q) - (1 - q) * log(1 - q) for q in (0.9, 0.4)]
    assert markov_entropy_rate(p).value == pytest.approx(0.8 * h[0] + 0.2 * h[1])
    a = 0.1847  # the asymmetric tent map as a chain of independent draws
    assert markov_entropy_rate([[a, 1 - a]] * 2).value == pytest.approx(0.478446, abs=1e-6)
    assert markov_entropy_rate([[0, 1], [1, 0]]).value == 0
    for bad, said in (
        ([[1, 0], [0, 1]], "no single"),
        ([[0.5, 0.6], [0, 1]], "sum to 1"),
        ([[1.0]] * 2, "shape"),
    ):
        with pytest.raises(ValueError, match=said):
            markov_entropy_rate(bad)


def test_entropy_rate_and_memory_of_symbols():
    coin = np.random.default_rng(0).integers(0, 2, (20, 4000))
    assert covers(entropy_rate(coin).value, log(2), 1.5)
    assert np.abs(excess_entropy(coin).value.mean()) < 0.01
    assert entropy_rate(LOGISTIC > 0.5, 8).value == pytest.approx(log(2), abs=1e-3)
    cycle = np.tile([0, 1, 1, 0, 2], 1000)
    assert entropy_rate(cycle).value == pytest.approx(0, abs=1e-3)
    assert excess_entropy(cycle).value == pytest.approx(log(5), abs=0.01)
    chain = np.random.default_rng(1)
    x = np.zeros(50_000, int)
    for t, u in enumerate(chain.random(x.size - 1)):
        x[t + 1] = u < (0.1 if x[t] == 0 else 0.6)
    h = [-q * log(q) - (1 - q) * log(1 - q) for q in (0.9, 0.4)]
    rate = 0.8 * h[0] + 0.2 * h[1]
    assert entropy_rate(x).value == pytest.approx(rate, abs=0.01)
    single = block_entropies(x, 2).value[0]
    assert excess_entropy(x).value == pytest.approx(single - rate, abs=0.02)
    with pytest.raises(ValueError, match="integers from 0"):
        entropy_rate([0.5] * 20)


def phrases_by_search(s):
    """Lempel and Ziv's parsing by its words: extend while the stretch occurs earlier (it may overlap itself)."""
    start, count = 0, 0
    while start < len(s):
        length = 1
        while start + length <= len(s) and s[start : start + length] in s[: start + length - 1]:
            length += 1
        count += 1
        start += length
    return count


@given(st.text("ab", min_size=2, max_size=60) | st.text("abc", min_size=2, max_size=60))
def test_lempel_ziv_is_the_parsing(text):
    found = lempel_ziv_of_symbols([ord(c) - 97 for c in text])
    assert found.counts["phrases"] == phrases_by_search(text)


def test_lempel_ziv_of_the_standard_series():
    np.testing.assert_allclose(lempel_ziv_complexity(THREE).value, [1.0472, 1.0637, 0.0822], atol=5e-5)
    assert lempel_ziv_of_symbols([int(c) for c in "1001111011000010"]).counts["phrases"] == 6


# ---------------------------------------------------------------------------------------------------- D: amplitude


def test_entropies_of_a_small_distribution():
    p = [0.5, 0.25, 0.25]
    assert shannon_entropy([2, 1, 1]).value == pytest.approx(1.039721, abs=1e-6)
    assert renyi_entropy(p, 0.5).value == pytest.approx(1.069600, abs=1e-6)
    assert renyi_entropy(p, 2).value == pytest.approx(0.980829, abs=1e-6)
    assert min_entropy(p).value == pytest.approx(0.693147, abs=1e-6)
    assert hartley_entropy([*p, 0]).value == pytest.approx(log(3))
    assert tsallis_entropy(p, 2).value == pytest.approx(0.625)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=8), st.lists(st.floats(0, 60), min_size=2, max_size=6))
def test_renyi_falls_with_the_order_and_is_continuous_at_one(weights, orders):
    p = np.array(weights) / np.sum(weights)
    values = [renyi_entropy(p, order).value for order in sorted(orders)]
    assert all(a >= b - 1e-9 for a, b in pairwise(values))
    assert renyi_entropy(p, 1e6).value == pytest.approx(min_entropy(p).value, abs=1e-4)
    for entropy in (renyi_entropy, tsallis_entropy):
        assert entropy(p, 1).value == pytest.approx(scipy_entropy(p), abs=1e-12)
        for step in (1e-9, 0.99e-4, 1.01e-4, -0.99e-4, -1.01e-4):  # either side of where the series takes over
            exact = (np.sum(p ** (1 + step)) - 1) / -step if entropy is tsallis_entropy else None
            exact = log(np.sum(p ** (1 + step))) / -step if exact is None else exact
            assert entropy(p, 1 + step).value == pytest.approx(exact, abs=1e-6 if abs(step) < 1e-8 else 1e-9)


def test_corrections_take_off_the_bias():
    p = np.random.default_rng(4).dirichlet(np.ones(12))
    counts = np.random.default_rng(5).multinomial(40, p, 4000)
    truth = scipy_entropy(p)
    bias = {f: f(counts).value.mean() - truth for f in (shannon_entropy, miller_madow_entropy, grassberger_entropy)}
    assert bias[shannon_entropy] < -0.08
    assert abs(bias[miller_madow_entropy]) < 0.5 * abs(bias[shannon_entropy])
    assert abs(bias[grassberger_entropy]) < 0.1 * abs(bias[shannon_entropy])
    assert abs(chao_shen_entropy(counts).value.mean() - truth) < 0.5 * abs(bias[shannon_entropy])
    nsb = nsb_entropy(counts[:100])
    assert abs(nsb.value.mean() - truth) < 0.5 * abs(bias[shannon_entropy])
    # The posterior's spread is the spread over samples.
    assert np.mean(nsb.standard_error) == pytest.approx(nsb.value.std(), rel=0.3)
    plug_in = shannon_entropy(counts)
    assert plug_in.standard_error.mean() == pytest.approx(plug_in.value.std(), rel=0.2)
    assert plug_in.bias.mean() == pytest.approx(bias[shannon_entropy], rel=0.35)


def test_nsb_covers_the_truth_in_the_undersampled_regime():
    rng = np.random.default_rng(6)
    hits = []
    for _ in range(60):  # truths drawn from the prior's middle
        p = rng.dirichlet(np.full(100, 0.5))
        found = nsb_entropy(rng.multinomial(60, p))
        hits.append(abs(found.value - scipy_entropy(p)) < 2 * found.standard_error)
    assert np.mean(hits) > 0.85


def test_nsb_is_its_posterior():
    """Monte Carlo over the prior that is uniform in the expected entropy, and over the Dirichlet posteriors."""
    rng, counts = np.random.default_rng(0), np.array([5, 8, 3, 14, 3, 7, 20])
    beta = np.exp(np.linspace(-25, 20, 200_001))
    expected = digamma(7 * beta + 1) - digamma(beta + 1)
    beta = np.interp(rng.uniform(0, log(7), 20_000), expected, beta)
    likelihood = gammaln(7 * beta) - gammaln(60 + 7 * beta)
    likelihood += (gammaln(counts + beta[:, None]) - gammaln(beta[:, None])).sum(1)
    weight = np.exp(likelihood - likelihood.max())
    drawn = rng.choice(beta, 3000, p=weight / weight.sum())
    p = rng.gamma(counts + drawn[:, None])
    entropies = scipy_entropy(p, axis=1)
    found = nsb_entropy(counts)
    assert found.value == pytest.approx(entropies.mean(), abs=4 * entropies.std() / np.sqrt(3000))
    assert found.standard_error == pytest.approx(entropies.std(), rel=0.06)


def test_nsb_when_the_counts_are_certain():
    assert nsb_entropy([10**6, 10**6]).value == pytest.approx(log(2), abs=1e-5)
    assert nsb_entropy([10**4, 0]).value < 0.002
    assert nsb_entropy([5]).value == 0


@pytest.mark.parametrize("entropy", [shannon_entropy, nsb_entropy, grassberger_entropy])
def test_counts_are_checked(entropy):
    for bad in ([-1, 2], [0.5, 0.5], [0, 0]):
        with pytest.raises(ValueError, match="whole numbers|at least 1"):
            entropy(bad)


def test_probabilities_are_checked():
    for bad in ([0.5, 0.6], [-0.5, 1.5]):
        with pytest.raises(ValueError, match="sum to 1"):
            renyi_entropy(bad)
    with pytest.raises(ValueError, match="order"):
        tsallis_entropy([1.0], 0)
    assert renyi_entropy([0.5, 0.5], 1000).value == pytest.approx(log(2))


@pytest.mark.parametrize(("draw", "truth"), [("normal", 1.418939), ("uniform", 0.0), ("exponential", 1.0)])
def test_histogram_entropy(draw, truth):
    x = getattr(np.random.default_rng(7), draw)(size=(20, 20_000))
    found = histogram_entropy(x)
    assert np.mean(found.value - found.bias) == pytest.approx(truth, abs=0.02)
    # Another number of bins, the same entropy: the width is accounted for.
    assert histogram_entropy(x, 300).value.mean() == pytest.approx(histogram_entropy(x, 60).value.mean(), abs=0.03)
    assert histogram_entropy(5 * x).value == pytest.approx(found.value + log(5), abs=1e-9)


def test_spectral_entropy_reaches_one_for_white_noise_and_is_small_for_a_sine():
    long = np.random.default_rng(0).normal(size=(10, 2**15))
    found = spectral_entropy(long)
    assert found.value.min() > 0.995
    # Variance 1 / segments (1 + 2 / 36 for Hann windows that half overlap), and one-sided power halves the last bin.
    shortfall = 19 / 18 / (2 * found.counts["segments"][0]) + (0.5 * log(0.5) + 0.5) / 128
    expected = shortfall / log(128)
    assert 1 - found.value.mean() == pytest.approx(expected, rel=0.1)
    assert spectral_entropy(S).value < 0.2


def test_svd_entropy_of_the_standard_series():
    np.testing.assert_allclose(svd_entropy(THREE).value, [0.892316, 0.999989, 0.282054], atol=1e-6)
