"""Known answers: derivatives of curved inputs, where networks start, eigenvalues of Hessians that are known."""

import math

import pytest
import torch

from pesin.models.jets import ACTIVATIONS, mlp_jet
from pesin.models.loss_curvature import hessian_product, top_eigenpair
from pesin.models.mlp import apply_mlp
from pesin.models.physics_informed import init_xavier, periodic_inputs

TANH = ACTIVATIONS["tanh"]


def networks(runs=2, seed=0):
    found = init_xavier(runs, [3, 8, 8, 1], torch.Generator().manual_seed(seed))
    return {name: value.detach().double() for name, value in found.items()}


def test_xavier_fills_its_interval_and_biases_are_zero():
    drawn = init_xavier(50, [3, 32, 1], torch.Generator().manual_seed(1))
    assert float(drawn["weight_0"].detach().abs().max()) == pytest.approx(math.sqrt(6 / 35), rel=0.01)
    assert float(drawn["weight_1"].detach().std()) == pytest.approx(math.sqrt(2 / 33), rel=0.05)
    assert not drawn["bias_0"].any() and drawn["bias_1"].shape == (50, 1, 1)


def test_derivatives_of_periodic_networks_agree_with_reverse_mode():
    parameters, draw = networks(), torch.Generator().manual_seed(2)
    x, t = (torch.rand(2, 6, generator=draw, dtype=torch.float64).requires_grad_() for _ in range(2))
    inputs, directions, curvature = periodic_inputs(x, t)
    value, first, second = (part[..., 0] for part in mlp_jet(parameters, inputs, directions, TANH, 2, curvature))
    plain = apply_mlp(parameters, periodic_inputs(x, t)[0], torch.tanh)[..., 0]
    slopes = torch.autograd.grad(plain.sum(), (x, t), create_graph=True)
    torch.testing.assert_close(value, plain)
    for i, (slope, of) in enumerate(zip(slopes, (x, t), strict=True)):
        torch.testing.assert_close(first[..., i], slope, rtol=1e-10, atol=1e-12)
        bend = torch.autograd.grad(slope.sum(), of, retain_graph=True)[0]
        torch.testing.assert_close(second[..., i], bend, rtol=1e-10, atol=1e-12)
    straight = mlp_jet(parameters, inputs, directions, TANH)[2][..., 0]
    assert abs(straight[..., 0] - second[..., 0]).max() > 1e-3  # the curvature of the circle counts


def test_periodic_networks_have_the_period():
    x, t = torch.linspace(0, 1, 5).double()[None].repeat(2, 1), torch.full((2, 5), 0.3).double()
    once, again = (apply_mlp(networks(), periodic_inputs(x + far, t)[0], torch.tanh) for far in (0, 2 * torch.pi))
    torch.testing.assert_close(once, again)


def test_power_iteration_finds_the_eigenvalues_of_known_hessians():
    """Two runs: (3 a^2 + b^2 - 0.5 c^2) / 2, and ten times that."""
    weights = torch.tensor([[3.0, 1.0, -0.5], [30.0, 10.0, -5.0]])

    def loss_of(p):
        return (weights[:, :2] * p["one"] ** 2).sum(1) / 2 + weights[:, 2] * p["two"][:, 0] ** 2 / 2

    parameters = {"one": torch.ones(2, 2), "two": torch.full((2, 1), 2.0)}
    start = {name: torch.ones_like(value) for name, value in parameters.items()}
    product = hessian_product(loss_of, parameters, start)
    torch.testing.assert_close(torch.cat([product["one"], product["two"]], 1), weights)
    first, axis = top_eigenpair(loss_of, parameters, start, 30)
    torch.testing.assert_close(first, weights[:, 0])
    torch.testing.assert_close(axis["one"], torch.tensor([[1.0, 0.0], [1.0, 0.0]]), atol=1e-5, rtol=0)
    second, _ = top_eigenpair(loss_of, parameters, start, 30, [axis])
    torch.testing.assert_close(second, weights[:, 1])
    _, two = top_eigenpair(loss_of, parameters, start, 30, [axis])
    third, _ = top_eigenpair(loss_of, parameters, start, 30, [axis, two])
    torch.testing.assert_close(third, weights[:, 2])


def test_eigenvalues_agree_with_the_whole_hessian():
    """Peer: torch.func.hessian of one run at a time."""
    parameters, x = networks(2, 3), torch.linspace(0, 6, 20).double()[None].repeat(2, 1)

    def loss_of(p):
        found = apply_mlp(p, periodic_inputs(x[: len(p["bias_0"])], x[: len(p["bias_0"])] / 6)[0], torch.tanh)
        return (found[..., 0] - torch.sin(x[: len(found)])).square().mean(-1)

    draw = torch.Generator().manual_seed(4)
    start = {k: torch.randn(v.shape, generator=draw, dtype=torch.float64) for k, v in parameters.items()}
    found, _ = top_eigenpair(loss_of, parameters, start, 60)
    for run in range(2):
        own = {k: v[run : run + 1] for k, v in parameters.items()}
        sizes = [v.numel() for v in own.values()]

        def of_row(row, own=own, sizes=sizes):
            parts = zip(own.items(), row.split(sizes), strict=True)
            return loss_of({k: part.reshape(v.shape) for (k, v), part in parts})[0]

        row = torch.cat([v.flatten() for v in own.values()])
        whole = torch.linalg.eigvalsh(torch.func.hessian(of_row)(row))
        assert float(found[run]) == pytest.approx(float(whole[whole.abs().argmax()]), rel=1e-4)
