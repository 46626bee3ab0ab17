"""What a soliton's metric says: entanglement of a hemisphere, volume, curvature at the centre, gap of a massless probe.

Profiles have shape (..., angles), at the Chebyshev nodes z of `gravity.angles` with r = tan z; `above` is f - r^2.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev

POINTS = 40
"""Of the Gauss-Legendre rules."""
NEAR, DEGREE = 0.8, 7
"""Angles below which f is fitted about the centre, and the degree of the fit in z^2 (the constant is 1)."""


def at(profile: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """A profile at other angles, shape (..., new angles), by its Chebyshev polynomial."""
    count = profile.shape[-1]
    x = -np.cos(np.pi * np.arange(count) / (count - 1))
    coefficients = np.linalg.solve(chebyshev.chebvander(x, count - 1), np.moveaxis(profile, -1, 0).reshape(count, -1))
    return chebyshev.chebval(4 * angle / np.pi - 1, coefficients).reshape(*profile.shape[:-1], angle.size)


def rule(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of a quadrature between two numbers."""
    x, w = np.polynomial.legendre.leggauss(POINTS)
    return low + (high - low) * (1 + x) / 2, w * (high - low) / 2


def entanglement(above: np.ndarray) -> np.ndarray:
    """Finite part of the area of the equatorial plane over 2 pi: integral of r / sqrt f - 1 over all r, shape (...)."""
    r, w = rule(0, 1)
    inside = (r / np.sqrt(r**2 + at(above, np.arctan(r))) - 1) @ w
    k = at(above, np.pi / 2 - np.arctan(r))  # at s = 1 / r
    g = np.sqrt(1 + r**2 * k)
    return inside - (k / (g * (1 + g))) @ w


def volume(above: np.ndarray, cutoff: float) -> np.ndarray:
    """Volume over 4 pi below a radius, less that of AdS, shape (...)."""
    r, w = rule(0, 1)
    inside = (r**2 * ((r**2 + at(above, np.arctan(r))) ** -0.5 - (r**2 + 1) ** -0.5)) @ w
    x, w = rule(-np.log(cutoff), 0)
    s = np.exp(x)
    k = at(above, np.pi / 2 - np.arctan(s))
    g, empty = np.sqrt(1 + s**2 * k), np.sqrt(1 + s**2)
    return inside + ((1 - k) / (g * empty * (g + empty))) @ w


def central_curvature(above: np.ndarray, chi: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Ricci scalar at the centre from the metric: -12 f2 + 6 chi2, with f = 1 + f2 r^2 and chi = chi0 + chi2 r^2."""
    near = (angle > 0) & (angle < NEAR)
    square = np.tan(angle[near]) ** 2
    powers = angle[near, None] ** (2 * np.arange(DEGREE))

    def second(values):
        rates = (values / square).reshape(-1, square.size).T
        return np.linalg.lstsq(powers, rates, rcond=None)[0][0].reshape(values.shape[:-1])

    return -12 * second(square + above[..., near] - 1) + 6 * second(chi[..., near] - chi[..., :1])


def gap(above: np.ndarray, chi: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Lowest frequency of a spherical massless probe in the boundary's time, shape (...).

    With E = exp(-chi / 2) and f = G / cos^2 z: (tan^2 z E G u')' / tan^2 z + w^2 u / (E G) = 0, regular at the
    centre, 0 at the boundary.
    """
    count = angle.size
    x = 4 * angle / np.pi - 1
    vander = chebyshev.chebvander(x, count - 1)
    to_slopes = chebyshev.chebvander(x, count - 2) @ chebyshev.chebder(np.eye(count), axis=0)
    d = 4 / np.pi * to_slopes @ np.linalg.inv(vander)
    redshift = np.exp(-(chi - chi[..., -1:]) / 2)
    metric = redshift * (np.sin(angle) ** 2 + above * np.cos(angle) ** 2)
    found = np.empty(above.shape[:-1])
    for place in np.ndindex(found.shape):
        found[place] = lowest(metric[place], d, angle)
    return found


def lowest(metric: np.ndarray, d: np.ndarray, angle: np.ndarray) -> float:
    """Smallest frequency for one E G, shape (angles,), with the differentiation matrix."""
    inner = slice(1, -1)
    double = np.sin(2 * angle)[inner, None]
    m = metric[inner, None]
    operator = m * (d @ d)[inner] + ((d @ metric)[inner, None] + 4 * m / double) * d[inner]
    # u' = 0 at the centre gives u there; u = 0 at the boundary.
    reduced = operator[:, inner] - np.outer(operator[:, 0], d[0, inner]) / d[0, 0]
    squares = np.linalg.eigvals(-m * reduced)
    real = squares[abs(squares.imag) < 1e-6 * abs(squares)].real
    return float(np.sqrt(real[real > 0].min()))
