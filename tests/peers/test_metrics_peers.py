"""The metrics against dysts (the paper's author), scikit-learn and scipy."""

import dysts.metrics as author
import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn
from sklearn.feature_selection import mutual_info_regression

from pesin.forecast.metrics import METRICS, all_metrics

RNG = np.random.default_rng(0)
TRUE = np.sin(np.arange(500) / 7)[:, None] + [1.5, -4.0, 0.2] + 0.1 * RNG.normal(size=(500, 3))
PREDICTED = TRUE + 0.5 * RNG.normal(size=TRUE.shape)
HISTORY = np.cumsum(RNG.normal(size=(300, 3)), 0)


@pytest.fixture(scope="module")
def ours():
    return all_metrics(TRUE, PREDICTED, HISTORY)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("MSE", author.mse),
        ("MAE", author.mae),
        ("RMSE", author.rmse),
        ("MARRE", author.marre),
        ("RMSLE", author.rmsle),
        ("MAPE", author.mape),
        ("WAPE", author.wape),
        ("sMAPE", lambda y, p: author.smape(y, p, scaled=False)),
    ],
)
def test_as_the_author_computes_them(ours, name, function):
    assert ours[name] == pytest.approx(function(TRUE, PREDICTED), rel=1e-6)


def test_where_the_author_needs_care():
    """His CV has the sign of the mean; his MASE takes truth and history of one length."""
    assert METRICS["CV"].function(TRUE, PREDICTED) == pytest.approx(
        abs(author.coefficient_of_variation(TRUE, PREDICTED))
    )
    y, p = TRUE[:300], PREDICTED[:300]
    assert METRICS["MASE"].function(y, p, HISTORY) == pytest.approx(author.mase(y, p, HISTORY, time_dim=0))


def test_optimality_of_one_coordinate():
    """The author takes the mean over all coordinates together; for one they agree."""
    y, p = TRUE[:, :1], PREDICTED[:, :1]
    for name, function in (("OPE", author.ope), ("R2", author.r2_score)):
        assert METRICS[name].function(y, p) == pytest.approx(function(y, p))


def test_as_scikit_learn_and_scipy_compute_them(ours):
    assert ours["R2"] == pytest.approx(sklearn.r2_score(TRUE, PREDICTED, multioutput="variance_weighted"))
    nrmse = np.mean([sklearn.mean_squared_error(y, p) / y.var() for y, p in zip(TRUE.T, PREDICTED.T, strict=True)])
    assert ours["NRMSE"] == pytest.approx(np.sqrt(nrmse))
    for name, function in (("Pearson", stats.pearsonr), ("Spearman", stats.spearmanr), ("Kendall", stats.kendalltau)):
        expected = np.mean([function(y, p)[0] for y, p in zip(TRUE.T, PREDICTED.T, strict=True)])
        assert ours[name] == pytest.approx(expected), name


def test_mutual_information_as_scikit_learn_estimates_it(ours):
    expected = [
        mutual_info_regression(y[:, None], p, n_neighbors=3, random_state=0)[0]
        for y, p in zip(TRUE.T, PREDICTED.T, strict=True)
    ]
    assert ours["MI"] == pytest.approx(np.mean(expected), abs=1e-3)
