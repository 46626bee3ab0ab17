"""Complex-step tangents: exact on linear flows, right on Lorenz, able to tell chaos from order in Henon-Heiles."""

import numpy as np
import pytest

from pesin.integrate.ode import rk4
from pesin.integrate.symplectic import yoshida4
from pesin.integrate.variational import finite_time_exponent, follow_tangents
from pesin.systems.flows import lorenz63
from pesin.systems.potentials import henon_heiles_acceleration


def test_linear_flow():
    def decay(t, x):
        return x * np.array([0.3, -1.0])

    start, deviations = np.ones((4, 2)), np.broadcast_to(np.eye(2), (4, 2, 2))
    tangents = follow_tangents(lambda z, _: rk4(decay, z, 0.01, 100), start, deviations, 5)
    assert tangents.path.shape == (4, 501, 2) and tangents.growth.shape == (4, 2, 5) and tangents.sali.shape == (4, 5)
    np.testing.assert_allclose(finite_time_exponent(tangents.growth, 1.0), [[0.3, -1.0]] * 4, atol=1e-9)
    np.testing.assert_allclose(tangents.sali, np.sqrt(2))
    np.testing.assert_allclose(tangents.path, rk4(decay, start, 0.01, 500), rtol=1e-12)


def test_tangent_is_the_difference_of_neighbours():
    start, step = np.array([1.0, 2.0, 20.0]), np.array([0.3, -0.5, 0.2])
    tangents = follow_tangents(lambda z, _: rk4(lorenz63, z, 0.01, 50), start, step[None], 1)
    ends = [rk4(lorenz63, start + sign * 1e-6 * step / np.linalg.norm(step), 0.01, 50)[-1] for sign in (1, -1)]
    assert tangents.growth[0, 0] == pytest.approx(np.log(np.linalg.norm(ends[0] - ends[1]) / 2e-6), abs=1e-6)


def test_lorenz_exponent():
    start = rk4(lorenz63, np.random.default_rng(0).normal(size=(16, 3)) + [0, 0, 25], 0.01, 2000)[:, -1]
    deviations = np.random.default_rng(1).normal(size=(16, 1, 3))
    tangents = follow_tangents(lambda z, _: rk4(lorenz63, z, 0.01, 50, 50), start, deviations, 200)
    assert finite_time_exponent(tangents.growth[:, 0], 0.5).mean() == pytest.approx(0.906, abs=0.03)


def test_chaos_and_order_in_henon_heiles():
    # E = 1/12, regular; E = 1/6, in the chaotic sea.
    speed = np.sqrt(2 * np.array([1 / 12, 1 / 6]) - 0.1**2 + 2 * 0.1**3 / 3)
    start = np.stack([np.zeros(2), np.full(2, 0.1), 0.6 * speed, 0.8 * speed], -1)
    deviations = np.random.default_rng(2).normal(size=(2, 2, 4))
    tangents = follow_tangents(lambda z, _: yoshida4(henon_heiles_acceleration, z, 0.1, 60, 60), start, deviations, 100)
    growth = tangents.growth[:, 0].sum(-1)
    assert growth[0] < 8 < 30 < growth[1]
    assert tangents.sali[1, -1] < 1e-8 < 1e-4 < tangents.sali[0, -1]


def test_a_member_that_blows_up_is_nan_alone():
    start = np.array([[5.0], [-1.0]])
    tangents = follow_tangents(lambda z, _: rk4(lambda t, x: x**2, z, 0.01, 50), start, np.ones((2, 1, 1)), 4)
    assert np.isnan(tangents.growth[0, 0, -1])
    assert tangents.growth[1, 0].sum() == pytest.approx(-2 * np.log(3), abs=1e-6)
