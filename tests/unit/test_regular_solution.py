"""The regular solution: critical temperatures, binodals, and ions bound to electrons between the two limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pesin.systems.regular_solution import (
    BOLTZMANN,
    binodal,
    bound_critical_temperature,
    critical_temperature,
    effective_carriers,
    fit_interaction,
    free_energy,
    mixing_entropy,
    pair_entropy,
    unpaired_share,
)


def test_the_card_of_lixfepo4():
    # W = 0.101 eV: 588 K with lithium's disorder alone, 294 K with the electrons' too.
    assert critical_temperature(4 * 0.0253, 1) == pytest.approx(587, abs=1)
    assert critical_temperature(0.101, 1) == pytest.approx(2 * critical_temperature(0.101, 2))
    assert np.isnan(critical_temperature(-0.1))


def test_entropy_is_largest_at_one_half():
    x = np.linspace(0, 1, 101)
    assert mixing_entropy(x).argmax() == 50 and mixing_entropy(0.5) == pytest.approx(np.log(2))
    assert mixing_entropy(0) == mixing_entropy(1) == 0


@given(st.floats(0.01, 0.5), st.floats(0.2, 0.98), st.sampled_from([1.0, 2.0]))
def test_binodal_is_a_common_tangent(w, part, carriers):
    t = part * float(critical_temperature(w, carriers))
    x = float(binodal(t, w, carriers)[0])
    assert 0 < x < 0.5
    step = 1e-6 * x
    slope = (free_energy(x + step, t, w, carriers) - free_energy(x - step, t, w, carriers)) / (2 * step)
    assert abs(slope) < 1e-5 * carriers * BOLTZMANN * t / x
    assert free_energy(x, t, w, carriers) <= free_energy(0.5, t, w, carriers)


def test_binodal_ends_at_the_critical_temperature():
    top = float(critical_temperature(0.2, 2))
    assert np.isnan(binodal(top * 1.001, 0.2, 2)[0]) and binodal(top * 0.9999, 0.2, 2)[0] > 0.48
    assert np.isnan(binodal([100.0, 300.0], -0.1)).all()


def test_interaction_is_recovered():
    x = np.array([0.25, 0.5, 0.5, 0.75])
    assert fit_interaction(x, 0.13 * x * (1 - x)) == pytest.approx(0.13)


@given(st.floats(0.05, 0.95), st.floats(0, 0.6), st.floats(200, 1200))
def test_pairs_obey_mass_action(x, binding, t):
    one = float(unpaired_share(x, binding, t))
    both, none = x - one, 1 - x - one
    assert 0 < one <= x * (1 - x) + 1e-12
    assert both * none / one**2 == pytest.approx(np.exp(binding / (BOLTZMANN * t)), rel=1e-6)


@given(st.floats(0, 0.3), st.floats(250, 1200))
def test_effective_carriers_are_a_curvature(binding, t):
    def free(x):
        one = unpaired_share(x, binding, t)
        return -binding * (x - one) - BOLTZMANN * t * pair_entropy(x, binding, t)

    step = 1e-3
    curvature = (free(0.5 + step) - 2 * free(0.5) + free(0.5 - step)) / step**2
    assert curvature == pytest.approx(4 * BOLTZMANN * t * effective_carriers(binding, t), rel=1e-3)


@given(st.floats(0.05, 0.95), st.floats(0, 0.6))
def test_bound_pairs_have_between_one_and_two_entropies(x, binding):
    entropy, ideal = float(pair_entropy(x, binding, 300)), float(mixing_entropy(x))
    assert ideal - 1e-9 <= entropy <= 2 * ideal + 1e-9
    assert 1 - 1e-6 <= effective_carriers(binding, 300) <= 2 + 1e-6


def test_limits_of_binding():
    assert pair_entropy(0.3, 0, 300) == pytest.approx(2 * mixing_entropy(0.3))
    assert pair_entropy(0.3, 2.0, 300) == pytest.approx(mixing_entropy(0.3), rel=1e-6)
    assert bound_critical_temperature(0.2, 0) == pytest.approx(critical_temperature(0.2, 2))
    assert bound_critical_temperature(0.2, 2.0) == pytest.approx(critical_temperature(0.2, 1), rel=1e-3)
    middle = [bound_critical_temperature(0.2, b) for b in (0, 0.05, 0.1, 0.2, 0.4)]
    assert (np.diff(middle) > 0).all()
    assert np.isnan(bound_critical_temperature(-0.1, 0.1))
