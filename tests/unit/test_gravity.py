"""Gravity and the leapfrog: sums by definition, Kepler's orbit, order, reversibility, an independent integrator."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from pesin.integrate.symplectic import leapfrog
from pesin.systems.gravity import gravity


def bodies(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal((*shape, 3))


def test_the_sum_is_that_of_all_pairs_in_each_copy():
    x, sources, mass = bodies(2, 3, 7), bodies(2, 3, 5, seed=1), np.random.default_rng(2).random((2, 3, 5))
    acceleration, potential = gravity(x, sources, mass, 0.1)
    apart = sources[..., None, :, :] - x[..., :, None, :]
    inverse = 1 / np.sqrt((apart**2).sum(-1) + 0.01)
    assert_allclose(potential, -(mass[..., None, :] * inverse).sum(-1), rtol=1e-12)
    pulls = (mass[..., None, :] * inverse**3)[..., None] * apart
    assert_allclose(acceleration, pulls.sum(-2), rtol=0, atol=1e-12 * abs(pulls).sum(-2).max())


def test_no_unit_of_length_is_too_large_or_too_small():
    x, mass = bodies(5), np.ones(5)
    acceleration, potential = gravity(x, x, mass, 0.1)
    for unit in (1e-25, 1e25):
        scaled = gravity(unit * x, unit * x, mass, 0.1 * unit)
        assert_allclose(scaled[0] * unit**2, acceleration, rtol=1e-10)
        assert_allclose(scaled[1] * unit, potential, rtol=1e-12)


def test_acceleration_is_minus_the_gradient_and_momentum_is_kept():
    x, mass, h = bodies(6), np.arange(1.0, 7), 1e-6
    acceleration, potential = gravity(x, x, mass, 0.2)
    assert_allclose((mass[:, None] * acceleration).sum(0), 0, atol=1e-12)
    for axis in range(3):
        step = h * np.eye(3)[axis]
        up, down = (gravity((x[:1] + sign * step), x[1:], mass[1:], 0.2)[1][0] for sign in (1, -1))
        assert_allclose(acceleration[0, axis], -(up - down) / (2 * h), rtol=1e-6)
    assert_allclose(potential[0], gravity(x[:1], x[1:], mass[1:], 0.2)[1][0])  # the body itself is left out


def test_bodies_without_mass_change_no_bit_of_the_others():
    x, mass = bodies(2, 9), np.ones((2, 5))
    alone = gravity(x[:, :5], x[:, :5], mass, 0.05)
    among = gravity(x, x[:, :5], mass, 0.05)
    assert all((one == other[:, :5]).all() for one, other in zip(alone, among, strict=True))


def test_a_tracer_follows_keplers_ellipse():
    """From the farthest point at 1 + e, after a period of 2 pi (a = 1) and after half of it at 1 - e."""
    e = 0.5
    x, v = np.array([[1 + e, 0, 0]]), np.array([[0, np.sqrt((1 - e) / (1 + e)), 0]])
    still, mass = np.zeros((1, 3)), np.ones(1)
    steps = 20000
    path, _ = leapfrog(lambda x: gravity(x, still, mass, 1e-6)[0], x, v, 2 * np.pi / steps, steps, steps // 2)
    assert_allclose(path[:, 0], [[1 + e, 0, 0], [e - 1, 0, 0], [1 + e, 0, 0]], atol=1e-5)


def test_the_leapfrog_is_of_order_two_reversible_and_leaves_its_arguments():
    x, v, mass = bodies(4), 0.3 * bodies(4, seed=1), np.full(4, 0.25)

    def pull(x):
        return gravity(x, x, mass, 0.5)[0]

    def field(t, y):
        x, v = y.reshape(2, 4, 3)
        return np.concatenate([v, pull(x)]).ravel()

    before = x.copy()
    peer = solve_ivp(field, (0, 2), np.concatenate([x, v]).ravel(), rtol=1e-11, atol=1e-12).y[:, -1].reshape(2, 4, 3)
    errors = [np.abs(leapfrog(pull, x, v, 2 / steps, steps, steps)[0][-1] - peer[0]).max() for steps in (50, 100)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)
    there = leapfrog(pull, x, v, 0.05, 40)
    back = leapfrog(pull, there[0][-1], there[1][-1], -0.05, 40)
    assert_allclose(back[0][-1], x, atol=1e-12)
    assert (x == before).all()


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"x": np.zeros((4, 2))}, "shapes"),
        ({"sources": np.zeros((2, 4, 3))}, "shapes"),
        ({"mass": -np.ones(4)}, "mass"),
        ({"mass": np.ones(3)}, "mass"),
        ({"softening": 0.0}, "softening"),
        ({"x": np.full((4, 3), np.nan)}, "x"),
    ],
)
def test_what_has_no_meaning_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        gravity(**{"x": np.zeros((4, 3)), "sources": np.zeros((4, 3)), "mass": np.ones(4), "softening": 0.1} | wrong)


def test_steps_that_are_no_multiple_are_refused():
    for steps, every in ((3, 2), (0, 1), (2, 0)):
        with pytest.raises(ValueError, match="steps"):
            leapfrog(np.negative, np.ones(3), np.ones(3), 0.1, steps, every)
    with pytest.raises(ValueError, match="shape"):
        leapfrog(np.negative, np.ones(3), np.ones(2), 0.1, 1)
