"""Entropy of policies, and the covariance of log-probability and logit change that drives it. In nats.

Source of the latter: Cui et al. 2025 (arXiv 2505.22617), lemma on softmax policies: a small change dz of the logits
changes the entropy by -Cov_{a ~ pi}(log pi(a), dz(a)) to first order.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax, ndtr, xlogy

from pesin.door import below_infinity, finite, numbers
from pesin.entropy.estimate import EXACT, Estimate
from pesin.entropy.measure import Measure


def categorical_entropy(logits: np.ndarray) -> np.ndarray:
    """Return -sum_a pi ln pi of pi = softmax(logits), nats. Shapes (..., actions) -> (...).

    Actions with logit -inf have probability 0 and add nothing.
    """
    log_pi = log_softmax(numbers(logits, "logits"), axis=-1)
    pi = np.exp(log_pi)
    return -xlogy(pi, pi).sum(-1)


def exact_covariance(logits: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Return Cov_{a ~ pi}(log pi(a), change(a)), the expected entropy loss of a logit change to first order.

    Parameters
    ----------
    logits, change : ndarray, shape (..., actions)

    Returns
    -------
    ndarray, shape (...)
        nats. A constant added to all logits or to all changes leaves it as it is.
    """
    log_pi = log_softmax(numbers(logits, "logits"), axis=-1)
    pi = np.exp(log_pi)
    centred = log_pi - (pi * log_pi).sum(-1, keepdims=True)
    return (pi * centred * change).sum(-1)


def entropy_change(logits: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Return the exact H(logits + change) - H(logits), nats. Shapes (..., actions) -> (...)."""
    return categorical_entropy(logits + change) - categorical_entropy(logits)


def token_covariance(advantages: np.ndarray, log_probs: np.ndarray) -> np.ndarray:
    """Return each token's share in the sampled covariance: (A - mean A)(ln pi - mean ln pi).

    Parameters
    ----------
    advantages, log_probs : ndarray, shape (..., tokens)

    Returns
    -------
    ndarray, shape (..., tokens)
        Its mean over the tokens is the sampled Cov(A, ln pi).
    """
    return (advantages - advantages.mean(-1, keepdims=True)) * (log_probs - log_probs.mean(-1, keepdims=True))


def policy_gradient_change(logits: np.ndarray, advantages: np.ndarray, rate) -> np.ndarray:
    """Return the exact tabular policy-gradient step of the logits, rate * pi * (A - E_pi A).

    Parameters
    ----------
    logits, advantages : ndarray, shape (..., actions)
    rate
        Learning rate, broadcast against (..., 1).
    """
    pi = np.exp(log_softmax(numbers(logits, "logits"), axis=-1))
    return rate * pi * (advantages - (pi * advantages).sum(-1, keepdims=True))


def natural_gradient_change(logits: np.ndarray, advantages: np.ndarray, rate) -> np.ndarray:
    """Return the exact tabular natural-gradient step of the logits, rate * A, centred. Arguments as above."""
    pi = np.exp(log_softmax(numbers(logits, "logits"), axis=-1))
    return rate * (advantages - (pi * advantages).sum(-1, keepdims=True))


def bandit_entropy(success: np.ndarray, arms: int) -> np.ndarray:
    """Return the entropy of a policy that plays the one right arm with probability `success`, the others alike, nats.

    At `success` = 1/K and 1 it lies on the line R = 1 + 1/K - exp(H)/K; between them only near it.
    """
    success = numbers(success, "success")
    return -xlogy(success, success) - xlogy(1 - success, (1 - success) / (arms - 1))


# ----------------------------------------------------------------------------------------------------------- measures


def policy_entropy(logits) -> Estimate:
    """Entropy of softmax(logits).

    Parameters
    ----------
    logits : array_like, shape (..., actions)
        -inf forbids an action. Taken to float64 first: in half precision the tail is lost.

    Returns
    -------
    Estimate
        In nats, at most ln(actions). Counts of allowed `actions`.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, or all actions of a state are forbidden.
    """
    z = checked_logits(logits)
    value = categorical_entropy(z)
    allowed = np.isfinite(z).sum(-1)
    return Estimate.of(value.shape, value.reshape(-1), EXACT, actions=allowed.reshape(-1))


def gaussian_policy_entropy(log_std) -> Estimate:
    """Entropy of a diagonal Gaussian, d / 2 ln(2 pi e) + sum ln sigma.

    Parameters
    ----------
    log_std : array_like, shape (..., dim)
        ln sigma of each coordinate.

    Returns
    -------
    Estimate
        In nats, of any sign.
    """
    s = _coordinates(log_std, "log_std")
    value = (s + 0.5 * np.log(2 * np.pi * np.e)).sum(-1)
    return Estimate.of(value.shape, value.reshape(-1), EXACT)


def tanh_gaussian_entropy(mean, log_std) -> Estimate:
    """Entropy of a = tanh(u), u a diagonal Gaussian: that of u plus sum E ln(1 - tanh(u)^2), without sampling.

    The squashed policy of soft actor-critic (Haarnoja et al. 2018). The expectation is an integral in one dimension for
    each coordinate, done by quadrature to about 1e-9.

    Parameters
    ----------
    mean, log_std : array_like, shape (..., dim)
        Of u.

    Returns
    -------
    Estimate
        In nats, at most dim ln 2 (uniform on the cube).
    """
    m, s = _coordinates(mean, "mean"), _coordinates(log_std, "log_std")
    m, s = np.broadcast_arrays(m, s)
    value = (s + 0.5 * np.log(2 * np.pi * np.e) + _log_squeeze(m, np.exp(s))).sum(-1)
    return Estimate.of(value.shape, value.reshape(-1), EXACT)


def checked_logits(logits, name: str = "logits") -> np.ndarray:
    """Return logits as float64; raise a ValueError on NaN, +inf, or a row without any allowed entry."""
    z = below_infinity(logits, name)
    if z.ndim == 0 or z.shape[-1] == 0:
        raise ValueError(f"{name} must have shape (..., actions), not {z.shape}")
    if (z == -np.inf).all(-1).any():
        raise ValueError(f"a row of {name} is -inf throughout: nothing is allowed there")
    return z


def _coordinates(values, name: str) -> np.ndarray:
    values = finite(values, name)
    if values.ndim == 0:
        raise ValueError(f"{name} must have shape (..., dim)")
    return values


def _log_squeeze(mean: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """E ln(1 - tanh(u)^2), u ~ N(mean, sigma^2).

    The logarithm is 2 ln 2 - 2 |u| - 2 ln(1 + exp(-2 |u|)): the mean of |u| is known, and the last term lives near 0,
    where fixed nodes see it if the Gaussian is broad. A narrow one has Gauss and Hermite's nodes for the whole.
    """
    z, w = np.polynomial.hermite_e.hermegauss(80)
    u = mean[..., None] + np.minimum(sigma, 1)[..., None] * z
    narrow = (2 * (np.log(2) - np.abs(u) - np.log1p(np.exp(-2 * np.abs(u)))) * w).sum(-1) / np.sqrt(2 * np.pi)
    ratio = mean / sigma
    folded = sigma * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) + mean * (2 * ndtr(ratio) - 1)
    x, v = np.polynomial.legendre.leggauss(120)
    u = 10 * (x + 1)  # 0 to 20
    wide = np.maximum(sigma, 1)[..., None]
    density = sum(np.exp(-(((side * u - mean[..., None]) / wide) ** 2) / 2) for side in (1, -1))
    near = (10 * v * np.log1p(np.exp(-2 * u)) * density / (wide * np.sqrt(2 * np.pi))).sum(-1)
    return np.where(sigma <= 1, narrow, 2 * (np.log(2) - folded - near))


MEASURES = (
    Measure(
        "policy_entropy",
        policy_entropy,
        invariant=("shift",),
        moves="a scale of logits is a temperature",
        infinite={"logits": "-inf forbids an entry"},
        section="G",
        takes="logits",
        units="nat",
        measures="How undecided a policy over finitely many actions is: 0 if deterministic, ln(actions) at most.",
        avoid="Comparing states with different numbers of allowed actions; logits that were cut to the top k.",
        source="Shannon (1948)",
        cost="actions",
        needs=1,
        advised=1,
        peer="torch.distributions.Categorical(logits=logits).entropy()",
        bounds=(0.0, float("inf")),
    ),
    Measure(
        "gaussian_policy_entropy",
        gaussian_policy_entropy,
        moves="it is a logarithm of a width: a shift b of it adds b for each dimension",
        section="G",
        takes="other",
        units="nat",
        measures="Spread of a Gaussian policy; falls without limit as it becomes deterministic.",
        avoid="Actions that are squashed or clipped afterwards.",
        source="Shannon (1948)",
        cost="dim",
        needs=1,
        advised=1,
        peer="torch.distributions.Normal(mean, sigma).entropy().sum(-1)",
    ),
    Measure(
        "tanh_gaussian_entropy",
        tanh_gaussian_entropy,
        moves="tanh has a zero and a unit of its own",
        section="G",
        takes="other",
        units="nat",
        measures="Spread of a squashed Gaussian policy on the cube (-1, 1)^dim, at most dim ln 2.",
        avoid="Policies that are not diagonal before squashing.",
        source="Haarnoja et al., arXiv 1812.05905 (2018)",
        cost="dim",
        needs=1,
        advised=1,
    ),
)
