"""Koopman matrices against systems whose operator is known."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from pesin.models import koopman

RNG = np.random.default_rng(0)
TURN = 0.7
UNITARY = np.linalg.qr(RNG.normal(size=(6, 6)) + 1j * RNG.normal(size=(6, 6)))[0]


def apart(one, other) -> float:
    """Largest distance of eigenvalues, matched to each other."""
    distance = abs(one[:, None] - other[None])
    return distance[linear_sum_assignment(distance)].max()


def unitary(part: int = 6) -> koopman.Galerkin:
    """K is a unitary matrix; the dictionary holds the first functions of a skewed basis."""
    basis = RNG.normal(size=(6, 6))[:, :part]
    return koopman.edmd(basis, UNITARY @ basis, np.ones(6))


def test_delay_vectors_of_a_short_series():
    x = np.arange(4.0)
    np.testing.assert_array_equal(koopman.hankel(x, 2), [[0, 1], [1, 2], [2, 3]])
    two = np.stack([x, 10 * x], 1)
    np.testing.assert_array_equal(koopman.hankel(two, 3)[0], [0, 0, 1, 10, 2, 20])
    with pytest.raises(ValueError, match="a row of 5 samples doesn't fit a series of 4"):
        koopman.hankel(x, 5)
    with pytest.raises(ValueError, match=r"x\[1\] is nan"):
        koopman.hankel([1.0, np.nan, 2.0], 2)


def test_dmd_finds_the_matrix_that_made_the_series():
    matrix = np.array([[0.9, 0.2, 0], [-0.2, 0.9, 0], [0, 0, 0.5]])
    x = RNG.normal(size=(20, 3))
    values, modes = koopman.dmd(x, x @ matrix.T)
    assert apart(values, np.linalg.eigvals(matrix)) < 1e-12
    np.testing.assert_allclose(matrix @ modes, modes * values, atol=1e-12)


def test_delays_give_a_scalar_oscillation_its_frequency():
    rows = koopman.hankel(np.cos(TURN * np.arange(40)), 5)
    values, _ = koopman.dmd(rows[:-1], rows[1:])
    np.testing.assert_allclose(np.sort(np.angle(values)), [-TURN, TURN], atol=1e-9)  # the rank is two
    assert abs(values) == pytest.approx(1, abs=1e-9)


def test_havok_of_two_oscillations_needs_no_forcing():
    """Four coordinates are closed; the fifth, of rounding alone, would be forced by nothing."""
    time = np.arange(300)
    coordinates, step = koopman.havok(np.cos(0.3 * time) + 0.5 * np.cos(TURN * time), 12, 5)
    assert coordinates.shape == (289, 5) and step.shape == (4, 5)
    np.testing.assert_allclose(np.mean(coordinates**2, 0), 1)
    np.testing.assert_allclose(np.sort(np.angle(np.linalg.eigvals(step[:, :4]))), [-TURN, -0.3, 0.3, TURN], atol=1e-6)
    with pytest.raises(ValueError, match="rank must lie between 2 and 12, it is 13"):
        koopman.havok(np.cos(time), 12, 13)


def test_a_whole_dictionary_is_exact():
    matrices = unitary()
    for method in (koopman.eigenpairs, koopman.mpedmd):
        values, vectors = method(matrices)
        assert apart(values, np.linalg.eigvals(UNITARY)) < 1e-10
        assert koopman.residuals(matrices, values, vectors).max() < 1e-6


def test_residuals_are_those_of_the_functions():
    px, py, basis = RNG.normal(size=(9, 3)), RNG.normal(size=(9, 3)), RNG.normal(size=(3, 2))
    matrices, value = koopman.edmd(px, py), np.array([0.3 + 1j, -2])
    expected = np.linalg.norm(py @ basis - px @ basis * value, axis=0) / np.linalg.norm(px @ basis, axis=0)
    np.testing.assert_allclose(koopman.residuals(matrices, value, basis), expected)


def test_tau_is_the_least_singular_value():
    px, py = RNG.normal(size=(30, 4)), RNG.normal(size=(30, 4))
    q, r = np.linalg.qr(px)
    points = np.array([[0, 0.5], [1j, -1.3]])
    expected = [[np.linalg.svd(py @ np.linalg.inv(r) - z * q)[1][-1] for z in row] for row in points]
    matrices = koopman.edmd(px, py)
    found = koopman.pseudospectrum(matrices, points)
    np.testing.assert_allclose(found, expected)
    reached = koopman.least_residual(matrices, points.ravel())
    np.testing.assert_allclose(koopman.residuals(matrices, points.ravel(), reached), found.ravel())


def test_tau_of_a_part_stays_above_the_distance_to_the_spectrum():
    matrices, points = unitary(), RNG.normal(size=30) + 1j * RNG.normal(size=30)
    distance = abs(points[:, None] - np.linalg.eigvals(UNITARY)).min(1)
    tau = [koopman.pseudospectrum(matrices.part(np.arange(n)), points) for n in (2, 4, 6)]
    assert (np.diff(tau, axis=0) < 1e-9).all() and (tau[1] > distance).all()
    np.testing.assert_allclose(tau[-1], distance, atol=1e-7)


def test_with_fewer_snapshots_than_functions_every_number_passes():
    px, py = RNG.normal(size=(5, 12)), RNG.normal(size=(5, 12))
    np.testing.assert_allclose(koopman.pseudospectrum(koopman.edmd(px, py), [0, 1, 2j]), 0, atol=1e-5)


def test_mpedmd_stays_on_the_circle_where_edmd_falls_off():
    matrices = unitary(3)
    assert abs(koopman.eigenpairs(matrices)[0]).min() < 0.95
    values, vectors = koopman.mpedmd(matrices)
    np.testing.assert_allclose(abs(values), 1, rtol=1e-12)
    np.testing.assert_allclose(vectors.conj().T @ matrices.G @ vectors, np.eye(3), atol=1e-10)


def test_weights_are_a_quadrature():
    px, py, w = RNG.normal(size=(4, 2)), RNG.normal(size=(4, 2)), np.array([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(koopman.edmd(px, py, w).A, sum(w[i] * np.outer(px[i], py[i]) for i in range(4)))
    with pytest.raises(ValueError, match=r"py\[0, 0\] is nan"):
        koopman.edmd(px, np.full((4, 2), np.nan), w)
