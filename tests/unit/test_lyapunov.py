"""Lyapunov spectra with known values, and the Kaplan-Yorke dimension."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pesin.integrate.lyapunov import (
    jacobian_by_differences,
    kaplan_yorke_dimension,
    lyapunov_spectrum,
    map_orbit_jacobians,
)
from pesin.integrate.ode import rk4, rk4_step
from pesin.systems.flows import lorenz63, lorenz96


def flow_spectrum(rhs, start, dt, steps, transient, every=1):
    orbit = rk4(rhs, start, dt, transient + steps)[transient:]

    def advance(x):
        return rk4_step(rhs, 0.0, x, dt)

    return lyapunov_spectrum(jacobian_by_differences(advance, orbit), dt, skip=steps // 10)


def test_henon_exponents_and_exact_sum():
    x, y = 0.1, 0.1
    jacobians = []
    for _ in range(20_000):
        jacobians.append([[-2.8 * x, 1.0], [0.3, 0.0]])
        x, y = 1 - 1.4 * x * x + y, 0.3 * x
    exponents = lyapunov_spectrum(np.array(jacobians), skip=100)
    assert exponents[0] == pytest.approx(0.4192, abs=0.006)
    assert exponents.sum() == pytest.approx(np.log(0.3), abs=1e-12)


def test_cat_map_is_exact_and_batched():
    J = np.broadcast_to(np.array([[2.0, 1.0], [1.0, 1.0]]), (500, 3, 2, 2))
    top = np.log((3 + np.sqrt(5)) / 2)
    np.testing.assert_allclose(lyapunov_spectrum(J, dt=0.5, skip=20), np.tile([2 * top, -2 * top], (3, 1)), atol=1e-9)


def test_lorenz63_spectrum():
    exponents = flow_spectrum(lorenz63, [1.0, 1.0, 25.0], 0.01, 60_000, 2000)
    np.testing.assert_allclose(exponents, [0.9056, 0.0, -14.5723], atol=0.02)
    assert exponents.sum() == pytest.approx(-(10 + 1 + 8 / 3), abs=1e-3)
    assert kaplan_yorke_dimension(exponents) == pytest.approx(2.062, abs=0.003)


def test_lorenz96_twenty_sites():
    start = 8 + np.random.default_rng(0).standard_normal(20)
    exponents = flow_spectrum(partial(lorenz96, forcing=16.0), start, 0.01, 6000, 2000)
    assert exponents.sum() == pytest.approx(-20, abs=0.02)
    assert exponents[0] == pytest.approx(3.7, rel=0.08)
    assert exponents[exponents > 0].sum() == pytest.approx(12.8, rel=0.05)


def test_what_is_not_finite_is_nan_and_singular_is_minus_infinity():
    J = np.tile(np.eye(2), (10, 3, 1, 1))
    J[4, 1] = np.nan
    J[:, 2] = np.diag([0.5, 0.0])
    exponents = lyapunov_spectrum(J)
    np.testing.assert_allclose(exponents[0], 0, atol=1e-15)
    assert np.isnan(exponents[1]).all()
    assert exponents[2, 0] == pytest.approx(np.log(0.5)) and exponents[2, 1] == -np.inf
    with pytest.raises(ValueError, match="skipping 10"):
        lyapunov_spectrum(J, skip=10)


def test_jacobians_come_chunk_by_chunk_in_order_of_time():
    orbit = np.arange(24.0).reshape(2, 4, 3)
    got = np.array(list(map_orbit_jacobians(lambda s: s[..., None] * np.ones(3), orbit, chunk=3)))
    np.testing.assert_array_equal(got[:, 1, :, 0], orbit[1])


def test_differences_are_the_jacobian():
    def advance(x):
        return np.stack([x[..., 0] * x[..., 1], np.sin(x[..., 0])], -1)

    x = np.array([[0.3, 2.0], [1.0, -1.0]])
    exact = np.array([[[b, a], [np.cos(a), 0.0]] for a, b in x])
    np.testing.assert_allclose(jacobian_by_differences(advance, x), exact, atol=1e-9)


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [([0.5, 0.0, -1.0], 2.5), ([-0.1, -1.0], 0.0), ([1.0, 0.5], 2.0), ([-1.0, 0.5, 0.0], 2.5), ([0.0, -1.0], 1.0)],
)
def test_kaplan_yorke_known(exponents, dimension):
    assert kaplan_yorke_dimension(exponents) == pytest.approx(dimension)


def test_kaplan_yorke_of_nan_is_nan():
    assert np.isnan(kaplan_yorke_dimension([0.5, np.nan]))


@given(hnp.arrays(float, (4, 5), elements=st.floats(-5, 5)))
def test_kaplan_yorke_lies_between_zero_and_dim(exponents):
    dimension = kaplan_yorke_dimension(exponents)
    assert ((dimension >= 0) & (dimension <= 5)).all()
    assert (dimension >= (exponents >= 0).sum(-1) - 1e-12).all()
