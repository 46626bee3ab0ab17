"""Learned worlds, panels of them, and ensembles of sparse regressions, against known answers and pysindy."""

import numpy as np
import pytest

from pesin.environments.learned import LearnedEnvironment, Panel
from pesin.environments.pendulum import Pendulum
from pesin.models.sparse_regression import fit_bagged, monomials, polynomial_library, sparse_ridge


def test_monomials_in_their_order_with_any_leading_axes():
    x = np.array([[2.0, 3.0, 5.0], [1.0, -1.0, 2.0]])
    assert monomials(2) == [(), (0,), (1,), (0, 0), (0, 1), (1, 1)]
    expected = np.stack([x[:, list(term)].prod(1) for term in monomials(3, 4)], 1)
    np.testing.assert_array_equal(polynomial_library(x, 4), expected)
    np.testing.assert_array_equal(polynomial_library(x[:, None, None], 4)[:, 0, 0], expected)


def test_sparse_ridge_is_pysindys():
    import pysindy

    rng = np.random.default_rng(3)
    features = rng.standard_normal((60, 6))
    targets = features @ (rng.standard_normal((6, 2)) * [[1.0], [0.0], [0.3], [0.02], [2.0], [0.0]])
    targets += 0.05 * rng.standard_normal(targets.shape)
    theirs = pysindy.STLSQ(threshold=0.1, alpha=0.7, unbias=False).fit(features, targets).coef_.T
    ours = sparse_ridge(features, targets, 0.1, 0.7)[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-10)
    assert 0 < (ours == 0).sum() < ours.size
    # A sample of weight 2 is one that is there twice; a term that isn't allowed is one that isn't there.
    weights, allowed = np.ones((1, 60)), np.array([[True] * 5 + [False]])
    weights[0, 7] = 2
    twice = sparse_ridge(np.vstack([features, features[7]])[:, :5], np.vstack([targets, targets[7]]), 0.1, 0.7)[0]
    np.testing.assert_allclose(sparse_ridge(features, targets, 0.1, 0.7, weights, allowed)[0, :5], twice, atol=1e-10)
    with pytest.raises(ValueError, match="ridge is 0"):
        sparse_ridge(features, targets, 0.1, 0)


def test_bagged_models_of_an_exact_map_agree_and_of_noise_do_not():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (80, 2))
    following = np.stack([0.9 * x[:, 0] + 0.3 * x[:, 0] * x[:, 1], x[:, 1] ** 2 - 0.2], 1)
    exact = fit_bagged(rng, polynomial_library(x), following, 0.01, 1e-9, 12)
    truth = np.array([[0, -0.2], [0.9, 0], [0, 0], [0, 0], [0.3, 0], [0, 1]])
    np.testing.assert_allclose(exact, np.broadcast_to(truth, exact.shape), atol=1e-7)
    noisy = fit_bagged(rng, polynomial_library(x), following + rng.standard_normal(x.shape), 0, 1e-9, 12, 2)
    assert ((noisy == 0).sum(1) == 2).all()
    assert noisy.std(0).min() > 0.01


def world(factor: float, **changes) -> LearnedEnvironment:
    described = {
        "observations": 2,
        "actions": 1,
        "horizon": 5,
        "move": lambda state, action: factor * state + action,
        "reward": lambda state, action: -(state**2).sum(-1) - action[..., 0],
        "begin": lambda rng, shape: rng.uniform(-1, 1, (*shape, 2)),
        "project": lambda state: np.clip(state, -3, 3),
    }
    return LearnedEnvironment(**described | changes)


def test_each_agent_of_a_panel_lives_in_its_own_world():
    panel = Panel([world(1.0), world(2.0)], np.array([1, 0, 1]))
    state = np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 1.0]])
    after, reward, ended = panel.step(state, np.array([[0.5], [0.5], [9.0]]))
    np.testing.assert_array_equal(
        after, [[2.5, 0.5], [1.5, 0.5], [3.0, 3.0]]
    )  # the last action is clipped, and its state
    np.testing.assert_array_equal(reward, [-1.5, -1.5, -6.0])
    assert not ended.any()
    many, _, _ = panel.step(np.repeat(state[:, None], 4, 1), np.full((3, 4, 1), 0.5))
    np.testing.assert_array_equal(many[:2, 3], after[:2])
    with pytest.raises(ValueError, match="look alike"):
        Panel([world(1.0), world(1.0, horizon=6)], np.array([0]))
    with pytest.raises(ValueError, match="worlds 0 to 0"):
        Panel([world(1.0)], np.array([0, 1]))


def test_agents_do_not_feel_who_else_is_in_the_panel():
    from pesin.rl.networks import Perceptron
    from pesin.rl.playback import Playback, roll_out
    from pesin.rl.soft_actor_critic import Agents, Learner, Settings, train

    def learned(worlds, group):
        n = len(group)
        agents = Agents(
            np.arange(n), *np.ones((2, n)), np.ones(n, bool), -np.ones(n), np.zeros(n, bool), np.ones(n, bool),
            np.zeros(n), np.zeros(n),
        )  # fmt: skip
        settings = Settings(30, 10, 4, 0.9, 0.1, 1e-2, 1e-2, 1e-2)
        panel = Panel(worlds, np.array(group))
        learner = Learner(Perceptron((4,)), Perceptron((4,)), panel, agents, settings, 5)
        bank = np.random.default_rng(2).uniform(-1, 1, (n, 3, 2))
        # Examined elsewhere: a still world, where returns are known.
        still = world(1.0, move=lambda s, a: s, reward=lambda s, a: s[..., 0])
        return train(learner, panel, bank, np.array([[0.5, 0.0]]), 15, np.random.default_rng(4), examined_in=still)

    together, apart = learned([world(0.5), world(0.9)], [0, 1]), learned([world(0.5), world(0.7)], [0, 1])
    np.testing.assert_array_equal(together.states[0], apart.states[0])
    assert abs(together.states[1] - apart.states[1]).max() > 0.01
    np.testing.assert_allclose(together.returns, 2.5)
    # What is kept of each actor is what did best in its own world.
    player = Playback(together.best, {}, np.zeros(2, bool), np.ones(2, bool))
    own = Panel([world(0.5), world(0.9)], np.array([0, 1]))
    again = roll_out(player, own, np.array([[0.5, 0.0]]), own.horizon).reward.sum(0).mean(-1)
    np.testing.assert_allclose(again, together.own_returns.max(1), rtol=1e-4)
    assert (np.ptp(together.own_returns, axis=1) > 1e-3).all()


def test_the_pendulum_is_quadratic_in_rate_and_nearly_so_in_its_angle():
    env, rng = Pendulum(), np.random.default_rng(0)
    state, action = env.starts(rng, (300,)), rng.uniform(-1, 1, (300, 1))
    seen, after = env.observe(state), env.observe(env.step(state, action)[0])
    features = polynomial_library(np.concatenate([seen, action], -1))
    found = sparse_ridge(features, after, 0.01, 1e-5)[0]
    terms = monomials(4)
    np.testing.assert_allclose(found[[terms.index((j,)) for j in (1, 2, 3)], 2], [0.75, 1, 0.3], atol=1e-5)
    assert found[terms.index((1, 2)), 0] == pytest.approx(-0.05, abs=0.004)
    assert found[terms.index((0, 2)), 1] == pytest.approx(0.05, abs=0.004)
