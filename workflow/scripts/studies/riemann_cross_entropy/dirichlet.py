"""Dirichlet series with periodic coefficients, by Euler-Maclaurin: zeta, and Davenport and Heilbronn's function.

The second has a functional equation like zeta's, no Euler product, and zeros off the critical line (Titchmarsh, The
Theory of the Riemann Zeta-Function, 10.25; R. Spira, Math. Comp. 63, 747 (1994)).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import bernoulli, factorial, loggamma

TAU = (np.sqrt(10 - 2 * np.sqrt(5)) - 2) / (np.sqrt(5) - 1)
COEFFICIENTS = {"zeta": (1.0,), "davenport_heilbronn": (1.0, TAU, -TAU, -1.0, 0.0)}
"""c(1), ..., c(q) of sum c(m) m^-s, which repeat; they vanish where m shares a factor with q, and only there."""
OFF_LINE = 0.808517182 + 85.699348485j
"""The lowest zero of Davenport and Heilbronn's function off the line, with its mirror image 1 - conj."""
TERMS, CORRECTIONS, PER_HEIGHT = 40, 12, 0.4
"""Least number of periods summed, terms of the remainder's series, and periods per unit of height."""
CHUNK = 2048


def values(function: str, s) -> np.ndarray:
    """f(s), to about 1e-11 for 0 <= Re s <= 1 and heights below 100; to about 1e-13 of the height above.

    Parameters
    ----------
    function
        A key of `COEFFICIENTS`.
    s : array_like of complex
        Not 1.

    Returns
    -------
    ndarray
        Of the same shape.
    """
    s = np.asarray(s, complex)
    flat = s.reshape(-1)
    found = np.empty(flat.size, complex)
    for start in range(0, flat.size, CHUNK):
        found[start : start + CHUNK] = _values(COEFFICIENTS[function], flat[start : start + CHUNK])
    return found.reshape(s.shape)


def _values(coefficients: tuple[float, ...], s: np.ndarray) -> np.ndarray:
    period = len(coefficients)
    terms = max(TERMS, int(np.ceil(PER_HEIGHT * abs(s.imag).max(initial=0.0))))
    return _sums(period * terms, coefficients, s) + _remainders(terms, coefficients, s)


def _sums(largest: int, coefficients: tuple[float, ...], s: np.ndarray) -> np.ndarray:
    """Sum of c(m) m^-s for m <= largest: exponentials of the primes alone, the other powers are products."""
    period = len(coefficients)
    of = np.array([coefficients[(m - 1) % period] for m in range(1, largest + 1)])
    powers = np.empty((largest, s.size), complex)
    powers[0] = 1.0
    for m, factor in enumerate(_least_factors(largest)[2:].tolist(), start=2):
        if of[m - 1] == 0 and period > 1:  # shares a factor with the period: so do all of its multiples
            powers[m - 1] = 0.0
        elif factor == m:
            np.exp(-np.log(m) * s, out=powers[m - 1])
        else:
            np.multiply(powers[factor - 1], powers[m // factor - 1], out=powers[m - 1])
    return (of @ powers.view(float)).view(complex)


@cache
def _least_factors(largest: int) -> np.ndarray:
    least = np.arange(largest + 1)
    for p in range(2, int(largest**0.5) + 1):
        if least[p] == p:
            multiples = least[p * p :: p]
            multiples[multiples == np.arange(p * p, largest + 1, p)] = p
    return least


def _remainders(terms: int, coefficients: tuple[float, ...], s: np.ndarray) -> np.ndarray:
    """Sum of c(m) m^-s over m > period x terms, by Euler and Maclaurin: for each k, of (x + n)^-s over n >= 0."""
    period, order = len(coefficients), np.arange(1, CORRECTIONS + 1)
    factors = bernoulli(2 * CORRECTIONS)[2 * order] / factorial(2 * order)
    rising = np.empty((CORRECTIONS, s.size), complex)
    rising[0] = s
    for i in range(1, CORRECTIONS):
        np.multiply(rising[i - 1], (s + 2 * i - 1) * (s + 2 * i), out=rising[i])
    total, pole = np.zeros(s.size, complex), 1 / (s - 1)
    for k, c in enumerate(coefficients, start=1):
        if c:
            x = terms + k / period
            series = ((factors * x ** (1.0 - 2 * order)) @ rising.view(float)).view(complex)
            total += c * np.exp(-np.log(period * x) * s) * (x * pole + 0.5 + series)
    return total


def derivative(function: str, s, step: float = 1e-3) -> np.ndarray:
    """f'(s), by the four points around s; errors of the order step^4."""
    s = np.asarray(s, complex)
    turns = np.array([1, 1j, -1, -1j])
    return (values(function, s[..., None] + step * turns) / turns).mean(-1) / step


def zeros_within(function: str, low: float, high: float, per_unit: int = 200) -> int:
    """Number of zeros with 0 < Re s < 1 and low < Im s < high, by the argument principle (whatever their real part).

    Raises
    ------
    ValueError
        If the argument turns too fast along the contour: a zero lies almost on it.
    """
    edges = [0 + 1j * low, 1 + 1j * low, 1 + 1j * high, 0 + 1j * high, 0 + 1j * low]
    path = [
        a + (b - a) * np.linspace(0, 1, int(np.ceil(abs(b - a) * per_unit)) + 1)[:-1]
        for a, b in zip(edges[:-1], edges[1:], strict=True)
    ]
    around = values(function, np.concatenate([*path, [edges[0]]]))
    turns = np.angle(around[1:] / around[:-1])
    if abs(turns).max() > 1.5:
        raise ValueError(f"a zero of {function} lies almost on the contour from height {low} to {high}")
    return int(np.rint(turns.sum() / (2 * np.pi)))


def smooth_count(height) -> np.ndarray:
    """Zeros of zeta up to a height on average, theta(t) / pi + 1 (Riemann and von Mangoldt)."""
    t = np.asarray(height, float)
    return (loggamma(0.25 + 0.5j * t).imag - t / 2 * np.log(np.pi)) / np.pi + 1


def small_area(function: str, zero: complex, level: float, angles: int = 64) -> float:
    """Area around a simple zero on which |f| < level: r(angle) by Newton, then the mean of r^2."""
    turn = np.exp(2j * np.pi * np.arange(angles) / angles)
    r = np.full(angles, level / abs(derivative(function, zero)))
    for _ in range(8):
        at = zero + r * turn
        f, slope = values(function, at), derivative(function, at)
        r = r - (abs(f) - level) * abs(f) / (f.conj() * slope * turn).real
    return float(np.pi * (r**2).mean())
