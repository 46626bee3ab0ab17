"""Entropies and information of continuous variables by nearest neighbours: no binning, no density model.

Clouds have shape (..., samples, dim); a one-dimensional array is a cloud in one dimension. All estimators assume
densities: values that repeat (integers, rounded records) break them, so they warn, and raise where a distance is 0.
Samples should be independent; nothing here corrects for autocorrelation but the block shuffle of `null_values`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import gamma, log, pi
from typing import Any

import numpy as np
from scipy.special import digamma

from pesin.declared import Declared
from pesin.door import enough, finite, samples, series
from pesin.entropy.estimate import BLOCK_SUBSAMPLES, SUBSAMPLES, Estimate
from pesin.entropy.measure import Measure
from pesin.entropy.search import count_within, cross_distances, kth_distances, shuffle_among_neighbours

MANY = 30  # dimensions beyond which a k-NN estimate is called meaningless
REPEATED = 0.1  # share of repeated values above which data are not called continuous


def differential_entropy(x, k: int = 4, norm: str = "max") -> Estimate:
    """Differential entropy by Kozachenko and Leonenko: psi(N) - psi(k) + ln V_d + d <ln eps_k>.

    Parameters
    ----------
    x : array_like, shape (samples,), or (..., samples, dim)
    k
        Neighbour whose distance is taken; more lessen the variance and raise the bias.
    norm
        "max", or "euclidean" (the estimate is then the same in every rotated frame).

    Returns
    -------
    Estimate
        In nats, of any sign: h(c x) = h(x) + d ln c. Counts of `samples` and `neighbours`.

    Raises
    ------
    ValueError
        If a coordinate is constant or k other points coincide with one: the entropy is then -inf, or not continuous.
    """
    clouds, batch = cloud(x, k + 1, "k-NN differential entropy")
    _at_least_one(k)
    _varies(clouds, "x")
    distance = kth_distances(clouds, k, _euclidean(norm))
    _apart(distance, k, "x")
    size, dim = clouds.shape[1:]
    value = digamma(size) - digamma(k) + _log_ball(dim, norm) + dim * np.log(distance).mean(-1)
    return _estimate(batch, value, size, k)


def kl_divergence(x, y, k: int = 4, norm: str = "max") -> Estimate:
    """Kullback-Leibler divergence of x's density from y's: d <ln(nu_k / rho_k)> + ln(M / (N - 1)).

    rho_k is the distance of a point of x to its k-th nearest other of x, nu_k to its k-th nearest of y
    (Wang, Kulkarni and Verdu, IEEE Trans. Inf. Theory 55, 2392, 2009).

    Parameters
    ----------
    x : array_like, shape (samples,), or (..., samples, dim)
    y : array_like, shape (other samples,), or (..., other samples, dim)
    k, norm
        As in `differential_entropy`.

    Returns
    -------
    Estimate
        In nats; can come out negative. Where x reaches into the thin tails of y it nears the truth slowly and from
        below: two Gaussians 0.44 apart in four dimensions read 0.28, 0.32, 0.37 from 2e3, 1e4, 5e4 samples. Counts of
        `samples`, `reference_samples` and `neighbours`.

    Raises
    ------
    ValueError
        If the dimensions or batches differ, or distances of 0 occur.
    """
    _at_least_one(k)
    here, batch = cloud(x, k + 1, "k-NN divergence", "x")
    there, other_batch = cloud(y, k, "k-NN divergence", "y")
    if batch != other_batch or here.shape[-1] != there.shape[-1]:
        raise ValueError(f"x {np.shape(x)} and y {np.shape(y)} must have the same batch and the same dimension")
    own, cross = kth_distances(here, k, _euclidean(norm)), cross_distances(here, there, k, _euclidean(norm))
    _apart(own, k, "x")
    _apart(cross, k, "x among y")
    size, others, dim = here.shape[1], there.shape[1], here.shape[2]
    value = dim * np.log(cross / own).mean(-1) + log(others / (size - 1))
    return _estimate(batch, value, size, k, reference_samples=np.full(len(here), others))


def mutual_information(x, y, k: int = 4) -> Estimate:
    """Mutual information by the first estimator of Kraskov, Stoegbauer and Grassberger (PRE 69, 066138, 2004).

    psi(k) + psi(N) - <psi(n_x + 1) + psi(n_y + 1)>, n_x the points nearer in x (strictly) than the k-th neighbour in
    (x, y), in the maximum norm.

    Parameters
    ----------
    x, y : array_like, shape (samples,), or (..., samples, dim)
        Paired. Bring their coordinates to like scales first; heavy tails to ranks.
    k
        Neighbour.

    Returns
    -------
    Estimate
        In nats; scatters around 0, so below it too, for independent x and y. At most about ln N: correlations above
        0.999 are underestimated. Counts of `samples`, `neighbours` and the mean marginal counts.
    """
    (a, b), batch = _paired({"x": x, "y": y}, k, "k-NN mutual information")
    radius = kth_distances(np.concatenate([a, b], -1), k)
    _apart(radius, k, "(x, y)")
    n_x, n_y = count_within(a, radius), count_within(b, radius)
    size = a.shape[1]
    value = digamma(k) + digamma(size) - (digamma(n_x + 1) + digamma(n_y + 1)).mean(-1)
    return _estimate(batch, value, size, k, mean_n_x=n_x.mean(-1), mean_n_y=n_y.mean(-1))


def conditional_mutual_information(x, y, z, k: int = 4) -> Estimate:
    """Conditional mutual information I(x; y | z) by Frenzel and Pompe (PRL 99, 204101, 2007).

    psi(k) + <psi(n_z + 1) - psi(n_xz + 1) - psi(n_yz + 1)>, counts as in `mutual_information`.

    Parameters
    ----------
    x, y, z : array_like, shape (samples,), or (..., samples, dim)
        Paired.
    k
        Neighbour.

    Returns
    -------
    Estimate
        In nats. Biased towards 0 as the dimension of z grows. Counts of `samples` and `neighbours`.
    """
    (a, b, c), batch = _paired({"x": x, "y": y, "z": z}, k, "k-NN conditional mutual information")
    return _estimate(batch, _frenzel_pompe(a, b, c, k), a.shape[1], k)


def transfer_entropy(
    source, target, k: int = 4, source_history: int = 1, target_history: int = 1, step: int = 1
) -> Estimate:
    """Transfer entropy I(target's next; source's past | target's past) (Schreiber, PRL 85, 461, 2000), by k-NN.

    Parameters
    ----------
    source, target : array_like, shape (..., time)
        Sampled together.
    k
        Neighbour.
    source_history, target_history
        Points of each past.
    step
        Samples between the points of a past; what is predicted is the next sample.

    Returns
    -------
    Estimate
        In nats a sample. Biased, and for autocorrelated sources more so: subtract the mean of `null_values` with
        blocks. Counts of `samples` and `neighbours`.
    """
    _at_least_one(k, source_history=source_history, target_history=target_history, step=step)
    back = (max(source_history, target_history) - 1) * step + 1
    x, batch = series(source, back + k + 1, "k-NN transfer entropy", "source")
    y, other = series(target, back + k + 1, "k-NN transfer entropy", "target")
    if batch != other or x.shape != y.shape:
        raise ValueError(f"source {np.shape(source)} and target {np.shape(target)} must have the same shape")
    past_x, past_y = history(x, source_history, step, back), history(y, target_history, step, back)
    _continuous(y[..., None], "target")
    value = _frenzel_pompe(y[:, back:, None], past_x, past_y, k)
    return Estimate.of(
        batch,
        value,
        BLOCK_SUBSAMPLES,
        samples=np.full(len(x), past_x.shape[1]),
        neighbours=np.full(len(x), k),
    )


def history(x: np.ndarray, points: int, step: int, back: int) -> np.ndarray:
    """Past of every sample from `back` on: (batch, time) -> (batch, time - back, points), the latest first."""
    stop = x.shape[-1]
    return np.stack([x[:, back - 1 - i * step : stop - 1 - i * step] for i in range(points)], -1)


def null_values(
    rng: np.random.Generator, measure: Callable[..., Estimate], x, *others, copies: int = 200, block: int = 1
) -> np.ndarray:
    """Values of a measure of dependence when x is shuffled: its bias, and what chance alone gives.

    Parameters
    ----------
    rng
        Generator.
    measure
        `mutual_information`, `transfer_entropy`, or alike: f(x, *others) -> Estimate.
    x, *others : array_like
        One data set, x as (samples,) or (samples, dim). All are sampled together.
    copies
        Shuffles; p = (1 + #{null >= value}) / (1 + copies).
    block
        x is cut into blocks of this many samples whose order is shuffled (1: every sample). For autocorrelated series
        take several correlation times, else the null is too narrow.

    Returns
    -------
    ndarray, shape (copies,)
        Subtract their mean from the value; take the p-value from `stats.surrogates.rank_p_value(-value, -null)`.
    """
    x = finite(x)
    return np.array([measure(x[order], *others).value for order in block_shuffles(rng, len(x), block, copies)])


def local_null_values(rng: np.random.Generator, x, y, z, k: int = 4, among: int = 5, copies: int = 200) -> np.ndarray:
    """Values of I(x; y | z) when x is shuffled only among samples of like z (Runge, AISTATS 2018).

    A free shuffle breaks the tie of x and z too, and finds dependence given z where there is none.

    Parameters
    ----------
    x, y, z : array_like, shape (samples,), or (samples, dim)
    k
        Neighbour of the estimator.
    among
        Each sample takes the x of one of its `among` nearest samples in z (itself counted); fewer stay closer to z.

    Returns
    -------
    ndarray, shape (copies,)
    """
    (a, _, c), _ = _paired({"x": x, "y": y, "z": z}, k, "k-NN conditional mutual information")
    enough(a.shape[1], among, "the local shuffle", "samples")
    orders = shuffle_among_neighbours(rng, c[0], among, copies)
    return np.array([conditional_mutual_information(a[0][order], y, z, k).value for order in orders])


def block_shuffles(rng: np.random.Generator, size: int, block: int, copies: int) -> np.ndarray:
    """Orders, shape (copies, size), in which blocks of 0 .. size - 1 are shuffled; the last block may be shorter."""
    if not 1 <= block <= size // 2:
        raise ValueError(f"block must lie between 1 and half of the {size} samples, it is {block}")
    blocks = np.array_split(np.arange(size), np.arange(block, size, block))
    return np.array([np.concatenate([blocks[i] for i in rng.permutation(len(blocks))]) for _ in range(copies)])


def half_sample_error(rng: np.random.Generator, measure: Callable[..., Estimate], *data, draws: int = 50) -> float:
    """Standard error of a k-NN measure of independent samples: its spread over random halves.

    A half drawn without replacement scatters around the whole with var(1/m - 1/N) = var / N for m = N / 2: just the
    sampling variance of the whole. A bootstrap would put copies at distance 0, and the jackknife is inconsistent.

    Parameters
    ----------
    rng
        Generator.
    measure
        f(*data) -> Estimate.
    *data : array_like, shape (samples,), or (samples, dim)
        Paired: the same half of each is drawn.
    draws
        Number of halves.

    Returns
    -------
    float
        In nats.
    """
    size = len(finite(data[0]))
    halves = [rng.permutation(size)[: size // 2] for _ in range(draws)]
    values = np.array([measure(*(finite(part)[half] for part in data)).value for half in halves])
    return float(values.std(ddof=1))


# -------------------------------------------------------------------------------------------------------------- parts


def cloud(x, needs: int, measure: str, name: str = "x") -> tuple[np.ndarray, tuple[int, ...]]:
    """Check as `estimate.samples` does; a one-dimensional array is a cloud of points on a line.

    Raises
    ------
    ValueError
        If there are no more samples than dimensions: neighbours mean nothing then, and most likely the rows are series.
    """
    x = finite(x, name)
    clouds, batch = samples(x[:, None] if x.ndim == 1 else x, needs, measure, name)
    if clouds.shape[2] >= clouds.shape[1]:
        raise ValueError(
            f"{measure} needs more samples than dimensions, {name} has {clouds.shape[1]} samples of {clouds.shape[2]} "
            f"dimensions; if it is a batch of series, pass {name}[..., None]"
        )
    if clouds.shape[2] > MANY:
        warnings.warn(
            f"{name} has {clouds.shape[2]} dimensions: nearest neighbours are hardly nearer than others there; "
            f"if it is a batch of series, pass {name}[..., None]",
            RuntimeWarning,
            stacklevel=3,
        )
    return clouds, batch


def _paired(data: dict, k: int, measure: str):
    _at_least_one(k)
    checked = {name: cloud(part, k + 1, measure, name) for name, part in data.items()}
    shapes = {(batch, clouds.shape[1]) for clouds, batch in checked.values()}
    if len(shapes) > 1:
        given = ", ".join(f"{name} {np.shape(part)}" for name, part in data.items())
        raise ValueError(f"{measure} needs as many samples of each, in the same batch; the shapes are {given}")
    for name, (clouds, _) in checked.items():
        _continuous(clouds, name)
    return [clouds for clouds, _ in checked.values()], next(iter(checked.values()))[1]


def _frenzel_pompe(a, b, c, k: int) -> np.ndarray:
    radius = kth_distances(np.concatenate([a, b, c], -1), k)
    _apart(radius, k, "the joint space")
    n_c = count_within(c, radius)
    n_ac, n_bc = (count_within(np.concatenate([part, c], -1), radius) for part in (a, b))
    return digamma(k) + (digamma(n_c + 1) - digamma(n_ac + 1) - digamma(n_bc + 1)).mean(-1)


def _estimate(batch, value, size: int, k: int, **counts) -> Estimate:
    rows = len(value)
    return Estimate.of(batch, value, SUBSAMPLES, samples=np.full(rows, size), neighbours=np.full(rows, k), **counts)


def _log_ball(dim: int, norm: str) -> float:
    """ln of the volume of the unit ball."""
    return dim * log(2) if norm == "max" else dim / 2 * log(pi) - log(gamma(dim / 2 + 1))


def _euclidean(norm: str) -> bool:
    if norm not in ("max", "euclidean"):
        raise ValueError(f"norm must be 'max' or 'euclidean', it is {norm!r}")
    return norm == "euclidean"


def _at_least_one(k: int, **others: int) -> None:
    for name, value in {"k": k, **others}.items():
        if value < 1 or value != int(value):
            raise ValueError(f"{name} must be a whole number from 1 on, it is {value}")


def _apart(distance: np.ndarray, k: int, name: str) -> None:
    zero = int((distance == 0).sum())
    if zero:
        raise ValueError(
            f"{zero} points of {name} coincide with {k} others: these are not samples of a density. Use a measure of "
            "discrete values, or add noise of the size of the rounding"
        )


def _varies(clouds: np.ndarray, name: str) -> None:
    constant = np.ptp(clouds, axis=1) == 0
    if constant.any():
        row, column = np.argwhere(constant)[0]
        raise ValueError(f"coordinate {column} of {name} is constant (batch row {row}): its entropy is -inf")
    _continuous(clouds, name)


def _continuous(clouds: np.ndarray, name: str) -> None:
    """Warn if many values of a coordinate repeat; a constant one is no news to a measure of dependence."""
    ordered = np.sort(clouds, 1)
    repeated = (ordered[:, 1:] == ordered[:, :-1]).mean(1)
    worst = repeated[repeated < 1].max(initial=0)
    if worst > REPEATED:
        warnings.warn(
            f"{worst:.0%} of the values of a coordinate of {name} repeat another: nearest-neighbour measures assume a "
            "density, and are biased for rounded or discrete values",
            RuntimeWarning,
            stacklevel=4,
        )


_CONTINUOUS: dict[str, Any] = {"section": "E", "units": "nat", "needs": 5}
_UNLIKE = "a scale of one variable alone changes who is whose neighbour in the maximum norm"
_FREE = "Samples must be independent draws of a density: rounded values, repeats and oversampled series break it"
MEASURES = (
    Measure(
        "differential_entropy",
        differential_entropy,
        follows="log",
        moves="a density is per unit of x: h(a x) = h(x) + d ln a",
        takes="samples",
        measures="Spread of a density, in nats relative to one unit of the data: 1.42 for a standard Gaussian, 0 for a "
        "uniform one of length 1, negative for narrower ones.",
        avoid=_FREE + "; more than about 10 dimensions; comparing data in different units.",
        source="Kozachenko and Leonenko, Probl. Inf. Transm. 23, 95 (1987); Kraskov et al., PRE 69, 066138 (2004)",
        cost="N log N up to about 10 dimensions",
        advised=100,
        peer="infomeasure.entropy(x, approach='metric', k=4, noise_level=0) in one dimension",
        invariant=("shift",),
        **_CONTINUOUS,
    ),
    Measure(
        "kl_divergence",
        kl_divergence,
        moves="a cloud that is shifted or scaled alone is another density than the other",
        takes="two clouds",
        measures="How far the density of x is from that of y: nats lost a sample when x is coded as if it came from y.",
        avoid=_FREE
        + "; densities that hardly overlap: it falls short of large divergences, and never finds an infinite "
        "one.",
        source="Wang, Kulkarni and Verdu, IEEE Trans. Inf. Theory 55, 2392 (2009)",
        cost="N log N",
        advised=200,
        invariant=("shift", "scale"),
        **_CONTINUOUS,
    ),
    Measure(
        "mutual_information",
        mutual_information,
        alone={"x": ("shift",), "y": ("shift",)},
        moves=_UNLIKE,
        takes="pairs",
        measures="Dependence of two variables of any form: nats that knowing one gives about the other, 0 if they are "
        "independent.",
        avoid=_FREE + "; correlations above 0.999; heavy tails (take ranks first); unlike scales.",
        source="Kraskov, Stoegbauer and Grassberger, PRE 69, 066138 (2004), first estimator",
        cost="N log N",
        advised=200,
        peer="infomeasure.mutual_information(x, y, approach='metric', k=4, noise_level=0)",
        constant=0.0,
        invariant=("shift", "scale"),
        **_CONTINUOUS,
    ),
    Measure(
        "conditional_mutual_information",
        conditional_mutual_information,
        alone=dict.fromkeys("xyz", ("shift",)),
        moves=_UNLIKE,
        takes="triples",
        measures="Dependence of x and y that is left when z is known.",
        avoid=_FREE + "; a z of many dimensions (biased towards 0); a free shuffle as its null (use the local one).",
        source="Frenzel and Pompe, PRL 99, 204101 (2007)",
        cost="N log N",
        advised=500,
        peer="infomeasure.conditional_mutual_information(x, y, cond=z, approach='metric', k=4, noise_level=0)",
        constant=0.0,
        invariant=("shift", "scale"),
        **_CONTINUOUS,
    ),
    Measure(
        "transfer_entropy",
        transfer_entropy,
        alone={"source": ("shift",), "target": ("shift",)},
        moves=_UNLIKE,
        takes="two series",
        measures="What the past of one series says about the next value of another beyond that one's own past.",
        avoid="Without its null (shuffle the source in blocks and subtract the mean); unseen common drivers; a "
        "deterministic target, of which nothing is left to say; oversampled flows.",
        source="Schreiber, PRL 85, 461 (2000); Frenzel and Pompe, PRL 99, 204101 (2007)",
        cost="N log N",
        advised=1000,
        peer="infomeasure.transfer_entropy(x, y, approach='metric', k=4, noise_level=0)",
        invariant=("shift", "scale"),
        **(_CONTINUOUS | {"units": "nat per sample", "needs": 6}),
    ),
)


DECLARED = (
    Declared(
        local_null_values,
        ("x", "y", "z"),
        invariant=("shift", "scale"),
        alone=dict.fromkeys("xyz", ("shift",)),
        moves=_UNLIKE,
    ),
)
