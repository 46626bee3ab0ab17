"""Fields that depend on time, with known answers: whatever integrates in pieces carries the clock from one to the next.

The field pulls to sin t at a rate of 1 - 2 cos t, which changes sign: its orbit is sin t, its exponent the mean rate,
-1. A clock that starts anew with each piece sees the rate at its start alone.
"""

import numpy as np
import pytest

from pesin.integrate import taylor
from pesin.integrate.delay import DelayLine, solve_delay
from pesin.integrate.ode import rk4, solve, solve_together
from pesin.integrate.spectrum import lyapunov
from pesin.integrate.steppers import follow
from pesin.integrate.system import System
from pesin.integrate.trajectories import integrate
from pesin.integrate.variational import follow_tangents
from pesin.systems import zoo
from pesin.systems.sampling import series, with_period
from studies.dysts_chaos_benchmark.reintegration.simulate import _in_pieces

PERIOD = 2 * np.pi
ENGINES = ["lsoda", "dop853", *(["heyoka"] if taylor.HERE else [])]


def pulled(t, x):
    return [(2 * np.cos(t) - 1) * (x[0] - np.sin(t)) + np.cos(t)]


def flow(components, x0=(0.0,), name="pulled", **more) -> System:
    start = np.array(x0, float)
    return System(name, "flow", start.size, PERIOD, start, {}, components, driven=True, **more)


def double_well(size):
    """Duffing's double well, driven; `size` takes the modulus, which heyoka can't trace if it is NumPy's."""

    def components(t, x):
        return [x[1], -0.2 * x[1] + x[0] - size(x[0]) ** 2 * x[0] + 0.3 * np.cos(t)]

    return System("double well", "flow", 2, PERIOD, np.array([0.5, 0.1]), {}, components, driven=True)


@pytest.mark.parametrize("engine", ["copies", *(["taylor"] if taylor.HERE else [])])
def test_the_exponent_is_the_mean_rate(engine):
    found = lyapunov(flow(pulled), np.random.default_rng(0), max_steps=20_000, transient=10.0, engine=engine)
    assert found.engine == engine
    # The copies are counted over parts of a period, so that the mean rate has the phase of its ends.
    assert found.exponents[0] == pytest.approx(-1, abs=0.02)


def test_a_field_that_takes_one_time_only_has_the_same_exponent():
    from math import cos, sin

    def one_by_one(t, x):
        return [(2 * cos(t) - 1) * (x[0] - sin(t)) + cos(t)]

    slow = lyapunov(flow(one_by_one, name="one by one"), np.random.default_rng(0), 0.1, 2000, 2.0, engine="copies")
    fast = lyapunov(flow(pulled), np.random.default_rng(0), 0.1, 2000, 2.0, engine="copies")
    np.testing.assert_allclose(slow.exponents, fast.exponents, rtol=1e-9)


@pytest.mark.skipif(not taylor.HERE, reason="heyoka has no wheel for this system")
def test_a_modulus_for_a_square_changes_the_engine_and_not_the_exponents():
    smooth = lyapunov(double_well(lambda x: x), np.random.default_rng(0), max_steps=100_000)
    kinked = lyapunov(double_well(np.abs), np.random.default_rng(0), max_steps=100_000)
    assert (smooth.engine, kinked.engine) == ("taylor", "copies")
    for found in (smooth, kinked):
        assert found.exponents.sum() == pytest.approx(-0.2, abs=2e-3)  # minus the friction
        assert found.exponents[0] == pytest.approx(0.158, abs=0.015)
    apart = abs(smooth.exponents[0] - kinked.exponents[0])
    assert apart < 4 * np.hypot(smooth.errors[0], kinked.errors[0])


def test_a_driven_map():
    def image(n, x):
        rate = np.where(np.asarray(n) % 2 == 0, 0.9, 0.1)
        return [rate * x[0] + n]

    driven = System("driven map", "map", 1, 1.0, np.array([0.5]), {}, image)
    found = lyapunov(driven, np.random.default_rng(0), max_steps=20_000)
    assert found.exponents[0] == pytest.approx(np.log(0.9 * 0.1) / 2, abs=0.01)
    late = integrate(driven, [[2.0]], [5.0, 6.0, 8.0]).x[0, :, 0]
    np.testing.assert_allclose(late, [2.0, 0.1 * 2 + 5, 0.1 * (0.9 * (0.1 * 2 + 5) + 6) + 7])


@pytest.mark.parametrize("begin", [0.0, 3.0])
def test_a_driven_delay_equation(begin):
    # dx/dt = x(t - 1) + t from the history 0, by the method of steps; then the same on a later clock.
    times = np.array([0.0, 0.4, 1.0, 1.7, 2.0])
    path = solve_delay(lambda t, x, past: past + t - begin, 1.0, 1.0, [0.0], times + begin)[0]
    exact = times**2 / 2 + np.where(times > 1, (times - 1) ** 3 / 6, 0)
    np.testing.assert_allclose(path, exact, atol=1e-8)
    line = DelayLine.constant(lambda t, x, past: t + 0 * x, 1.0, 50, np.zeros(1), begin)
    for _ in range(3):
        x, _ = line.advance()
    assert x[-1, 0] == pytest.approx(((begin + 3) ** 2 - begin**2) / 2, rel=1e-12)


def test_the_exponent_of_a_driven_delay_system():
    def components(t, x, past):
        return (2 * np.cos(t) - 1) * (x - np.sin(t)) + np.cos(t) + 0 * past

    system = System("driven delay", "delay", 1, PERIOD, np.array([0.1]), {}, components, delay=1.0, driven=True)
    found = lyapunov(system, np.random.default_rng(0), max_steps=200_000, exponents=1)
    assert found.exponents[0] == pytest.approx(-1, abs=0.02)


def test_tangents_of_a_driven_field():
    interval, count = 0.7, 12

    def advance(z, n):
        return rk4(lambda t, x: (2 * np.cos(t) - 1) * x, z, interval / 100, 100, t0=n * interval)

    found = follow_tangents(advance, [1.0], np.ones((1, 1)), count)
    ends = interval * np.arange(count + 1)
    np.testing.assert_allclose(found.growth[0], np.diff(2 * np.sin(ends) - ends), rtol=1e-6)
    np.testing.assert_allclose(found.path[-1, 0], np.exp(2 * np.sin(ends[-1]) - ends[-1]), rtol=1e-6)


def test_pieces_make_the_whole():
    def rhs(t, x):
        return (2 * np.cos(t) - 1) * x + np.sin(t)

    times = np.linspace(0.5, 6.5, 13)
    start = np.array([[1.0], [-0.4]])
    for method in (solve, solve_together):
        whole = method(rhs, start, times)
        pieces = method(rhs, method(rhs, start, times[:7])[:, -1], times[6:])
        np.testing.assert_allclose(pieces, whole[:, 6:], rtol=1e-7)
    whole = rk4(rhs, start, 0.01, 600, t0=0.5)
    np.testing.assert_allclose(rk4(rhs, whole[:, 250], 0.01, 350, t0=3.0), whole[:, 250:], rtol=1e-12)
    own = rk4(lambda t, x: np.cos(t)[:, None] + 0 * x, np.zeros((3, 1)), 0.01, 100, t0=np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(own[:, -1, 0], np.sin([1.0, 2.0, 3.0]) - np.sin([0.0, 1.0, 2.0]), atol=1e-9)
    fine = np.linspace(0, 6, 601)
    states = list(follow(lambda x, t: rhs(t, x), start, fine))
    rest = list(follow(lambda x, t: rhs(t, x), states[299], fine[300:]))
    np.testing.assert_array_equal(rest[-1], states[-1])


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_starts_on_the_clock_it_is_given(engine):
    for begin in (0.0, 2.0, 100.0):
        times = begin + np.linspace(0, 4, 9)
        path = integrate(flow(pulled), [[np.sin(begin)]], times, engine, 1e-11).x[0, :, 0]
        np.testing.assert_allclose(path, np.sin(times), atol=1e-6)


def test_sampled_series_are_on_the_clock():
    times, values, run = series(with_period(flow(pulled)), (50, 80), 20, np.random.default_rng(0), transient=3.0)
    assert not run.reason[0]
    for t, x in zip(times, values, strict=True):
        np.testing.assert_allclose(x[:, 0], np.sin(t), atol=1e-6)


def test_a_series_extended_point_by_point_is_on_the_clock():
    begin = 1.3
    path = _in_pieces(flow(pulled), np.array([[np.sin(begin)]]), 0.3, 20, 1e-10, begin)
    np.testing.assert_allclose(path[:, 0], np.sin(begin + 0.3 * np.arange(21)), atol=1e-6)


@pytest.mark.parametrize(
    "components",
    [
        lambda t, x: [x[1], -x[0] * (1 + 0.5 * np.cos(t))],  # at rest it feels nothing
        lambda t, x: [x[1], -x[0] + 1e-12 * np.cos(t)],
    ],
)
def test_a_hidden_drive_is_felt(components):
    assert zoo._feels_time(components, np.zeros(2))
    assert not zoo._feels_time(lambda t, x: [x[1], -np.sqrt(x[0])], np.zeros(2))
