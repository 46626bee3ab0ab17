"""Special cases in closed form: diffusion, rectified flow, localisation, denoising, and the Schroedinger bridge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from pesin.models.bridges import Interpolant, velocity_from_score
from pesin.systems.mixtures import Mixture, bridged
from studies.stochastic_interpolants.exact.params import Entropy
from studies.stochastic_interpolants.worlds import LINE, normal

# Modes in the plane that are neither round nor equal, so that nothing agrees by symmetry.
MODES = Mixture(
    np.array([0.5, 0.2, 0.3]),
    np.array([[0.0, 0.0], [2.0, 1.0], [-1.0, 3.0]]),
    np.array([np.eye(2), [[2.0, 0.5], [0.5, 1.0]], 0.3 * np.eye(2)]),
)
TIMES = (0.2, 0.5, 0.8)


def form_errors(share: float, rng: np.random.Generator) -> dict[str, float]:
    """Largest difference between a special case in its own terms and the interpolant's, both without approximation.

    Parameters
    ----------
    share
        Factor on the score; the other side never uses one.
    rng
        Draws the places.

    Returns
    -------
    dict
        Name of the special case -> the largest difference over places and times.
    """
    x = 2 * rng.standard_normal((200, 2))
    forms: dict[str, Callable[[np.ndarray, float, float], np.ndarray]] = {
        "diffusion": _diffusion,
        "rectified": _rectified,
        "localisation": _localisation,
        "denoising": _denoising,
    }
    return {name: float(max(abs(form(x, t, share)).max() for t in TIMES)) for name, form in forms.items()}


def _diffusion(x: np.ndarray, t: float, share: float) -> np.ndarray:
    """Probability flow of dX = -X dtau + sqrt(2) dW, t = exp(-tau), against b of the path sqrt(1 - t^2) x0 + t x1."""
    score = share * MODES.noised(t, float(np.sqrt(1 - t**2))).score(x)
    flow = -(-x - score) / t  # dx/dtau = -x - s, and dtau/dt = -1/t
    return flow - bridged(normal(2), MODES, Interpolant("variance_preserving", "none"), t).velocity(x)


def _rectified(x: np.ndarray, t: float, share: float) -> np.ndarray:
    """E[x1 - x0 | x] of straight paths without noise, by Tweedie's formula, against b."""
    straight, score = Interpolant("linear", "none"), share * MODES.noised(t, 1 - t).score(x)
    return velocity_from_score(straight, x, score, t) - bridged(normal(2), MODES, straight, t).velocity(x)


def _localisation(x: np.ndarray, t: float, share: float) -> np.ndarray:
    """Drift of stochastic localisation, E[x1 | y = tau x1 + W_tau], against the denoised end of a straight path.

    With sqrt(tau) = t / (1 - t), y is tau / t times the path (Eldan 2013; Montanari, arXiv 2305.10690).
    """
    tau = (t / (1 - t)) ** 2
    y = tau / t * x
    precisions = np.linalg.inv(MODES.covariances)
    pulled = np.einsum("kij,kj->ki", precisions, MODES.means)
    covariances = np.linalg.inv(precisions + tau * np.eye(2))
    means = np.einsum("kij,nkj->nki", covariances, pulled + y[:, None])
    # Each mode's evidence of y: N(y; tau m, tau^2 C + tau I).
    evidence = Mixture(MODES.weights, tau * MODES.means, tau**2 * MODES.covariances + tau * np.eye(2))
    drift = np.einsum("nk,nki->ni", evidence.responsibilities(y), means)
    denoised = (x + (1 - t) ** 2 * share * MODES.noised(t, 1 - t).score(x)) / t
    return denoised - drift


def _denoising(x: np.ndarray, t: float, share: float) -> np.ndarray:
    """E[z | x_t] of the bridge of two peaks by integration over z, against -gamma times the score."""
    world, interpolant = LINE["peaks"], Interpolant()
    target = world.target
    assert isinstance(target, Mixture)
    (_, _, gamma), places = interpolant.values(t), x[:20, :1]
    z = np.linspace(-12, 12, 2001)
    silent = bridged(world.base, target, Interpolant("linear", "none"), t).density
    weights = np.exp(silent.log_density((places - gamma * z)[..., None]) - z**2 / 2)
    mean = (weights * z).sum(-1) / weights.sum(-1)
    return mean + gamma * share * bridged(world.base, target, interpolant, t).score(places)[:, 0]


# ------------------------------------------------------------------------------------------- Schroedinger bridge


def coupling_errors(params: Entropy) -> np.ndarray:
    """Covariance of the ends at which the action is stationary, and the known one; shape (diffusions, 2).

    Between two standard normal laws, reference sqrt(2 eps) dW, the bridge has the covariance sqrt(1 + eps^2) - eps.
    """
    found = [_stationary(eps, params.score) for eps in params.diffusions]
    eps = np.array(params.diffusions)
    return np.stack([found, np.sqrt(1 + eps**2) - eps], -1)


def action(c: float, eps: float, share: float = 1.0) -> float:
    """int (E[b^2] + eps^2 E[s^2]) / 2 dt of straight paths whose ends have covariance c, gamma^2 = 2 eps t (1 - t).

    The Schroedinger bridge has the least of all laws with these ends (Chen, Georgiou and Pavon, 2016). All is Gaussian:
    b = x v' / (2 v), s = -x / v, v the variance.
    """
    nodes, weights = np.polynomial.legendre.leggauss(80)
    t, curve = (nodes + 1) / 2, 2 * (c + eps - 1)
    variance, rate = 1 + curve * t * (1 - t), curve * (1 - 2 * t)
    return float(weights @ ((rate**2 / 4 + (share * eps) ** 2) / variance)) / 4


def _stationary(eps: float, share: float) -> float:
    """Where the action's finite difference vanishes."""
    h = 1e-4

    def slope(c: float) -> float:
        return (action(c + h, eps, share) - action(c - h, eps, share)) / (2 * h)

    return float(brentq(slope, -1 - eps + 0.05, 3.0, xtol=1e-10))
