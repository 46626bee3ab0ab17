"""Closed forms for Gaussian variables and linear Gaussian processes: truths for tests, and a fast stand-in."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_discrete_lyapunov
from scipy.special import logsumexp

from pesin.declared import Declared
from pesin.door import centred, finite, in_units, series, symmetric
from pesin.entropy.estimate import BLOCKS, EXACT, Estimate
from pesin.entropy.measure import Measure
from pesin.entropy.neighbours import history


def gaussian_entropy(covariance) -> Estimate:
    """Differential entropy of a Gaussian, ln((2 pi e)^d det S) / 2.

    Parameters
    ----------
    covariance : array_like, shape (..., dim, dim)
        Symmetric, positive definite.

    Returns
    -------
    Estimate
        In nats.
    """
    s = _covariance(covariance)
    value = 0.5 * (s.shape[-1] * np.log(2 * np.pi * np.e) + _log_det(s))
    return _exact(value)


def gaussian_kl(mean_p, covariance_p, mean_q, covariance_q) -> Estimate:
    """Kullback-Leibler divergence of N(mean_p, covariance_p) from N(mean_q, covariance_q).

    Parameters
    ----------
    mean_p, mean_q : array_like, shape (..., dim)
    covariance_p, covariance_q : array_like, shape (..., dim, dim)

    Returns
    -------
    Estimate
        (tr(Sq^-1 Sp) + (mq - mp)' Sq^-1 (mq - mp) - d + ln det Sq - ln det Sp) / 2, in nats.
    """
    p, q = _covariance(covariance_p, "covariance_p"), _covariance(covariance_q, "covariance_q")
    apart = (finite(mean_q, "mean_q") - finite(mean_p, "mean_p"))[..., None]
    trace = np.trace(np.linalg.solve(q, p), axis1=-2, axis2=-1)
    far = (np.swapaxes(apart, -1, -2) @ np.linalg.solve(q, apart))[..., 0, 0]
    return _exact(0.5 * (trace + far - p.shape[-1] + _log_det(q) - _log_det(p)))


def gaussian_mutual_information(covariance, first: int) -> Estimate:
    """Mutual information of the first `first` coordinates of a Gaussian and the others, in nats.

    Parameters
    ----------
    covariance : array_like, shape (..., dim, dim)
    first
        Coordinates of x; the others are y.

    Returns
    -------
    Estimate
        ln(det Sx det Sy / det S) / 2; -ln(1 - rho^2) / 2 for two coordinates.
    """
    s = _covariance(covariance)
    if not 0 < first < s.shape[-1]:
        raise ValueError(f"first must lie between 1 and {s.shape[-1] - 1}, it is {first}")
    return _exact(0.5 * (_log_det(s[..., :first, :first]) + _log_det(s[..., first:, first:]) - _log_det(s)))


def uncertainty_split(mean, deviation) -> tuple[np.ndarray, np.ndarray]:
    """Variance of an ensemble's prediction by the law of total variance: what its members agree on, and what not.

    Parameters
    ----------
    mean, deviation : array_like, shape (..., members)
        Of the normal law that each member predicts; deviations above 0.

    Returns
    -------
    (aleatoric, epistemic) : ndarrays, shape (...)
        Mean of the members' variances, and variance of their means (over members, not members - 1, so that the two
        add up to the variance of the mixture).
    """
    m, sd = _laws(mean, deviation)
    return (sd**2).mean(-1), centred(m).var(-1)


def mixture_information(mean, deviation, points: int = 200) -> Estimate:
    """Mutual information of prediction and member for members that are normal laws (BALD; Houlsby et al. 2011).

    The mean divergence of the members from their mixture, by Gauss-Hermite quadrature under each member.

    Parameters
    ----------
    mean, deviation : array_like, shape (..., members)
        Of the normal law that each member predicts; deviations above 0.
    points
        Of the quadrature; of two laws that overlap, 64 left an error of some 1e-6.

    Returns
    -------
    Estimate
        In nats: 0 where all members agree, at most ln(members). `entropy.learning.epistemic_information` for normal
        laws in place of classes.
    """
    m, sd = _laws(mean, deviation)
    m = centred(m)
    z, weights = np.polynomial.hermite_e.hermegauss(points)
    y = m[..., :, None] + sd[..., :, None] * z  # (..., members, points)
    log = -0.5 * ((y[..., None, :, :] - m[..., :, None, None]) / sd[..., :, None, None]) ** 2
    log = log - np.log(sd / sd.min(-1, keepdims=True))[..., :, None, None]  # (..., of, under, points)
    own = np.moveaxis(np.diagonal(log, axis1=-3, axis2=-2), -1, -2)
    apart = own - (logsumexp(log, axis=-3) - np.log(m.shape[-1]))
    return _exact(np.maximum((apart @ (weights / weights.sum())).mean(-1), 0.0))


def linear_gaussian_transfer_entropy(
    transition, noise, source, target, source_history: int = 1, target_history: int = 1
) -> Estimate:
    """Exact transfer entropy of the stationary process x' = A x + e, e ~ N(0, Q).

    The covariances come from the discrete Lyapunov equation C = A C A' + Q and C(lag) = A^lag C; transfer entropy is
    half of Granger's log ratio (Barnett, Barrett and Seth, PRL 103, 238701, 2009).

    Parameters
    ----------
    transition : array_like, shape (dim, dim)
        A, its eigenvalues inside the unit circle.
    noise : array_like, shape (dim, dim)
        Q.
    source, target : int or sequence of int
        Coordinates.
    source_history, target_history
        Points of each past.

    Returns
    -------
    Estimate
        In nats a step.

    Raises
    ------
    ValueError
        If the process isn't stationary.
    """
    a, q = finite(transition, "transition"), _covariance(noise, "noise")
    radius = np.abs(np.linalg.eigvals(a)).max()
    if radius >= 1:
        raise ValueError(f"the process is not stationary: an eigenvalue of its transition has modulus {radius:.4g}")
    longest = max(source_history, target_history)
    lagged = [solve_discrete_lyapunov(a, q)]
    for _ in range(longest):
        lagged.append(a @ lagged[-1])
    # Covariance of the present and `longest` pasts, in blocks of dim coordinates, the present first.
    rows = [[lagged[j - i] if j >= i else lagged[i - j].T for j in range(longest + 1)] for i in range(longest + 1)]
    whole, dim = np.block(rows), len(a)
    sources, targets = np.atleast_1d(source), np.atleast_1d(target)
    past_source = [lag * dim + int(i) for lag in range(1, source_history + 1) for i in sources]
    past_target = [lag * dim + int(i) for lag in range(1, target_history + 1) for i in targets]
    return _exact(_conditional_information(whole, [int(i) for i in targets], past_source, past_target))


def gaussian_transfer_entropy(
    source, target, source_history: int = 1, target_history: int = 1, step: int = 1
) -> Estimate:
    """Transfer entropy as if the series were linear and Gaussian: half of Granger's log ratio of residual variances.

    Parameters
    ----------
    source, target : array_like, shape (..., time)
        Sampled together.
    source_history, target_history
        Points of each past.
    step
        Samples between the points of a past.

    Returns
    -------
    Estimate
        In nats a sample, 0 or more. Bias source_history / (2 N); N times 2 x value is chi-square distributed with
        source_history degrees of freedom if nothing flows. Counts of `samples`.
    """
    for name, value in (("source_history", source_history), ("target_history", target_history), ("step", step)):
        if value < 1:
            raise ValueError(f"{name} must be 1 or more, it is {value}")
    back = (max(source_history, target_history) - 1) * step + 1
    needs = back + source_history + target_history + 3
    x, batch = series(source, needs, "Gaussian transfer entropy", "source")
    y, other = series(target, needs, "Gaussian transfer entropy", "target")
    if batch != other or x.shape != y.shape:
        raise ValueError(f"source {np.shape(source)} and target {np.shape(target)} must have the same shape")
    x, y = in_units(centred(x)), in_units(centred(y))
    past_y, past_x = history(y, target_history, step, back), history(x, source_history, step, back)
    now = y[:, back:]
    if (np.ptp(now, axis=1) == 0).any():
        raise ValueError("Gaussian transfer entropy is not defined for a constant target")
    own = _residual(now, past_y)
    both = _residual(now, np.concatenate([past_y, past_x], -1))
    if (both <= 1e-12 * now.var(1)).any():
        raise ValueError("the target is a linear function of the pasts: nothing is left to say of it")
    size = now.shape[1]
    rows = len(x)
    return Estimate.of(
        batch,
        np.maximum(0.5 * np.log(own / both), 0.0),
        BLOCKS,
        bias=np.full(rows, source_history / (2 * size)),
        samples=np.full(rows, size),
    )


# -------------------------------------------------------------------------------------------------------------- parts


def _residual(now: np.ndarray, past: np.ndarray) -> np.ndarray:
    """Residual variance of a least-squares fit with a constant: (batch, N), (batch, N, points) -> (batch,)."""
    left = np.empty(len(now))
    for b, (values, points) in enumerate(zip(now, past, strict=True)):
        design = np.concatenate([points - points.mean(0), np.ones((len(values), 1))], 1)
        left[b] = np.mean((values - design @ np.linalg.lstsq(design, values, rcond=None)[0]) ** 2)
    return left


def _conditional_information(covariance, x, y, z) -> np.ndarray:
    """I(x; y | z) of a Gaussian by its determinants."""

    def part(*indices):
        chosen = [i for group in indices for i in group]
        return _log_det(covariance[np.ix_(chosen, chosen)])

    return 0.5 * (part(x, z) + part(y, z) - part(z) - part(x, y, z))


def _laws(mean, deviation) -> tuple[np.ndarray, np.ndarray]:
    m, sd = finite(mean, "mean"), finite(deviation, "deviation")
    if m.shape != sd.shape or m.ndim < 1:
        raise ValueError(f"mean {m.shape} and deviation {sd.shape} must have the same shape (..., members)")
    if (sd <= 0).any():
        raise ValueError("deviation must be above 0")
    return m, sd


def _covariance(matrix, name: str = "covariance") -> np.ndarray:
    s = finite(matrix, name)
    if s.ndim < 2 or s.shape[-1] != s.shape[-2]:
        raise ValueError(f"a covariance has shape (..., dim, dim), this one {s.shape}")
    if not symmetric(s):
        raise ValueError("a covariance is symmetric, this one is not")
    return s


def _log_det(s) -> np.ndarray:
    sign, value = np.linalg.slogdet(s)
    if (sign <= 0).any():
        raise ValueError("the covariance is not positive definite")
    return value


def _exact(value) -> Estimate:
    return Estimate.of(np.shape(value), np.reshape(value, -1), EXACT)


MEASURES = (
    Measure(
        "gaussian_transfer_entropy",
        gaussian_transfer_entropy,
        invariant=("shift", "scale"),
        alone={"source": ("shift", "scale"), "target": ("shift", "scale")},
        section="E",
        takes="two series",
        units="nat per sample",
        measures="Transfer entropy of a linear Gaussian process with the data's covariances: half of Granger's.",
        avoid="Couplings that act on the variance or are not monotone: it sees nothing of them.",
        source="Barnett, Barrett and Seth, PRL 103, 238701 (2009)",
        cost="N",
        needs=6,
        advised=50,
        bounds=(0, float("inf")),
    ),
)


_MATRIX = "a covariance has no zero of its choice; multiplied by a it adds ln(a) / 2 for each dimension"
DECLARED = (
    Declared(gaussian_entropy, ("covariance",), moves=_MATRIX),
    Declared(
        gaussian_kl,
        ("mean_p", "covariance_p", "mean_q", "covariance_q"),
        sizes=("covariance_p", "covariance_q"),
        invariant=("shift",),
        moves="means go with the unit, covariances with its square",
    ),
    Declared(
        gaussian_mutual_information,
        ("covariance",),
        invariant=("scale",),
        moves="a number added to all covariances is a common cause",
    ),
    Declared(
        uncertainty_split,
        ("mean", "deviation"),
        sizes=("deviation",),
        invariant=("shift",),
        alone={"mean": ("shift",)},
        follows="square",
        moves="variances have the square of the unit",
    ),
    Declared(
        mixture_information,
        ("mean", "deviation"),
        sizes=("deviation",),
        invariant=("shift", "scale"),
        alone={"mean": ("shift",)},
        moves="means scaled alone are farther apart",
    ),
    Declared(
        linear_gaussian_transfer_entropy,
        ("transition", "noise"),
        alone={"noise": ("scale",)},
        moves="a transition has no unit, and a number added to all entries is another coupling",
    ),
)
