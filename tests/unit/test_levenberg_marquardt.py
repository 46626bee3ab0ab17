"""Known answers: Taylor coefficients and Jacobians against torch.func, linear problems in one step, SciPy as peer."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares
from torch.func import jacfwd, jacrev

from pesin.models.levenberg_marquardt import LevenbergMarquardt
from pesin.models.mlp import apply_mlp
from pesin.models.physics_informed import init_xavier
from pesin.models.taylor import flat, mlp_taylor, residual_jacobian, unflat


def networks(runs=2, sizes=(2, 5, 4, 3), seed=0):
    drawn = init_xavier(runs, sizes, torch.Generator().manual_seed(seed))
    return {name: value.detach().double() + 0.1 for name, value in drawn.items()}


def points(runs=2, n=6, width=2):
    return torch.rand(runs, n, width, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def test_four_derivatives_along_a_line_agree_with_nested_forward_mode():
    parameters, x = networks(), points()
    line = torch.tensor([1.0, 0.5], dtype=torch.float64).expand_as(x)
    zero = torch.zeros_like(x)
    found = mlp_taylor(parameters, [x, line, zero, zero, zero])

    def along(s):
        return apply_mlp(parameters, x + s * line, torch.tanh)

    derivative, here = along, torch.zeros((), dtype=torch.float64)
    for order, part in enumerate(found):
        torch.testing.assert_close(math.factorial(order) * part, derivative(here), rtol=1e-10, atol=1e-10)
        derivative = jacfwd(derivative)


def test_a_curve_and_its_fourth_derivative_of_a_closed_form():
    """One unit: tanh(sin s) at s = 0 has derivatives 0, 1, 0, -3, 0."""
    one = {"weight_0": torch.ones(1, 1, 1), "bias_0": torch.zeros(1, 1, 1)}
    one |= {"weight_1": torch.ones(1, 1, 1), "bias_1": torch.zeros(1, 1, 1)}
    curve = [torch.full((1, 1, 1), value) for value in (0.0, 1.0, 0.0, -1 / 6, 0.0)]
    found = [math.factorial(k) * float(part) for k, part in enumerate(mlp_taylor(one, curve))]
    np.testing.assert_allclose(found, [0, 1, 0, -3, 0], atol=1e-6)


def oscillator(x):
    """A residual with two outputs of value, slope and bend, by two passes."""

    def residual(parameters, watch):
        e = torch.tensor([1.0, 0.0], dtype=x.dtype).expand_as(x)
        value, slope, bend = mlp_taylor(parameters, [x, e, torch.zeros_like(x)], watch)
        _, other = mlp_taylor(parameters, [x, torch.tensor([0.0, 1.0], dtype=x.dtype).expand_as(x)], watch)
        left = 2 * bend + slope * other + value**3
        return left[..., :2] - left[..., 2:]

    return residual


def test_jacobians_agree_with_torch_func():
    parameters, residual = networks(), oscillator(points())
    found, jacobian = residual_jacobian(residual, parameters)
    torch.testing.assert_close(found, residual(parameters, None))
    rows = flat(parameters)
    whole = jacrev(lambda values: residual(unflat(values, parameters), None))(rows)
    own = torch.stack([whole[run, :, :, run] for run in range(2)])
    torch.testing.assert_close(jacobian, own, rtol=1e-10, atol=1e-12)
    for name, value in unflat(rows, parameters).items():
        assert torch.equal(value, parameters[name])


def linear(x, target):
    return lambda parameters, watch: mlp_taylor(parameters, [x], watch)[0] - target


@pytest.mark.parametrize("samples", [3, 40], ids=["residual space", "parameter space"])
def test_a_linear_problem_is_solved_in_one_step_by_weights(samples):
    parameters, x = networks(sizes=(4, 2)), points(n=samples, width=4)
    target = torch.rand(2, samples, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weight = torch.linspace(0.1, 2, samples, dtype=torch.float64)[None, :, None]
    before = {name: value.clone() for name, value in parameters.items()}
    optimiser = LevenbergMarquardt(parameters, damping=1e-13)
    optimiser.step(linear(x, target), lambda r: weight)
    for run in range(2):
        design = np.hstack([x[run].numpy(), np.ones((samples, 1))])
        root = np.sqrt(weight[0].numpy())
        start = np.vstack([before["weight_0"][run], before["bias_0"][run]])
        move = np.linalg.lstsq(root * design, root * (target[run].numpy() - design @ start), rcond=None)[0]
        found = np.vstack([parameters["weight_0"][run], parameters["bias_0"][run]])
        np.testing.assert_allclose(found, start + move, atol=1e-7)


def test_fits_a_curve_as_well_as_scipy_and_never_rises():
    x = torch.linspace(-1, 1, 40, dtype=torch.float64)[None, :, None].expand(2, -1, -1)
    target, parameters = torch.sin(3 * x), networks(sizes=(1, 4, 1))
    residual, start = linear(x, target), flat(parameters).clone()
    optimiser = LevenbergMarquardt(parameters)
    losses = torch.stack([optimiser.step(residual, torch.ones_like).square().sum((1, 2)) for _ in range(60)])
    assert (losses.diff(dim=0) <= 0).all()
    for run in range(2):

        def alone(row, run=run):
            rows = torch.as_tensor(row).expand(2, -1)
            return residual(unflat(rows, parameters), None)[run, :, 0].numpy()

        peer = least_squares(alone, start[run].numpy(), method="lm", max_nfev=400)
        assert float(losses[-1, run]) < max(3 * 2 * peer.cost, 1e-6)


def test_a_run_that_cannot_improve_stays_and_others_go_on():
    parameters, x = networks(sizes=(2, 1)), points(n=8)
    goal = mlp_taylor({name: value.clone() for name, value in parameters.items()}, [x])[0]
    goal[1] += 1
    optimiser = LevenbergMarquardt(parameters)
    kept = flat(parameters).clone()
    optimiser.step(linear(x, goal), torch.ones_like)
    assert torch.equal(flat(parameters)[0], kept[0]) and not torch.equal(flat(parameters)[1], kept[1])
    other = LevenbergMarquardt({name: torch.zeros_like(value) for name, value in parameters.items()})
    other.restore(optimiser.arrays())
    assert torch.equal(flat(other.parameters), flat(parameters)) and torch.equal(other.mu, optimiser.mu)
