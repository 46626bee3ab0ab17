"""Known answers: pure AdS, linear fields, the card's table, the first law, the clock; and bad parameters."""

import numpy as np
import pytest

from pesin.errors import UserError
from pesin.params import check
from project import case_of
from studies.incomplete_rg import geometry
from studies.incomplete_rg.entropy import OBSERVABLES, entropy
from studies.incomplete_rg.gravity import angles, ceiling, hole, potential, self_interaction, shoot, soliton, theory
from studies.incomplete_rg.params import Params
from studies.incomplete_rg.simulate import simulate
from studies.incomplete_rg.transition import hawking_page, integrated, level

STUDY = "incomplete_rg"
SMALL = {"potentials": ["quadratic"], "sources": [0, 1, 2, 3], "nodes": 17, "rtol": 1e-7}
NAMES = ("quadratic", "cosh", "quartic")
RADII = np.linspace(0.1, 1.3, 13)


@pytest.fixture(scope="module")
def quadratic():
    """Solitons of the card's sources."""
    of, sources = theory(["quadratic"], 4, 0.1), np.array([0.5, 1, 2, 3])
    centre = shoot(sources, 2 / np.pi * sources, of, lambda phi: soliton(phi, of, 17, 1e-10).source, 1e-10)
    return centre, soliton(centre, of, 33, 1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_a_potential_is_what_it_says_it_is_and_its_slope_is_its_slope(name):
    phi, of = np.linspace(-3, 3, 13), theory([name], 1, 0.1)
    whole = {"quadratic": -6 - phi**2, "cosh": -6 * np.cosh(phi / 3**0.5), "quartic": -6 - phi**2 + 0.1 * phi**4}
    np.testing.assert_allclose(potential(phi, of), whole[name], rtol=1e-13)
    step = 1e-5
    slope = (potential(phi + step, of) - potential(phi - step, of)) / (2 * step)
    np.testing.assert_allclose(-2 * phi + phi**3 * self_interaction(phi, of)[1], slope, atol=1e-8)


def test_the_quartic_potential_has_its_extremum_at_the_ceiling():
    of = theory(["quartic"], 1, 0.1)
    top = ceiling(of)
    np.testing.assert_allclose(-2 * top + top**3 * self_interaction(top, of)[1], 0, atol=1e-12)


def test_a_weak_source_gives_the_linear_soliton():
    found = soliton(np.array([1e-4]), theory(["cosh"], 1, 0.1), 33, 1e-10)
    r = np.tan(angles(33)[1:-1])
    np.testing.assert_allclose(found.phi[0, 1:-1], 1e-4 * np.arctan(r) / r, rtol=1e-6)
    np.testing.assert_allclose(found.source, 1e-4 * np.pi / 2, rtol=1e-7)
    np.testing.assert_allclose(found.response, -1e-4, rtol=1e-7)


def test_without_a_source_black_holes_are_those_of_schwarzschild():
    found = hole(RADII, 0 * RADII, theory(["quadratic"], RADII.size, 0.1), 1e-10)
    np.testing.assert_allclose(found.temperature, (3 * RADII + 1 / RADII) / (4 * np.pi), rtol=1e-12)
    free = found.energy - found.temperature * found.entropy
    np.testing.assert_allclose(free, 4 * np.pi * (RADII - RADII**3), atol=1e-8)
    np.testing.assert_allclose(integrated(RADII, found.temperature, np.array(1.0)), free, atol=1e-6)
    assert level(RADII, free, RADII)[0] == pytest.approx(1, abs=1e-4)


def test_solitons_are_those_of_the_cards_table(quadratic):
    centre, found = quadratic
    np.testing.assert_allclose(centre, [0.31455, 0.60893, 1.10122, 1.47346], atol=1e-5)
    np.testing.assert_allclose(found.response, [-0.33088, -0.73245, -1.93534, -3.80825], atol=1e-5)
    np.testing.assert_allclose(found.chi_inf, [-0.01152, -0.04278, -0.13604, -0.23604], atol=1e-5)
    np.testing.assert_allclose(16 * np.pi * found.mu, [1.0200, 4.3079, 20.433, 55.82], rtol=1e-3)
    np.testing.assert_allclose(found.above[:, -1], 1 + found.source**2 / 4, rtol=1e-12)


def test_the_solitons_metric_gives_the_cards_numbers(quadratic):
    centre, found = quadratic
    np.testing.assert_allclose(geometry.entanglement(found.above), [-1.0121, -1.04688, -1.16677, -1.32788], atol=2e-4)
    np.testing.assert_allclose(geometry.volume(found.above, 316), [-0.135, -0.534, -2.056, -4.424], atol=2e-3)
    np.testing.assert_allclose(
        geometry.gap(found.above, found.chi, angles(33)), [2.9996, 2.9986, 2.9965, 2.9954], atol=6e-5
    )
    curvature = geometry.central_curvature(found.above, found.chi, angles(33))
    np.testing.assert_allclose(curvature, 2 * potential(centre, theory(["quadratic"], 4, 0.1)), atol=1e-6)


def test_pure_ads_has_its_entropy_curvature_and_gap():
    one, nothing = np.ones((1, 33)), np.zeros((1, 33))
    np.testing.assert_allclose(geometry.entanglement(one), -1, atol=1e-12)
    np.testing.assert_allclose(geometry.volume(one, 100), 0, atol=1e-12)
    np.testing.assert_allclose(geometry.central_curvature(one, nothing, angles(33)), -12, atol=1e-9)
    np.testing.assert_allclose(geometry.gap(one, nothing, angles(33)), 3, atol=1e-9)


def test_energy_changes_with_the_source_as_the_response_says():
    of, step = theory(["quadratic"], 1, 0.1), 1e-3
    ends = [soliton(np.array([0.6 + side * step]), of, 17, 1e-11) for side in (-1, 0, 1)]
    slope = 16 * np.pi * (ends[2].mu - ends[0].mu) / (ends[2].source - ends[0].source)
    np.testing.assert_allclose(slope, -4 * np.pi * ends[1].response, rtol=1e-5)


def test_the_first_law_holds_at_a_fixed_source():
    radius = np.array([0.799, 0.8, 0.801])
    of, source = theory(["cosh"], 3, 0.1), np.full(3, 2.0)
    phi = shoot(source, source / 2, of, lambda phi: hole(radius, phi, of, 1e-11).source, 1e-11)
    found = hole(radius, phi, of, 1e-11)
    slope = np.ptp(found.energy) / np.ptp(found.entropy)
    assert slope == pytest.approx(found.temperature[1], rel=1e-5)
    assert slope != pytest.approx(found.temperature[1] * np.exp(-found.chi_inf[1] / 2), rel=0.01)


def test_the_transition_is_that_of_the_card(quadratic):
    _, found = quadratic
    of = theory(["quadratic"], 4, 0.1)
    guess = np.array([0.99, 0.98, 0.94, 0.9])
    scalar = np.array([0.25, 0.5, 0.95, 1.4])
    got = hawking_page(np.array([0.5, 1, 2, 3]), 16 * np.pi * found.mu, guess, scalar, of, 1e-7, rounds=2)
    np.testing.assert_allclose(got.radius, [0.99532, 0.98288, 0.94465, 0.90271], atol=3e-4)
    np.testing.assert_allclose(got.temperature, [0.31847, 0.31895, 0.32032, 0.32161], atol=5e-5)


def test_a_source_that_no_soliton_has_is_said_so():
    of, source = theory(["cosh"], 1, 0.1, backreaction=0), np.array([4.0])
    with pytest.raises(ArithmeticError, match="miss their source"):
        shoot(source, source / 2, of, lambda phi: soliton(phi, of, 17, 1e-4).source, 1e-6, steps=10)


def test_two_routes_to_the_free_energy_part_with_the_wrong_clock():
    case = case_of(STUDY, "flow", "entropy", "smoke", simulate=SMALL)
    data = simulate(case)
    right = entropy(case, data)
    wrong = entropy(
        case_of(STUDY, "flow", "entropy", "smoke", simulate=SMALL, entropy={"clock": False}),
        data,
    )
    assert right["routes"].max() < 0.01 < 1 < wrong["routes"].max()
    at = {"observable": "temperature", "potential": "quadratic", "source": 3}
    assert right["value"].sel(at) < wrong["value"].sel(at)
    assert list(right["observable"].values) == list(OBSERVABLES)


@pytest.mark.parametrize(
    ("section", "key", "value", "said"),
    [
        ("simulate", "sources", [0.5, 1, 2, 3], "must be 0"),
        ("simulate", "radii", [0.3, 0.5, 0.7, 0.8, 0.9, 1.2], "hold the transition"),
        ("simulate", "nodes", 18, "4 n"),
        ("simulate", "potentials", ["sextic"], "quadratic"),
        ("forecast", "held_out", [2, 1, 3], "must rise"),
    ],
)
def test_bad_parameters_are_named_before_the_first_job(section, key, value, said):
    params = case_of(STUDY, "flow", "simulate").params.model_dump()
    params[section][key] = value
    with pytest.raises(UserError, match=said):
        check(Params, params, "here")
