"""Fits of curves to curves: the entropy law R = b - a exp(H) and its rivals, block bootstrap, log-log slopes."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from pesin.declared import Declared
from pesin.door import finite, numbers


def fit_line(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least squares y = slope x + intercept along the last axis.

    Parameters
    ----------
    x, y : ndarray, shape (..., n)

    Returns
    -------
    slope, intercept : ndarray, shape (...)
        NaN where x doesn't vary.
    """
    x, y = numbers(x), numbers(y, "y")
    dx, dy = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (dx * dy).sum(-1) / (dx**2).sum(-1)
    return slope, y.mean(-1) - slope * x.mean(-1)


def loglog_slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the exponent p of y ~ x^p by least squares of ln y on ln x. Shapes (..., n) -> (...)."""
    x, y = numbers(x), numbers(y, "y")
    return fit_line(np.broadcast_to(np.log(x), y.shape), np.log(y))[0]


def fit_entropy_law(entropy: np.ndarray, reward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least squares of R = -a exp(H) + b (Cui et al. 2025, arXiv 2505.22617).

    Parameters
    ----------
    entropy, reward : ndarray, shape (..., n)
        H in nats, R in 0..1.

    Returns
    -------
    a, b : ndarray, shape (...)
        The ceiling, the reward expected at H = 0, is b - a.
    """
    slope, intercept = fit_line(np.exp(numbers(entropy, "entropy")), numbers(reward, "reward"))
    return -slope, intercept


LAWS = {
    "constant": lambda h: [np.ones_like(h)],
    "linear": lambda h: [np.ones_like(h), h],
    "exponential": lambda h: [np.ones_like(h), np.exp(h)],
    "quadratic": lambda h: [np.ones_like(h), h, h**2],
}


def compare_laws(entropy: np.ndarray, reward: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Fit the entropy law and its rivals, all linear in their coefficients, by least squares.

    Parameters
    ----------
    entropy, reward : ndarray, shape (..., n)

    Returns
    -------
    dict
        law -> {"r_squared", "aic"}, each of shape (...). AIC = n ln(RSS/n) + 2 (coefficients + 1): only differences
        between laws have a meaning, and residuals that follow each other exaggerate them. NaN for a curve with a NaN.
    """
    h, r = np.broadcast_arrays(numbers(entropy, "entropy"), numbers(reward, "reward"))
    n, whole = h.shape[-1], np.isfinite(h + r).all(-1)
    h, r = (np.where(whole[..., None], one, 0.0) for one in (h, r))
    total = ((r - r.mean(-1, keepdims=True)) ** 2).sum(-1)
    result = {}
    for name, basis in LAWS.items():
        design = np.stack(basis(h), -1)
        residual = r - np.einsum("...nk,...k->...n", design, (np.linalg.pinv(design) @ r[..., None])[..., 0])
        rss = np.maximum((residual**2).sum(-1), np.finfo(float).tiny)
        with np.errstate(invalid="ignore", divide="ignore"):
            r_squared = np.where(whole & (total > 0), 1 - rss / total, np.nan)
        aic = n * np.log(rss / n) + 2 * (design.shape[-1] + 1)
        result[name] = {"r_squared": r_squared, "aic": np.where(whole, aic, np.nan)}
    return result


def fit_saturation(time: np.ndarray, value: np.ndarray) -> tuple[float, float, float]:
    """Least squares of value = level - drop exp(-time / scale), the scale searched, the rest solved.

    Parameters
    ----------
    time, value : ndarray, shape (n,)

    Returns
    -------
    level, drop, scale
        scale lies between 1/10 and 100 times the time covered.
    """
    time, value = finite(time, "time"), finite(value, "value")
    span = float(np.ptp(time))

    def residual(log_scale):
        slope, intercept = fit_line(np.exp(-time / np.exp(log_scale)), value)
        return float(((value - intercept - slope * np.exp(-time / np.exp(log_scale))) ** 2).sum())

    best = minimize_scalar(residual, bounds=(np.log(span / 10), np.log(span * 100)), method="bounded").x
    slope, level = fit_line(np.exp(-time / np.exp(best)), value)
    return float(level), float(-slope), float(np.exp(best))


def block_indices(n: int, block: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return indices of a circular moving-block bootstrap, shape (draws, n).

    Parameters
    ----------
    n, block
        Length of the series, and of the blocks that keep neighbours together.
    """
    starts = rng.integers(n, size=(draws, -(-n // block)))
    return ((starts[..., None] + np.arange(block)) % n).reshape(draws, -1)[:, :n]


def bootstrap_entropy_law(
    entropy: np.ndarray, reward: np.ndarray, block: int, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Block-bootstrap the coefficients of the entropy law.

    Parameters
    ----------
    entropy, reward : ndarray, shape (..., n)
    block, draws
        Length of a block in checkpoints, and number of resamples (the same ones for all curves).

    Returns
    -------
    a, b : ndarray, shape (draws, ...)
    """
    entropy, reward = numbers(entropy, "entropy"), numbers(reward, "reward")
    fits = [
        fit_entropy_law(entropy[..., i], reward[..., i]) for i in block_indices(entropy.shape[-1], block, draws, rng)
    ]
    return np.stack([a for a, _ in fits]), np.stack([b for _, b in fits])


_NO_LINE = "a curve with a NaN has no fit: NaN"
_EXP = "exp(H) has a zero and a unit of its own"
DECLARED = (
    Declared(
        fit_line,
        ("x", "y"),
        moves="a slope goes with the units of y over x, an intercept with where zero lies",
        missing={"x": _NO_LINE, "y": _NO_LINE},
    ),
    Declared(
        loglog_slope,
        ("x", "y"),
        invariant=("scale",),
        alone={"x": ("scale",), "y": ("scale",)},
        moves="a logarithm asks where zero lies",
        missing={"x": _NO_LINE, "y": _NO_LINE},
    ),
    Declared(fit_entropy_law, ("entropy", "reward"), moves=_EXP, missing={"entropy": _NO_LINE, "reward": _NO_LINE}),
    Declared(compare_laws, ("entropy", "reward"), moves=_EXP, missing={"entropy": _NO_LINE, "reward": _NO_LINE}),
    Declared(fit_saturation, ("time", "value"), moves="each of the three has the unit of its axis"),
    Declared(
        bootstrap_entropy_law, ("entropy", "reward"), moves=_EXP, missing={"entropy": _NO_LINE, "reward": _NO_LINE}
    ),
)
