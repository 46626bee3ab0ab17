"""Policy entropy and its change: the card's known answers, invariances, and the order of the identity's error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy as scipy_entropy

from pesin.entropy.policy import (
    bandit_entropy,
    categorical_entropy,
    entropy_change,
    exact_covariance,
    natural_gradient_change,
    policy_gradient_change,
    token_covariance,
)
from pesin.stats.fits import loglog_slope

logits = arrays(float, 6, elements=st.floats(-5, 5))
RATES = np.array([1.0, 0.1, 0.01, 0.001])


@given(logits)
def test_entropy_is_scipys_and_within_its_bounds(z):
    pi = np.exp(z - z.max())
    assert categorical_entropy(z) == pytest.approx(scipy_entropy(pi), abs=1e-12)
    assert -1e-12 <= categorical_entropy(z) <= np.log(6) + 1e-12


def test_uniform_deterministic_and_impossible_actions():
    assert categorical_entropy(np.zeros(10)) == pytest.approx(np.log(10))
    assert categorical_entropy(np.array([0.0, -1000.0])) == pytest.approx(0.0)
    assert categorical_entropy(np.array([0.0, 0.0, -np.inf])) == pytest.approx(np.log(2))


@given(logits, logits, st.floats(-3, 3), st.floats(-3, 3))
def test_constants_leave_the_covariance_unchanged(z, dz, up, shift):
    assert exact_covariance(z + up, dz + shift) == pytest.approx(exact_covariance(z, dz), abs=1e-10)


@given(logits)
def test_uniform_policy_has_no_covariance(dz):
    assert exact_covariance(np.zeros(6), dz) == pytest.approx(0.0, abs=1e-12)


@given(logits, logits)
def test_policy_gradient_covariance_in_closed_form(z, advantage):
    pi = np.exp(z) / np.exp(z).sum()
    centred = advantage - pi @ advantage
    expected = 0.1 * (pi**2 * centred * (np.log(pi) + categorical_entropy(z))).sum()
    assert exact_covariance(z, policy_gradient_change(z, advantage, 0.1)) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(logits, logits, st.sampled_from([policy_gradient_change, natural_gradient_change]))
def test_absolute_error_is_of_second_order(z, advantage, step):
    # |d2H| <= C |dz|^2; the constant is generous, the power isn't.
    changes = np.stack([step(z, advantage, rate) for rate in RATES])
    error = np.abs(entropy_change(np.tile(z, (4, 1)), changes) + exact_covariance(np.tile(z, (4, 1)), changes))
    assert (error <= 30 * np.abs(changes).max(-1) ** 2 + 1e-12).all()


def test_relative_error_falls_tenfold_with_the_rate():
    rng = np.random.default_rng(0)
    z, advantage = rng.normal(size=(2, 50, 4))
    rates = RATES[1:]
    changes = np.stack([policy_gradient_change(z, advantage, rate) for rate in rates], 1)
    tables = np.broadcast_to(z[:, None], changes.shape)
    covariance = exact_covariance(tables, changes)
    relative = np.abs(entropy_change(tables, changes) + covariance) / np.abs(covariance)
    assert np.median(loglog_slope(rates, relative)) == pytest.approx(1.0, abs=0.02)


def test_bandit_end_points_lie_on_the_law_and_the_middle_does_not():
    for arms in (2, 4, 10):
        for success in (1 / arms, 1.0):
            on_law = 1 + 1 / arms - np.exp(bandit_entropy(success, arms)) / arms
            assert on_law == pytest.approx(success, abs=1e-12)
    # Between the ends the law is only near: the exact gap at R = 1/2 of four arms, exp(H) = 2 sqrt(3).
    assert bandit_entropy(0.5, 4) == pytest.approx(np.log(2 * np.sqrt(3)))
    assert 1 + 0.25 - np.exp(bandit_entropy(0.5, 4)) / 4 - 0.5 == pytest.approx(0.75 - np.sqrt(3) / 2)


@given(arrays(float, (2, 8), elements=st.floats(-3, 3)), arrays(float, (2, 8), elements=st.floats(-3, 0)))
def test_mean_of_token_covariance_is_the_covariance(advantages, log_probs):
    mean = token_covariance(advantages, log_probs).mean(-1)
    expected = [np.cov(a, lp, ddof=0)[0, 1] for a, lp in zip(advantages, log_probs, strict=True)]
    assert np.allclose(mean, expected, atol=1e-10)
