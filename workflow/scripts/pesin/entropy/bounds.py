"""Variational bounds on mutual information from the scores of a trained critic.

scores[i, j] = f(x_i, y_j) for pairs (x_i, y_i) drawn together: the diagonal is the joint, the rest the product of the
marginals. A study trains f by `torch_bounds`, the same formulas with gradients; report these on held-out batches.
Sources: Poole et al., ICML 2019 (InfoNCE, NWJ, the taxonomy); Belghazi et al., ICML 2018 (MINE); Song and Ermon,
ICLR 2020 (SMILE).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp

from pesin.door import centred, enough, finite
from pesin.entropy.estimate import BOOTSTRAP, Estimate
from pesin.entropy.measure import Measure


def infonce_bound(scores) -> Estimate:
    """InfoNCE, <f(x_i, y_i) - ln mean_j exp f(x_i, y_j)>: a lower bound that cannot exceed ln(batch size).

    Parameters
    ----------
    scores : array_like, shape (..., size, size)

    Returns
    -------
    Estimate
        In nats; counts of `size` and the `ceiling` ln(size). A value near the ceiling says only that there is more.
    """
    f, batch, size = _square(scores, centred)
    joint = np.diagonal(f, axis1=1, axis2=2)
    value = (joint - logsumexp(f, 2) + np.log(size)).mean(1)
    return _bound(batch, value, size, ceiling=np.full(len(f), np.log(size)))


def donsker_varadhan_bound(scores) -> Estimate:
    """Donsker and Varadhan's, <f>_joint - ln <exp f>_product, which MINE maximises.

    A lower bound in expectation only for the true mean of exp f: with the batch's own mean it is biased upwards, and
    its variance grows like exp(I).

    Parameters
    ----------
    scores : array_like, shape (..., size, size)

    Returns
    -------
    Estimate
        In nats; count of `size`.
    """
    f, batch, size = _square(scores, centred)
    return _bound(batch, _joint(f) - _log_mean_product(f), size)


def nwj_bound(scores) -> Estimate:
    """Nguyen, Wainwright and Jordan's, <f>_joint - <exp(f - 1)>_product: an unbiased lower bound of high variance.

    Parameters
    ----------
    scores : array_like, shape (..., size, size)

    Returns
    -------
    Estimate
        In nats; count of `size`. It is tight at f = 1 + ln p(x, y) / (p(x) p(y)).
    """
    f, batch, size = _square(scores)
    return _bound(batch, _joint(f) - np.exp(_log_mean_product(f) - 1), size)


def smile_estimate(scores, clip: float = 5.0) -> Estimate:
    """SMILE, Donsker and Varadhan's with exp f clipped to [exp -clip, exp clip]: an estimate, no longer a bound.

    Parameters
    ----------
    scores : array_like, shape (..., size, size)
    clip
        The smaller, the less variance and the more bias; infinite gives Donsker and Varadhan's back.

    Returns
    -------
    Estimate
        In nats; count of `size`.
    """
    if not clip > 0:
        raise ValueError(f"clip must be positive, it is {clip}")
    f, batch, size = _square(scores)
    return _bound(batch, _joint(f) - _log_mean_product(np.clip(f, -clip, clip)), size)


def _square(scores, level=lambda flat: flat) -> tuple[np.ndarray, tuple[int, ...], int]:
    f = finite(scores, "scores")
    if f.ndim < 2 or f.shape[-1] != f.shape[-2]:
        raise ValueError(f"scores must have shape (..., size, size), scores[i, j] = f(x_i, y_j), not {f.shape}")
    enough(f.shape[-1], 2, "a bound on mutual information", "pairs")
    return level(f.reshape(-1, f.shape[-1] ** 2)).reshape(-1, *f.shape[-2:]), f.shape[:-2], f.shape[-1]


def _joint(f: np.ndarray) -> np.ndarray:
    return np.trace(f, axis1=1, axis2=2) / f.shape[1]


def _log_mean_product(f: np.ndarray) -> np.ndarray:
    """ln of the mean of exp f over the pairs that were not drawn together."""
    size = f.shape[1]
    return logsumexp(np.where(np.eye(size, dtype=bool), -np.inf, f), (1, 2)) - np.log(size * (size - 1))


def _bound(batch, value, size: int, **counts) -> Estimate:
    return Estimate.of(batch, value, BOOTSTRAP, size=np.full(len(value), size), **counts)


_BOUND: dict[str, Any] = {
    "section": "E",
    "takes": "other",
    "units": "nat",
    "cost": "N^2, and the training of the critic",
    "needs": 2,
    "advised": 64,
}
MEASURES = (
    Measure(
        "infonce_bound",
        infonce_bound,
        invariant=("shift",),
        moves="scores are logarithms of ratios: a scale is a temperature",
        measures="Lower bound on mutual information that a contrastive critic has reached; low variance.",
        avoid="Information above ln(batch size), which it cannot show; the batch the critic was trained on.",
        source="van den Oord, Li and Vinyals, arXiv 1807.03748 (2018); Poole et al., ICML (2019)",
        **_BOUND,
    ),
    Measure(
        "donsker_varadhan_bound",
        donsker_varadhan_bound,
        invariant=("shift",),
        moves="scores are logarithms of ratios: a scale is a temperature",
        measures="What MINE maximises: a lower bound on mutual information, up to a bias upwards in finite batches.",
        avoid="Large information: its variance grows like exp(I).",
        source="Belghazi et al., ICML (2018)",
        **_BOUND,
    ),
    Measure(
        "nwj_bound",
        nwj_bound,
        moves="scores are logarithms of ratios with a zero of their own: the bound is tight at 1 + ln ratio only",
        measures="Lower bound on mutual information, unbiased.",
        avoid="Large information: its variance grows like exp(I).",
        source="Nguyen, Wainwright and Jordan, IEEE Trans. Inf. Theory 56, 5847 (2010); Poole et al., ICML (2019)",
        **_BOUND,
    ),
    Measure(
        "smile_estimate",
        smile_estimate,
        moves="scores are clipped at fixed values",
        measures="Mutual information by a critic with clipped ratios: less variance than MINE, but no bound.",
        avoid="Where a bound is needed.",
        source="Song and Ermon, ICLR (2020)",
        **_BOUND,
    ),
)
