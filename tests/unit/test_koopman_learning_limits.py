"""Known answers: the cat map's chains, tau of the card, small divisors, isometries, bounds; and bad parameters."""

import numpy as np
import pytest

from pesin.errors import UserError
from pesin.models.koopman import eigenpairs, pseudospectrum
from pesin.params import check
from project import case_of
from studies.koopman_learning_limits import flows, pair, torus
from studies.koopman_learning_limits.entropy import wiener
from studies.koopman_learning_limits.forecast import bounds
from studies.koopman_learning_limits.params import Params
from studies.koopman_learning_limits.simulate import simulate
from studies.koopman_learning_limits.train import of_maps, train, with_inner

STUDY = "koopman_learning_limits"
MAPS = list(torus.MAPS)


def case(step, name="known", **change):
    return case_of(STUDY, name, step, "smoke", **change)


def exact(size):
    """Matrices of all maps from the nodes on which they are exact."""
    return {
        name: one[0]
        for name, one in zip(MAPS, of_maps(torus.exact_nodes(6 * size + 1), torus.modes(size)), strict=True)
    }


TWO, FOUR = exact(2), exact(4)


@pytest.fixture(scope="module")
def world():
    return simulate(case("simulate"))


@pytest.mark.parametrize("name", MAPS)
def test_matrices_are_those_of_the_frequencies(name):
    """K e_k is a phase times e_(S^T k), if that is in the dictionary."""
    k, (matrix, shift) = torus.modes(2), torus.MAPS[name]
    image = k @ np.array(matrix)
    phase = np.exp(2j * np.pi * (k @ np.array(shift)))
    expected = (k[:, None] == image[None]).all(-1) * phase
    np.testing.assert_allclose(TWO[name].A, expected, atol=1e-13)
    np.testing.assert_allclose(TWO[name].G, np.eye(24), atol=1e-13)
    np.testing.assert_allclose(TWO[name].L, np.eye(24), atol=1e-13)


@pytest.mark.parametrize("matrices, longest", [(TWO, 3), (FOUR, 4)])
def test_cat_map_is_made_of_chains(matrices, longest):
    """tau^2 = 1 + r^2 - 2 r cos(pi / (longest + 1)), and all eigenvalues are 0."""
    points = np.array([0, 0.5, 1, 1.2j, np.exp(1j)])
    r = abs(points)
    expected = np.sqrt(1 + r**2 - 2 * r * np.cos(np.pi / (longest + 1)))
    np.testing.assert_allclose(pseudospectrum(matrices["cat"], points), expected)
    assert abs(eigenpairs(matrices["cat"])[0]).max() < 0.01


def test_anzai_is_that_of_the_card():
    points = [0.5, 1.2, np.exp(1j)]
    np.testing.assert_allclose(pseudospectrum(TWO["anzai"], points), [0.620, 0.601, 0.479], atol=6e-4)
    np.testing.assert_allclose(pseudospectrum(FOUR["anzai"], points), [0.547, 0.397, 0.083], atol=6e-4)


def test_edmd_of_a_rotation_is_exact():
    values, _ = eigenpairs(TWO["rotation"])
    expected = np.exp(2j * np.pi * (torus.modes(2) @ torus.MAPS["rotation"][1]))
    np.testing.assert_allclose(np.sort(np.angle(values)), np.sort(np.angle(expected)), atol=1e-12)


def test_edmds_own_matrix_hides_what_it_lost():
    """The trap: with L from the projection tau(0) of the cat map is 0, its true value is 1."""
    assert pseudospectrum(TWO["cat"], 0) == pytest.approx(1)
    assert pseudospectrum(with_inner(TWO["cat"], "projected"), 0) < 1e-7


def test_dictionaries_are_nested():
    np.testing.assert_array_equal(torus.modes(4)[:24], torus.modes(2))


def test_orbits_of_integers_do_not_close_soon():
    start = np.array([[1, 0], [12345, 678]])
    x = start
    for _ in range(2000):
        x = torus.step_exactly("cat", x)
        assert (x != start).any(1).all()


def test_both_ways_of_stepping_agree():
    x = np.random.default_rng(0).integers(torus.PRIME, size=(50, 2))
    for name in MAPS:
        apart = torus.step_exactly(name, x) / torus.PRIME - torus.step(name, x / torus.PRIME)
        assert (abs(apart - np.rint(apart)) < 1e-8).all()


def test_entropies_of_the_maps():
    assert torus.exponents("cat").max() == pytest.approx(np.log((3 + 5**0.5) / 2))
    assert not torus.exponents("anzai").any() and not torus.exponents("rotation").any()


def test_autocorrelations_of_what_stands_still_do_not_decay(world):
    still = {"entropy": {"systems": {"mixing": "identity", "skew": "identity", "steady": "identity"}, "steps": 20}}
    np.testing.assert_allclose(wiener(case("entropy", **still), world)["wiener"][1][:3], 1)


def test_small_divisors_are_exact():
    assert pair.gain(100) == pytest.approx(1591.5, abs=0.1)
    assert pair.gain(10**6) == pytest.approx(1.59155e17, rel=1e-5)
    assert pair.gain(3) == pytest.approx(1 / abs(np.exp(6j * np.pi * float(pair.ALPHA)) - 1))


def test_the_phase_solves_its_equation():
    """|u(x + alpha) - u(x)| has the amplitude of f, at a wave of ordinary divisor."""
    x, wave = np.linspace(0, 1, 10001), 3
    u = pair.swing(0.02, wave) * np.cos(2 * np.pi * wave * np.stack([x, x + float(pair.ALPHA)]))
    assert abs(u[1] - u[0]).max() == pytest.approx(0.02, rel=1e-6)


def test_what_a_box_of_waves_sees():
    """By the fast Fourier transform; without a phase it is all."""
    x = np.arange(4096) / 4096
    share = abs(np.fft.fft(np.exp(-2j * np.pi * 0.7 * np.cos(2 * np.pi * 3 * x))) / 4096) ** 2
    within = abs(np.fft.fftfreq(4096, 1 / 4096)) < 10
    assert pair.visible(0.7, 3, 10) == pytest.approx(share[within].sum(), abs=1e-12)
    assert pair.visible(0.0, 3, 10) == 1


def test_methods_see_a_coarse_perturbation():
    nodes = np.random.default_rng(1).integers(2**32, size=(300, 2))
    made = [pair.outputs(*pair.images(nodes, 2**32, amplitude, 10**6), 2) for amplitude in (0.0, 0.1)]
    assert not pair.differences(made[0], made[0]).any()
    assert (pair.differences(*made) > 1e-3).all()


@pytest.mark.parametrize("name", flows.FLOWS)
def test_flows_are_isometries(world, name):
    """The least entries of L - G, functions of low degree, vanish; functions are odd."""
    matrices = train(case("train"), world)[name]["matrix"].values[..., 0]
    low = slice(0, 3)
    np.testing.assert_allclose(matrices[2][low, low], matrices[0][low, low], atol=0.02)
    state = np.array([[0.3, -1.1], [-0.3, 1.1]])
    plus, minus = flows.functions(name, (4, 5), 4.0, state)
    np.testing.assert_allclose(plus, -minus, atol=1e-12)


def test_duffings_functions_are_orthonormal():
    x, weight = flows.quadrature("duffing", (80, 40), 4.0)
    values = flows.functions("duffing", (6, 6), 4.0, x)
    np.testing.assert_allclose(values.T @ (weight[:, None] * values), np.eye(values.shape[1]), atol=1e-6)


def test_flows_keep_their_energy(world):
    for name in flows.FLOWS:
        orbit = world[name]["orbit"].values
        energy = orbit[..., 1] ** 2 / 2 + flows.potential(name, orbit[..., 0])
        np.testing.assert_allclose(energy, np.broadcast_to(energy[:, :1], energy.shape), rtol=1e-5, atol=1e-5)


def test_bounds_add_up():
    np.testing.assert_allclose(
        bounds(np.array([1.0, 0.5]), np.array([0.1, 0.2]), 3), [[0, 0.1, 0.2, 0.3], [0, 0.2, 0.3, 0.35]]
    )


@pytest.mark.parametrize(
    "change, said",
    [
        ({"simulate": {"samples": [30, 200, 400]}}, "the first must be below the 24 functions"),
        ({"simulate": {"samples": [12, 20, 400]}}, "all but the first must reach the 24 functions"),
        ({"simulate": {"samples": [12, 400, 200]}}, "must rise"),
        ({"train": {"sizes": [4, 2]}}, "must rise"),
        ({"train": {"degrees": {"pendulum": [4, 4]}}}, "train.degrees: give duffing, pendulum"),
        ({"entropy": {"systems": {"mixing": "cat"}}}, "entropy.systems: give mixing, skew, steady"),
        ({"entropy": {"grid": 4}}, "must be odd"),
        ({"simulate": {"nodes": [41, 30]}}, "nodes"),
    ],
)
def test_bad_parameters_are_named(change, said):
    whole = case("simulate").params.model_dump()
    for step, values in change.items():
        whole[step] |= values
    with pytest.raises(UserError, match=said):
        check(Params, whole, STUDY)
