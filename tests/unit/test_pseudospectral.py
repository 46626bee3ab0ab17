"""Spectral steppers against known answers: Burgers by Cole and Hopf, orders of convergence, exact linear laws."""

import numpy as np
import pytest

from pesin.integrate.pseudospectral import (
    advection,
    complex_normals,
    correlation_function,
    dealias,
    etdrk4,
    half_plane,
    noisy_exponential_euler,
    wavenumbers,
)

POINTS, LENGTH, NU = 128, 2 * np.pi, 0.1
X = LENGTH * np.arange(POINTS) / POINTS
WAVE, KEPT = wavenumbers(POINTS, LENGTH), dealias(POINTS)


def burgers(start, coefficient, time, steps):
    *_, modes = etdrk4(
        -NU * WAVE**2, advection(coefficient, WAVE, KEPT, POINTS), np.fft.rfft(start), time / steps, steps
    )
    return np.fft.irfft(modes, POINTS)


def test_burgers_has_the_solution_of_cole_and_hopf():
    """u = -2 nu d ln(theta)/dx with theta = 2 + exp(-nu t) cos x, which solves the heat equation."""

    def exact(t):
        decay = np.exp(-NU * t)
        return 2 * NU * decay * np.sin(X) / (2 + decay * np.cos(X))

    np.testing.assert_allclose(burgers(exact(0), 1.0, 3.0, 60), exact(3), atol=1e-9)


def test_etdrk4_has_order_four():
    truth = burgers(np.sin(X) + 0.5 * np.cos(2 * X), 1.0, 1.0, 3200)
    errors = [abs(burgers(np.sin(X) + 0.5 * np.cos(2 * X), 1.0, 1.0, n) - truth).max() for n in (20, 40, 80)]
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 4, atol=0.3)


def test_burgers_looks_the_same_from_a_moving_frame():
    """If u(x, t) solves it, so does u(x - a U t, t) + U; U t a = 2 pi / 8 is a whole number of cells."""
    start, coefficient, time = np.sin(X) + 0.3 * np.cos(3 * X), 1.5, 1.0
    speed = LENGTH / 8 / (coefficient * time)
    moved = np.roll(burgers(start, coefficient, time, 800), POINTS // 8) + speed
    np.testing.assert_allclose(burgers(start + speed, coefficient, time, 800), moved, atol=1e-9)


def test_a_quadratic_term_of_kept_modes_is_free_of_aliases():
    rng = np.random.default_rng(0)
    modes = np.where(KEPT, complex_normals(rng, KEPT.shape), 0)
    modes[0] = 0
    fine = np.zeros(2 * POINTS // 2 + 1, complex)
    fine[: modes.size] = 2 * modes  # the same field on twice as many points
    found = advection(1.0, WAVE, KEPT, POINTS)(modes)
    twice = advection(1.0, wavenumbers(2 * POINTS, LENGTH), dealias(2 * POINTS), 2 * POINTS)(fine)
    np.testing.assert_allclose(found[KEPT], twice[: modes.size][KEPT] / 2, atol=1e-10)
    assert not found[~KEPT].any()


def test_without_nonlinear_part_the_noisy_stepper_is_exact_at_any_step():
    rng, copies = np.random.default_rng(1), 20_000
    linear, power = np.array([0.0, -0.5, -30.0]), np.array([2.0, 1.0, 3.0])
    *_, end = noisy_exponential_euler(
        linear,
        np.zeros_like,
        np.zeros((copies, 3), complex),
        power,
        0.7,
        3,
        lambda: complex_normals(rng, (copies, 3)),
    )
    expected = np.array([2.0 * 2.1, (1 - np.exp(-2.1)) / 1.0, 3 / 60])
    np.testing.assert_allclose((abs(end) ** 2).mean(0), expected, rtol=5 / copies**0.5)
    assert abs((end**2).mean(0)).max() < 5 * expected.max() / copies**0.5  # no preferred phase


def test_the_noisy_stepper_converges_to_the_quiet_solution():
    start, nonlinear = np.fft.rfft(np.sin(X)), advection(1.0, WAVE, KEPT, POINTS)
    *_, truth = etdrk4(-NU * WAVE**2, nonlinear, start, 0.005, 200)
    errors = []
    for steps in (50, 100, 200):
        *_, end = noisy_exponential_euler(-NU * WAVE**2, nonlinear, start, 0, 1 / steps, steps, lambda: 0.0)
        errors.append(abs(end - truth).max())
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, atol=0.1)


def test_a_half_plane_has_each_pair_once():
    vectors = half_plane(8, 2 * np.pi)
    both = {tuple(v) for v in np.rint(np.concatenate([vectors, -vectors])).astype(int)}
    assert len(vectors) == 24 and both == {(i, j) for i in range(-3, 4) for j in range(-3, 4)} - {(0, 0)}


def test_the_correlation_function_is_that_of_the_field():
    """Of one field: C(r) from its modes equals the mean of f(x) f(x + r) over the grid."""
    points, length, rng = 16, 5.0, np.random.default_rng(2)
    vectors = half_plane(points, length)
    modes = complex_normals(rng, (len(vectors),))
    axis = length / points * np.arange(points)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    field = (2 * (modes @ np.exp(1j * vectors @ places.T)).real / length).reshape(points, points)
    expected = np.fft.ifft2(abs(np.fft.fft2(field)) ** 2).real / points**2
    np.testing.assert_allclose(
        correlation_function(abs(modes) ** 2, vectors, places, length), expected.ravel(), atol=1e-12
    )


def test_a_share_outside_of_the_unit_interval_is_refused():
    with pytest.raises(ValueError, match="share"):
        dealias(64, 0.0)
