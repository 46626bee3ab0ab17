"""Known answers: the tasks' equations, the law that is found, real steps counted, distillation; bad parameters."""

from dataclasses import replace

import numpy as np
import pytest

from pesin.environments.pendulum import Pendulum
from pesin.models.sparse_regression import monomials, polynomial_library
from pesin.rl.playback import Playback
from project import case_of
from studies.sindy_rl.distil import distil, polynomial_returns
from studies.sindy_rl.figures import taylor
from studies.sindy_rl.forecast import real_steps, rollout, saves, windows
from studies.sindy_rl.params import Distillation
from studies.sindy_rl.simulate import simulate, swing_up
from studies.sindy_rl.train import _bagged, _shuffled
from studies.sindy_rl.worlds import MU, applied, network_move, pendulum, sparse_world, wake

STUDY = "sindy_rl"


def case(step, **change):
    return case_of(STUDY, "worlds", step, "smoke", **change)


@pytest.fixture(scope="module")
def world():
    return simulate(case("simulate"))


def test_the_pendulum_of_observations_is_the_pendulum():
    env, seen, rng = Pendulum(), pendulum(), np.random.default_rng(0)
    state, action = env.starts(rng, (40,)) * [1, 6], rng.uniform(-1, 1, (40, 1))
    after, reward, _ = env.step(state, action)
    found, paid, _ = seen.step(env.observe(state), action)
    np.testing.assert_allclose(found, env.observe(after), atol=1e-12)
    np.testing.assert_allclose(paid, reward, atol=1e-12)
    still = np.array([[1.0, 0, 0]])  # upright
    np.testing.assert_array_equal(seen.step(still, np.zeros((1, 1)))[1], 0)


def test_hanging_still_costs_pi_squared_a_step():
    hanging = polynomial_returns(pendulum(), np.zeros((1, 1, 4, 1)), 1, np.array([[-1.0, 0, 0]]))
    np.testing.assert_allclose(hanging, -200 * np.pi**2, rtol=1e-3)


def test_swing_up_reaches_the_top():
    env, state = pendulum(), np.array([[-1.0, 0.01, 0.2]])
    heights = []
    for _ in range(200):
        state, _, _ = env.step(state, swing_up(state))
        heights.append(state[0, 0])
    assert max(heights) > 0.9


def test_wake_that_nobody_controls_stays_on_its_limit_cycle():
    env = wake()
    state = env.starts(np.random.default_rng(1), (5,))
    for _ in range(env.horizon):
        state, reward, _ = env.step(state, np.zeros((5, 1)))
    np.testing.assert_allclose((state[:, :2] ** 2).sum(1), MU, rtol=1e-3)
    np.testing.assert_allclose(reward, -10 * MU, rtol=1e-3)
    # Feedback against the oscillation's first component brings the drag down.
    for _ in range(env.horizon):
        state, reward, _ = env.step(state, np.clip(-2 * state[:, :1], -1, 1))
    assert (reward > -0.02).all()


def test_the_true_law_is_found_and_none_in_shuffled_transitions(world):
    known, how = world["pendulum"].to_dataset(), case("train").params.train.dynamics
    found = np.median(_bagged(case("train"), "test", known, 400, how, "next"), axis=1)
    terms = monomials(4)
    for term, coordinate, value in (((1,), 2, 0.75), ((2,), 2, 1), ((3,), 2, 0.3)):
        np.testing.assert_allclose(found[:, terms.index(term), coordinate], value, atol=2e-3)
    assert taylor(2)[terms.index((1,)), 2] == pytest.approx(0.75)
    assert taylor(2)[terms.index((1, 2)), 0] == -0.05
    mixed = _shuffled(case("train", train={"shuffled": True}), "pendulum", known)
    np.testing.assert_array_equal(np.sort(mixed["reward"], 1), np.sort(known["reward"], 1))
    lost = np.median(_bagged(case("train"), "test", mixed, 400, how, "next"), axis=1)
    rate = known["next"].values[..., 2]
    for coefficients, least, most in ((found, 0, 0.03), (lost, 0.5, 2)):
        error = applied(coefficients, 2, known["state"].values, known["action"].values)[..., 2] - rate
        assert (least <= (error / rate.std(1, keepdims=True)).std(1)).all()
        assert ((error / rate.std(1, keepdims=True)).std(1) <= most).all()


def test_transitions_that_end_at_the_limit_are_left_out(world):
    known, how = world["pendulum"].to_dataset(), case("train").params.train.dynamics
    bent = known["next"].values.copy()
    bent[:, 7] = [9.0, 9.0, 8.0]
    same = [_bagged(case("train"), "test", known.assign(next=(known["next"].dims, v)), 50, how, "next") for v in (
        bent, np.where(np.arange(bent.shape[1])[:, None] == 7, [1.0, 0.0, -8.0], bent))]  # fmt: skip
    np.testing.assert_array_equal(*same)


def test_rollouts_of_the_true_law_are_exact(world):
    held = world["pendulum"]
    path, moves = held["held_state"].values, held["held_action"].values
    start, after = windows(path[:, :-1], 20)[:, 0], windows(path[:, 1:], 20)
    assert after.shape == (30, 20, 3)
    found = rollout(pendulum(), 2, start, windows(moves, 20))
    np.testing.assert_allclose(found[1], after, atol=1e-9)


def test_a_network_moves_by_the_mean_of_its_members():
    rng = np.random.default_rng(2)
    weights = {"weight_0": rng.standard_normal((2, 3, 4, 3)), "bias_0": np.zeros((2, 3, 1, 3))}
    networks = weights | {"shift": np.ones((2, 4)), "scale": np.full((2, 4), 2.0), "unit": np.array([[1, 2, 3.0]] * 2)}
    state, action = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 5, 1))
    found = network_move(networks, state, action)
    x = (np.concatenate([state[1, 4], action[1, 4]]) - 1) / 2
    np.testing.assert_allclose(found[1, 4], state[1, 4] + (x @ weights["weight_0"][1].mean(0)) * [1, 2, 3])
    np.testing.assert_allclose(network_move(networks, state[:, 0], action[:, 0]), found[:, 0])


def test_random_data_count_and_who_never_learns_counts_with_all_steps():
    returns = np.array([[[-900, -200.0], [-900, -300]], [[-900, -300], [-900, -240]], [[-200, -900], [-900, -900]]])
    found = real_steps(returns, returns[..., -1], np.array([0, 500]), ["sindy", "real", "nn"], 400, -250)
    np.testing.assert_array_equal(found, [[400, 500], [500, 500], [500, 500]])
    steps = np.array([[400, 400, 400], [2000, 1999, 2500], [400, 2500, 2500]])
    np.testing.assert_array_equal(saves(steps, ["sindy", "real", "nn"], 5), [[1, 0, 1], [0, 0, 0], [1, 0, 0]])


def test_a_policy_that_is_a_polynomial_is_found_in_the_model():
    """One layer: the mean is linear in the observation, and the least degree that is exact is enough."""
    gain = np.array([0.5, -1.5, -0.4])
    weight = np.zeros((2, 2, 3))
    weight[:, 0] = gain * [[1.0], [-1.0]]
    player = Playback({"weight_0": weight, "bias_0": np.zeros((2, 2, 1))}, {}, np.zeros(2, bool), np.ones(2, bool))
    how = Distillation(degrees=[1, 2], thresholds=[1e-3, 10], ridge=1e-8, noise=0.1, clip=50)
    starts = pendulum().starts(np.random.default_rng(3), (4,))
    short = replace(pendulum(), horizon=30)
    found = distil(player, short, starts, how, np.random.default_rng(4))
    assert found.coefficients.shape == (2, 4, 10, 1)
    np.testing.assert_allclose(found.coefficients[0, 0, :4, 0], [0, *gain], atol=1e-5)
    np.testing.assert_allclose(found.coefficients[1, 0, :4, 0], [0, *-gain], atol=1e-5)
    np.testing.assert_array_equal(found.terms[0], [3, 0, 3, 0])  # degree by degree, threshold by threshold
    np.testing.assert_array_equal(found.imagined.argmax(1), found.chosen)


def test_polynomials_follow_each_model_with_its_own_coefficients():
    coefficients = np.zeros((2, 15, 3))
    coefficients[:, 1:4] = np.eye(3)
    coefficients[1, 4, 2] = 2  # the second one's rate grows by twice the action
    state, action = np.ones((2, 6, 3)), np.full((2, 6, 1), 0.5)
    after = sparse_world(pendulum(), coefficients, 2).move(state, action)
    np.testing.assert_array_equal(after[0], 1)
    np.testing.assert_array_equal(after[1, :, 2], 2)
    np.testing.assert_array_equal(applied(coefficients, 2, state[:, 0], action[:, 0]), after[:, 0])
    assert polynomial_library(state, 2).shape == (2, 6, 10)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"train": {"agents": 9}}, "agents"),
        ({"simulate": {"samples": [100, 50]}}, "samples must rise"),
        ({"train": {"arms": ["sindi"]}}, "sindi"),
        ({"train": {"dynamics": {"ridge": 0}}}, "ridge"),
        ({"train": {"learning": {"warmup": 79}}}, "warmup"),
        ({"forecast": {"lead": 30}}, "lead"),
    ],
)
def test_bad_parameters_are_named(change, said):
    with pytest.raises(ValueError, match=said):
        case("forecast", **change)
