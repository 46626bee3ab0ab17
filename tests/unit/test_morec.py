"""Known answers: the refrigerator, constants, ranks, regrets, entropies; what training keeps; bad parameters."""

import numpy as np
import pytest
import torch
import xarray as xr
from pydantic import ValidationError
from scipy.stats import spearmanr

from pesin.models.mlp import init_mlp
from pesin.models.snapshots import Snapshots
from project import case_of
from studies.morec.agents import fridge, imagined, power, temperature
from studies.morec.entropy import divergence, laws
from studies.morec.forecast import alarms, by_count, costs, rank_correlation, regrets
from studies.morec.fridge import POLICIES, episodes, step, true_paths
from studies.morec.models import Scales, World, dynamics_reward, roll_out
from studies.morec.simulate import simulate
from studies.morec.train import moments, train

STUDY = "morec"


def case(name="simulate", **change):
    return case_of(STUDY, "fridge", name, "smoke", **change)


def made(seeds=2, members=2, snapshots=2):
    """A world of random weights, and its scales."""
    generator, rng = torch.Generator().manual_seed(0), np.random.default_rng(0)
    state, action = rng.normal(5, 1, (seeds, 50)), rng.uniform(0, 3, (seeds, 50))
    scales = Scales.of(state, action, step(state, action))
    history = tuple(init_mlp(seeds, [3, 8, 1], generator) for _ in range(snapshots))
    networks = init_mlp(seeds * members, [2, 8, 2], generator)
    return World(scales, networks, members, torch.tanh, history, torch.relu)


@pytest.mark.parametrize(("u", "rest"), [(3.0, -6.25), (0.2, 17.3077), (0.0, 20.0)])
def test_it_rests_where_heat_in_and_out_agree(u, rest):
    assert step(np.array(rest), np.array(u)) == pytest.approx(rest, abs=1e-4)
    assert step(np.array(rest + 1), np.array(u)) - rest == pytest.approx(1 - 0.2 * (0.25 + 0.05 * u), abs=1e-4)
    path = true_paths(np.zeros(1), np.zeros(1), np.array([u]), 6.0, 400)
    assert path[0, -1] == pytest.approx(rest, abs=1e-3)


def test_tests_are_free_of_noise_and_data_are_not():
    world = simulate(case())
    for name, least in (("tests", 0.0), ("data", 1e-4)):
        found = world[name].to_dataset()
        off = abs(found["next"].values - step(found["state"].values, found["action"].values))
        assert off.max() < 0.2 and (off.max() <= 1e-12 if least == 0 else off.mean() > least)
    first, again = (episodes(np.random.default_rng(1), POLICIES["max"], (4,), 6) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[0][:, 1:], first[2][:, :-1])


def test_policies_leave_the_data():
    world = simulate(case(simulate={"test_episodes": 20, "test_steps": 30}))
    action, state = world["tests/action"], world["tests/state"]
    assert float(action.sel(policy="max").min()) == 3 and float(state.sel(policy="max").min()) < -2
    assert float(state.sel(policy="off").max()) > 12
    data = world["data"].to_dataset()
    assert float(data["state"].min()) > 2 and float(data["state"].max()) < 9


def test_a_discriminator_that_cannot_tell_pays_ln_2():
    assert float(dynamics_reward(torch.zeros(()))) == pytest.approx(np.log(2))
    assert float(dynamics_reward(torch.tensor(50.0))) == 10
    assert divergence(np.array(2 * np.log(2))) == pytest.approx(0)
    assert divergence(np.array(0.0)) == pytest.approx(np.log(2))


def test_a_reward_of_state_and_action_alone_ranks_nothing():
    rng = np.random.default_rng(2)
    error = rng.random((3, 4, 20))
    np.testing.assert_array_equal(rank_correlation(np.broadcast_to(error[..., :1], error.shape), error), 0)
    np.testing.assert_allclose(rank_correlation(-error, error), 1)
    np.testing.assert_allclose(rank_correlation(error**3, error), -1)
    reward = np.round(rng.random((1, 1, 20)), 1)  # with ties
    expected = spearmanr(-reward[0, 0], error[0, 0]).statistic
    np.testing.assert_allclose(rank_correlation(reward, error[:1, :1])[0, 0], expected)


def test_errors_fall_with_candidates_only_for_a_reward_that_knows():
    rng = np.random.default_rng(3)
    error = rng.random((3, 2000, 16))
    any_one, best = by_count(np.random.default_rng(0), error, -error, [1, 4, 16])
    np.testing.assert_array_equal(any_one[:, 0], best[:, 0])
    np.testing.assert_allclose(any_one, 0.5, atol=0.03)
    np.testing.assert_allclose(best, np.broadcast_to([0.5, 0.2, 1 / 17], best.shape), atol=0.03)  # 1 / (N + 1)
    np.testing.assert_allclose(best[:, -1], error.min(-1).mean(1))
    blind = by_count(np.random.default_rng(0), error, rng.random(error.shape), [1, 4, 16])[1]
    np.testing.assert_allclose(blind, 0.5, atol=0.03)


def test_regret_is_of_the_controller_that_looked_best():
    true = costs(np.array([[0.0, 0], [2, 2], [5, 5]]), [0, 4])
    np.testing.assert_array_equal(true, [[0, 4], [2, 2], [5, 1]])
    imagined_cost = np.array([true, true[::-1]])
    np.testing.assert_array_equal(regrets(imagined_cost, true), [[0, 0], [5, 3]])


def test_alarms_of_a_perfect_score_and_of_none():
    wrong = np.array([[[0, 1, 1, 0]], [[0, 0, 1, 1]]], bool)
    np.testing.assert_array_equal(alarms(wrong, wrong * 1.0), [1])
    np.testing.assert_array_equal(alarms(wrong, np.zeros(wrong.shape)), [0.5])
    assert np.isnan(alarms(np.ones((2, 1, 4), bool), np.zeros((2, 1, 4)))).all()


def test_entropies_of_candidates():
    offered = np.tile([-1.0, 1.0], (2, 3, 5))
    proposed, accepted = laws(offered, np.zeros(offered.shape))
    np.testing.assert_allclose(proposed, 0.5 * np.log(2 * np.pi * np.e))
    np.testing.assert_allclose(accepted, proposed)
    assert (laws(offered, np.where(offered > 0, 50.0, 0))[1] < -5).all()


def test_candidates_are_the_members_normal_laws():
    model, rng = made(), np.random.default_rng(4)
    state, action = rng.normal(5, 1, (2, 7)), rng.uniform(0, 3, (2, 7))
    mean, deviation = model.laws(state, action)
    normal = rng.standard_normal((2, 2, 7, 4000))
    offered = model.candidates(state, action, normal)
    assert offered.shape == (2, 7, 8000)
    np.testing.assert_allclose(offered[..., 4000:].mean(-1), mean[:, 1], atol=0.1 * deviation.max())
    np.testing.assert_allclose(offered[..., :4000].std(-1), deviation[:, 0], rtol=0.06)
    np.testing.assert_allclose(model.candidates(state, action, 0 * normal)[..., 0], mean[:, 0])


def test_rewards_are_the_mean_over_the_history_seed_by_seed():
    model, rng = made(), np.random.default_rng(5)
    state, action, after = rng.normal(5, 1, (2, 3)), rng.uniform(0, 3, (2, 3)), rng.normal(5, 1, (2, 3, 4))
    found = model.rewards(state, action, after)
    x = np.array([state[1, 2], action[1, 2], after[1, 2, 3] - state[1, 2]])
    x = (x - model.scales.shift[1]) / model.scales.scale[1]
    one = []
    for net in model.history:
        weights = {name: value.detach().numpy()[1] for name, value in net.items()}
        hidden = np.maximum(x @ weights["weight_0"] + weights["bias_0"][0], 0)
        one.append(np.logaddexp(0, hidden @ weights["weight_1"] + weights["bias_1"][0]))
    np.testing.assert_allclose(found[1, 2, 3], np.mean(one), rtol=1e-4)


def test_rollouts_of_the_filter_take_the_best_rewarded():
    model, start = made(), np.full((2, 3), 6.0)
    found = {
        name: roll_out(model, np.random.default_rng(6), lambda t: 0 * t + 1, start, 1, 5, name)
        for name in ("random", "mean", "filter")
    }
    assert (found["filter"].reward >= found["random"].reward).all()
    np.testing.assert_allclose(found["mean"].path[..., 0], model.laws(start, 0 * start + 1)[0].mean(1))
    assert found["filter"].path.shape == (2, 3, 1)


def test_worlds_of_agents_are_the_task_and_the_model():
    learning = case("train").params.train.learning
    env, seen, action = fridge(learning), np.array([[0.2], [-1.0]]), np.array([[0.5], [-1.0]])
    after, reward, _ = env.step(seen, action)
    np.testing.assert_allclose(temperature(after), step(np.array([6.0, 0.0]), np.array([3.75, 0.0])))
    np.testing.assert_allclose(power(action), [3.75, 0])
    np.testing.assert_allclose(reward, [-6 + learning.target, -abs(learning.target)])
    model = made()
    inside = imagined(model, learning, 3, True, np.random.default_rng(7))
    many = np.zeros((2, 4, 1))
    unsure = model.laws(np.full((2, 4), 5.0), np.full((2, 4), 2.5))[1].max(1)
    np.testing.assert_allclose(inside.step(many, many)[1], -5 - learning.penalty * unsure, rtol=1e-5)
    assert inside.step(many, many)[0].shape == many.shape


def test_training_keeps_the_first_discriminator_and_those_after_a_third():
    how = case("train").params.train.reward
    assert moments(how) == [10, 15]
    one = case("train", train={"reward": {"lr": 0}, "ensemble": {"lr": 0}})
    kept = train(one, simulate(one))
    weights = kept["reward_relu/weight_0"].values
    assert len(weights) == 3
    np.testing.assert_array_equal(weights[0], weights[-1])
    assert set(kept["agents"].to_dataset()["arm"].values) == {"random", "filter", "real"}
    learnt = train(case("train"), simulate(case()))["reward_relu/weight_0"].values
    np.testing.assert_array_equal(learnt[0], weights[0])
    assert (abs(learnt[1:] - learnt[0]).max((1, 2, 3)) > 0).all()


def test_snapshots_go_on_from_a_checkpoint():
    value = {"weight_0": torch.zeros(2, 3)}
    history = Snapshots(value, 3)
    history.take()
    value["weight_0"] += 1
    history.take()
    other = Snapshots(value, 3)
    other.restore(history.arrays())
    value["weight_0"] += 1
    other.take()
    np.testing.assert_array_equal(other.kept["weight_0"][:, 0, 0], [0, 1, 2])


def test_a_reward_learns_which_changes_are_true():
    """After few updates the discriminator is better than one that can't tell, whose cross entropies are ln 2 each."""
    size = {"lr": 5e-3, "updates": 200, "every": 20, "batch": 64, "activations": ["relu"], "hidden": [16]}
    small = {"reward": size, "ensemble": {"updates": 2}}
    one = case("train", train=small, forecast={"variants": []}, simulate={"episodes": 10, "steps": 20})
    data = simulate(one)
    kept = train(one, data)
    loss = kept["reward_relu/loss"].values
    assert isinstance(kept, xr.DataTree) and (loss[:, -1] < 2 * np.log(2) - 0.1).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"forecast": {"counts": [1, 3, 1000]}}, "asks for 1000 candidates"),
        ({"train": {"reward": {"updates": 6}}}, "none is kept else"),
        ({"train": {"ensemble": {"activations": ["relu"]}}}, "names models of tanh"),
        ({"train": {"reward": {"noise": [1, -3]}}}, "must rise"),
    ],
)
def test_bad_parameters_are_refused(change, said):
    with pytest.raises(ValidationError, match=said):
        case(**change)
