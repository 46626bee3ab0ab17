"""Known answers of tides on lava worlds: limits, resonance, traps, recession, balance of energy."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.integrate import quad

from project import case_of
from stopping import assert_goes_on
from studies.lava_world_tides.love_number.simulate import integrated_love
from studies.lava_world_tides.love_number.simulate import simulate as love
from studies.lava_world_tides.recession.moon import (
    ANGULAR_MOMENTUM,
    DEPTH_UNIT,
    ENERGY_UNIT,
    MOMENT,
    REDUCED,
    TOTAL,
    Members,
    evolve,
    mechanical_energy,
    spin,
)
from studies.lava_world_tides.recession.train import train
from studies.lava_world_tides.resonances.simulate import simulate as spins
from studies.lava_world_tides.resonances.spin import (
    Planet,
    evolve_spins,
    off_resonance,
    spin_down_time,
    spin_rate,
    traps,
)
from studies.lava_world_tides.tidal_heat.simulate import simulate as heated
from studies.lava_world_tides.tides import (
    BULK_DENSITY,
    DAY,
    EARTH_GRAVITY,
    EARTH_MASS,
    EARTH_RADIUS,
    MOON_MASS,
    SUN_MASS,
    YEAR,
    G,
    attraction,
    maxwell_dissipation,
    ocean_dissipation,
    ocean_love,
    orbit_size,
    resonant_depth,
    solid_love,
)

EARTH = (EARTH_GRAVITY, EARTH_RADIUS)


def planet(period, e, depth, drag, viscosity=1e23):
    return Planet(1.5, 1.15, period * DAY, e, 1.0, 6e10, viscosity, depth, drag)


def members(flux, drag, solid=0.003, ocean=1.0, feedback=1.0, depth=1e6):
    flux, drag = np.atleast_1d(flux).astype(float), np.atleast_1d(drag).astype(float)
    same = np.ones(len(flux))
    return Members(flux, drag, depth * same, solid * same, ocean * same, feedback * same)


# ------------------------------------------------------------------------------------------------------- response


def test_static_limits_of_a_fluid():
    assert ocean_love(1e-12, 1e6, 1e-5, *EARTH, x=0.6) == pytest.approx(1.5)
    assert solid_love(1e-4, 0.0, 1.0, BULK_DENSITY, *EARTH) == pytest.approx(1.5)


def test_peak_of_the_ocean_is_at_its_resonance():
    sigma, drag, x = 4.3e-4, 1e-5, attraction()
    depth = resonant_depth(sigma, *EARTH)
    assert depth == pytest.approx(2e5, rel=0.05)
    free = 6 * EARTH_GRAVITY * depth / EARTH_RADIUS**2
    assert ocean_dissipation(sigma, depth, drag, *EARTH) == pytest.approx(x * free / (drag * sigma))
    sides = ocean_dissipation(sigma, depth * np.array([0.9, 1.1]), drag, *EARTH)
    assert (sides < ocean_dissipation(sigma, depth, drag, *EARTH)).all()


@pytest.mark.parametrize("drag", [1e-6, 1e-5])
def test_area_of_the_resonance_does_not_depend_on_the_drag(drag):
    sigma, x = 4.3e-4, attraction()
    middle = resonant_depth(sigma, *EARTH)
    edges = middle * np.array([0.0, 0.9, 0.99, 1, 1.01, 1.1, 20])
    area = sum(
        quad(lambda h: float(ocean_dissipation(sigma, h, drag, *EARTH)), a, b, limit=500)[0]
        for a, b in zip(edges[:-1], edges[1:], strict=True)
    )
    assert area == pytest.approx(np.pi * x * middle / (1 - x), rel=0.1)


def test_real_and_complex_forms_agree_and_change_sign_with_the_frequency():
    sigma = np.array([-3e-4, -1e-5, 1e-5, 3e-4])
    ocean = ocean_dissipation(sigma, 1e5, 1e-5, *EARTH)
    assert ocean == pytest.approx(-ocean_love(sigma, 1e5, 1e-5, *EARTH).imag)
    assert (np.sign(ocean) == np.sign(sigma)).all()
    stiffness, viscosity = 19 * 6e10 / (2 * BULK_DENSITY * EARTH_GRAVITY * EARTH_RADIUS), 1e15
    solid = maxwell_dissipation(sigma, viscosity / 6e10, stiffness)
    assert solid == pytest.approx(-solid_love(sigma, 6e10, viscosity, BULK_DENSITY, *EARTH).imag)


@pytest.mark.parametrize("viscosity", [1e15, 1e19, 1e23])
def test_highest_kink_does_not_depend_on_the_viscosity(viscosity):
    stiffness, tau = planet(2, 0, 0, 1).stiffness, viscosity / 6e10
    assert stiffness == pytest.approx(1.285, abs=1e-3)
    sigma = np.geomspace(1e-3, 1e3, 20_001) / tau
    assert maxwell_dissipation(sigma, tau, stiffness).max() == pytest.approx(0.4217, abs=2e-4)


@pytest.mark.parametrize("sigma, depth, drag", [(3e-4, 1e5, 1e-5), (5e-4, 1e6, 1e-4), (2e-4, 3e4, 1e-6)])
def test_closed_form_solves_the_equations_of_motion(sigma, depth, drag):
    solved = integrated_love(sigma, depth, drag)
    assert abs(ocean_love(sigma, depth, drag, *EARTH) / solved - 1) < 1e-6
    assert abs(ocean_love(sigma, depth, drag, *EARTH, self_attraction=False) / solved - 1) > 1e-2


# ---------------------------------------------------------------------------------------------------------- spins

TRAPS = [
    (2, 0.05, 0, 1e-5, "TTT"),
    (2, 0.05, 1e5, 1e-5, "TFF"),
    (2, 0.05, 1e5, 1e-4, "FFF"),
    (2, 0.05, 1e4, 1e-4, "FFF"),
    (2, 0.2, 1e5, 1e-4, "TFF"),
    (2, 0.2, 1e4, 1e-4, "FFF"),
    (10, 0.05, 1e5, 1e-4, "TFF"),
    (10, 0.05, 1e4, 1e-4, "FFF"),
    (10, 0.2, 1e5, 1e-5, "TTT"),
    (10, 0.2, 1e3, 1e-4, "FFF"),
]


@pytest.mark.parametrize("period, e, depth, drag, expected", TRAPS)
def test_known_table_of_traps(period, e, depth, drag, expected):
    one = planet(period, e, depth, drag)
    assert "".join("T" if traps(one, q) else "F" for q in (1, 2, 3)) == expected


@pytest.mark.parametrize(
    "period, depth, drag, years",
    [(10, 1e5, 1e-5, 6.0e4), (10, 1e5, 1e-4, 6.0e3), (10, 1e4, 1e-4, 5.9e2), (2, 1e5, 1e-5, 76), (2, 1e4, 1e-4, 3.7)],
)
def test_known_times_to_spin_down(period, depth, drag, years):
    assert spin_down_time(planet(period, 0.05, depth, drag, 1e22)) == pytest.approx(years, rel=0.07)


def test_integrations_end_where_the_traps_say():
    starts, years = np.array([2.3, 2.7, 3.5]), np.r_[0, np.logspace(-2, 10, 30)]
    solid = evolve_spins(planet(2, 0.05, 0.0, 1e-4), starts, years).states[:, -1, 0]
    assert solid == pytest.approx([2.0, 2.5, 2.5], abs=1e-6)
    molten = evolve_spins(planet(2, 0.05, 1e5, 1e-4), starts, years).states[:, -1, 0]
    assert (molten < 1.05).all() and abs(spin_rate(planet(2, 0.05, 1e5, 1e-4), molten)).max() * YEAR < 1e-3


# ------------------------------------------------------------------------------------------------------- the Moon


@pytest.mark.parametrize("name, moves", [("spin", True), ("unmoved_planet", False)])
def test_a_planet_that_never_moved_is_not_held_by_a_resonance(name, moves):
    held = spins(case_of("lava_world_tides", name, "simulate"))["histories"].sel(branch="solid")
    assert (held.final_spin > 1.25).all()  # which says nothing
    assert ((held.off_resonance < 1) & (held.moved > 100) == moves).all()


def test_blended_branches_are_continuous_and_a_hard_switch_is_not():
    blended, hard = (
        love(case_of("lava_world_tides", name, "simulate"))["melt"].jump.sel(model="blended")
        for name in ("love", "hard_switch")
    )
    assert float(blended) < 1e-3 < 0.01 < float(hard)


def test_off_resonance_is_the_distance_from_the_nearest_half_integer():
    assert off_resonance([1.5, 1.6, 2.3, 2.5]) == pytest.approx([0, 0.1, 0.2, 0])


def test_constant_k2_over_q_gives_the_power_law():
    years = np.array([0, 1e5, 1e6])
    found = evolve(members(4e3, 1e-5, ocean=0), years, rtol=1e-8).states[0, :, 0]
    rate = 3 * 0.003 * MOON_MASS / EARTH_MASS * EARTH_RADIUS**5 * np.sqrt(G * TOTAL)
    expected = ((4 * EARTH_RADIUS) ** 6.5 + 6.5 * rate * years * YEAR) ** (2 / 13) / EARTH_RADIUS
    assert found == pytest.approx(expected, rel=1e-5)
    assert found[1:] == pytest.approx([9.8, 14.0], abs=0.1)
    assert 2 / 13 * (25 * EARTH_RADIUS) ** 6.5 / (rate / 0.003) / YEAR == pytest.approx(1.3e5, rel=0.05)


KNOWN = [
    (4e2, 1e-5, 1, [5.5, 7.6, 10.7, 33.4]),
    (4e2, 1e-5, 0, [5.6, 8.1, 24.1, 24.2]),
    (4e2, 1e-4, 1, [6.9, 9.4, 13.1, 25.5]),
    (4e3, 1e-5, 1, [5.5, 7.8, 24.3, 24.4]),
    (4e3, 1e-5, 0, [5.7, 17.0, 17.0, 17.6]),
    (4e3, 1e-4, 1, [6.9, 9.8, 18.3, 18.8]),
    (4e4, 1e-5, 1, [5.9, 17.3, 17.4, 17.9]),
    (4e4, 1e-4, 1, [7.4, 12.9, 13.2, 15.3]),
]


def test_known_recessions_conserve_energy():
    flux, drag, feedback, expected = zip(*KNOWN, strict=True)
    run = evolve(members(flux, drag, feedback=np.array(feedback, float)), np.array([0, 1e3, 1e4, 1e5, 1e6]))
    assert run.states[:, 1:, 0] == pytest.approx(np.array(expected), abs=0.4)
    distance = run.states[..., 0] * EARTH_RADIUS
    lost = mechanical_energy(distance[:, 0]) - mechanical_energy(distance[:, -1])
    assert run.states[:, -1, 2] * ENERGY_UNIT == pytest.approx(lost, rel=1e-4)
    momentum = MOMENT * spin(distance) + REDUCED * np.sqrt(G * TOTAL * distance)
    assert momentum == pytest.approx(ANGULAR_MOMENTUM, rel=1e-10)
    assert (run.states[..., 1] >= 0).all() and (run.states[..., 1] <= 2900e3 / DEPTH_UNIT).all()


def test_a_tighter_tolerance_changes_nothing_that_matters():
    years = np.array([0, 1e6])
    coarse, fine = (evolve(members(4e3, 1e-5), years, rtol=rtol).states[0, -1, 0] for rtol in (1e-4, 1e-7))
    assert coarse == pytest.approx(fine, abs=0.02)


def test_an_ocean_that_grows_to_its_bound_does_not_stall_there():
    run = evolve(members(3761.232671707976, 5.5752603851660885e-5, depth=2704068.4412126276), np.array([0, 1e6]))
    assert run.states[0, -1, 0] == pytest.approx(19.9, abs=0.1) and run.steps[0] < 600


# ------------------------------------------------------------------------------------------------------- emulator


def test_a_stopped_emulator_goes_on_to_the_same_end(tmp_path, monkeypatch):
    case = case_of("lava_world_tides", "moon", "train")
    assert_goes_on(train, case, tmp_path, monkeypatch, turns=37)


def test_eccentricities_last_as_long_as_the_heat_of_a_synchronous_planet_allows():
    """1 / tau = 21/2 (-Im k2) (M / m) (R / a)^5 n (Goldreich and Soter, Icarus 5, 375, 1966), whatever e is."""
    case = case_of("lava_world_tides", "planets", "simulate")
    found, world = heated(case), case.params.simulate.worlds["GJ 1252 b"]
    star, mass, radius = world.star * SUN_MASS, world.mass * EARTH_MASS, world.radius * EARTH_RADIUS
    size = orbit_size(world.period * DAY, star)
    rate = 10.5 * found["im_k2"].sel(planet="GJ 1252 b") * star / mass * (radius / size) ** 5
    rate = rate * 2 * np.pi / (world.period * DAY)
    lasts = found["circularisation_time"].sel(planet="GJ 1252 b")
    np.testing.assert_allclose(lasts * YEAR * rate, np.ones(lasts.shape), rtol=1e-3)


def test_the_reference_run_is_one_of_the_grid():
    with pytest.raises(ValidationError, match="reference: its flux"):
        case_of("lava_world_tides", "moon", "simulate", simulate={"reference": [123.0, 1e-5]})
