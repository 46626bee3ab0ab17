"""Free energies by two routes, and the Hawking-Page transition: black hole and soliton of one source are level."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline, make_interp_spline

from studies.incomplete_rg.gravity import HORIZON, Theory, hole

STEP = 1e-5
"""Of the derivatives in Newton's method; it only sets how fast that converges."""
CHORDS = 4


class Transition(NamedTuple):
    """Horizon radius, scalar there, and temperature, shape (members,); NaN where none was found."""

    radius: np.ndarray
    scalar: np.ndarray
    temperature: np.ndarray


def integrated(radius: np.ndarray, temperature: np.ndarray, redshift: np.ndarray) -> np.ndarray:
    """Free energy above the soliton's, -integral of S dT along the branch of one source, shape (..., radii).

    r T is smooth down to r = 0, where it is redshift / (4 pi): a small black hole at the soliton's centre.

    Parameters
    ----------
    radius : ndarray, shape (radii,)
    temperature : ndarray, shape (..., radii)
    redshift : ndarray, shape (...)
        exp(chi_inf / 2) of the soliton.
    """
    r = np.concatenate([[0.0], radius])
    scaled = np.concatenate([redshift[..., None] / (4 * np.pi), radius * temperature], -1)
    spline = make_interp_spline(r, np.moveaxis(scaled, -1, 0), k=5)
    # S dT = 16 pi^2 (r u' - u) dr for T = u / r; the integral of r u' is r u less that of u.
    area = spline.antiderivative()(radius)
    return -16 * np.pi**2 * np.moveaxis(radius.reshape(-1, *[1] * redshift.ndim) * spline(radius) - 2 * area, 0, -1)


def level(radius: np.ndarray, free: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """(r, value) at the last zero of a free energy, all over radii of shape (n,); NaN if there is none."""
    roots = CubicSpline(radius, free).roots(extrapolate=False)
    last = roots.max() if roots.size else np.nan
    return float(last), float(CubicSpline(radius, values)(last))


def hawking_page(
    source: np.ndarray,
    energy: np.ndarray,
    radius: np.ndarray,
    scalar: np.ndarray,
    of: Theory,
    rtol: float,
    start: float = HORIZON,
    clock: bool = True,
    rounds: int = 1,
) -> Transition:
    """Solve for horizon radius and scalar that have source and free energy of the soliton: Newton with chords.

    Parameters
    ----------
    source, energy : ndarray, shape (members,)
        Of the solitons, whose free energy is their energy.
    radius, scalar : ndarray, shape (members,)
        First guesses.
    clock
        Whether temperatures are those of the boundary's time.
    rounds
        Times that derivatives are taken; each serves for `CHORDS` steps.
    """

    def misses(x):
        found = hole(np.exp(x[0]), x[1], of, rtol, start)
        temperature = found.temperature * (1 if clock else np.exp(-found.chi_inf / 2))
        return np.stack([found.source - source, found.energy - temperature * found.entropy - energy]), temperature

    x = np.stack([np.log(radius), scalar])
    now, temperature = misses(x)
    for _ in range(rounds):
        slopes = np.stack([(misses(x + STEP * axis[:, None])[0] - now) / STEP for axis in np.eye(2)], 1)
        back = np.linalg.inv(np.moveaxis(slopes, -1, 0))
        for _ in range(CHORDS):
            x = x - (back @ now.T[..., None])[..., 0].T
            now, temperature = misses(x)
    lost = ~(abs(now).max(0) < 1e-6)
    return Transition(*(np.where(lost, np.nan, v) for v in (np.exp(x[0]), x[1], temperature)))
