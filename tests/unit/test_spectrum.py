"""Lyapunov spectra of flows, delay systems and maps against known values and identities."""

from dataclasses import replace

import numpy as np
import pytest

from pesin.entropy.dimensions import correlation_dimension
from pesin.entropy.templates import joint_multiscale_entropy, sample_entropy
from pesin.integrate import taylor
from pesin.integrate.lyapunov import kaplan_yorke_dimension
from pesin.integrate.spectrum import _covariance, lyapunov
from pesin.systems import zoo


def spectrum(system, **options):
    return lyapunov(system, np.random.default_rng(0), **{"max_steps": 40_000, "target": 0.008} | options)


@pytest.mark.skipif(not taylor.HERE, reason="heyoka has no wheel for this system")
@pytest.mark.parametrize(
    ("name", "first", "total"),
    [
        ("Lorenz", 0.9056, -13.667),  # Sprott, Chaos and Time-Series Analysis (2003); the sum is exact
        ("Rossler", 0.0714, None),
        ("SprottB", 0.210, -1.0),
        ("Halvorsen", None, -4.2),
        ("HindmarshRose", None, None),  # slow and fast by turns: the frame must be kept apart in the fast ones
    ],
)
def test_flows(name, first, total):
    found = spectrum(zoo.get(name))
    assert found.engine == "taylor" and not found.reason
    if first:
        assert abs(found.exponents[0] - first) < 4 * found.errors[0]
        assert found.errors[0] < 0.03 * first
    if total:
        assert found.exponents.sum() == pytest.approx(total, rel=1e-5)
    assert found.exponents.sum() == pytest.approx(found.divergence, rel=1e-4)
    assert np.abs(found.exponents).min() < 0.05 * found.exponents[0]


def test_displaced_copies_agree_with_the_variational_equations():
    found = spectrum(zoo.get("Lorenz"), engine="copies", max_steps=20_000)
    assert found.engine == "copies"
    assert found.exponents.sum() == pytest.approx(-13.667, rel=1e-3)
    assert abs(found.exponents[0] - 0.9056) < 4 * found.errors[0] < 0.2


def test_growth_is_that_of_one_member_and_is_followed_further_where_asked():
    lorenz = zoo.get("Lorenz")
    short = spectrum(lorenz, engine="copies", max_steps=8_000)
    assert short.growth == pytest.approx(short.exponents[0] * short.time / 32)
    longer = spectrum(lorenz, engine="copies", max_steps=8_000, growth=1.5 * short.growth)
    assert longer.growth > 1.4 * short.growth and longer.time > short.time


def test_an_error_is_at_least_the_scatter_of_the_members():
    rng = np.random.default_rng(0)
    stuck = np.broadcast_to(rng.normal(size=(1, 8, 2)), (320, 8, 2)) + 0.01 * rng.normal(size=(320, 8, 2))
    found = np.sqrt(np.diagonal(_covariance(stuck)))
    np.testing.assert_allclose(found, stuck.mean(0).std(0, ddof=1) / np.sqrt(8), rtol=1e-6)
    mixed = rng.normal(size=(3200, 8, 2))
    assert (np.sqrt(np.diagonal(_covariance(mixed))) < 2 / np.sqrt(3200 * 8)).all()


def test_a_kinked_field():
    found = spectrum(zoo.get("Colpitts"), max_steps=10_000)
    assert found.engine == "copies"
    assert found.exponents.sum() == pytest.approx(-0.88, rel=1e-2)  # -(b + d): the divergence is constant


def test_a_linear_flow_has_its_eigenvalues():
    rates = np.array([0.3, -0.2, -1.0])
    linear = replace(
        zoo.get("Lorenz"),
        name="linear",
        x0=np.array([0.0, 0.0, 0.0]),
        components=lambda t, x: [rate * x[i] for i, rate in enumerate(rates)],
    )
    found = spectrum(linear, max_steps=2000)
    np.testing.assert_allclose(found.exponents, rates, atol=1e-4)


@pytest.mark.parametrize(("name", "first", "total"), [("Henon", 0.4192, np.log(0.3)), ("Logistic", None, None)])
def test_maps(name, first, total):
    found = spectrum(zoo.get(name))
    if first:
        assert abs(found.exponents[0] - first) < 4 * found.errors[0]
        assert found.exponents.sum() == pytest.approx(total, rel=1e-6)
    assert found.divergence == pytest.approx(found.exponents.sum(), rel=1e-5)


def test_the_logistic_map_at_four():
    found = spectrum(zoo.get("Logistic", r=4.0))
    assert found.exponents[0] == pytest.approx(np.log(2), abs=0.02)


def test_a_delay_system_below_and_above_its_bifurcation():
    # Farmer (1982): Mackey-Glass is periodic at tau = 16 and chaotic at 30, with two positive exponents.
    rng = np.random.default_rng(0)
    periodic = lyapunov(zoo.get("MackeyGlass"), rng, max_steps=60_000, exponents=4)
    chaotic = lyapunov(replace(zoo.get("MackeyGlass"), delay=30.0), rng, max_steps=60_000, exponents=8)
    assert abs(periodic.exponents[0]) < 3e-3
    assert chaotic.exponents[0] == pytest.approx(0.0075, abs=0.003)
    assert chaotic.exponents[0] > 3 * chaotic.errors[0]
    assert 2.5 < kaplan_yorke_dimension(chaotic.exponents) < 4.5


def test_a_flow_that_leaves_is_told():
    runaway = replace(zoo.get("Lorenz"), name="runaway", components=lambda t, x: (x[0] ** 2 + 1, x[1], x[2]))
    found = spectrum(runaway, max_steps=2000)
    assert found.reason and np.isnan(found.exponents).all()


def test_correlation_dimension_of_known_sets():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 6000)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    square = rng.random((6000, 2))
    for points, dimension in ((circle, 1.0), (square, 2.0)):
        value, error = correlation_dimension(points, 1, rng)
        assert value == pytest.approx(dimension, abs=0.1) and error < 0.05
    for bad in (np.full((500, 2), np.nan), np.ones((500, 2))):
        with pytest.raises(ValueError, match="finite|constant"):
            correlation_dimension(bad, 1, rng)
    with pytest.raises(ValueError, match="too few"):
        correlation_dimension(square[:50], 1, rng)


def test_multiscale_entropy_at_scale_one_is_sample_entropy_and_noise_loses_it():
    x = np.random.default_rng(0).standard_normal(3000)
    found = joint_multiscale_entropy(x[:, None], [1, 2, 4, 8])
    assert found[0] == pytest.approx(sample_entropy(x).value)
    assert (np.diff(found) < 0).all()  # white noise: variance falls with the window (Costa et al. 2002)
