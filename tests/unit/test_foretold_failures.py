"""Known answers: areas under curves, tables of pairs, spectra, looks at networks that know nothing; bad parameters."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from pesin.config.load import merge
from pesin.errors import UserError
from pesin.params import check
from pesin.systems.token_sources import copy_and_markov, markov_matrix
from project import case_of
from studies.foretold_failures import learners
from studies.foretold_failures.entropy import area, foretold, relative_score
from studies.foretold_failures.params import Params
from studies.foretold_failures.quantities import of_world
from studies.foretold_failures.simulate import pairs_loss, simulate
from studies.foretold_failures.train import _spread, run

STUDY = "foretold_failures"


def case(step="train", **change):
    return case_of(STUDY, "main", step, "smoke", **change)


@pytest.fixture(scope="module")
def world():
    return simulate(case("simulate"))


def test_area_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    value, failed = rng.integers(5, size=(3, 4, 40)).astype(float), rng.random(40) < 0.4
    expected = [[roc_auc_score(failed, one) for one in row] for row in value]
    np.testing.assert_allclose(area(value, failed), expected)
    assert np.isnan(area(value, np.ones(40, bool))).all()


def test_a_run_that_stopped_is_the_most_suspicious():
    assert area(np.array([1.0, 2.0, np.nan]), np.array([False, False, True])) == 1
    assert np.isnan(area(np.full(3, np.nan), np.array([False, False, True])))


def test_the_side_is_learned_from_other_seeds():
    """What foretells failure by small values in all seeds comes to 1; in one seed alone by large ones, to 0 there."""
    rng = np.random.default_rng(1)
    failed = rng.random((4, 30)) < 0.5
    value = -1.0 * failed[None, None] + 0.1 * rng.random((1, 1, 4, 30))
    np.testing.assert_allclose(foretold(value, failed), 1)
    value[0, 0, 2] *= -1
    np.testing.assert_allclose(foretold(value, failed)[0, 0], [1, 1, 0, 1])
    many = rng.random((200, 1, 4, 30))
    assert abs(foretold(many, failed).mean() - 0.5) < 0.03  # a quantity that knows nothing


def test_pairs_and_scores(world):
    rng = np.random.default_rng(2)
    chain = copy_and_markov((400, 40), 39, markov_matrix(4, 2.0, rng), rng)[1::2]
    table = np.zeros((4, 4))
    for row in chain:
        np.add.at(table, (row[:-1], row[1:]), 1)
    share = table / table.sum(1, keepdims=True)
    expected = -np.log(share[chain[:, :-1], chain[:, 1:]]).mean()
    np.testing.assert_allclose(pairs_loss(chain, 4), expected)
    for name in learners.LEARNERS:
        data = world[name].to_dataset()
        assert (data["perfect"] > data["trivial"]).all()
        both = [relative_score(data, data[key].values[:, None])[:, 0] for key in ("trivial", "perfect")]
        np.testing.assert_allclose(both, [[0] * 3, [1] * 3], atol=1e-12)


def test_spectra_of_known_matrices():
    one = torch.outer(torch.arange(1.0, 5), torch.arange(1.0, 4))
    found = _spread(torch.stack([torch.eye(4), torch.nn.functional.pad(one, (0, 1))]))
    np.testing.assert_allclose(found, [1, 0], atol=1e-5)


@pytest.mark.parametrize("name", learners.LEARNERS)
def test_networks_of_zeros_know_nothing(world, name):
    data = world[name].to_dataset()
    learner = learners.LEARNERS[name](case(), data)
    with torch.no_grad():
        for value in learner.parameters.values():
            value.zero_()
        found = learner.look()
    entropy = torch.special.entr(found["output"].softmax(-1)).sum(-1)
    np.testing.assert_allclose(entropy.numpy(), np.log(found["output"].shape[-1]), rtol=1e-5)
    if name == "sequences":
        np.testing.assert_allclose(found["attention"], 1, rtol=1e-4)
        np.testing.assert_allclose(found["loss"], np.log(8), rtol=1e-5)
    assert torch.isfinite(learner.score()).all()


def test_runs_of_a_seed_differ_in_what_they_drew_alone(world):
    """The same rate and gain and weights would give the same run: batches are those of the seed."""
    data = world["digits"].to_dataset().copy(deep=True)
    data["rate"].values[:] = 0.01
    learner = learners.LEARNERS["digits"](case(), data)
    with torch.no_grad():
        for value in learner.parameters.values():
            value[:] = value[:1]
    losses = learner.loss(np.random.default_rng(3)).reshape(3, -1)
    np.testing.assert_allclose(losses.detach(), losses.detach()[:, :1].expand_as(losses), rtol=1e-6)
    assert np.ptp(losses.detach()[:, 0].numpy()) > 0


def test_a_run_that_does_not_learn_stays(world):
    data = world["choices"].to_dataset()
    seen = run(case(train={"learns": False}), "choices", data)
    assert np.ptp(seen["output"].values, axis=0).max() == 0
    value = of_world(data, seen)
    assert np.ptp(value, axis=1)[np.isfinite(value[:, 0])].max() < 1e-12
    assert ((value[[1, 2, 3, 4]] >= 0) & (value[[1, 2, 3, 4]] <= 1 + 1e-9)).all()  # shares of the largest


@pytest.mark.parametrize(
    "change, said",
    [
        ({"simulate": {"lag": 17}}, "lag"),
        ({"simulate": {"images": [1700, 400]}}, "1797"),
        ({"simulate": {"worlds": {"digits": {"rate": [0.1, 0.01]}}}}, "rate"),
        ({"train": {"looks": [0, 0.001]}}, "looks"),
    ],
)
def test_parameters_that_do_not_fit(change, said):
    whole = merge(case().params.model_dump(), change)
    with pytest.raises(UserError, match=said):
        check(Params, whole, STUDY)
