"""Entropies of spectra of matrices: diffusion operators on data, density matrices, kernels, singular values.

Everything is in nats; divide by ln 2 for bits. Eigenvalues are exact (LAPACK, float64): no polynomial or half-precision
shortcut, which moves small eigenvalues by more than the effects in question.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist, squareform
from scipy.special import entr

from pesin.declared import Declared
from pesin.door import finite, samples, symmetric, unmasked, whole_numbers
from pesin.entropy.amplitude import renyi_entropy
from pesin.entropy.estimate import EXACT, SUBSAMPLES, Estimate
from pesin.entropy.measure import Measure

NORMALISATIONS = ("symmetric", "row")
WIDE = 5e3  # squared norm in units of 2 sigma^2 from which distances are taken by differences, to round less


def diffusion_spectral_entropy(
    x, sigma: float | str = 10.0, t: float | Sequence[float] = 1, normalisation: str = "symmetric"
) -> Estimate:
    """Shannon entropy of the spectrum of a diffusion operator on a cloud of points (Liao et al., arXiv 2312.04823).

    G_ij = exp(-|x_i - x_j|^2 / (2 sigma^2)), D its row sums, K = D^-1/2 G D^-1/2, lambda its eigenvalues,
    alpha = |lambda|^t / sum |lambda|^t, value -sum alpha ln alpha.

    Parameters
    ----------
    x : array_like, shape (..., samples, dim)
    sigma
        Bandwidth in the unit of x, or "median": the median distance between two points (of each cloud), which makes
        the entropy blind to the scale of x.
    t
        Diffusion time: eigenvalues to this power. Several times share one eigenvalue problem: the value then has one
        more axis, the times.
    normalisation
        "symmetric": K as above, what the authors' code does. "row": K normalised once more to row sums of 1, as the
        paper's text has it.

    Returns
    -------
    Estimate
        In nats, between 0 and ln(samples): it grows with the number of samples, so compare equal numbers only. Counts
        of `samples`, the `sigma` used and the `effective_rank` exp(value).

    Raises
    ------
    ValueError
        For fewer than two samples, a bandwidth or time that isn't positive, or (at "median") clouds of one point.
    """
    clouds, batch = samples(x, 2, "diffusion spectral entropy")
    value, used = np.empty((len(clouds), *np.shape(t))), np.empty(len(clouds))
    for b, points in enumerate(clouds):
        used[b] = _bandwidth(points, sigma)
        value[b] = _entropy_at(_spectrum(_gaussian(points, used[b]), normalisation), t)
    size = np.full(len(clouds), clouds.shape[1])
    return Estimate.of(batch, value, SUBSAMPLES, samples=size, sigma=used, effective_rank=np.exp(value))


def diffusion_spectral_mutual_information(
    x,
    labels,
    rng: np.random.Generator,
    sigma: float | str = 10.0,
    t: float | Sequence[float] = 1,
    subsets: int = 5,
    normalisation: str = "symmetric",
) -> Estimate:
    """Diffusion spectral mutual information of a representation and labels (Liao et al., arXiv 2312.04823).

    sum_c p(c) [mean over random subsets of n_c points of DSE(subset) - DSE(points of class c)].

    Parameters
    ----------
    x : array_like, shape (samples, dim)
    labels : array_like of int, shape (samples,) or (labellings, samples)
        Classes; for a continuous variable those of `classes_of`. Several labellings, permutations of one another, share
        the random subsets.
    rng
        Generator, for the subsets.
    sigma, t, normalisation
        As in `diffusion_spectral_entropy`; "median" is that of the whole cloud.
    subsets
        Random subsets for each class.

    Returns
    -------
    Estimate
        In nats, for each labelling; can come out negative. A class of one point has entropy 0, as its subsets have.
        Standard error from the subsets' spread only (not from the samples'). Counts of `samples` and `classes`.
    """
    cloud, batch = samples(x, 2, "diffusion spectral mutual information")
    if batch:
        raise ValueError(
            f"diffusion spectral mutual information takes one cloud (samples, dim), not shape {np.shape(x)}"
        )
    points, labels = cloud[0], whole_numbers(labels, "labels", None)
    if labels.ndim not in (1, 2) or labels.shape[-1] != len(points):
        raise ValueError(f"labels must have shape ({len(points)},), one for each sample, not {labels.shape}")
    labellings = labels.reshape(-1, len(points))
    if (np.sort(labellings, 1) != np.sort(labellings[0])).any():
        raise ValueError("several labellings must be permutations of one another")
    kernel = _gaussian(points, _bandwidth(points, sigma))
    value, variance = (np.zeros((len(labellings), *np.shape(t))) for _ in range(2))
    classes, sizes = np.unique(labellings[0], return_counts=True)
    for one, size in zip(classes, sizes, strict=True):
        drawn = [rng.choice(len(points), size, replace=False) for _ in range(subsets)]
        rows = np.array([*drawn, *(np.flatnonzero(labelling == one) for labelling in labellings)])
        entropy = _entropy_at(_spectrum(kernel[rows[:, :, None], rows[:, None]], normalisation), t)
        outside, inside = entropy[:subsets], entropy[subsets:]
        share = size / len(points)
        value += share * (outside.mean(0) - inside)
        variance += share**2 * outside.var(0, ddof=1) / subsets if subsets > 1 else np.nan
    error = None if subsets < 2 else np.sqrt(variance)
    counts = {"samples": np.full(len(labellings), len(points)), "classes": np.full(len(labellings), len(classes))}
    return Estimate.of(labels.shape[:-1], value, SUBSAMPLES, standard_error=error, **counts)


def median_distance(x) -> float:
    """Median Euclidean distance between two points of a cloud, shape (samples, dim).

    Raises
    ------
    ValueError
        If it is 0: half of the points or more coincide.
    """
    width = float(np.median(pdist(finite(x))))
    if width == 0:
        raise ValueError("half of the points or more coincide: there is no median distance, give sigma")
    return width


def classes_of(y, classes: int = 10) -> np.ndarray:
    """Classes of a continuous variable, as the authors of diffusion spectral mutual information make them.

    Parameters
    ----------
    y : array_like, shape (samples,), or (samples, dim)
    classes
        Equal bins between the extremes of one coordinate; spectral clusters of several (nearest-neighbour affinity,
        labels by cluster_qr).

    Returns
    -------
    ndarray of int, shape (samples,)
    """
    y = finite(y, "y")
    if y.ndim == 1 or y.shape[1] == 1:
        line = y.reshape(-1)
        if np.ptp(line) == 0:
            return np.zeros(len(line), int)
        scaled = (line - line.min()) / np.ptp(line)
        return np.digitize(scaled, np.linspace(0, 1, classes + 1)[:-1]) - 1
    from sklearn.cluster import SpectralClustering

    clusters = SpectralClustering(classes, affinity="nearest_neighbors", assign_labels="cluster_qr", random_state=0)
    return clusters.fit_predict(y)


def von_neumann_entropy(rho) -> Estimate:
    """Von Neumann entropy -Tr rho ln rho of a density matrix.

    Parameters
    ----------
    rho : array_like, real or complex, shape (..., dim, dim)
        Hermitian, of trace 1; eigenvalues below 0 by rounding count as 0.

    Returns
    -------
    Estimate
        In nats: 0 for a pure state, ln dim for the maximally mixed one.

    Raises
    ------
    ValueError
        If it isn't Hermitian, its trace isn't 1, or an eigenvalue is below -1e-8.
    """
    rho = unmasked(rho, "rho")
    rho = rho.astype(np.complex128 if rho.dtype.kind == "c" else np.float64, copy=False)
    for part in (rho.real, rho.imag):
        finite(part, "rho")
    _square(rho, "a density matrix")
    if not symmetric(rho):
        raise ValueError("a density matrix is Hermitian, this one is not")
    trace = np.trace(rho, axis1=-2, axis2=-1).real
    if not np.allclose(trace, 1, atol=1e-8):
        raise ValueError(f"a density matrix has trace 1, this one {np.ravel(trace)[0]:.6g}: divide by the trace")
    levels = np.linalg.eigvalsh(rho)
    if levels.min() < -1e-8:
        raise ValueError(f"a density matrix has no negative eigenvalue, this one has {levels.min():.3g}")
    return _exact(entr(np.clip(levels, 0, 1)).sum(-1))


def page_entropy(small: int, large: int) -> float:
    """Mean entanglement entropy of a random pure state (Page, PRL 71, 1291, 1993), in nats.

    Parameters
    ----------
    small, large
        Dimensions m <= n of the two parts; sum_{k=n+1}^{mn} 1/k - (m - 1) / (2 n).
    """
    if small > large:
        small, large = large, small
    return float((1 / np.arange(large + 1, small * large + 1)).sum() - (small - 1) / (2 * large))


def graph_entropy(adjacency) -> Estimate:
    """Von Neumann entropy of a graph: that of its Laplacian divided by its trace (Braunstein, Ghosh and Severini 2006).

    Parameters
    ----------
    adjacency : array_like, shape (..., nodes, nodes)
        Symmetric weights, 0 or more, with at least one link; the diagonal does not count.

    Returns
    -------
    Estimate
        In nats, at most ln(nodes - 1), which the complete graph reaches.
    """
    weights = finite(adjacency, "adjacency")
    _square(weights, "an adjacency matrix")
    if not symmetric(weights) or (weights < 0).any():
        raise ValueError("an adjacency matrix must be symmetric and hold no negative weight")
    weights = weights * (1 - np.eye(weights.shape[-1]))
    degree = weights.sum(-1)
    total = degree.sum(-1)
    if (total == 0).any():
        raise ValueError("a graph without links has no entropy: its Laplacian is 0")
    laplacian = degree[..., None] * np.eye(weights.shape[-1]) - weights
    return _exact(entr(np.clip(np.linalg.eigvalsh(laplacian / total[..., None, None]), 0, 1)).sum(-1))


def matrix_renyi_entropy(x, sigma: float | str = "median", alpha: float = 2.0) -> Estimate:
    """Matrix-based Renyi entropy of a cloud of points (Sanchez Giraldo, Rao and Principe, IEEE TIT 61, 535, 2015).

    ln(sum lambda^alpha) / (1 - alpha), lambda the eigenvalues of the Gaussian kernel matrix over its trace.

    Parameters
    ----------
    x : array_like, shape (..., samples, dim)
    sigma
        Bandwidth, or "median" as in `diffusion_spectral_entropy`.
    alpha
        Order, 0 or more; 1 gives the von Neumann entropy of the matrix. 2 needs no eigenvalues.

    Returns
    -------
    Estimate
        In nats, between 0 (all points the same) and ln(samples). Counts of `samples` and the `sigma` used.
    """
    if alpha < 0:
        raise ValueError(f"alpha must be 0 or more, it is {alpha}")
    clouds, batch = samples(x, 2, "matrix-based Renyi entropy")
    value, used = np.empty(len(clouds)), np.empty(len(clouds))
    for b, points in enumerate(clouds):
        used[b] = _bandwidth(points, sigma)
        kernel = _gaussian(points, used[b]) / len(points)
        if alpha == 2:
            value[b] = -log((kernel**2).sum())
            continue
        levels = np.clip(np.linalg.eigvalsh(kernel), 0, 1)
        value[b] = renyi_entropy(levels / levels.sum(), alpha).value
    return Estimate.of(batch, value, SUBSAMPLES, samples=np.full(len(clouds), clouds.shape[1]), sigma=used)


def effective_rank(matrix) -> Estimate:
    """Effective rank: exp of the entropy of the normalised singular values (Roy and Vetterli, EUSIPCO 2007).

    Parameters
    ----------
    matrix : array_like, shape (..., rows, columns)
        Not 0. Centre the columns first to speak of variation.

    Returns
    -------
    Estimate
        Between 1 and the smaller side.
    """
    values = _singular(matrix, "effective rank")
    return _exact(np.exp(entr(values / values.sum(-1, keepdims=True)).sum(-1)))


def participation_ratio(matrix) -> Estimate:
    """Participation ratio (sum l)^2 / sum l^2 of l = squared singular values: a dimension of a cloud about 0.

    Parameters
    ----------
    matrix : array_like, shape (..., samples, dim)
        Not 0. Centre the columns first: l are then the variances along the principal axes.

    Returns
    -------
    Estimate
        Between 1 and the smaller side.
    """
    variances = _singular(matrix, "participation ratio") ** 2
    return _exact(variances.sum(-1) ** 2 / (variances**2).sum(-1))


# -------------------------------------------------------------------------------------------------------------- parts


def _spectrum(kernel: np.ndarray, normalisation: str) -> np.ndarray:
    """Moduli of the eigenvalues of the diffusion operators of kernel matrices (..., n, n), which are overwritten."""
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation must be one of {', '.join(NORMALISATIONS)}, it is {normalisation!r}")
    for _ in range(1 + (normalisation == "row")):
        # Similar to the operator with unit row sums: the same eigenvalues, and symmetric.
        scale = 1 / np.sqrt(kernel.sum(-1))
        kernel *= scale[..., :, None]
        kernel *= scale[..., None, :]
    return np.abs(np.linalg.eigvalsh(kernel))


def _entropy_at(spectrum: np.ndarray, t) -> np.ndarray:
    """Shannon entropy of spectra (..., n) to the power of each time: (..., times), or (...) for one number."""
    times = np.asarray(t, float)
    if times.size == 0 or not (times > 0).all():
        raise ValueError(f"t must be positive, it is {t}")
    weights = spectrum[..., None, :] ** times.reshape(-1, 1)
    entropy = entr(weights / weights.sum(-1, keepdims=True)).sum(-1)
    return entropy.reshape((*spectrum.shape[:-1], *times.shape))


def _gaussian(points: np.ndarray, sigma: float) -> np.ndarray:
    """Kernel matrix exp(-|x - y|^2 / (2 sigma^2)) of a cloud (samples, dim)."""
    points = (points - points.mean(0)) / (sqrt(2) * sigma)
    norms = (points**2).sum(1, keepdims=True)
    if norms.max() > WIDE:
        return np.exp(-squareform(pdist(points, "sqeuclidean"), checks=False))
    # 2 xy - |x|^2 - |y|^2 as one product of matrices: passes over the memory are what a kernel costs.
    one = np.ones_like(norms)
    kernel = np.hstack([2 * points, -norms, one]) @ np.hstack([points, one, -norms]).T
    np.minimum(kernel, 0, out=kernel)
    np.fill_diagonal(kernel, 0)
    return np.exp(kernel, out=kernel)


def _bandwidth(points: np.ndarray, sigma: float | str) -> float:
    if sigma == "median":
        return median_distance(points)
    if isinstance(sigma, str) or not 0 < sigma < np.inf:
        raise ValueError(f"sigma must be a positive number or 'median', it is {sigma!r}")
    return float(sigma)


def _singular(matrix, measure: str) -> np.ndarray:
    rows, batch = samples(matrix, 1, measure, "matrix")
    values = np.linalg.svd(rows, compute_uv=False)
    if (values[:, 0] == 0).any():
        raise ValueError(f"{measure} is not defined for a matrix of zeros")
    return values.reshape(*batch, -1)


def _square(matrix: np.ndarray, what: str) -> None:
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"{what} has shape (..., n, n), this one {matrix.shape}")


def _exact(value) -> Estimate:
    return Estimate.of(np.shape(value), np.reshape(value, -1), EXACT)


_CLOUD: dict[str, Any] = {"section": "E", "takes": "samples", "units": "nat", "needs": 2, "cost": "N^3"}
MEASURES = (
    Measure(
        "diffusion_spectral_entropy",
        diffusion_spectral_entropy,
        moves="sigma is in the unit of x; with sigma='median' it follows the scale",
        measures="ln of the number of directions along which a random walk on the cloud mixes slowly: it follows the "
        "intrinsic dimension and the number of clusters, and hardly feels small ambient noise.",
        avoid="Comparing clouds of different size or scale: at fixed sigma it measures the norm of the features too "
        "(repeat it with sigma='median'); more than some thousand points.",
        source="Liao et al., arXiv 2312.04823 (2023)",
        advised=200,
        peer="dse_dsmi.diffusion_spectral_entropy(x) * ln 2",
        constant=0.0,
        bounds=(0, float("inf")),
        invariant=("shift",),
        **_CLOUD,
    ),
    Measure(
        "matrix_renyi_entropy",
        matrix_renyi_entropy,
        measures="Renyi entropy of a cloud without a density: from how alike its points are under a Gaussian kernel.",
        avoid="Comparing clouds of different size; reading absolute values, which follow the bandwidth.",
        source="Sanchez Giraldo, Rao and Principe, IEEE Trans. Inf. Theory 61, 535 (2015)",
        advised=100,
        bounds=(0, float("inf")),
        invariant=("shift", "scale"),
        **(_CLOUD | {"cost": "N^2 d for alpha = 2, else N^3"}),
    ),
    Measure(
        "von_neumann_entropy",
        von_neumann_entropy,
        moves="a density matrix has trace 1",
        section="E",
        takes="density",
        units="nat",
        measures="Mixedness of a quantum state: 0 for a pure one, ln d for the maximally mixed one; for a part of a "
        "pure state its entanglement with the rest.",
        avoid="States estimated from few shots: noise on the eigenvalues biases it upwards.",
        source="von Neumann 1927",
        cost="d^3",
        needs=1,
        advised=1,
        peer="qutip.entropy_vn(rho)",
        bounds=(0, float("inf")),
    ),
    Measure(
        "graph_entropy",
        graph_entropy,
        invariant=("scale",),
        moves="a weight added to all pairs is another graph",
        section="E",
        takes="other",
        units="nat",
        measures="Regularity of a graph: near ln(nodes - 1) if no node or cut stands out.",
        avoid="Comparing graphs of different size; graphs whose direction matters.",
        source="Braunstein, Ghosh and Severini, Ann. Comb. 10, 291 (2006)",
        cost="nodes^3",
        needs=2,
        advised=2,
        bounds=(0, float("inf")),
    ),
    Measure(
        "effective_rank",
        effective_rank,
        moves="the mean counts as a direction: centre the columns first",
        section="E",
        takes="matrix",
        units="1",
        measures="Number of directions that a matrix uses, by the entropy of its singular values.",
        avoid="Data that have not been centred: the mean counts as a direction.",
        source="Roy and Vetterli, EUSIPCO (2007)",
        cost="N d^2",
        needs=1,
        advised=20,
        constant=1.0,
        bounds=(1, float("inf")),
        invariant=("scale",),
    ),
    Measure(
        "participation_ratio",
        participation_ratio,
        moves="the mean counts as a direction: centre the columns first",
        section="E",
        takes="matrix",
        units="1",
        measures="Number of principal axes that carry the variance; large ones count more than in the effective rank.",
        avoid="Data that have not been centred: the mean counts as a direction.",
        source="Gao et al., bioRxiv 214262 (2017)",
        cost="N d^2",
        needs=1,
        advised=20,
        constant=1.0,
        bounds=(1, float("inf")),
        invariant=("scale",),
    ),
)


DECLARED = (
    Declared(median_distance, ("x",), invariant=("shift",), follows="unit", moves="it is in the unit of x"),
    Declared(classes_of, ("y",), invariant=("shift", "scale")),
    Declared(
        diffusion_spectral_mutual_information,
        ("x", "labels"),
        names=("labels",),
        alone={"x": ("shift",)},
        invariant=("shift",),
        moves="sigma is in the unit of x; with sigma='median' it follows the scale",
    ),
)
