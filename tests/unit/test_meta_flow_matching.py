"""The study's own functions against known answers: worlds, exact fields and floors, networks, controls, real tables."""

import numpy as np
import pytest
import torch
import xarray as xr

from pesin.entropy.neighbours import differential_entropy
from pesin.errors import UserError
from pesin.integrate.steppers import follow, last
from pesin.stats.transport import wasserstein2
from project import case_of
from stopping import assert_goes_on
from studies.meta_flow_matching.affine import affine_maps, moved_by
from studies.meta_flow_matching.entropy import entropy, statistic
from studies.meta_flow_matching.forecast import crossing, forecast
from studies.meta_flow_matching.letters import glyph, letters
from studies.meta_flow_matching.losses import least_loss, unexplained
from studies.meta_flow_matching.networks import Trained
from studies.meta_flow_matching.organoids import CONTROL, made_up, organoids, read, response
from studies.meta_flow_matching.particles import bridge_velocity, clouds, laws, moved, particles, propagators, sampled
from studies.meta_flow_matching.simulate import simulate
from studies.meta_flow_matching.train import batch, runs_of, train

STUDY = "meta_flow_matching"
CASE = "populations"


def case(step="simulate", **change):
    return case_of(STUDY, CASE, step, **change)


def made(**change):
    return case().params.simulate.model_copy(update=change)


PARTICLES = made().particles

# ---------------------------------------------------------------------------------------------------------- particles


@pytest.mark.parametrize("kind", ["drift", "shape"])
def test_particles_end_where_their_equation_takes_them(kind):
    """The closed form against Runge-Kutta on dx/dt = -alpha (x - m) + beta J (x - m) of interacting points."""
    x = clouds(np.random.default_rng(0), kind, 3, 40)
    turn = PARTICLES.turn
    if kind == "shape":
        turn = PARTICLES.turn_by_shape * statistic(kind, x)[..., None]
    quarter = np.array([[0, -1], [1, 0]])

    def field(x, _t):
        apart = x - x.mean(-2, keepdims=True)
        return -PARTICLES.contraction * apart + turn * (apart @ quarter.T)

    np.testing.assert_allclose(last(follow(field, x, np.linspace(0, 1, 200))), moved(PARTICLES, kind, x), atol=1e-7)


def test_the_mean_stays_and_areas_shrink_by_the_exact_entropy():
    x = clouds(np.random.default_rng(1), "drift", 4, 100)
    end = moved(PARTICLES, "drift", x)
    np.testing.assert_allclose(end.mean(1), x.mean(1))
    np.testing.assert_allclose(np.linalg.det(propagators(PARTICLES, "drift", x)), np.exp(-2 * PARTICLES.contraction))
    change = differential_entropy(end, norm="euclidean").value - differential_entropy(x, norm="euclidean").value
    np.testing.assert_allclose(change, -2 * PARTICLES.contraction)


def test_the_distance_of_a_gaussian_population_from_its_end_is_the_closed_form():
    """W2 of N(m, s^2) and N(m, e^-2 s^2) in two dimensions: sqrt(2) s (1 - 1/e)."""
    x = np.array([1.0, -2.0]) + 0.5 * np.random.default_rng(2).standard_normal((1500, 2))
    known = 2**0.5 * 0.5 * (1 - np.exp(-PARTICLES.contraction))
    assert wasserstein2(x, moved(PARTICLES, "drift", x)) == pytest.approx(known, rel=0.05)


@pytest.mark.parametrize("kind", ["drift", "shape"])
def test_the_exact_field_is_the_velocity_of_every_path(kind):
    x = clouds(np.random.default_rng(3), kind, 3, 30)
    end, t = moved(PARTICLES, kind, x), np.random.default_rng(4).random((3, 30, 1))
    np.testing.assert_allclose(bridge_velocity(PARTICLES, kind, x, (1 - t) * x + t * end, t), end - x, atol=1e-10)
    np.testing.assert_allclose(bridge_velocity(PARTICLES, kind, x, x, 0.0), end - x, atol=1e-10)


def test_populations_are_of_their_laws():
    rng = np.random.default_rng(5)
    places, sds, share = laws(rng, "drift", 2000)
    np.testing.assert_allclose(share.sum(-1), 1)
    assert set((share > 0).sum(-1)) == {1, 2, 3} and sds.min() > 0.2 and sds.max() < 0.6
    one = tuple(part[:1] for part in (places, sds, share))
    x = sampled(rng, "drift", *one, 100_000)[0]
    np.testing.assert_allclose(x.mean(0), (share[0, :, None] * places[0]).sum(0), atol=0.03)
    np.testing.assert_allclose(clouds(rng, "shape", 5, 30).mean(1), 0, atol=1e-12)


def test_all_seeds_are_tested_with_the_same_and_learn_from_others():
    learnt, tested = particles(np.random.default_rng(6), PARTICLES, "drift", 3)
    assert not np.array_equal(learnt.before[0], learnt.before[1])
    np.testing.assert_array_equal(tested.before[0], tested.before[1])
    assert (tested.label == -1).all() and not np.array_equal(tested.again[0], tested.again[1])
    np.testing.assert_allclose(moved(PARTICLES, "drift", tested.before), tested.after)


# ------------------------------------------------------------------------------------------------ letters and organoids


def test_letters_are_letters():
    x = glyph("O")
    assert abs(x).max() == pytest.approx(3, abs=0.02)
    assert np.linalg.norm(x, axis=1).min() > 1, "an O has a hole"
    strokes = glyph("L")
    assert ((strokes < 0).all(1)).any() and not ((strokes > 0).all(1)).any(), "an L has nothing at the top right"


def test_held_out_letters_are_not_learned_from_and_noise_is_as_said():
    params = made().letters
    learnt, tested = letters(np.random.default_rng(7), params, 3)
    assert learnt.before.shape[1] == (26 - len(params.held_out)) * params.rotations
    noise = learnt.before - learnt.after
    assert noise.std() == pytest.approx(params.noise, rel=0.02) and abs(noise.mean()) < 0.02
    assert learnt.label.max() == 25 - len(params.held_out) and (tested.label == -1).all()


def test_a_treatment_moves_tumour_cells_by_the_share_of_fibroblasts():
    assert response(0.3) == 0.5 and response(1.0) == pytest.approx(1 / (1 + np.exp(-4.2)))
    params = made().organoids.model_copy(update={"points": 4000})
    draw = made_up(np.random.default_rng(8), params)
    shift = [
        draw(np.random.default_rng(9), patient, 0, 0, 4000) - draw(np.random.default_rng(9), patient, 0, CONTROL, 4000)
        for patient in range(2)
    ]
    for moved_cells in shift:
        size = np.linalg.norm(moved_cells, axis=1)
        assert ((size < 1e-9) | (abs(size - size.max()) < 1e-9)).all(), "tumour cells move alike, others not at all"
    assert shift[0].mean() != shift[1].mean()


def test_every_seed_holds_out_patients_of_its_own():
    params = made().organoids
    learnt, tested = organoids(np.random.default_rng(10), params, 3)
    held = params.patients // 3
    assert tested.before.shape[1] == held * params.cultures * params.treatments
    assert learnt.before.shape[1] == (params.patients - held) * params.cultures * params.treatments * params.replicates
    assert set(tested.label[0]) == set(range(params.treatments)) == set(learnt.label[0])


def table(path, **change):
    """Two markers of thirty cells of each of three patients, at 0, 1 and 2 by treatment; parameters that fit it."""
    rng, rows = np.random.default_rng(11), ["patient,culture,treatment,m0,m1"]
    for patient in "abc":
        for number, treatment in enumerate(("control", "x", "y")):
            rows += [
                f"{patient},one,{treatment}," + ",".join(f"{number + v:.4f}" for v in rng.normal(size=2) * 0.1)
                for _ in range(30)
            ]
    path.write_text("\n".join(rows), encoding="utf-8")
    fits = {"source": str(path), "patients": 3, "cultures": 1, "treatments": 2, "markers": 2, "points": 16}
    return made().organoids.model_copy(update=fits | change)


def test_a_table_of_cells_is_read(tmp_path):
    params = table(tmp_path / "cells.csv")
    draw = read(params)
    assert draw(np.random.default_rng(0), 0, 0, CONTROL, 16).mean() == pytest.approx(0, abs=0.1)
    assert draw(np.random.default_rng(0), 2, 0, 1, 16).mean() == pytest.approx(2, abs=0.1)
    learnt, _ = organoids(np.random.default_rng(0), params, 3)
    assert learnt.after[0, 0].mean() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": "nowhere.csv"}, "nowhere.csv: no such file"),
        ({"markers": 3}, "lacks 3 markers, it has 2"),
        ({"patients": 4}, "3 values of 'patient', 4 are asked for"),
        ({"points": 31}, "30 cells of a / one / control"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_a_sentence(tmp_path, change, said):
    params = table(tmp_path / "cells.csv", **change)
    with pytest.raises(UserError, match=said):
        read(params)(np.random.default_rng(0), 0, 0, CONTROL, params.points)


def test_a_cell_that_is_no_number_is_named(tmp_path):
    params = table(tmp_path / "cells.csv")
    (tmp_path / "cells.csv").write_text("patient,culture,treatment,m0,m1\na,one,control,1,2\na,one,x,1,\n")
    with pytest.raises(UserError, match="row 3, m1: not a finite number"):
        read(params)


def test_affine_transport_of_normal_laws_is_known():
    """From N(0, 1) to N((3, -1), diag(4, 1/4)): x -> (2 x1 + 3, x2 / 2 - 1); and back, for the other label."""
    x = np.random.default_rng(12).standard_normal((1, 2, 20_000, 2))
    y = x * [2, 0.5] + [3, -1]
    dims = ("seed", "population", "point", "axis")
    before, after = np.concatenate([x[:, :1], y[:, 1:]], 1), np.concatenate([y[:, :1], x[:, 1:]], 1)
    label = np.array([[0, 1]])
    train = xr.Dataset({"before": (dims, before), "after": (dims, after), "label": (dims[:2], label)})
    start = np.array([[[[1.0, 1.0]], [[1.0, 1.0]]]])
    found = moved_by(affine_maps(train), start, label)
    np.testing.assert_allclose(found[0, :, 0], [[5, -0.5], [-1, 4]], atol=0.1)


# ------------------------------------------------------------------------------------------------------------ networks


def trained_and_data(**change):
    data = simulate(case(**change))
    return data, train(case("train", **change), data)


QUICK = {"train": {"worlds": {w: {"steps": 0} for w in ("drift", "shape", "letters", "organoids")}}}


@pytest.fixture(scope="module")
def untrained():
    return trained_and_data(**QUICK)


def networks(trained, world="drift", embedding="own", arms=()):
    return Trained(trained, world, case("train").params.train, "trained", embedding, "cpu", arms)


def test_arms_of_a_seed_start_alike_and_those_told_nothing_give_every_population_one_field(untrained):
    data, trained = untrained
    net = networks(trained)
    test = data["drift/test"]
    code = net.by_block(net.codes(test["before"].values, test["label"].values))
    arms = net.runs.arms
    assert not code[arms.index("none")].any() and not code[arms.index("label")].any(), "unseen labels are zero"
    embedded = code[arms.index("graph")][..., : code.shape[-1] // 2]
    np.testing.assert_allclose((embedded**2).sum(-1), 1, rtol=1e-5)
    assert embedded.std(1).max() > 1e-3
    weights = trained["drift/end"]["field.weight_0"].values.reshape(len(arms), net.runs.seeds, -1)
    assert (weights == weights[:1]).all() and not (weights[:, 0] == weights[:, 1]).any()


def test_labels_that_were_seen_have_an_entry_and_a_treatment_is_told_to_all_but_one(untrained):
    data, trained = untrained
    seen = data["drift/train"]
    net = networks(trained)
    code = net.by_block(net.codes(seen["before"].values, seen["label"].values))
    assert code[net.runs.arms.index("label")].any() and not code[net.runs.arms.index("none")].any()
    net = networks(trained, "organoids")
    test = data["organoids/test"]
    entry = net.by_block(net.codes(test["before"].values, test["label"].values))
    entry = entry[..., entry.shape[-1] // 2 :]
    arms = net.runs.arms
    assert entry[arms.index("graph")].any() and not entry[arms.index("none")].any()
    np.testing.assert_array_equal(entry[arms.index("graph")], entry[arms.index("label")])


def test_another_embedding_is_that_of_another_population_with_ones_own_label(untrained):
    data, trained = untrained
    test = data["organoids/test"]
    given = (test["before"].values, test["label"].values)
    own, other = (
        (net := networks(trained, "organoids", which)).by_block(net.codes(*given)) for which in ("own", "another")
    )
    half = own.shape[-1] // 2
    np.testing.assert_array_equal(own[..., half:], other[..., half:])
    np.testing.assert_array_equal(np.roll(own[..., :half], own.shape[2] // 2, 2), other[..., :half])


def test_chosen_arms_are_those_of_all(untrained):
    data, trained = untrained
    test = data["drift/test"]
    given = (test["before"].values, test["label"].values, 3)
    whole, some = networks(trained), networks(trained, arms=("none", "graph"))
    both = [whole.runs.arms.index(arm) for arm in ("none", "graph")]
    np.testing.assert_allclose(some.ends(*given), whole.ends(*given)[both], atol=1e-5)


def test_a_batch_is_shared_by_all_arms_and_keeps_to_the_populations_it_has(untrained):
    data, _ = untrained
    one, world = case("train"), data["drift/train"].to_dataset()
    runs = runs_of(one, "drift", world)
    which, points, partners, t = batch(one.params, runs, "drift", world.sizes, np.random.default_rng(0))
    blocks = which.reshape(len(runs.arms), runs.seeds, -1)
    for size, block in zip(runs.sizes, blocks, strict=True):
        assert block.max() < (size or world.sizes["population"])
        assert size or np.array_equal(block, blocks[0])
    assert np.array_equal(points, partners) and t.shape == (*points.shape, 1)
    unpaired = batch(one.params, runs, "organoids", world.sizes, np.random.default_rng(0))
    assert not np.array_equal(unpaired[1], unpaired[2])


# ------------------------------------------------------------------------------------------------- losses and forecasts


def test_what_a_place_does_not_tell_is_the_variance_of_the_noise():
    """Values that are linear in the place, with noise of variance 1/4 in each of two parts: 1/2; without noise: 0."""
    rng = np.random.default_rng(1)
    x, noise = rng.normal(size=(6000, 3)), 0.5 * rng.normal(size=(6000, 2))
    line = x @ rng.normal(size=(3, 2)) + 1
    for values, left in ((line + noise, 0.5), (line, 0.0)):
        found = unexplained(x[:5000], values[:5000], x[5000:], values[5000:], 30)
        assert found == pytest.approx(left, rel=0.1, abs=1e-20)


def test_the_floor_is_that_of_the_mean_which_a_place_cannot_tell():
    """At t = 0 of clouds that only contract, x1 - x0 = -(1 - 1/e)(x0 - m): the variance of m given x0, by kernels."""
    one = case("forecast", simulate={"particles": {"turn": 0}}, forecast={"losses": {"floor": 1000, "neighbours": 100}})
    made_ = one.params.simulate.particles
    x = clouds(np.random.default_rng(1), "drift", 3000, made_.points)
    mean, places = x.mean(1), x[:, 0]
    near = np.exp(-((places[:300, None] - places) ** 2).sum(-1) / (2 * 0.15**2))
    near /= near.sum(1, keepdims=True)
    variance = (near @ (mean**2) - (near @ mean) ** 2).sum(-1).mean()
    given = places[None, :, None], np.zeros((1, 3000, 1, 1)), (moved(made_, "drift", x) - x)[None, :, :1]
    assert least_loss(one, "drift", *given)[0] == pytest.approx((1 - 1 / np.e) ** 2 * variance, rel=0.15)


def test_losses_of_the_exact_field_are_zero_and_untrained_ones_are_not(untrained):
    data, trained = untrained
    found, known = forecast(case("forecast", **QUICK), data, trained), entropy(case("entropy", **QUICK), data, trained)
    for kind in ("drift", "shape"):
        assert float(found[kind]["loss_of_exact"].max()) < 1e-20
        assert float(found[kind]["loss"].min()) > 0.1
        np.testing.assert_allclose(known[kind]["true_change"], known[kind]["exact_change"], atol=1e-4)


def test_what_stays_at_rest_is_the_identity_and_the_mean_shift_is_exact_in_the_mean(untrained):
    data, trained = untrained
    still = trained.map_over_datasets(lambda ds: ds if "loss" in ds else ds * 0)
    found = forecast(case("forecast", **QUICK), data, still)
    drift = found["drift"]
    np.testing.assert_allclose(drift["w2"].sel(model="none"), drift["w2"].sel(model="identity"), rtol=1e-5)
    np.testing.assert_allclose(drift["over_identity"], 1, rtol=1e-5)
    organoid = found["organoids"]["by_patient"].sel(distance="w2")
    assert float(organoid.sel(model="mean_shift").mean()) < float(organoid.sel(model="identity").mean())


def test_populations_that_cross_are_those_that_part_from_one_place():
    """Of three clouds two share their places and go opposite ways; the third goes farther, from elsewhere."""
    start = np.random.default_rng(13).normal(size=(10, 2)) * 0.1
    before = np.stack([start + [9, 9], start, start])
    way = np.array([[30.0, 0], [1, 0], [-1, 0]])[:, None]
    assert sorted(crossing(before, before + way)) == [1, 2]


def test_a_network_that_diverged_has_no_distance(untrained):
    data, trained = untrained
    broken = trained.map_over_datasets(lambda ds: ds if "loss" in ds else ds * np.nan)
    found = forecast(case("forecast", **QUICK), data, broken)["drift"]
    lost = entropy(case("entropy", **QUICK), data, broken)["drift"]
    assert all(np.isnan(lost[name]).all() for name in ("information", "detection", "entropy_change"))
    assert np.isnan(found["loss"]).all()
    assert np.isnan(found["w2"].sel(model="graph")).all() and np.isfinite(found["w2"].sel(model="identity")).all()


def test_meta_flow_matching_learns_what_flow_matching_can_not():
    """Some hundred updates on particles: the loss falls below that of a field without the population."""
    worlds = {"drift": {"arms": ["none", "label", "graph"], "steps": 400, "points": 16, "sizes": []}}
    change = {
        "simulate": {"particles": {"train": 60, "points": 32}},
        "train": {"worlds": worlds, "hidden": [48, 48], "neighbours": [4, 8]},
    }
    data, trained = trained_and_data(**change)
    loss = trained["drift"]["loss"].values[:, -30:].mean(1).reshape(3, -1)
    assert (loss[2] < 0.6 * loss[0]).all()
    assert (trained["drift"]["status"] == "ok").all() and isinstance(trained["drift"].to_dataset(), xr.Dataset)
    assert torch.get_default_dtype() == torch.float32


def test_a_stopped_training_goes_on_to_the_same_end(tmp_path, monkeypatch):
    tiny = {world: {"arms": ["none", "graph"], "steps": 6, "points": 8} for world in ("drift", "letters")}
    change = {"train": {"worlds": tiny}}
    data = simulate(case(**change))
    assert_goes_on(lambda one: train(one, data), case("train", **change), tmp_path, monkeypatch, 14)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"simulate": {"seeds": 2}}, "greater than or equal to 3"),
        ({"simulate": {"organoids": {"patients": 3}, "seeds": 4}}, "3 are fewer than the 4 seeds"),
        ({"train": {"worlds": {"drift": {"arms": ["graph", "mean"]}}}}, "'none' and 'graph' among them"),
        ({"train": {"worlds": {"drift": {"sizes": [20, 5]}}}}, "must rise"),
        ({"train": {"worlds": {"drift": {"sizes": [30]}}}}, "not below simulate.particles.train"),
        ({"train": {"worlds": {"letters": {"sizes": [5]}}}}, "only drift is learned"),
        ({"train": {"neighbours": [3, 20]}}, "has 20 points only"),
        ({"forecast": {"losses": {"points": 21}}}, "forecast.losses.points: a population"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_job(change, said):
    with pytest.raises(ValueError, match=said):
        case(**change)
