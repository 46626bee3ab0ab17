"""The study's own functions against known answers: molecules, mixtures, language, scores, networks."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.optimize import brentq

import studies.molecular_generative_design
from pesin.errors import UserError
from project import case_of
from stopping import assert_goes_on
from studies.molecular_generative_design import pairs
from studies.molecular_generative_design.chemistry import PROPERTIES, QM9, formulas, heavy_atoms, random_molecules, read
from studies.molecular_generative_design.diffusion import (
    BRIDGE,
    canvas,
    diffusion_loss,
    init_unet,
    on_canvas,
    painted,
    sampled,
    wanted,
)
from studies.molecular_generative_design.entropy import histogram_divergence
from studies.molecular_generative_design.forecast import forecast, judged_pairs, spearman
from studies.molecular_generative_design.language import ASK, END, NONE, UNSCORED, Language, lesson
from studies.molecular_generative_design.scoring import made_scores, nearest, r2, sized_r2
from studies.molecular_generative_design.simulate import COMPONENTS, simulate
from studies.molecular_generative_design.tables import prepared
from studies.molecular_generative_design.train import Lessons, answers_loss, first_weights, network, train

STUDY = "molecular_generative_design"
WORDS = Language("()=CNO.", 4, 6, 3)


def case(step="train", **change):
    return case_of(STUDY, "toy", step, **change)


@pytest.fixture(scope="module")
def world():
    return simulate(case("simulate"))


@pytest.fixture(scope="module")
def trained(world):
    return train(case(train={"gpt": {"steps": 6}, "diffusion": {"steps": 2}}), world)


# ----------------------------------------------------------------------------------------------------------- molecules


def test_properties_of_methane_and_ethanol():
    """TPSA of ethanol: 20.23 for one hydroxyl (Ertl, Rohde and Selzer, J. Med. Chem. 43, 3714, 2000)."""
    names, table = read(["C", "OCC", "CC(", "", "C.C"])
    found = dict(zip(PROPERTIES, table.T, strict=True))
    assert names == ["C", "CCO", "", "", ""]
    np.testing.assert_allclose(found["tpsa"][:2], [0, 20.23], atol=1e-9)
    np.testing.assert_allclose(found["weight"][:2], [16.043, 46.069], atol=1e-9)
    np.testing.assert_array_equal(found["donors"][:2], [0, 1])
    np.testing.assert_array_equal(found["acceptors"][:2], [0, 1])
    assert np.isnan(table[2:]).all()
    assert formulas(["CCO"]) == ["C2H6O"]
    np.testing.assert_array_equal(heavy_atoms(["CCO", "CCO.C"]), [3, 4])


def test_random_molecules_are_valid_canonical_different_and_the_same_again():
    draws = [random_molecules(np.random.default_rng(5), 60, (4, 6), 9) for _ in range(2)]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) == 60
    assert read(draws[0])[0] == draws[0]
    assert all(4 <= n <= 6 for n in heavy_atoms(draws[0])) and max(map(len, draws[0])) <= 9


@pytest.mark.parametrize("package", ["rdkit", "selfies"])
def test_a_missing_package_is_a_sentence(monkeypatch, package):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=f"{package} is missing .* pip install .*{package}"):
        simulate(case("simulate"))


def test_no_module_imports_them_by_being_imported():
    """So that the plan, --lint and other studies go on without them."""
    for path in Path(studies.molecular_generative_design.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                assert not any(name in ast.unparse(node) for name in ("rdkit", "selfies", "pandas")), path.name


# ------------------------------------------------------------------------------------------------------------ mixtures


def test_eutectics_with_known_answers():
    """Equal compounds that mix ideally: x = 1/2 and T_m / (1 + R ln 2 / dS); the others worked out with R = 8.314."""
    strong = -2 * pairs.GAS * 300
    one, two, w = [300, 400, 400, 300, 700], [300, 320, 320, 300, 200], [0, 0, strong, strong, 0]
    x, t = pairs.eutectic(np.array(one), np.array(two), np.array(w))
    np.testing.assert_allclose(x[:4], [0.5, 0.14939, 0.28086, 0.5], atol=2e-5)
    np.testing.assert_allclose(t[:4], [300 / (1 + pairs.GAS * np.log(2) / 56.5), 312.558, 298.551, 252.203], atol=4e-3)
    assert 0 < x[4] < 1e-6
    assert np.isnan(pairs.eutectic(np.array([np.nan]), np.array([300.0]), np.zeros(1))[0]).all()


def test_eutectics_are_where_brentq_finds_them():
    rng = np.random.default_rng(0)
    one, two, w = rng.uniform(200, 500, 20), rng.uniform(200, 500, 20), -rng.uniform(0, 7000, 20)
    found = pairs.eutectic(one, two, w)
    for i in range(20):

        def gap(x, i=i):
            return pairs.liquidus(x, one[i], w[i]) - pairs.liquidus(1 - x, two[i], w[i])

        assert found[0][i] == pytest.approx(brentq(gap, 1e-9, 1 - 1e-9), abs=1e-8)


def test_the_interaction_counts_bonds_between_unlike_molecules():
    table = read(["CCO", "CCC", "OCC(O)CO"])[1]
    w = pairs.interaction(table[[0, 0, 2]], table[[1, 0, 2]]) / (pairs.GAS * 300)
    np.testing.assert_allclose(w, [0, -1.6, -3])


def test_designed_pairs_must_be_two_new_compounds():
    names, depression = judged_pairs(["CCO.CC", "CC.OCC", "CCO.CCO", "CCN.CC(", "CCN", "CCN.CCO"], {"CC.CCN"})
    assert names == ["CCO.CC", "", "", "", "", "CCN.CCO"]
    assert np.isfinite(depression).tolist() == [True, False, False, False, False, True]
    assert judged_pairs(["CCN.CC"], {"CC.CCN"})[0] == [""]


# ------------------------------------------------------------------------------------------------------------ language


def test_strings_and_values_come_back():
    tokens = WORDS.written(["CCO", "C=N.C"])
    assert WORDS.read(tokens) == ["CCO", "C=N.C"] and (tokens[0, 3:] == END).all()
    bins = WORDS.binned(np.array([[-1, -0.6, 0.1], [1, 7, np.nan]]))
    assert (bins[0] - WORDS.first_bin).tolist() == [0, 4, 10]
    assert (bins[1, :2] - WORDS.first_bin).tolist() == [3, 7] and bins[1, 2] == NONE
    assert WORDS.spelling.sum() == 1 + len(WORDS.characters)
    with pytest.raises(ValueError, match="more than 5 characters"):
        WORDS.written(["CCCCCC"])


def test_lessons_ask_for_what_the_prompt_does_not_tell():
    string, bins = WORDS.written(["CO"]), WORDS.binned(np.array([[0.0, 1.0, np.nan]]))
    tokens, target = lesson("forward", string, bins, np.ones((1, 3), bool))
    assert (tokens[0, -3:] == ASK).all() and target[0, -3:].tolist() == [*bins[0, :2], UNSCORED]
    assert (target[0, :-3] == UNSCORED).all()
    tokens, target = lesson("inverse", string, bins, np.array([[True, False, True]]))
    assert tokens[0, 1:4].tolist() == [bins[0, 0], NONE, NONE]
    assert target[0, 3:-1].tolist() == string[0].tolist()
    assert (target[0, 4:] != tokens[0, 4:]).any() and target[0, -1] == UNSCORED


def test_a_uniform_model_loses_the_logarithm_of_its_symbols():
    target = torch.tensor([[[UNSCORED, 3, 1], [UNSCORED, UNSCORED, 2]]])
    assert answers_loss(torch.zeros(1, 2, 3, 16), target).item() == pytest.approx(np.log(16))
    sure = torch.zeros(1, 2, 3, 16)
    sure[0, 0, 0] = 50  # of a slot that isn't scored
    assert answers_loss(sure, target).item() == pytest.approx(np.log(16))


def test_a_string_is_seen_by_the_properties_and_no_property_by_another():
    p = case().params
    net = network(p, WORDS)
    weights = {k: v[:1] for k, v in first_weights(case(), WORDS).items()}
    tokens, _ = lesson("forward", WORDS.written(["CO", "CN"]), np.full((2, 3), NONE), np.ones((2, 3), bool))
    out = net(weights, torch.as_tensor(tokens)[None])[0, :, -3:]
    assert (out[0] - out[1]).abs().max() > 1e-6
    np.testing.assert_allclose(out[0].softmax(-1).sum(-1).detach(), 1, rtol=1e-5)


# -------------------------------------------------------------------------------------------------------------- scores


def test_r2_of_truth_mean_and_shuffled_requests():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(4000, 2))
    np.testing.assert_allclose(r2(y, y), 1)
    np.testing.assert_allclose(r2(y, np.broadcast_to(y.mean(0), y.shape)), 0, atol=1e-12)
    np.testing.assert_allclose(r2(y, rng.permuted(y, axis=0)), -1, atol=0.1)
    holed = y.copy()
    holed[::2, 0] = np.nan
    np.testing.assert_allclose(r2(y, holed), 1)
    assert np.isnan(r2(y[:5], np.where(np.arange(5)[:, None] < 3, np.nan, y[:5]))).all()


def test_the_size_alone_is_worth_nothing_over_the_size():
    rng = np.random.default_rng(2)
    size = rng.integers(4, 9, 500).astype(float)
    y = np.stack([3 * size + rng.normal(size=500), rng.normal(size=500)], -1)
    line = np.stack([np.ones(500), size], -1)
    np.testing.assert_allclose(sized_r2(size, y, line @ np.linalg.lstsq(line, y, rcond=None)[0]), 0, atol=1e-9)
    np.testing.assert_allclose(sized_r2(size, y, y), 1)
    assert r2(y, line @ np.linalg.lstsq(line, y, rcond=None)[0])[0] > 0.8


def test_copies_of_the_training_set_are_not_new(world):
    table = prepared(case().params, world)[1]
    known = {table.names[i] for i in table.train[0]}
    copies = nearest(table, 0, table.values[table.train[0][:9]])
    assert made_scores(copies, known) == {"valid": 1, "unique": 1, "novel": 0}
    assert made_scores(["", "CC", "CC", "N"], {"N"}) == pytest.approx({"valid": 0.75, "unique": 2 / 3, "novel": 2 / 3})
    assert made_scores(["", ""], {"N"}) == {"valid": 0, "unique": 0, "novel": 0}


def test_rank_correlation_and_divergence():
    x = np.arange(9.0)
    assert spearman(x, x**3) == pytest.approx(1) and spearman(x, -x) == pytest.approx(-1)
    assert spearman(x, np.ones(9)) == 0
    values = np.random.default_rng(0).normal(size=(4000, 2))
    found = histogram_divergence(np.stack([values[:, 0], values[:, 1] + 2], -1), values, 10)
    assert found[0] == pytest.approx(0, abs=1e-9) and found[1] > 1


# ----------------------------------------------------------------------------------------------------------- diffusion


def test_a_canvas_holds_string_and_values():
    strings, values = WORDS.written(["C=O", "(N)C"]), np.array([[0.1, -1, 1], [0, 0.5, -0.5]], np.float32)
    made, told = on_canvas(WORDS, canvas(WORDS, torch.as_tensor(strings), torch.as_tensor(values)))
    np.testing.assert_array_equal(made, strings)
    np.testing.assert_allclose(told, values)


def test_what_is_given_is_what_is_not_painted():
    mask = wanted(WORDS, 4, "cpu")
    assert mask[:2, 0, -1, 6:].eq(1).all() and mask[:2, 0, :, :6].eq(0).all()
    assert mask[2:, 0, :-1, :6].eq(1).all() and mask[2:, 0, :, 6:].eq(0).all()


def test_the_sampler_follows_a_known_clean_canvas(monkeypatch):
    """Where the networks know the clean canvas, Euler's path from noise ends in it."""
    import studies.molecular_generative_design.diffusion as module

    clean = torch.randn(2, 1, 9, 9, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(module, "painted", lambda *_: clean)
    noise = torch.randn(2, 1, 9, 9, generator=torch.Generator().manual_seed(1))
    found = sampled({}, WORDS, clean, noise, 400)
    mask = wanted(WORDS, 2, "cpu")
    assert ((found - clean) * mask).abs().max() < 0.05
    np.testing.assert_array_equal((found * (1 - mask)).numpy(), (clean * (1 - mask)).numpy())


def test_each_run_of_the_unet_is_its_own_and_its_loss_is_of_what_is_wanted():
    weights = init_unet(2, WORDS, 4, torch.Generator().manual_seed(0))
    x = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(1))
    t = torch.full((2, 3, 1), 0.3)
    both = painted(weights, WORDS, x, x, t)
    one = painted({k: v[1:] for k, v in weights.items()}, WORDS, x[1:], x[1:], t[1:])
    np.testing.assert_allclose(both[1].detach(), one[0].detach(), atol=1e-5)
    clean, noise = x[:1], torch.zeros_like(x[:1])
    a = diffusion_loss(weights, WORDS, clean, noise, t[:1, :, None])
    mask = wanted(WORDS, 2, "cpu")
    b = BRIDGE.values(t[:1, :, None])[1] * clean.repeat(2, 1, 1, 1) * mask
    found = painted(weights, WORDS, b, clean.repeat(2, 1, 1, 1) * (1 - mask), t)
    want = (((found - clean) ** 2) * mask).sum((1, 2, 3)) / (3 * mask.sum((1, 2, 3)))
    np.testing.assert_allclose(a.detach(), want.detach(), rtol=1e-5)


# ------------------------------------------------------------------------------------------------- split, train, steps


def test_nothing_held_out_is_trained_on(world):
    for seed in range(3):
        split, pair = world["split"].values[seed], world["pair"].values
        seen = set(pair[split != COMPONENTS].ravel().tolist())
        hidden = set(range(world.sizes["compound"])) - seen
        assert len(hidden) >= case().params.simulate.held_out.components
        assert all(hidden & set(two) for two in pair[split == COMPONENTS].tolist())
    assert (world["train"].values == 0).sum(1).tolist() == [30] * 3
    assert len({frozenset(two) for two in world["pair"].values.tolist()}) == world.sizes["pair"]


def test_scales_are_those_of_the_training_set(world):
    table = prepared(case().params, world)[1]
    scaled = table.scaled(1, table.values[table.train[1]])
    np.testing.assert_allclose([np.nanmin(scaled, 0), np.nanmax(scaled, 0)], [[-1] * 4, [1] * 4])
    np.testing.assert_allclose(table.in_units(1, scaled), table.values[table.train[1]])


def test_shuffled_labels_stay_in_the_training_set(world):
    _, molecules, mixtures = prepared(case().params, world)
    words, tables, rng = prepared(case().params, world)[0], (molecules, mixtures), np.random.default_rng(0)
    orders = [table.train for table in tables], [[rng.permutation(rows) for rows in table.train] for table in tables]
    plain, mixed = (Lessons(case(), words, tables, order) for order in orders)
    for a, b in zip(plain.values[0], mixed.values[0], strict=True):
        np.testing.assert_allclose(np.sort(a, 0), np.sort(b, 0))
        assert (a != b).any()


def test_networks_of_a_seed_start_alike_and_a_third_ends_earlier(trained):
    assert trained["gpt_loss"].shape == (4, 3, 6) and trained["third_loss"].shape == (3, 3, 2)
    first = trained["gpt_loss"].sel(arm="forward")[:, 0].values
    np.testing.assert_allclose(first, trained["third_loss"].sel(single="forward_third")[:, 0].values, rtol=1e-6)


def test_apart_the_network_of_all_tasks_is_those_of_a_third(world, trained):
    found = forecast(case("forecast", forecast={"joint": "apart", "requests": 10, "euler": 2}), world, trained)
    np.testing.assert_array_equal(found["score"].sel(budget="multi"), found["score"].sel(budget="third"))
    np.testing.assert_array_equal(
        found["string_loss"].sel(writer="multi"), found["string_loss"].sel(writer="pairs_third")
    )


def test_training_goes_on_where_it_was_stopped(tmp_path, monkeypatch, world):
    small = case(train={"gpt": {"steps": 6}, "diffusion": {"steps": 2}})
    assert_goes_on(lambda case: train(case, world), small, tmp_path, monkeypatch, 7)


# ----------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("section", "change", "said"),
    [
        ("simulate", {"source": "qm9_csv"}, "needs the path of a table"),
        ("simulate", {"pairs": 10**6}, "make fewer than"),
        ("simulate", {"atoms": [7, 4]}, "are more than the most"),
        ("train", {"run": ["forward", "inverse", "pairs"]}, "multi"),
        ("train", {"gpt": {"width": 9}}, "no multiple"),
        ("forecast", {"requests": 10**5}, "are held out"),
        ("forecast", {"top": 25}, "more than forecast.requests"),
        ("forecast", {"asked": ["colour"]}, "colour"),
    ],
)
def test_impossible_parameters_are_refused(section, change, said):
    with pytest.raises(ValidationError, match=said):
        case("simulate", **{section: change})


def test_a_table_of_qm9_is_read_and_a_bad_one_is_named(tmp_path, monkeypatch):
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    strings = random_molecules(np.random.default_rng(3), 130, (4, 7), 11)
    rows = pd.DataFrame({"smiles": [*strings, "CCO" * 9]} | {name: np.arange(131.0) for name in QM9})
    rows.to_csv("qm9.csv")
    change = {"source": "qm9_csv", "table": "qm9.csv", "molecules": 100, "components": 8, "pairs": 20}
    small = case(
        "simulate",
        simulate=change | {"held_out": {"components": 2}},
        forecast={"requests": 10, "top": 3, "asked": ["mu"]},
    )
    found = simulate(small)
    assert found["smiles"].values.tolist() == strings[:100] and found["property"].values.tolist() == list(QM9)
    rows.drop(columns=["homo"]).to_csv("qm9.csv")
    with pytest.raises(UserError, match="qm9.csv: simulate.table lacks the columns homo"):
        simulate(small)
