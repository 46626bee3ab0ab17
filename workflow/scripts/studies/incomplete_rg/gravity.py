"""Static Einstein-scalar gravity in global AdS4: solitons, hairy black holes, and their boundary data.

Action (16 pi G = 1, AdS radius and boundary sphere 1): the integral of sqrt(-g) [R - k (d phi)^2 / 2 + 6 - k (V + 6)],
with k = 1, or 0 for a scalar that does not bend the metric; ds^2 = -f exp(-chi) dt^2 + dr^2 / f + r^2 dOmega^2, phi(r).

Outside, s = 1 / r and phi = s psi; f = r^2 + 1 + k psi^2 / 4 - 2 mu s. In (psi, d psi / ds, mu, chi) the equations are
regular at s = 0, where the source a = psi, the response b = d psi / ds and the energy 16 pi mu are read off, without a
fit: with f = r^2 + 1 + k a^2 / 4 - 2 m1 / r + ..., mu = m1 + k a b / 4, and 4 pi (4 m1 + k a b) obeys the first law.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pesin.integrate.ode import solve_together

LARGEST = 12
"""Scalars are not sought beyond it."""
START = 1e-4
"""Radius at which the expansion about a soliton's centre is left; its error is of fourth order."""
HORIZON = 1e-6
"""The same for horizons, as a share of 1 / r_h."""
SERIES = 9
"""Terms of cosh and sinh without their first two: exact for |phi| < 5."""


class Theory(NamedTuple):
    """V = -6 - phi^2 + quartic phi^4 - 6 cosh_part (cosh(phi / sqrt 3) - 1 - phi^2 / 6), for each member."""

    quartic: np.ndarray
    cosh_part: np.ndarray
    backreaction: float = 1.0


class Soliton(NamedTuple):
    """Boundary data, shape (members,), and profiles, shape (members, angles)."""

    source: np.ndarray
    response: np.ndarray
    mu: np.ndarray
    chi_inf: np.ndarray
    phi: np.ndarray
    chi: np.ndarray
    above: np.ndarray
    """f - r^2."""


class Hole(NamedTuple):
    """Boundary data and thermodynamics of black holes, shape (members,)."""

    source: np.ndarray
    response: np.ndarray
    energy: np.ndarray
    temperature: np.ndarray
    entropy: np.ndarray
    chi_inf: np.ndarray


def theory(names: Sequence[str], each: int, quartic: float, backreaction: float = 1.0) -> Theory:
    """For `each` members of every potential, one potential after another: `quadratic`, `cosh`, `quartic`."""
    of = np.repeat(list(names), each)
    return Theory(quartic * (of == "quartic"), 1.0 * (of == "cosh"), backreaction)


def self_interaction(phi: np.ndarray, of: Theory) -> tuple[np.ndarray, np.ndarray]:
    """(W / phi^4, W' / phi^3) for V = -6 - phi^2 + W."""
    square = phi**2 / 3
    even, odd = np.ones_like(square), np.ones_like(square)
    for n in range(SERIES, 0, -1):
        for part, factor in ((even, (2 * n + 3) * (2 * n + 4)), (odd, (2 * n + 2) * (2 * n + 3))):
            part *= square
            part *= 1 / factor
            part += 1
    return of.quartic - of.cosh_part * even / 36, 4 * of.quartic - of.cosh_part * odd / 9


def potential(phi: np.ndarray, of: Theory) -> np.ndarray:
    """V(phi)."""
    return -6 - phi**2 + phi**4 * self_interaction(phi, of)[0]


def outer(s, y: np.ndarray, of: Theory) -> np.ndarray:
    """d/ds of (psi, d psi / ds, mu, chi), shape (..., 4); s broadcasts against (...)."""
    psi, p, mu = y[..., 0], y[..., 1], y[..., 2]
    fourth, third = self_interaction(s * psi, of)
    square = psi * psi
    above = 1 + of.backreaction * square / 4 - 2 * mu * s
    flow = psi + s * p
    bend = of.backreaction * (square - s**2 * square * square * fourth) / 2
    rise = (1 - above) * psi + (1 - 3 * above) * s * p + square * psi * third + bend * flow
    out = np.empty_like(y)
    out[..., 0] = p
    out[..., 1] = rise / (1 + s**2 * above)
    out[..., 2] = -of.backreaction / 8 * (p * p + above * flow * flow + 2 * square * square * fourth)
    out[..., 3] = of.backreaction / 2 * s * flow * flow
    return out


def inner(r: float, y: np.ndarray, of: Theory) -> np.ndarray:
    """d/dr of (phi, d phi / dr, mu, chi), shape (..., 4)."""
    phi, q, mu = y[..., 0], y[..., 1], y[..., 2]
    fourth, third = self_interaction(phi, of)
    w = phi**4 * fourth
    above = 1 + of.backreaction * r**2 * phi**2 / 4 - 2 * mu / r
    f = r**2 + above
    friction = (1 + f) / r + r / 2 * (6 + of.backreaction * (phi**2 - w))
    out = np.empty_like(y)
    out[..., 0] = q
    out[..., 1] = (-2 * phi + phi**3 * third - friction * q) / f
    out[..., 2] = of.backreaction * r**2 / 8 * ((phi + r * q) ** 2 + above * q**2 + 2 * w)
    out[..., 3] = -of.backreaction / 2 * r * q**2
    return out


def angles(count: int) -> np.ndarray:
    """Chebyshev nodes z with r = tan z, shape (count,), odd: centre 0, r = 1 in the middle, boundary pi / 2."""
    return np.pi / 4 * (1 - np.cos(np.pi * np.arange(count) / (count - 1)))


def soliton(centre: np.ndarray, of: Theory, count: int, rtol: float) -> Soliton:
    """Horizonless solutions from their scalar at the centre.

    Parameters
    ----------
    centre : ndarray, shape (members,)
    count
        Odd number of `angles` at which profiles are kept.
    rtol
        Relative tolerance; the absolute one is a hundredth.
    """
    k, half = of.backreaction, count // 2
    z = angles(count)
    radii = np.concatenate([[START], np.tan(z[1:half]), [1.0]])
    fourth, third = self_interaction(centre, of)
    slope = (-2 * centre + centre**3 * third) / 3  # phi'' = V' / 3
    cubed = k / 2 * (centre**2 / 4 - (centre**2 - centre**4 * fourth) / 6)  # f = 1 - V r^2 / 6
    y = np.stack([centre + slope * START**2 / 2, slope * START, cubed * START**3, 0 * centre], -1)
    inside = solve_together(inner, y, radii, (of,), rtol=rtol, atol=rtol / 100)
    phi, q, mu, chi = np.moveaxis(inside[:, -1], -1, 0)
    y = np.stack([phi, -(phi + q), mu, chi], -1)
    s = np.concatenate([[1.0], 1 / np.tan(z[half + 1 : -1]), [0.0]])

    def outwards(t, y):
        return -outer(1 - t, y, of)

    outside = solve_together(outwards, y, 1 - s, rtol=rtol, atol=rtol / 100)
    psi, _, mu, _ = end = np.moveaxis(outside, -1, 0)
    within = 1 + k * radii**2 * inside[..., 0] ** 2 / 4 - 2 * inside[..., 2] / radii
    beyond = 1 + k * psi**2 / 4 - 2 * mu * s
    profiles = ((inside[..., 0], s * psi), (inside[..., 3], end[3]), (within, beyond))
    kept = [np.concatenate([left[:, :-1], right], 1) for left, right in profiles]
    return Soliton(*end[..., -1], *kept)


def hole(radius: np.ndarray, phi: np.ndarray, of: Theory, rtol: float, start: float = HORIZON) -> Hole:
    """Black holes from horizon radius and the scalar there, both of shape (members,).

    Temperature and energy are those of the boundary's own time: with chi = 0 at the horizon, T has a factor
    exp(chi / 2) of the chi at infinity. `start` is where the expansion about the horizon is left, as a share of
    1 / radius.
    """
    s, psi, (fourth, third) = 1 / radius, phi * radius, self_interaction(phi, of)
    above = -(radius**2)
    bend = of.backreaction * (psi**2 - s**2 * psi**4 * fourth) / 2
    p = -((1 - above + bend) * psi + psi**3 * third) / (s * (1 - 3 * above + bend))
    mu = (1 + of.backreaction * psi**2 / 4 - above) * radius / 2
    y = np.stack([psi, p, mu, 0 * psi], -1)
    # All but p, whose rate is 0 / 0 there: its error is of first order, that of the outcome of second.
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.stack([p, 0 * p, *np.moveaxis(outer(s, y, of), -1, 0)[2:]], -1)
    y = y - rate * (s * start)[:, None]

    def outwards(t, y):
        return -s[:, None] * outer(s * (1 - t), y, of)

    with np.errstate(invalid="ignore", over="ignore"):
        end = solve_together(outwards, y, [start, 1.0], rtol=rtol, atol=rtol / 100)[:, -1]
    a, b, mu, chi = np.moveaxis(end, -1, 0)
    slope = 1 / radius + radius / 2 * (6 - of.backreaction * (potential(phi, of) + 6))  # f' at the horizon
    temperature = slope / (4 * np.pi) * np.exp(chi / 2)
    return Hole(a, b, 16 * np.pi * mu, temperature, 16 * np.pi**2 * radius**2, chi)


def ceiling(of: Theory) -> np.ndarray:
    """Scalar at the extremum of the potential, past which it runs away from the boundary's; or the largest."""
    return np.maximum(2 * of.quartic, LARGEST**-2.0) ** -0.5


def shoot(
    target: np.ndarray, guess: np.ndarray, of: Theory, source_of: Callable, near: float, steps: int = 25
) -> np.ndarray:
    """The scalar at the centre or horizon that has the wanted source, for all members at once.

    Secants in logarithms, in which sources are nearly powers of the scalar, kept inside what brackets the answer.

    Parameters
    ----------
    target, guess : ndarray, shape (members,)
        Sources, and first scalars; where the source is 0 so is the answer.
    source_of
        scalars -> sources, both of shape (members,).
    near
        Relative distance from the source that will do.

    Raises
    ------
    ArithmeticError
        If some member is not that near after the last step.
    """
    on = target > 0
    goal = np.log(np.where(on, target, 1))
    low, high = np.full(goal.shape, -np.inf), np.log(ceiling(of))
    x = np.minimum(np.log(np.where(on, guess, 1)), high - 0.1)
    before, missed = x + 0.01, np.full(x.shape, np.nan)
    for _ in range(steps):
        found = np.where(on, source_of(np.where(on, np.exp(x), 0.0)), 1)
        now = np.log(found) - np.where(on, goal, 0)
        done = abs(now) < near
        if done.all():
            return np.where(on, np.exp(x), 0.0)
        low, high = np.where(now > 0, low, x), np.where(now > 0, x, high)
        with np.errstate(invalid="ignore", divide="ignore"):
            move = now * (x - before) / (now - missed)
            middle = np.where(np.isfinite(low + high), (low + high) / 2, x - np.sign(now) / 10)
        trial = x - np.clip(np.where(np.isfinite(move), move, now), -0.3, 0.3)
        trial = np.where((trial > low) & (trial < high), trial, middle)
        before, missed, x = x, now, np.where(done, x, trial)
    raise ArithmeticError(f"{np.sum(~done)} of {target.size} solutions miss their source: can the potential have it?")
