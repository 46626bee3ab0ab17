"""Known answers: the pendulum's increments, generated networks, penalties, memory, planning; controls, bad input."""

import numpy as np
import pytest
import torch

from pesin.config.load import merge
from pesin.environments.pendulum import Pendulum
from pesin.errors import UserError
from pesin.params import check
from project import case_of, plan
from stopping import assert_goes_on
from studies.hypercrl import entropy, forecast, networks, simulate, train, world
from studies.hypercrl.params import Params, Planner

STUDY = "hypercrl"
RNG = np.random.default_rng(5)
TINY = {"train": {"iterations": 3, "ewc": [5.0, 50.0], "si": [1.0]}}


def case(step, name="hypernet", **change):
    return case_of(STUDY, name, step, "smoke", **merge(TINY, change))


@pytest.fixture(scope="module")
def data():
    return simulate.simulate(case("simulate"))


def generated(old="all", **change):
    p = case("train", train=change).params.train
    return networks.Generated(2, 3, p, old, torch.Generator().manual_seed(0), "cpu")


def plain(hold="none", strength=(0.0, 0.0), **change):
    p = case("train", train=change).params.train
    start = torch.Generator().manual_seed(0)
    return networks.Plain(torch.tensor(strength), 3, p, hold, p.network.hidden, False, start, 1, "cpu")


def rows(runs=2, own=1, batch=8):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(runs, own, batch, 4, generator=generator), torch.randn(runs, own, batch, 3, generator=generator)


# -------------------------------------------------------------------------------------------------------------- worlds


@pytest.mark.parametrize("gravity, length, mass", [(10, 1, 1), (4, 1, 1), (10, 1.4, 1.5)])
def test_increments_are_those_of_the_equation(gravity, length, mass):
    one = Pendulum(mass, length, gravity, rate_limit=12)
    state, u = np.array([[0.7, 1.2], [-2.0, -3.0]]), np.array([[0.4], [-1.0]])
    x, y = world.scaled(one, state, u)
    rate = 1.5 * gravity / length * np.sin(state[:, 0]) + 3 / (mass * length**2) * 2 * u[:, 0]
    np.testing.assert_allclose(y[:, 2] * 0.75, rate * 0.05)
    after = state[:, 0] + 0.05 * (state[:, 1] + 0.05 * rate)
    np.testing.assert_allclose(y[:, 1] * 0.25, np.sin(after) - np.sin(state[:, 0]))
    np.testing.assert_allclose(x, np.stack([*[f(state[:, 0]) for f in (np.cos, np.sin)], state[:, 1] / 8, u[:, 0]], 1))


def test_the_exact_law_and_its_changes_agree():
    one = Pendulum(rate_limit=12)
    seen, action = one.observe(RNG.normal(size=(3, 5, 2))), RNG.uniform(-1, 1, (3, 5, 1))
    after = world.exact(one)(seen, action)
    np.testing.assert_allclose(world.advanced(seen, (after - seen) / world.TARGETS, 12), after, atol=1e-12)
    state = np.stack([np.arctan2(seen[..., 1], seen[..., 0]), seen[..., 2]], -1)
    np.testing.assert_allclose(world.reward(seen, action), one.step(state, action)[1])


def test_a_planner_that_knows_the_law_holds_a_pendulum_up_and_one_at_random_does_not():
    one = Pendulum(gravity=4, rate_limit=12)
    p = Planner(particles=24, elite=4, iterations=2, horizon=8, episodes=2, steps=25)
    starts = np.array([[[0.3, 0.0], [-0.3, 0.0]]] * 2)
    known = world.controlled(one, starts, world.exact(one), p, np.random.default_rng(0))
    blind = world.controlled(one, starts, None, p, np.random.default_rng(0))
    assert (known > -6).all() and (blind < 3 * known).all()


def test_costs_are_minus_what_the_world_pays():
    one = Pendulum(rate_limit=12)
    state, points = RNG.normal(size=(1, 2, 2)), RNG.uniform(-1, 1, (2, 3, 4))
    found = world.costs(world.exact(one), one.observe(state), points)
    for episode in range(2):
        for particle in range(3):
            now, total = state[:, episode], 0.0
            for step in range(4):
                now, paid, _ = one.step(now, points[episode, particle, step].reshape(1, 1))
                total -= paid[0]
            total -= one.step(now, np.zeros((1, 1)))[1][0]
            assert found[episode, particle] == pytest.approx(total)


# ------------------------------------------------------------------------------------------------------------ networks


def test_counts_are_the_card_s():
    net = case("train").params.train.network.model_copy(update={"generator": [32, 32], "hidden": [32, 32]})
    p = case("train").params.train.model_copy(update={"network": net})
    made = networks.Generated(1, 5, p, "all", torch.Generator().manual_seed(0), "cpu")
    assert made.networks().shape == (1, 5, 1315) and made.numbers() == 44739


def test_flat_weights_are_those_of_the_network():
    made = networks.init_mlp(2, [4, 5, 3], torch.Generator().manual_seed(0))
    found = networks.shaped(networks.flat(made), [5])
    assert list(found) == list(made) and all(torch.equal(found[name], made[name]) for name in made)
    x = torch.randn(2, 6, 4)
    torch.testing.assert_close(networks.predicted(networks.flat(made), x, [5]), networks.apply_mlp(made, x, torch.tanh))


def test_a_generated_network_starts_near_a_usual_one_and_tasks_differ():
    first = generated().networks()
    assert 0.02 < float((first[:, 0] - first[:, 1]).std()) < 0.3 and 0.05 < float(first.std()) < 0.5


def test_the_plain_network_of_a_task_is_the_told_one():
    model, (x, _) = plain(), rows()
    for task in range(3):
        model.begin(np.full((2, 1), task))
        told = networks.apply_mlp(model.parameters, model._input(x[:, 0]), torch.tanh)
        torch.testing.assert_close(networks.predicted(model.networks()[:, task], x[:, 0], model.hidden), told)


def session(model, task, steps=40, seed=2):
    """A session on the task alone; the networks before and after it."""
    before, draw = model.networks(), np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    model.begin(np.full((2, 1), task))
    x, y = torch.randn(2, 1, 8, 4, generator=generator), torch.randn(2, 1, 8, 3, generator=generator)
    for _ in range(steps):
        model.step(x, y, draw)
    model.end(x, generator)
    after = model.networks()
    return before.detach(), after.detach()


def moved(tasks):
    return float((tasks[1] - tasks[0])[:, 0].square().sum(-1).mean())


@pytest.mark.parametrize("old", ["all", "one"])
def test_the_penalty_holds_old_networks_and_without_it_they_go(old):
    ways = []
    for beta in (0.0, 0.5):
        model = generated(old, beta=beta)
        session(model, 0)
        ways.append(moved(session(model, 1)))
    assert ways[1] < 0.3 * ways[0]


def test_the_penalty_is_against_frozen_outputs_and_a_mean_over_tasks_of_sums_over_weights():
    model = generated()
    session(model, 0, 3), session(model, 1, 3)
    model.begin(np.full((2, 1), 2))
    old, kept = model._held(RNG)
    assert old.shape[1] == 2 and float(networks.hypernetwork.moved(model.weights(old), kept).detach().abs().max()) == 0
    with torch.no_grad():
        model.parameters["bias_1"] += 0.1
    way = networks.hypernetwork.moved(model.weights(old), model._held(RNG)[1]).detach()
    torch.testing.assert_close(way, torch.full((2,), 0.01 * kept.shape[-1]), rtol=1e-3, atol=0)


def test_old_embeddings_stay_and_only_the_task_s_own_learns():
    model = generated()
    first = model.embeddings.clone()
    session(model, 0)
    now = model.embeddings.clone()
    session(model, 1)
    assert torch.equal(model.embeddings[:, 0], now[:, 0]) and torch.equal(model.embeddings[:, 2], first[:, 2])
    assert not torch.equal(model.embeddings[:, 1], first[:, 1])


@pytest.mark.parametrize("old, many", [("all", [1, 2, 3]), ("one", [1, 2, 2])])
def test_networks_generated_in_a_step(old, many):
    model, found = generated(old), []
    for task in range(3):
        session(model, task, 4)
        found.append(model.generated / 4)
    assert found == many


@pytest.mark.parametrize("hold, strong", [("ewc", 1e4), ("si", 1e4)])
def test_held_weights_move_less(hold, strong):
    ways = []
    for strength in (0.0, strong):
        model = plain(hold, (strength, strength))
        session(model, 0)
        ways.append(moved(session(model, 1)))
    assert ways[1] < 0.7 * ways[0]


def test_merged_penalties_have_the_slope_of_their_sum():
    model = plain("ewc", (1.0, 1.0))
    parts, at = [], {name: value.detach() + 1 for name, value in model.parameters.items()}
    for _ in range(3):
        fisher = {name: torch.rand_like(value) for name, value in model.parameters.items()}
        with torch.no_grad():
            for value in model.parameters.values():
                value += torch.randn_like(value)
        parts.append((fisher, {name: value.detach().clone() for name, value in model.parameters.items()}))
        model._merge(fisher)
    for name in at:
        slow = sum(fisher[name] * (at[name] - anchor[name]) for fisher, anchor in parts)
        torch.testing.assert_close(
            model.importance[name] * (at[name] - model.anchors[name]), slow, rtol=1e-4, atol=1e-5
        )


# ------------------------------------------------------------------------------------------------------ steps together


@pytest.fixture(scope="module")
def trained(data):
    arms = ["hyper", "hyper_one", "coreset", "retrain", "finetune", "ewc", "si"]
    return train.train(case("train", train={"arms": arms}), data)


def test_sessions_read_their_task_alone_and_the_hoarder_all(trained):
    visits = trained["hyper/visits"].values
    assert (visits == np.eye(3) * 3 * 16).all() and (trained["hyper/off_task"] == 0).all()
    assert (trained["retrain/visits"].values == np.tri(3) * 3 * 16).all()
    assert (trained["coreset/visits"].values == np.tri(3) * 3 * [[16], [8], [5]]).all()
    np.testing.assert_allclose(trained["retrain/visits_by_tasks"], 1)
    np.testing.assert_allclose(trained["hyper_one/work_relative"], 1)
    np.testing.assert_allclose(trained["hyper/work_relative"], [1, 1, 1.5])
    assert trained["hyper/added"].values.tolist() == [0, 8, 8]


def test_a_memory_holds_what_it_was_opened_for(data):
    memory = train.Memory(data[["x", "y"]], np.array([[1], [2]]), 2, 4, "cpu")
    x, y = memory.batch(np.arange(12).reshape(3, 1, 4))
    assert x.shape == (12, 1, 4, 4) and y.shape == (12, 1, 4, 3) and memory.kept == 60
    for run, (task, seed) in {0: (1, 0), 4: (1, 1), 8: (2, 2)}.items():
        np.testing.assert_allclose(x[run, 0], data["x"].values[task, seed, 4 * seed : 4 * seed + 4], rtol=1e-6)


def test_controls_do_what_they_say(data):
    all_data = train.train(case("train", "retrain_all"), data)
    assert (all_data["hyper/off_task"].values > 0).tolist() == [False, True, True]
    still = train.train(case("train", "untrained", train={"iterations": 0}), data)
    assert np.isnan(still["hyper/visits_relative"]).all() and (still["hyper/off_task"] == 0).all()
    weights = still["hyper/weights"]
    assert (weights.isel(after=0) == weights.isel(after=2)).all()


def test_without_a_penalty_the_two_ways_to_take_in_old_tasks_are_one(data):
    arms = ["hyper_one", "hyper"]  # in this order each is trained
    found = train.train(case("train", "no_penalty", train={"arms": arms}), data)
    assert (found["hyper"]["weights"] == found["hyper_one"]["weights"]).all()
    assert (found["hyper"]["generated"] == found["hyper_one"]["generated"]).all()


def test_settings_are_chosen_on_other_seeds():
    error = np.array([[0.0, 5.0, 5.0], [1.0, 1.0, 1.0]])
    assert forecast.chosen(error).tolist() == [1, 1, 1]
    assert forecast.chosen(np.array([[0.0, 0.0, 9.0], [1.0, 1.0, 1.0]])).tolist() == [1, 1, 0]


def test_forecast_of_a_network_that_predicts_no_change(data, trained):
    given = torch.zeros_like(torch.as_tensor(trained["hyper/weights"].values))[0, 0]
    hidden = case("forecast").params.train.network.hidden
    error = forecast.matrix(given, data["test_x"].values, data["test_y"].values, hidden)
    silent = (data["test_y"].values ** 2).mean((1, 2))
    np.testing.assert_allclose(error, np.broadcast_to(silent, error.shape), rtol=1e-5)
    far = forecast.matrix(given + torch.nan, data["test_x"].values, data["test_y"].values, hidden)
    assert (far == forecast.WORST).all()


def test_a_network_of_no_change_foresees_none_and_all_models_plan_with_the_same_draws(data):
    c = case("forecast")
    size = networks.flat(networks.init_mlp(1, [4, 32, 32, 3], torch.Generator())).shape[-1]
    still = torch.zeros(3, 1, 3, size)
    seen = Pendulum().observe(RNG.normal(size=(3, 5, 2)))
    move = forecast.foreseen(still[:, 0, 0], [32, 32], 12)
    np.testing.assert_allclose(move(seen, np.zeros((3, 5, 1))), seen)
    model = (torch.randn(still.shape, generator=torch.Generator().manual_seed(3)), np.zeros(3))
    found = forecast.returns(c, data, {"hyper": model, "coreset": model})
    assert (found["reached"].sel(planner="hyper") == found["reached"].sel(planner="coreset")).all()
    assert (found["lost"] == 0).all()


def test_forecast_and_entropy_go_through(data, trained):
    change = {"train": {"arms": ["hyper", "finetune", "ewc"]}}
    found = forecast.forecast(case("forecast", **change), data, trained)
    np.testing.assert_allclose(found["lost"], found["first"] - found["last"])
    assert set(found["chosen"].sel(arm="ewc").values) <= {5.0, 50.0}
    nats = entropy.entropy(case("entropy", **change), data, trained)
    assert (nats["divergence"].isel(task=-1) == 0).all() and (nats["destroyed"].isel(task=-1) == 0).all()
    assert (nats["divergence"].isel(task=0) > 0).all()


def test_information_destroyed_of_small_changes_is_the_divergence():
    made = networks.flat(networks.init_mlp(1, [4, 3], torch.Generator().manual_seed(0))).detach()
    x = torch.randn(30, 4, generator=torch.Generator().manual_seed(1))
    for place in (2, 13):  # the diagonal metric is exact where one weight moves and the network is linear in it
        other = made.clone()
        other[0, place] += 0.3
        change = networks.predicted(other, x, []) - networks.predicted(made, x, [])
        exact = change.square().sum(-1).mean(-1) / (2 * 0.1**2)
        torch.testing.assert_close(entropy.fisher_distance(made, other, x, [], 0.1), exact, rtol=1e-4, atol=0)


def test_a_training_that_was_stopped_goes_on(data, tmp_path, monkeypatch):
    change = {"train": {"arms": ["hyper_one", "ewc", "si"]}}
    assert_goes_on(lambda c: train.train(c, data), case("train", **change), tmp_path, monkeypatch, 5)


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"simulate": {"planner": {"elite": 99}}}, "elite: 99 is more than"),
        ({"train": {"batch": 2}}, "2 samples are fewer than the 3 tasks"),
        ({"train": {"fisher": 61}}, "61 is more than the 60"),
        ({"train": {"arms": ["hyper", "hyper"]}}, "each once"),
        ({"train": {"arms": ["packnet"]}}, "packnet"),
        ({"forecast": {"planned": ["packnet"]}}, "planned"),
        ({"simulate": {"seeds": 2}}, "seeds"),
    ],
)
def test_bad_parameters_are_named(change, sentence):
    given = merge(plan("smoke").study(STUDY).cases["hypernet"].params, change)
    with pytest.raises(UserError, match=sentence):
        check(Params, given, "config/studies/hypercrl.yaml")
