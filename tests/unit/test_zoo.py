"""The zoo by name, a user's own system, and series from attractors."""

from dataclasses import replace

import numpy as np
import pytest

from pesin.errors import UserError
from pesin.systems import zoo
from pesin.systems.sampling import forecasting_data, series, with_period

OWN = """
PARAMETERS = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}
START = [1.0, 1.0, 20.0]


def rhs(t, x, sigma, rho, beta):
    return sigma * (x[1] - x[0]), x[0] * (rho - x[2]) - x[1], x[0] * x[1] - beta * x[2]
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "my_lorenz.py"
    path.write_text(OWN)
    return str(path)


def test_numbers_of_systems():
    assert [len(zoo.names(kind)) for kind in zoo.KINDS] == [129, 6, 23]


def test_fields_are_those_of_dysts_for_one_state_and_for_many():
    import dysts.flows

    rng = np.random.default_rng(0)
    own = [name for name in zoo.names("flow") if "rhs" in vars(getattr(dysts.flows, name))]
    assert len(own) > 10  # those that don't come as a compiled function of components, and two that branch
    for name in [*own, "BelousovZhabotinsky", "BickleyJet"]:
        system, theirs = zoo.get(name), getattr(dysts.flows, name)()
        states = system.x0 * (1 + 1e-3 * rng.standard_normal((2, 3, system.dim)))
        ours = system.rhs(0.3, states)
        for at in np.ndindex(2, 3):
            np.testing.assert_allclose(ours[at], theirs.rhs(states[at], 0.3), rtol=1e-9, atol=1e-12, err_msg=name)


def test_metadata_and_parameters():
    lorenz = zoo.get("Lorenz")
    assert (lorenz.kind, lorenz.dim, lorenz.driven) == ("flow", 3, False)
    assert lorenz.parameters == {"beta": 2.667, "rho": 28, "sigma": 10}
    assert zoo.get("Duffing").kind == "flow" and zoo.get("Duffing", "map").kind == "map"
    weaker = zoo.get("Lorenz", rho=20.0)
    assert weaker.rhs(0.0, np.array([1.0, 0, 0]))[1] == 20.0 and lorenz.rhs(0.0, np.array([1.0, 0, 0]))[1] == 28.0


def test_unknown_names_are_told_with_the_nearest():
    with pytest.raises(UserError, match="Lorenz"):
        zoo.get("Lorentz")
    with pytest.raises(UserError, match="rho"):
        zoo.get("Lorenz", rhoo=1.0)
    with pytest.raises(UserError, match="flow, delay, map"):
        zoo.names("flows")


def test_phases_are_bounded():
    duffing = zoo.get("Duffing")
    far = np.array([[0.1, 0.2, 1e4]])
    assert np.abs(duffing.observed(far)).max() <= 1.0


def test_an_own_system_goes_the_same_way(own):
    system = zoo.get(own)
    assert (system.name, system.kind, system.dim) == ("my_lorenz", "flow", 3)
    with_one = with_period(system)
    assert 0.6 < with_one.period < 0.9  # a turn about a wing takes 0.75
    data = forecasting_data([own, "Rossler"], 50, 60, 50, 10, np.random.default_rng(0))
    assert data["tune"].shape == (2, 60, 3) and not data["failed"].any()
    assert data["future"].attrs["role"] == "truth"
    assert list(data["engine"].values) == ["heyoka", "heyoka"]


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_a_period_is_found_in_any_unit_of_time(own, unit):
    system = zoo.get(own)

    def components(t, x):
        return [part / unit for part in system.components(t / unit, x)]

    found = with_period(replace(system, name="other_clock", components=components)).period
    assert found / unit == pytest.approx(with_period(system).period, rel=0.15)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("START = [1.0]", "rhs, PARAMETERS"),
        ("PARAMETERS = {}\nSTART = [1.0, 2.0]\ndef rhs(t, x):\n    return (x[0],)", "1 components, and START has 2"),
        ("PARAMETERS = {}\nSTART = [1.0]\ndef rhs(t, x):\n    return 1 / 0", "rhs failed at START"),
        ("PARAMETERS = {}\nSTART = [1.0]\nKIND = 'delay'\ndef rhs(t, x):\n    return (x[0],)", "KIND is"),
        ("import nothing_like_this", "can't be imported"),
    ],
)
def test_what_is_wrong_with_an_own_system_is_said(tmp_path, text, said):
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        zoo.get(str(path))


def test_series_have_the_asked_clock_and_come_from_different_parts():
    system = zoo.get("Lorenz")
    times, values, run = series(system, (100, 40), 25, np.random.default_rng(1))
    assert [v.shape for v in values] == [(100, 3), (40, 3)] and not run.reason[0]
    np.testing.assert_allclose(np.diff(times[0]), system.period / 25)
    assert times[1][0] - times[0][-1] >= 10 * system.period
    assert times[0][0] == pytest.approx(20 * system.period)


def test_the_sample_is_fixed_and_holds_what_it_must():
    chosen = zoo.stratified(10, keep=("Lorenz",), leave_out=("Rossler",), dims=(3,))
    assert chosen == zoo.stratified(10, keep=("Lorenz",), leave_out=("Rossler",), dims=(3,))
    assert "Lorenz" in chosen and "Rossler" not in chosen and 8 <= len(chosen) <= 13
    assert all(zoo.get(name).dim == 3 for name in chosen)


def test_mac_arthur_of_one_state_has_the_bits_of_many():
    """So that results don't hang on which of the two was asked; NaN goes where it would."""
    rng, field = np.random.default_rng(0), zoo.get("MacArthur", "flow").components
    states = np.abs(rng.normal(size=(500, 10))) * 10 ** rng.uniform(-3, 2, (500, 1))
    states[0, 7] = np.nan
    for state, many in zip(states, field(0.0, states.T).T, strict=True):
        assert np.array_equal(field(0.0, state), many, equal_nan=True)


def test_the_vortex_map_goes_where_dysts_goes():
    from dysts.maps import BlinkingVortexMap

    system, x = zoo.get("BlinkingVortexMap", "map"), zoo.get("BlinkingVortexMap", "map").x0
    for theirs in np.array(BlinkingVortexMap().make_trajectory(20)):
        x = system.rhs(0.0, x)
        assert x == pytest.approx(theirs, abs=1e-8)
    assert system.vectorises


def test_a_vortex_that_turns_for_no_time_moves_nothing():
    rng = np.random.default_rng(0)
    states = np.stack([rng.uniform(0.05, 0.95, 50), rng.uniform(-3, 3, 50)], 1)
    still, turning = (zoo.get("BlinkingVortexMap", "map", t=t) for t in (0.0, 1.5))
    assert still.rhs(0.0, states) == pytest.approx(states)
    moved = turning.rhs(0.0, states)
    assert (moved[:, 0] < 1).all() and not np.allclose(moved, states, atol=0.1)
