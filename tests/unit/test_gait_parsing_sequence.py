"""The study's own functions against known answers: walkers, entropies, networks, ranks, controls, real files."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.metrics import average_precision_score

from pesin.errors import UserError
from project import case_of
from stopping import assert_goes_on
from studies.gait_parsing_sequence.entropy import by_person, counted, deflated, entropy, parts_given_figure, placewise
from studies.gait_parsing_sequence.forecast import forecast
from studies.gait_parsing_sequence.gait3d import recordings
from studies.gait_parsing_sequence.networks import Family, _parts, adjacency, batch_all, draw, embed, losses
from studies.gait_parsing_sequence.representations import ARMS, families, merged, shuffled, table
from studies.gait_parsing_sequence.retrieval import distances, fano, hits, probed, scores
from studies.gait_parsing_sequence.simulate import simulate
from studies.gait_parsing_sequence.train import _shown, batch, train
from studies.gait_parsing_sequence.walkers import CONDITIONS, JOINTS, LABELS, bodies, drawn, joints, shots, under

STUDY, CASE = "gait_parsing_sequence", "walkers"


def case(step="simulate", **change):
    return case_of(STUDY, CASE, step, **change)


@pytest.fixture(scope="module")
def data():
    return simulate(case())


@pytest.fixture(scope="module")
def trained(data):
    return train(case("train"), data)


def walkers(people=3, each=2, frames=3, condition="wild", seed=0):
    rng = np.random.default_rng(seed)
    person = {name: np.repeat(values, each) for name, values in bodies(rng, people).items()}
    return person, under(condition, shots(rng, people, each, frames))


# ------------------------------------------------------------------------------------------------------------ walkers


def test_limbs_have_their_lengths_seen_from_the_side():
    person, taken = walkers(condition="clean")
    places = joints(person, taken, 32, 22)
    at = {name: places[:, :, i] for i, name in enumerate(JOINTS)}
    for side in ("left", "right"):
        thigh = np.linalg.norm(at[f"{side} knee"] - at[f"{side} hip"], axis=-1)
        leg = thigh + np.linalg.norm(at[f"{side} ankle"] - at[f"{side} knee"], axis=-1)
        np.testing.assert_allclose(leg, np.repeat((person["leg"] + taken["sole"])[:, None], 3, 1))
        np.testing.assert_allclose(thigh / leg, np.repeat(person["thigh"][:, None], 3, 1))
        arm = np.linalg.norm(at[f"{side} elbow"] - at[f"{side} shoulder"], axis=-1)
        np.testing.assert_allclose(arm, np.repeat(person["arm"][:, None] / 2, 3, 1))
    np.testing.assert_allclose(joints(person, taken, 64, 44), 2 * places)


def test_an_angle_shortens_steps_and_sets_the_sides_apart():
    person, taken = walkers(condition="clean")
    ahead = joints(person, taken | {"view": np.full(6, np.pi / 2)}, 32, 22)
    i, j = JOINTS.index("left hip"), JOINTS.index("right hip")
    np.testing.assert_allclose(ahead[:, :, j, 0] - ahead[:, :, i, 0], 2)
    knee = JOINTS.index("left knee")
    np.testing.assert_allclose(ahead[:, :, knee, 0], ahead[:, :, i, 0], atol=1e-12)


def test_a_walker_is_drawn_where_its_joints_are():
    person, taken = walkers(condition="clean")
    labels, found = drawn(person, taken, 64, 44)
    places = joints(person, taken, 64, 44)
    assert np.abs(found - places).max() <= 0.5
    for name, label in (("head", "head"), ("right knee", "right leg"), ("right wrist", "right hand")):
        at = places[:, :, JOINTS.index(name)].astype(int)
        here = labels[np.arange(6)[:, None], np.arange(3), at[..., 1], at[..., 0]]
        assert (here == LABELS.index(label)).mean() > 0.8, name
    area = (labels == LABELS.index("head")).sum((-2, -1)) / (np.pi * (2 * person["head"][:, None]) ** 2)
    assert 0.9 < area.min() < area.max() < 1.4  # with the neck


def test_only_what_hinders_differs_between_conditions(data):
    clean, wild = (data[name].to_dataset() for name in ("clean", "wild"))
    assert float(abs(clean["view"]).max()) == 0 == float(clean["dress"].max())
    assert (clean["person"] == wild["person"]).all()
    assert not (clean["labels"] == LABELS.index("dress")).any()
    assert (wild["labels"] == LABELS.index("dress")).any()
    dressed = data["dress"].to_dataset()
    assert (dressed["dress"] == wild["dress"]).all()
    erased = data["erased"].to_dataset()
    hidden = (erased["labels"] == 0) & (clean["labels"] > 0)
    assert ((erased["labels"] == clean["labels"]) | hidden).all() and hidden.any()


def test_the_dresses_of_a_person_differ():
    taken = shots(np.random.default_rng(0), 20, 4, 2)
    assert (np.sort(taken["dress"].reshape(20, 4), 1) == [0, 5, 7, 9]).all()


# ---------------------------------------------------------------------------------------------------- representations


def test_dealt_out_labels_keep_outline_and_counts(data):
    labels = data["wild/labels"].values
    dealt = data["wild/shuffled"].values
    assert ((labels > 0) == (dealt > 0)).all() and (labels != dealt).any()
    flat = (*labels.shape[:3], -1)
    assert (counted(labels.reshape(flat)) == counted(dealt.reshape(flat))).all()
    first, second = (shuffled(np.random.default_rng(i), labels) for i in (0, 1))
    assert (first != second).any()


def test_tables_merge_as_the_labels_do():
    one_hot = np.eye(11, dtype=np.float32)
    labels = np.arange(12)
    for kind, classes in (("silhouette", 1), ("three", 3), ("five", 5), ("parsing", 11)):
        assert len(np.unique(merged(labels, kind))) == classes + 1
        assert (table(kind) == one_hot[merged(labels, kind)[1:] - 1]).all()
    assert (table("label_map")[:, 0] == np.float32(np.arange(1, 12)) / np.float32(11)).all()
    assert (table("repeated") == 1).all()


def test_each_network_is_in_one_family():
    assert sorted(name for arms in families().values() for name in arms) == sorted(ARMS)
    assert families()["two_heads"] == ("two_heads", "no_graph", "random_graph")


# ------------------------------------------------------------------------------------------------------------ entropy


def test_the_chain_rule_holds_and_one_part_gains_nothing(data):
    found = entropy(case("entropy"), data)
    np.testing.assert_allclose(found["gain"], found["parts_given_figure"], atol=1e-12)
    assert float(found["gain"].min()) > 0
    assert float(found["bits"].sel(map="silhouette").max()) <= 1 < np.log2(12)
    np.testing.assert_allclose(found["bits"].sel(map="shuffled"), found["bits"].sel(map="parsing"))
    alone = entropy(case_of(STUDY, "one_part", "entropy"), data)
    assert float(alone["gain"].max()) == 0
    np.testing.assert_array_equal(alone["code_bits"].sel(representation="parsing"), found["code_bits"][0])


def test_entropies_of_counts_that_can_be_reckoned():
    labels = np.array([[0, 0, 1, 2]])
    assert parts_given_figure(counted(labels)) == pytest.approx([0.5])
    frames = np.array([[[[0, 1]], [[0, 1]], [[0, 2]], [[0, 2]]]], np.uint8)[:, :, None]
    assert placewise(np.tile(frames, (1, 250, 1, 1, 1))) == pytest.approx([1.0], abs=1e-3)
    blank = np.zeros((1, 1, 3, 50, 50), np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, blank.shape).astype(np.uint8)
    assert deflated(blank) < 100 and deflated(noise) == pytest.approx(8 * 2500, rel=0.01)
    assert by_person(np.array([[1.0, 3.0, 5.0, 7.0]]), np.array([[0, 0, 1, 1]])) == pytest.approx([2, 6])


# ---------------------------------------------------------------------------------------------------------- retrieval


def test_random_codes_score_by_chance():
    """Rank-1 of chance is (sequences - 1) / (all - 1), Rank-5 hypergeometric."""
    rng, person = np.random.default_rng(0), np.repeat(np.arange(50), 6)
    found = [scores(hits(distances(rng.normal(size=(300, 2, 4))), person)) for _ in range(20)]
    rank1, rank5, precision = (np.mean([one[key] for one in found]) for key in ("rank1", "rank5", "map"))
    assert rank1 == pytest.approx(5 / 299, abs=0.005)
    missed = np.prod([(294 - i) / (299 - i) for i in range(5)])
    assert rank5 == pytest.approx(1 - missed, abs=0.012)
    assert precision == pytest.approx(0.034, abs=0.006)


def test_scores_of_a_ranking_that_can_be_reckoned():
    found = np.array([[True, False, True, False], [False, True, True, False]])
    assert scores(found) == pytest.approx({"rank1": 0.5, "rank5": 1, "map": (5 / 6 + 7 / 12) / 2, "minp": 2 / 3})


def test_precision_is_scikit_learns():
    rng, person = np.random.default_rng(3), np.repeat(np.arange(8), 3)
    apart = distances(rng.normal(size=(24, 3, 2)))
    others = ~np.eye(24, dtype=bool)
    peer = [average_precision_score(person[o] == person[i], -apart[i, o]) for i, o in enumerate(others)]
    assert scores(hits(apart, person))["map"] == pytest.approx(np.mean(peer))


def test_codes_that_tell_all_reach_the_information_of_identity():
    codes = np.repeat(np.eye(16), 3, 0)[:, None] + 1e-3 * np.random.default_rng(0).normal(size=(48, 1, 16))
    person = np.repeat(np.arange(16), 3)
    apart = distances(codes)
    assert scores(hits(apart, person)) == pytest.approx({"rank1": 1, "rank5": 1, "map": 1, "minp": 1})
    assert probed(apart, person) == pytest.approx(4, abs=0.01) == fano(1, 16)
    blind = distances(np.random.default_rng(1).normal(size=(48, 1, 16)))
    assert probed(blind, person) < 0.2
    assert fano(1 / 16, 16) == pytest.approx(0, abs=1e-9)


# ----------------------------------------------------------------------------------------------------------- networks


def _family(arms, params, seeds=2):
    generators = [torch.Generator().manual_seed(seed) for seed in range(seeds)]
    family = Family.of(arms, range(seeds), [np.random.default_rng(seed) for seed in range(seeds)], "cpu")
    return family, *draw(family, params, 10, generators, "cpu")


@pytest.mark.parametrize("residual", [False, True])
def test_networks_in_one_program_are_those_one_by_one(data, residual):
    """The whole family against each of its runs in a program of its own, batch normalisation and losses included."""
    params = case("train").params.train.model_copy(update={"residual": residual})
    arms = families()["two_heads"]
    family, weights, moments = _family(arms, params)
    shown = {key: values[:, :8] for key, values in _shown(family, data["train"], "cpu").items()}
    people = torch.arange(4).repeat_interleave(2).expand(len(arms) * 2, -1)
    codes = embed(family, params, weights, moments, shown, True)
    loss = losses(params, weights, moments, codes, people)
    for run in range(len(arms) * 2):
        seed, arm = divmod(run, len(arms))
        alone = Family((arms[arm],), (seed,), family.graphs[run : run + 1])
        fresh = {k: torch.ones_like(v) if k.startswith("var") else torch.zeros_like(v) for k, v in moments.items()}
        own = {key: value[run : run + 1] for key, value in weights.items()}
        kept = {key: value[run : run + 1] for key, value in fresh.items()}
        here = {key: value[seed : seed + 1] for key, value in shown.items()}
        found = embed(alone, params, own, kept, here, True)
        torch.testing.assert_close(found[0], codes[run], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(losses(params, own, kept, found, people[:1])[0], loss[run], rtol=1e-4, atol=1e-4)


def test_the_first_layer_sees_what_the_table_says(data):
    """Kernels on one-hot labels against a plain convolution of the channels themselves."""
    params = case("train").params.train
    family, weights, moments = _family(("five", "label_map"), params, 1)
    shown = _shown(family, data["train"], "cpu")
    codes = embed(family, params, weights, moments, {"labels": shown["labels"][:, :4]}, True)
    labels = shown["labels"][0, :4].flatten(0, 1).long()
    for run, kind in enumerate(("five", "label_map")):
        channels = torch.as_tensor(np.vstack([np.zeros(11, np.float32), table(kind)]))[labels].permute(0, 3, 1, 2)
        x = channels
        for i, stride in enumerate(params.strides):
            weight, bias = weights[f"weight_a{i}"][run], weights[f"bias_a{i}"][run]
            x = torch.nn.functional.conv2d(x, weight, bias, stride, 1)
            x = torch.relu(torch.nn.functional.batch_norm(x, None, None, training=True))
        strips = x.unflatten(0, (4, -1)).amax(1).unflatten(2, (params.strips, -1))
        pooled = (strips.mean((-2, -1)) + strips.amax((-2, -1))).transpose(1, 2)
        expected = torch.einsum("bpc,pcd->bpd", pooled, weights["head"][run])
        torch.testing.assert_close(codes[run], expected, rtol=1e-3, atol=1e-4)


def test_parts_are_pooled_as_the_card_says(data):
    """Maps weighted, averaged and maximised one part after the other, mixed along the star, against the program."""
    params = case("train").params.train
    family, weights, _ = _family(("two_heads", "no_graph"), params, 2)
    masks = _shown(family, data["train"], "cpu")["masks"][:, :3]
    maps = torch.randn(4, 3, masks.shape[2], params.channels[-1], 8, 6, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        weights["share"][:, 1] = 0.3
    group = torch.as_tensor(merged(masks.numpy(), "five"))[..., ::2, ::2]  # 1 to 5, 0 the background
    for run in range(4):
        nodes = []
        for part in range(5):
            inside = (group[run // 2] == part + 1).float().unsqueeze(2)
            share = weights["share"][run, part]
            z = share * inside * maps[run] + (1 - share) * (1 - inside) * maps[run]
            nodes.append(z.mean((-2, -1)) + z.amax((-2, -1)))
        mixed = torch.relu(family.graphs[run] @ torch.stack(nodes, 2) @ weights["mix"][run]).amax(1)
        torch.testing.assert_close(_parts(family, weights, maps, masks)[run], mixed, rtol=1e-4, atol=1e-5)


def test_the_star_is_normalised_as_the_card_says():
    star = adjacency("star", np.random.default_rng(0))
    expected = torch.zeros(5, 5)
    expected[0, 1:] = expected[1:, 0] = 10**-0.5
    expected += torch.diag(torch.tensor([0.2, 0.5, 0.5, 0.5, 0.5]))
    torch.testing.assert_close(star, expected)
    for seed in range(10):
        tree = adjacency("random", np.random.default_rng(seed))
        assert int((tree > 0).sum()) == 5 + 2 * 4 and not torch.equal(tree, star)
        assert torch.linalg.matrix_power(tree, 4).min() > 0


def test_the_triplet_loss_is_that_of_all_triplets():
    codes = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    person = [0, 0, 0, 1, 1, 1]
    for one, found in zip(codes, batch_all(codes, 3, 0.5), strict=True):
        apart = torch.cdist(one, one)
        terms = [
            max(0.0, float(apart[a, p] - apart[a, n] + 0.5))
            for a in range(6)
            for p in range(6)
            for n in range(6)
            if a != p and person[a] == person[p] != person[n]
        ]
        assert float(found) == pytest.approx(np.mean([t for t in terms if t > 0]), rel=1e-5)


def test_a_batch_holds_sequences_of_its_people():
    params = case("train").params.train
    who, which = batch(np.random.default_rng(0), 10, 3, params)
    assert (which // 3 == who).all() and len(np.unique(which)) == len(which) == params.people * params.each
    assert (who.reshape(params.people, -1) == who[:: params.each, None]).all()


def test_networks_of_a_seed_start_alike():
    _, weights, _ = _family(("silhouette", "parsing"), case("train").params.train)
    torch.testing.assert_close(weights["weight_a0"][0], weights["weight_a0"][1])
    assert (weights["weight_a0"][0] != weights["weight_a0"][2]).any()


# ---------------------------------------------------------------------------------------------------------- the steps


def test_one_by_one_the_trainings_are_the_same(data):
    together, alone = (train(case("train", train={"steps": 1, "together": both}), data) for both in (True, False))
    assert together["skeleton/curves"].sizes["update"] == 1
    for name in families():
        one, other = (tree[f"{name}/curves"]["loss"].values for tree in (together, alone))
        np.testing.assert_allclose(one, other, rtol=1e-3)


def test_a_stopped_training_goes_on(data, tmp_path, monkeypatch):
    assert_goes_on(lambda one: train(one, data), case("train"), tmp_path, monkeypatch, 6)


def test_controls_judge_what_they_say(data, trained):
    found = forecast(case("forecast"), data, trained)
    other = forecast(case_of(STUDY, "shuffled_parts", "forecast"), data, trained)
    assert (other["rank1"].sel(network="parsing") == found["rank1"].sel(network="shuffled")).all()
    dead = forecast(case_of(STUDY, "untrained", "forecast"), data, trained)
    assert not dead["map"].equals(found["map"])


def test_a_diverged_run_is_a_failure_not_a_crash(data, trained):
    broken = trained.copy(deep=True)
    broken["silhouette/codes"]["codes"].loc[{"arm": "parsing", "seed": 1}] = np.nan
    found = forecast(case("forecast"), data, broken)
    missing = np.isnan(found["rank1"].sel(network="parsing"))
    assert missing.values.tolist() == [False, True, False]


# ------------------------------------------------------------------------------------------------------ the real data


def write(root, people, frames=4, maps=None):
    for person in people:
        for sequence in range(3):
            folder = root / person / "camid0" / f"seq{sequence}"
            folder.mkdir(parents=True)
            values = np.random.default_rng(0).integers(0, 12, (frames, 64, 64)) if maps is None else maps
            np.save(folder / "seq.npy", values.astype(np.uint8))
    half = len(people) // 2
    (root / "Gait3D.json").write_text(json.dumps({"TRAIN_SET": people[:half], "TEST_SET": people[half:]}))


def real(root, **change):
    sizes = {"train": 8, "test": 8, "sequences": 2, "frames": 3, "rows": 64, "columns": 44, "source": str(root)}
    return case().params.simulate.model_copy(update=sizes | change)


def test_real_files_are_read_as_walkers_are(tmp_path):
    write(tmp_path, [f"{i:04d}" for i in range(16)])
    found = recordings(real(tmp_path))
    assert set(found) == {"train", "wild"} and found["wild"]["labels"].shape == (3, 16, 3, 64, 44)
    stored = np.load(tmp_path / "0008/camid0/seq0/seq.npy")
    np.testing.assert_array_equal(found["wild"]["labels"][0, 0], stored[:3, :, 10:54])
    assert found["wild"]["person"][0].tolist() == np.repeat(np.arange(8), 2).tolist()


@pytest.mark.parametrize(
    ("breaks", "says"),
    [
        (lambda root: (root / "Gait3D.json").unlink(), "gait3d.github.io"),
        (lambda root: (root / "Gait3D.json").write_text("{}"), "no TEST_SET"),
        (lambda root: next(root.glob("0000/*/*/*.npy")).write_bytes(b"junk"), "seq.npy: .*numpy.save"),
        (lambda root: np.save(next(root.glob("0000/*/*/*.npy")), np.array([print])), "seq.npy: Object arrays"),
        (lambda root: np.save(next(root.glob("0000/*/*/*.npy")), np.full((4, 64, 64), 12)), "0 to 11"),
    ],
)
def test_what_is_wrong_with_real_files_is_said(tmp_path, breaks, says):
    write(tmp_path, [f"{i:04d}" for i in range(16)])
    breaks(tmp_path)
    with pytest.raises(UserError, match=says):
        recordings(real(tmp_path))


def test_too_few_people_are_named(tmp_path):
    write(tmp_path, [f"{i:04d}" for i in range(16)])
    with pytest.raises(UserError, match="8 people have enough sequences, 9 are asked for"):
        recordings(real(tmp_path, test=9))


@pytest.mark.parametrize(
    ("section", "change", "says"),
    [
        ("train", {"strips": 3}, "train.strips: 3 strips don't divide"),
        ("train", {"strides": [2]}, "train.strides: give 2"),
        ("train", {"each": 9}, "train.each: a person has 3"),
        ("train", {"people": 99}, "train.people: there are 10"),
        ("forecast", {"stand_in": {"parsing": "nobody"}}, "there is no network 'nobody'"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(section, change, says):
    params = case().params
    given = params.model_dump()
    given[section] |= change
    with pytest.raises(ValueError, match=says):
        type(params)(**given)


def test_simulate_takes_the_real_data(tmp_path):
    write(tmp_path, [f"{i:04d}" for i in range(16)])
    made = case()
    found = simulate(replace(made, params=made.params.model_copy(update={"simulate": real(tmp_path)})))
    assert isinstance(found, xr.DataTree) and set(found.children) == {"train", "wild"}
    assert set(CONDITIONS) - {"wild"} == {"clean", "view", "dress", "erased"}
