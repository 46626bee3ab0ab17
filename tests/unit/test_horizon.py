"""Errors some steps ahead, and valid prediction time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pesin.forecast.horizon import prediction_error, valid_prediction_time


def test_error_by_lead_is_the_mean_over_starts_and_dimensions():
    true = np.zeros((4, 3, 2))
    predicted = np.broadcast_to(np.array([1.0, 2.0, 3.0])[:, None], (4, 3, 2))
    np.testing.assert_allclose(prediction_error(true, predicted), [1, 4, 9])


def test_a_diverged_start_counts_as_the_ceiling():
    predicted = np.zeros((2, 1, 2))
    predicted[1] = np.nan
    assert prediction_error(np.zeros((2, 1, 2)), predicted, ceiling=10) == pytest.approx([5])
    predicted[1] = np.inf
    assert prediction_error(np.zeros((2, 1, 2)), predicted, ceiling=10) == pytest.approx([5])


@given(st.integers(0, 20), st.floats(0.01, 2))
def test_valid_time_ends_at_the_first_large_error(good, dt):
    true, predicted = np.zeros((1, 20, 3)), np.zeros((5, 1, 20, 3))
    predicted[:, :, good:] = [1.0, 0.0, 0.0]  # 1/sqrt(3) = 0.58 standard deviations
    predicted[:, :, good + 3 :] = 0.0  # a later recovery doesn't count
    np.testing.assert_allclose(valid_prediction_time(true, predicted, np.ones(3), dt), good * dt)


def test_scale_and_nan():
    true, predicted = np.zeros((1, 5, 1)), np.ones((1, 5, 1))
    assert valid_prediction_time(true, predicted, [10.0]) == [5]
    predicted[0, 2] = np.nan
    assert valid_prediction_time(true, predicted, [10.0]) == [2]
