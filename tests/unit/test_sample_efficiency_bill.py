"""Known answers: counts of the bill, first to the goal, exact models, a filter that knows, arms that begin alike."""

import numpy as np
import pytest
import torch

from pesin.config.load import merge
from pesin.environments.pendulum import Pendulum, observed
from pesin.errors import UserError
from pesin.models.gaussian_nets import gaussian_head
from pesin.models.mlp import apply_mlp, init_mlp
from pesin.params import check
from project import case_of
from studies.sample_efficiency_bill import filtered, forecast, train
from studies.sample_efficiency_bill.bill import Sizes, numbers, weights
from studies.sample_efficiency_bill.params import Params
from studies.sample_efficiency_bill.simulate import simulate
from studies.sample_efficiency_bill.worlds import INPUTS, RATE_LIMIT, TARGETS, network_law, projected, sparse_law

STUDY = "sample_efficiency_bill"


def case(step="train", scale="smoke", name="main", **change):
    return case_of(STUDY, name, step, scale, **change)


@pytest.fixture(scope="module")
def data():
    return simulate(case("simulate"))


def test_both_worlds_are_given_the_same_starts_and_actions(data):
    p = case().params.simulate
    assert np.isfinite(data["next"].values).all() and data["action"].dims[0] == "seed"
    first = data["state"].values[:, :, :: p.horizon]
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_allclose(first[0], data["bank"].values[:, : first.shape[2]])
    assert not np.allclose(data["next"][0], data["next"][1])
    assert {data[name].attrs["role"] for name in ("random", "exact")} == {"truth"}


def test_a_sparse_model_of_many_steps_is_nearly_the_law():
    change = {"simulate": {"seeds": 3, "budgets": [600], "horizon": 100}, "train": {"sparse": {"degree": 3}}}
    some = case(**change)
    known = simulate(case("simulate", **change))
    coefficients = train.sparse(some, known).reshape(2, 3, -1, 3)
    for place in range(2):
        state, goal = known["state"].values[place], known["next"].values[place]
        law = projected(sparse_law(coefficients[place], 3))
        assert abs(law(state, known["action"].values) - goal).mean() < 0.02


def test_shuffled_ends_stay_within_a_budget(data):
    kept = train._shuffled(case(), data)
    assert kept is data
    dealt = train._shuffled(case(train={"shuffled": "all"}), data)
    first = 0
    for last in case().params.simulate.budgets:
        one, other = (np.sort(of["next"].values[:, :, first:last, 2], -1) for of in (data, dealt))
        np.testing.assert_array_equal(one, other)
        first = last
    assert (dealt["next"].values[:, :, :, 2] == data["next"].values[:, :, :, 2]).mean() < 0.3


def test_a_batch_is_of_its_own_set_and_standardised(data):
    some = case()
    scales, draw = train.batches(some, data)
    given, change = draw(np.random.default_rng(0))(4000)
    p = some.params.simulate
    assert given.shape == (2 * len(p.budgets) * p.seeds, 4000, 4)
    np.testing.assert_allclose(given.mean(1).numpy(), 0, atol=0.1)
    np.testing.assert_allclose(change.std(1).numpy(), 1, atol=0.1)
    rates = given[0, :, 2].numpy() * scales.scale[0, 2] + scales.shift[0, 2]
    own = data["state"].values[0, 0, : p.budgets[0], 2]
    assert abs(rates[:, None] - own).min(1).max() < 1e-4


def constant(runs, sizes, value):
    made = init_mlp(runs, sizes, torch.Generator().manual_seed(0))
    made = {name: torch.zeros_like(of) for name, of in made.items()}
    made[f"bias_{len(sizes) - 2}"] += torch.as_tensor(value)
    return made


def test_the_filter_takes_what_its_reward_likes_and_says_its_doubt():
    """Members that foretell 0 and 1; a discriminator that likes large changes of the first coordinate."""
    networks = {name: torch.cat([a, b]) for (name, a), b in zip(
        constant(2, [4, 3, 6], [0.0, 0, 0, -9, -9, -9]).items(),
        constant(2, [4, 3, 6], [1.0, 1, 1, 0, 0, 0]).values(), strict=True,
    )}  # fmt: skip
    history = constant(2, [7, 1, 1], [0.0])
    history["weight_0"][:, 4] = 1.0
    history["bias_0"] += 3.0
    history["weight_1"] += 1.0
    scales = filtered.Scales(np.zeros((2, 7)), np.ones((2, 7)))
    world = filtered.Imagined(scales, networks, history, 2, 5, np.random.default_rng(0))
    seen, action = np.zeros((2, 50, 3)), np.zeros((2, 50, 1))
    deviation = gaussian_head(torch.zeros(6), filtered.FLOOR, filtered.CEILING)[1].exp()[0].item()
    after = world.move(seen, action)
    assert after[..., 0].mean() > 1.7 and abs(after[..., 1].mean() - 1) < 0.4
    np.testing.assert_allclose(world.doubt(seen, action), deviation, rtol=1e-5)


def test_a_reward_of_one_candidate_is_the_discriminator_s():
    history = init_mlp(4, [7, 5, 1], torch.Generator().manual_seed(1))
    world = filtered.Imagined(filtered.Scales(np.zeros((2, 7)), np.ones((2, 7))), {}, history, 1, 1, None)
    given, change = torch.randn(2, 6, 4), torch.randn(3, 2, 6, 3)
    found = world.reward(given, change)
    x = torch.cat([given, change[1]], -1).repeat(2, 1, 1)
    expected = torch.nn.functional.softplus(apply_mlp(history, x, torch.relu)[..., 0]).unflatten(0, (2, 2)).mean(0)
    torch.testing.assert_close(found[1], expected)


def test_networks_made_are_those_that_plan(data):
    some = case()
    made, count = train.hypernetworks(some, data)
    p = some.params
    assert made.shape == (2, 2, len(p.simulate.budgets), p.simulate.seeds, numbers(Sizes(p).made))
    assert count == numbers(Sizes(p).hyper) + 2 * p.train.hyper.embedding
    flat = made[0, 0].reshape(-1, made.shape[-1])
    seen, action = np.random.default_rng(0).normal(size=(2, len(flat), 3, 3))[:2]
    action = action[..., :1]
    found = network_law(flat, Sizes(p).made)(seen, action)
    from pesin.models.hypernetwork import predicted

    x = torch.as_tensor(np.concatenate([seen, action], -1) / INPUTS, dtype=torch.float32)
    expected = seen + predicted(torch.as_tensor(flat), x, Sizes(p).made).numpy() * TARGETS
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_both_orders_begin_alike_and_without_updates_nothing_moves(data):
    made, _ = train.hypernetworks(case(train={"hyper": {"iterations": 0}}), data)
    np.testing.assert_allclose(made[0], made[1], atol=1e-6)  # another place in a batch, another last digit


def test_a_control_of_what_came_before_changes_the_second_session_alone(data):
    control = case(train={"shuffled": "other"})
    made, _ = train.hypernetworks(case(), data)
    other, _ = train.hypernetworks(control, data, train._shuffled(control, data))
    np.testing.assert_array_equal(train.hypernetworks(control, data, data)[0], made)
    found = train.train(control, data)["hyper"].to_dataset()["weights"].values
    np.testing.assert_array_equal(found[:, 0], made[:, 0])
    np.testing.assert_array_equal(found[:, 1], other[:, 1])
    assert (abs(other - made).max(-1) > 1e-4).all()


def test_counts_by_hand():
    p = case().params
    sizes = Sizes(p)
    assert weights([4, 8, 1]) == 40 and numbers([4, 8, 1]) == 49
    a, c = 3 * 8 + 8 * 2, 4 * 8 + 8
    assert sizes.update() == p.train.learning.batch * (4 * a + 12 * c)
    assert sizes.agent(50) == 50 * a + 10 * sizes.update()
    assert sizes.terms == 15 and sizes.move("sparse") == 60 and sizes.parameters("sparse") == 45
    assert sizes.move("hyper") == 4 * 8 + 8 * 3
    assert sizes.foreseen() == 20 * 8 * 4


def test_the_first_evaluation_and_the_smallest_budget_that_reach_the_goal():
    p = case().params
    step = np.array([0, 20, 40, 60])
    reached = np.zeros((5, 1, 3, 1))
    reached[1, 0, 1:], reached[3, 0, 2], reached[4, 0, 0] = 0.9, 0.9, 0.9
    along = np.zeros((3, 1, 3, 1, 4))
    along[0, ..., 2:], along[1, ..., 3] = 0.9, 0.9
    real, spent, least = forecast.to_goal(p, reached, along, step, 0.7)
    sizes, budgets = Sizes(p), p.simulate.budgets
    np.testing.assert_array_equal(real[:, 0, 0], [40, budgets[1], np.nan, budgets[2], budgets[0]])
    expected = [
        sizes.agent(40),
        sizes.fit("sparse", budgets[1]) + sizes.agent(60, 60),
        np.nan,
        sizes.fit("sparse", budgets[2]) + sizes.foreseen() * sizes.move("sparse"),
        sizes.fit("hyper", budgets[0]) + sizes.foreseen() * sizes.move("hyper"),
    ]
    np.testing.assert_array_equal(spent[:, 0, 0], expected)
    there = ~np.isnan(spent[:, 0, 0])
    np.testing.assert_array_equal(least[there, 0, 0], spent[there, 0, 0])
    assert least[2, 0, 0] == sizes.fit("filtered", budgets[-1]) + sizes.agent(
        p.train.learning.steps, sizes.move("filtered")
    )


def test_the_last_evaluations_of_a_training():
    step = np.arange(0, 1001, 100)
    assert step[forecast.late(step, 1000)].tolist() == [800, 900, 1000]
    assert step[forecast.late(step, 300)].tolist() == [300]
    assert step[forecast.late(step, 150)].tolist() == [100]


def test_the_agent_of_the_exact_law_is_the_one_of_the_real_task_at_its_end(data):
    some = case()
    found = forecast.forecast(case("forecast"), data, train.train(some, data))
    assert (np.ptp(found["reached"].sel(arm="exact_agent").values, axis=1) == 0).all()
    np.testing.assert_allclose(found["reached"].sel(arm="random"), 0)
    np.testing.assert_allclose(found["reached"].sel(arm="exact").mean("seed"), 1)
    assert found["area"].sel(agent="sac").values == pytest.approx(
        found["along"].sel(agent="sac").values[..., found["step"].values > found["step"].values[-1] / 2].mean(-1)
    )
    last = found["reached"].isel(budget=-1)
    np.testing.assert_allclose(last.sel(arm="sac"), last.sel(arm="exact_agent"))
    assert found["seconds"].attrs["role"] == "timing"


def test_who_stands_in_is_judged_in_the_other_s_place(data):
    some = case()
    trained = train.train(some, data)
    own, other = (forecast.forecast(case("forecast", name=name), data, trained) for name in ("main", "networks"))
    for variable, arm in (("reached", "arm"), ("area", "agent")):
        np.testing.assert_array_equal(other[variable].sel({arm: "sparse"}), own[variable].sel({arm: "filtered"}))
        np.testing.assert_array_equal(other[variable].sel({arm: "sac"}), own[variable].sel({arm: "sac"}))


def test_a_saturated_rate_is_the_pendulum_s():
    world = Pendulum()
    assert RATE_LIMIT == world.rate_limit
    after = observed(world).step(np.array([1.0, 0.0, 99.0]), np.array([0.0]))[0]
    assert after[2] == RATE_LIMIT


@pytest.mark.parametrize(
    "change, said",
    [
        ({"simulate": {"budgets": [300, 100]}}, "rise"),
        ({"simulate": {"worlds": {"third": {"gravity": 1, "length": 1, "mass": 1}}}}, "two pendulums"),
        ({"simulate": {"planner": {"elite": 99}}}, "elite"),
        ({"train": {"filter": {"updates": 4}}}, "none is kept"),
        ({"train": {"learning": {"steps": 41}}}, "warmup"),
    ],
)
def test_sizes_that_do_not_fit(change, said):
    with pytest.raises(UserError, match=said):
        check(Params, merge(case().params.model_dump(), change), "it")
