"""Which measures agree, which tells the Kolmogorov-Sinai entropy, which foretells how far a forecast is good."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform

from pesin.stats.intervals import correlation_interval, ranks
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.entropy_atlas.comparison.params import Compared, Params

FALLS = ("missing_patterns",)  # measures that fall as a series gets less regular
CONDITIONS = ("long", "noisy", "short")


def entropy(case: Case[Params], measures: xr.Dataset, valid_times: xr.Dataset, spectra: xr.Dataset) -> xr.Dataset:
    """All comparisons, over the systems that have a series and a recomputed spectrum."""
    p = case.params.entropy
    values, truth, valid, left_out = _together(p, measures, valid_times, spectra)
    if p.dealt:
        rng = case.rng("deal")
        for index in np.ndindex(values.shape[:2]):
            values[index] = rng.permutation(values[index])
    section = measures.section.values.astype(str)
    if p.sections == "dealt":
        section = case.rng("sections").permutation(section)
    ranked, names = _rank(values), measures.measure.values
    told, predictors = _foretelling(ranked[:, 0], truth, valid, names, p.neighbours)
    return xr.Dataset(
        {
            **_against_truth(values, ranked, truth, valid),
            **_agreement(ranked[:, 0], section, p, case.rng("labels")),
            **told,
            "systems": labelled((), float(truth.size), "systems compared"),
            "left_out": labelled((), ", ".join(left_out), "systems without a series or without a spectrum"),
        },
        {
            "measure": names,
            "other": names,
            "condition": list(CONDITIONS),
            "system": truth.system.values,
            "section": ("measure", section),
            "predictor": predictors,
        },
    )


def _against_truth(values, ranked, truth, valid) -> dict:
    """Ranks of the systems (measure, condition, system) against those by Pesin entropy and by valid time."""
    truth_rank = _rank(truth)
    error = np.where(np.isfinite(_kept(values)), np.abs(ranked - truth_rank), 1.0)
    rho = [[[correlation_interval(r, t) for r in row] for row in ranked] for t in (truth_rank, _rank(valid))]
    dims = ("measure", "condition")
    return {
        "rank": labelled((*dims, "system"), ranked, "rank by the measure, 0 to 1"),
        "truth": labelled("system", truth.values, "recomputed Pesin entropy", "nat/sample"),
        "truth_rank": labelled("system", truth_rank, "rank by the Pesin entropy, 0 to 1"),
        "rank_error": labelled((*dims, "system"), error, "distance of the two ranks; 1 if not defined"),
        "noise_loss": labelled(("measure", "system"), error[:, 1] - error[:, 0], "growth of the rank error by noise"),
        **_with_ends("rho_truth", dims, rho[0], "Spearman's rho with the Pesin entropy"),
        **_with_ends("rho_valid_time", dims, rho[1], "Spearman's rho with the valid prediction time"),
    }


def _with_ends(name: str, dims, found, said: str) -> dict:
    """A rank correlation and its interval, from (..., 3)."""
    rho, low, high = np.moveaxis(np.array(found), -1, 0)
    none = "fewer than five systems, or a measure with one rank for all"
    return {
        name: labelled(dims, rho, said, nan=none),
        f"{name}_low": labelled(dims, low, f"{said}, lower end"),
        f"{name}_high": labelled(dims, high, f"{said}, upper end"),
    }


def _agreement(long: np.ndarray, section: np.ndarray, p: Compared, labels: np.random.Generator) -> dict:
    """Correlations of all pairs of measures, their clusters, and the gap between sections in groups of systems."""
    pairs = np.array([[correlation_interval(a, b) for b in long] for a in long])
    leaf, cluster = _clusters(pairs[..., 0], p.clusters)
    gaps = [_section_gap(long[:, k :: p.groups], section, labels) for k in range(p.groups)]
    gap, null = np.array(gaps).T
    excess = "gap between sections, less its 0.975 quantile under labels dealt at random"
    return {
        **_with_ends("agreement", ("measure", "other"), pairs, "Spearman's rho of two measures"),
        "leaf": labelled("measure", leaf, "place in the dendrogram"),
        "cluster": labelled("measure", cluster, "cluster of average linkage on 1 - |rho|"),
        "section_gap": labelled("group", gap, "mean |rho| within sections less that between them"),
        "section_gap_excess": labelled("group", gap - null, excess),
    }


def _foretelling(long: np.ndarray, truth: np.ndarray, valid: np.ndarray, names, neighbours: int) -> tuple[dict, list]:
    """How well each predictor foretells valid times; and the names of the predictors."""
    errors, others, chosen = _foretold(long, _rank(truth), np.log(valid), neighbours)
    said = "error of ln(valid time) foretold from systems alike"
    spread = float(np.log(valid).std())
    told = {
        "forecast_error": labelled(("predictor", "system"), errors, said),
        "chosen": labelled("system", np.array(names)[chosen], "measure chosen on the other systems"),
        "valid_time": labelled("system", valid, "valid prediction time of the analogues", "sample"),
        "valid_time_spread": labelled((), spread, "standard deviation of ln(valid time) over systems"),
    }
    return told, [*names, *others]


def _together(p: Compared, measures: xr.Dataset, valid_times: xr.Dataset, spectra: xr.Dataset):
    """Values (measure, condition, system), Pesin entropy per sample and valid times; and who lacks one of them."""
    kind = dict(zip(spectra.system.values, spectra.kind.values.astype(str), strict=True))
    pesin = dict(zip(spectra.system.values, spectra.pesin_entropy.values * spectra.period.values, strict=True))
    per_period = dict(zip(valid_times.system.values, valid_times.per_period.values, strict=True))
    valid = valid_times.valid_time.sel(forecaster="analogue")
    kept: list[str] = []
    left_out: list[str] = []
    for name in measures.system.values:
        if kind.get(name) not in p.kinds and name in kind:
            continue
        measured = np.isfinite(valid.sel(system=name))
        known = np.isfinite(pesin.get(name, np.nan))
        (kept if measured and known else left_out).append(name)
    names = {"long": p.long, "noisy": p.noisy, "short": "short"}
    chosen = measures.value.sel(system=kept, condition=[names[c] for c in CONDITIONS])
    values = chosen.transpose("measure", "condition", "system").values.copy()
    sign = np.where(np.isin(measures.measure.values, FALLS), -1.0, 1.0)
    rate = [pesin[name] / per_period[name] for name in kept]
    truth = xr.DataArray(np.array(rate), {"system": kept}, ("system",))
    # A forecast that fails at once counts as half a sample.
    return values * sign[:, None, None], truth, np.maximum(valid.sel(system=kept).values, 0.5), left_out


def _kept(values) -> np.ndarray:
    """Infinities are values (nothing ever matched), only NaN is none."""
    return np.where(np.isinf(values), np.sign(values) * 1e300, values)


def _rank(values) -> np.ndarray:
    """Ranks from 0 to 1 along the last axis; what is not defined stands in the middle, where it tells nothing."""
    values = _kept(np.asarray(values, float))
    out = np.full(values.shape, 0.5)
    for index in np.ndindex(values.shape[:-1]):
        known = np.isfinite(values[index])
        if known.sum() > 1:
            out[index][known] = (ranks(values[index][known]) - 1) / (known.sum() - 1)
    return out


def _clusters(rho: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    distance = 1 - np.abs(np.nan_to_num(rho))
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform((distance + distance.T) / 2, checks=False), "average")
    place = np.empty(len(rho), int)
    place[leaves_list(tree)] = np.arange(len(rho))
    return place, fcluster(tree, number, "maxclust")


def _section_gap(ranked: np.ndarray, section: np.ndarray, rng, deals: int = 999) -> tuple[float, float]:
    """Mean |rho| within sections less that between them, and its 0.975 quantile when the labels are dealt at random."""
    size = np.abs([[correlation_of(a, b) for b in ranked] for a in ranked])
    other = ~np.eye(len(section), dtype=bool)

    def gap(labels):
        same = labels[:, None] == labels
        return float(size[same & other].mean() - size[~same].mean())

    return gap(section), float(np.quantile([gap(rng.permutation(section)) for _ in range(deals)], 0.975))


def correlation_of(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rho, 0 where one of the two doesn't vary."""
    a, b = ranks(a), ranks(b)
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def _foretold(ranked: np.ndarray, truth_rank: np.ndarray, target: np.ndarray, neighbours: int):
    """Errors of ln(valid time), each system foretold from the others.

    By a predictor: the mean over the systems whose rank by it is nearest. `chosen` takes for each system the measure
    that foretells the others best, found without it. `median` looks at nothing.

    Returns
    -------
    errors : ndarray, shape (predictor, system)
        The measures, then `pesin_entropy`, `chosen` and `median`.
    names, chosen
        Names of the last three; index of the measure chosen for each system.
    """
    predictors = np.concatenate([ranked, truth_rank[None]])
    number = target.size
    distance = np.abs(predictors[:, :, None] - predictors[:, None, :])
    distance[:, np.arange(number), np.arange(number)] = np.inf
    errors = np.stack([_nearest_error(d, target, neighbours) for d in distance])
    chosen = np.empty(number, int)
    for left in range(number):
        rest = np.arange(number) != left
        inner = [_nearest_error(d[np.ix_(rest, rest)], target[rest], neighbours).mean() for d in distance[:-1]]
        chosen[left] = int(np.argmin(inner))
    nested = errors[chosen, np.arange(number)]
    median = np.array([abs(target[i] - np.median(np.delete(target, i))) for i in range(number)])
    return np.concatenate([errors, nested[None], median[None]]), ("pesin_entropy", "chosen", "median"), chosen


def _nearest_error(distance: np.ndarray, target: np.ndarray, neighbours: int) -> np.ndarray:
    """|ln valid time - its mean over the nearest systems|; all that are as near as the last one count."""
    count = min(neighbours, target.size - 1)
    last = np.partition(distance, count - 1, axis=1)[:, count - 1 : count]
    near = distance <= last
    return np.abs(target - near @ target / near.sum(1))
