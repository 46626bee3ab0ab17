"""Linear stochastic processes against known answers: Brownian motion, relaxation, rotation, stationary covariances."""

import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov

from pesin.integrate.stochastic import linear_transition, ornstein_uhlenbeck

# Stiff, rotating, far from symmetric.
K = np.array([[2.0, 1.5], [-1.5, 0.3]])
N = np.array([[1.0, 0.2], [0.2, 0.5]])


def test_one_dimension_is_the_textbook_law():
    propagator, covariance = linear_transition([[[0.7]], [[3.0]]], [[2.0]], 0.4)
    rate = np.array([0.7, 3.0])
    np.testing.assert_allclose(propagator[:, 0, 0], np.exp(-0.4 * rate), rtol=1e-14)
    np.testing.assert_allclose(covariance[:, 0, 0], 2 * (1 - np.exp(-0.8 * rate)) / (2 * rate), rtol=1e-13)


@pytest.mark.parametrize("step", [1e-3, 0.3, 7.0, 400.0])
def test_a_transition_leaves_the_stationary_covariance_as_it_is(step):
    stationary = solve_continuous_lyapunov(K, N)
    propagator, covariance = linear_transition(K, N, step)
    np.testing.assert_allclose(propagator, expm(-K * step), atol=1e-13)
    np.testing.assert_allclose(propagator @ stationary @ propagator.T + covariance, stationary, rtol=1e-12, atol=1e-13)


def test_brownian_motion_has_no_stationary_law_and_is_solved_all_the_same():
    propagator, covariance = linear_transition(np.zeros((2, 2)), N, 3.0)
    np.testing.assert_allclose(propagator, np.eye(2), atol=1e-15)
    np.testing.assert_allclose(covariance, 3 * N)


def test_two_steps_are_one_of_twice_the_length_also_where_the_process_grows():
    half, half_covariance = linear_transition(-K, N, 0.5)
    whole, whole_covariance = linear_transition(-K, N, 1.0)
    np.testing.assert_allclose(half @ half, whole, rtol=1e-12)
    np.testing.assert_allclose(half @ half_covariance @ half.T + half_covariance, whole_covariance, rtol=1e-12)


def test_rates_that_differ_by_ten_orders_are_both_right():
    _, covariance = linear_transition(np.diag([1e6, 1e-4]), np.eye(2), 1.0)
    np.testing.assert_allclose(np.diag(covariance), [0.5e-6, -np.expm1(-2e-4) / 2e-4], rtol=1e-9)


def test_paths_have_the_law_of_the_transition_whatever_the_steps():
    rng, copies = np.random.default_rng(3), 40_000
    systems = np.stack([K, 0.5 * K])
    *_, end = ornstein_uhlenbeck(systems, N, np.full((copies, 1, 2), 2.0), [0, 0.1, 0.2, 0.9], rng)
    assert end.shape == (copies, 2, 2)
    for place, k in enumerate(systems):
        propagator, covariance = linear_transition(k, N, 0.9)
        spread = np.cov(end[:, place].T)
        error = 4 * np.sqrt(2 / copies) * covariance.max()
        np.testing.assert_allclose(end[:, place].mean(0), propagator @ [2, 2], atol=4 * covariance.max() / copies**0.5)
        np.testing.assert_allclose(spread, covariance, atol=error)


def test_without_noise_a_path_is_the_propagator():
    rng = np.random.default_rng(0)
    *_, end = ornstein_uhlenbeck(K, np.zeros((2, 2)), np.array([1.0, -2.0]), np.linspace(0, 2, 9), rng)
    np.testing.assert_allclose(end, expm(-2 * K) @ [1, -2], rtol=1e-12)


def test_equal_steps_are_one_transition_however_late(monkeypatch):
    """Late times are rounded, and their differences with them."""
    found = []
    counted = lambda *told: found.append(told[-1]) or linear_transition(*told)  # noqa: E731
    monkeypatch.setattr("pesin.integrate.stochastic.linear_transition", counted)
    times = 15_000 / 51 * np.arange(50, 90) + 1 / 3
    list(ornstein_uhlenbeck(K, N, np.zeros(2), times, np.random.default_rng(0)))
    assert len(np.unique(np.diff(times))) > 1 and len(found) == 1


def test_shared_noise_is_the_same_for_all_and_leaves_each_law_as_it_is():
    systems = np.stack([K, K, 1.2 * K])
    *_, end = ornstein_uhlenbeck(systems, N, np.zeros((5000, 3, 2)), [0, 1, 2], np.random.default_rng(0), shared=(1,))
    np.testing.assert_array_equal(end[:, 0], end[:, 1])
    assert np.corrcoef(end[:, 0, 1], end[:, 2, 1])[0, 1] > 0.95
    _, covariance = linear_transition(1.2 * K, N, 2.0)
    np.testing.assert_allclose(np.cov(end[:, 2].T), covariance, atol=5 * 2**0.5 * covariance.max() / 5000**0.5)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="dim, dim"):
        linear_transition(np.eye(2), np.eye(3), 1.0)
    with pytest.raises(ValueError, match="above zero"):
        linear_transition(K, N, 0.0)
    with pytest.raises(ValueError, match="rise"):
        next(ornstein_uhlenbeck(K, N, np.zeros(2), [0, 1, 1], np.random.default_rng(0)))
