"""A molecule of two dihedral angles, its exact coarse graining to one, and what is asked of a free energy.

Energies are in kT, angles in rad on [-pi, pi), forces in kT/rad.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

QUADRATURE = 720


def angles(points: int) -> np.ndarray:
    """The same distance apart on the circle, from -pi on; sums over them are the trapezoidal rule."""
    return -np.pi + 2 * np.pi * np.arange(points) / points


def energy(phi, psi, coupling: float, third: float = 0.8, second: float = 1.0) -> np.ndarray:
    """W(phi, psi); `third` is the coefficient of cos 3 phi, `second` that of cos 2 psi."""
    own = 2 * np.cos(phi) + 1.5 * np.cos(2 * phi + 0.5) + third * np.cos(3 * phi)
    return own + coupling * np.cos(psi - phi) + second * np.cos(2 * psi)


def force(phi, psi, coupling: float, third: float = 0.8) -> np.ndarray:
    """-dW/dphi, which is what force matching is given."""
    own = 2 * np.sin(phi) + 3 * np.sin(2 * phi + 0.5) + 3 * third * np.sin(3 * phi)
    return own - coupling * np.sin(psi - phi)


def coarse(phi: np.ndarray, coupling: float, third: float = 0.8, second: float = 1.0):
    """Potential of mean force, mean force and its variance given phi, psi integrated out.

    Parameters
    ----------
    phi : ndarray, shape (points,)

    Returns
    -------
    (potential, mean_force, variance) : ndarrays, shape (points,)
    """
    psi = angles(QUADRATURE)
    w = energy(phi[:, None], psi, coupling, third, second)
    total = logsumexp(-w, axis=1)
    p = np.exp(-w - total[:, None])
    f = force(phi[:, None], psi, coupling, third)
    mean = (p * f).sum(1)
    return -total - np.log(2 * np.pi / QUADRATURE), mean, (p * (f - mean[:, None]) ** 2).sum(1)


def free_energy(potential: np.ndarray) -> np.ndarray:
    """-ln p of p = exp(-U) / Z on the whole circle, shape (..., grid); a constant in U drops out."""
    step = 2 * np.pi / potential.shape[-1]
    return potential + logsumexp(-potential, axis=-1, keepdims=True) + np.log(step)


def density(profile: np.ndarray) -> np.ndarray:
    """Probability of each angle of the grid; sums to 1."""
    return np.exp(-profile) * (2 * np.pi / profile.shape[-1])


def difference(profile: np.ndarray) -> np.ndarray:
    """Free energy of the basin at phi > 0 over that of the other one, shape (..., grid) -> (...)."""
    p, right = density(profile), angles(profile.shape[-1]) > 0
    # phi = pi belongs to the left basin, which lies across it
    right &= angles(profile.shape[-1]) < 2.4
    return np.log(p[..., ~right].sum(-1)) - np.log(p[..., right].sum(-1))


def barrier(profile: np.ndarray) -> np.ndarray:
    """Highest point over the lowest."""
    return profile.max(-1) - profile.min(-1)


def mean_cosine(profile: np.ndarray) -> np.ndarray:
    """<cos phi>."""
    return density(profile) @ np.cos(angles(profile.shape[-1]))


def configurational_entropy(profile: np.ndarray) -> np.ndarray:
    """-int p ln p dphi in nats, ln 2 pi for a flat profile."""
    return (density(profile) * profile).sum(-1)


OBSERVABLES = {"difference": difference, "barrier": barrier, "mean cosine": mean_cosine}
