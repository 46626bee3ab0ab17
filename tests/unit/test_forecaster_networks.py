"""Network forecasters: series apart, difficult histories, known answers of hand-made weights."""

import dataclasses

import numpy as np
import pytest
import torch

from pesin.errors import UserError
from pesin.forecasters import block_rnn, dlinear, lstm, nbeats, networks, nhits, nlinear, node, tcn, transformer

SMALL = {
    nbeats: {"blocks": 2, "layers": 2, "width": 16},
    nhits: {"pooling": (4, 1), "width": 16},
    lstm: {"layers": 2, "width": 12},
    block_rnn: {"layers": 2, "width": 12},
    tcn: {"width": 6},
    transformer: {"layers": 1, "width": 8, "heads": 2, "hidden": 16},
    nlinear: {},
    dlinear: {"kernel": 5},
    node: {"width": 12},
}
ALL = pytest.mark.parametrize("module", SMALL, ids=lambda module: module.__name__.rsplit(".")[-1])
RATE = {node: 1e-2, nlinear: 3e-2, dlinear: 3e-2}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def circles(series=3, time=120):
    """Points on circles of three periods, in units far from 1."""
    phase = 2 * np.pi * np.arange(time) / np.array([16.0, 20.0, 25.0])[:series, None]
    return np.stack([5 + 300 * np.sin(phase), -7 + 0.02 * np.cos(phase)], -1)


def fit(module, history, seed=0, **knobs):
    rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    return module.fit(history, rng=rng, **({"length": 9, "steps": 4, "batch": 8} | SMALL[module] | knobs))


# --------------------------------------------------------------------------------------------------- series apart


@ALL
def test_a_series_does_not_depend_on_who_shares_the_batch(module):
    history = circles()
    together = fit(module, history).weights
    for i in range(3):
        rng = np.random.default_rng(0)
        rng.spawn(i)  # the children of the series before it
        alone = fit(module, history[i : i + 1], rng).weights
        for key, value in alone.items():
            gap = (together[key][i] - value[0]).abs().max()
            assert gap <= 1e-4 * value.abs().max(), key
    first = next(iter(together.values()))
    if module not in (nlinear, dlinear):
        assert not torch.allclose(first[0], first[1], atol=1e-2)


@ALL
def test_the_seed_decides_every_bit(module):
    a, b, c = (module.forecast(fit(module, circles(), seed), 20) for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@ALL
def test_a_lost_series_is_nan_and_touches_no_other(module):
    history = circles()
    sound = module.forecast(fit(module, history), 20)
    history[1, 50, 0] = np.nan
    path = module.forecast(fit(module, history), 20)
    assert np.isnan(path[1]).all()
    assert np.allclose(path[[0, 2]], sound[[0, 2]], rtol=1e-3, atol=1e-3)


def test_a_diverging_training_is_nan_and_touches_no_other():
    """An outlier's residual overflows at this rate, those of the circles don't."""
    history = circles()
    x = torch.as_tensor(networks.standardise(history)[0], dtype=torch.float32)
    x[1, 60] = 1e25
    weights = {"ahead_weight": torch.zeros(3, 2, 18), "ahead_bias": torch.zeros(3, 2, 1)}

    def predict(weights, windows):
        return networks.linear(weights, "ahead", windows.flatten(2).transpose(1, 2)).transpose(1, 2)[:, :, None]

    rngs = np.random.default_rng(0).spawn(3)
    trained = networks.train(weights, predict, x, rngs, length=9, steps=30, batch=32, learning_rate=1e-3)
    lost = ~trained["ahead_weight"].isfinite().flatten(1).all(1)
    assert lost.tolist() == [False, True, False]


# ------------------------------------------------------------------------------------------------ difficult histories


@ALL
def test_a_history_without_a_window_is_refused(module):
    assert module.forecast(fit(module, circles(time=10)), 3).shape == (3, 3, 2)
    with pytest.raises(UserError, match=rf"{module.NAME}: needs a history of at least 10 points \(lags 9\), and got 9"):
        fit(module, circles(time=9))


@ALL
def test_a_constant_coordinate_stays(module):
    history = circles()
    history[:, :, 1] = 0.1  # not a binary fraction: its standard deviation isn't 0 but rounding
    path = module.forecast(fit(module, history), 30)
    assert np.isfinite(path).all()
    assert np.allclose(path[..., 1], 0.1, rtol=0, atol=1e-12)


@ALL
def test_units_and_single_precision_change_rounding_alone(module):
    history = circles()
    path = module.forecast(fit(module, history), 10)
    scale = history.std(1, keepdims=True)
    assert path.dtype == np.float64
    moved = module.forecast(fit(module, 1000 * history - 3), 10)
    assert np.allclose((moved + 3) / 1000 / scale, path / scale, atol=1e-3)
    single = module.forecast(fit(module, history.astype(np.float32)), 10)
    assert np.allclose(single / scale, path / scale, atol=1e-2)


def test_forecasts_are_clipped_at_ten_standard_deviations():
    history = circles()
    state = fit(nlinear, history)
    state.weights["ahead_bias"].fill_(3.0)
    gap = (nlinear.forecast(state, 40) - history.mean(1, keepdims=True)) / history.std(1, keepdims=True)
    assert gap.max() == pytest.approx(10, rel=1e-6)


# ---------------------------------------------------------------------------------------------------- known answers


def with_weights(module, values, **knobs):
    """A state with one series whose weights are zero but for `values`, and its last window, standardised."""
    state = fit(module, circles(1)[..., :1], **knobs)
    weights = {key: torch.zeros_like(w) for key, w in state.weights.items()}
    for key, value in values.items():
        weights[key] = torch.as_tensor(value, dtype=torch.float32).expand_as(weights[key]).clone()
    return dataclasses.replace(state, weights=weights), state.context[0, :, 0].numpy().astype(float)


def next_point(module, state):
    """First forecast in standardised units."""
    return ((module.forecast(state, 1) - state.centre) / state.scale).item()


def test_nbeats_blocks_explain_what_the_ones_before_left():
    eye, half = np.eye(4), np.full((1, 4), 0.5)
    values = {"block0_back": 0.25 * eye, "block0_ahead": half, "block1_ahead": half}
    values |= {f"{name}_coefficients": eye for name in tuple(values)}
    values |= {"block0_layer0": eye, "block1_layer0": eye}
    state, window = with_weights(
        nbeats, {f"{k}_weight": v for k, v in values.items()}, length=4, layers=1, width=4, expansion=4
    )
    seen = np.maximum(window, 0)
    left = np.maximum(window - 0.25 * seen, 0)
    assert next_point(nbeats, state) == pytest.approx(0.5 * (seen.sum() + left.sum()), rel=1e-5)


def test_nhits_pools_and_interpolates():
    """A first block of two knots, a second that reads its rest: knots at 1/4 and 3/4 of a window of four points."""
    values = {"block0_layer0": np.eye(4)[:, :2], "block0_back": np.eye(4)[:2], "block0_ahead": np.full((1, 4), 0.5)}
    values |= {"block1_layer0": np.eye(4), "block1_ahead": np.array([[1.0, 2.0, 3.0, 4.0]])}
    state, window = with_weights(
        nhits, {f"{k}_weight": v for k, v in values.items()}, length=4, layers=1, width=4, pooling=(2, 1)
    )
    knots = np.maximum(window.reshape(2, 2).max(1), 0)
    left = window - np.interp(np.arange(4), [0.5, 2.5], knots)
    assert next_point(nhits, state) == pytest.approx(
        0.5 * knots.sum() + np.maximum(left, 0) @ [1.0, 2.0, 3.0, 4.0], rel=1e-5
    )


def test_linear_maps():
    row = np.arange(1.0, 6.0)[None] / 10
    state, window = with_weights(nlinear, {"ahead_weight": row}, length=5)
    assert next_point(nlinear, state) == pytest.approx(window[-1] + row[0] @ (window - window[-1]), rel=1e-5)
    state, window = with_weights(dlinear, {"trend_weight": row, "rest_weight": -row}, length=5, kernel=3)
    ends = np.concatenate([window[:1], window, window[-1:]])
    trend = np.convolve(ends, np.ones(3) / 3, mode="valid")
    assert next_point(dlinear, state) == pytest.approx(row[0] @ (2 * trend - window), rel=1e-5)


@ALL
def test_circles_are_learnt(module):
    """Half a round and less within half a standard deviation; the mean's error is 1, that of the last point 1.2."""
    history = circles(time=168)
    knobs = {"length": 4 if module is node else 8, "steps": 200, "batch": 16, "learning_rate": RATE.get(module, 5e-3)}
    error = module.forecast(fit(module, history[:, :160], **knobs), 8) - history[:, 160:]
    assert np.sqrt(np.square(error / history.std(1, keepdims=True)).mean()) < 0.5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@ALL
def test_the_gpu_trains_the_same_networks(module):
    on_cpu, on_gpu = (fit(module, circles(), device=device) for device in ("cpu", "cuda"))
    assert all(w.is_cuda for w in on_gpu.weights.values())
    for key, value in on_cpu.weights.items():
        assert torch.allclose(on_gpu.weights[key].cpu(), value, atol=1e-3), key
    assert module.forecast(on_gpu, 5).shape == (3, 5, 2)
