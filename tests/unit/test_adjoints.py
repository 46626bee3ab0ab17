"""Gradients through solvers: against autograd through the same steps, closed forms, and torchsde's own method."""

import numpy as np
import pytest
import torch

from pesin.models.adjoints import Equation, advance, continuous_adjoint, reverse, reversible_heun


def field(parameters, x, t):
    return (torch.tanh(x @ parameters["weight"]) * (1 + t),)


def noisy(parameters, x, t):
    return *field(parameters, x, t), 0.3 * torch.cos(x * parameters["scale"])


def general(parameters, x, t):
    return *field(parameters, x, t), torch.stack([x * parameters["scale"], torch.sin(x)], -1)


def drawn(shape, seed=0, scale=1.0):
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def problem(name, steps=20):
    parameters = {"weight": drawn((3, 3)).requires_grad_(), "scale": drawn(3, 1).requires_grad_()}
    shape = {"ode": None, "diagonal": (5, 3), "general": (5, 2)}[name]
    increments = None if shape is None else drawn((steps, *shape), 2, (1 / steps) ** 0.5)
    right = {"ode": field, "diagonal": noisy, "general": general}[name]
    noise = None if increments is None else increments.__getitem__
    return Equation(right, np.linspace(0, 1, steps + 1), noise), parameters, drawn((5, 3), 3).requires_grad_()


@pytest.mark.parametrize("name", ["ode", "diagonal", "general"])
def test_gradients_are_those_of_autograd_through_all_steps(name):
    equation, parameters, x = problem(name)
    leaves = [x, *parameters.values()]

    def slopes(states):
        loss = (states[0] ** 2).sum() + (states[1] * states[2]).sum()
        return torch.autograd.grad(loss, leaves, materialize_grads=True)

    ours = slopes(reversible_heun(equation, parameters, x, (7, 0, -1)))
    middle = advance(equation._replace(times=equation.times[:8]), parameters, x, x)[0]
    theirs = slopes([middle, x, advance(equation, parameters, x, x)[0]])
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["ode", "diagonal", "general"])
def test_reverse_undoes_advance(name):
    equation, parameters, x = problem(name, 200)
    with torch.no_grad():
        back = reverse(equation, parameters, *advance(equation, parameters, x, x))
    for found in back:
        torch.testing.assert_close(found, x.detach(), rtol=0, atol=1e-12)


def test_a_step_is_the_two_formulas():
    x, h, rate = torch.tensor([2.0], dtype=torch.float64), 0.1, -0.5
    y, z = advance(Equation(lambda p, x, t: (rate * x,), [0.0, h]), {}, x, x)
    assert z.item() == pytest.approx(2 * (1 + h * rate))
    assert y.item() == pytest.approx(2 + h / 2 * rate * (2 + z.item()))


def test_on_a_contracting_field_the_second_mode_explodes():
    one = torch.ones(1, dtype=torch.float64)
    y, _ = advance(Equation(lambda p, x, t: (-0.5 * x,), np.arange(201.0)), {}, one, one)
    assert -1e40 < y.item() < -1e38


def test_the_continuous_adjoint_is_off_by_the_square_of_the_step():
    x, gradient = drawn((5, 3), 3), drawn((5, 3), 4)
    parameters = {"weight": drawn((3, 3)).requires_grad_()}
    y = advance(Equation(field, np.linspace(0, 1, 1001)), parameters, x, x)[0]
    exact = torch.autograd.grad((y * gradient).sum(), parameters["weight"])[0]

    def error(steps):
        equation = Equation(field, np.linspace(0, 1, steps + 1))
        return (continuous_adjoint(equation, parameters, x, gradient)[2]["weight"] - exact).norm().item()

    assert 3.3 < error(40) / error(80) < 4.7


def test_a_diffusion_without_noise_is_told():
    equation, parameters, x = problem("diagonal")
    with pytest.raises(ValueError, match="give the noise"):
        advance(equation._replace(noise=None), parameters, x, x)


def test_the_steps_are_torchsdes():
    torchsde = pytest.importorskip("torchsde")
    equation, parameters, x = problem("diagonal")

    class Theirs(torch.nn.Module):
        noise_type, sde_type = "diagonal", "stratonovich"

        def f(self, t, y):
            return noisy(parameters, y, float(t))[0]

        def g(self, t, y):
            return noisy(parameters, y, float(t))[1]

    class Path:
        def __call__(self, a, b=None, **_):
            return equation.noise(round(float(a) * 20))

        shape, dtype, device, levy_area_approximation = (5, 3), torch.float64, torch.device("cpu"), "none"

    times = torch.linspace(0, 1, 21, dtype=torch.float64)
    theirs = torchsde.sdeint(Theirs(), x.detach(), times, bm=Path(), method="reversible_heun", dt=0.05)
    ours = reversible_heun(equation, parameters, x, range(21))
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
