"""Planning on a law, and networks that a network makes, against known answers."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pesin.environments.pendulum import Pendulum, angle_and_rate, observed, on_circle
from pesin.models.hypernetwork import Hypernetwork, flat, predicted, shaped
from pesin.models.mlp import apply_mlp, init_mlp
from pesin.rl.planning import controlled, costs, improved

LINE = SimpleNamespace(
    observe=lambda state: state,
    step=lambda state, action: (state + action, -(state[..., 0] ** 2), np.zeros(state.shape[:-1], bool)),
)
"""A place on a line; an action moves it."""


def move(seen, action):
    return seen + action


def pays(seen, action):
    return -(seen[..., 0] ** 2)


def sizes(**change):
    return SimpleNamespace(**{"particles": 200, "elite": 10, "iterations": 4, "horizon": 3} | change)


def test_a_plan_goes_home_and_stays():
    plan = improved(np.zeros((2, 3)), move, pays, np.array([[[0.5]], [[-0.8]]]), sizes(), np.random.default_rng(0))
    np.testing.assert_allclose(plan[:, 0], [-0.5, 0.8], atol=0.1)
    np.testing.assert_allclose(plan[:, 1:], 0, atol=0.2)


def test_returns_of_a_right_law_of_one_turned_round_and_of_one_that_is_no_number():
    starts = np.full((1, 2, 1), 0.5)

    def found(law):
        return controlled(LINE, starts, law, pays, sizes(), 5, np.random.default_rng(1))[0]

    assert -0.4 < found(move) <= -0.25
    assert found(lambda seen, action: seen - action) < -5
    assert np.isfinite(found(lambda seen, action: seen + np.nan))


def test_costs_take_in_the_last_state_without_an_action():
    points = np.array([[[0.5, -1.0], [0.0, 0.0]]])
    np.testing.assert_allclose(costs(move, pays, np.ones((1, 1, 1)), points), [[1 + 1.5**2 + 0.5**2, 3.0]])


def test_a_pendulum_in_terms_of_what_is_seen():
    world = Pendulum(mass=0.7, length=1.3)
    state, action = np.array([[0.4, 1.0], [-2.0, 7.9]]), np.array([[0.5], [-1.0]])
    seen = world.observe(state)
    np.testing.assert_allclose(angle_and_rate(seen), state)
    after, reward, _ = observed(world).step(seen, action)
    expected, paid, _ = world.step(state, action)
    np.testing.assert_allclose(after, world.observe(expected), atol=1e-12)
    np.testing.assert_allclose(reward, paid)
    np.testing.assert_allclose(on_circle(np.array([3.0, 4.0, -9.0]), 8.0), [0.6, 0.8, -8.0])


def hyper(beta=1.0, runs=2):
    generator = torch.Generator().manual_seed(0)
    return Hypernetwork(runs, 2, [2, 5, 1], [6], 3, 0.5, beta, 1e-2, "all", generator)


def test_weights_flat_and_in_shape():
    made = init_mlp(2, [2, 5, 1], torch.Generator().manual_seed(1))
    again = shaped(flat(made), [2, 5, 1])
    assert list(again) == list(made) and all(torch.equal(again[name], made[name]) for name in made)
    x = torch.randn(2, 7, 2)
    torch.testing.assert_close(predicted(flat(made), x, [2, 5, 1]), apply_mlp(made, x, torch.tanh))


def test_a_hypernetwork_learns_two_tasks_and_the_penalty_keeps_the_first():
    generator, lost = torch.Generator().manual_seed(2), []
    x = torch.rand(2, 1, 40, 2, generator=generator) * 2 - 1
    for beta in (0.0, 3.0):
        model, draw = hyper(beta), np.random.default_rng(0)
        for task, goal in enumerate((x[..., :1], -x[..., :1])):
            model.begin(np.array([[task]]))
            for _ in range(300):
                model.step(x, goal, draw)
            model.end(None, generator)
        error = (predicted(model.networks()[:, :1], x, model.sizes) - x[..., :1]).square().mean().item()
        last = (predicted(model.networks()[:, 1:], x, model.sizes) + x[..., :1]).square().mean().item()
        lost.append(error)
        assert last < 0.02
    assert lost[1] < 0.03 < 0.2 * lost[0]
    assert model.numbers() == 3 * 6 + 6 + 6 * 21 + 21 + 2 * 3


def test_runs_of_hypernetworks_don_t_know_of_each_other():
    x = torch.randn(2, 1, 9, 2, generator=torch.Generator().manual_seed(3))
    both, one = hyper(), hyper()
    for model, given in ((both, x), (one, torch.cat([x[:1], 5 * x[1:]]))):
        model.begin(np.array([[0]]))
        model.step(given, given[..., :1], np.random.default_rng(0))
        model.end(None, torch.Generator())
    assert torch.equal(both.networks()[0], one.networks()[0])
    assert not torch.equal(both.networks()[1], one.networks()[1])


def test_what_was_kept_is_taken_up():
    model, other = hyper(), hyper()
    model.begin(np.array([[0]]))
    model.step(torch.ones(2, 1, 3, 2), torch.ones(2, 1, 3, 1), np.random.default_rng(0))
    model.end(None, torch.Generator())
    other.restore(model.arrays())
    assert torch.equal(model.networks(), other.networks()) and other.learnt == 1


@pytest.mark.parametrize("elite", [1, 300])
def test_an_elite_that_is_too_small_or_too_large(elite):
    with pytest.raises(ValueError, match="elite"):
        improved(np.zeros((1, 3)), move, pays, np.ones((1, 1, 1)), sizes(elite=elite), np.random.default_rng(0))
