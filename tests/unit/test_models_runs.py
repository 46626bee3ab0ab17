"""Networks with a runs axis: equal to torch's own, runs don't touch each other, gradients are clipped run by run."""

import pytest
import torch

from pesin.models.mlp import apply_mlp, clip_gradients, init_embedding, init_mlp, repeat_runs, weights_dataset
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
    norm = clip_gradients({"w": weight}, 1.0)
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
