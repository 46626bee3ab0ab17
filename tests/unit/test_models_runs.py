"""Networks with a runs axis: equal to torch's own, runs don't touch each other, gradients are clipped run by run."""

import pytest
import torch

from pesin.models.mlp import apply_mlp, init_embedding, init_mlp, repeat_runs, weights_dataset
from pesin.models.optimisers import SGD, Adam, RunsOptimiser, clip_gradients
from pesin.models.ragged import ACTIVATIONS, Ragged, apply_ragged, init_ragged
from pesin.models.transformer import Transformer


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_mlp_is_torchs():
    parameters = init_mlp(3, [5, 7, 2], generator())
    x = torch.randn(3, 11, 5, generator=generator(1))
    for run in range(3):
        net = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.GELU(), torch.nn.Linear(7, 2))
        for layer, module in ((0, net[0]), (1, net[2])):
            module.weight.data = parameters[f"weight_{layer}"][run].T
            module.bias.data = parameters[f"bias_{layer}"][run, 0]
        assert torch.allclose(apply_mlp(parameters, x)[run], net(x[run]), atol=1e-6)


def test_weights_are_drawn_within_torchs_bound_and_differ_between_runs():
    weight = init_mlp(4, [9, 3], generator())["weight_0"]
    assert weight.abs().max() <= 1 / 3 and not torch.equal(weight[0], weight[1])
    assert init_embedding(2, 6, 4, generator()).shape == (2, 6, 4)


def test_gradients_are_clipped_run_by_run():
    weight = torch.zeros(2, 3, requires_grad=True)
    (weight * torch.tensor([[3.0, 0, 4.0], [0.3, 0, 0.4]])).sum().backward()
    norm = clip_gradients([weight.grad], 1.0)
    assert norm.tolist() == pytest.approx([5.0, 0.5])
    assert weight.grad.norm(dim=1).tolist() == pytest.approx([1.0, 0.5], abs=1e-4)


def test_repeated_runs_are_copies_one_set_after_another():
    parameters = init_mlp(2, [2, 2], generator())
    copies = repeat_runs(parameters, 3)
    assert copies["weight_0"].shape[0] == 6 and torch.equal(copies["weight_0"][2:4], parameters["weight_0"])
    with torch.no_grad():
        copies["weight_0"].add_(1)
    assert not torch.equal(copies["weight_0"][:2], parameters["weight_0"])
    assert weights_dataset(parameters, ["a", "b"])["weight_0"].dims[0] == "run"


def test_transformer_is_causal_and_its_runs_are_apart():
    net = Transformer(10, 10, 7, 8, 2, 2)
    parameters = net.init_parameters(2, generator())
    tokens = torch.randint(10, (2, 5, 7), generator=generator(1))
    logits = net(parameters, tokens)
    assert logits.shape == (2, 5, 7, 10)
    later, other = tokens.clone(), tokens.clone()
    later[:, :, 4:] = (later[:, :, 4:] + 1) % 10
    other[1] = (other[1] + 1) % 10
    assert torch.allclose(net(parameters, later)[:, :, :4], logits[:, :, :4], atol=1e-6)
    assert not torch.allclose(net(parameters, later)[:, :, 4:], logits[:, :, 4:], atol=1e-3)
    assert torch.allclose(net(parameters, other)[0], logits[0], atol=1e-6)


def test_transformer_of_one_run_equals_the_same_run_in_a_set():
    net = Transformer(4, 4, 5, 8, 1, 2)
    parameters = net.init_parameters(3, generator())
    tokens = torch.randint(4, (3, 2, 5), generator=generator(1))
    alone = {name: value[1:2] for name, value in parameters.items()}
    assert torch.allclose(net(alone, tokens[1:2]), net(parameters, tokens)[1:2], atol=1e-6)


# ---------------------------------------------------------------------------------------------------- ragged and Adam

RAGGED = Ragged(5, ((7,), (3, 3, 3), (4, 6)), ("relu", "tanh", "gelu"), 2)


def small_nets(shape, parameters):
    """torch's own networks with the weights of each run."""
    nets = []
    for run, (hidden, kind) in enumerate(zip(shape.hidden, shape.activation, strict=True)):
        layers, sizes = [], (shape.inputs, *hidden, shape.outputs)
        for layer, (a, b) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            place = layer if layer < len(hidden) else shape.depth
            module = torch.nn.Linear(a, b)
            module.weight.data = parameters[f"weight_{place}"][run, :a, :b].detach().T.clone()
            module.bias.data = parameters[f"bias_{place}"][run, 0, :b].detach().clone()
            layers.append(module)
        nets.append((layers, ACTIVATIONS[kind]))
    return nets


def run_small(net, x):
    layers, activation = net
    for module in layers[:-1]:
        x = activation(module(x))
    return layers[-1](x), x


def test_ragged_runs_are_the_small_networks_they_stand_for_all_along_training():
    parameters = init_ragged(RAGGED, generator())
    nets = small_nets(RAGGED, parameters)
    rates = [1e-2, 1e-3, 0.0]
    optimisers = [
        torch.optim.Adam([p for m in net[0] for p in m.parameters()], lr=rate)
        for net, rate in zip(nets, rates, strict=True)
    ]
    adam = RunsOptimiser(parameters, "adam")
    for step in range(5):
        x = torch.randn(3, 11, 5, generator=generator(step))
        outputs, hidden = apply_ragged(RAGGED, parameters, x)
        adam.descend(outputs.square().mean((1, 2)), torch.tensor(rates))
        for run, (net, optimiser) in enumerate(zip(nets, optimisers, strict=True)):
            single, last = run_small(net, x[run])
            assert torch.allclose(outputs[run], single, atol=1e-5)
            width = RAGGED.hidden[run][-1]
            assert torch.allclose(hidden[run, :, :width], last, atol=1e-5) and not hidden[run, :, width:].any()
            optimiser.zero_grad()
            single.square().mean().backward()
            optimiser.step()
    assert RAGGED.parameters() == [sum(p.numel() for m in net[0] for p in m.parameters()) for net in nets]


def test_what_lies_outside_a_run_stays_zero_and_scales_count():
    parameters = init_ragged(RAGGED, generator(), [1.0, 1.0, 0.0])
    assert not parameters["weight_0"][2].any() and parameters["weight_0"][0, :, :7].all()
    adam = RunsOptimiser(parameters, "adam")
    for _ in range(3):
        outputs, _ = apply_ragged(RAGGED, parameters, torch.ones(1, 4, 5))
        adam.descend((outputs - 1).square().sum(), torch.full((3,), 0.1))
    assert not parameters["weight_0"][1, :, 3:].any() and not parameters["bias_1"][1, :, 3:].any()
    assert not parameters["weight_1"][0].any() and not parameters["weight_3"][1, 3:].any()


@pytest.mark.parametrize(
    ("hidden", "activation", "message"),
    [
        ((), (), "each run"),
        (((3,),), ("relu", "relu"), "each run"),
        (((),), ("relu",), "at least one hidden"),
        (((3, 0),), ("relu",), "widths of 1"),
        (((3,),), ("sine",), "relu, tanh, gelu, not sine"),
    ],
)
def test_bad_shapes(hidden, activation, message):
    with pytest.raises(ValueError, match=message):
        Ragged(2, hidden, activation, 2)


@pytest.mark.parametrize("largest", [None, 0.5])
def test_adam_is_torchs(largest):
    """Also restored after two steps; and a parameter that the loss doesn't hold stays."""
    start = [torch.randn(2, 3, 4, generator=generator(i)) for i in range(3)]
    target = torch.randn(2, 3, 4, generator=generator(9))
    ours, peers = ([value.clone().requires_grad_() for value in start] for _ in range(2))
    optimiser, peer = Adam(ours, 1e-6), torch.optim.Adam(peers, lr=1.0, eps=1e-6)

    def loss_of(values):
        return ((values[0] + values[1].square().transpose(1, 2).reshape(2, 3, 4) - target) ** 2).sum()

    for step in range(5):
        rate = 0.1 / (1 + step)
        optimiser.descend(loss_of(ours), rate, largest)
        peer.param_groups[0]["lr"] = rate
        peer.zero_grad()
        loss_of(peers).backward()
        for run in range(2) if largest else ():
            slopes = [value.grad[run] for value in peers[:2]]
            factor = largest / max(float(torch.nn.utils.get_total_norm(slopes)), largest)
            for slope in slopes:
                slope.mul_(factor)
        peer.step()
        if step == 1:
            saved = optimiser.arrays()
            optimiser = Adam([value.detach().clone().requires_grad_() for value in start], 1e-6)
            optimiser.restore(saved)
            ours = optimiser.parameters
    for one, other in zip(ours, peers, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
    assert torch.equal(ours[2], start[2]) and not torch.equal(ours[0], start[0])


def test_sgd_is_torchs():
    """Also restored after two steps; a run that diverges leaves the other alone."""
    start = [torch.randn(2, 3, 4, generator=generator(i)) for i in range(2)]
    target = torch.randn(2, 3, 4, generator=generator(9))
    ours, peers = ([value.clone().requires_grad_() for value in start] for _ in range(2))
    settings = {"momentum": 0.9, "weight_decay": 0.1}
    optimiser, peer = SGD(ours, **settings), torch.optim.SGD(peers, lr=1.0, **settings)

    def loss_of(values):
        return ((values[0] + values[1].square() - target) ** 2).sum()

    for step in range(5):
        rate = 0.01 / (1 + step)
        optimiser.step(torch.autograd.grad(loss_of(optimiser.parameters), optimiser.parameters), rate)
        peer.param_groups[0]["lr"] = rate
        peer.zero_grad()
        loss_of(peers).backward()
        peer.step()
        if step == 1:
            saved = optimiser.arrays()
            optimiser = SGD([value.detach().clone().requires_grad_() for value in start], **settings)
            optimiser.restore(saved)
    for one, other in zip(optimiser.parameters, peers, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
    lost = [torch.full_like(value, torch.nan) * torch.tensor([1.0, 0.0]).view(2, 1, 1) for value in start]
    for g in lost:
        g[1] = 1.0
    optimiser.step(lost, 0.1)
    assert all(value[0].isnan().all() and value[1].isfinite().all() for value in optimiser.parameters)
