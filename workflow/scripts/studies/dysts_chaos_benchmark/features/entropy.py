"""How diverse are the systems: features of their trajectories that don't depend on scale, and clusters of them."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dysts_chaos_benchmark.features.params import Entropy, Params


def entropy(case: Case[Params], zoo: xr.Dataset) -> xr.Dataset:
    """Features of every flow and delay system that moves, their clusters, and how many directions they fill."""
    p, rng = case.params.entropy, case.rng("features")
    keep = np.flatnonzero((zoo["integrates"].values == 1) & (zoo["kind"].values != "map"))
    table = np.array([features(zoo["x"].values[i], zoo["dim"].values[i]) for i in keep])
    if p.matrix == "noise":
        table = rng.standard_normal(table.shape)
    if p.matrix == "one":
        table = rng.standard_normal((len(table), 1)) * np.sign(rng.standard_normal(table.shape[1]))
    table = np.apply_along_axis(_normal_scores, 0, table)
    ratios = pseudovalues(table)
    scores, labels = _clusters(table, p.clusters, rng)
    stability = _stability(table, labels, p.resamples, rng)
    position = _principal(table, 2)
    stable = int((stability > STABLE).sum())
    return xr.Dataset(
        {
            "participation_ratio": labelled(
                "system", ratios, "jackknife pseudo-value of the participation ratio of the features' covariance"
            ),
            "stability": labelled("cluster", stability, "bootstrap Jaccard stability of a cluster"),
            "stable_short_of_three": labelled((), max(0, 3 - stable), "clusters of stability above 0.6 short of three"),
            "groupless_p": labelled(
                (),
                _groupless(p, table, stability, case.rng("clouds")),
                "share of clouds without groups whose third cluster is as stable; 1 if fewer than three are stable",
            ),
            "silhouette": labelled("clusters", scores, "mean silhouette"),
            "hopkins": labelled((), _hopkins(table, rng), "Hopkins statistic (0.5: no clusters)"),
            "position": labelled(("system", "component"), position, "principal component of the features"),
            "cluster_of": labelled("system", labels, "cluster"),
            "table": labelled(("system", "feature"), table, "features as normal scores"),
        },
        {
            "system": zoo["system"].values[keep],
            "feature": NAMES,
            "clusters": list(p.clusters),
            "component": [1, 2],
            "cluster": np.arange(labels.max() + 1),
        },
    )


MEASURES = (
    "skewness",
    "kurtosis",
    "autocorrelation at a tenth of a period",
    "autocorrelation at a quarter",
    "autocorrelation at a half",
    "autocorrelation at a period",
    "autocorrelation at three periods",
    "spectral entropy",
    "share of power below the dominant frequency",
    "share of power above twice the dominant frequency",
    "time spent above the mean",
    "upward crossings of the mean per period",
    "time asymmetry",
    "flatness of increments",
    "permutation entropy",
)
NAMES = [f"{what}: {name}" for name in MEASURES for what in ("mean", "spread")]
PER_PERIOD = 100
STABLE = 0.6


def features(x: np.ndarray, dim: int) -> np.ndarray:
    """Mean and spread over coordinates of features that neither shift nor scale changes; (time, coords) -> (features,).

    Sampled at 100 points in a period.
    """
    columns = [x[:, i] for i in range(x.shape[1]) if np.isfinite(x[:, i]).all() and x[:, i].std() > 0]
    values = np.array([_of_series((c - c.mean()) / c.std()) for c in columns])
    return np.stack([values.mean(0), values.std(0)], 1).ravel()


def _of_series(z: np.ndarray) -> list[float]:
    from pesin.entropy.ordinal import complexity_entropy

    power = np.abs(np.fft.rfft(z)) ** 2
    power = power[1:] / power[1:].sum()
    main = max(int(round(z.size / PER_PERIOD)), 1)
    steps = np.diff(z)
    lags = [PER_PERIOD // 10, PER_PERIOD // 4, PER_PERIOD // 2, PER_PERIOD, 3 * PER_PERIOD]
    with np.errstate(divide="ignore", invalid="ignore"):
        spectral = -np.nansum(power * np.log(power)) / np.log(power.size)
    return [
        float((z**3).mean()),
        float((z**4).mean()),
        *(float((z[lag:] * z[:-lag]).mean()) for lag in lags),
        float(spectral),
        float(power[: max(main // 2, 1)].sum()),
        float(power[2 * main :].sum()),
        float((z > 0).mean()),
        float(((z[:-1] <= 0) & (z[1:] > 0)).sum() / (z.size / PER_PERIOD)),
        float((steps**3).mean() / max((steps**2).mean(), 1e-300) ** 1.5),
        float((steps**4).mean() / max((steps**2).mean(), 1e-300) ** 2),
        float(np.ravel(complexity_entropy(z, 4, PER_PERIOD // 10).permutation_entropy)[0]),
    ]


def participation_ratio(table: np.ndarray) -> float:
    """(sum of eigenvalues)^2 / sum of their squares of the covariance: the number of directions that matter."""
    values = np.linalg.eigvalsh(np.cov(table.T))
    return float(values.sum() ** 2 / (values**2).sum())


def pseudovalues(table: np.ndarray) -> np.ndarray:
    """Each system's share in the participation ratio of all: n times it, less n - 1 times that without the system.

    Their mean is the ratio without most of its bias, their scatter its standard error (Tukey, Ann. Math. Stat. 29, 614,
    1958). Shape (system, feature) -> (system,).
    """
    count = len(table)
    without = [participation_ratio(np.delete(table, i, axis=0)) for i in range(count)]
    return count * participation_ratio(table) - (count - 1) * np.array(without)


def _normal_scores(column: np.ndarray) -> np.ndarray:
    """Ranks through the normal quantiles, so that one odd system doesn't set the scale."""
    from scipy.special import ndtri

    from pesin.stats.intervals import ranks

    return ndtri((ranks(column) - 0.5) / column.size)


def _principal(table: np.ndarray, count: int) -> np.ndarray:
    centred = table - table.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    return u[:, :count] * s[:count]


def _clusters(table: np.ndarray, numbers, rng) -> tuple[list[float], np.ndarray]:
    """Silhouette for each number of clusters (k-means on five principal components) and the best one's labels."""
    from sklearn.metrics import silhouette_score

    space = _principal(table, 5)
    found = [_kmeans(space, k, rng) for k in numbers]
    scores = [float(silhouette_score(space, labels)) for labels in found]
    return scores, found[int(np.argmax(scores))]


def _kmeans(space: np.ndarray, k: int, rng) -> np.ndarray:
    from sklearn.cluster import KMeans

    return KMeans(k, n_init=5, random_state=int(rng.integers(2**31))).fit_predict(space)


def _stability(table: np.ndarray, labels: np.ndarray, resamples: int, rng) -> np.ndarray:
    """Mean over bootstrap samples of each cluster's best Jaccard overlap (Hennig, CSDA 52, 258, 2007)."""
    space, k = _principal(table, 5), labels.max() + 1
    overlap = np.zeros((resamples, k))
    for row in overlap:
        drawn = rng.integers(len(space), size=len(space))
        again = _kmeans(space[drawn], k, rng)
        present = np.unique(drawn)
        assigned = {int(i): int(c) for i, c in zip(drawn, again, strict=True)}
        new = np.array([assigned[int(i)] for i in present])
        old = labels[present]
        for cluster in range(k):
            inside = old == cluster
            each = [(inside & (new == c)).sum() / max((inside | (new == c)).sum(), 1) for c in range(k)]
            row[cluster] = max(each)
    return overlap.mean(0)


def _groupless(p: Entropy, table: np.ndarray, stability: np.ndarray, rng) -> float:
    """p-value of the third most stable cluster among normal clouds of the table's covariance, which have no groups.

    k-means cuts a long cloud into stable pieces too, as many as it likes, though none as stable as a group that lies
    apart. Fewer than three stable clusters are not put to this test.
    """
    third = np.sort(stability)[-3]
    if third <= STABLE:
        return 1.0
    root, as_stable = np.linalg.cholesky(np.cov(table.T) + 1e-9 * np.eye(table.shape[1])), 0
    for _ in range(p.clouds):
        cloud = np.apply_along_axis(_normal_scores, 0, rng.standard_normal(table.shape) @ root.T)
        labels = _clusters(cloud, p.clusters, rng)[1]
        as_stable += np.sort(_stability(cloud, labels, p.resamples, rng))[-3] >= third
    return float((1 + as_stable) / (1 + p.clouds))


def _hopkins(table: np.ndarray, rng) -> float:
    """Hopkins and Skellam (1954): distances of random points against those of systems to the nearest system."""
    from scipy.spatial import cKDTree

    space = _principal(table, 5)
    tree, count = cKDTree(space), len(space) // 4
    random = rng.uniform(space.min(0), space.max(0), (count, space.shape[1]))
    far = tree.query(random)[0]
    near = tree.query(space[rng.choice(len(space), count, replace=False)], k=2)[0][:, 1]
    return float((far**5).sum() / ((far**5).sum() + (near**5).sum()))
