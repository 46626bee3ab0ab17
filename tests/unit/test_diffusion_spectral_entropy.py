"""The study's own functions: known values, worlds with and without their effect, training, scores, bad parameters."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy import stats

from pesin.config.load import merge
from pesin.entropy.kernel import diffusion_spectral_entropy, von_neumann_entropy
from pesin.models.ragged import Ragged, apply_ragged, init_ragged
from pesin.steps.case import Case
from pesin.steps.files import publish, same
from project import case_of
from stopping import assert_goes_on
from studies.diffusion_spectral_entropy.bit import BIT
from studies.diffusion_spectral_entropy.measures import bits_between, bits_of, subsample_error
from studies.diffusion_spectral_entropy.nets.forecast import forecast, left_out_r_squared
from studies.diffusion_spectral_entropy.nets.train import settings
from studies.diffusion_spectral_entropy.perceptrons import standardised
from studies.diffusion_spectral_entropy.representations.train import nt_xent
from studies.diffusion_spectral_entropy.shared_params import Convention
from studies.diffusion_spectral_entropy.toys.entropy import binned_entropy
from studies.diffusion_spectral_entropy.toys.simulate import latent

ROOT = Path(__file__).parents[2]
STUDY = "diffusion_spectral_entropy"
RAW = ("raw", 10.0, 1)


def case(which, name, scale="smoke", **change):
    return case_of(STUDY, name, which, scale, **change)


SMALL = {
    "digits": {
        "simulate": {"data": {"train": 90, "test": 40}},
        "train": {"hidden": [12, 8], "batch": 30, "checkpoints": [0, 1, 6], "evaluation": {"samples": 40}},
        "entropy": {"subsets": 2, "clusters": 3, "sweep": {"samples": 30, "sigma": [1, 10], "t": [1]}},
    },
    "nets": {
        "simulate": {"data": {"train": 90, "test": 40}},
        "train": {
            "choices": {"nets": 6, "epochs": [1, 3]},
            "initialisations": {"seeds": 2, "hidden": [6, 6], "epochs": 2},
            "batch": 30,
            "evaluation": {"samples": 40},
        },
    },
    "toys": {
        "simulate": {
            "spheres": {"clouds": 3, "samples": 80, "dims": [1, 3, 8], "noise": [0, 0.02]},
            "dependence": {"seeds": 3, "samples": 80, "ambient": [2, 64], "mixing": [0, 0.5, 1]},
        },
        "entropy": {"dependence": {"clusters": 4, "mine": {"steps": 10}}},
    },
}


KINDS = {"digits": "representations", "nets": "nets", "toys": "toys"}


def step(name, which):
    """The function of a step of a case."""
    return getattr(import_module(f"studies.{STUDY}.{KINDS[name]}.{which}"), which)


def chain(name, **change):
    change = merge(SMALL[name], change)
    data = step(name, "simulate")(case("simulate", name, **change))
    if name == "toys":
        return data, None, step(name, "entropy")(case("entropy", name, **change), data)
    trained = step(name, "train")(case("train", name, **change), data)
    return data, trained, step(name, "entropy")(case("entropy", name, **change), data, trained)


# ------------------------------------------------------------------------------------------------------- known values


def test_known_values_in_bits():
    far = 1e4 * np.arange(100.0)[:, None]
    clusters = 1e5 * np.eye(4)[np.repeat(np.arange(4), [3, 9, 20, 8])]
    assert bits_of(far, RAW) == pytest.approx(6.643856, abs=1e-6)
    assert bits_of(np.zeros((50, 3)), RAW) == pytest.approx(0, abs=1e-6)
    assert bits_of(clusters, RAW) == pytest.approx(2, abs=1e-6)
    assert bits_of(np.random.default_rng(0).random((1000, 256)), RAW) == pytest.approx(2.30, abs=0.01)
    x = np.random.default_rng(1).normal(size=(60, 4))
    assert bits_of(3 * x, ("raw", 3.0, 1)) == pytest.approx(bits_of(x, ("raw", 1.0, 1)))


def test_conventions():
    x = np.random.default_rng(2).normal(size=(2, 60, 4))
    length = np.linspace(1, 9, 60)[:, None]
    unit = Convention(features="l2", sigma=0.5, t=1)
    np.testing.assert_allclose(bits_of(x * length, unit), bits_of(x, unit))
    median = Convention(features="raw", sigma="median", t=1)
    np.testing.assert_allclose(bits_of(100 * x, median), bits_of(x, median))
    assert (bits_of(100 * x, RAW) > bits_of(x, RAW) + 2).all()
    row = Convention(features="raw", sigma=1, t=1, normalisation="row")
    assert bits_of(x[0], row) != pytest.approx(bits_of(x[0], ("raw", 1.0, 1)), abs=1e-3)
    times = bits_of(x, ("raw", 1.0, [1, 2, 4]))
    assert times.shape == (2, 3) and (np.diff(times) < 0).all()


def test_what_is_not_defined_is_nan_and_not_an_error():
    dead = np.zeros((20, 3))
    median = Convention(features="raw", sigma="median", t=1)
    assert np.isnan(bits_of(dead, median)) and bits_of(dead, RAW) == pytest.approx(0, abs=1e-6)
    assert bits_of(dead, ("l2", 0.5, 1)) == pytest.approx(0, abs=1e-6)
    dead[3, 1] = np.inf
    assert np.isnan(bits_of(dead, RAW))
    labels, rng = np.arange(20) % 2, np.random.default_rng(0)
    assert np.isnan(bits_between(dead, labels, rng, RAW, 2))
    assert np.isnan(bits_between(dead, labels, rng, ("raw", 1.0, [1, 2]), 2)).all()


def test_time_one_is_the_von_neumann_entropy_of_the_operator():
    x = np.random.default_rng(3).normal(size=(40, 5))
    kernel = np.exp(-((x[:, None] - x[None]) ** 2).sum(-1) / 2)
    operator = kernel / np.sqrt(np.outer(kernel.sum(0), kernel.sum(0)))
    found = von_neumann_entropy(operator / np.trace(operator)).value / BIT
    assert bits_of(x, ("raw", 1.0, 1)) == pytest.approx(found)


def test_information_of_clusters_and_its_error():
    labels = np.repeat(np.arange(4), 30)
    x = 100 * np.eye(4)[labels]
    rng = np.random.default_rng(4)
    assert bits_between(x, labels, rng, ("raw", 1.0, 1), 3) == pytest.approx(2, abs=1e-6)
    cloud = np.random.default_rng(5).normal(size=(120, 3)) + 2 * labels[:, None]
    error = subsample_error(cloud, labels, rng, ("raw", 1.0, 1), 5, 20)
    apart = []
    for seed in range(30):  # the truth: fresh samples
        fresh = np.random.default_rng(100 + seed).normal(size=(120, 3)) + 2 * labels[:, None]
        apart.append(float(bits_between(fresh, labels, rng, ("raw", 1.0, 1), 5)))
    assert 0.4 < error / np.std(apart, ddof=1) < 2.5


def test_binned_entropy():
    corners = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T.astype(float)
    assert binned_entropy(np.repeat(corners, 5, 0)) == pytest.approx(3)
    assert binned_entropy(np.ones((9, 4))) == 0
    x = np.random.default_rng(6).normal(size=(200, 64))
    assert binned_entropy(x) == pytest.approx(np.log2(200))
    np.testing.assert_allclose(binned_entropy(5 * x[:, :3] - 2, 4), binned_entropy(x[:, :3], 4))


# --------------------------------------------------------------------------------------------------------------- toys


def test_entropy_follows_dimension_and_information_the_mixing():
    data, _, result = chain("toys")
    assert (result["dse"].diff("intrinsic_dimension") > 0).all()
    np.testing.assert_array_equal(data["actual_dimension"], np.tile([1, 3, 8], (3, 1)))
    assert (result["dse_change"].sel(noise=0) == 0).all()
    strong, none = (result["dsmi"].sel(mixing=p, time=2).mean("seed") for p in (1, 0))
    assert (strong > none + 0.2).all() and (abs(none) < 0.2).all()
    ksg = result["information"].sel(estimator="ksg", view_noise=0.02).mean("seed")
    assert (ksg.diff("mixing") > 0).all()
    # One entropy by hand, noise added as told.
    x = data["sphere"].values[1, 2].astype(float) + 0.02 * data["sphere_noise"].values[1, 2]
    by_hand = diffusion_spectral_entropy(x, 0.5, 2).value / BIT
    assert result["dse"].values[1, 1, 2] == pytest.approx(by_hand)


def test_shuffled_toys_lose_the_effect():
    change = {"simulate": {"spheres": {"shuffled": True, "clouds": 8}, "dependence": {"shuffled": True, "seeds": 8}}}
    data, _, result = chain("toys", **change)
    for name, along in (("actual_dimension", "intrinsic_dimension"), ("actual_mixing", "mixing")):
        assert (np.sort(data[name].values) == np.sort(data[along].values)).all()
        assert len(np.unique(data[name].values, axis=0)) > 2
    rho = [stats.spearmanr([1, 3, 8], row).statistic for row in result["dse"].sel(noise=0).values]
    assert np.mean(rho) < 0.8
    for found, row in zip(result["dse"].sel(noise=0).values, data["actual_dimension"].values, strict=True):
        assert (np.argsort(found) == np.argsort(row)).all()


def test_along_a_curve_the_mixing_share_alone_changes():
    data = step("toys", "simulate")(case("simulate", "toys", **SMALL["toys"]))
    first, second = data["first_view_2"].values, data["second_view_2"].values
    assert (first[:, 0] == first[:, -1]).all() and not (second[:, 0] == second[:, -1]).any()
    assert np.abs(second[:, 1] - (second[:, 0] + second[:, 2]) / 2).max() < 1e-5  # half of the one, half of the other


def test_noise_alone_tells_nothing():
    change = {"simulate": {"spheres": {"radius": 0}, "dependence": {"signal": 0, "seeds": 6}}}
    _, _, result = chain("toys", **change)
    assert abs(result["dse"].sel(noise=0)).max() < 1e-6 and np.isnan(result["dse_change"]).all()
    assert (abs(result["dsmi"].sel(time=2).mean("seed")) < 0.2).all()


def test_latent_is_a_circle_and_a_height():
    f = latent(np.random.default_rng(7).random((50, 2)))
    np.testing.assert_allclose((f[:, :2] ** 2).sum(1), 1)
    assert 0 <= f[:, 2].min() and f[:, 2].max() <= 1


# ----------------------------------------------------------------------------------------------------------- training


def test_labels_of_modes_and_of_the_control():
    data = step("digits", "simulate")(case("simulate", "digits", **SMALL["digits"]))
    label = data["train_label"]
    true, random = label.sel(mode="supervised").values, label.sel(mode="random_labels").values
    assert (true == true[0]).all() and (label.sel(mode="self_supervised").values == true).all()
    assert (np.sort(random) == np.sort(true)).all() and len(np.unique(random, axis=0)) == len(random)
    assert (random == true).mean() < 0.3
    shuffled = step("digits", "simulate")(
        case("simulate", "digits", **merge(SMALL["digits"], {"simulate": {"labels": "shuffled"}}))
    )
    assert (shuffled["train_label"].sel(mode="supervised").values == true).mean() < 0.3


def test_pixels_are_standardised_on_the_training_images():
    data = step("digits", "simulate")(case("simulate", "digits", **SMALL["digits"]))
    x = standardised(data, data["train_images"].values)
    alive = data["train_images"].values.reshape(90, -1).std(0) > 0
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(0)[alive], 1, atol=1e-4)
    assert not x[:, ~alive].any()


def test_nt_xent_is_the_formula_and_runs_are_apart():
    z = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    found = nt_xent(z, 0.5)
    unit = (z / z.norm(dim=-1, keepdim=True)).double().numpy()
    for run in range(2):
        alike = np.exp(unit[run] @ unit[run].T / 0.5)
        terms = [-np.log(alike[i, (i + 3) % 6] / (alike[i].sum() - alike[i, i])) for i in range(6)]
        assert found[run].item() == pytest.approx(np.mean(terms), rel=1e-5)
    twins = torch.cat([z[:, :3], z[:, :3]], 1)
    assert (nt_xent(twins, 0.5) < found).all()


def test_training_learns_labels_and_information_follows(tmp_path):
    data, trained, result = chain("digits", train={"checkpoints": [0, 2, 25]})
    accuracy = result["accuracy"].isel(epoch=-1)
    assert (accuracy.sel(mode="supervised") > 0.9).all()
    assert accuracy.sel(mode="self_supervised").isnull().all()
    gain = result["dsmi_label_change"].sel(convention="normalised", mode="supervised")
    assert (gain > 0.3).all()
    first = result["dsmi_label"].sel(convention="normalised", mode="random_labels", epoch=0)
    assert (abs(first) < 0.25).all()
    assert result["dsmi_null"].mean() < gain.mean() / 3
    assert (result["dse"] <= np.log2(40) + 1e-9).all() and (result["dse"] >= -1e-9).all()
    # The kept representation is that of the kept weights.
    shape = Ragged(64, ((12, 8),) * 6, ("relu",) * 6, 10)
    weights = {name: torch.as_tensor(v.values) for name, v in trained["weights/labelled"].data_vars.items()}
    x = torch.as_tensor(standardised(data, data["train_images"].values))[None, :40]
    _, z = apply_ragged(shape, weights, x)
    np.testing.assert_allclose(trained["kept/z"].values[0, :, -1], z[:3].numpy(), atol=1e-5)
    publish(trained, tmp_path / "train.nc", {"step": "train"})
    publish(result, tmp_path / "entropy.nc", {"step": "entropy"})


def test_untrained_networks_stand_at_both_ends():
    data, trained, result = chain("digits")
    change = merge(SMALL["digits"], {"entropy": {"trained": False}})
    null = step("digits", "entropy")(case("entropy", "digits", **change), data, trained)
    assert null["epoch"].values.tolist() == [0, 6] and not null["dsmi_label_change"].any()
    for name in ("dse", "dsmi_input", "accuracy"):
        np.testing.assert_array_equal(null[name].isel(epoch=1), result[name].isel(epoch=0))
    data, trained, _ = chain("nets")
    change = merge(SMALL["nets"], {"entropy": {"trained": False}})
    null = step("nets", "entropy")(case("entropy", "nets", **change), data, trained)
    start = trained["kept/test_accuracy"].sel(progress="start").values
    np.testing.assert_allclose(null["test_accuracy"], start[:6])
    assert 0 < null["constant_accuracy"] < 0.3


def test_self_supervision_brings_two_views_together():
    data, trained, _ = chain("digits", train={"checkpoints": [0, 25]})
    start, end = (trained["kept/z"].sel(mode="self_supervised").isel(epoch=i).values for i in (0, 1))
    label = data["train_label"].sel(mode="supervised").values[0][:40]

    def together(z):  # distance within a class over distance at large
        inside = label[:, None] == label[None]
        distance = np.linalg.norm(z[:, :, None] - z[:, None], axis=-1)
        return (distance[:, inside].mean(1) / distance.mean((1, 2))).mean()

    assert together(end) < together(start)


def test_the_same_case_gives_the_same_bits_and_another_name_others():
    first, second = chain("digits"), chain("digits")
    for one, two in zip(first, second, strict=True):
        assert same(one, two)
    other = Case(STUDY, "another", "simulate", "smoke", case("simulate", "digits", **SMALL["digits"]).params)
    assert not same(step("digits", "simulate")(other), first[0])


@pytest.mark.parametrize("name, turns", [("digits", 3), ("digits", 9), ("nets", 5)])
def test_a_stopped_training_goes_on_to_the_same_end(tmp_path, monkeypatch, name, turns):
    """Stopped in the first loop (labels), in the second (self-supervision), among many networks."""
    data = step(name, "simulate")(case("simulate", name, **SMALL[name]))
    whole = case("train", name, **SMALL[name])
    assert_goes_on(lambda one: step(name, "train")(one, data), whole, tmp_path, monkeypatch, turns)


def test_shuffled_checkpoints_are_a_permutation():
    _, _, plain = chain("digits")
    _, _, shuffled = chain("digits", entropy={"shuffled": True})
    np.testing.assert_allclose(np.sort(plain["dse"].values), np.sort(shuffled["dse"].values), rtol=1e-12)
    assert not np.array_equal(plain["dse"].values, shuffled["dse"].values)


# ------------------------------------------------------------------------------------------------------ many networks


def test_networks_are_drawn_from_the_choices_and_stop_after_their_epochs(tmp_path):
    change = merge(SMALL["nets"], {})
    chosen = settings(case("train", "nets", **change))
    assert len(chosen["rate"]) == 6 + 2 * 3 and chosen["scale"][6:] == [0.01, 0.5, 2] * 2
    assert {len(h) for h in chosen["hidden"][:6]} <= {1, 2, 3} and chosen["hidden"][-1] == (6, 6)
    data, trained, result = chain("nets")
    kept = trained["kept"].to_dataset()
    assert np.isfinite(kept["z"].values).all()
    assert (kept["loss"].sel(progress="end") < kept["loss"].sel(progress="start")).mean() > 0.8
    norm = np.linalg.norm(kept["z"].sel(progress="start").values[6:9], axis=-1).mean(-1)
    assert (np.diff(norm) > 0).all()  # with the scale of the weights
    scores = forecast(case("forecast", "nets", **change), data, trained)
    assert (scores["spearman_low"] <= scores["spearman_high"]).all()
    expected = stats.spearmanr(scores["early_value"][1], kept["test_accuracy"].sel(progress="end")[:6]).statistic
    assert float(scores["spearman"].sel(predictor="training_loss")) == pytest.approx(expected)
    publish(scores, tmp_path / "forecast.nc", {"step": "forecast"})
    publish(result, tmp_path / "entropy.nc", {"step": "entropy"})


def test_a_stopped_network_does_not_move():
    """A network of one epoch among networks of three ends where it ends alone among networks of one."""
    one = {"train": {"choices": {"epochs": [1]}, "initialisations": {"epochs": 1}}}
    more = {"train": {"choices": {"epochs": [1]}, "initialisations": {"epochs": 3}}}
    ends = [chain("nets", **change)[1]["kept/z"].sel(progress="end").values[:6] for change in (one, more)]
    np.testing.assert_allclose(*ends, atol=1e-6)


def test_shuffled_labels_carry_no_information():
    _, _, plain = chain("nets", train={"choices": {"epochs": [20], "label_noise": [0], "rate": [0.003]}})
    _, _, shuffled = chain(
        "nets", train={"choices": {"epochs": [20], "label_noise": [0], "rate": [0.003]}}, entropy={"shuffled": True}
    )
    assert plain["dsmi_label"].mean() > shuffled["dsmi_label"].mean() + 0.3
    np.testing.assert_array_equal(plain["test_accuracy"], shuffled["test_accuracy"])


@pytest.mark.parametrize("seed", range(3))
def test_left_out_r_squared_is_leaving_out(seed):
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=(2, 12))
    y = 2 * x + noise
    error, around = [], []
    for i in range(12):
        rest = np.delete(np.arange(12), i)
        slope, level = np.polyfit(x[rest], y[rest], 1)
        error.append(y[i] - slope * x[i] - level)
        around.append(y[i] - y[rest].mean())
    assert left_out_r_squared(x, y) == pytest.approx(1 - np.sum(np.square(error)) / np.sum(np.square(around)))
    assert np.isnan(left_out_r_squared(np.ones(5), y[:5])) and np.isnan(left_out_r_squared(x[:5], np.ones(5)))


# --------------------------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("toys", {"simulate": {"spheres": {"dims": [1, 2, 64]}}}, "ambient must exceed"),
        ("toys", {"simulate": {"spheres": {"noise": [0.1, 0.2]}}}, "begin with 0"),
        ("toys", {"entropy": {"dependence": {"compare_ambient": 3}}}, "compare_ambient"),
        ("toys", {"entropy": {"t": 3}}, "must hold entropy.t"),
        ("digits", {"train": {"checkpoints": [1, 2]}}, "begin with 0 and rise"),
        ("digits", {"train": {"checkpoints": [0, 4, 2]}}, "begin with 0 and rise"),
        ("digits", {"train": {"evaluation": {"samples": 301}}}, "exceeds the images"),
        ("digits", {"entropy": {"information": "other"}}, "none of package, normalised, median"),
        ("digits", {"entropy": {"sweep_information": []}}, "sweep_information is missing"),
        ("digits", {"modes": ["random_labels"]}, "supervised is missing"),
        ("textured", {"modes": ["supervised", "self_supervised"]}, "contrast is missing"),
        ("digits", {"simulate": {"data": {"source": "imagenet"}}}, "digits"),
        ("nets", {"train": {"evaluation": {"samples": 101}}}, "exceeds the images"),
        ("nets", {"train": {"early": 0}}, "greater than 0"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(name, change, message):
    with pytest.raises(ValidationError, match=message):
        case("simulate", name, **change)


def test_files_of_the_paper_are_asked_for_by_name():
    change = {"simulate": {"data": {"source": "cifar10", "folder": "nowhere"}}}
    with pytest.raises(Exception, match=r"data_batch_1.*cs.toronto.edu"):
        step("digits", "simulate")(case("simulate", "digits", **change))


def test_weights_of_scale_zero_are_zero():
    shape = Ragged(3, ((2,),), ("relu",), 2)
    assert not init_ragged(shape, torch.Generator(), [0.0])["weight_0"].any()
