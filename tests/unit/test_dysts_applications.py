"""The three applications of the chaos benchmark: transfer learning, importance sampling, symbolic regression."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr

from pesin.errors import UserError
from pesin.integrate.ode import rk4
from pesin.models import autoencoder, lstm, sparse_regression
from pesin.params import check
from pesin.stats.series_features import NAMES, series_features
from pesin.systems import zoo
from pesin.systems.flows import lorenz63
from studies.dysts_chaos_benchmark.importance.train import _backtest, _chances
from studies.dysts_chaos_benchmark.symbolic.forecast import derivative_errors
from studies.dysts_chaos_benchmark.symbolic.simulate import _evenly, _random_fields, is_quadratic
from studies.dysts_chaos_benchmark.symbolic.train import _regress
from studies.dysts_chaos_benchmark.transfer.params import Task
from studies.dysts_chaos_benchmark.transfer.train import _classify, _dominant_period, _windows

# -------------------------------------------------------------------------------------------------- symbolic regression


@pytest.mark.parametrize(
    ("name", "quadratic"),
    [("Lorenz", True), ("HenonHeiles", True), ("HyperRossler", True)]
    + [("Thomas", False), ("Chua", False), ("MooreSpiegel", False), ("CellCycle", False)],  # sine, kinks, cubic, tanh
)
def test_quadratic_fields_are_told_apart(name, quadratic):
    assert is_quadratic(zoo.get(name), np.random.default_rng(0)) is quadratic


def test_random_fields_are_in_the_fourier_library_and_not_quadratic():
    for field in _random_fields(3, np.random.default_rng(0)):
        x = np.random.default_rng(1).uniform(-3, 3, (200, 3))
        library = sparse_regression.fourier_library(x, 2)
        residual = np.linalg.lstsq(library, field.rhs(0.0, x))[1]
        assert residual.max() < 1e-20
        assert not is_quadratic(field, np.random.default_rng(0))


def test_libraries_hold_the_terms():
    x = np.array([[2.0, 3.0], [1.0, -1.0]])
    np.testing.assert_array_equal(sparse_regression.polynomial_library(x), [[1, 2, 3, 4, 6, 9], [1, 1, -1, 1, -1, 1]])
    library = sparse_regression.fourier_library(x, 3)
    assert library.shape == (2, 12)
    np.testing.assert_allclose(library[0], np.r_[np.sin([2, 3, 4, 6, 6, 9]), np.cos([2, 3, 4, 6, 6, 9])])


def test_true_derivatives_give_the_lorenz_equations():
    x = rk4(lorenz63, [1.0, 1.0, 25.0], 0.01, 1000)[500:]
    found = sparse_regression.fit(sparse_regression.polynomial_library(x), lorenz63(0.0, x))
    # Columns: 1 x y z xx xy xz yy yz zz.
    expected = np.zeros((10, 3))
    expected[[1, 2], 0] = -10, 10
    expected[[1, 2, 6], 1] = 28, -1, -1
    expected[[3, 5], 2] = -8 / 3, 1
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_pieces_are_pysindys_default_model():
    import pysindy

    x = rk4(lorenz63, [1.0, 1.0, 25.0], 0.02, 400)[200:]
    model = pysindy.SINDy(feature_library=pysindy.PolynomialLibrary(degree=2))
    model.fit(x, t=0.02)
    slopes = sparse_regression.finite_differences(x, 0.02)
    ours = sparse_regression.fit(sparse_regression.polynomial_library(x), slopes)
    np.testing.assert_allclose(ours.T, np.asarray(model.coefficients(), float), rtol=1e-6, atol=1e-8)


def test_scores_of_derivatives():
    truth = np.full((2, 50, 3), np.nan)
    truth[0, :, :2] = np.random.default_rng(0).normal(size=(50, 2))  # the other system failed, and has no score
    predictions = np.stack([truth, -truth, 1.5 * truth, np.full_like(truth, np.nan)])
    relative, smape = derivative_errors(predictions, truth)
    np.testing.assert_allclose(relative[:, 0], [0, 2, 0.5, np.inf])
    np.testing.assert_allclose(smape[:, 0], [0, 2, 0.4, 2])
    assert np.isnan(relative[:, 1]).all() and np.isnan(smape[:, 1]).all()


def test_evenly_takes_both_ends():
    assert _evenly(list(range(10)), 4) == [0, 3, 6, 9]
    assert _evenly([1, 2], 5) == [1, 2]


def _symbolic_case():
    train = SimpleNamespace(degree=2, frequencies=2, pysr_iterations=1)
    return SimpleNamespace(params=SimpleNamespace(train=train), seed=lambda stream: 1)


def test_pysr_that_is_not_there_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "pysr", None)
    x = np.ones((5, 2))
    with pytest.raises(UserError, match="pip install pysr"):
        _regress(_symbolic_case(), "pysr", x, x, x, 0.1)


def test_pysr_is_given_the_true_derivatives(monkeypatch):
    class Regressor:
        def __init__(self, **options):
            assert options["niterations"] == 1

        def fit(self, x, y):
            self.weights = np.linalg.lstsq(x, y)[0]

        def predict(self, x):
            return x @ self.weights

        def get_best(self):
            return [{"complexity": 3}, {"complexity": 4}]

    module = ModuleType("pysr")
    module.PySRRegressor = Regressor
    monkeypatch.setitem(sys.modules, "pysr", module)
    rng = np.random.default_rng(0)
    x, held_out, matrix = rng.normal(size=(20, 2)), rng.normal(size=(9, 2)), rng.normal(size=(2, 2))
    prediction, terms = _regress(_symbolic_case(), "pysr", x, x @ matrix, held_out, 0.1)
    np.testing.assert_allclose(prediction, held_out @ matrix)
    assert terms == 7


# ---------------------------------------------------------------------------------------------------- transfer learning


def test_features_of_a_sine_and_of_noise():
    time = np.arange(400)
    noise = np.random.default_rng(0).normal(size=400)
    sine, white = (dict(zip(NAMES, series_features(x), strict=True)) for x in (3 + 2 * np.sin(time / 4), noise))
    assert sine["mean"] == pytest.approx(3, abs=0.02)
    assert sine["kurtosis"] == pytest.approx(1.5, abs=0.02)
    assert sine["autocorrelation_8"] == pytest.approx(np.cos(2), abs=0.02)
    assert sine["crossings"] == pytest.approx(2 / (2 * np.pi * 4), rel=0.05)
    assert sine["turning_points"] == pytest.approx(sine["crossings"], rel=0.1)
    assert white["spectral_entropy"] > 0.85 > 0.3 > sine["spectral_entropy"]
    assert sum(white[f"band_{b}"] for b in range(6)) == pytest.approx(1)


def test_features_of_a_batch_are_those_of_each_series():
    x = np.random.default_rng(0).normal(size=(3, 2, 40))
    assert series_features(x).shape == (3, 2, len(NAMES))
    np.testing.assert_allclose(series_features(x)[1, 0], series_features(x[1, 0]))
    assert np.isfinite(series_features(np.full(40, 0.1))).all()
    with pytest.raises(ValueError, match="too short"):
        series_features(np.zeros(13))


def test_autoencoder_is_causal_learns_and_keeps_runs_apart():
    def windows(step):
        phase = torch.rand(2, 8, 1, generator=torch.Generator().manual_seed(step)) * 6
        return torch.sin(phase + torch.arange(30) / torch.tensor([2.0, 5.0])[:, None, None])

    both = autoencoder.init(2, torch.Generator().manual_seed(0))
    alone = {name: value[1:].detach().clone().requires_grad_() for name, value in both.items()}
    x = windows(0)
    before = autoencoder.encode(both, x)
    assert before.shape == (2, 8, 10, 8) and autoencoder.decode(both, before).shape == x.shape
    changed = x.clone()
    changed[..., 15:] = 0
    after = autoencoder.encode(both, changed)
    torch.testing.assert_close(before[:, :, :5], after[:, :, :5])
    assert not torch.allclose(before[:, :, 5], after[:, :, 5])
    losses = autoencoder.train(both, windows, 60, 0.01)
    assert (losses[-1] < 0.3 * losses[0]).all()
    again = autoencoder.train(alone, lambda step: windows(step)[1:], 60, 0.01)
    torch.testing.assert_close(again[:, 0], losses[:, 1], rtol=1e-3, atol=1e-5)


def test_dominant_period_of_sines():
    rng = np.random.default_rng(0)
    x = np.sin(2 * np.pi * np.arange(150) / 23 + rng.uniform(0, 6, (9, 1))) + 0.3 * rng.normal(size=(9, 150))
    assert _dominant_period(x) == pytest.approx(23, rel=0.05)


def _window_case(windows):
    train = SimpleNamespace(window=60, batch=6, windows=windows)
    simulate = SimpleNamespace(pool_points_per_period=50)
    params = SimpleNamespace(train=train, simulate=simulate)
    return SimpleNamespace(params=params, device="cpu", rng=lambda stream: np.random.default_rng(1))


def test_windows_have_the_period_that_is_asked_for():
    pool = xr.Dataset({"pool": (("pool_system", "pool_time"), np.sin(2 * np.pi * np.arange(2000) / 50)[None])})
    asked = np.array([[10.0], [30.0]])
    x = _windows(_window_case("kept"), pool, asked)(0).numpy()
    assert x.shape == (2, 6, 60)
    assert [_dominant_period(some) for some in x] == pytest.approx([10, 30], rel=0.05)
    shuffled = _windows(_window_case("shuffled"), pool, asked)(0).numpy()
    np.testing.assert_allclose(np.sort(shuffled), np.sort(x))
    assert not np.allclose(shuffled, x)


def test_classifier_finds_the_feature_that_tells_and_ignores_a_constant():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 30)
    features = np.column_stack([labels + 0.2 * rng.normal(size=60), np.full(60, 0.1), rng.normal(size=60)])
    assert (_classify(features[::2], labels[::2], features[1::2], (1e-3, 1e3, 10)) == labels[1::2]).mean() > 0.9


@pytest.mark.parametrize(
    "task",
    [{"systems": ["Lorenz"]}, {"systems": ["A", "B"], "parameter": "a", "values": [1, 2]}]
    + [{"systems": ["A"], "parameter": "a", "values": [1]}, {"systems": ["A", "B"], "values": [1, 2]}],
)
def test_a_task_has_two_classes(task):
    with pytest.raises(UserError, match="two systems or more"):
        check(Task, task, "test")


# -------------------------------------------------------------------------------------------------- importance sampling


def test_lstm_is_torchs():
    parameters = lstm.init(2, 3, 5, 2, torch.Generator().manual_seed(0))
    x = torch.randn(2, 4, 7, 3, generator=torch.Generator().manual_seed(1))
    ahead, _ = lstm.apply(parameters, x)

    def theirs(weight):  # gates in torch's order: in, forget, cell, out
        first, forget, out, cell = weight.chunk(4, -1)
        return torch.cat([first, forget, cell, out], -1).mT.squeeze(-1)

    for run in range(2):
        net = torch.nn.LSTM(3, 5, 2, batch_first=True)
        with torch.no_grad():
            for i in range(2):
                getattr(net, f"weight_ih_l{i}").copy_(theirs(parameters[f"input_{i}"][run]))
                getattr(net, f"weight_hh_l{i}").copy_(theirs(parameters[f"recurrent_{i}"][run]))
                getattr(net, f"bias_ih_l{i}").copy_(theirs(parameters[f"bias_{i}"][run]))
                getattr(net, f"bias_hh_l{i}").zero_()
            expected = net(x[run])[0] @ parameters["output"][run] + parameters["output_bias"][run]
        torch.testing.assert_close(ahead[run], expected)


def test_lstm_state_runs_on_and_the_forecast_feeds_itself():
    parameters = lstm.init(2, 1, 4, 2, torch.Generator().manual_seed(0))
    x = torch.randn(2, 3, 12, 1, generator=torch.Generator().manual_seed(1))
    whole, _ = lstm.apply(parameters, x)
    first, state = lstm.apply(parameters, x[:, :, :5])
    second, _ = lstm.apply(parameters, x[:, :, 5:], state)
    torch.testing.assert_close(torch.cat([first, second], 2), whole)
    path = lstm.forecast(parameters, x, 3, 10.0)
    fed, _ = lstm.apply(parameters, torch.cat([x, path[:, :, :2]], 2))
    torch.testing.assert_close(path, fed[:, :, -3:])
    assert lstm.forecast(parameters, x, 3, 0.01).abs().max() <= 0.01


def test_backtest_sees_the_points_before_and_no_other():
    parameters = lstm.init(1, 1, 4, 1, torch.Generator().manual_seed(0))
    series = np.random.default_rng(0).normal(size=(1, 30))
    error = _backtest(parameters, series, 10, "cpu")
    assert error.shape == (1, 20)
    ahead, _ = lstm.apply(parameters, torch.as_tensor(series[:, None, 4:14, None], dtype=torch.float32))
    assert error[0, 4] == pytest.approx((float(ahead[0, 0, -1, 0].detach()) - series[0, 14]) ** 2, rel=1e-4)


def test_chances_go_where_the_error_is():
    error = np.ones((2, 60))
    error[0, 40:45] = 5
    error[1] = np.nan
    p = SimpleNamespace(smoothing=7, power=4, weights="kept")
    chances = _chances(error, 2, 60, p, np.random.default_rng(0))
    np.testing.assert_allclose(chances.sum(1), 1)
    assert chances[0].argmax() in range(40, 45) and chances[0, 38:47].sum() > 0.9
    np.testing.assert_allclose(chances[1], 1 / 60)
    p.weights = "permuted"
    permuted = _chances(error, 2, 60, p, np.random.default_rng(0))
    np.testing.assert_allclose(np.sort(permuted), np.sort(chances))
    assert permuted[0, 38:47].sum() < 0.9
