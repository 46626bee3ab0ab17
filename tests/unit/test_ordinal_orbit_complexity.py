"""The study of ordinal complexity: its simulations keep the card's known values, and its controls lose them."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from pesin.entropy.ordinal import complexity_entropy, delay_for, periodic_bound
from project import case_of, plan
from studies.ordinal_orbit_complexity.classes import CLASSES
from studies.ordinal_orbit_complexity.features import METHODS, QUANTITIES, classify
from studies.ordinal_orbit_complexity.motions import _auc, motions
from studies.ordinal_orbit_complexity.orbits.entropy import entropy as orbits_entropy
from studies.ordinal_orbit_complexity.orbits.forecast import forecast as orbits_forecast
from studies.ordinal_orbit_complexity.orbits.simulate import simulate as simulate_orbits
from studies.ordinal_orbit_complexity.pendulum.simulate import simulate as simulate_pendulum
from studies.ordinal_orbit_complexity.series.entropy import entropy
from studies.ordinal_orbit_complexity.series.forecast import forecast
from studies.ordinal_orbit_complexity.series.simulate import simulate
from studies.ordinal_orbit_complexity.series.train import train

NAME = "ordinal_orbit_complexity"


@pytest.fixture(scope="module")
def cases():
    return plan().study(NAME).cases


def case_with(name, step="simulate", **changes):
    """A case of the smoke scale; `changes` go to its section `simulate`."""
    return case_of(NAME, name, step, simulate=changes)


@pytest.fixture(scope="module")
def series(cases):
    case = case_with("series")
    data = simulate(case)
    trained = train(case, data)
    return data, trained, entropy(case, data), forecast(case, data, trained)


def test_series_are_what_they_should_be(series):
    data, _, measured, _ = series
    plane = measured["plane"].to_dataset()
    assert (plane.missing_patterns.sel(system="logistic") >= 89).all()
    assert (plane.permutation_entropy.sel(system="sine") < periodic_bound(5)).all()
    exponents = data["maps"].lyapunov_exponent.mean("seed")
    assert float(exponents.sel(system="logistic")) == pytest.approx(np.log(2), abs=0.03)
    assert float(data["lorenz"].lyapunov_exponent.mean()) == pytest.approx(0.906, abs=0.15)
    assert float(data["lorenz"].natural_period.sel(coordinate="z")) == pytest.approx(0.75, abs=0.02)


def test_package_default_settles_only_without_eulers_error(cases):
    data = simulate(case_with("series", lorenz={**cases["series"].params["simulate"]["lorenz"], "duration": 300}))
    tail = data["lorenz"].package_x.isel(package_time=slice(-1000, None)).std("package_time")
    assert (tail.sel(scheme="rk4") < 0.1).all() and (tail.sel(scheme="euler") > 1).all()


def test_a_system_is_judged_by_the_rule_of_the_others(series):
    data, trained, _, _ = series
    spoilt = data.copy(deep=True)
    spoilt["records"].x.loc[{"system": "lorenz_z"}] = spoilt["records"].x.sel(system="white_noise").values
    again = train(case_with("series"), spoilt)
    own = {"system": "lorenz_z"}
    np.testing.assert_array_equal(again.centroid_without.sel(own), trained.centroid_without.sel(own))
    assert (again.centroid.sel(class_label="chaotic") != trained.centroid.sel(class_label="chaotic")).any()


def test_records_are_what_their_class_says(series):
    data, trained, _, found = series
    h = trained.quantity_value.isel(duration=-1).sel(quantity="permutation_entropy").mean("record")
    assert float(h.sel(system="logistic_cycle")) == pytest.approx(np.log(4) / np.log(120), abs=0.01)
    assert float(h.sel(system="logistic")) == pytest.approx(0.68, abs=0.03)
    assert trained.true_class.to_series().value_counts().to_dict() == dict.fromkeys(CLASSES, 5)
    assert found.share_given.sum("class_assigned").values == pytest.approx(1)


def test_rule_finds_the_classes_in_its_own_centroids(series):
    _, trained, _, _ = series
    for method in METHODS:
        np.testing.assert_array_equal(
            classify(trained.centroid.values[-1], trained.centroid.values[-1], method), [0, 1, 2]
        )
    assert trained.quantity.values.tolist() == list(QUANTITIES)


def test_shuffling_takes_the_structure_away(cases, series):
    case = case_with("series", time_order="shuffled")
    shuffled = simulate(case)
    kept = series[0]
    for name in ("maps", "lorenz", "records"):
        np.testing.assert_array_equal(np.sort(shuffled[name].x, -1), np.sort(kept[name].x, -1))
    assert (complexity_entropy(shuffled["sines"].sine.values, 5, 10).permutation_entropy > 0.9).all()


# -------------------------------------------------------------------------------------------- pendulum and orbits


def test_pendulum(cases):
    data = simulate_pendulum(case_with("pendulum", duration=40, samples_per_second=64))
    assert float(data.energy_error.max()) < 1e-7
    _, x, _, delay, _ = motions(case_with("pendulum").params.train, data, "x2")
    h = complexity_entropy(x, 5, delay).permutation_entropy.reshape(3, -1)
    assert (h[0] < periodic_bound(5)).all() and (h[2] > periodic_bound(5)).all()
    assert data.is_chaotic.values.tolist() == [[False] * 5, [False] * 5, [True] * 5]


def test_nulls_have_nothing_to_find(cases):
    still = simulate_pendulum(case_with("pendulum", dynamics="still"))
    assert not still.is_chaotic.any() and not np.isfinite(still.natural_period).any()
    rising = simulate(case_with("series", time_order="sorted"))
    assert (complexity_entropy(rising["maps"].x.values[0], 5, 1).patterns == 1).all()
    straight = simulate_orbits(case_with("orbits", attraction=False))
    assert float(straight.energy_error.sel(potential="henon_heiles_1_6").min()) > 1e-3


def test_linear_pendulum_is_never_chaotic(cases):
    data = simulate_pendulum(case_with("pendulum", dynamics="linear", duration=40))
    assert not data.is_chaotic.any() and float(data.energy_error.max()) < 1e-7


@pytest.fixture(scope="module")
def orbits(cases):
    return simulate_orbits(case_with("orbits", orbits=16, periods=100, samples_per_period=60, substeps=4))


@pytest.mark.parametrize(("energy", "low", "high"), [(12, 0.52, 0.542), (6, 0.53, 0.575)])
def test_henon_heiles(cases, orbits, energy, low, high):
    one = orbits.sel(potential=f"henon_heiles_1_{energy}")
    delay = delay_for(0.4, one.natural_period.values, float(one.dt))
    h = complexity_entropy(one.x.values, 5, delay).permutation_entropy
    assert low < np.median(h) < high
    assert float(one.is_chaotic.mean()) == (0 if energy == 12 else pytest.approx(0.9, abs=0.1))


def test_orbits_keep_their_energy_and_the_isochrone_its_order(orbits):
    assert float(orbits.energy_error.max()) < 0.02
    assert not orbits.is_chaotic.sel(potential="isochrone").any()
    assert orbits.is_chaotic.sel(potential="rotating_bar").any()


def test_control_potentials_hold_no_chaos(cases):
    changes = dict(flattening=0, bar_speed=0, henon_heiles_coupling=0, periods=50, samples_per_period=60, substeps=2)
    assert not simulate_orbits(case_with("orbits", **changes)).is_chaotic.any()


def test_a_lost_orbit_is_a_result(cases, orbits):
    case = case_with("orbits", orbits=16)
    lost = orbits.isel(time=slice(0, 1000)).copy(deep=True)
    lost.x[1, 2, 500:] = np.nan
    lost.natural_period[1, 2] = np.inf
    measured = orbits_entropy(case, lost)
    rule = xr.Dataset({"centroid": (("duration", "class_label", "quantity"), np.arange(15.0).reshape(1, 3, 5))})
    found = orbits_forecast(case, lost, rule)
    assert np.isnan(measured.permutation_entropy[1, 2]) and int(np.isnan(measured.permutation_entropy).sum()) == 1
    assert np.isnan(found.exceeds_periodic_bound[1, 2]) and not found.agrees_with_lyapunov[1, 2]
    assert found.assigned_class[1, 2] == -1
    assert _auc(np.array([0.9, np.nan, 0.1]), np.array([True, True, False])) == 0.5
    assert _auc(np.array([0.9, np.nan, 0.1]), np.array([True, False, False])) == 0.5


@pytest.mark.parametrize("change", [{"seeds": 0}, {"time_order": "reversed"}, {"sedes": 3}])
def test_params_refuse(cases, change):
    with pytest.raises(ValidationError):
        case_with("series", **change)


def test_params_refuse_a_window_that_tells_no_ratios_apart(cases):
    with pytest.raises(ValidationError, match="entropy.window"):
        case_of(NAME, "series", "entropy", entropy={"window": [0.31, 0.32]})


def test_params_refuse_durations_longer_than_the_records(cases):
    records = cases["series"].params["simulate"]["records"] | {"periods": 10}
    with pytest.raises(ValidationError, match="train.durations"):
        case_with("series", records=records)
