"""The study's own functions against known answers: renderer, readout, paths, networks, controls."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.stats import linregress

from project import case_of
from stopping import assert_goes_on
from studies.concept_space_hidden_capabilities.entropy import information
from studies.concept_space_hidden_capabilities.forecast import cross_fitted, forecast, is_class, readouts
from studies.concept_space_hidden_capabilities.images import (
    CLASSES,
    concept_signal,
    condition,
    coordinates,
    factors,
    measured,
    places,
    render,
)
from studies.concept_space_hidden_capabilities.networks import clean, draw, embed, loss, sample
from studies.concept_space_hidden_capabilities.params import Point
from studies.concept_space_hidden_capabilities.paths import fall_and_rise, for_good, reaching, smoothed, turning
from studies.concept_space_hidden_capabilities.simulate import simulate
from studies.concept_space_hidden_capabilities.train import PUSHES, Painter, batch, checkpoints, train

STUDY = "concept_space_hidden_capabilities"
POINT = Point(colour=0.12, size=1.6, weak="colour")


def case(step="train", **change):
    return case_of(STUDY, "discs", step, **change)


WORLD = case("simulate").params.simulate.model_copy(update={"image_size": 8})
FEW = {"run": ["colour_12", "size_5", "masked_60"], "steps": 12, "first": 3, "checkpoints": 6}

# --------------------------------------------------------------------------------------------------- renderer, readout


def test_the_classes_own_pictures_lie_at_the_corners_and_are_told_apart():
    for colour, size in ((0.08, 1.6), (0.4, 0.5)):
        point = Point(colour=colour, size=size, weak="size")
        found = coordinates(WORLD, point, render(WORLD, factors(WORLD, point, places())))
        np.testing.assert_allclose(found, places(), atol=1e-12)
        assert all(is_class(one, name) for one, name in zip(found, CLASSES, strict=True))


def test_the_readout_is_the_discs_colour_and_area():
    """A hard disc's ink is its area; soft edges add little."""
    world = WORLD.model_copy(update={"image_size": 40, "radius": 12.0})
    colour, radius = measured(render(world, factors(world, POINT, np.array([1.0, 0.5]))))
    assert colour == pytest.approx(0.12, abs=1e-12)
    assert radius == pytest.approx(12, rel=0.01)


def test_white_paper_has_no_colour_and_no_size():
    np.testing.assert_array_equal(measured(np.ones((2, 3, 8, 8))), np.zeros((2, 2)))


def test_signals_grow_in_proportion_to_the_separation():
    for concept, separations in ((0, [0.08, 0.12, 0.2, 0.4]), (1, [0.5, 0.7, 1.0, 1.6])):
        found = []
        for value in separations:
            point = Point(colour=(value, 0.4)[concept], size=(1.6, value)[concept], weak="colour")
            found.append(concept_signal(WORLD, point)[concept])
        assert linregress(separations, found).rvalue ** 2 > 0.99
        assert found[-1] / found[0] == pytest.approx(separations[-1] / separations[0], rel=0.03)


def test_pictures_are_of_their_classes_and_their_conditions_say_so():
    data = simulate(case("simulate"))
    assert set(data["class"].values) == set(CLASSES)
    one = data.sel(point="strong").isel(seed=1)
    world, point = case().params.simulate, case().params.simulate.points["strong"]
    read = measured(one["image"].values.astype(float))
    np.testing.assert_allclose(one["condition"].sel(cond="blue"), read[..., 0], atol=1e-5)
    assert np.corrcoef(one["condition"].sel(cond="radius"), read[..., 1])[0, 1] > 0.999
    names = one["class"].values
    assert all(is_class(coordinates(world, point, one["image"].values), str(n))[names == n].all() for n in set(names))


# ---------------------------------------------------------------------------------------------------------- paths

STEPS = np.array([1.0, 2, 4, 8, 16, 32])


def test_times_are_interpolated_in_log_updates():
    found = reaching(STEPS, np.array([[0, 0, 0, 1, 1, 1], [0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0.7]]), 0.8)
    np.testing.assert_allclose(found, [2**2.8, 2**0.8, np.inf])
    found = reaching(STEPS, for_good(np.array([0.0, 1, 0, 0, 1, 1])), 0.5)
    assert found == pytest.approx(2**3.5)


def test_fall_and_rise_of_a_known_path():
    """It falls from 0.4 to 0.1 and rises by 0.7 in the steepest octave; one that only rises doesn't fall."""
    rows = np.array([[0.4, 0.3, 0.1, 0.2, 0.9, 1.0], [0, 0.1, 0.2, 0.3, 0.4, 0.5], [0, 0.5, 0.3, 0.2, 0.6, 0.6]])
    fall, lowest, rise = fall_and_rise(STEPS, rows, np.array([1.0, 1, 2]))
    np.testing.assert_allclose(lowest, [0.1, 0, 0.2])
    np.testing.assert_allclose(fall, [0.3, 0, 0.3], atol=1e-12)
    np.testing.assert_allclose(rise, [0.7, 0.1, 0.4], atol=1e-12)


def test_the_turn_is_where_a_coordinate_speeds_up():
    steps = np.arange(1, 10)
    bend = np.maximum(steps - 5, 0) / 4  # exact in binary
    start, end = np.zeros(3), np.full(3, 9)
    np.testing.assert_array_equal(turning(steps, np.stack([bend, 0 * bend, -bend]), start, end, 1), [5, np.nan, np.nan])
    fallen = bend - 9 * np.minimum(steps - 3, 0)  # the end of a fall is no turn
    np.testing.assert_array_equal(turning(steps, fallen[None], start[:1], end[:1], 1), [5])
    jitter = bend + 0.02 * np.random.default_rng(0).normal(size=bend.shape)
    assert turning(steps, jitter[None], start[:1], end[:1], 2) == 5
    assert np.isnan(turning(steps, bend[None], start[:1] + 7, end[:1], 4)), "no time is left"
    spike = bend.copy()
    spike[3] += 9
    assert smoothed(spike).max() < 1.1, "one wild checkpoint is passed over"


def test_a_dose_is_never_chosen_by_the_pictures_it_is_scored_on():
    """Noise alone: the best of many doses looks better than a half only to those that chose it."""
    right = np.random.default_rng(0).random((30, 400, 8, 1)) < 0.5
    assert right.mean(-2).max(0).mean() > 0.8
    assert cross_fitted(right).mean() == pytest.approx(0.5, abs=0.03)
    best = np.zeros((3, 1, 8, 1), bool)
    best[1] = True
    assert cross_fitted(best) == 1


# ---------------------------------------------------------------------------------------------------- information


def test_information_of_classes_apart_and_shuffled():
    rng = np.random.default_rng(1)
    place = np.array([0.0, 0, 1, 1])
    apart = place[:, None] + 0.05 * rng.normal(size=(4, 64))
    assert float(information(apart, place, 2)) == pytest.approx(1, abs=0.01)
    shuffled = rng.permuted(np.repeat(apart[None], 200, 0).reshape(200, -1), axis=1).reshape(200, 4, 64)
    found = information(shuffled, place, 8)
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(200) + 1e-3


# ---------------------------------------------------------------------------------------------------- networks


def tiny(runs=2):
    return draw(runs, 12, 4, 8, 6, torch.Generator().manual_seed(0))


def test_a_trunk_that_always_says_one_picture_paints_it():
    weights = {k: torch.zeros_like(v) for k, v in tiny().items()}
    weights["trunk_bias_3"] += 0.7
    painted = sample(weights, torch.randn(2, 5, 12), torch.zeros(2, 5, 6), 4)
    torch.testing.assert_close(painted, torch.full((2, 5, 12), 0.7))
    value = loss(weights, torch.randn(2, 5, 12), torch.ones(2, 5, 12), torch.rand(2, 5, 1), torch.zeros(2, 5, 4))
    torch.testing.assert_close(value, torch.full((2,), 0.09))


def test_runs_are_networks_of_their_own_and_hang_on_time_and_condition():
    weights, x, t, h = tiny(), torch.randn(2, 3, 12), torch.rand(2, 3, 1), torch.randn(2, 3, 4)
    whole = clean(weights, x, t, embed(weights, h))
    one = {k: v[1:] for k, v in weights.items()}
    torch.testing.assert_close(clean(one, x[1:], t[1:], embed(one, h[1:])), whole[1:])
    assert not torch.allclose(clean(weights, x, 1 - t, embed(weights, h)), whole)
    assert not torch.allclose(clean(weights, x, t, embed(weights, -h)), whole)


def test_codes_are_those_of_the_formulas():
    found = case(train=FEW)
    painter = Painter(found, "cpu")
    weights = draw(9, 3 * 49, 4, 24, 8, torch.Generator().manual_seed(1))
    plain, pushed = painter.codes(weights)
    code = dict(zip([*CLASSES, *painter.pushes], [*plain.unbind(1), *pushed.unbind(1)], strict=True))
    toward = torch.cat([code["10"][:3], code["01"][3:6], code["10"][6:]])
    torch.testing.assert_close(code["latent_2"], code["11"] + toward - code["00"])
    torch.testing.assert_close(code["pushed_00_3"], code["00"] + 2 * (toward - code["00"]))
    lengths = [(code[f"{push}_1.5"] - code["11"]).norm(dim=-1) for push in ("latent", "random")]
    torch.testing.assert_close(*lengths)
    aside = code["random_2"] - code["11"]
    for way in (code["10"] - code["00"], code["01"] - code["00"]):
        assert ((aside * way).sum(-1).abs() < 1e-5 * aside.norm(dim=-1) * way.norm(dim=-1)).all()
    world, params = found.params.simulate, found.params.train
    point = world.points["colour_12"]
    told = condition(world, factors(world, point, np.array([[1.0, 1.0], [2.0, 1.0]])))
    hand = embed(weights, torch.as_tensor(np.tile(told, (9, 1, 1)), dtype=torch.float32))[:3, 1]
    torch.testing.assert_close(code["over_2"][:3], hand, atol=1e-5, rtol=1e-4)
    assert len(painter.pushes) == len(PUSHES) * len(params.doses)


def test_settings_share_batches_and_masks_are_nested():
    found = case(train=FEW | {"batch": 400, "run": ["colour_12", "masked_30", "masked_60"]})
    index, noise, t, shown = batch(found, (9, 96, 147), np.random.default_rng(0))
    for part in (index, noise, t):
        np.testing.assert_array_equal(part[:3], part[6:])
    none, some, more = np.split(shown, 3)
    assert none.all() and (more <= some).all()
    assert more.mean() == pytest.approx(0.4, abs=0.05)


def test_checkpoints_rise_from_the_untrained_network_to_the_end():
    found = checkpoints(case(scale="laptop").params.train)
    assert found[0] == 0 and found[-1] == case(scale="laptop").params.train.steps
    assert (np.diff(found) > 0).all() and np.log2(found[2:] / found[1:-1]).max() < 0.35


@pytest.fixture(scope="module")
def trained():
    found = case(train=FEW)
    data = simulate(case("simulate"))
    return found, data, train(found, data)


def test_the_unseen_class_is_left_out_of_training():
    """Pictures of it that are all wrong change nothing; where it isn't held out they do."""
    data = simulate(case("simulate"))
    blank = data.copy(deep=True)
    blank["image"][{"sample": (data["class"] == "11").values}] = 0.0
    few = FEW | {"steps": 6, "run": ["colour_12"]}
    own, same = (train(case(train=few), one)["loss"].values for one in (data, blank))
    np.testing.assert_array_equal(own, same)
    own, other = (train(case(train=few | {"held_out": False}), one)["loss"].values for one in (data, blank))
    assert (own != other).any()


def test_controls_are_read_from_the_same_training(trained):
    found, data, tree = trained
    still = forecast(case("forecast", train=FEW, forecast={"networks": "untrained"}), data, tree)
    assert not still["fall"].any() and not still["rise"].any() and not still["came"].any() and not still["speed"].any()
    assert still["turn"].isnull().all()
    own = forecast(case("forecast", train=FEW), data, tree)
    aside = forecast(case("forecast", train=FEW, forecast={"direction": "random"}), data, tree)
    np.testing.assert_array_equal(own["accuracy"].sel(protocol="naive"), aside["accuracy"].sel(protocol="naive"))
    assert tuple(own["speed_by_mask"].masked.values) == (0, 0.6)


def test_without_masks_a_masked_setting_is_trained_as_the_bare_one_is(trained):
    """So that the control needs no training of its own."""
    found, data, tree = trained
    params = found.params.train.settings
    bare = {name: setting.model_dump() | {"masked": 0.0} for name, setting in params.items()}
    again = train(case(train=FEW | {"settings": bare}), data)
    for one, other in (("plain", "setting"), ("pushed", "probed")):
        values = again[one]
        np.testing.assert_allclose(
            values.sel({other: "masked_60"}), tree[one].sel({other: "colour_12"}), rtol=1e-4, atol=1e-4
        )
        assert not np.allclose(tree[one].sel({other: "masked_60"}), tree[one].sel({other: "colour_12"}), atol=1e-4)
    read = readouts(case("forecast", train=FEW, forecast={"masking": False}), tree.to_dataset())
    for values in read.values():
        np.testing.assert_array_equal(values[2], values[0])


def test_a_turn_is_drawn_between_the_coming_of_the_two_concepts(trained):
    """By hand: colour comes at the second checkpoint for good, size at the last but one."""
    found, data, tree = trained
    tree, steps = tree.copy(), checkpoints(found.params.train)
    plain = tree["plain"].copy(deep=True)
    plain.loc[{"prompt": "11"}] = 0.0
    plain.loc[{"prompt": "11", "concept": "colour"}][{"step": slice(2, None)}] = 1.0
    plain.loc[{"prompt": "11", "concept": "size"}][{"step": slice(-2, None)}] = 1.0
    tree["plain"] = plain
    turn = {
        kind: forecast(case("forecast", train=FEW, forecast={"turn": kind}), data, tree)["turn"].sel(setting="size_5")
        for kind in ("found", "drawn")
    }
    assert (turn["found"] == steps[-3]).all()
    assert (turn["drawn"] > steps[1]).all() and (turn["drawn"] < steps[-2]).all()
    assert len(np.unique(turn["drawn"])) == 3


def test_a_capability_painted_by_hand_is_found_when_it_was_put_there(trained):
    """Written in by hand: the push works from the second checkpoint on, the plain prompt from the last but one."""
    found, data, tree = trained
    tree = tree.copy()
    plain, pushed = (tree[name].copy(deep=True) for name in ("plain", "pushed"))
    for name in CLASSES:
        plain.loc[{"prompt": name}] = places([name])[0]
    pushed[:] = 1.0
    plain.loc[{"prompt": "11"}] = 0.0
    plain.loc[{"prompt": "11"}][{"step": slice(-2, None)}] = 1.0
    for dose in found.params.train.doses:
        pushed.loc[{"push": f"latent_{dose:g}"}][{"step": slice(0, 2)}] = 0.0
    tree["plain"], tree["pushed"] = plain, pushed
    result = forecast(case("forecast", train=FEW), data, tree)
    steps = checkpoints(found.params.train)[1:]
    naive, latent = (result["steps"].sel(protocol=name).values for name in ("naive", "latent"))
    assert (latent <= steps[1]).all() and (naive > steps[-3]).all() and (naive <= steps[-2]).all()
    np.testing.assert_allclose(result["gain"].sel(protocol="latent"), np.log2(naive / latent))
    np.testing.assert_array_equal(result["strays"], 1.0)


def test_a_stopped_training_goes_on(tmp_path, monkeypatch):
    data = simulate(case("simulate"))
    assert_goes_on(lambda one: train(one, data), case(train=FEW), tmp_path, monkeypatch, 5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": {"run": ["blue"]}}, "no 'blue' among the settings"),
        ({"train": {"settings": {"strong": {"point": "dim"}}}}, "no 'dim' among simulate.points"),
        ({"train": {"run": ["strong"]}}, "no setting of it is probed"),
        ({"train": {"run": ["masked_60"]}}, "without a mask is needed"),
        ({"train": {"seeds": 9}}, "more than the 3 simulated"),
        ({"simulate": {"points": {"strong": {"size": 9.0}}}}, "don't fit"),
    ],
)
def test_bad_parameters_are_named(change, said):
    with pytest.raises(ValidationError, match=said):
        case(**change)
