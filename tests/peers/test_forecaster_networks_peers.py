"""The stacked layers of the network forecasters against torch's own, one series at a time."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch.nn.functional import conv1d

from pesin.forecasters import block_rnn, dlinear, lstm, nbeats, networks, nhits, nlinear, node, tcn, transformer

LENGTH, DIM, STEPS = 9, 2, 12
KNOBS = {"length": LENGTH, "steps": 3, "batch": 4}


@pytest.fixture(scope="module")
def history():
    rng = np.random.default_rng(5)
    return np.sin(np.arange(60)[None, :, None] / rng.uniform(2, 4, (3, 1, DIM))) + 0.1 * rng.standard_normal(
        (3, 60, DIM)
    )


def own(module, state):
    """Standardised forecast, shape (series, steps, dim)."""
    return (module.forecast(state, STEPS) - state.centre) / state.scale


def windowed_forecast(net, window):
    """Naive recursion: net of (length, dim) -> (dim,)."""
    path = []
    with torch.no_grad():
        for _ in range(STEPS):
            path.append(net(window))
            window = torch.cat((window[1:], path[-1][None]))
    return torch.stack(path)


def fill(module, weights, series, names):
    """Copy our weights of one series into a torch module: {its parameter: ours}; all others become 0."""
    for key, parameter in module.named_parameters():
        ours = weights[names[key]][series] if key in names else torch.zeros(parameter.shape)
        parameter.data = ours.reshape(parameter.shape).clone()
    return module


def recurrent_names(layers):
    """Torch's parameter -> ours, for its LSTM and RNN."""
    names = {"weight_ih": "in_weight", "weight_hh": "state_weight", "bias_ih": "in_bias"}
    return {f"{theirs}_l{j}": f"layer{j}_{ours}" for j in range(layers) for theirs, ours in names.items()}


def theirs_order(weights, width):
    """Our gates in, forget, out, cell in torch's order in, forget, cell, out."""
    gates = torch.arange(4 * width).view(4, width)[[0, 1, 3, 2]].flatten()
    return {key: w[:, gates] if key.startswith("layer") else w for key, w in weights.items()}


def test_lstm_carries_its_state_on(history):
    state = lstm.fit(history, rng=np.random.default_rng(0), layers=2, width=8, **KNOBS)
    path, w = own(lstm, state), theirs_order(state.weights, 8)
    for i in range(3):
        net = fill(torch.nn.LSTM(DIM, 8, num_layers=2, batch_first=True), w, i, recurrent_names(2))
        x, memory, expected = state.context[i][None], None, []
        with torch.no_grad():
            for _ in range(STEPS):
                h, memory = net(x, memory)
                x = h[:, -1:] @ w["ahead_weight"][i].T + w["ahead_bias"][i].T
                expected.append(x[0, 0])
        assert np.allclose(path[i], torch.stack(expected), atol=1e-5)


def test_block_rnn_reads_each_window_from_zero(history):
    state = block_rnn.fit(history, rng=np.random.default_rng(0), layers=2, width=8, **KNOBS)
    path, w = own(block_rnn, state), state.weights
    for i in range(3):
        net = fill(torch.nn.RNN(DIM, 8, num_layers=2), w, i, recurrent_names(2))
        expected = windowed_forecast(
            lambda x, i=i, net=net: w["ahead_weight"][i] @ net(x)[0][-1] + w["ahead_bias"][i, :, 0], state.context[i]
        )
        assert np.allclose(path[i], expected, atol=1e-5)


def test_tcn_convolves(history):
    state = tcn.fit(history, rng=np.random.default_rng(0), width=5, **KNOBS)
    assert sum(key.endswith("first_weight") for key in state.weights) == 2  # 1 + 4 + 8 points: all nine are seen

    def apply(i, name, x, dilation):
        weight = state.weights[f"{name}_weight"][i]
        kernel = weight.view(len(weight), 1 if name.endswith("skip") else 3, len(x)).transpose(1, 2)
        x = torch.nn.functional.pad(x, ((kernel.shape[2] - 1) * dilation, 0))
        return conv1d(x[None], kernel, state.weights[f"{name}_bias"][i, :, 0], dilation=dilation)[0]

    def net(x, i):
        x = x.T
        for b in (0, 1):
            h = apply(i, f"block{b}_second", apply(i, f"block{b}_first", x, 2**b).relu(), 2**b)
            x = (h.relu() if b == 0 else h) + apply(i, f"block{b}_skip", x, 1)
        return x[:, -1]

    for i in range(3):
        expected = windowed_forecast(lambda x, i=i: net(x, i), state.context[i])
        assert np.allclose(own(tcn, state)[i], expected, atol=1e-5)


def test_transformer(history):
    width = 8
    state = transformer.fit(history, rng=np.random.default_rng(0), layers=2, width=width, heads=2, hidden=16, **KNOBS)
    w, path = dict(state.weights), own(transformer, state)
    names = {}
    for kind in ("encoder", "decoder"):
        for j in (0, 1):
            theirs = f"{kind}.layers.{j}."
            for attention, called in (("self", "self_attn"), ("cross", "multihead_attn"))[
                : 1 if kind == "encoder" else 2
            ]:
                ours = f"{kind}{j}_{attention}_"
                for part in ("weight", "bias"):
                    w[f"{ours}{part}"] = torch.cat((w[f"{ours}query_{part}"], w[f"{ours}read_{part}"]), 1)
                    names[f"{theirs}{called}.in_proj_{part}"] = f"{ours}{part}"
                    names[f"{theirs}{called}.out_proj.{part}"] = f"{ours}out_{part}"
            for part in ("weight", "bias"):
                names[f"{theirs}linear1.{part}"] = f"{kind}{j}_up_{part}"
                names[f"{theirs}linear2.{part}"] = f"{kind}{j}_down_{part}"
            for norm in (1, 2, 3):
                names[f"{theirs}norm{norm}.weight"] = "one"
    names |= {"encoder.norm.weight": "one", "decoder.norm.weight": "one"}
    w["one"] = torch.ones(3, width)
    angle = torch.arange(LENGTH)[:, None] / 10_000 ** (torch.arange(0, width, 2) / width)
    places = torch.empty(LENGTH, width)
    places[:, 0::2], places[:, 1::2] = angle.sin(), angle.cos()
    for i in range(3):
        net = torch.nn.Transformer(width, 2, 2, 2, 16, dropout=0.0, batch_first=True).eval()
        fill(net, w, i, names)

        def predict(x, i=i, net=net):
            embedded = (x @ w["embedding_weight"][i].T + w["embedding_bias"][i].T) * width**0.5
            out = net((embedded + places)[None], (embedded[-1:] + places[:1])[None])[0, 0]
            return w["ahead_weight"][i] @ out + w["ahead_bias"][i, :, 0]

        assert np.allclose(path[i], windowed_forecast(predict, state.context[i]), atol=1e-4)


def test_node_integrates_its_velocity(history):
    state = node.fit(history, rng=np.random.default_rng(0), width=8, **KNOBS)
    w = {key: value.double().numpy() for key, value in state.weights.items()}
    silu = torch.nn.functional.silu

    for i in range(3):

        def linear(name, x, i=i):
            return torch.as_tensor(w[f"{name}_weight"][i] @ np.asarray(x) + w[f"{name}_bias"][i, :, 0])

        def velocity(_, x, linear=linear):
            h = torch.tanh(linear("enter", x))
            return linear("leave", h + silu(linear("second", silu(linear("first", h))))).numpy()

        exact = solve_ivp(
            velocity,
            (0, STEPS),
            state.context[i, -1].double().numpy(),
            t_eval=1 + np.arange(STEPS),
            rtol=1e-10,
            atol=1e-10,
        )
        assert np.allclose(own(node, state)[i], exact.y.T, atol=1e-4)


@pytest.mark.parametrize("module", [lstm, block_rnn])
def test_training_is_torchs_adam_on_torchs_gradients(history, module):
    """Torch's recurrent network by torch's Adam with cosine decay, on the same windows in the same order."""
    steps, batch, series = 10, 16, 1
    knobs = {"length": LENGTH, "batch": batch, "width": 8, "layers": 1}
    drawn = []

    def start(*arguments):  # before the training changes them in place
        drawn.append({key: value.clone() for key, value in arguments[0].items()})
        return train(*arguments)

    train = networks.train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "train", start)
        trained = module.fit(history, rng=np.random.default_rng(0), steps=steps, learning_rate=1e-2, **knobs).weights
    first = drawn[0]
    if module is lstm:
        trained, first = theirs_order(trained, 8), theirs_order(first, 8)
    net = (torch.nn.LSTM if module is lstm else torch.nn.RNN)(DIM, 8, batch_first=True)
    fill(net, first, series, recurrent_names(1))
    net.bias_hh_l0.requires_grad_(False)  # torch has two biases that are added
    ahead = fill(torch.nn.Linear(8, DIM), first, series, {"weight": "ahead_weight", "bias": "ahead_bias"})
    optimiser = torch.optim.Adam([p for m in (net, ahead) for p in m.parameters() if p.requires_grad], lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    x = torch.as_tensor(networks.standardise(history)[0][series], dtype=torch.float32)
    windows = x.unfold(0, LENGTH + 1, 1).transpose(1, 2)
    rng = np.random.default_rng(0).spawn(3)[series]
    for value in first.values():
        rng.random(value.shape[1:], dtype=np.float32)  # the draws of the weights
    order = np.concatenate([rng.permutation(len(windows)) for _ in range(4)])
    for step in range(steps):
        window = windows[order[batch * step : batch * (step + 1)]]
        path, target = ahead(net(window[:, :-1])[0]), window[:, 1:]
        if module is block_rnn:
            path, target = path[:, -1], target[:, -1]
        optimiser.zero_grad()
        (path - target).square().mean().backward()
        optimiser.step()
        schedule.step()
    expected = dict(net.named_parameters())["weight_hh_l0"]
    assert (expected - first["layer0_state_weight"][series]).abs().max() > 1e-2
    assert torch.allclose(trained["layer0_state_weight"][series], expected, atol=1e-4)
    assert torch.allclose(trained["layer0_in_weight"][series], net.weight_ih_l0, atol=1e-4)
    assert torch.allclose(trained["ahead_weight"][series], ahead.weight, atol=1e-4)


SMALL = {
    nbeats: {"blocks": 2, "layers": 2, "width": 8},
    nhits: {"pooling": (4, 1), "width": 8},
    lstm: {"layers": 2, "width": 8},
    block_rnn: {"layers": 2, "width": 8},
    tcn: {"width": 5},
    transformer: {"layers": 1, "width": 8, "heads": 2, "hidden": 16},
    nlinear: {},
    dlinear: {},
    node: {"width": 8},
}


@pytest.mark.parametrize("module", SMALL, ids=lambda module: module.__name__.rsplit(".")[-1])
def test_all_series_take_torchs_adam_steps(history, module, monkeypatch):
    """The same windows through `torch.optim.Adam`, not fused, for every layout of weights and gradients."""
    steps, batch, rate = 6, 8, 1e-2
    drawn = []

    def start(weights, predict, x, rngs, *arguments):
        drawn.append(({key: value.clone() for key, value in weights.items()}, predict, x))
        return train(weights, predict, x, rngs, *arguments)

    train = networks.train
    monkeypatch.setattr(networks, "train", start)
    knobs = {"length": LENGTH, "steps": steps, "batch": batch, "learning_rate": rate} | SMALL[module]
    ours = module.fit(history, rng=np.random.default_rng(0), **knobs).weights
    weights, predict, x = drawn[0]
    rngs = np.random.default_rng(0).spawn(len(history))
    windows = x.unfold(1, LENGTH + 1, 1).transpose(2, 3)
    order = []
    for rng in rngs:
        draws = rng.standard_normal if module is node else rng.random
        for key, value in weights.items():
            if not (module is node and key.endswith("bias")):
                draws(value.shape[1:], dtype=np.float32)  # the draws of the weights
        order.append(np.concatenate([rng.permutation(windows.shape[1]) for _ in range(2)]))
    before = {key: value.clone() for key, value in weights.items()}
    optimiser = torch.optim.Adam([value.requires_grad_() for value in weights.values()], lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        window = torch.stack([w[o[step * batch : (step + 1) * batch]] for w, o in zip(windows, order, strict=True)])
        ahead = predict(weights, window[:, :, :-1])
        optimiser.zero_grad()
        (ahead - window[:, :, -ahead.shape[2] :]).square().mean((1, 2, 3)).sum().backward()
        optimiser.step()
        schedule.step()
    # Compared by what they predict: weights without effect, such as an attention's key bias, follow rounding.
    inputs = windows[:, :, :-1]
    own_path, their_path, first_path = (predict(w, inputs).detach() for w in (ours, weights, before))
    assert torch.allclose(own_path, their_path, atol=1e-3)
    assert (their_path - first_path).abs().max() > 0.05
