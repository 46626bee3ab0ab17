"""The study's functions: worlds, stability, usable rates, early warning, the bound, and a small run of all steps."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pesin.config.load import merge
from pesin.errors import UserError
from pesin.steps.files import publish, same
from project import case_of
from studies.sigma_reparam_attention_entropy.bound.entropy import entropy as bound
from studies.sigma_reparam_attention_entropy.images import forecast as image_scores
from studies.sigma_reparam_attention_entropy.images import simulate as image_world
from studies.sigma_reparam_attention_entropy.images import train as image_training
from studies.sigma_reparam_attention_entropy.images.simulate import cut, imagenet64
from studies.sigma_reparam_attention_entropy.sequences.entropy import centred_ranks, entropy, mixed, settled
from studies.sigma_reparam_attention_entropy.sequences.forecast import forecast, usable_width, warning
from studies.sigma_reparam_attention_entropy.sequences.simulate import simulate
from studies.sigma_reparam_attention_entropy.sequences.stability import diverged, instability
from studies.sigma_reparam_attention_entropy.sequences.train import train

ROOT = Path(__file__).parents[2]
STUDY = "sigma_reparam_attention_entropy"
SWEEPS = {
    "grid": {"layers": [1], "rates": [1e-2, 5.0], "steps": 14, "batch": 2},
    "ablation": {"variants": ["pre_ln_hot", "pre_ln_cold"], "layers": [1], "rates": [5.0], "steps": 14, "batch": 2},
    "depth": {"layers": [1, 2], "steps": 14, "batch": 2},
}
TINY = {"train": {"width": 8, "sweeps": SWEEPS}}


def case(step, name="sequences", scale="smoke", **change):
    return case_of(STUDY, name, step, scale, **change)


@pytest.fixture(scope="module")
def trained():
    return train(case("train", **TINY), simulate(case("simulate", **TINY)))


# ---------------------------------------------------------------------------------------------------------- all steps


def test_all_steps_publish_and_repeat(trained, tmp_path):
    again = train(case("train", **TINY), simulate(case("simulate", **TINY)))
    assert same(trained, again)
    measured = entropy(case("entropy", **TINY), trained)
    scores = forecast(case("forecast", **TINY), trained)
    for name, result in {"train": trained, "entropy": measured, "forecast": scores}.items():
        publish(result, tmp_path / f"{name}.nc", {"study": STUDY, "step": name})
    assert measured.sizes["run"] == 3 * 2 * 3
    assert scores["arm_learned_at_depth"].dims == ("depth_arm", "layers", "depth_seed")


def test_a_rate_far_too_large_diverges_and_is_kept(trained):
    scores = forecast(case("forecast", **TINY), trained)
    worst = {"variant": "no_ln", "rate": 5.0, "depth": 1}
    top = 3 * np.log(8)
    for name in ("loss", "instability"):
        np.testing.assert_allclose(scores[name].sel(worst), top)
    assert (entropy(case("entropy", **TINY), trained)["status"].sel(worst) == "diverged").all()
    assert np.isfinite(scores["loss"]).all()


def test_runs_of_a_seed_share_numbers_and_batches(trained):
    loss = trained["grid"]["loss"].values  # (variant, depth, rate, seed, step)
    np.testing.assert_allclose(loss[:, :, 0, :, 0], loss[:, :, 1, :, 0], rtol=1e-6)
    np.testing.assert_allclose(loss[1, ..., 0], loss[2, ..., 0], rtol=1e-5)  # sigmaReparam starts as the raw network
    assert np.ptp(loss[0, 0, 0, :, 0]) > 0


def test_runs_in_parts_are_those_trained_together(trained):
    parts = merge(TINY, {"train": {"sweeps": {name: {"at_once": 2} for name in ("grid", "ablation", "depth")}}})
    data = simulate(case("simulate", **TINY))
    for name, tree in train(case("train", **parts), data).children.items():
        for key in ("loss", "attention_entropy", "held_out_loss"):
            np.testing.assert_allclose(tree[key][..., :8], trained[name][key][..., :8], rtol=2e-3, atol=1e-5)


def test_uniform_attention_has_the_entropy_of_causal_rows(trained):
    start = trained["grid"]["attention_entropy"].sel(variant="no_ln").isel(probe=0)
    most = np.log(np.arange(1, 17)).mean()
    assert (start <= most + 1e-5).all() and (start > 0.9 * most).all()


def test_the_trained_rows_lie_above_both_bounds(trained):
    found = entropy(case("entropy", **TINY), trained)
    for norm in ("row_bound", "theorem_bound"):
        gap = (found["row_entropy"] - found[norm]).values
        assert np.nanmin(gap) > -1e-5
    gap = trained["grid"]["theorem_norm"] - trained["grid"]["row_norm"]
    assert np.nanmin(gap.values / trained["grid"]["theorem_norm"].values) > -1e-4


@pytest.mark.parametrize("how", ["all", "within"])
def test_shuffled_runs_keep_the_entropies_but_not_their_place(trained, how):
    plain, shuffled = (entropy(case("entropy", **TINY, entropy={"shuffle": way}), trained) for way in ("none", how))
    one, two = (found["lowest_entropy_of_run"].values.reshape(-1, 3) for found in (plain, shuffled))
    assert sorted(one.ravel()) == sorted(two.ravel()) and (one != two).any()
    assert (np.sort(one, 1) == np.sort(two, 1)).all() == (how == "within")
    np.testing.assert_array_equal(plain["instability_of_run"], shuffled["instability_of_run"])


def test_ranks_within_a_cell_know_nothing_of_other_cells():
    entropies = np.array([[3.0, 2.0, 1.0], [30.0, 10.0, 20.0], [1.0, 2.0, 3.0]])
    sizes = np.array([[1.0, 2.0, 3.0], [10.0, 30.0, 20.0], [7.0, 7.0, 7.0]])
    one, two = centred_ranks(entropies, sizes), centred_ranks(sizes, sizes)
    assert (one == -two).all() and one[0].tolist() == [1, 0, -1]
    assert not one[2].any()  # all diverged: who was lowest says nothing


def test_a_cell_is_mixed_if_its_seeds_differ_in_stability():
    sizes = np.array([[0.1, 0.2, 0.3], [0.1, 0.9, np.inf], [2.0, 3.0, 0.6]])
    assert mixed(sizes).tolist() == [[0, 0, 0], [1, 1, 1], [0, 0, 0]]


def test_entropies_settle_over_the_last_quarter():
    steps = np.arange(0, 41, 5)
    values = xr.DataArray(np.stack([steps, steps.astype(float)])[:, :, None] * 1.0, dims=("seed", "probe", "layer"))
    values = values.assign_coords(probe=steps)
    values[1, 4:] = np.nan  # stopped after step 15
    assert settled(values).values.ravel().tolist() == [35, 15]


def test_without_attention_rows_are_uniform_and_copies_are_not_learnt(trained):
    most = trained["grid"]["relative_attention_entropy"].sel(variant="uniform")
    np.testing.assert_allclose(most, 1, atol=1e-5)
    scores = forecast(case("forecast", **TINY), trained)
    assert scores["learned_without_attention"].dims == ("depth", "seed")


def test_images_learn(tmp_path):
    learning = {"steps": 60, "layers": 1, "width": 32}
    change = {"train": learning, "simulate": {"validation": 200, "test": 497}}
    data = image_world.simulate(case("simulate", "images", **change))
    assert data["train_patches"].shape == (1100, 8, 8) and data["test_labels"].size == 497
    assert data["train_patches"].values.mean() == pytest.approx(0, abs=1e-5)
    runs = image_training.train(case("train", "images", **change), data)
    scores = image_scores.forecast(case("forecast", "images", **change), data, runs)
    publish(scores, tmp_path / "forecast.nc", {"study": STUDY, "step": "forecast"})
    assert scores["arm_accuracy"].sel(arm="reference").mean() > 0.3
    other = {"forecast": {"arms": {"treated": "sgd_plain"}}}
    swapped = image_scores.forecast(case("forecast", "images", **change, **other), data, runs)
    np.testing.assert_array_equal(*(swapped["arm_accuracy"].sel(arm=arm) for arm in ("treated", "plain")))


# --------------------------------------------------------------------------------------------------------- the bound


def test_the_bound_holds_and_is_reached():
    found = bound(case("entropy", "bound", entropy={"draws": 300}))
    assert found["gap"].min() > -1e-9 and found["row_gap"].min() > -1e-9
    assert abs(found["extremal_entropy"] - found["bound"]).max() < 1e-10
    assert (found["theorem_norm"] >= found["row_norm"] * (1 - 1e-9)).all()
    assert found["law_ratio"].sel(norm=10, length=64) == pytest.approx(0.02921 / 0.029056, abs=1e-3)


def test_normed_logits_do_not_decay():
    found = bound(case("entropy", "bound", entropy={"norm_logits": True}))
    assert found["extremal_entropy"].sel(norm=20).min() > 1


# ------------------------------------------------------------------------------------------------- stability, forecast


def curves(losses, **more):
    losses = np.asarray(losses, float)[None, None, None]  # (variant, depth, rate, seed, step)
    dims = ("variant", "depth", "rate", "seed")
    shape = losses.shape[:-1]
    variables = {"loss": ((*dims, "step"), losses), "probe_loss": ((*dims, "probe"), losses[..., ::5])}
    entropies = more.get("entropy", np.ones((*shape, losses[..., ::5].shape[-1], 1, 1)))
    variables["attention_entropy"] = ((*dims, "probe", "layer", "head"), entropies)
    variables["gradient_norm"] = ((*dims, "step"), more.get("norm", np.ones_like(losses)))
    coordinates = {"probe": np.arange(0, losses.shape[-1], 5), "rate": [0.1], "seed": np.arange(shape[-1])}
    return xr.Dataset(variables, coordinates, {"symbols": 8, "keys": 16})


def test_instability_is_the_largest_rise_after_the_grace():
    params = case("entropy").params.entropy.stability
    steps = np.arange(41)
    falling = np.exp(-steps / 10)
    bump = falling + 0.7 * (steps == 25)
    early = falling + 3 * (steps == 5)
    lost = np.where(steps > 30, np.nan, falling)
    high = np.where(steps > 20, 7.0, falling)
    found = curves([falling, bump, early, lost, high])
    size = instability(params, found).values.ravel()
    top = 3 * np.log(8)
    expected = [0, 0.7 + np.exp(-2.5) - np.exp(-2), 0, top, top]
    np.testing.assert_allclose(size, expected, atol=1e-12)
    assert diverged(params, found).values.ravel().tolist() == [False, False, False, True, True]


def test_warning_by_entropy_and_by_gradient():
    params = case("forecast").params.forecast
    steps = np.arange(41)
    good = np.exp(-steps / 10)
    runs = curves([good])
    worse = runs.assign(probe_loss=runs["probe_loss"] + 2.0 * (runs["probe"] == 30))
    worse = worse.assign(attention_entropy=worse["attention_entropy"] * 0.1, gradient_norm=worse["gradient_norm"] * 0.5)
    both = xr.concat([runs, worse], "variant")
    both.attrs = runs.attrs
    area = warning(params, both)["warning"].isel(seed=0)
    assert (area.sel(predictor="low attention entropy", before=slice(0, 25)) == 1).all()
    assert (area.sel(predictor="gradient norm", before=slice(0, 25)) == 0).all()
    assert (area.sel(predictor="learning rate", before=slice(0, 25)) == 0.5).all()
    assert area.sel(before=slice(30, None)).isnull().all()


def test_usable_width():
    rates = np.array([1e-3, 1e-2, 1e-1, 1.0])
    loss = np.array([[2.0, 1.0, 1.05, 3.0], [1.0, 1.0, 1.0, 1.0], [5.0, 1.0, 5.0, 5.0], [1.0, 2.0, 1.0, 2.0]])
    width = usable_width(rates, loss, 1.1 * loss.min(1))
    np.testing.assert_allclose(width, [0.1 + 1 + 0.05 / 1.95, 3, 0.05, 0.1], atol=1e-9)
    assert usable_width(rates, loss[:1], np.array([0.5])) == 0


# ------------------------------------------------------------------------------------------------------------- inputs


def test_patches_keep_neighbours_together():
    pixels = np.arange(16).reshape(1, 4, 4, 1)
    assert cut(pixels, (2, 2))[0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    assert cut(pixels, (1, 4))[0].tolist() == pixels.reshape(4, 4).tolist()
    with pytest.raises(UserError, match="does not divide"):
        cut(pixels, (3, 2))


def test_imagenet_is_read_and_checked(tmp_path):
    with pytest.raises(UserError, match="image-net.org"):
        imagenet64(None)
    rng = np.random.default_rng(0)
    for name, images in (("train_data_batch_1", 3), ("train_data_batch_2", 2), ("val_data", 4)):
        data = rng.integers(0, 255, (images, 3 * 64 * 64), dtype=np.uint8)
        np.savez(tmp_path / f"{name}.npz", data=data, labels=np.arange(images) + 1)
    pixels, labels, training = imagenet64(str(tmp_path))
    assert pixels.shape == (9, 64, 64, 3) and labels.tolist() == [0, 1, 2, 0, 1, 0, 1, 2, 3] and training == 5
    assert pixels[-1, 0, 1].tolist() == data[-1].reshape(3, 64, 64)[:, 0, 1].tolist()
    np.savez(tmp_path / "val_data.npz", data=data[:, :5], labels=np.arange(4) + 1)
    with pytest.raises(UserError, match="12288"):
        imagenet64(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("sequences", {"train": {"sweeps": {"grid": {"variants": ["pre_ln", "sgima", "sigma"]}}}}, "sgima"),
        ("sequences", {"train": {"sweeps": {"grid": {"seeds": 9}}}}, "exceed the 3 seeds"),
        ("sequences", {"train": {"sweeps": {"grid": {"steps": 10}}}}, "not more than grace"),
        ("sequences", {"train": {"sweeps": {"grid": {"steps": 21}}}}, "84 sequences are needed"),
        ("sequences", {"forecast": {"arms": {"grid": {"treated": "qk_norm"}}}}, "qk_norm"),
        ("sequences", {"entropy": {"arms": {"treated": "qk_norm"}}}, "qk_norm"),
        ("sequences", {"entropy": {"stability": {"grace": 5}}}, "must be the same"),
        ("sequences", {"simulate": {"lag": 17}}, "lag"),
        ("sequences", {"train": {"variants": {"sigma": {"norm": "batch"}}}}, "norm"),
        ("sequences", {"train": {"width": 33}}, "no multiple of the 2 heads"),
        ("images", {"train": {"heads": 3}}, "no multiple of the 3 heads"),
        ("images", {"forecast": {"arms": {"treated": "adamw"}}}, "adamw"),
        ("images", {"train": {"recipes": {"sgd_plain": {"rates": [0.1]}}}}, "as many rates"),
        ("bound", {"entropy": {"lengths": [1, 8, 16]}}, "lengths"),
    ],
)
def test_bad_parameters_are_refused(name, change, said):
    with pytest.raises(ValueError, match=said):
        case("train", name, **change)
