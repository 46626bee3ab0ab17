"""Data that are right but odd: ties, a level or a unit far from 1, sparse labels; and faults that were found once."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pesin.entropy import symbolic
from pesin.entropy.chaos_tests import zero_one_test
from pesin.entropy.gaussian import gaussian_transfer_entropy
from pesin.entropy.kernel import diffusion_spectral_mutual_information, graph_entropy
from pesin.entropy.ordinal import from_counts
from pesin.entropy.registry import get
from pesin.forecast.attractor import hellinger_distance
from pesin.forecast.classify import area_under_curve, confusion, macro_f1
from pesin.integrate.delay import solve_delay
from pesin.integrate.lyapunov import kaplan_yorke_dimension, lyapunov_spectrum
from pesin.integrate.ode import rk4, solve, solve_together
from pesin.integrate.spectrum import lyapunov
from pesin.integrate.stiff import stiff_ensemble
from pesin.integrate.symplectic import yoshida4
from pesin.integrate.trajectories import integrate
from pesin.integrate.variational import follow_tangents
from pesin.models.sparse_regression import finite_differences
from pesin.stats.bootstrap import block_counts
from pesin.stats.intervals import share_interval
from pesin.stats.surrogates import rank_p_value
from pesin.systems import zoo
from pesin.systems.maps import iterate, logistic

# ----------------------------------------------------------------------------------------------------------------- ties


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    values=st.integers(1, 6),
    size=st.sampled_from([1e-15, 1e-3, 1.0, 7.3, 1e12]),
    ulps=st.integers(1, 50),
)
def test_a_p_value_does_not_hang_on_the_rounding_of_equal_statistics(seed, values, size, ulps):
    rng = np.random.default_rng(seed)
    null, own = rng.integers(-values, values + 1, (4, 39)), rng.integers(-values, values + 1, 4)
    exact = (1 + (null <= own[:, None]).sum(-1)) / 40
    rounded = [
        size * x + rng.integers(-ulps, ulps + 1, x.shape) * np.finfo(float).eps * size * values for x in (own, null)
    ]
    np.testing.assert_array_equal(rank_p_value(*rounded), exact)


def test_a_p_value_does_not_hang_on_the_order_of_a_sum():
    """Entropies of short series: the same counts, their patterns in another order."""
    rng = np.random.default_rng(0)
    counts = rng.multinomial(18, np.full(24, 1 / 24), size=400)
    plain = from_counts(np.sort(counts, -1)).permutation_entropy
    turned = from_counts(rng.permuted(counts, axis=-1)).permutation_entropy
    assert (plain != turned).any()  # else nothing is tested
    for k in range(0, 400, 40):
        first = rank_p_value(plain[k], plain[k + 1 : k + 40])
        assert rank_p_value(turned[k], turned[k + 1 : k + 40]) == first
        assert first == rank_p_value(np.round(plain[k], 9), np.round(plain[k + 1 : k + 40], 9))


def test_infinite_statistics_have_a_rank_and_nan_has_none():
    assert rank_p_value(np.inf, [1.0, 2.0, np.inf]) == 1
    assert rank_p_value(-np.inf, [1.0, 2.0, np.inf]) == 1 / 4
    with pytest.raises(ValueError, match="statistic is nan"):
        rank_p_value(np.nan, [1.0, 2.0])


# --------------------------------------------------------------------------------------------------- the named faults


def test_sample_entropy_does_not_drop_a_mask():
    x = np.ma.array(np.random.default_rng(0).normal(size=500), mask=np.arange(500) % 100 < 3)
    x.data[x.mask] = 1e20
    with pytest.raises(ValueError, match=r"x\[0\] is masked: 15 of 500 values are missing"):
        get("sample_entropy")(x)


def test_nan_is_no_yes_and_beats_nobody():
    with pytest.raises(ValueError, match=r"yes\[1\] is nan"):
        share_interval([1.0, np.nan])
    with pytest.raises(ValueError, match=r"positive\[0\] is nan"):
        area_under_curve([np.nan, np.nan], [1.0, 2.0])


@pytest.mark.parametrize("unit", [1e-15, 1e-13, 1e-6, 1.0, 1e6, 1e15])
def test_transfer_entropy_in_any_unit(unit):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 400))
    y[1:] += 0.8 * x[:-1]
    own = gaussian_transfer_entropy(x, y).value
    assert own > 0.15
    for found in (gaussian_transfer_entropy(unit * x, y), gaussian_transfer_entropy(x, unit * y)):
        assert found.value == pytest.approx(own, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-100, 1e-15, 1e-9, 1.0, 1e15])
def test_an_orbit_is_at_distance_0_from_itself_in_any_unit(unit):
    x = np.cumsum(np.random.default_rng(0).normal(size=(200, 2)), 0)
    assert hellinger_distance(unit * x, unit * x) == 0


def test_what_rests_up_to_rounding_has_no_spectrum():
    x = np.cumsum(np.random.default_rng(0).normal(size=(200, 1)), 0)
    rest = 0.3 + 1e-16 * np.random.default_rng(1).normal(size=(200, 1))
    assert np.ptp(rest) > 0 and hellinger_distance(x, rest) == 1


@pytest.mark.parametrize("level", [0.0, 1.0, 1e4, 1e9])
def test_the_logistic_map_is_chaotic_at_any_level(level):
    x = iterate(logistic, np.array([0.1234]), 2000)[:, 0]
    assert zero_one_test(np.random.default_rng(0), x + level) > 0.99


def test_a_graph_of_small_weights_must_be_symmetric_too():
    weights = 1e-13 * np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    with pytest.raises(ValueError, match="must be symmetric"):
        graph_entropy(weights)


@pytest.mark.parametrize("unit", [1e-12, 1e12])
@pytest.mark.parametrize("name", ["Henon", "Lorenz", "MackeyGlass"])
def test_exponents_in_any_unit_of_the_state(name, unit):
    """A map, a flow by scipy and displaced copies, and a delay system: the same numbers in another unit."""
    own = zoo.get(name, {"Henon": "map"}.get(name, ""))

    def components(t, x, *past):
        if own.kind == "delay":  # complex numbers carry its tangents
            return unit * own.components(t, x / unit, past[0] / unit)
        return unit * np.asarray(own.components(t, x / unit), float)  # which heyoka can't trace

    other = replace(own, name=f"{name} in {unit:g}", x0=unit * own.x0, components=components)
    options = {"max_steps": 30_000 if own.kind == "delay" else 4000, "transient": 5.0, "exponents": 2}
    first, second = (lyapunov(system, np.random.default_rng(0), engine="copies", **options) for system in (own, other))
    assert not second.reason
    np.testing.assert_allclose(second.exponents, first.exponents, atol=4 * np.maximum(first.errors, 2e-3).max())
    if own.kind == "flow":
        times = np.linspace(0, 1, 5)
        near, far = (integrate(s, s.x0[None], times, "dop853", 1e-9).x for s in (own, other))
        np.testing.assert_allclose(far / unit, near, rtol=1e-6)


HIDDEN = np.ma.array([[1.0, 2.0, 3.0]], mask=[[False, False, True]])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: integrate(zoo.get("Lorenz"), x, [0.0, 1.0]),
        lambda x: solve_delay(lambda t, x, past: -past, 1.0, 1.0, x[0], [0.0, 1.0]),
        lambda x: rk4(lambda t, x: -x, x, 0.1, 2),
        lambda x: solve(lambda t, x: -x, x, [0.0, 1.0]),
        lambda x: solve_together(lambda t, x: -x, x, [0.0, 1.0]),
        lambda x: yoshida4(lambda x: -x, np.ma.concatenate([x, x], -1), 0.1, 2),
        lambda x: stiff_ensemble(lambda y, m: -y, x, [0.0, 1.0]),
        lambda x: follow_tangents(lambda z, n: z[..., None, :], x, np.eye(3)[None], 1),
        lambda x: iterate(logistic, x, 3),
        lambda x: lyapunov_spectrum([np.ma.array(np.eye(3), mask=np.eye(3))]),
        kaplan_yorke_dimension,
        lambda x: finite_differences(x, 1.0),
    ],
)
def test_integrators_take_nothing_masked(call):
    with pytest.raises(ValueError, match="is masked"):
        call(HIDDEN)


# --------------------------------------------------------------------------------------------------------- odd settings


@pytest.mark.parametrize("segment", [1, 2, 3])
def test_a_segment_too_short_for_two_frequencies(segment):
    with pytest.raises(ValueError, match="segments of 4 samples or more"):
        get("spectral_entropy")(np.random.default_rng(0).normal(size=50), segment=segment)


@pytest.mark.parametrize("name", ["lempel_ziv_of_symbols", "entropy_rate", "excess_entropy"])
def test_sparse_symbols(name):
    near = np.random.default_rng(0).integers(0, 3, 300)
    for far in (10_000_000, 2**60):
        found, own = (get(name)(x, **({"kinds": 3} if "ziv" in name else {})) for x in (near * far, near))
        assert found.value == own.value


def test_more_symbols_than_can_be_parsed(monkeypatch):
    monkeypatch.setattr(symbolic, "TABLE", 1000)
    with pytest.raises(ValueError, match="too many to parse"):
        get("lempel_ziv_of_symbols")(np.arange(2000))


def test_sparse_labels():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 60)
    x = rng.normal(size=(60, 2)) + labels[:, None]
    found, own = (
        diffusion_spectral_mutual_information(x, y, np.random.default_rng(0)).value
        for y in (10_000_000 * labels, labels)
    )
    assert found == own
    guess = np.where(rng.random(60) < 0.7, labels, -1)
    sparse = np.where(guess < 0, -1, 10_000_000 * guess)
    wide = macro_f1(10_000_000 * labels, sparse, 20_000_001)
    assert wide * 20_000_001 == pytest.approx(3 * macro_f1(labels, guess, 3))
    with pytest.raises(ValueError, match="number the labels"):
        confusion(10_000_000 * labels, sparse, 20_000_001)
    with pytest.raises(ValueError, match="number the codes"):
        block_counts(rng, 10_000_000 * labels, 20_000_001, 5, 200)
    with pytest.raises(ValueError, match=r"codes\[0\] is 7: .* whole numbers from 0 on, below 5"):
        block_counts(rng, [7, 1, 2], 5, 1, 10)
