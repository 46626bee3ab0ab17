"""Known answers of normal laws from networks, of the ensembles' penalties, and of what their uncertainty is made of."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from pesin.entropy.gaussian import mixture_information, uncertainty_split
from pesin.models.gaussian_nets import anchored, bootstrap_places, gaussian_head, nll


def test_a_head_holds_the_deviation_and_keeps_a_slope():
    out = torch.tensor([[0.3, -30.0], [0.3, 0.0], [0.3, 30.0]], requires_grad=True)
    mean, log_std = gaussian_head(out, 1e-3, 1e3)
    torch.testing.assert_close(mean, out[:, :1])
    torch.testing.assert_close(log_std.exp()[:, 0], torch.tensor([1e-3, 1.0, 1e3]), rtol=2e-3, atol=0)
    (slope,) = torch.autograd.grad(log_std.sum(), out)
    assert (slope[:, 1] > 0).all()


@pytest.mark.parametrize("out, floor, ceiling, said", [(3, 0.1, 1, "even"), (2, 1, 0.1, "floor"), (2, 0, 1, "floor")])
def test_a_head_that_cannot_be(out, floor, ceiling, said):
    with pytest.raises(ValueError, match=said):
        gaussian_head(torch.zeros(1, out), floor, ceiling)


def test_the_loss_is_scipys_density_run_by_run():
    rng = np.random.default_rng(0)
    mean, log_std, y = rng.normal(size=(3, 2, 5, 4))
    expected = -norm(mean, np.exp(log_std)).logpdf(y).sum(-1).mean(-1)
    np.testing.assert_allclose(nll(*map(torch.as_tensor, (mean, log_std, y))), expected, rtol=1e-12)


def test_the_loss_is_least_at_the_samples_moments():
    y = torch.randn(1, 200, 1, generator=torch.Generator().manual_seed(1)).double()
    mean, log_std = (t.clone().requires_grad_() for t in (y.mean((1, 2)), y.var((1, 2), correction=0).log() / 2))
    for slope in torch.autograd.grad(nll(mean.view(1, 1, 1), log_std.view(1, 1, 1), y).sum(), [mean, log_std]):
        assert abs(slope).item() < 1e-12


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_power_of_the_variance_weighs_the_gradients_and_moves_no_minimum(beta):
    rng = np.random.default_rng(4)
    mean, log_std, y = (torch.as_tensor(rng.normal(size=(2, 7, 1))).requires_grad_() for _ in range(3))
    slopes = torch.autograd.grad(nll(mean, log_std, y, beta).sum(), [mean, log_std])
    plain = torch.autograd.grad(nll(mean, log_std, y).sum(), [mean, log_std])
    for slope, one in zip(slopes, plain, strict=True):
        torch.testing.assert_close(slope, one * (2 * beta * log_std).exp())
    if beta == 1:
        torch.testing.assert_close(slopes[0], (mean - y) / 7)


def test_resamples_leave_out_the_share_they_should():
    places = bootstrap_places(np.random.default_rng(2), 400, 50)
    assert places.shape == (400, 50) and places.min() == 0 and places.max() == 49
    left_out = np.mean([np.unique(row).size for row in places]) / 50
    assert left_out == pytest.approx(1 - (1 - 1 / 50) ** 50, abs=0.01)
    with pytest.raises(ValueError, match="bootstrap"):
        bootstrap_places(np.random.default_rng(2), 1, 0)


def test_anchors_are_the_centre_of_a_normal_prior():
    rng = np.random.default_rng(3)
    parameters = {
        "weight_0": torch.as_tensor(rng.normal(size=(2, 3, 4))),
        "bias_0": torch.as_tensor(rng.normal(size=(2, 1, 4))),
    }
    anchors = {name: torch.as_tensor(rng.normal(size=value.shape)) for name, value in parameters.items()}
    found = anchored(parameters, anchors, 1 / (2 * 3.0**2))
    for run in range(2):
        log = sum(norm(anchors[name][run], 3.0).logpdf(parameters[name][run]).sum() for name in parameters)
        constant = 16 * norm(0, 3.0).logpdf(0)
        assert found[run].item() == pytest.approx(constant - log)
    torch.testing.assert_close(
        anchored(parameters, None, {"weight_0": 0, "bias_0": 2.0}), 2 * parameters["bias_0"].square().sum((1, 2))
    )
    assert anchored(parameters, parameters, 5.0).abs().max() == 0


def test_the_split_adds_up_to_the_mixtures_variance():
    rng = np.random.default_rng(4)
    mean, sd = rng.normal(size=(3, 6)), rng.random((3, 6)) + 0.1
    aleatoric, epistemic = uncertainty_split(mean, sd)
    second = (mean**2 + sd**2).mean(-1)
    np.testing.assert_allclose(aleatoric + epistemic, second - mean.mean(-1) ** 2, rtol=1e-12)
    assert uncertainty_split([1.0, 1.0], [2.0, 2.0]) == (4.0, 0.0)


def test_information_of_members():
    """0 if they agree, ln(members) if they are worlds apart, the integral that defines it between."""
    assert mixture_information([0.5, 0.5, 0.5], [2.0, 2.0, 2.0]).value == pytest.approx(0, abs=1e-12)
    assert mixture_information([0.0, 1e3, -1e3], [1.0, 2.0, 0.5]).value == pytest.approx(math.log(3), rel=1e-12)
    mean, sd = np.array([0.0, 1.5]), np.array([1.0, 0.4])
    laws = [norm(m, s) for m, s in zip(mean, sd, strict=True)]

    def entropy_density(x):
        p = np.mean([law.pdf(x) for law in laws])
        return -p * np.log(p)

    whole = quad(entropy_density, -12, 12, points=[0, 1.5], limit=200)[0]
    expected = whole - np.mean([law.entropy() for law in laws])
    assert mixture_information(mean, sd).value == pytest.approx(expected, rel=1e-6)
    assert mixture_information(np.stack([mean, mean]), np.stack([sd, sd])).value.shape == (2,)


@pytest.mark.parametrize("function", [uncertainty_split, mixture_information])
def test_deviations_are_positive(function):
    with pytest.raises(ValueError, match="above 0"):
        function([0.0, 1.0], [1.0, 0.0])
