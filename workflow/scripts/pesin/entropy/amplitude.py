"""Entropies of a distribution: from counts with corrections of their bias, of orders other than 1, of a histogram."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import digamma, entr, gammaln, polygamma, xlogy

from pesin.door import centred, finite, series, varying
from pesin.entropy.estimate import BLOCKS, BOOTSTRAP, EXACT, Estimate
from pesin.entropy.measure import Measure


def shannon_entropy(counts) -> Estimate:
    """Plug-in Shannon entropy -sum p ln p of counts.

    Parameters
    ----------
    counts : array_like, shape (..., kinds)
        How often each kind was seen; zeros allowed.

    Returns
    -------
    Estimate
        In nats; standard error sqrt((sum p ln^2 p - H^2) / N), bias by Miller and Madow, counts `samples` and `seen`.

    Raises
    ------
    ValueError
        If a count is negative or not an integer, or all are zero.
    """
    n, batch = _checked(counts)
    return _estimate(n, batch, _plug_in(n), -_kinds_seen(n) / (2 * n.sum(-1)))


def miller_madow_entropy(counts) -> Estimate:
    """Plug-in entropy + (kinds seen - 1) / (2 N) (Miller 1955). Counts and record as in `shannon_entropy`."""
    n, batch = _checked(counts)
    return _estimate(n, batch, _plug_in(n) + _kinds_seen(n) / (2 * n.sum(-1)))


def grassberger_entropy(counts) -> Estimate:
    """Grassberger's estimator of 2003 (arXiv physics/0307138): H = ln N - sum n G(n) / N.

    G(n) = psi(n) + (-1)^n / 2 (psi((n + 1) / 2) - psi(n / 2)). Counts and record as in `shannon_entropy`.
    (Packages
    also call the estimator of 1988 by his name, where the second term is (-1)^n / (n + 1).)
    """
    n, batch = _checked(counts)
    total = n.sum(-1)
    safe = np.maximum(n, 1)
    sign = 1 - 2 * (safe % 2)
    g = digamma(safe) + sign / 2 * (digamma((safe + 1) / 2) - digamma(safe / 2))
    return _estimate(n, batch, np.log(total) - (n * g).sum(-1) / total)


def chao_shen_entropy(counts) -> Estimate:
    """Chao and Shen's estimator (Environ. Ecol. Stat. 10, 429, 2003): coverage-adjusted, for many unseen kinds.

    H = -sum q ln q / (1 - (1 - q)^N), q = p (1 - singletons / N); where every sample is a singleton, one of them is
    taken as seen twice. Counts and record as in `shannon_entropy`.
    """
    n, batch = _checked(counts)
    total = n.sum(-1)
    single = (n == 1).sum(-1)
    q = n / total[:, None] * (1 - np.where(single == total, single - 1, single) / total)[:, None]
    seen = 1 - (1 - q) ** total[:, None]
    value = np.where(total > 1, (entr(q) / np.where(n > 0, seen, 1)).sum(-1), 0.0)
    return _estimate(n, batch, value)


def nsb_entropy(counts) -> Estimate:
    """Nemenman, Shafee and Bialek's Bayesian estimator (NIPS 14, 471, 2002).

    Dirichlet priors mixed so that the entropy itself is a priori about uniform over [0, ln kinds].

    Parameters
    ----------
    counts : array_like, shape (..., kinds)
        All kinds that there can be, unseen ones included as zeros: the prior depends on their number.

    Returns
    -------
    Estimate
        In nats; the standard error is the posterior standard deviation.
    """
    n, batch = _checked(counts)
    if n.shape[-1] == 1:
        return _estimate(n, batch, np.zeros(len(n)), None, np.zeros(len(n)))
    mean, spread = (np.array(part) for part in zip(*map(_nsb, n), strict=True)) if len(n) else (np.empty(0),) * 2
    return _estimate(n, batch, mean, None, spread)


def _nsb(n: np.ndarray) -> tuple[float, float]:
    """Posterior mean and standard deviation by quadrature over ln of the Dirichlet parameter."""
    kinds, total = n.size, n.sum()

    def log_posterior(log_beta):
        beta = np.exp(log_beta)[:, None]
        k = kinds * beta[:, 0]
        likelihood = gammaln(k) - gammaln(total + k) + (gammaln(n + beta) - gammaln(beta)).sum(1)
        # d(prior mean of the entropy) / d ln(beta): what makes the prior flat in the entropy
        slope = (kinds * polygamma(1, k + 1) - polygamma(1, beta[:, 0] + 1)) * beta[:, 0]
        return likelihood + np.log(np.maximum(slope, 1e-300))

    coarse = np.linspace(np.log(1e-8 / kinds), np.log(1e8), 800)
    height = log_posterior(coarse)
    near = np.flatnonzero(height > height.max() - 45)
    low, high = coarse[max(near[0] - 1, 0)], coarse[min(near[-1] + 1, coarse.size - 1)]
    node, weight = np.polynomial.legendre.leggauss(300)
    log_beta = low + (high - low) * (node + 1) / 2
    height = log_posterior(log_beta)
    weight = weight * np.exp(height - height.max())
    first, second = _dirichlet_moments(n, np.exp(log_beta))
    weight /= weight.sum()
    mean = float(weight @ first)
    return mean, float(np.sqrt(max(weight @ second - mean**2, 0)))


def _dirichlet_moments(n: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean of H and of H^2 under Dirichlet(n + beta) (Wolpert and Wolf, PRE 52, 6841, 1995)."""
    a = n + beta[:, None]
    total = a.sum(1)
    first = digamma(total + 1) - (a * digamma(a + 1)).sum(1) / total
    d = digamma(a + 1) - digamma(total + 2)[:, None]
    s = (a * d).sum(1)
    crossed = s**2 - (a**2 * d**2).sum(1) - polygamma(1, total + 2) * (total**2 - (a**2).sum(1))
    e = digamma(a + 2) - digamma(total + 2)[:, None]
    own = (a * (a + 1) * (e**2 + polygamma(1, a + 2) - polygamma(1, total + 2)[:, None])).sum(1)
    return first, (crossed + own) / (total * (total + 1))


def renyi_entropy(probabilities, order: float = 2) -> Estimate:
    """Renyi entropy ln(sum p^order) / (1 - order) (Renyi 1961).

    Parameters
    ----------
    probabilities : array_like, shape (..., kinds)
        Non-negative, sum 1.
    order
        0 (Hartley) to inf (min-entropy); within 1e-4 of 1 by its series about Shannon's.

    Returns
    -------
    Estimate
        In nats, falling as the order grows.

    Raises
    ------
    ValueError
        If they aren't probabilities, or the order is negative.
    """
    p, batch = _distribution(probabilities)
    if not order >= 0:
        raise ValueError(f"the order of a Renyi entropy must be 0 or more, it is {order}")
    if order == np.inf:
        value = -np.log(p.max(-1))
    elif abs(order - 1) < 1e-4:
        mean, square, cube = _surprise_moments(p)
        step = order - 1
        third = cube - 3 * mean * square + 2 * mean**3
        value = mean - step / 2 * (square - mean**2) + step**2 / 6 * third
    else:
        # Scaled by the largest probability: p^order alone underflows at large orders.
        largest = p.max(-1, keepdims=True)
        ratio = np.where(p > 0, (p / largest) ** order, 0).sum(-1)
        value = (np.log(ratio) + order * np.log(largest[:, 0])) / (1 - order)
    return Estimate.of(batch, value + 0.0, EXACT)


def hartley_entropy(probabilities) -> Estimate:
    """ln of the number of kinds that have any probability: Renyi's entropy of order 0."""
    return renyi_entropy(probabilities, 0)


def min_entropy(probabilities) -> Estimate:
    """-ln of the largest probability: Renyi's entropy of infinite order."""
    return renyi_entropy(probabilities, np.inf)


def tsallis_entropy(probabilities, order: float = 2) -> Estimate:
    """Tsallis entropy (1 - sum p^order) / (order - 1) (J. Stat. Phys. 52, 479, 1988).

    Parameters
    ----------
    probabilities : array_like, shape (..., kinds)
        Non-negative, sum 1.
    order
        Above 0; within 1e-4 of 1 by its series about Shannon's.
    """
    p, batch = _distribution(probabilities)
    if not 0 < order < np.inf:
        raise ValueError(f"the order of a Tsallis entropy must be above 0 and finite, it is {order}")
    if abs(order - 1) < 1e-4:
        mean, square, cube = _surprise_moments(p)
        step = order - 1
        value = mean - step / 2 * square + step**2 / 6 * cube
    else:
        value = (1 - np.where(p > 0, p**order, 0).sum(-1)) / (order - 1)
    return Estimate.of(batch, value + 0.0, EXACT)


def histogram_entropy(x, bins: int | None = None) -> Estimate:
    """Differential entropy from a histogram of equal bins, H + ln(bin width).

    Parameters
    ----------
    x : array_like, shape (..., time)
    bins
        Number of bins over the range; by the rule of Freedman and Diaconis (at least 2, at most N) if not given.

    Returns
    -------
    Estimate
        In nats of the unit of x: negative for narrow distributions. Standard error of the plug-in entropy for
        independent samples, bias by Miller and Madow; counts `bins` and `seen`.

    Raises
    ------
    ValueError
        If a value isn't finite or a series is constant: its differential entropy is -inf.
    """
    rows, batch = series(x, 2, "histogram entropy")
    rows = centred(rows)
    varying(rows, "histogram entropy")
    found = [_histogram(row, bins) for row in rows]
    value, error, bias, number, seen = np.array(found, float).reshape(-1, 5).T
    return Estimate.of(batch, value, BLOCKS, error, bias, bins=number, seen=seen)


def _histogram(row: np.ndarray, bins: int | None) -> tuple[float, ...]:
    spread = float(np.ptp(row))
    if bins is None:
        quartiles = np.quantile(row, [0.25, 0.75])
        width = 2 * (quartiles[1] - quartiles[0]) / row.size ** (1 / 3)
        bins = int(np.clip(np.ceil(spread / width), 2, row.size)) if width > 0 else int(np.ceil(row.size**0.5))
    place = np.minimum(((row - row.min()) / spread * bins).astype(np.int64), bins - 1)
    n = np.bincount(place, minlength=bins).astype(float)[None]
    return (
        float(_plug_in(n)[0] + np.log(spread / bins)),
        float(_error(n)[0]),
        float(-_kinds_seen(n)[0] / (2 * row.size)),
        bins,
        float((n > 0).sum()),
    )


def _checked(counts) -> tuple[np.ndarray, tuple[int, ...]]:
    n = finite(counts, "counts")
    if n.ndim == 0:
        raise ValueError("counts must be (kinds,) or (batch, kinds), they are a single number")
    if (n < 0).any() or (n != np.rint(n)).any():
        raise ValueError("counts must be whole numbers from 0 on; for probabilities take renyi_entropy(p, 1)")
    if not (n.sum(-1) > 0).all():
        raise ValueError("entropy needs at least 1 sample, all counts are 0")
    return n.reshape(-1, n.shape[-1]), n.shape[:-1]


def _distribution(probabilities) -> tuple[np.ndarray, tuple[int, ...]]:
    p = finite(probabilities, "probabilities")
    if p.ndim == 0:
        raise ValueError("probabilities must be (kinds,) or (batch, kinds), they are a single number")
    if (p < 0).any() or not np.allclose(p.sum(-1), 1, atol=1e-6):
        raise ValueError("probabilities must be 0 or more and sum to 1; divide counts by their sum")
    return p.reshape(-1, p.shape[-1]), p.shape[:-1]


def _estimate(n, batch, value, bias=None, error=None) -> Estimate:
    error = _error(n) if error is None else error
    return Estimate.of(batch, value, BOOTSTRAP, error, bias, samples=n.sum(-1), seen=(n > 0).sum(-1))


def _plug_in(n: np.ndarray) -> np.ndarray:
    return entr(n / n.sum(-1, keepdims=True)).sum(-1)


def _kinds_seen(n: np.ndarray) -> np.ndarray:
    """One less than the number of kinds seen: the degrees of freedom of the bias."""
    return (n > 0).sum(-1) - 1


def _error(n: np.ndarray) -> np.ndarray:
    total = n.sum(-1)
    mean, square, _ = _surprise_moments(n / total[:, None])
    return np.sqrt(np.maximum(square - mean**2, 0) / total)


def _surprise_moments(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First three moments of -ln p under p."""
    surprise = -np.log(np.where(p > 0, p, 1))
    mean = -xlogy(p, p).sum(-1)
    return mean, (p * surprise**2).sum(-1), (p * surprise**3).sum(-1)


_measure = partial(Measure, section="D", units="nat", cost="kinds", needs=1, bounds=(0, float("inf")))
_of_counts = partial(_measure, takes="counts")
_of_probabilities = partial(_measure, takes="probabilities", advised=1)
MEASURES = (
    _of_counts(
        "shannon_entropy",
        shannon_entropy,
        moves="counts are whole numbers of things",
        measures="How evenly the kinds are used, as counted: biased down by about (kinds - 1) / (2 N).",
        avoid="Fewer than ten samples for each kind: take Grassberger's, Chao and Shen's or NSB.",
        source="Shannon, Bell Syst. Tech. J. 27, 379 (1948)",
        advised=50,
        peer="infomeasure.entropy(symbols, approach='discrete')",
    ),
    _of_counts(
        "miller_madow_entropy",
        miller_madow_entropy,
        moves="counts are whole numbers of things",
        measures="Shannon entropy with the first term of its bias taken off.",
        avoid="Many kinds seen once or never.",
        source="Miller, in Information Theory in Psychology (1955)",
        advised=30,
        peer="infomeasure.entropy(symbols, approach='miller_madow')",
    ),
    _of_counts(
        "grassberger_entropy",
        grassberger_entropy,
        moves="counts are whole numbers of things",
        measures="Shannon entropy almost without bias down to a few samples for each kind.",
        avoid="Most kinds unseen.",
        source="Grassberger, arXiv physics/0307138 (2003)",
        advised=20,
    ),
    _of_counts(
        "chao_shen_entropy",
        chao_shen_entropy,
        moves="counts are whole numbers of things",
        measures="Shannon entropy with unseen kinds allowed for by the share of kinds seen once.",
        avoid="Dependent samples, whose singletons say nothing of what is unseen.",
        source="Chao and Shen, Environ. Ecol. Stat. 10, 429 (2003)",
        advised=10,
        peer="infomeasure.entropy(symbols, approach='chao_shen')",
    ),
    _of_counts(
        "nsb_entropy",
        nsb_entropy,
        moves="counts are whole numbers of things",
        measures="Shannon entropy with a posterior error, from as few samples as show some coincidences.",
        avoid="An unknown number of kinds; distributions with long thin tails.",
        source="Nemenman, Shafee and Bialek, NIPS 14, 471 (2002)",
        cost="kinds x 1100 evaluations",
        advised=10,
    ),
    _of_probabilities(
        "renyi_entropy",
        renyi_entropy,
        moves="probabilities have no unit: they sum to 1",
        measures="Diversity that weighs rare kinds (order below 1) or common ones (above): order 2 is -ln of the "
        "chance that two draws agree.",
        avoid="Comparing different orders.",
        source="Renyi, Proc. 4th Berkeley Symp. 1, 547 (1961)",
    ),
    _of_probabilities(
        "hartley_entropy",
        hartley_entropy,
        moves="probabilities have no unit: they sum to 1",
        measures="ln of the number of possible kinds.",
        avoid="Frequencies of a sample: it counts only kinds seen.",
        source="Hartley, Bell Syst. Tech. J. 7, 535 (1928)",
    ),
    _of_probabilities(
        "min_entropy",
        min_entropy,
        moves="probabilities have no unit: they sum to 1",
        measures="How hard the best single guess is: -ln of its chance.",
        avoid="Questions about the whole distribution.",
        source="Renyi, Proc. 4th Berkeley Symp. 1, 547 (1961)",
    ),
    _of_probabilities(
        "tsallis_entropy",
        tsallis_entropy,
        moves="probabilities have no unit: they sum to 1",
        measures="One less the chance that `order` draws agree (order 2: Gini-Simpson index); not additive.",
        avoid="Adding entropies of independent parts.",
        source="Tsallis, J. Stat. Phys. 52, 479 (1988)",
    ),
    Measure(
        "histogram_entropy",
        histogram_entropy,
        follows="log",
        moves="a density is per unit of x: h(a x) = h(x) + ln a",
        section="D",
        takes="series",
        units="nat",
        measures="Spread of the values on a log scale: differential entropy by counting in bins.",
        avoid="Comparing different bin widths or units without the ln(width) that it adds; d > 2; order in time, which "
        "it does not see. Neighbour estimators are better above 1000 samples and in more dimensions.",
        source="Cover and Thomas, Elements of Information Theory, theorem 8.3.1",
        cost="N",
        needs=2,
        advised=200,
        invariant=("shift",),
    ),
)
