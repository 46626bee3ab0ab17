"""Known answers: pruning, both networks, what lies between copies, the rules, controls, data orders, resuming."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from pesin.config.load import merge
from pesin.errors import UserError
from pesin.params import check
from pesin.stats.similarity import linear_cka
from project import case_of, plan
from stopping import assert_goes_on
from studies.three_regime_pruning import landscape
from studies.three_regime_pruning.entropy import entropy
from studies.three_regime_pruning.forecast import forecast
from studies.three_regime_pruning.nets import error, init, line, logits, prune
from studies.three_regime_pruning.params import Net, Params
from studies.three_regime_pruning.simulate import simulate
from studies.three_regime_pruning.train import ascent, dense, noisy, train

STUDY = "three_regime_pruning"
MLP, RESNET = (Net(kind=kind, width=4, depth=2) for kind in ("mlp", "preresnet"))
SHAPES = {MLP: (1, 8, 8), RESNET: (3, 8, 8)}
TINY = {"train": {"seeds": 4, "retrain": {"epochs": 2}, "epochs": [1, 8], "densities": [0.08, 0.4], "together": 8}}


def case(step, name="task", **change):
    return case_of(STUDY, name, step, "smoke", **change)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def data():
    return simulate(case("simulate"))


@pytest.fixture(scope="module")
def trained(data):
    return train(case("train", **TINY), data)


# ----------------------------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize("scope", ["layer", "whole"])
def test_so_many_of_the_largest_weights_are_kept(scope):
    parameters = init(MLP, 3, SHAPES[MLP], generator(), "cpu")
    masks = prune(parameters, 0.1, scope)
    sizes = {name: mask[0].numel() for name, mask in masks.items()}
    kept = {name: mask.flatten(1).sum(1) for name, mask in masks.items()}
    if scope == "layer":
        assert all((kept[name] == -(-size // 10)).all() for name, size in sizes.items())
        for name, mask in masks.items():
            size = parameters[name].detach().abs()
            assert all(size[i][mask[i] > 0].min() >= size[i][mask[i] == 0].max() for i in range(3))
    else:
        assert (sum(kept.values()) == -(-sum(sizes.values()) // 10)).all()
    whole = prune(parameters, 1.0, scope)
    assert all((mask == 1).all() for mask in whole.values()) and not any(name.startswith("bias") for name in whole)


@pytest.mark.parametrize("net", [MLP, RESNET])
def test_networks_of_a_runs_axis_are_independent(net):
    """Each run's outputs and gradients are those that it has alone."""
    x = torch.randn(5, *SHAPES[net], generator=generator(1))
    together = init(net, 3, SHAPES[net], generator(), "cpu")
    alone = {name: value.detach()[1:2] for name, value in together.items()}
    torch.testing.assert_close(logits(net, together, x)[1:2], logits(net, alone, x), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(logits(net, together, x)[0], logits(net, together, x)[2])


def test_the_residual_network_is_one_written_with_torchs_own_layers():
    x = torch.randn(6, *SHAPES[RESNET], generator=generator(1))
    many = init(RESNET, 2, SHAPES[RESNET], generator(), "cpu")
    p = {name: value.detach()[1] for name, value in many.items()}

    def normed(name, h):
        mean, var = h.mean((0, 2, 3), keepdim=True), h.var((0, 2, 3), unbiased=False, keepdim=True)
        h = (h - mean) / (var + 1e-5).sqrt()
        return torch.relu(h * p[f"gain_{name}"][:, None, None] + p[f"shift_{name}"][:, None, None])

    h = functional.conv2d(x, p["weight_in"], padding=1)
    for name, stride in (("0_0", 1), ("0_1", 1), ("1_0", 2), ("1_1", 1), ("2_0", 2), ("2_1", 1)):
        a = normed(f"{name}_a", h)
        b = functional.conv2d(a, p[f"weight_{name}_a"], stride=stride, padding=1)
        b = functional.conv2d(normed(f"{name}_b", b), p[f"weight_{name}_b"], padding=1)
        h = b + (functional.conv2d(a, p[f"weight_{name}_side"], stride=stride) if stride == 2 else h)
    z = normed("end", h).mean((2, 3)) @ p["weight_head"] + p["bias_head"]
    torch.testing.assert_close(logits(RESNET, many, x)[1], z, atol=1e-5, rtol=1e-4)


def test_the_papers_network_has_its_size():
    parameters = init(Net(kind="preresnet", width=16, depth=3), 1, (3, 32, 32), generator(), "cpu")
    weights = {name: value for name, value in parameters.items() if name.startswith("weight")}
    assert sum(value.dim() == 5 and value.shape[-1] == 3 for value in weights.values()) + 1 == 20
    assert sum(value.numel() for value in parameters.values()) == pytest.approx(272e3, rel=0.01)


def test_sam_steps_up_the_gradient_by_its_radius():
    gradients = [torch.randn(2, 3, 4, generator=generator()), torch.randn(2, 1, 4, generator=generator(1))]
    steps = ascent(gradients, torch.tensor([0.0, 0.2]))
    lengths = sum(step.flatten(1).square().sum(1) for step in steps).sqrt()
    torch.testing.assert_close(lengths, torch.tensor([0.0, 0.2]))
    assert all((step[1] * g[1] >= 0).all() for step, g in zip(steps, gradients, strict=True))


# ----------------------------------------------------------------------------------------------------- between copies


def test_a_barrier_shows_and_a_line_of_equal_networks_has_none():
    curves = np.array([[0.1, 0.5, 0.3], [0.2, 0.2, 0.2], [0.2, 0.05, 0.4]])
    np.testing.assert_allclose(landscape.connectivity(curves), [-0.3, 0, 0.25])


def test_hidden_units_in_another_order_are_alike_and_not_connected(data, trained):
    """CKA 1, and errors along the line far above those of the ends: connectivity sees what similarity can't."""
    net = case("train").params.train.net
    x, label = (torch.as_tensor(data[f"train_{what}"].values) for what in ("image", "label"))
    longest = dense(case("train"), data, trained["told"].values)[len(case("train").params.train.epochs) - 1]
    one = {name: value[:1] for name, value in longest.items()}
    other, order = dict(one), torch.randperm(net.width, generator=generator())
    for layer in range(net.depth):
        other[f"weight_{layer}"] = other[f"weight_{layer}"][:, :, order]
        other[f"bias_{layer}"] = other[f"bias_{layer}"][:, :, order]
        other[f"weight_{layer + 1}"] = other[f"weight_{layer + 1}"][:, order]
    z = [logits(net, p, x).double().numpy() for p in (one, other)]
    np.testing.assert_allclose(linear_cka(*z), 1)
    curve = line(net, one, other, x, label, 5).numpy()
    assert curve[0, [0, -1]] == pytest.approx(float(error(net, one, x, label)), abs=0.01)
    assert landscape.connectivity(curve)[0] < -0.1


def test_regimes_have_the_papers_order():
    found = landscape.regimes(np.array([-0.1, 0, 0]), np.array([0.99, 0.8, 0.99]), -0.01, 0.9)
    assert [landscape.REGIMES[i] for i in found] == ["I", "II-A", "II-B"]


def test_signs_by_other_seeds_give_nothing_a_mean():
    draws = np.random.default_rng(0).normal(size=(2000, 8))
    assert np.mean([landscape.turned(x, x) for x in draws]) < 0.02
    assert (landscape.turned(np.array([-1.0, -2, -3]), np.array([-1.0, -2, -3])) == [1, 2, 3]).all()


def test_a_jump_is_sharp_and_a_drift_is_not():
    found = landscape.sharpest(np.array([[3, 3.0, 3, 2], [3, 2, 1, 2], [0, 1, 2, 2], [0, 0, 1, 2]]))
    np.testing.assert_allclose(found, [1, 1 / 3, 0.5, 0])


# ------------------------------------------------------------------------------------------------------------ choices


def world(seeds=8, noise=0.0):
    """Errors with the least at the temperature 2, hotter ones connected, alike there; cooler ones with barriers."""
    rng, place = np.random.default_rng(0), np.arange(6)[:, None, None]
    error = 0.1 + 0.02 * abs(place - 2) + noise * rng.normal(size=(6, 4, seeds))
    lmc = np.where(place > 2, -0.05, 0.0) + np.zeros_like(error)
    return error, lmc, 0.99 - 0.01 * abs(place - 2) + np.zeros_like(error)


def test_rules_choose_rightly_where_the_landscape_tells():
    error, lmc, cka = world()
    told = landscape.sign_rule(error, lmc)  # cells 1 to 4; at 2 both neighbours are as good
    np.testing.assert_allclose(told["rule"], 1)
    np.testing.assert_allclose(told["majority"], 2 / 3)
    np.testing.assert_allclose(landscape.selected(error, lmc, cka), 0, atol=1e-12)
    np.testing.assert_allclose(landscape.regret(error, cka), 0, atol=1e-12)
    np.testing.assert_allclose(landscape.tuned(error, lmc, cka, 3, -0.01), 0.1)


def test_a_landscape_that_tells_nothing_wins_nothing():
    """All the same: ties are averaged, and no step is taken."""
    error, _, _ = world(noise=0.01)
    flat, one = np.zeros_like(error), np.ones_like(error)
    told = landscape.sign_rule(error, flat)
    assert (told["rule"] == told["majority"]).all()
    np.testing.assert_allclose(landscape.selected(error, flat, one), (error.mean(0) - error.min(0)).mean(0))
    np.testing.assert_allclose(landscape.tuned(error, flat, one, 3, -0.01), error[3].mean(0))


def test_nothing_is_fitted_to_the_seeds_that_are_scored():
    """With the errors of half of the seeds turned round, the same is chosen for these, and so all is wrong."""
    error, lmc, cka = world(noise=0.05)
    other = np.concatenate([error[..., :4], 1 - error[..., 4:]], -1)
    for name in ("rule", "majority"):
        one, two = (landscape.sign_rule(e, lmc)[name][4:] for e in (error, other))
        np.testing.assert_allclose(one + two, 1)
    one, two = ((landscape.selected(e, lmc, cka) + e.min(0).mean(0))[4:] for e in (error, other))
    np.testing.assert_allclose(one + two, 1)


# --------------------------------------------------------------------------------------------------------- the study


def test_noise_replaces_a_share_of_the_labels():
    label = np.zeros(10000, int)
    found = [noisy(label, share, np.random.default_rng(0)) for share in (0, 0.1, 0.2, 1)]
    assert (found[0] == label).all()
    assert [(one != 0).mean() for one in found[1:]] == pytest.approx([0.09, 0.18, 0.9], abs=0.01)
    assert ((found[1] != 0) <= (found[2] != 0)).all()


def test_pruned_weights_stay_pruned_and_copies_differ(trained):
    p = case("train", **TINY).params.train
    weights = trained["weights"].to_dataset()
    arms = len(p.epochs) + len(p.rho)
    for name, value in weights.data_vars.items():
        if name.startswith("weight"):
            values = value.values.reshape(arms, len(p.densities), p.seeds, p.copies, -1)
            there = values != 0
            for i, density in enumerate(p.densities):
                assert (there[:, i].sum(-1) == np.ceil(density * there.shape[-1] - 1e-9)).all()
            assert (there[..., 0, :] == there[..., 1, :]).all()
            assert (values[..., 0, :] != values[..., 1, :]).any(-1).all()


def test_no_network_depends_on_which_others_train_beside_it(data, trained):
    apart = train(case("train", **(TINY | {"train": TINY["train"] | {"together": 3}})), data)
    np.testing.assert_allclose(apart["loss"], trained["loss"], rtol=1e-3)
    np.testing.assert_array_equal(apart["told"], trained["told"])


def test_an_untrained_network_guesses_and_the_same_copies_are_one(data, trained):
    change = TINY | {"forecast": {"copies": "same"}}
    found = forecast(case("forecast", **change), data, trained)
    assert (found["lmc"] == 0).all() and (found["cka"] == 1).all()
    own = forecast(case("forecast", **TINY), data, trained)
    assert (own["cka"] < 1).all() and (own["error"] == found["error"]).all()
    still = case("train", **{"train": TINY["train"] | {"dense": {"lr": 0}, "retrain": {"lr": 0, "epochs": 1}}})
    nothing = forecast(case("forecast", **TINY), data, train(still, data))
    assert nothing["error"].mean() > 0.8 and (nothing["opposed"] == 0).all() and (nothing["cka"] == 1).all()


def test_the_papers_kind_of_network_goes_through_all_steps(data):
    """Small and on digits: it learns, its copies differ, and pruned kernels stay so."""
    small = {"net": {"kind": "preresnet", "width": 2, "depth": 1}, "together": 64, "epochs": [1, 2], "sam_epochs": 2}
    change = {"train": TINY["train"] | small, "forecast": {"cells": {"cool": 2}}}
    trained = train(case("train", **change), data)
    assert trained["loss"].isel(epoch=-1).mean() < trained["loss"].isel(epoch=0).mean()
    stem = trained["weights/weight_in"].values.reshape(4, 2, -1, 2 * 9)
    assert ((stem[:, 0] != 0).sum(-1) == 2).all() and ((stem[:, 1] != 0).sum(-1) == 8).all()
    found = forecast(case("forecast", **change), data, trained)
    assert (found["cka"] < 1).all() and np.isfinite(found["lmc"]).all()
    spread = entropy(case("entropy", **change), data, trained)
    assert (spread["information"] > 0).all() and (spread["information"] < np.log(2)).all()
    assert (spread["spectral_entropy"] >= 0).all()


def test_a_stopped_training_goes_on(tmp_path, monkeypatch, data):
    assert_goes_on(lambda case: train(case, data), case("train", **TINY), tmp_path, monkeypatch, 12)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": {"rho": [0.2, 0.05]}}, "train.rho: its numbers must rise"),
        ({"train": {"sam_epochs": 7}}, "train: sam_epochs: 7 must be one of the epochs"),
        ({"train": {"seeds": 5}}, "seeds: give an even number"),
        ({"forecast": {"cells": {"low": 0.3}}}, "forecast.cells.low: 0.3 must be one of"),
        ({"forecast": {"default_rho": 0.3}}, "forecast.default_rho: 0.3 must be one of 0.05, 0.2"),
    ],
)
def test_bad_parameters_are_sentences(change, said):
    given = plan("laptop").study(STUDY).cases["task"].params
    with pytest.raises(UserError, match=said):
        check(Params, merge(given, change), "x.yaml")
