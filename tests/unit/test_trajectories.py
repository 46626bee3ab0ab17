"""The engines agree, and failures are told."""

import time
from dataclasses import replace

import numpy as np
import pytest

from pesin.errors import UserError
from pesin.integrate import taylor
from pesin.integrate.delay import DelayLine, solve_delay
from pesin.integrate.trajectories import choose, integrate, time_limit
from pesin.systems import zoo

HAS_HEYOKA = pytest.mark.skipif(not taylor.HERE, reason="heyoka has no wheel for this system")


@HAS_HEYOKA
def test_both_engines_agree_on_every_flow_that_both_can_do():
    done, apart = 0, {}
    for name in zoo.names("flow"):
        system = zoo.get(name)
        if choose(system) != "heyoka":
            continue
        times = np.linspace(0, 0.1 * system.period, 5)
        first = integrate(system, system.x0[None], times, "heyoka")
        second = integrate(system, system.x0[None], times, "lsoda", 1e-11)
        assert first.engine == "heyoka" and second.engine == "lsoda"
        scale = 1e-3 + np.abs(first.x).max()
        gap = np.abs(first.x - second.x).max() / scale
        done += 1
        if not gap < 1e-6:
            apart[name] = gap
    assert done >= 115 and not apart


@HAS_HEYOKA
@pytest.mark.parametrize("name", ["Chua", "StickSlipOscillator", "Colpitts", "MacArthur", "FluidTrampoline"])
def test_fields_that_are_not_smooth_go_to_the_second_engine(name):
    system = zoo.get(name)
    assert choose(system) == "lsoda"
    run = integrate(system, system.x0[None], np.linspace(0, system.period, 20))
    assert run.engine == "lsoda" and not run.reason[0]
    with pytest.raises(UserError, match="heyoka can't"):
        integrate(system, system.x0[None], [0.0, 1.0], "heyoka")


def test_the_second_engine_takes_over_where_heyoka_is_absent(monkeypatch):
    monkeypatch.setattr(taylor, "HERE", False)
    system = zoo.get("Lorenz")
    run = integrate(system, system.x0[None], np.linspace(0, 1, 11))
    assert run.engine == "lsoda" and np.isfinite(run.x).all()


@pytest.mark.parametrize("engine", ["heyoka", "lsoda", "dop853"])
def test_a_start_that_blows_up_is_told_and_the_others_go_on(engine):
    if engine == "heyoka" and not taylor.HERE:
        pytest.skip("heyoka has no wheel for this system")
    explosive = replace(zoo.get("Lorenz"), name=f"explosive {engine}", dim=1, components=lambda t, x: (x[0] * x[0],))
    run = integrate(explosive, [[1.0], [-1.0], [np.nan]], np.linspace(0, 2, 21), engine, 1e-9, 20_000, 5.0)
    assert run.reason[0] and not run.reason[1] and "start" in run.reason[2]
    np.testing.assert_allclose(run.x[1, -1], -1 / 3, rtol=1e-6)
    assert np.isnan(run.x[0, -1]).all() and np.isfinite(run.x[0, 5]).all()
    assert np.isnan(run.x[2]).all()


def test_a_stall_is_bounded_by_steps_and_by_time():
    fast = replace(zoo.get("Lorenz"), name="fast", dim=2, components=lambda t, x: (1e7 * x[1], -1e7 * x[0]))
    run = integrate(fast, [[1.0, 0.0]], [0.0, 1.0, 2.0], "auto", 1e-9, max_steps=1000)
    assert "stalled" in run.reason[0]

    def endless(t, x):
        while True:
            pass

    stuck = replace(zoo.get("Lorenz"), name="stuck", components=endless)
    run = integrate(stuck, [[1.0, 1.0, 1.0]], [0.0, 1.0], "lsoda", seconds=0.3)
    assert "stalled" in run.reason[0] and "0.3 s" in run.reason[0]


def test_the_alarm_is_gone_afterwards():
    def busy(seconds):
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    with pytest.raises(TimeoutError), time_limit(0.05):
        busy(10)
    with time_limit(0.05):
        pass
    busy(0.1)


def test_waiting_for_a_busy_machine_does_not_count():
    with time_limit(0.05):
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("x0", "times", "engine", "said"),
    [
        ([1.0, 2.0, 3.0], [0, 1], "auto", "shape"),
        ([[1.0, 2.0]], [0, 1], "auto", "shape"),
        ([[1.0, 2.0, 3.0]], [1, 0], "auto", "increasing"),
        ([[1.0, 2.0, 3.0]], [0, 1], "rk45", "no engine"),
    ],
)
def test_bad_input_is_a_sentence(x0, times, engine, said):
    with pytest.raises(UserError, match=said):
        integrate(zoo.get("Lorenz"), x0, times, engine)


def test_maps_are_iterated():
    henon = zoo.get("Henon")
    run = integrate(henon, [[0.1, 0.2]], [0.0, 1.0, 3.0])
    x, y = 0.1, 0.2
    for _ in range(3):
        x, y = 1 - 1.4 * x**2 + y, 0.3 * x
    np.testing.assert_allclose(run.x[0, -1], [x, y], rtol=1e-13)


def test_a_delay_equation_with_a_known_solution():
    # dx/dt = -pi/2 x(t - 1) from the history 1: 1 - pi/2 t, then a parabola.
    rate = np.pi / 2
    times = np.array([0.0, 0.37, 1.0, 1.61, 2.0])
    path = solve_delay(lambda t, x, past: -rate * past, 1.0, 1.0, [1.0], times)[0]
    second = 1 - rate * times + rate**2 * (times - 1) ** 2 / 2
    np.testing.assert_allclose(path, np.where(times < 1, 1 - rate * times, second), rtol=1e-9)


def test_the_delay_line_is_of_fourth_order():
    field = zoo.get("MackeyGlass").components

    def end(points):
        line = DelayLine.constant(field, 16.0, points, np.array([0.8]))
        for _ in range(3):
            x, _ = line.advance()
        return x[-1, 0]

    errors = [abs(end(points) - end(1600)) for points in (50, 100, 200)]
    assert errors[0] / errors[1] > 8 and errors[1] / errors[2] > 8


@HAS_HEYOKA
def test_numpy_functions_trace_and_comparisons_do_not():
    lorenz = zoo.get("Lorenz")
    smooth = replace(lorenz, name="smooth", components=lambda t, x: (np.sin(x[0]) ** 2, 2.0 / np.cosh(x[1]), t * x[2]))
    kinked = replace(lorenz, name="kinked", components=lambda t, x: (np.maximum(x[0], 0), x[1], x[2]))
    assert len(taylor.trace(smooth)) == 3
    with pytest.raises(taylor.NotSmooth):
        taylor.trace(kinked)
    times = np.linspace(0, 0.5, 4)
    first, second = (integrate(smooth, [[0.1, 0.2, 0.3]], times, e).x for e in ("heyoka", "dop853"))
    np.testing.assert_allclose(first, second, rtol=1e-9)
