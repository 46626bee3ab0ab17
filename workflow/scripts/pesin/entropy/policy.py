"""Entropy of categorical policies, and the covariance of log-probability and logit change that drives it.

Source: Cui et al. 2025 (arXiv 2505.22617), lemma on softmax policies: a small change dz of the logits changes the
entropy by -Cov_{a ~ pi}(log pi(a), dz(a)) to first order. Everything is in nats.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax, xlogy


def categorical_entropy(logits: np.ndarray) -> np.ndarray:
    """Return -sum_a pi ln pi of pi = softmax(logits), nats. Shapes (..., actions) -> (...).

    Actions with logit -inf have probability 0 and add nothing.
    """
    log_pi = log_softmax(np.asarray(logits, float), axis=-1)
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
    log_pi = log_softmax(np.asarray(logits, float), axis=-1)
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
    pi = np.exp(log_softmax(np.asarray(logits, float), axis=-1))
    return rate * pi * (advantages - (pi * advantages).sum(-1, keepdims=True))


def natural_gradient_change(logits: np.ndarray, advantages: np.ndarray, rate) -> np.ndarray:
    """Return the exact tabular natural-gradient step of the logits, rate * A, centred. Arguments as above."""
    pi = np.exp(log_softmax(np.asarray(logits, float), axis=-1))
    return rate * (advantages - (pi * advantages).sum(-1, keepdims=True))


def bandit_entropy(success: np.ndarray, arms: int) -> np.ndarray:
    """Return the entropy of a policy that plays the one right arm with probability `success`, the others alike, nats.

    At `success` = 1/K and 1 it lies on the line R = 1 + 1/K - exp(H)/K; between them only near it.
    """
    success = np.asarray(success, float)
    return -xlogy(success, success) - xlogy(1 - success, (1 - success) / (arms - 1))
