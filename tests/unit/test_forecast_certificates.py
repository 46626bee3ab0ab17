"""Known answers: energy, laws in other units, closed dictionaries, exact networks, perfect and idle claims."""

import numpy as np
import pytest
import torch

from pesin.config.load import merge
from pesin.errors import UserError
from pesin.models.sparse_regression import polynomial_library
from pesin.params import check
from project import case_of
from studies.forecast_certificates import learners
from studies.forecast_certificates.forecast import compare
from studies.forecast_certificates.params import Params
from studies.forecast_certificates.simulate import simulate
from studies.forecast_certificates.worlds import ENERGY, FAR, WORLDS, World, energy

STUDY = "forecast_certificates"


def case(**change):
    return case_of(STUDY, "main", "forecast", "smoke", **change)


def task_of(world, x):
    runs, _, dim = x.shape
    return learners.Task(world, x, np.zeros((runs, 1, dim)), np.ones((runs, 1, dim)))


def test_the_star_keeps_its_energy():
    orbits = WORLDS["henon_heiles"].orbits(np.random.default_rng(0), 5, 200)
    np.testing.assert_allclose(energy(orbits), ENERGY, atol=1e-9)


@pytest.mark.parametrize("name", WORLDS)
def test_a_law_in_other_units(name):
    world, rng = WORLDS[name], np.random.default_rng(1)
    x = world.draw(rng, 7)
    mean, unit = rng.normal(size=(2, 1, 1, x.shape[1])) + 3
    scaled = torch.as_tensor((x - mean) / unit)
    found = world.scaled_law(scaled, torch.as_tensor(mean), torch.as_tensor(unit))
    np.testing.assert_allclose(found.numpy() * unit, world.law(0, x)[None], rtol=1e-10)


def test_orbits_learnt_from_leave_their_twins():
    world = WORLDS["henon_heiles"]
    orbit = world.chaotic(np.random.default_rng(2), 4, 1600)
    twin = world._from(orbit[:, 0] + 1e-8, 1600)
    assert (np.linalg.norm(orbit - twin, axis=-1).max(-1) > FAR).all()


def test_units_are_common_where_coordinates_are_conjugate():
    orbits = np.random.default_rng(3).normal(size=(2, 500, 4)) * [1, 2, 3, 4]
    assert np.ptp(WORLDS["henon_heiles"].scale(orbits)[1], axis=-1).max() == 0
    assert np.ptp(WORLDS["lorenz"].scale(orbits)[1], axis=-1).min() > 1


TURN = np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])
LINEAR = World(lambda a, b: (-b, a), 0.3, 0.0, lambda rng, number: np.ones((number, 2)), False)


def test_koopman_of_a_rotation_is_exact_and_knows_it():
    """Monomials of a linear map are a closed dictionary; where only a part of it turns, the products don't fit."""
    x = np.stack([np.cos(0.3 * np.arange(60)), np.sin(0.3 * np.arange(60))], -1)
    points = np.random.default_rng(4).normal(size=(40, 2))
    now, then = polynomial_library(points, 2), polynomial_library(points @ TURN, 2)
    told = {"matrix": np.linalg.lstsq(now, then, rcond=None)[0][None]}
    settings, task = case(train={"koopman": {"degree": 2}}), task_of(LINEAR, x[None])
    path = learners.run_koopman(settings, task, told, x[None, None, :20], 30)
    np.testing.assert_allclose(path.state[0, 0], x[20:50], atol=1e-10)
    assert path.own.max() < 1e-10
    told["matrix"][:, 3:, 3:] = np.eye(3)
    assert learners.run_koopman(settings, task, told, x[None, None, :20], 5).own.min() > 0.1


def test_koopman_is_fitted_to_pairs():
    x = [np.array([1.0, -2.0])]
    for _ in range(8):
        x.append(x[-1] @ np.array([[0.5, 0.2], [0.0, 0.8]]))
    settings = case(train={"koopman": {"degree": 1, "share": 1.0}})
    weights = learners.fit_koopman(settings, "x", task_of(LINEAR, np.stack(x)[None]))
    np.testing.assert_allclose(weights["matrix"][0][1:, 1:], [[0.5, 0.2], [0.0, 0.8]], atol=1e-4)


def constant_network(dim, value, outputs):
    """One hidden layer of zeros and a constant."""
    return {
        "weight_0": np.zeros((1, dim, 3), np.float32),
        "bias_0": np.zeros((1, 1, 3), np.float32),
        "weight_1": np.zeros((1, 3, outputs), np.float32),
        "bias_1": np.full((1, 1, outputs), value, np.float32),
    }


def test_an_informed_network_that_is_right_says_so():
    """Where all rates are 2, x0 + 2 t has no residual; with rates 1 it has one of 1 at all times."""
    start = np.random.default_rng(6).normal(size=(1, 4, 1, 3))
    for rate, said in ((2.0, 0.0), (1.0, 0.1)):
        world = World(lambda *x, rate=rate: tuple(rate + 0 * one for one in x), 0.1, 0.0, lambda *_: start, False)
        path = learners.run_informed(case(), task_of(world, start[:, 0]), constant_network(4, 2.0, 3), start, 5)
        np.testing.assert_allclose(path.state[:, :, -1], start[:, :, -1] + 1.0, atol=1e-5)
        np.testing.assert_allclose(path.own[..., -1], 5 * said, atol=1e-5)


def test_energy_and_half_steps_of_fields_that_are_constant():
    start, world = np.random.default_rng(7).normal(size=(1, 3, 1, 4)), WORLDS["henon_heiles"]
    path = learners.run_ode(case(), task_of(world, start[:, 0]), constant_network(4, 0.4, 4), start, 3)
    np.testing.assert_allclose(path.state[:, :, -1], start[:, :, -1] + 3 * 0.25 * 0.4, atol=1e-5)
    assert path.own.max() < 1e-6
    flat = constant_network(4, 1.0, 1)
    del flat["bias_1"]
    path = learners.run_hamiltonian(case(), task_of(world, start[:, 0]), flat, start, 3)
    np.testing.assert_allclose(path.state[:, :, -1], start[:, :, -1], atol=1e-6)
    assert path.own.max() == 0


def test_perfect_claims_idle_claims_and_claims_too_large():
    rng = np.random.default_rng(8)
    true, counted = rng.uniform(1, 2, (2, 30, 3)), np.array([[True, True, False], [False, False, False]])
    rank, size, covered = compare(true, true, counted)
    np.testing.assert_allclose([rank[0], size[0], covered[0]], [1, 0, 1])
    assert np.isnan([rank[1], size[1], covered[1]]).all()
    rank, size, _ = compare(10 * true[:, ::-1], true, counted)
    assert abs(rank[0]) < 0.4
    np.testing.assert_allclose(size[0], 1, atol=0.1)
    assert compare(np.ones_like(true), true, counted)[0][0] == 0


def test_held_out_starts_are_marked_as_the_truth():
    data = simulate(case_of(STUDY, "main", "simulate", "smoke"))
    assert {data[name]["held_out"].attrs["role"] for name in WORLDS} == {"truth"}


@pytest.mark.parametrize(
    "change, said",
    [
        ({"forecast": {"leads": [1, 200]}}, "horizon"),
        ({"forecast": {"leads": [5, 2]}}, "leads"),
        ({"train": {"structured": {"window": 99}}}, "history"),
    ],
)
def test_sizes_that_do_not_fit(change, said):
    found = case()
    with pytest.raises(UserError, match=said):
        check(Params, merge(found.params.model_dump(), change), "it")
