"""Temperature, and two thermostats that rescale all velocities: one canonical, one not."""

from __future__ import annotations

import math

import numpy as np


def temperature(v: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Of velocities (..., atoms, 3) and masses (atoms,): 2 K over the degrees of freedom, less the centre's three."""
    return (mass[:, None] * v**2).sum((-1, -2)) / freedom(v.shape[-2])


def freedom(atoms: int) -> int:
    """Degrees of freedom of the velocities at rest as a whole."""
    return 3 * atoms - 3


def csvr(rng: np.random.Generator, now: np.ndarray, target: float, degrees: int, relax: float) -> np.ndarray:
    """Factor of the velocities in a step of canonical rescaling.

    Bussi, Donadio and Parrinello, J. Chem. Phys. 126, 014101 (2007), appendix A.

    Parameters
    ----------
    now : ndarray
        Temperatures; each copy has its own noise. One that isn't finite stays so.
    target
        Temperature of the bath.
    degrees
        Degrees of freedom, 2 or more.
    relax
        Relaxation time in steps.

    Returns
    -------
    ndarray, of the shape of `now`
    """
    kept = math.exp(-1 / relax)
    one = rng.standard_normal(now.shape)
    others = 2 * rng.standard_gamma((degrees - 1) / 2, now.shape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = target / (degrees * now)
        square = kept + share * (1 - kept) * (one**2 + others) + 2 * one * np.sqrt(kept * share * (1 - kept))
        return np.sqrt(np.maximum(square, 0))


def berendsen(now: np.ndarray, target: float, relax: float) -> np.ndarray:
    """The same relaxation without noise: too narrow a distribution of the kinetic energy."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.sqrt(np.maximum(1 + (target / now - 1) * (1 - math.exp(-1 / relax)), 0))
