"""Closed forms of the driven electrolyte.

Diffusivity D, inverse Debye length kappa, mean density C0 and kT are one. The field Ecal = e E / (kT kappa) is along x.

With c = n+ + n- and rho = n+ - n-, linear stochastic density functional theory reads, mode by mode,
d(rho, i c) = -K (rho, i c) dt + noise, K = [[k^2 + 1, Ecal kx], [-Ecal kx, k^2]], which is real.
"""

from __future__ import annotations

import numpy as np
from scipy.special import zeta

PREFACTOR = zeta(3) / (8 * np.pi)
"""Of the force between plates: kT times this over H^3, per area."""


def relaxation(vectors: np.ndarray, field) -> np.ndarray:
    """K of each mode, shape (..., modes, 2, 2), for fields of shape (...) and vectors (modes, dim)."""
    k2, drive = (vectors**2).sum(-1), np.multiply.outer(field, vectors[:, 0])
    k2 = np.broadcast_to(k2, drive.shape)
    return np.stack([np.stack([k2 + 1, drive], -1), np.stack([-drive, k2], -1)], -2)


def noise(vectors: np.ndarray) -> np.ndarray:
    """Covariance of the noise of the real (or imaginary) part of each mode per unit of time, shape (modes, 2, 2)."""
    return 2 * (vectors**2).sum(-1)[:, None, None] * np.eye(2)


def structure_factors(kx, k2, field) -> np.ndarray:
    """S_rhorho, S_cc and the imaginary part of S_rhoc, which has no other; shape (3, ...), arguments broadcast."""
    kx, k2, field = np.broadcast_arrays(*(np.asarray(x, float) for x in (kx, k2, field)))
    a, b, drive, source = k2 + 1, k2, field * kx, 2 * k2
    apart = source * (b - a) / (a * b + drive**2)
    turned = drive**2 / (a + b) * apart
    return np.stack([(source - turned) / a, (source + turned) / b, drive * apart / (a + b)])


def entropy_production(kx, k2, field) -> np.ndarray:
    """Entropy production rate of one wave vector, in nats per unit of time; k and -k share a mode, each counts."""
    return 4 * np.square(field) * np.square(kx) / (2 * np.asarray(k2) + 1)


def force_amplitude(field) -> np.ndarray:
    """Pressure above that without a field, over `PREFACTOR` / H^3, plates far apart and along the field."""
    e2 = np.square(field)
    return 1 - (2 + e2) / (2 * (1 + e2) ** 1.5)


def excess_pressure(field: float, distance: float, fluctuations: float = 1.0) -> np.ndarray:
    """Maxwell's stress on plates that no ion crosses, above that without plates and that without a field.

    Normal electric fields vanish at such plates, so the stress pushes outward, by half the mean square of the field
    along them: in modes, a quarter of (k_par^2 / k^4) S_rhorho (e^2 / epsilon is kappa^2 kT / (2 C0), one half), summed
    over k_z = n pi / H, minus the same with an integral over k_z, which is the stress on a plate that is alone.

    Parameters
    ----------
    field, distance
        Ecal and H, in units of the Debye length.
    fluctuations
        Factor on S_rhorho.

    Returns
    -------
    ndarray, shape (2,)
        What the electric fields along x (the driving field) and along y push, in kT per cubic Debye length.
    """
    nodes, weights = np.polynomial.legendre.leggauss(32)
    k, over_k = 12 / distance * (nodes + 1), 12 / distance * weights  # beyond 24 / H sum and integral agree to rounding
    nodes, weights = np.polynomial.legendre.leggauss(16)
    angle, over_angle = np.pi / 4 * (nodes + 1), weights / 2  # a mean over all directions
    kx, k = np.outer(k, np.cos(angle))[..., None], k[:, None, None]

    def stress(kz):
        """(k_par^2 / k^4) (S_rhorho - its value without field) at kz (k_par or 1, 1, n): shape (k_par, angle, n)."""
        k2 = k**2 + kz**2
        return k**2 / k2**2 * (structure_factors(kx, k2, field)[0] - structure_factors(kx, k2, 0.0)[0])

    terms = int(np.ceil(8 * distance / np.pi))
    kz = np.pi / distance * np.arange(-terms, terms + 1)  # the terms fall as kz^-6
    counted = np.where(abs(kz) == kz[-1], 0.5, 1) * np.pi / distance
    summed = (stress(kz[None, None, terms:]) * (counted * np.where(kz > 0, 2, 1))[terms:]).sum(-1)
    # k_z = k_par sinh(s) resolves every scale, and the trapezoid converges exponentially.
    end = np.arcsinh(kz[-1] / k)
    s = end * np.linspace(0, 1, 161)
    even = end / 160 * np.where(np.arange(161) % 160 == 0, 0.5, 1)
    whole = 2 * (stress(k * np.sinh(s)) * k * np.cosh(s) * even).sum(-1)
    pressure = fluctuations / 4 * (summed - whole) / np.pi
    shares = np.stack([np.cos(angle) ** 2, np.sin(angle) ** 2])
    return np.einsum("k,ka,pa,a->p", over_k * k[:, 0, 0] / (2 * np.pi), pressure, shares, over_angle)
