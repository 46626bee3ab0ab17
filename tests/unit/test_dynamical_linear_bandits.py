"""Known answers of the dynamical linear bandits: h, epochs, bonus, regret of the authors' code, and the controls."""

from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import eigvals

from project import case_of
from studies.dynamical_linear_bandits.hardest.train import train as sweep
from studies.dynamical_linear_bandits.learners import Learner
from studies.dynamical_linear_bandits.play import beta, bonus_constants, epoch_ends, play, tally
from studies.dynamical_linear_bandits.problems import (
    expert_action,
    given_system,
    one_good_channel,
    spectral_radius,
    transient_growth,
)
from studies.dynamical_linear_bandits.response import draw_noise, respond
from studies.dynamical_linear_bandits.system.forecast import fit_lags, forecast, predict_lags, reward_deviation
from studies.dynamical_linear_bandits.system.simulate import simulate
from studies.dynamical_linear_bandits.system.train import train
from studies.dynamical_linear_bandits.systems import problem_of

ROOT = Path(__file__).parents[2]
STUDY = "dynamical_linear_bandits"
DYN = Learner(kind="optimist", hold=True, transient_bonus=True)
LIN = Learner(kind="optimist")


def case(step, name="synthetic", scale="smoke", **change):
    return case_of(STUDY, name, step, scale, **change)


def system(name):
    return problem_of(simulate(case("simulate", name))["system"].to_dataset())


def test_synthetic_system_has_the_known_h_and_values():
    problem = system("synthetic")
    assert problem.h == pytest.approx([0.5625, 0.5, 1 / 9], abs=1e-12)
    assert problem.arms.tolist() == [[0, 0.5, 1], [0, 1, 0.5], [0.5, 0, 1], [0.5, 1, 0], [1, 0, 0.5], [1, 0.5, 0]]
    assert problem.values == pytest.approx([0.36111, 0.55556, 0.39236, 0.78125, 0.61806, 0.81250], abs=1e-5)
    assert int(np.argmax(problem.arms @ problem.theta)) == 1  # a myopic learner's choice
    assert (problem.values.max() - problem.values).mean() == pytest.approx(0.2257, abs=1e-4)


def test_advertising_system_has_the_known_h_and_complex_eigenvalues():
    problem = system("advertising")
    assert problem.h == pytest.approx([0.251525, -0.036298, 0.106121], abs=1e-6)
    assert problem.values == pytest.approx([0.08797, 0.01676, 0.23188, 0.08946, 0.30459, 0.23338], abs=1e-5)
    assert spectral_radius(problem.a) == pytest.approx(0.66689, abs=1e-5)
    assert np.iscomplexobj(eigvals(problem.a)) and abs(eigvals(problem.a).imag).max() == pytest.approx(0.2605, abs=1e-4)
    assert transient_growth(problem.a) >= 1


def test_expert_split_keeps_cap_and_budget():
    action = expert_action([1641952, 259591273, 716354611], 1.5)
    assert action.sum() == pytest.approx(1.5) and action.max() == 1
    assert action[0] / action[1] == pytest.approx(1641952 / 259591273)


def test_removed_memory_keeps_h_and_pays_at_once():
    kept = system("synthetic")
    raw = case("simulate").params.simulate
    removed = given_system(raw.a, raw.b, raw.c, raw.d, 1.5, "removed")
    assert removed.h == pytest.approx(kept.h) and not removed.omega.any()
    assert bonus_constants(removed, 0.1)[1] == 0


@pytest.mark.parametrize("rho", [0.2, 0.5, 0.9])
def test_epochs_grow_by_the_logarithm(rho):
    ends = np.flatnonzero(epoch_ends(rho, 5000))
    lengths = np.diff(np.r_[-1, ends])
    epochs = np.arange(1, len(lengths) + 1)
    assert (lengths == 1 + np.floor(np.log(epochs) / np.log(1 / rho))).all()


def test_without_a_state_every_round_is_an_epoch():
    assert epoch_ends(0.0, 50).all()


def test_bonus_of_the_scalar_case_by_hand():
    problem = one_good_channel(2, 1.0, 0.5)
    c1, c2, variance = bonus_constants(problem, 0.1)
    # |theta| 0, |omega| 1, |B| 1/2, Phi 1, U 1, rho 1/2
    assert (c1, c2, variance) == pytest.approx((1.0, 1.0 + 2.0, 0.01 * (1 + 1 / 0.75)))
    lam = np.log(1000)
    by_hand = c1 * lam**0.5 + c2 / lam**0.5 * np.log(np.e * 8) + np.sqrt(2 * variance * (lam + np.log(1 + 7 / 2 / lam)))
    assert beta(problem, DYN, 0.1, 1000, 7) == pytest.approx(by_hand)


def test_bonus_of_plain_lin_ucb_is_that_of_the_authors_code():
    problem, plain = system("synthetic"), Learner(kind="optimist", regularisation=1, knows_dynamics=False)
    width = np.linalg.norm(problem.theta) + np.sqrt(2 * np.log(1000) + 3 * np.log((3 + 1000 * 1.5**2) / 3))
    assert beta(problem, plain, 0.1, 1000, [1, 900]) == pytest.approx([width, width])


def test_a_widened_bonus_grows_with_dimension_and_slowness():
    wide = DYN.model_copy(update={"widened": True})
    for channels, rho, factor in ((2, 0.5, 1), (8, 0.5, 4), (2, 0.8, 2.5)):
        problem = one_good_channel(channels, 0.3, rho)
        ratio = beta(problem, wide, 0.1, 1000, 50) / beta(problem, DYN, 0.1, 1000, 50)
        assert ratio == pytest.approx(factor)


def test_tally_counts_arms_by_mark_and_window():
    arm = np.array([0, 1, 1, -1, 2, 2, 0], np.int16)
    by_mark, by_window = tally(arm, 3, np.array([2, 7]), 3)
    assert by_mark.tolist() == [[1, 1, 0], [2, 2, 2]]
    assert by_window.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]  # of 2, 2 and 3 rounds


def test_response_settles_at_h_and_follows_the_recursion():
    problem = system("advertising")
    rewards = respond(problem, np.tile(problem.arms[4], (300, 1)))
    assert rewards[0] == pytest.approx(problem.theta @ problem.arms[4])
    second = problem.omega @ problem.b @ problem.arms[4] + problem.theta @ problem.arms[4]
    assert rewards[1] == pytest.approx(second) and rewards[-1] == pytest.approx(problem.values[4], abs=1e-12)


def regret(problem, learner, sigma, rounds, seed):
    noise = draw_noise(np.random.default_rng(seed), rounds, len(problem.omega))
    run = play(problem, learner, sigma, noise, np.array([rounds]))
    return (problem.values.max() - problem.values)[run.arm].sum(), run


def test_regret_of_the_authors_code_at_20000_rounds():
    found = [regret(system("synthetic"), DYN, 0.1, 20_000, seed)[0] for seed in range(4)]
    assert np.mean(found) == pytest.approx(1080, rel=0.06)


def test_lin_ucb_locks_at_low_noise_for_some_first_actions_only():
    found = np.array([regret(system("synthetic"), LIN, 0.001, 50_000, seed)[0] for seed in range(8)])
    steady = regret(system("synthetic"), DYN, 0.001, 50_000, 0)[0]
    assert (found > 6 * steady).any() and (found < 3 * steady).any()


def test_estimate_is_ridge_regression():
    problem = system("synthetic")
    _, run = regret(problem, LIN, 0.1, 400, 0)
    u, lam = problem.arms[run.arm], np.log(400)
    normal = u.T @ u + lam * np.eye(3)
    assert run.estimate[-1] == pytest.approx(np.linalg.solve(normal, u.T @ run.reward))
    assert run.information[-1] == pytest.approx(np.linalg.slogdet(normal / lam)[1] / 2)


@pytest.mark.parametrize("learner", [LIN, Learner(kind="exp3"), Learner(kind="uniform")])
def test_rewards_are_what_the_system_pays_for_the_actions(learner):
    problem = system("advertising")
    noise = draw_noise(np.random.default_rng(1), 400, 3)
    run = play(problem, learner, 0.1, noise, np.array([400]), logged=300)
    assert run.reward == pytest.approx(respond(problem, problem.arms[run.arm], 0.1, noise)[:300])
    assert play(problem, learner, 0.1, noise, np.array([400]), logged=0).reward.size == 0


def test_a_discount_near_one_changes_little_and_a_small_one_forgets():
    problem = system("synthetic")
    plain = regret(problem, LIN, 0.1, 2000, 1)[1]
    near = regret(problem, Learner(kind="optimist", discount=1 - 1e-9), 0.1, 2000, 1)[1]
    assert near.estimate[-1] == pytest.approx(plain.estimate[-1], abs=1e-4)
    forgetful = regret(problem, Learner(kind="optimist", discount=0.9), 0.1, 2000, 1)[1]
    assert forgetful.information[-1] < plain.information[-1] - 1


def test_exp3_learns_where_there_is_a_gap():
    problem = given_system([[0.0]], [[0.0, 0.0]], [[0.0]], [[1.0, 0.0]], 1.0, "kept")  # arms are sorted: (0, 1) first
    arm = regret(problem, Learner(kind="exp3"), 0.01, 100_000, 0)[1].arm
    assert (arm[-10_000:] == 1).mean() > 0.8


def test_lags_recover_the_markov_parameters_and_a_static_value_does_not():
    problem = system("synthetic")
    rng = np.random.default_rng(0)
    actions = problem.arms[rng.integers(6, size=3000)]
    rewards = respond(problem, actions)
    taps = fit_lags(actions, rewards, 10, 1e-9)
    assert taps[1] == pytest.approx(problem.omega @ problem.b, abs=1e-5)
    assert np.abs(predict_lags(taps, actions[:100]) - rewards[:100]).max() < 1e-5
    assert np.abs(actions[:100] @ problem.h - rewards[:100]).max() > 0.1


def test_deviation_of_the_reward_against_a_long_run():
    problem = system("advertising")
    noise = draw_noise(np.random.default_rng(0), 100_000, 3)
    rewards = respond(problem, np.zeros((100_000, 3)), 0.1, noise)
    assert rewards.std() == pytest.approx(reward_deviation(problem, 0.1), rel=0.02)


def test_shapes_and_names_are_checked():
    with pytest.raises(ValueError, match="b: must be 3 x 3"):
        case("simulate", simulate={"b": [[1, 0, 0]]})
    with pytest.raises(ValueError, match="none of the learners"):
        case("simulate", train={"play": ["dynlin_ucbb"]})


def test_the_hardest_gap_is_that_of_largest_mean_regret():
    sweeps = {"stability": {"channels": [2], "rhos": [0.2, 0.5], "horizon": 2000}}
    sweeps["dimension"] = {"channels": [2, 4], "rhos": [0.5], "horizon": 2000}
    found = sweep(case("train", "hardest", train={"sweeps": sweeps, "seeds": 3}))["dimension"].to_dataset()
    assert (found.worst_regret.mean("seed") >= found.final_regret.mean("seed").max("gap") - 1e-9).all()
    random = found.sel(learner="uniform")
    assert (random.worst_gap == 1).all() and not random.worst_is_inside.any()
    assert random.easiest_share.values == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("channels, arms", [(2, 2), (4, 12)])
def test_a_system_may_have_any_number_of_channels(channels, arms):
    """1.5 units, one a channel at most: an ordered pair of channels for each arm."""
    one = {"a": [[0.5]], "b": [[0.1 * (i + 1) for i in range(channels)]], "c": [[1]], "d": [[0] * channels]}
    change = {"simulate": one | {"check": {"seeds": 2}}, "train": {"horizons": [500], "seeds": 2}}
    change |= {"forecast": {"unseen": [0.5] * channels}}
    data = simulate(case("simulate", **change))
    trained = train(case("train", **change), data)
    assert trained.window_counts.sizes["arm"] == arms
    assert (trained.window_counts.sum(["arm", "window"]) == 500).all()
    assert set(forecast(case("forecast", **change), data, trained).sizes) >= {"learner", "seed"}


@pytest.mark.parametrize("change", [{"forecast": {"unseen": [0.5]}}, {"train": {"expert": [1, 2]}}])
def test_an_action_has_a_value_for_each_channel(change):
    with pytest.raises(ValueError, match="each of the 3 channels"):
        case("train", **change)


def test_controls_take_the_effect_away():
    play = {"horizons": [100_000], "seeds": 4, "play": ["dynlin_ucb", "lin_ucb"], "log_rounds": 0}
    gaps = {}
    for memory in ("kept", "removed"):
        change = {"simulate": {"memory": memory, "noises": [0.001]}, "train": play}
        data = simulate(case("simulate", **change))
        runs = train(case("train", **change), data).final_regret.isel(noise=0, horizon=0)
        gaps[memory] = (runs.sel(learner="lin_ucb") - runs.sel(learner="dynlin_ucb")).values
    assert (gaps["kept"] > 0).all() and (gaps["removed"] < 0).all()
    myopic = simulate(case("simulate", simulate={"check": {"value": "myopic"}}))["check"]
    assert abs(myopic.error_in_standard_errors).max() > 100
