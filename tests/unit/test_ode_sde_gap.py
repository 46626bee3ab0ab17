"""Known answers: residuals of exact densities, the solvable gap, samplers with exact scores, entropies, exact W2."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pesin.errors import UserError
from pesin.models.jets import softplus_activation
from pesin.models.mlp import apply_mlp, init_mlp
from pesin.params import check
from pesin.stats.transport import wasserstein2, wasserstein2_histograms
from pesin.steps.case import Case
from project import case_of, plan
from stopping import assert_goes_on
from studies.ode_sde_gap.laws import LAWS
from studies.ode_sde_gap.learned import forecast as forecasting
from studies.ode_sde_gap.learned.entropy import densities
from studies.ode_sde_gap.learned.params import Params
from studies.ode_sde_gap.learned.simulate import simulate
from studies.ode_sde_gap.learned.train import batch, denoising_loss, rate, train
from studies.ode_sde_gap.process import (
    kept,
    learned_score,
    network_residual,
    residual,
    sample_ode,
    sample_sde,
    times,
    with_time,
)
from studies.ode_sde_gap.solvable import entropy as solvable

STUDY = "ode_sde_gap"


def case(step, name="blob", scale="smoke", **change):
    return case_of(STUDY, name, step, scale, **change)


def normals(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return lambda x: torch.randn(x.shape, generator=generator, dtype=x.dtype)


# ------------------------------------------------------------------------------------------------ residual and network


def blobs_log_density(x, t):
    """The closed form in torch, so that it can be differentiated: shape (n, 2), (n,) -> (n,)."""
    mixture = LAWS["blob"].mixture
    scale, sd = kept(t)
    var = scale**2 * mixture.covariances[0, 0, 0] + sd**2
    apart = x[:, None] - scale[:, None, None] * torch.as_tensor(mixture.means)
    joint = -apart.square().sum(-1) / (2 * var[:, None]) - torch.log(2 * torch.pi * var)[:, None]
    return torch.logsumexp(joint, -1) - np.log(9)


def test_the_exact_log_density_leaves_no_residual_and_a_wrong_one_does():
    rng = np.random.default_rng(0)
    x = torch.as_tensor(rng.uniform(-3, 3, (200, 2))).requires_grad_()
    t = torch.as_tensor(rng.uniform(0.1, 3, 200)).requires_grad_()

    def leftover(factor):
        value = factor * blobs_log_density(x, t)
        slope, speed = torch.autograd.grad(value.sum(), (x, t), create_graph=True)
        bend = sum(torch.autograd.grad(slope[:, i].sum(), x, retain_graph=True)[0][:, i] for i in (0, 1))
        return residual(x, speed, slope, bend).detach()

    value = blobs_log_density(x[:3], t[:3]).detach().numpy()
    few = zip(x[:3].tolist(), t[:3].tolist(), strict=True)
    exact = [LAWS["blob"].mixture.noised(*kept(when)).log_density(place) for place, when in few]
    np.testing.assert_allclose(value, exact)
    assert abs(leftover(1.0)).max() < 1e-4
    assert abs(leftover(1.1)).max() > 0.1


def test_a_uniform_background_leaves_no_residual_either():
    """p + c e^(2 t) solves the equation too: the penalty can't see points that the network puts everywhere."""
    x, t = (
        torch.randn(50, 2, dtype=torch.float64).requires_grad_(),
        torch.linspace(0.1, 2, 50).double().requires_grad_(),
    )
    value = torch.log(torch.exp(blobs_log_density(x, t)) + 0.01 * torch.exp(2 * t))
    slope, speed = torch.autograd.grad(value.sum(), (x, t), create_graph=True)
    bend = sum(torch.autograd.grad(slope[:, i].sum(), x, retain_graph=True)[0][:, i] for i in (0, 1))
    assert abs(residual(x, speed, slope, bend)).max() < 1e-8


def test_the_residual_and_score_of_networks_are_those_of_their_derivatives():
    activation, generator = softplus_activation(5), torch.Generator().manual_seed(1)
    nets = {k: v.detach().double() for k, v in init_mlp(2, [3, 6, 6, 1], generator).items()}
    inputs = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    found = network_residual(nets, inputs, activation)
    at = inputs.clone().requires_grad_()
    (slope,) = torch.autograd.grad(apply_mlp(nets, at, activation.value).sum(), at, create_graph=True)
    bend = sum(torch.autograd.grad(slope[..., i].sum(), at, retain_graph=True)[0][..., i] for i in (1, 2))
    torch.testing.assert_close(found, residual(inputs[..., 1:], slope[..., 0], slope[..., 1:], bend).detach())
    score = learned_score(nets, activation)(inputs[..., 1:], 0.3)
    moved = with_time(inputs[..., 1:], 0.3).requires_grad_()
    (expected,) = torch.autograd.grad(apply_mlp(nets, moved, activation.value).sum(), moved)
    torch.testing.assert_close(score, expected[..., 1:])


# ------------------------------------------------------------------------------------------------------- solvable case


def test_the_solvable_gap_is_that_of_the_moments():
    """Variances by their own equations, v' = -2 (1 + delta) v + 1 and v' = -delta v, in tiny steps."""
    for delta in (0.01, 0.3):
        for horizon in (2.0, 5.0):
            sde = ode = 0.5
            step = 1e-4
            for _ in range(round(horizon / step)):
                sde += step * (1 - 2 * (1 + delta) * sde)
                ode -= step * delta * ode
            assert solvable.sde(np.array(delta), horizon) == pytest.approx(sde**0.5, rel=1e-4)
            assert solvable.ode(np.array(delta), horizon) == pytest.approx(ode**0.5, rel=1e-4)


def test_the_ode_error_grows_with_the_horizon_and_the_sde_error_does_not():
    delta = np.array(0.1)
    ode = [abs(solvable.ode(delta, t) - 0.5**0.5) for t in (2, 5, 10)]
    sde = [abs(solvable.sde(delta, t) - 0.5**0.5) for t in (2, 5, 10)]
    assert ode[0] < ode[1] / 2 < ode[2] / 3 and np.ptp(sde) < 0.02 * sde[0]


def test_the_residual_of_the_perturbed_score_is_its_closed_form():
    x = torch.as_tensor(np.random.default_rng(1).normal(0, 0.5**0.5, (400_000, 2)))
    delta = 0.2
    left = residual(x, torch.zeros(len(x)), -(2 + delta) * x, torch.full((len(x),), -2.0 * (2 + delta)))
    assert float(left.square().mean().sqrt()) == pytest.approx(float(solvable.residual_root(np.array(delta))), rel=0.01)


def test_our_samplers_make_the_solvable_gap():
    result = solvable.entropy(case("entropy", "solvable", "laptop"))
    large = result.sel(deviation=[0.1, 0.3, 1])
    np.testing.assert_allclose(large["made_gap"], large["gap"], atol=0.05)
    null = solvable.entropy(case("entropy", "no_deviation", "laptop"))
    assert not null["gap"].any() and not null["residual"].any()


# ------------------------------------------------------------------------------------------------------------ samplers


@pytest.mark.parametrize("grid", ["quadratic", "official"])
def test_times_fall_from_the_horizon_to_the_start(grid):
    found = times(5.0, 1e-3, 200, grid)
    assert found[0] == 5.0 and found[-1] == pytest.approx(1e-3) and (np.diff(found) < 0).all()
    assert len(found) == (201 if grid == "quadratic" else 291)


@pytest.mark.parametrize("law", ["blob", "checker"])
def test_with_the_exact_score_both_samplers_reach_the_data(law):
    def score(x, t):
        return torch.as_tensor(LAWS[law].noised_score(x.numpy(), *kept(t)))

    start = normals()(torch.empty(1, 700, 2, dtype=torch.float64)) / 2**0.5
    steps, rng = times(5.0, 1e-3, 100, "quadratic"), np.random.default_rng(0)
    data = [LAWS[law].sample(rng, 700) for _ in range(4)]
    floor = max(wasserstein2(data[0], other) for other in data[1:])
    for cloud in (sample_ode(score, start, steps), sample_sde(score, start, steps, normals(1))):
        assert wasserstein2(cloud[0].numpy(), data[0]) < 1.5 * floor
    assert wasserstein2(start[0].numpy(), data[0]) > 2.5 * floor


def test_data_have_the_entropy_that_is_said_of_them():
    from pesin.entropy.neighbours import differential_entropy

    rng = np.random.default_rng(0)
    for law in LAWS.values():
        assert float(differential_entropy(law.sample(rng, 20_000), 5).value) == pytest.approx(law.entropy, abs=0.06)
    assert LAWS["checker"].entropy == pytest.approx(np.log(18))


def test_the_likelihood_of_the_law_at_rest():
    """N(0, I/2) stays what it is: phi = -|x|^2 up to a constant, here by a network that is the square within reach."""
    here = case("entropy", "blob", "laptop", train={"sharpness": 1.0})
    points = np.random.default_rng(2).normal(0, 0.5**0.5, (1, 500, 2)).astype(np.float32)
    # softplus(u) + softplus(-u) is even, and a u^2 + O(u^4): sum over both axes, scaled to -|x|^2 / 1
    small, side = 0.05, torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
    nets = {
        "weight_0": (small * side)[None],
        "bias_0": torch.zeros(1, 1, 4),
        "weight_1": torch.full((1, 4, 1), -4 / small**2),
        "bias_1": torch.zeros(1, 1, 1),
    }
    found = densities(here, nets, points)
    expected = -np.log(np.pi) - (points.astype(float) ** 2).sum(-1)
    np.testing.assert_allclose(found["log_density"], expected, atol=0.05)
    assert -found["log_density"].mean() == pytest.approx(2.14473, abs=0.1)  # ln(pi e), by 500 points
    np.testing.assert_allclose(found["along"], found["log_density"][None] * np.ones((5, 1, 1)), atol=0.05)


# ------------------------------------------------------------------------------------------------------------ training


def test_batches_are_noised_data_in_pairs():
    params = case("train", train={"batch": 4000}).params
    x, t, z = batch(params, np.random.default_rng(0))
    assert x.shape == (3, 4000, 2) and t.shape == (3, 4000, 1)
    np.testing.assert_array_equal(z[:, :2000], -z[:, 2000:])
    np.testing.assert_array_equal(t[:, :2000], t[:, 2000:])
    assert params.train.start <= t.min() and t.max() < params.train.horizon
    middle = (x[:, :2000] + x[:, 2000:]) / 2  # the data, shrunk
    assert (abs(middle) <= 4 * np.exp(-t[:, :2000])).all()
    assert t.mean() == pytest.approx(5 / 3, abs=0.05)  # Beta(1, 2) has the mean 1/3


@pytest.mark.parametrize("kind", ["plain", "by_variance"])
def test_the_denoising_loss_is_least_at_the_score(kind):
    """x0 = 0: the score is -x / sd^2, and the loss of it zero; a network of one linear layer is a constant field."""
    t = torch.full((1, 50, 1), 0.7)
    z = torch.randn(1, 50, 2, generator=torch.Generator().manual_seed(0))
    sd = kept(t)[1]
    constant = {"weight_0": torch.tensor([[[0.0], [1.0], [2.0]]]), "bias_0": torch.zeros(1, 1, 1)}
    found = denoising_loss(constant, sd * z, t, z, kind, softplus_activation(1))
    apart = (torch.tensor([1.0, 2.0]) + z / sd).square().sum(-1).mean()
    assert float(found) == pytest.approx(float(apart * (sd[0, 0, 0] ** 2 if kind == "by_variance" else 1)), rel=1e-5)


def test_rates_of_both_schedules():
    params = case("train").params.train
    one = [rate(params, step) for step in range(params.steps)]
    assert max(one) == pytest.approx(params.lr, rel=0.05) and one[0] < params.lr / 20 and one[-1] < params.lr / 50
    official = params.model_copy(update={"schedule": "official", "steps": 100})
    assert [rate(official, s) / params.lr for s in (0, 24, 25, 89, 90)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_without_penalty_all_weights_are_one_network_and_the_penalty_lowers_the_residual():
    change = {"train": {"steps": 150, "width": 16, "batch": 64, "collocation": 64}}
    trained = train(case("train", **change), None)
    data = simulate(case("simulate"))
    with_penalty = forecasting.residuals(case("forecast", **change), trained)
    assert with_penalty.shape == (3, 3) and (with_penalty[2] < 0.5 * with_penalty[0]).all()
    control = replace(case("forecast", "no_penalty", **change), streams="blob")
    alone = forecasting.forecast(control, data, trained)
    assert not np.ptp(alone["transport"].values, axis=2).any() and np.isnan(alone["rank_correlation"]).all()
    np.testing.assert_allclose(alone["residual"][0], with_penalty[0], rtol=1e-5)


def test_a_stopped_training_goes_on(tmp_path, monkeypatch):
    assert_goes_on(lambda given: train(given, None), case("train"), tmp_path, monkeypatch, 11)


# ----------------------------------------------------------------------------------------------------------- distances


def test_exact_distance_of_histograms():
    places = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0), indexing="ij"), -1).reshape(-1, 2)
    p, q = np.zeros(16), np.zeros(16)
    p[[0, 5]], q[[2, 7]] = 0.5, 0.5  # both shifted by two along y
    assert wasserstein2_histograms(p, q, places) == pytest.approx(2)
    assert wasserstein2_histograms(p, p, places) == 0
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 40, 2))
    share = np.concatenate([np.full(40, 1 / 40), np.zeros(40)])
    assert wasserstein2_histograms(share, share[::-1], np.concatenate([x, y])) == pytest.approx(wasserstein2(x, y))
    with pytest.raises(ValueError, match="sum to one"):
        wasserstein2_histograms(2 * p, q, places)
    with pytest.raises(ValueError, match="don't fit"):
        wasserstein2_histograms(p, q, places[:-1])


def test_histograms_with_and_without_what_lies_outside():
    here = case("forecast", forecast={"bins": 4})
    cloud = np.array([[[-3.9, -3.9], [0.1, 0.1], [100.0, 3.9], [-7.0, -9.0]]])
    (inside,), (every,) = forecasting.histograms(here, cloud)
    assert every[0, 0] == 0.5 and every[2, 2] == 0.25 and every[3, 3] == 0.25 and every.sum() == 1
    assert inside[0, 0] == 0.5 and inside[2, 2] == 0.5 and inside.sum() == 1
    assert np.isnan(forecasting.histograms(here, cloud[:, 2:])[0]).all()
    assert forecasting.escaped(here, cloud)[0] == 0.5
    lost = forecasting.histograms(here, np.where(cloud == 100, np.nan, cloud))
    assert np.isnan(lost).all() and np.isnan(forecasting.squares(here, lost, lost)).all()


def test_the_best_weight_is_chosen_on_the_other_seeds():
    values = np.array([[9.0, 9, 9], [1, 7, 7], [4, 3, 3]])  # alone, seed 0 would choose the first weight above zero
    np.testing.assert_array_equal(forecasting.chosen(values), [4, 3, 3])


# ----------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": {"weights": [0.1, 1, 10]}}, "begin with 0"),
        ({"train": {"start": 9.0}}, "not before the horizon"),
        ({"train": {"batch": 33}}, "multiple of 2"),
        ({"simulate": {"law": "circles"}, "forecast": {"score": "exact"}}, "exact score is known of"),
        ({"entropy": {"times": [0.5, 7.0]}}, "must lie between"),
        ({"simulate": {"seeds": 2}}, "greater than or equal to 3"),
    ],
)
def test_settings_outside_the_physics_are_refused_with_their_key(change, said):
    given = plan("smoke", (STUDY,)).study(STUDY).cases["blob"].params
    merged = {section: values | change.get(section, {}) for section, values in given.items()}
    with pytest.raises(UserError, match=said) as refused:
        check(Params, merged, "config/studies/ode_sde_gap.yaml")
    assert "config/studies/ode_sde_gap.yaml" in str(refused.value)


def test_a_missing_pot_is_a_sentence(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ot", None)
    monkeypatch.setitem(sys.modules, "ot.lp", None)
    with pytest.raises(UserError, match="pot is missing"):
        wasserstein2_histograms([1.0], [1.0], [[0.0, 0.0]])


def test_replicates_draw_other_data():
    one, other = (simulate(replace(case("simulate"), replicate=r))["data"].values for r in (0, 1))
    assert isinstance(case("simulate"), Case) and (one != other).any()
