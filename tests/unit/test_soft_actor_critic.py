"""Known answers of maximum-entropy reinforcement learning, environments against their sources, gradients by hand."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pesin.environments.environment import start_bank
from pesin.environments.lqr import LinearQuadratic
from pesin.environments.pendulum import Pendulum
from pesin.environments.point_mass import TwoGoals
from pesin.environments.tabular import Tabular, bandit, chain, first_goal, two_goal_chain
from pesin.rl import ppo
from pesin.rl import soft_actor_critic as sac
from pesin.rl.networks import LinearGaussian, Perceptron, Quadratic, flatten, views
from pesin.rl.playback import Playback, roll_out
from pesin.rl.soft_iteration import boltzmann, evaluate_policy, soft_policy_iteration, soft_value_iteration
from pesin.rl.squashed import log_squeeze, sample_policy
from pesin.steps.checkpoint import Checkpoint
from stopping import assert_goes_on

# ------------------------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize(
    "alpha, policy, value",
    [
        (0.2, (0.9184, 0.0754, 0.0062), 1.0170),
        (0.5, (0.6652, 0.2447, 0.0900), 1.2038),
        (1.0, (0.5065, 0.3072, 0.1863), 1.6803),
    ],
)
def test_bandit(alpha, policy, value):
    solution = soft_value_iteration(bandit([1, 0.5, 0]), alpha, 0.9)
    np.testing.assert_allclose(solution.policy[0], policy, atol=5e-5)
    np.testing.assert_allclose(solution.value, value, atol=5e-5)
    entropy = -(solution.policy * np.log(solution.policy)).sum()
    np.testing.assert_allclose(solution.value, (solution.policy * [1, 0.5, 0]).sum() + alpha * entropy)


@pytest.mark.parametrize(
    "alpha, value, right",
    [
        (0.1, (7.290, 8.100, 9.000, 10.000, 10.000), (0.9993, 1, 1, 1, 1)),
        (1.0, (9.964, 10.559, 11.480, 12.590, 12.755), (0.631, 0.796, 0.861, 0.895, 0.759)),
    ],
)
def test_chain(alpha, value, right):
    solution = soft_policy_iteration(chain(5), alpha, 0.9, 30)
    np.testing.assert_allclose(solution.value, value, atol=1e-3)
    np.testing.assert_allclose(solution.policy[:, 1], right, atol=5e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.integers(2, 4), st.floats(0.05, 5), st.floats(0, 0.95), st.integers(0, 2**31))
def test_policy_iteration_meets_value_iteration(states, actions, alpha, discount, seed):
    rng = np.random.default_rng(seed)
    shape = (states, actions)
    process = Tabular(rng.integers(states, size=shape), rng.normal(size=shape), rng.random(shape) < 0.2)
    by_policy = soft_policy_iteration(process, alpha, discount, 60)
    by_value = soft_value_iteration(process, alpha, discount)
    np.testing.assert_allclose(by_policy.policy, by_value.policy, atol=1e-8)
    np.testing.assert_allclose(by_policy.value, by_value.value, rtol=1e-8, atol=1e-8)
    assert np.all(evaluate_policy(process, np.full(shape, 1 / actions), alpha, discount)[1] <= by_value.value + 1e-9)


def test_temperature_zero_is_greedy():
    np.testing.assert_array_equal(boltzmann(np.array([[1.0, 2.0, 2.0]]), 0.0), [[0, 1, 0]])
    solution = soft_policy_iteration(chain(5), 0.0, 0.9, 10)
    np.testing.assert_allclose(solution.value, [7.29, 8.1, 9, 10, 10])


@pytest.mark.parametrize("alpha", [0.05, 1.0, 20.0])
def test_two_goals_are_kept_by_entropy_and_lost_without(alpha):
    process = two_goal_chain(7)
    both = first_goal(process, soft_policy_iteration(process, alpha, 0.9, 60).policy, 3)
    np.testing.assert_allclose([both[:3].sum(), both[3:].sum()], 0.5, atol=1e-12)
    greedy = first_goal(process, soft_policy_iteration(process, 0.0, 0.9, 60).policy, 3)
    np.testing.assert_allclose(sorted([greedy[:3].sum(), greedy[3:].sum()]), [0, 1], atol=1e-12)


def test_first_goal_of_a_random_walk():
    """From a third of the way, a fair walk ends at the near end twice as often."""
    ends = first_goal(two_goal_chain(7), np.full((7, 2), 0.5), 2)
    np.testing.assert_allclose([ends[:3].sum(), ends[3:].sum()], [4 / 6, 2 / 6])


@pytest.mark.parametrize("call", [lambda: two_goal_chain(6), lambda: two_goal_chain(1)])
def test_a_chain_without_a_middle(call):
    with pytest.raises(ValueError, match="odd number"):
        call()


def test_bad_tables():
    with pytest.raises(ValueError, match="one shape"):
        Tabular(np.zeros((2, 2), int), np.zeros((2, 3)), np.zeros((2, 2), bool))
    with pytest.raises(ValueError, match="outside"):
        Tabular(np.full((2, 2), 2), np.zeros((2, 2)), np.zeros((2, 2), bool))
    with pytest.raises(ValueError, match="temperature"):
        soft_value_iteration(chain(3), 0.0, 0.9)


# -------------------------------------------------------------------------------------------------------- environments


def test_regulator_in_closed_form():
    env = LinearQuadratic()
    p, gain, spread = env.solution(0.98)
    np.testing.assert_allclose([p, gain], [1.091450, 0.914502], atol=1e-6)
    np.testing.assert_allclose([0.1 * spread, 0.5 * spread], [0.042749, 0.213744], atol=1e-6)
    np.testing.assert_allclose([env.temperature(0.98, h) for h in (-1, -2)], [0.018536, 0.0025086], rtol=1e-4)
    entropy = 0.5 * np.log(2 * np.pi * np.e * np.array([0.1, 0.5]) * spread)
    np.testing.assert_allclose(entropy, [-0.1573, 0.6475], atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.2, 1.5), st.floats(0.3, 2), st.floats(0.1, 2), st.floats(0.05, 2), st.floats(0.5, 0.99))
def test_regulator_solves_riccati(a, b, q, rho, discount):
    p, gain, _ = LinearQuadratic(a=a, b=b, q=q, rho=rho).solution(discount)
    following = q + discount * a**2 * p - (discount * a * b * p) ** 2 / (rho + discount * b**2 * p)
    np.testing.assert_allclose(following, p, rtol=1e-9)
    np.testing.assert_allclose(gain, discount * a * b * p / (rho + discount * b**2 * p))


def test_pendulum_steps_as_gymnasium_does():
    gymnasium = pytest.importorskip("gymnasium")
    peer, rng = gymnasium.make("Pendulum-v1").unwrapped, np.random.default_rng(0)
    peer.reset(seed=0)
    env = Pendulum()
    for start, action in zip(env.starts(rng, (50,)) * [1, 7.9], rng.uniform(-1.3, 1.3, (50, 1)), strict=True):
        peer.state = start.copy()
        observation, reward, terminated, _, _ = peer.step(np.array([2 * action[0]]))
        state, ours, ended = env.step(start, action)
        np.testing.assert_allclose(env.observe(state), observation, atol=1e-6)
        np.testing.assert_allclose(ours, reward, atol=1e-9)
        assert not terminated and not ended


def test_pendulum_hangs_and_stands():
    env = Pendulum()
    state, total = np.array([np.pi, 0.0]), 0.0
    for _ in range(200):
        state, reward, _ = env.step(state, np.zeros(1))
        total += reward
    assert total == pytest.approx(-1974, abs=1)
    state, reward, _ = env.step(np.zeros(2), np.zeros(1))
    assert reward == 0 and np.all(state == 0)
    heavy, light = (replace(env, mass=m).step(np.zeros(2), np.ones(1))[0][1] for m in (2.0, 0.5))
    assert light == pytest.approx(4 * heavy)


def test_goals_pay_once():
    env, state, rewards = TwoGoals(), np.zeros(4), []
    for action in [1.0] * 6 + [-1.0] * 12 + [1.0] * 5:
        state, reward, _ = env.step(state, np.array([action, 0.0]))
        rewards.append(reward)
    assert sum(r > 5 for r in rewards) == 2 and np.array_equal(state[2:], [1, 1])
    assert sum(rewards) == pytest.approx(2 * 10 - 0.1 * len(rewards))


def test_batches_step_like_single_states():
    rng = np.random.default_rng(1)
    for env in (Pendulum(), TwoGoals(), LinearQuadratic()):
        state, action = env.starts(rng, (3, 4)), rng.uniform(-1, 1, (3, 4, env.actions))
        noise = rng.standard_normal((3, 4, env.noises)) if env.noises else None
        together = env.step(state, action, noise)
        for i in np.ndindex(3, 4):
            alone = env.step(state[i], action[i], None if noise is None else noise[i])
            for one, all_ in zip(alone, together, strict=True):
                np.testing.assert_allclose(one, all_[i], atol=1e-12)


# ------------------------------------------------------------------------------------------------------------ policies


def test_squashed_density_against_torch():
    generator = torch.Generator().manual_seed(0)
    mean, log_std, normal = torch.randn(3, 4, 2, 50, generator=generator, dtype=torch.float64)[:3]
    action, log_density = sample_policy(mean, log_std, normal)
    base = torch.distributions.Normal(mean, log_std.exp())
    peer = torch.distributions.TransformedDistribution(base, torch.distributions.TanhTransform(cache_size=1))
    u = mean + log_std.exp() * normal
    torch.testing.assert_close(action, u.tanh())
    expected = base.log_prob(u).sum(-2) - torch.distributions.TanhTransform().log_abs_det_jacobian(u, u.tanh()).sum(-2)
    torch.testing.assert_close(log_density, expected)
    moderate = u.abs() < 3  # beyond, the peer's inverse of tanh loses digits
    torch.testing.assert_close(peer.log_prob(action)[moderate], (base.log_prob(u) - log_squeeze(u))[moderate])


def test_squashed_density_far_out_is_finite():
    assert torch.isfinite(log_squeeze(torch.tensor([-200.0, 200.0]))).all()


# ------------------------------------------------------------------------------------------------------------ gradients


@pytest.mark.parametrize(
    "function, outputs", [(Perceptron((5, 4)), 1), (Perceptron((6,)), 4), (Quadratic(), 1), (LinearGaussian(), 4)]
)
def test_gradients_by_hand(function, outputs):
    generator = torch.Generator().manual_seed(1)
    parameters = {
        n: torch.randn(v.shape, generator=generator) for n, v in function.init(3, 2, outputs, generator).items()
    }
    x, dy = torch.randn(3, 2, 7, generator=generator), torch.randn(3, outputs, 7, generator=generator)
    leaves = {n: v.clone().requires_grad_() for n, v in parameters.items()}
    inputs = x.clone().requires_grad_()
    expected = torch.autograd.grad((function.forward(leaves, inputs)[0] * dy).sum(), [inputs, *leaves.values()])
    _, kept = function.forward(parameters, x)
    into = {n: torch.full_like(v, torch.nan) for n, v in parameters.items()}
    function.parameter_gradients(parameters, kept, dy, into)
    torch.testing.assert_close(function.input_gradient(parameters, kept, dy), expected[0])
    for name, value in zip(parameters, expected[1:], strict=True):
        torch.testing.assert_close(into[name], value)


def test_flat_parameters_are_views():
    given = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(2, 1)}
    flat = flatten(given)
    pieces = views(flat, given)
    flat[0] = 9
    assert pieces["a"][0, 0] == 9 and pieces["b"].shape == (2, 1)


def agents(**changed) -> sac.Agents:
    """Four agents: automatic, fixed, TD3-like, DDPG."""
    values = {
        "seed": [0, 1, 0, 1],
        "reward_scale": [1.0, 0.1, 1.0, 1.0],
        "temperature": [0.7, 0.3, 1.0, 1.0],
        "automatic": [True, False, False, False],
        "target_entropy": [-1.0] * 4,
        "deterministic": [False, False, True, True],
        "twin": [True, True, True, False],
        "exploration_noise": [0.1] * 4,
        "target_noise": [0.0, 0.0, 0.2, 0.0],
    }
    return sac.Agents(**{name: np.array(value) for name, value in (values | changed).items()})


SETTINGS = sac.Settings(
    steps=40, warmup=10, batch=8, discount=0.9, tau=0.1, lr_actor=1e-2, lr_critic=1e-2, lr_temperature=1e-2
)


def learner(who=None, chosen=SETTINGS, seed=3) -> sac.Learner:
    net = Perceptron((8, 8))
    return sac.Learner(net, net, Pendulum(), agents() if who is None else who, chosen, seed)


@pytest.mark.parametrize("squash", [True, False])
def test_losses_by_automatic_differentiation(squash):
    """The gradients that the learner writes down are those of the losses of the paper."""
    ours = learner(chosen=replace(SETTINGS, squash=squash))
    generator = torch.Generator().manual_seed(2)
    batch, normals = torch.randn(4, 9, 16, generator=generator), torch.randn(4, 2, 16, generator=generator)
    batch[:, 8] = (batch[:, 8] > 1).float()
    before = {n: v.clone() for n, v in ours.actor.now.items()}
    critic = {n: v.clone().requires_grad_() for n, v in ours.critic.now.items()}
    here, action, reward, after, terminal = batch.split([3, 1, 1, 3, 1], 1)
    net, alpha = Perceptron((8, 8)), torch.tensor([0.7, 0.3, 0.0, 0.0])[:, None]
    fixed, single = torch.tensor([False, False, True, True])[:, None], torch.tensor([False] * 3 + [True])[:, None]

    def bounded(x):
        return x.tanh() if squash else x

    def act(parameters, seen, normal, smoothing):
        mean, log_std = net.forward(parameters, seen)[0].chunk(2, 1)
        drawn, density = sample_policy(mean, log_std, normal, squash)
        firm = bounded(mean)
        if smoothing:
            noise = torch.tensor([0.0, 0.0, 0.2, 0.0])[:, None, None] * normal
            firm = (firm + noise.clamp(-0.5, 0.5)).clamp(-1, 1)
        return torch.where(fixed[..., None], firm, drawn), density * ~fixed

    def both(parameters, seen, chosen):
        return net.forward(parameters, torch.cat([seen, chosen], 1).repeat(2, 1, 1))[0].view(2, 4, -1)

    with torch.no_grad():
        chosen, density = act(before, after, normals[:, :1], True)
        q = both(critic, after, chosen)
        value = torch.where(single, q[0], q.min(0).values) - alpha * density
        goal = torch.tensor([1, 0.1, 1, 1])[:, None] * reward[:, 0] + 0.9 * (1 - terminal[:, 0]) * value
    loss = (both(critic, here, action) - goal).square().mean(-1).sum()
    expected = torch.autograd.grad(loss, list(critic.values()))
    ours.update(batch, normals)
    for name, gradient in zip(critic, expected, strict=True):
        torch.testing.assert_close(ours.critic.slope[name], gradient, atol=1e-5, rtol=1e-4)

    actor = {n: v.clone().requires_grad_() for n, v in before.items()}
    chosen, density = act(actor, here, normals[:, 1:], False)
    q = both(ours.critic.now, here, chosen)
    climbed = torch.where(fixed | single, q[0], q.min(0).values)
    loss = (alpha * density - climbed).mean(-1).sum()
    for name, gradient in zip(actor, torch.autograd.grad(loss, list(actor.values())), strict=True):
        torch.testing.assert_close(ours.actor.slope[name], gradient, atol=1e-5, rtol=1e-4)


def test_temperature_rises_if_the_entropy_is_too_low():
    for target, rises in ((5.0, True), (-50.0, False)):
        ours = learner(agents(target_entropy=[target] * 4))
        generator = torch.Generator().manual_seed(2)
        ours.update(torch.randn(4, 9, 16, generator=generator), torch.randn(4, 2, 16, generator=generator))
        alpha = ours.log_alpha.exp()
        assert bool(alpha[0] > 0.7) == rises
        torch.testing.assert_close(alpha[1:], torch.tensor([0.3, 1.0, 1.0]))


def run(who, steps=40, env=None):
    env = env or Pendulum()
    chosen = replace(SETTINGS, steps=steps)
    ours = sac.Learner(Perceptron((8, 8)), Perceptron((8, 8)), env, who, chosen, 3)
    bank = start_bank(env, np.random.default_rng(0), 2, 3)
    return sac.train(ours, env, bank, bank[0, :2], 20, np.random.default_rng(1)), ours


def test_agents_do_not_touch_each_other():
    """What an agent learns doesn't depend on the company it keeps."""
    together, _ = run(agents())
    others = agents(reward_scale=[5.0, 0.1, 3.0, 2.0], temperature=[0.1, 0.3, 1.0, 1.0])
    alone, _ = run(others)
    np.testing.assert_allclose(together.returns[1], alone.returns[1], rtol=1e-4)
    np.testing.assert_allclose(together.entropy[1], alone.entropy[1], rtol=1e-3, atol=1e-4)
    assert not np.allclose(together.returns[0], alone.returns[0])


def test_frozen_automatic_agents_are_fixed_ones():
    who = agents(
        automatic=[True, False, False, False], seed=[0, 0, 0, 0], reward_scale=[1.0] * 4, temperature=[1.0] * 4
    )
    ours = sac.Learner(
        Perceptron((8, 8)), Perceptron((8, 8)), Pendulum(), who, replace(SETTINGS, lr_temperature=0.0), 3
    )
    bank = start_bank(Pendulum(), np.random.default_rng(0), 1, 3)
    history = sac.train(ours, Pendulum(), bank, bank[0, :2], 20, np.random.default_rng(1))
    np.testing.assert_allclose(history.returns[0], history.returns[1], rtol=1e-5)


def test_training_repeats_and_episodes_restart_from_the_bank():
    env = Pendulum(horizon=15)
    first, _ = run(agents(), env=env)
    second, _ = run(agents(), env=env)
    np.testing.assert_array_equal(first.returns, second.returns)
    bank = start_bank(env, np.random.default_rng(0), 2, 3)
    np.testing.assert_allclose(first.states[:, [0, 15, 30]], bank[[0, 1, 0, 1]].astype(np.float32))
    np.testing.assert_array_equal(first.checkpoints, [0, 20, 40])
    assert first.entropy.shape == (4, 30)


def test_a_stopped_training_goes_on_to_the_same_end(tmp_path):
    env, whole = Pendulum(horizon=15), run(agents(), env=Pendulum(horizon=15))
    bank = start_bank(env, np.random.default_rng(0), 2, 3)
    net, chosen = Perceptron((8, 8)), replace(SETTINGS, steps=40)

    def attempt(stop_at):
        ours, rng = sac.Learner(net, net, env, agents(), chosen, 3), np.random.default_rng(1)
        kept = Checkpoint(tmp_path / "state.nc", "key", [rng], every=0.0)

        def turns(steps):
            for step in steps:
                if step == stop_at:
                    raise KeyboardInterrupt
                yield step

        return sac.train(ours, env, bank, bank[0, :2], 20, rng, turns, kept), ours

    with pytest.raises(KeyboardInterrupt):
        attempt(27)
    history, ours = attempt(None)
    for field in fields(sac.History):
        np.testing.assert_equal(getattr(history, field.name), getattr(whole[0], field.name))
    assert torch.equal(ours.critic.target, whole[1].critic.target)


def test_a_regulator_is_learned_in_class():
    env = LinearQuadratic()
    who = sac.Agents(*(np.array(v) for v in ([0], [1.0], [0.3], [False], [0.0], [False], [True], [0.0], [0.0])))
    chosen = replace(
        SETTINGS, steps=1500, warmup=50, batch=64, discount=0.5, tau=0.05, lr_actor=1e-2, lr_critic=1e-2, squash=False
    )
    ours = sac.Learner(LinearGaussian(), Quadratic(), env, who, chosen, 0)
    bank = start_bank(env, np.random.default_rng(0), 1, 80)
    sac.train(ours, env, bank, bank[0, :2], 5000, np.random.default_rng(1))
    _, gain, spread = env.solution(0.5)
    mean, log_std = ours.policy(np.array([[[1.0], [-1.0]]]))
    assert -float(mean[0, 0, 0] - mean[0, 1, 0]) / 2 == pytest.approx(gain, rel=0.1)
    assert float((2 * log_std[0, 0, 0]).exp()) == pytest.approx(0.3 * spread, rel=0.15)


def test_playback_is_the_learner():
    _, ours = run(agents())
    weights = [{n: v.numpy() for n, v in net.now.items()} for net in (ours.actor, ours.critic)]
    player = Playback(*weights, ours.agents.deterministic, ours.agents.twin)
    rng = np.random.default_rng(0)
    seen, action = rng.normal(size=(4, 5, 3)), rng.uniform(-1, 1, (4, 5, 1))
    np.testing.assert_allclose(player.mean_action(seen), ours.mean_action(seen), atol=1e-5)
    np.testing.assert_allclose(player.values(seen, action), ours.values(seen, action), rtol=1e-4, atol=1e-4)
    mean, log_std = ours.policy(seen)
    normal = rng.standard_normal((4, 5, 1))
    drawn, density = ours.explore(mean, log_std, normal)
    again, too = player.draw(seen, normal)
    np.testing.assert_allclose(drawn[:2], again[:2], atol=1e-5)
    np.testing.assert_allclose(density, too, atol=1e-4)
    starts = Pendulum().starts(rng, (3,))
    returns = roll_out(player, Pendulum(), starts, 200).reward.sum(0).mean(-1)
    np.testing.assert_allclose(returns, sac.evaluate(ours, Pendulum(), starts), rtol=1e-3)


# ----------------------------------------------------------------------------------------------------------------- ppo


def test_advantages_by_hand():
    reward, value, following = (torch.tensor(v) for v in ([1.0, 2.0, 3.0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.0]))
    found = ppo.advantages(reward, value, following, torch.tensor([0.0, 1.0, 0.0]), 0.9, 0.5)
    errors = [1 + 0.45 - 0.5, 2 + 0.45 - 0.5, 3 - 0.5]
    torch.testing.assert_close(found, torch.tensor([errors[0] + 0.45 * errors[1], errors[1], errors[2]]))


def test_ppo_learns_the_regulator():
    env = LinearQuadratic(horizon=10)
    bank = start_bank(env, np.random.default_rng(0), 2, 50)
    chosen = ppo.Settings(4000, 8, 20, 5, 80, 0.9, 0.95, 0.2, 1e-2, 0.5, (8,))
    returns, steps = ppo.train(env, bank, bank[0, :5], chosen, np.random.default_rng(1), 2)
    assert steps[-1] == 4000 and returns.shape == (2, len(steps))
    assert np.all(returns[:, -1] > 0.6 * returns[:, 0])  # costs: less than 0.6 of what they were


@pytest.mark.parametrize("minibatch", [1, 32, 79])  # of 160 transitions: 160 of one, 5 of 32, two of 79 and one of 2
@pytest.mark.parametrize("count", [8, 23])  # or of 161: the last minibatch holds a single one
def test_ppo_s_last_minibatch_may_hold_a_single_transition(minibatch, count):
    env = LinearQuadratic(horizon=10)
    bank = start_bank(env, np.random.default_rng(0), 2, 50)
    length = 20 if count == 8 else 7
    chosen = ppo.Settings(3 * count * length, count, length, 2, minibatch, 0.9, 0.95, 0.2, 1e-3, 0.5, (8,))
    returns, _ = ppo.train(env, bank, bank[0, :5], chosen, np.random.default_rng(1), 2)
    assert np.isfinite(returns).all() and (returns[:, -1] != returns[:, 0]).all()


# --------------------------------------------------------------------------------------------------------------- study


def case_of(params, step="train", name="benchmark"):
    from pesin.steps.case import Case

    return Case("soft_actor_critic", name, step, "smoke", params)


def training(**changed):
    """What both tasks' agents share."""
    learning = dict(
        steps=120, warmup=30, batch=8, discount=0.9, tau=0.05, lr=1e-3, lr_temperature=1e-3, hidden=[8], every=60
    )
    return dict(
        agents={"auto": {}, "td3": {"deterministic": True, "automatic": False}}
        | {"ddpg": {"deterministic": True, "automatic": False, "twin": False}},
        learning=learning | changed,
    )


PPO = dict(
    steps=64,
    environments=1,
    length=32,
    epochs=1,
    minibatch=32,
    discount=0.9,
    trace=0.9,
    clip=0.2,
    lr=1e-3,
    clip_norm=0.5,
)


def task_params(learning=None, **changed):
    from studies.soft_actor_critic.benchmark.params import Params

    simulate = dict(
        environment="pendulum", run=["auto", "ddpg"], seeds={"auto": 4, "ddpg": 3}, episodes=2, starts=2, rollouts=3
    )
    values = dict(
        simulate=simulate | changed,
        train=training(**(learning or {})) | {"ppo": PPO},
        entropy={"early": 50, "bins": 8},
        forecast={"goal_return": -250, "perturbation": 0.2, "bootstrap": 20},
    )
    return Params.model_validate(values)


def steps_of(params):
    from studies.soft_actor_critic.benchmark import entropy, forecast, simulate, train

    data = simulate.simulate(case_of(params, "simulate"))
    trained = train.train(case_of(params), data)
    return (
        trained,
        entropy.entropy(case_of(params, "entropy"), trained),
        forecast.forecast(case_of(params, "forecast"), data, trained),
    )


def test_seeds_that_an_agent_does_not_have_are_nan():
    _, held, scores = steps_of(task_params())
    assert np.isfinite(scores.final_return.sel(agent="auto")).all()
    assert np.isnan(scores.final_return.sel(agent="ddpg")).values.tolist() == [False, False, False, True]
    assert np.isnan(held.entropy_gap.sel(agent="ddpg")).all()
    assert np.all(scores.steps_to_goal.sel(agent="auto") == np.inf)
    assert np.all(scores.restricted_steps.sel(agent="auto") == 120)
    assert not scores.goal_reached.sel(agent="auto").any()


def test_censored_steps_and_late_returns():
    from studies.soft_actor_critic.benchmark.forecast import late, steps_to

    nan = np.nan
    returns = np.array([[[-9, -5, -1, -3, -2.0], [-9, -9, -9, -8, -7]], [[-9, -1, -2, nan, nan], [nan] * 5]])
    steps = np.array([[0, 10, 20, 30, 40.0], [0, 100, 200, nan, nan]])
    assert late(returns, steps).tolist()[0] == [-2.0, -7.0] and late(returns, steps)[1, 0] == -2
    assert np.isnan(late(returns, steps)[1, 1])
    found = steps_to(-4, returns, steps)
    assert found[0].tolist() == [20, np.inf] and found[1, 0] == 100 and np.isnan(found[1, 1])


def test_stand_ins_are_judged_in_place_of_others():
    from studies.soft_actor_critic.benchmark import forecast, simulate, train

    stand_ins = {"stand_ins": {"ddpg": "auto"}}
    params = task_params(seeds={"auto": 3, "ddpg": 3})
    judged = params.model_copy(update={"forecast": params.forecast.model_copy(update=stand_ins)})
    data = simulate.simulate(case_of(params, "simulate"))
    trained = train.train(case_of(params), data)
    scores = forecast.forecast(case_of(judged, "forecast"), data, trained)
    np.testing.assert_array_equal(scores.deviation.sel(agent="ddpg"), scores.deviation.sel(agent="auto"))
    np.testing.assert_array_equal(scores.returns.sel(agent="auto"), trained["curves/returns"].sel(agent="auto"))


def test_rates_of_zero_leave_everything_as_it_was():
    still = dict(learning=dict(lr=0, lr_temperature=0))
    _, held, scores = steps_of(task_params(**still))
    auto = scores.sel(agent="auto")
    np.testing.assert_array_equal(auto.final_return, auto.untrained_return)
    assert np.all(held.late_temperature.sel(agent="auto") == 1)


def gymnasium_settings():
    """What the runs by stable-baselines3 share with ours."""
    run = ["auto", "td3", "ppo"]
    return dict(learning=dict(steps=60, warmup=20, every=30), run=run, seeds=dict.fromkeys(run, 3))


def test_runs_of_gymnasium_have_the_same_layout(tmp_path, monkeypatch):
    pytest.importorskip("stable_baselines3")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shared = gymnasium_settings()
    trained, held, scores = steps_of(task_params(environment="Pendulum-v1", **shared))
    own, own_held, own_scores = steps_of(task_params(**shared))
    assert set(scores.data_vars) <= set(own_scores.data_vars) and set(held.data_vars) <= set(own_held.data_vars)
    assert scores.final_return.dims == own_scores.final_return.dims and "ppo" in scores.agent.values
    assert np.isfinite(held.late_entropy.sel(agent="auto")).all()
    assert scores.env_step.sel(agent="ppo").values.tolist() == [0, 32, 64]  # whole rollouts
    assert scores.env_step.sel(agent="auto").values.tolist() == [0, 30, 60]
    assert not list(tmp_path.glob("SB3*"))  # the package's log folders


def test_stopped_runs_of_gymnasium_go_on_to_the_same_end(tmp_path, monkeypatch):
    """Stopped after six runs of SAC and TD3, among those of PPO."""
    pytest.importorskip("stable_baselines3")
    from studies.soft_actor_critic.benchmark import simulate, train

    params = task_params(environment="Pendulum-v1", **gymnasium_settings())
    data = simulate.simulate(case_of(params, "simulate"))
    assert_goes_on(lambda case: train.train(case, data), case_of(params), tmp_path, monkeypatch, turns=7)


def test_missing_packages_say_what_to_type(monkeypatch):
    from studies.soft_actor_critic.benchmark import gymnasium_runs

    monkeypatch.setitem(__import__("sys").modules, "stable_baselines3", None)
    with pytest.raises(RuntimeError, match="pip install"):
        gymnasium_runs.packages()


def test_an_unknown_task_says_so():
    pytest.importorskip("stable_baselines3")
    from studies.soft_actor_critic.benchmark import gymnasium_runs

    with pytest.raises(RuntimeError, match="can't make"):
        gymnasium_runs.make_environment("NoSuchTask-v9")


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"run": ["auto", "sac"]}, "none of the agents"),
        ({"environment": "cheetah"}, "must be pendulum, or a gymnasium name"),
        ({"run": ["auto", "td3"]}, "'td3' is missing"),
        ({"learning": {"warmup": 115}}, "exceed warmup"),
    ],
)
def test_bad_parameters(changed, message):
    with pytest.raises(ValueError, match=message):
        task_params(**changed)


def test_entropies_of_the_first_goal():
    from studies.soft_actor_critic.point_mass import entropy, simulate, train
    from studies.soft_actor_critic.point_mass.params import Params

    chosen = dict(run=["auto", "ddpg"], seeds={"auto": 4, "ddpg": 3}, episodes=5, starts=2, rollouts=3)
    params = Params.model_validate({"simulate": chosen, "train": training()})
    data = simulate.simulate(case_of(params, "simulate", "point_mass"))
    trained = train.train(case_of(params, "train", "point_mass"), data)
    held = entropy.entropy(case_of(params, "entropy", "point_mass"), data, trained)
    assert held.first_goal.dims == ("agent", "seed", "goal")
    assert np.all(held.first_goal.sum("goal").sel(agent="auto") <= 1)


def test_standard_agents_differ_by_their_seeds_alone():
    who = sac.Agents.standard(np.arange(3), 0.5, 2)
    assert len(who) == 3 and who.seed.tolist() == [0, 1, 2]
    assert who.reward_scale.tolist() == [0.5] * 3 and who.target_entropy.tolist() == [-2.0] * 3
    assert who.automatic.all() and who.twin.all() and not who.deterministic.any()
    assert not who.exploration_noise.any() and not who.target_noise.any()
