"""The seventeen metrics at forecasts whose scores are known, and what a failed forecast scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pesin.forecast.metrics import METRICS, all_metrics, mutual_information, pointwise_smape, smape

RNG = np.random.default_rng(5)
TRUE = np.cumsum(RNG.normal(size=(2, 300, 3)), 1) + [2.0, 40.0, -3.0]
HISTORY = np.cumsum(RNG.normal(size=(2, 400, 3)), 1)


def scores(predicted, true=TRUE):
    return all_metrics(true, predicted, HISTORY)


def test_there_are_seventeen_each_with_a_direction():
    assert len(METRICS) == 17 and {m.better for m in METRICS.values()} == {"lower", "higher"}


def test_a_perfect_forecast():
    perfect = scores(TRUE.copy())
    for name in ("Pearson", "Spearman", "Kendall", "R2"):
        np.testing.assert_allclose(perfect.pop(name), 1, atol=1e-12)
    assert (perfect.pop("MI") > 3).all()
    for name, value in perfect.items():
        np.testing.assert_allclose(value, 0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("forecast", [np.zeros_like(TRUE), -TRUE])
def test_zero_and_flipped_signs_score_200(forecast):
    np.testing.assert_allclose(smape(TRUE, forecast), 200.0, rtol=1e-12)
    np.testing.assert_allclose(pointwise_smape(TRUE, forecast), 200.0, rtol=1e-12)


def test_the_mean_explains_nothing():
    mean = np.broadcast_to(TRUE.mean(1, keepdims=True), TRUE.shape)
    found = scores(mean)
    np.testing.assert_allclose(found["NRMSE"], 1)
    np.testing.assert_allclose(found["OPE"], 1)
    np.testing.assert_allclose(found["R2"], 0, atol=1e-12)
    for name in ("Pearson", "Spearman", "Kendall", "MI"):
        np.testing.assert_allclose(found[name], 0, atol=1e-12)
    assert (scores(mean + 1.0)["R2"] < 0).all()


def test_an_independent_sample_is_off_by_root_two():
    y, p = np.random.default_rng(1).normal(size=(2, 20000, 2)) * [3.0, 0.01]
    found = all_metrics(y, p, y)
    assert found["NRMSE"] == pytest.approx(np.sqrt(2), abs=0.02)
    assert found["MI"] == pytest.approx(0, abs=0.01)


def test_mutual_information_of_gaussians():
    rng = np.random.default_rng(2)
    y = rng.normal(size=(4000, 1))
    for rho in (0.3, 0.9):
        p = rho * y + np.sqrt(1 - rho**2) * rng.normal(size=y.shape)
        assert mutual_information(y, 100 * p) == pytest.approx(-0.5 * np.log(1 - rho**2), abs=0.05)


def test_hand_made_numbers():
    y, p = np.array([[1.0], [2.0], [3.0]]), np.array([[2.0], [2.0], [5.0]])
    found = all_metrics(y, p, np.array([[0.0], [2.0], [0.0]]))
    expected = {
        "MSE": 5 / 3,
        "MAE": 1,
        "MARRE": 50,
        "R2": 1 - 5 / 2,
        "MAPE": 100 * (1 + 2 / 3) / 3,
        "WAPE": 50,
        "sMAPE": 200 * (1 / 3 + 2 / 8) / 3,
        "CV": 100 * np.std([1, 0, 2]) / 2,
        "MASE": 0.5,
        "OPE": 1.5,
        "RMSLE": np.sqrt(((np.log(1) - np.log(1)) ** 2 + np.log(2) ** 2 + (np.log(4) - np.log(3)) ** 2) / 3),
        "Kendall": 2 / np.sqrt(3 * 2),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name


def test_the_sign_of_the_mean_does_not_make_a_forecast_good():
    p = TRUE + RNG.normal(size=TRUE.shape)
    np.testing.assert_allclose(scores(p)["CV"], scores(-p, -TRUE)["CV"])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_failure_scores_the_worst_and_touches_no_other(bad):
    p = np.stack([TRUE + 0.1, TRUE + 0.1])
    p[1, 0, 250:, 2] = bad
    alone = scores(TRUE + 0.1)
    for name, found in scores(p).items():
        assert found.shape == (2, 2)
        assert found[1, 0] == METRICS[name].worst
        np.testing.assert_allclose(found[[0, 0, 1], [0, 1, 1]], alone[name][[0, 1, 1]], rtol=1e-12, atol=1e-12)
    pointwise, third = pointwise_smape(TRUE, p), pointwise_smape(TRUE[0, 250:, 2:], TRUE[0, 250:, 2:] + 0.1)
    assert (pointwise[1, 0, :250] < 200).all() and np.isfinite(pointwise).all()
    np.testing.assert_allclose(pointwise[1, 0, 250:], (pointwise[0, 0, 250:] * 3 - third + 200) / 3)


@given(
    arrays(float, (2, 12, 2), elements=st.floats(-1e3, 1e3, width=32)),
    arrays(float, (2, 12, 2), elements=st.floats(-1e3, 1e3, width=32)),
)
def test_bounds_hold_for_any_series(y, p):
    found = all_metrics(y, p, y)
    for name in ("Pearson", "Spearman", "Kendall"):
        assert (np.abs(found[name]) <= 1 + 1e-9).all()
    assert (found["sMAPE"] >= 0).all() and (found["sMAPE"] <= 200).all() and (found["R2"] <= 1).all()
    assert not any(np.isnan(value).any() for value in found.values())


def test_errors_grow_with_noise():
    noise = np.random.default_rng(3).normal(size=TRUE.shape) * TRUE.std(1, keepdims=True)
    levels = all_metrics(TRUE[None], TRUE + np.array([0.1, 0.5, 3.0])[:, None, None, None] * noise, HISTORY)
    for name, metric in METRICS.items():
        steps = np.diff(levels[name], axis=0)
        assert ((steps > 0) if metric.better == "lower" else (steps < 0)).all(), name
