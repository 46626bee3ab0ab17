"""Known answers of jump processes: exact paths, counts, the matrix logarithm, passage times, EM for misread labels."""

import numpy as np
import pytest
from scipy.linalg import expm, logm

from pesin.entropy.nonequilibrium import jump_path_entropy_production, stationary_distribution
from pesin.models.markov import (
    first_passage_times,
    fit_chain,
    generator,
    matrix_log_rates,
    predictive,
    relaxation_times,
    transition_counts,
)
from pesin.systems.jumps import jump_paths, mislabelled, reader

DRIVEN = np.array([[0.0, 1.0, 0.2], [0.3, 0.0, 0.9], [1.2, 0.4, 0.0]])


def paths(rng, rates, many, times):
    start = rng.choice(len(rates), size=many, p=stationary_distribution(rates))
    return jump_paths(rates, start, times, rng)


# --------------------------------------------------------------------------------------------------------------- paths


def test_paths_follow_the_master_equation():
    times = np.array([0.0, 0.1, 0.5, 0.5, 2.0])
    found = jump_paths(DRIVEN, np.zeros(40_000, int), times, np.random.default_rng(0))
    assert found.dtype == np.int8 and found.shape == (40_000, 5)
    for point, t in enumerate(times):
        law = expm(generator(DRIVEN) * t)[0]
        np.testing.assert_allclose(np.bincount(found[:, point], minlength=3) / 40_000, law, atol=0.011)
    np.testing.assert_array_equal(found[:, 2], found[:, 3])


def test_paths_of_many_processes_and_a_state_that_keeps_them():
    rates = np.stack([DRIVEN, [[0, 5, 0], [0, 0, 5], [0, 0, 0]]])
    found = jump_paths(rates, np.zeros((2, 50), int), [0.0, 20.0, 21.0], np.random.default_rng(1))
    assert (found[1, :, 1:] == 2).all() and (found[1, :, 0] == 0).all()
    assert set(found[0, :, 2]) == {0, 1, 2}


def test_seen_finely_enough_counted_jumps_give_the_entropy_production():
    """A cycle forward 2, backward 1: ln 2 nats per unit of time, less what double jumps within a pace hide."""
    cycle, pace = np.array([[0.0, 2, 1], [1, 0, 2], [2, 1, 0]]), 0.005
    seen = paths(np.random.default_rng(2), cycle, 300, np.arange(0, 20, pace))
    found = jump_path_entropy_production(transition_counts(seen, 3)[0], 300 * 20.0)
    p = expm(generator(cycle) * pace)
    exact = (p[0, 1] - p[1, 0]) * np.log(p[0, 1] / p[1, 0]) / pace
    assert found.value - found.bias == pytest.approx(exact, abs=0.045)  # three standard deviations
    assert exact == pytest.approx(np.log(2), abs=0.03)


def test_a_reader_mistakes_as_often_as_said():
    wrong = mislabelled(np.zeros((1000, 100), int), 4, 0.2, np.random.default_rng(3))
    np.testing.assert_allclose(np.bincount(wrong.ravel()) / 1e5, reader(4, 0.2)[0], atol=0.004)
    assert (mislabelled(np.ones(50, int), 4, 0, np.random.default_rng(3)) == 1).all()


# --------------------------------------------------------------------------------------------------------------- rates


def test_counts_of_pairs_by_lag():
    found = transition_counts([[0, 1, 1, 0], [1, 0, -1, 0]], 2, (1, 2, 5))
    np.testing.assert_array_equal(found, [[[0, 1], [2, 1]], [[1, 1], [1, 0]], [[0, 0], [0, 0]]])
    assert transition_counts(np.zeros((5, 2, 3, 7), int), 3).shape == (5, 2, 1, 3, 3)


@pytest.mark.parametrize("pace", [0.01, 0.3, 1.5])
def test_the_logarithm_of_exact_probabilities_is_the_generator(pace):
    rng = np.random.default_rng(4)
    rates = rng.random((20, 5, 5)) * (rng.random((20, 5, 5)) < 0.8) + 0.02
    found, clipped = matrix_log_rates(expm(generator(rates) * pace), pace)
    np.testing.assert_allclose(found, generator(rates), atol=1e-8)
    assert (clipped == 0).all()


def test_the_logarithm_of_counts_is_scipys_with_negative_rates_cut_off():
    counts = np.array([[90.0, 9, 1], [4, 80, 16], [12, 0, 88]])
    exact = logm(counts / counts.sum(1, keepdims=True)).real / 0.2
    found, clipped = matrix_log_rates(counts, 0.2)
    np.testing.assert_allclose(found, generator(np.maximum(exact, 0)), atol=1e-10)
    assert clipped == ((exact < 0) & ~np.eye(3, dtype=bool)).sum() == 1


def test_eigenvectors_that_coincide():
    """A one-way chain whose probabilities of staying are equal has too few eigenvectors for a diagonal form."""
    p = np.array([[0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1.0]])
    found, _ = matrix_log_rates(np.stack([p, p + 1e-12 * np.eye(3)]), 2.0)
    assert found[0, 0, 1] == pytest.approx(0.5, abs=1e-6)  # ln P there: 1 above the diagonal
    np.testing.assert_allclose(found, generator(np.maximum(np.stack([logm(p).real] * 2) / 2, 0)), atol=1e-6)


def test_no_rate_is_faster_than_counts_can_tell():
    """States that are left at once and hardly seen: the logarithm's own entries go up to 1e5 there."""
    counts = np.array([[1000.0, 0, 0, 0], [5, 0, 5, 0], [5, 0, 0, 5], [10, 0, 0, 0]])
    for g in (0.0, 1e-8, 1e-4):
        counts[3, 1] = g
        found, _ = matrix_log_rates(counts, 2.0)
        off = found[~np.eye(4, dtype=bool)]
        assert 0 <= off.min() and off.max() <= np.log(counts.sum()) / 2 * (1 + 1e-9) and off.max() > 1


def test_half_the_time_has_twice_the_rates():
    seen = paths(np.random.default_rng(5), DRIVEN, 30, np.arange(0, 10, 0.25))
    counts = transition_counts(seen, 3)[0]
    np.testing.assert_array_equal(2 * matrix_log_rates(counts, 0.5)[0], matrix_log_rates(counts, 0.25)[0])


def test_a_state_that_was_never_left_has_no_rates_and_few_counts_stay_finite():
    found, _ = matrix_log_rates([[5, 5, 0], [5, 5, 0], [0, 0, 0]], 1.0)
    assert np.isfinite(found).all() and (found[2] == 0).all() and (found[:2, 2] == 0).all()
    assert np.isfinite(matrix_log_rates([[0, 3], [3, 0]], 1.0)[0]).all()


def test_times_of_relaxation_and_passage():
    np.testing.assert_allclose(relaxation_times([[0.0, 0.3], [0.2, 0.0]]), [2.0])
    cycle = np.array([[0.0, 2, 1], [1, 0, 2], [2, 1, 0]])
    np.testing.assert_allclose(relaxation_times(cycle), [1 / 4.5, 1 / 4.5])
    assert relaxation_times(np.zeros((2, 2)))[0] == np.inf
    np.testing.assert_allclose(first_passage_times([[0.0, 0.3], [0.2, 0.0]]), [[0, 1 / 0.3], [1 / 0.2, 0]])
    # A line of three states with unit rates: from one end to the other in 3, from the middle in 2.
    line = np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])
    np.testing.assert_allclose(first_passage_times(line)[:, 2], [3, 2, 0])
    # Kemeny's constant: sum_j p_j m_ij is the same from every start, the sum of 1 / -lambda over the modes that decay.
    constant = first_passage_times(DRIVEN) @ stationary_distribution(DRIVEN)
    decay = -np.linalg.eigvals(generator(DRIVEN))
    decay = decay[np.abs(decay) > 1e-9]
    np.testing.assert_allclose(constant, (1 / decay).sum().real)


# ------------------------------------------------------------------------------------------------------ misread labels


def test_predictions_without_errors_are_the_chains_own():
    p, start = expm(generator(DRIVEN) * 0.3), np.array([0.5, 0.2, 0.3])
    found = predictive([[0, 2, 1]], p, start, np.eye(3))
    np.testing.assert_allclose(found[0], [start, p[0], p[2]], atol=1e-14)


def test_the_likelihood_of_misread_labels_is_the_sum_over_all_hidden_paths():
    p, start, e = expm(generator(DRIVEN) * 0.3), np.array([0.5, 0.2, 0.3]), reader(3, 0.1)
    labels = [0, 2, 2]
    hidden = [
        start[i] * e[i, labels[0]] * p[i, j] * e[j, labels[1]] * p[j, k] * e[k, labels[2]]
        for i in range(3)
        for j in range(3)
        for k in range(3)
    ]
    found = predictive([labels], p, start, e)[0]
    assert np.prod(found[np.arange(3), labels]) == pytest.approx(sum(hidden), rel=1e-12)
    np.testing.assert_allclose(found.sum(-1), 1)
    assert fit_chain([labels], e, 1, 1e9).log_likelihood == pytest.approx(np.log(1 / 3) * 3)  # even odds at the start


def test_without_errors_em_counts():
    seen = paths(np.random.default_rng(6), DRIVEN, 20, np.arange(0, 10, 0.25))
    found, counts = fit_chain(seen, np.eye(3), 1), transition_counts(seen, 3)[0]
    np.testing.assert_allclose(found.counts, counts, atol=1e-9)
    np.testing.assert_allclose(found.transition, counts / counts.sum(1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(found.start, np.bincount(seen[:, 0], minlength=3) / 20)


def test_em_climbs_and_finds_rates_that_errors_hide():
    """Labels wrong in one case of ten look like fast switching: counts see it, EM does not."""
    rng, pace = np.random.default_rng(7), 0.1
    seen = mislabelled(paths(rng, DRIVEN, 600, pace * np.arange(60)), 3, 0.1, rng)
    scores = [float(fit_chain(seen, reader(3, 0.1), n).log_likelihood) for n in (1, 2, 5, 20)]
    assert (np.diff(scores) > 0).all()
    plain = matrix_log_rates(transition_counts(seen, 3)[0], pace)[0]
    found = matrix_log_rates(fit_chain(seen, reader(3, 0.1), 40).counts, pace)[0]
    off = ~np.eye(3, dtype=bool)
    assert np.abs(found - DRIVEN)[off].max() < 0.15
    assert (plain - DRIVEN)[off].min() > 0.2


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda r: jump_paths(-DRIVEN, [0], [0, 1], r), "must be 0 or more"),
        (lambda r: jump_paths(DRIVEN, [3], [0, 1], r), "below 3"),
        (lambda r: jump_paths(DRIVEN, [0], [1, 0], r), "rising"),
        (lambda r: jump_paths(DRIVEN, [[0], [1]], [0, 1], r), "not of as many processes"),
        (lambda r: transition_counts([[0, 1]], 2, (0,)), "lags must be 1 or more"),
        (lambda r: transition_counts([[0, 5]], 2), "below 2"),
        (lambda r: matrix_log_rates(np.ones((2, 3)), 1.0), "states, states"),
        (lambda r: matrix_log_rates(np.ones((2, 2)), 0.0), "pace must be positive"),
        (lambda r: fit_chain([[0, 1]], np.ones((2, 3)) / 3), "as many labels as states"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call(np.random.default_rng(0))
