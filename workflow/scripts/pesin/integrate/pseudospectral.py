"""Fields on a periodic line, stepped mode by mode: the linear part exactly, the nonlinear one in real space.

A field u(x) of n equally spaced points has the modes `np.fft.rfft(u)`; leading axes are runs. The equations are
du_k/dt = L_k u_k + N(u)_k (+ noise), with L diagonal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

Modes = np.ndarray
Nonlinear = Callable[[Modes], Modes]
"""Modes (..., n // 2 + 1) -> the nonlinear part of their rates, of the same shape."""


def wavenumbers(points: int, length: float) -> np.ndarray:
    """Of the modes of a real field: 2 pi j / length, j = 0 .. points // 2; shape (points // 2 + 1,), in 1 / length."""
    return 2 * np.pi / length * np.arange(points // 2 + 1)


def dealias(points: int, share: float = 2 / 3) -> np.ndarray:
    """Which modes a quadratic term leaves right: j below share x points / 2, yes or no; shape (points // 2 + 1,).

    With two thirds no product of two kept modes folds back onto a kept one (Orszag, J. Atmos. Sci. 28, 1074, 1971).
    """
    if not 0 < share <= 1:
        raise ValueError(f"share lies above 0 and is at most 1, it is {share}")
    return np.arange(points // 2 + 1) < share * points / 2


def half_plane(points: int, length: float) -> np.ndarray:
    """Wave vectors of a real field on a periodic square, one of each pair k, -k.

    Parameters
    ----------
    points
        Points along an edge; the modes at half of them, which are their own partners, are left out, and so is k = 0.
    length
        Of an edge.

    Returns
    -------
    ndarray, shape (modes, 2)
        kx > 0, or kx = 0 and ky > 0; in 1 / length.
    """
    whole = np.arange(-((points - 1) // 2), (points - 1) // 2 + 1)
    pairs = np.stack(np.meshgrid(whole, whole, indexing="ij"), -1).reshape(-1, 2)
    kept = (pairs[:, 0] > 0) | ((pairs[:, 0] == 0) & (pairs[:, 1] > 0))
    return 2 * np.pi / length * pairs[kept]


def correlation_function(spectrum, vectors, places, length: float) -> np.ndarray:
    """C(r) = <f(x) f(x + r)> of a real field from the power of its modes, by the theorem of Wiener and Khinchin.

    Parameters
    ----------
    spectrum : array_like, shape (..., modes)
        S(k) = E|f_k|^2, where f(x) = sum_k f_k exp(i k x) / sqrt(volume), at one vector of each pair k, -k.
    vectors : array_like, shape (modes, dim)
        Such as those of `half_plane`.
    places : array_like, shape (n, dim)
        r.
    length
        Edge of the periodic box, whose volume is length^dim.

    Returns
    -------
    ndarray, shape (..., n)
        (2 / volume) sum_k S(k) cos(k r): in the square of the unit of f.
    """
    k, r = np.asarray(vectors, float), np.asarray(places, float)
    return 2 / length ** k.shape[-1] * np.asarray(spectrum, float) @ np.cos(k @ r.T)


# ------------------------------------------------------------------------------------------------------------ steppers


def etdrk4(linear, nonlinear: Nonlinear, modes: Modes, step: float, steps: int, every: int = 1) -> Iterator[Modes]:
    """Exponential time differencing of order 4 (Cox and Matthews, J. Comput. Phys. 176, 430, 2002).

    Its coefficients as means over a circle in the complex plane, where the quotients don't cancel (Kassam and
    Trefethen, SIAM J. Sci. Comput. 26, 1214, 2005). Without a nonlinear part it is exact.

    Parameters
    ----------
    linear : array_like, shape (..., modes)
        L, real or complex; broadcast against the modes.
    nonlinear
        Called four times a step.
    modes : ndarray, shape (..., modes)
    step, steps
        Length of a step, and how many.
    every
        Steps between two states that are handed out.

    Yields
    ------
    ndarray, shape (..., modes)
    """
    rate = step * np.asarray(linear)
    half, whole = np.exp(rate / 2), np.exp(rate)
    circle = rate[..., None] + np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)

    def mean(values):
        found = step * values.mean(-1)
        return found if np.iscomplexobj(rate) else found.real

    grown = np.exp(circle)
    to_half = mean(np.expm1(circle / 2) / circle)
    first = mean((-4 - circle + grown * (4 - 3 * circle + circle**2)) / circle**3)
    middle = mean((2 + circle + grown * (circle - 2)) / circle**3)
    last = mean((-4 - 3 * circle - circle**2 + grown * (4 - circle)) / circle**3)
    for count in range(1, steps + 1):
        n1 = nonlinear(modes)
        a = half * modes + to_half * n1
        n2 = nonlinear(a)
        b = half * modes + to_half * n2
        n3 = nonlinear(b)
        n4 = nonlinear(half * a + to_half * (2 * n3 - n1))
        modes = whole * modes + first * n1 + 2 * middle * (n2 + n3) + last * n4
        if count % every == 0:
            yield modes


def noisy_exponential_euler(
    linear,
    nonlinear: Nonlinear,
    modes: Modes,
    power,
    step: float,
    steps: int,
    draw: Callable[[], Modes],
    every: int = 1,
) -> Iterator[Modes]:
    """Exponential Euler for du_k = (L_k u_k + N(u)_k) dt + sqrt(power_k) dW_k: the linear process is exact in law.

    u' = exp(L h) u + (exp(L h) - 1) / L N(u) + xi, with E|xi|^2 = power (exp(2 L h) - 1) / (2 L). Strong order 1 for
    such additive noise (Jentzen and Kloeden, Proc. R. Soc. A 465, 649, 2009). It is unstable where the nonlinear part
    moves a field by more than a small part of a cell in a step.

    Parameters
    ----------
    linear : array_like, shape (..., modes)
        L, real.
    nonlinear
        Called once a step.
    modes : ndarray, shape (..., modes)
        Complex.
    power : array_like, shape (..., modes)
        E|dW_k sqrt(power)|^2 per unit of time, 0 for modes without noise.
    step, steps, every
        As for `etdrk4`.
    draw
        -> complex numbers of the shape of the modes, E|.|^2 = 1; see `complex_normals`.

    Yields
    ------
    ndarray, shape (..., modes)
    """
    rate = step * np.asarray(linear, float)
    decay, pushed = np.exp(rate), step * _phi(rate)
    size = np.sqrt(step * np.asarray(power, float) * _phi(2 * rate))
    for count in range(1, steps + 1):
        modes = decay * modes + pushed * nonlinear(modes) + size * draw()
        if count % every == 0:
            yield modes


def complex_normals(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Complex normal numbers, E|z|^2 = 1, real and imaginary part independent and alike."""
    return rng.standard_normal((*shape, 2)).view(complex)[..., 0] * 0.5**0.5


def advection(coefficient, wave: np.ndarray, kept: np.ndarray, points: int) -> Nonlinear:
    """-coefficient u du/dx as -(coefficient / 2) d(u^2)/dx, of modes that are `kept` (`dealias`).

    Parameters
    ----------
    coefficient : float, or array_like, shape (..., 1)
    wave, kept : ndarray, shape (points // 2 + 1,)
        `wavenumbers`, `dealias`.
    points
    """
    factor = -0.5j * np.asarray(coefficient) * np.where(kept, wave, 0)

    def rate(modes: Modes) -> Modes:
        field = np.fft.irfft(np.where(kept, modes, 0), points)
        return factor * np.fft.rfft(field * field)

    return rate


def _phi(rate: np.ndarray) -> np.ndarray:
    """(exp(z) - 1) / z, 1 at 0."""
    safe = np.where(rate == 0, 1, rate)
    return np.where(rate == 0, 1, np.expm1(safe) / safe)
