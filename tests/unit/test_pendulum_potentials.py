"""Pendulum and potentials: forces are gradients, energies are conserved, symplectic steps are of order four."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pesin.integrate.ode import solve, solve_together
from pesin.integrate.symplectic import yoshida4
from pesin.systems.pendulum import (
    bob_positions,
    double_pendulum,
    energy,
    linear_double_pendulum,
    linear_energy,
)
from pesin.systems.potentials import (
    henon_heiles,
    henon_heiles_acceleration,
    isochrone,
    isochrone_acceleration,
    logarithmic,
    logarithmic_acceleration,
)

FIELDS = {
    "isochrone": (isochrone, isochrone_acceleration, (), 3),
    "logarithmic": (logarithmic, logarithmic_acceleration, ((1, 0.9, 0.7),), 3),
    "bar": (logarithmic, logarithmic_acceleration, ((1, 0.8),), 2),
    "henon_heiles": (henon_heiles, henon_heiles_acceleration, (), 2),
}


@pytest.mark.parametrize("name", FIELDS)
def test_acceleration_is_minus_the_gradient(name):
    potential, acceleration, args, dim = FIELDS[name]
    x = np.random.default_rng(0).normal(size=(5, dim))
    for i in range(dim):
        step = 1j * 1e-30 * np.eye(dim)[i]
        np.testing.assert_allclose(acceleration(x, *args)[:, i], -potential(x + step, *args).imag / 1e-30, rtol=1e-12)


def test_known_potentials():
    assert isochrone(np.zeros(3)) == pytest.approx(-0.5)
    # The circular speed of the logarithmic potential tends to v0.
    assert logarithmic_acceleration(np.array([100.0, 0]), (1, 1))[0] * 100 == pytest.approx(-1, abs=1e-5)
    saddle = np.array([0, 1.0])
    assert henon_heiles(saddle) == pytest.approx(1 / 6)
    np.testing.assert_allclose(henon_heiles_acceleration(saddle), 0, atol=1e-15)


def test_yoshida_is_of_order_four_and_reversible():
    start = np.array([[0.1, 0.2, 0.3, -0.1]])
    exact = yoshida4(henon_heiles_acceleration, start, 0.001, 10_000, 10_000)[:, -1]
    errors = [
        np.abs(yoshida4(henon_heiles_acceleration, start, dt, round(10 / dt), round(10 / dt))[:, -1] - exact).max()
        for dt in (0.2, 0.1)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.3)
    there = yoshida4(henon_heiles_acceleration, start, 0.1, 100)[:, -1] * [1, 1, -1, -1]
    back = yoshida4(henon_heiles_acceleration, there, 0.1, 100)[:, -1] * [1, 1, -1, -1]
    np.testing.assert_allclose(back, start, atol=1e-12)


def test_yoshida_energy_does_not_drift():
    path = yoshida4(henon_heiles_acceleration, np.array([0.0, 0.1, 0.3, 0.2]), 0.1, 20_000, 10)
    fixed = henon_heiles(path[:, :2]) + (path[:, 2:] ** 2).sum(-1) / 2
    error = np.abs(fixed / fixed[0] - 1)
    assert error.max() < 1e-4
    assert error[-500:].max() < 1.5 * error[:500].max()


def test_rotating_frame_agrees_with_dop853():
    omega, axes = 0.5, (1, 0.8)

    def rotating(t, y):
        x, p = y[..., :2], y[..., 2:]
        turn = omega * np.stack([x[..., 1], -x[..., 0]], -1), omega * np.stack([p[..., 1], -p[..., 0]], -1)
        return np.concatenate([p + turn[0], logarithmic_acceleration(x, axes) + turn[1]], -1)

    start = np.array([0.8, 0.1, 0.2, 0.7])
    there = solve(rotating, start, np.linspace(0, 10, 11))
    path = yoshida4(logarithmic_acceleration, start, 0.002, 5000, 500, omega, (axes,))
    np.testing.assert_allclose(path, there, atol=1e-6)
    jacobi = (path[:, 2:] ** 2).sum(-1) / 2 + logarithmic(path[:, :2], axes)
    jacobi -= omega * (path[:, 0] * path[:, 3] - path[:, 1] * path[:, 2])
    np.testing.assert_allclose(jacobi, jacobi[0], atol=1e-7)
    with pytest.raises(ValueError, match="multiple"):
        yoshida4(logarithmic_acceleration, start, 0.1, 10, 3, args=(axes,))


@given(st.floats(-2.5, 2.5), st.floats(-2.5, 2.5), st.floats(-3, 3), st.floats(-3, 3))
def test_pendulum_conserves_its_energy(theta1, theta2, rate1, rate2):
    """dE/dt = 0 along the flow, at any state and for unequal rods and masses."""
    y, body = np.array([theta1, theta2, rate1, rate2]), dict(l1=1.2, l2=0.7, m1=0.9, m2=1.6)
    for flow, conserved in ((double_pendulum, energy), (linear_double_pendulum, linear_energy)):
        along = conserved(y + 1j * 1e-30 * flow(0, y, **body), **body).imag / 1e-30
        assert along == pytest.approx(0, abs=1e-10)


def test_linear_pendulum_is_the_small_angle_limit():
    y = 1e-4 * np.random.default_rng(0).normal(size=(6, 4))
    np.testing.assert_allclose(double_pendulum(0, y), linear_double_pendulum(0, y), atol=1e-10)


@pytest.mark.parametrize("sign", [1, -1])
def test_normal_modes(sign):
    """theta2 = +-sqrt 2 theta1 swings with omega^2 = g (2 -+ sqrt 2) for equal rods and masses of 1."""
    start = np.array([0.001, sign * np.sqrt(2) * 0.001, 0, 0])
    time = np.linspace(0, 5, 50)
    path = solve_together(double_pendulum, start, time)
    omega = np.sqrt(9.80665 * (2 - sign * np.sqrt(2)))
    np.testing.assert_allclose(path[:, 0], 0.001 * np.cos(omega * time), atol=1e-7)


def test_bobs():
    hanging, up = np.zeros(4), np.array([np.pi, np.pi, 0, 0])
    np.testing.assert_allclose(bob_positions(hanging), [0, -1, 0, -2])
    np.testing.assert_allclose(bob_positions(up), [0, 1, 0, 2], atol=1e-15)
    assert energy(up) - energy(hanging) == pytest.approx(6 * 9.80665)
