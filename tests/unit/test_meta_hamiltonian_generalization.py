"""Known answers: the systems and their orbits, a field without divergence, meta-training, similarity, exponents."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy.special import ellipk

from pesin.errors import UserError
from pesin.integrate.steppers import follow, last
from pesin.models.mlp import repeat_runs
from pesin.params import check
from project import case_of, plan
from stopping import assert_goes_on
from studies.meta_hamiltonian_generalization import adaptation, network, systems
from studies.meta_hamiltonian_generalization import entropy as entropies
from studies.meta_hamiltonian_generalization import forecast as forecasts
from studies.meta_hamiltonian_generalization.params import Params
from studies.meta_hamiltonian_generalization.simulate import simulate
from studies.meta_hamiltonian_generalization.train import members, query_loss, taught, train

STUDY = "meta_hamiltonian_generalization"
SYSTEMS = systems.SYSTEMS


def case(step, name="systems", scale="smoke", **change):
    return case_of(STUDY, name, step, scale, **change)


@cache
def trained():
    """Data and networks of the smoke scale."""
    data = simulate(case("simulate"))
    return data, train(case("train"), data)


def drawn_network(runs, bodies=2, hidden=6, seed=0):
    drawn = network.init_network(runs, hidden, torch.Generator().manual_seed(seed))
    return {k: v.detach().double() for k, v in drawn.items()}


def orbit(name, start, until, steps=400, a=1.0, b=1.0):
    system = SYSTEMS[name]
    times = np.linspace(0, until, steps + 1)
    return last(follow(lambda x, _: systems.field(system, x, a, b), np.asarray(start, float), times))


# ------------------------------------------------------------------------------------------------------------- systems


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_field_is_the_symplectic_gradient_of_the_energy(name):
    system, rng = SYSTEMS[name], np.random.default_rng(0)
    x = systems.points(system, rng, (5,))
    slope, step = np.zeros_like(x), 1e-6
    for place in np.ndindex(x.shape[1:]):
        shift = np.zeros(x.shape[1:])
        shift[place] = step
        ahead, behind = (systems.energy(system, x + sign * shift, 1.3, 0.7) for sign in (1, -1))
        slope[(slice(None), *place)] = (ahead - behind) / (2 * step)
    found = systems.field(system, x, 1.3, 0.7)
    np.testing.assert_allclose(found, np.concatenate([slope[..., 2:], -slope[..., :2]], -1), atol=1e-7)


def test_periods_of_spring_and_pendulum():
    a, b = 1.7, 0.6
    start = [[0.5, -0.3, 0.2, 0.1]]
    period = 2 * np.pi / (a * b) ** 0.5
    np.testing.assert_allclose(orbit("mass_spring", start, period, a=a, b=b), start, atol=1e-7)
    full = 4 * ellipk(np.sin(np.pi / 4) ** 2)
    assert full == pytest.approx(7.4163, abs=1e-4)
    released = [[np.pi / 2, 0, 0, 0]]
    np.testing.assert_allclose(orbit("pendulum", released, full), released, atol=1e-6)
    np.testing.assert_allclose(orbit("pendulum", released, full / (a * b) ** 0.5, a=a, b=b), released, atol=1e-6)


def test_henon_heiles_has_its_saddle_and_threefold_symmetry():
    system = SYSTEMS["henon_heiles"]
    saddle = np.array([[0, 1.0, 0, 0]])
    assert systems.energy(system, saddle) == pytest.approx(1 / 6)
    np.testing.assert_allclose(systems.field(system, saddle), 0, atol=1e-15)
    turn = np.array([[-0.5, -(3**0.5) / 2], [3**0.5 / 2, -0.5]])
    x = systems.points(system, np.random.default_rng(1), (20,))
    turned = np.concatenate([x[..., :2] @ turn.T, x[..., 2:] @ turn.T], -1)
    np.testing.assert_allclose(systems.energy(system, turned), systems.energy(system, x), atol=1e-14)


@pytest.mark.parametrize("name", ["two_body", "three_body"])
def test_bodies_keep_their_momenta_and_circle_at_the_known_speed(name):
    system, rng = SYSTEMS[name], np.random.default_rng(2)
    a, b = np.full(4, 1.3), np.full(4, 0.8)
    start = systems.orbits(name, rng, a, b, 3)
    end = orbit(name, start, 3.0, 3000, a[:, None], b[:, None])

    def kept(x):
        turning = (x[..., 0] * x[..., 3] - x[..., 1] * x[..., 2]).sum(-1)
        return np.stack([*np.moveaxis(x[..., 2:].sum(-2), -1, 0), turning, systems.energy(system, x, 1.3, 0.8)])

    np.testing.assert_allclose(kept(end), kept(start), atol=1e-6)
    if name == "two_body":
        r = 1.1  # omega^2 = 2 a b / r^3: back after one turn
        speed = (2 / r**3) ** 0.5 * r / 2
        circle = [[r / 2, 0, 0, speed], [-r / 2, 0, 0, -speed]]
        np.testing.assert_allclose(orbit(name, circle, 2 * np.pi / (2 / r**3) ** 0.5, 2000), circle, atol=1e-6)


def test_points_stay_in_their_box_and_apart_and_orbits_bound():
    rng = np.random.default_rng(3)
    x = systems.points(SYSTEMS["three_body"], rng, (200,))
    assert abs(x).max() <= 1 and not systems._too_near(x).any()
    a, b = rng.uniform(0.4, 2, (2, 30))
    start = systems.orbits("henon_heiles", rng, a, b, 5)
    assert (systems.energy(SYSTEMS["henon_heiles"], start, a[:, None], b[:, None]) < b[:, None] / 6).all()


# ------------------------------------------------------------------------------------------------------------- network


@pytest.mark.parametrize("bodies", [1, 2, 3])
def test_the_network_s_field_is_that_of_its_scalar_and_has_no_divergence(bodies):
    own = drawn_network(2)
    x = torch.randn(2, 3, bodies, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    (slope,) = torch.autograd.grad(network.hamiltonian(own, x).sum(), x)
    found = network.field(own, x)
    torch.testing.assert_close(found, torch.cat([slope[..., 2:], -slope[..., :2]], -1))
    flat = x.detach()[:1, :1]
    one = {name: value[:1] for name, value in own.items()}
    jacobian = torch.autograd.functional.jacobian(lambda y: network.field(one, y).flatten(), flat)
    trace = jacobian.reshape(4 * bodies, 4 * bodies).trace()
    assert abs(float(trace)) < 1e-5 and float(jacobian.abs().max()) > 1e-3


def test_bodies_may_change_places():
    own, x = drawn_network(1), torch.randn(1, 5, 3, 4, dtype=torch.float64)
    order = [2, 0, 1]
    torch.testing.assert_close(network.hamiltonian(own, x), network.hamiltonian(own, x[:, :, order]))
    torch.testing.assert_close(network.field(own, x)[:, :, order], network.field(own, x[:, :, order]))


def test_adapting_is_gradient_descent_task_by_task():
    own = {k: v.requires_grad_() for k, v in drawn_network(2).items()}
    state, rate = torch.randn(2, 2, 7, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    before, after = network.adapted(own, state, rate, 0.05, [0, 3])
    torch.testing.assert_close(before["head"], own["head"].detach())
    moved = {k: v.detach().clone() for k, v in own.items()}
    for _ in range(3):
        leaf = {k: v.requires_grad_() for k, v in moved.items()}
        slopes = torch.autograd.grad(network.loss(leaf, state, rate)[1], list(leaf.values()))
        moved = {k: (v - 0.05 * g).detach() for (k, v), g in zip(leaf.items(), slopes, strict=True)}
    for name, value in after.items():
        torch.testing.assert_close(value[1], moved[name][1])
        assert not torch.equal(value[0], moved[name][0])  # its own task's, not the other's


def test_a_mass_on_a_spring_is_fitted_better_with_every_step():
    system = SYSTEMS["mass_spring"]
    x = systems.points(system, np.random.default_rng(4), (1, 40))
    state, rate = (torch.as_tensor(y, dtype=torch.float32) for y in (x, systems.field(system, x)))
    own = network.init_network(1, 16, torch.Generator().manual_seed(0))
    found = [
        float(network.loss(end, state, rate).detach()) for end in network.adapted(own, state, rate, 0.1, [0, 50, 300])
    ]
    assert found[0] > found[1] > found[2]


# ------------------------------------------------------------------------------------------------------------ training


def test_each_system_is_held_out_of_its_own_network():
    params = case("train").params
    others, alone = taught(params)
    names = params.simulate.systems
    assert all(held not in part and len(part) == len(names) - 1 for held, part in enumerate(others[0]))
    assert alone[0] == [[k] for k in range(len(names))] and alone[1][-1] == [] == others[1][-1]
    rows = members(names, others)
    assert [group.bodies for group in rows] == [1, 2]
    assert len(rows[0].network) == 4 * 3 + 4 + 4 * 3 and len(rows[1].network) == 4
    assert set(rows[1].network.tolist()) == {0, 1, 2, 3} and set(rows[1].constants.tolist()) == {0}


def test_the_gradient_of_the_meta_loss_is_of_second_order():
    """Against differences of the whole inner loop; without the second order it is another number."""
    params = case("train", train={"inner_steps": 2}).params
    own = {k: v.requires_grad_() for k, v in network.used(drawn_network(1, hidden=4), 1).items()}
    sets = torch.randn(2, 2, 1, 6, 1, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(5))

    def value(inner, params=params):
        return query_loss(params, inner, tuple(sets[0]), tuple(sets[1])).sum()

    (slope,) = torch.autograd.grad(value(own), own["head"])
    step = torch.zeros_like(own["head"])
    step[0, 1, 0] = 1e-5
    moved = [{**own, "head": (own["head"] + sign * step).detach().requires_grad_()} for sign in (1, -1)]
    difference = (value(moved[0]) - value(moved[1])) / 2e-5
    assert float(slope[0, 1, 0]) == pytest.approx(float(difference), rel=1e-5)
    first = case("train", train={"inner_steps": 2, "second_order": False}).params
    (other,) = torch.autograd.grad(value(own, first), own["head"])
    assert abs(float(other[0, 1, 0] / slope[0, 1, 0]) - 1) > 1e-3


def test_without_an_inner_rate_meta_training_is_pooled_training():
    params = case("train", "inner_rate_0").params
    own = {k: v.requires_grad_() for k, v in network.used(drawn_network(1), 1).items()}
    sets = torch.randn(2, 2, 1, 6, 1, 4, dtype=torch.float64)
    torch.testing.assert_close(query_loss(params, own, tuple(sets[0]), tuple(sets[1])), network.loss(own, *sets[1]))


def test_the_control_trains_the_pooled_network_twice():
    """With equal updates and no inner step the two trainings see the same points in the same order."""
    data, _ = trained()
    tree = train(replace(case("train", "inner_rate_0", train={"outer_steps": 4}), streams="systems"), data)
    for name in ("head", "edge_weight_0"):
        np.testing.assert_allclose(tree["meta"][name], tree["pretrained"][name], atol=1e-5)
        assert (tree["meta"][name].values[0] != tree["start"][name].values[0]).any()


def test_networks_without_systems_stay_and_the_others_move():
    _, tree = trained()
    start, end = tree["start"]["head"].values[0], tree["meta"]["head"].values
    names = case("train").params.simulate.systems
    moved = [not np.array_equal(one, start) for one in end]
    assert moved == [True] * len(names) + [True] * (len(names) - 1) + [False]
    assert np.isfinite(tree["meta_loss"].values).all()


def test_a_stopped_training_goes_on(tmp_path, monkeypatch):
    data, _ = trained()
    few = case("train", train={"outer_steps": 3, "inner_steps": 1})
    assert_goes_on(lambda given: train(given, data), few, tmp_path, monkeypatch, 5)


# -------------------------------------------------------------------------------------------------- errors, similarity


def test_scores_of_exact_answers_and_of_the_null():
    data, tree = trained()
    assert forecasts.capped(np.array([0.5, np.nan, np.inf, 99.0]), 10.0).tolist() == [0.5, 10, 10, 10]
    null = forecasts.forecast(replace(case("forecast", "untrained"), streams="systems"), data, tree)
    error = null["log_error"].sel(constants="varied")
    np.testing.assert_array_equal(error.sel(arm="meta"), error.sel(arm="scratch"))
    np.testing.assert_array_equal(null["foreign_to_own"].shape, (2, 4))
    same = case("forecast", "scrambled_targets").params.forecast
    assert same.asked == same.taught and same.targets == "scrambled"


def test_a_fitted_spring_is_exact_on_a_spring_and_off_by_the_cubic_terms_of_henon_heiles():
    """At a = b = 1 the cubic part of the force has the mean square 4 s^4 / 9 + 2 s^4 (1/5 - 1/9), s the reach."""

    def of(name, a, b):
        x = systems.points(SYSTEMS[name], np.random.default_rng(8), (2, 40000))
        return tuple(torch.as_tensor(y) for y in (x, systems.field(SYSTEMS[name], x, a, b)))

    np.testing.assert_allclose(forecasts.spring_error(*[of("mass_spring", 0.7, 1.9)] * 2), 0, atol=1e-20)
    reach = SYSTEMS["henon_heiles"].reach
    cubic = 4 * reach**4 / 9 + 2 * reach**4 * (1 / 5 - 1 / 9)
    expected = cubic / (4 * reach**2 / 3 + cubic)
    found = forecasts.spring_error(*[of("henon_heiles", 1.0, 1.0)] * 2)
    np.testing.assert_allclose(found, expected, rtol=0.02)


def test_fits_in_one_call_are_those_one_by_one():
    data, tree = trained()
    given, groups = case("forecast"), {"meta": "meta", "scratch": "start"}
    fits = [(0, 0, 0), (0, 1, 4), (0, 4, 2)]
    together = adaptation.fitted(given, data, tree, groups, fits, 10, 0.1, [0, 3], scrambled=True)
    for fit in fits:
        (alone,) = adaptation.fitted(given, data, tree, groups, [fit], 10, 0.1, [3], scrambled=True)[fit]
        for name, value in alone.items():
            torch.testing.assert_close(together[fit][1][name], value)
    own = adaptation.fitted(given, data, tree, groups, fits[:1], 10, 0.1, [3])[fits[0]][0]
    assert not torch.equal(own["head"], together[fits[0]][1]["head"])


def test_untrained_representations_are_as_alike_as_those_from_scratch():
    data, tree = trained()
    null = entropies.entropy(replace(case("entropy", "untrained"), streams="systems"), data, tree)
    assert not null["more_alike"].any()
    assert (null["similarity"] <= 1 + 1e-9).all() and (null["effective_dimension"] >= 1).all()


def test_exponents_of_a_regular_flow_vanish_and_all_four_sum_to_zero():
    params = case("entropy", entropy={"intervals": 20, "interval": 2.0, "substeps": 40}).params.entropy
    spring = entropies.spectrum(
        lambda x: systems.field(SYSTEMS["mass_spring"], x[..., None, :])[..., 0, :],
        np.array([[0.3, 0.1, 0.2, 0]]),
        params,
    )
    np.testing.assert_allclose(spring, 0, atol=1e-4)
    start = entropies.at_energy(np.random.default_rng(6), 0.125, 5)
    system = SYSTEMS["henon_heiles"]
    np.testing.assert_allclose(systems.energy(system, start[:, None]), 0.125)
    found = entropies.spectrum(lambda x: systems.field(system, x[..., None, :])[..., 0, :], start, params)
    np.testing.assert_allclose(found.sum(-1), 0, atol=1e-6)  # volume is kept at any time, pairs only in the limit
    np.testing.assert_allclose(found + found[:, ::-1], 0, atol=2 / 40)
    assert (found[:, 0] > 0.005).all()  # at t = 40 every orbit still stretches, as ln t / t


# ----------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"simulate": {"low": 3}}, "above high"),
        ({"simulate": {"unit": ["mass_spring", "three_body"]}}, "some of simulate.systems"),
        ({"simulate": {"points": 7}}, "multiple of 2"),
        ({"forecast": {"asked": "two_body"}}, "two_body is not among simulate.unit"),
        ({"forecast": {"adapt": {"at": [0, 5], "rate": 0.1, "points": 26}}}, "no more points than simulate.support"),
        ({"entropy": {"adapt": {"at": [5, 0], "rate": 0.1, "points": 25}}}, "begin with 0"),
        ({"entropy": {"adapt": {"at": [0, 5], "rate": 0.2, "points": 25}}}, "must be that of forecast.adapt"),
        ({"entropy": {"draws": 99}}, "no more than simulate.draws"),
    ],
)
def test_settings_that_can_not_be_are_refused_with_their_key(change, said):
    given = plan("smoke", (STUDY,)).study(STUDY).cases["systems"].params
    merged = {section: values | change.get(section, {}) for section, values in given.items()}
    with pytest.raises(UserError, match=said) as refused:
        check(Params, merged, f"config/studies/{STUDY}.yaml")
    assert f"config/studies/{STUDY}.yaml" in str(refused.value)


def test_replicates_draw_other_tasks():
    one, other = (simulate(replace(case("simulate"), replicate=r))["train_state"].values for r in (0, 1))
    assert (one != other).any() and len(repeat_runs(drawn_network(1), 2)["head"]) == 2
