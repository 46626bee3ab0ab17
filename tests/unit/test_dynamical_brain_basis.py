"""Known answers: the channel, Kuramoto, the buffer, the delayed net, Benna and Fusi's chain, k winners, Dyna-Q."""

import numpy as np
import pytest

from pesin.config.load import merge
from pesin.errors import UserError
from pesin.params import check
from project import case_of
from studies.dynamical_brain_basis import entropy, forecast, replay, simulate, train
from studies.dynamical_brain_basis.params import Params

STUDY = "dynamical_brain_basis"


def case(step, name="known", **change):
    return case_of(STUDY, name, step, "smoke", **change)


def rng():
    return np.random.default_rng(3)


def test_closed_form_of_the_channel():
    """The card's numbers, and the signal it speaks of, made ms by ms."""
    one = case("simulate").params.simulate.channel
    np.testing.assert_allclose(entropy.closed_form(one, np.array([0, 90, 180])), [0.604, 0.357, 0.116], atol=5e-4)
    many = one.model_copy(update={"messages": 4000})
    world = simulate.channel(many, rng())
    sent, readout = world["sent"].values, world["readout"].values
    moments = np.stack([sent**2, sent * readout, sent * readout, readout**2], -1).mean((0, 1))
    truth = entropy.closed_form(one, world["lag"].values)
    np.testing.assert_allclose(entropy.gaussian(moments), truth, atol=0.04)
    ms = 2 * np.pi * np.arange(100) / 25
    np.testing.assert_allclose(((1 + np.cos(ms + np.pi / 3)) * (1 + np.cos(ms))).mean(), 1 + 0.25)  # cos 60 deg / 2


def test_random_phases_and_a_silent_sender_pass_nothing_on():
    one = case("simulate").params.simulate.channel
    silent = simulate.channel(one.model_copy(update={"sends": False}), rng())
    assert abs(np.corrcoef(silent["sent"].values.ravel(), silent["readout"].values.ravel())[0, 1]) < 0.06
    lost = simulate.channel(one.model_copy(update={"phase": "random"}), rng())
    product = (lost["sent"] * lost["readout"]).mean(("block", "message")).values
    np.testing.assert_allclose(product, 1, atol=0.15)  # the same at each lag


def test_phases_alone_turn_at_their_own_pace():
    one = case("simulate").params.simulate.oscillators
    alone = simulate.oscillators(one.model_copy(update={"coupled": False, "steps": 40}), rng())
    still = simulate.oscillators(one.model_copy(update={"moves": False, "steps": 40}), rng())
    own = one.width * np.tan(np.pi * ((np.arange(one.units) + 0.5) / one.units - 0.5))
    turned = (still["phase"] + 40 * one.step * own - alone["phase"]).values
    np.testing.assert_allclose(np.cos(turned), 1, atol=1e-9)


def test_strong_coupling_synchronises_as_theory_says():
    one = case("simulate").params.simulate.oscillators
    found = simulate.oscillators(one.model_copy(update={"units": 100, "steps": 1200, "couplings": [3.0]}), rng())
    np.testing.assert_allclose(found["coherence"], np.sqrt(2 / 3), atol=0.03)


def test_buffer_holds_a_few_items_only_with_its_rhythm():
    changes = {"loads": [2, 3], "free": 5, "items": 4}
    one = case("simulate").params.simulate.buffer.model_copy(update=changes)
    params = {"simulate": {"buffer": changes}}

    def held(**switch):
        world = simulate.buffer(one.model_copy(update=switch), rng())
        return entropy.held(case("entropy", **params), world)["held"][1], world

    found, world = held()
    np.testing.assert_array_equal(found[0], [[2, 2, 2], [3, 3, 3]])
    assert (held(drives=False)[0] == 0).all()
    gaps = np.diff(np.sort(world["spike_time"].values[world["run"].values == 3]))
    assert gaps.min() > 1e-4  # never two at a time


def test_impulse_on_a_single_variable_decays_exponentially():
    found = simulate.synapse(case("simulate").params.simulate.synapse)["strength"].sel(level="single")
    np.testing.assert_allclose(found[:40], np.exp(-np.arange(40) / 4), rtol=1e-10)


def test_chain_conserves_what_does_not_leak():
    """dsum C_k u_k / dt is minus the leak at the end."""
    size = 6
    leak = -(2.0 ** np.arange(size)) @ simulate.chain(size)
    np.testing.assert_allclose(leak, [0] * (size - 1) + [2.0 ** (-size - 1)], atol=1e-15)


def test_chain_against_small_steps():
    size, dt = 8, 0.002
    state = np.eye(size)[0]
    for _ in range(5000):
        state = state + dt * simulate.chain(size) @ state
    found = simulate.synapse(case("simulate").params.simulate.synapse)["strength"].sel(level="chain", time=10)
    np.testing.assert_allclose(found, state[0], rtol=1e-3)


def test_power_law_and_exponential_are_told_apart():
    one = case("entropy")
    age = np.arange(1500)
    laws = np.stack([np.exp(-age / 4), (1 + age) ** -0.5, (1 + age) ** -0.5, np.zeros(age.size)])
    found = entropy.synapses(one, laws)
    assert found["law"][1][0] > 100 and found["law"][1][1] < -100
    np.testing.assert_allclose(found["slope"][1][1], -0.5, atol=0.01)
    assert np.isnan(found["slope"][1][3]) and found["lifetime"][1][3] == 0
    # signal to noise 100 exp(-t / 4) sqrt(1 - exp(-1 / 2)) is 1 at t = 4 ln 62.7 = 16.6
    assert found["lifetime"][1][0] == 17


def nets(**change):
    one = case("train", **change)
    world = simulate.patterns(one.params.simulate.patterns, rng())
    return train.sequence(one, world), world


def test_delayed_net_moves_on_after_the_delay_in_the_order_of_its_context():
    found, world = nets()
    np.testing.assert_array_equal(found["right"], 1)
    np.testing.assert_allclose(found["dwell_ratio"], 1)
    np.testing.assert_array_equal(forecast.moves(found["overlap"].values, 0.9)["foretold"][1], 1)
    np.testing.assert_array_equal(entropy.transitions(found["overlap"].values)["transition_entropy"][1] < 0.2, True)
    assert (world["next"].values[0] != world["next"].values[1]).all()


def test_kept_factors_are_the_matrices_of_hebb():
    found, world = nets()
    x, units = world["pattern"].values[0].astype(float), world.sizes["unit"]
    following = world["next"].values[1]
    direct = sum(np.outer(x[following[p]], x[p]) for p in range(len(x))) / units
    factors = found["stored"].values[0].T @ found["link"].values[1].astype(float) @ x / units
    np.testing.assert_allclose(factors, direct)


@pytest.mark.parametrize("change", [{"sequence": {"pull": 0.0}}, {"learns": False}])
def test_without_delayed_links_nothing_moves(change):
    found, world = nets(train=change)
    assert (found["right"] == 0).all() and np.isnan(found["dwell_ratio"]).all()
    np.testing.assert_array_equal(forecast.moves(found["overlap"].values, 0.9)["foretold"][1], 0)


def test_replay_is_scored_by_what_there_was_time_for():
    """Two patterns in turn, 4 steps each, then one that stays: of 6 moves that there was time for, 2 are right."""
    winner = np.array([0] * 4 + [1] * 4 + [0] * 4 + [1] * 4 + [0] * 20)
    overlap = np.eye(2)[winner][None, None, None]
    right, dwell = replay.scores(overlap, np.array([[1, 0]]), [4], 0.9)
    np.testing.assert_allclose(right.ravel(), 2 / 6)
    np.testing.assert_allclose(dwell.ravel(), 4)


def test_moves_are_foretold_from_the_order_before():
    assert replay.foretold(np.array([0, 1, 2, 0, 1, 2, 0]), 4) == 1
    assert replay.foretold(np.array([0, 1, 2, 0, 2, 1, 0]), 4) == 0
    assert replay.foretold(np.array([0]), 1) == 0
    assert replay.foretold(np.array([]), 0) == 0


def test_few_patterns_are_completed_and_cues_keep_their_number():
    pattern = np.zeros((2, 20))
    pattern[0, :5], pattern[1, 10:15] = 1, 1
    cue = train.corrupted(rng(), pattern, 0.2)
    np.testing.assert_array_equal(cue.sum(1), 5)
    np.testing.assert_array_equal((cue * pattern).sum(1), 4)
    centred = 4 * pattern - 1
    matrix = centred.T @ centred
    np.fill_diagonal(matrix, 0)
    found, updates = train.completed(matrix, cue, 5)
    np.testing.assert_array_equal(found, pattern)
    assert (updates <= 2).all()


def test_maze_ends_at_the_opposite_corner():
    process = train.maze(3)
    np.testing.assert_array_equal(process.next_state[0], [0, 3, 0, 1])
    assert process.terminal[5, 1] and process.terminal[7, 3] and process.terminal[8, 1]
    np.testing.assert_array_equal(process.reward, process.terminal)


def test_agents_walk_alike_until_the_first_reward_and_replay_teaches_more():
    one = case("train")
    process, params = train.maze(5), one.params.train.agents.model_copy(update={"longest": 3000})
    plain, replayed, idle = (train.dyna(process, params, n, rate, (1, 2)) for n, rate in ((0, 0.1), (5, 0.1), (5, 0)))
    assert plain[0][0] == replayed[0][0] == idle[0][0]
    assert np.count_nonzero(replayed[1]) > np.count_nonzero(plain[1]) > 0
    assert not np.any(idle[1])
    first = train.dyna(process, params.model_copy(update={"episodes": 1}), 0, 0.1, (1, 2))
    np.testing.assert_allclose(np.max(first[1]), 0.1)  # one reward, learnt from once


def test_policy_of_ties_is_uniform():
    one = case("entropy")
    value = np.zeros((1, 1, 2, 4))
    value[..., 1, 2] = 1
    sharp = 0.925 * np.log(0.925) + 3 * 0.025 * np.log(0.025)
    np.testing.assert_allclose(entropy.policies(one, value)["policy_entropy"][1], (np.log(4) - sharp) / 2)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"simulate": {"channel": {"period": 30}}}, "duration"),
        ({"simulate": {"codes": {"levels": {"middle": 0.3}}}}, "middle"),
        ({"simulate": {"buffer": {"loads": [9, 3]}}}, "loads"),
        ({"train": {"recall": {"grid": 30}}}, "grid"),
        ({"entropy": {"neighbours": 100000}}, "neighbours"),
    ],
)
def test_bad_parameters_are_named(change, said):
    with pytest.raises(UserError, match=said):
        check(Params, merge(case("simulate").params.model_dump(), change), STUDY)
