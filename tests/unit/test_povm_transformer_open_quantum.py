"""Known answers: the measurement, the Lindblad equation on outcomes, steady states, networks over outcomes; bad parameters."""

import numpy as np
import pytest
from scipy.linalg import expm

from pesin.entropy.kernel import von_neumann_entropy
from studies.povm_transformer_open_quantum import povm

FRAMES = ("tetrahedral", "pauli")
STEADY = {  # ring of 4, V = 2: sx, sy, sz
    0.5: (0.2371, 0.0662, -0.9669),
    1.0: (0.4398, 0.1872, -0.8128),
    2.0: (0.2451, 0.3783, -0.2435),
    3.0: (0.0794, 0.3064, -0.0809),
    4.0: (0.0330, 0.2402, -0.0391),
}


def state(rng, size, count=1):
    x = rng.normal(size=(count, size, size)) + 1j * rng.normal(size=(count, size, size))
    rho = x @ x.conj().swapaxes(1, 2)
    return rho / np.trace(rho, axis1=1, axis2=2)[:, None, None]


def on(operator, site, sites):
    return np.kron(np.kron(np.eye(2**site), operator), np.eye(2 ** (sites - site - 1)))


def lindbladian(sites, bonds, coupling, field):
    """The whole superoperator on row-major vectors, built from whole matrices: a peer of `generators`."""
    x, z, fall = povm.SIGMA[0], povm.SIGMA[2], povm.LOWER
    h = sum(coupling / 4 * on(z, i, sites) @ on(z, j, sites) for i, j in bonds)
    h = h + sum(field / 2 * on(x, i, sites) for i in range(sites))
    one = np.eye(2**sites)
    whole = -1j * (np.kron(h, one) - np.kron(one, h.T))
    for i in range(sites):
        jump = on(fall, i, sites)
        twice = jump.conj().T @ jump
        whole = whole + np.kron(jump, jump.conj()) - (np.kron(twice, one) + np.kron(one, twice.T)) / 2
    return whole


def generator(sites, bonds, coupling, field, frame="tetrahedral"):
    rest, turn = povm.generators(sites, bonds, coupling, 1.0, frame)
    return rest + field * turn


def test_the_tetrahedral_frame_is_that_of_the_card():
    t = povm.overlap("tetrahedral")
    np.testing.assert_allclose(t, np.eye(4) / 4 + (1 - np.eye(4)) / 12, atol=1e-15)
    np.testing.assert_allclose(np.linalg.inv(t), 6 * np.eye(4) - 1, atol=1e-13)


@pytest.mark.parametrize("frame", FRAMES)
def test_effects_are_a_measurement_and_nothing_is_lost(frame):
    m = povm.effects(frame)
    np.testing.assert_allclose(m.sum(0), np.eye(2), atol=1e-15)
    assert np.linalg.eigvalsh(m).min() > -1e-15
    rho = state(np.random.default_rng(1), 8, 3)
    p = povm.probabilities(rho, frame)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-13)
    np.testing.assert_allclose(povm.density(p, frame), rho, atol=1e-13)
    # one outcome by hand: digits 0, 2, 3 in this order
    by_hand = np.trace(rho[0] @ np.kron(np.kron(m[0], m[2]), m[3])).real
    assert p[0, 0 * 16 + 2 * 4 + 3] == pytest.approx(by_hand, abs=1e-14)


def test_the_mixed_state_is_uniform_in_the_tetrahedral_frame():
    np.testing.assert_allclose(povm.probabilities(np.eye(8)[None] / 8, "tetrahedral"), 4.0**-3, atol=1e-16)


def test_expectations_are_those_of_the_state():
    rho = state(np.random.default_rng(2), 8)[0]
    p = povm.probabilities(rho[None], "tetrahedral")[0]
    wanted = [np.mean([np.trace(rho @ on(s, i, 3)).real for i in range(3)]) for s in povm.SIGMA]
    np.testing.assert_allclose(povm.spins(p, "tetrahedral"), wanted, atol=1e-13)
    zz = np.mean([np.trace(rho @ on(povm.SIGMA[2], i, 3) @ on(povm.SIGMA[2], j, 3)).real for i, j in povm.ring(3)])
    assert povm.neighbour_zz(p, povm.ring(3), "tetrahedral") == pytest.approx(zz, abs=1e-13)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("bonds", [povm.ring(3), povm.lattice(1, 3)])
def test_the_generator_does_what_the_lindbladian_does(frame, bonds):
    rho = state(np.random.default_rng(3), 8)
    later = (expm(0.7 * lindbladian(3, bonds, 2.0, 1.3)) @ rho.reshape(-1)).reshape(1, 8, 8)
    a = generator(3, bonds, 2.0, 1.3, frame)
    found = expm(0.7 * a.toarray()) @ povm.probabilities(rho, frame)[0]
    np.testing.assert_allclose(found, povm.probabilities(later, frame)[0], atol=1e-12)
    np.testing.assert_allclose(np.asarray(a.sum(0)), 0, atol=1e-13)


def test_one_qubit_decays_as_the_closed_form_says():
    rest, _ = povm.generators(1, [], 0.0, 1.0, "tetrahedral")
    start = povm.probabilities((povm.ONE + 0.6 * povm.SIGMA[0] + 0.5 * povm.SIGMA[2])[None] / 2, "tetrahedral")[0]
    x, _, z = povm.spins(expm(1.5 * rest.toarray()) @ start, "tetrahedral")
    assert z == pytest.approx(-1 + 1.5 * np.exp(-1.5), abs=1e-13)
    assert x == pytest.approx(0.6 * np.exp(-0.75), abs=1e-13)


@pytest.mark.parametrize("field", [0.5, 1.0, 2.0])
def test_uncoupled_sites_are_driven_atoms(field):
    found = povm.spins(povm.steady(generator(1, [], 0.0, field)), "tetrahedral")
    np.testing.assert_allclose(found, np.array([0, 2 * field, -1]) / (1 + 2 * field**2), atol=1e-10)


@pytest.mark.parametrize("field", STEADY)
def test_steady_states_of_the_ring_are_those_of_the_card(field):
    p = povm.steady(generator(4, povm.ring(4), 2.0, field))
    np.testing.assert_allclose(povm.spins(p, "tetrahedral"), STEADY[field], atol=6e-5)


def test_entropies_of_the_steady_state_are_those_of_the_card_and_bound_each_other():
    p = povm.steady(generator(4, povm.ring(4), 2.0, 2.0))
    rho = povm.density(p[None], "tetrahedral")[0]
    levels = np.linalg.eigvalsh(rho)
    neumann = float(von_neumann_entropy((rho + rho.conj().T) / 2).value)
    shannon = float(-(p * np.log(p)).sum())
    assert (neumann, shannon) == pytest.approx((2.052, 5.3554), abs=1e-3)
    assert (levels**2).sum() == pytest.approx(0.2164, abs=1e-4)
    assert -np.log((levels**2).sum()) <= neumann <= 4 * np.log(2) <= 4 * np.log(2) + neumann <= shannon
    assert p.max() <= 2.0**-4


def test_the_ring_falls_from_all_up_as_the_card_says():
    up = np.zeros((1, 16, 16))
    up[0, 0, 0] = 1
    p = povm.probabilities(up, "tetrahedral")[0]
    a = generator(4, povm.ring(4), 2.0, 2.0).toarray()
    for time, wanted in ((0.8, (0.0322, -0.1311, -0.4055)), (2.0, (0.2355, 0.4954, -0.2806))):
        np.testing.assert_allclose(povm.spins(expm(time * a) @ p, "tetrahedral"), wanted, atol=6e-5)


def test_bonds_of_a_ring_and_of_a_rectangle():
    assert povm.ring(3) == [(0, 1), (1, 2), (2, 0)]
    assert sorted(povm.lattice(2, 3)) == [(0, 1), (0, 3), (1, 2), (1, 4), (2, 5), (3, 4), (4, 5)]
    with pytest.raises(ValueError, match="3 sites or more"):
        povm.ring(2)


def test_fidelity_and_what_is_clipped():
    a, b = np.diag([1.0, 0]), np.array([[0.5, 0.5], [0.5, 0.5]])
    assert povm.fidelity(a, b) == pytest.approx(0.5)
    assert povm.fidelity(b, b) == pytest.approx(1)
    p, q = np.diag([0.3, 0.7]), np.diag([0.6, 0.4])
    assert povm.fidelity(p, q) == pytest.approx((np.sqrt(0.18) + np.sqrt(0.28)) ** 2)
    fixed, clipped = povm.physical(np.diag([1.1, -0.1]))
    np.testing.assert_allclose(fixed, a, atol=1e-15)
    assert clipped == pytest.approx(0.1)
