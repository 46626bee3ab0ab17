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
PREDICTORS = ("pesin_entropy", "chosen", "median")  # beside the measures


def entropy(case: Case[Params], measures: xr.Dataset, valid_times: xr.Dataset, spectra: xr.Dataset) -> xr.Dataset:
    """All comparisons, over the systems that have a series and a recomputed spectrum."""
    p = case.params.entropy
    values, truth, valid, left_out = _together(p, measures, valid_times, spectra)
    if p.values == "dealt":
        rng = case.rng("deal")
        for index in np.ndindex(values.shape[:2]):
            values[index] = rng.permutation(values[index])
    elif p.values == "constant":
        values[:] = 0.0
    section = measures.section.values.astype(str)
    if p.sections == "dealt":
        section = case.rng("sections").permutation(section)
    ranked, names = _rank(values), measures.measure.values
    told, predictors = _foretelling(ranked[:, 0], truth, valid, p, case.rng("folds"))
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
            "predictor": [*names, *predictors],
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
        "constant_rank_error": labelled("system", np.abs(0.5 - truth_rank), "the same for one rank for all systems"),
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
    return {
        **_with_ends("agreement", ("measure", "other"), pairs, "Spearman's rho of two measures"),
        "leaf": labelled("measure", leaf, "place in the dendrogram"),
        "cluster": labelled("measure", cluster, "cluster of average linkage on 1 - |rho|"),
        "section_gap": labelled("group", gap, "mean |rho| within sections less that between them"),
        "dealt_section_gap": labelled("group", null, "its 0.975 quantile under labels dealt at random"),
    }


def _foretelling(long: np.ndarray, truth: np.ndarray, valid: np.ndarray, p: Compared, rng) -> tuple[dict, tuple]:
    """How well each predictor foretells valid times; and the names of the predictors beside the measures."""
    errors, chosen = _foretold(long, _rank(truth), np.log(valid), p, rng)
    said = "error of ln(valid time) foretold from systems alike"
    share = (chosen[..., None] == np.arange(len(long))).mean((0, 1))
    told = {
        "forecast_error": labelled(("predictor", "system"), errors, said),
        "chosen_share": labelled("measure", share, "share of folds in which the measure is chosen on the others"),
        "valid_time": labelled("system", valid, "valid prediction time of the analogues", "sample"),
    }
    return told, PREDICTORS


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


def _foretold(ranked: np.ndarray, truth_rank: np.ndarray, target: np.ndarray, p: Compared, rng):
    """Errors of ln(valid time): each fold of the systems is foretold from the other folds, by every predictor.

    By a measure, or by the Pesin entropy: the mean over the systems of the other folds whose rank by it is nearest.
    `chosen`: by the measure that foretells the systems of the other folds best, one by one. `median`: theirs.

    Parameters
    ----------
    ranked : ndarray, shape (measure, system)
    truth_rank, target : ndarray, shape (system,)

    Returns
    -------
    errors : ndarray, shape (predictor, system)
        The measures, then those of `PREDICTORS`; means over the splits into folds.
    chosen : ndarray of int, shape (split, fold)
        Index of the measure chosen on the other folds.
    """
    predictors = np.concatenate([ranked, truth_rank[None]])
    distance = np.abs(predictors[:, :, None] - predictors[:, None, :])
    apart = distance.copy()
    apart[:, np.arange(target.size), np.arange(target.size)] = np.inf
    errors = np.empty((p.splits, len(predictors) + 2, target.size))
    chosen = np.empty((p.splits, p.folds), int)
    for split in range(p.splits):
        order = rng.permutation(target.size)
        for fold in range(p.folds):
            held = order[fold :: p.folds]
            known = np.setdiff1d(order, held)
            inner = [_nearest_error(d[np.ix_(known, known)], target[known], target[known], p) for d in apart[:-1]]
            best = chosen[split, fold] = int(np.argmin(np.mean(inner, 1)))
            outer = [_nearest_error(d[np.ix_(held, known)], target[held], target[known], p) for d in distance]
            median = np.abs(target[held] - np.median(target[known]))
            errors[split][:, held] = [*outer, outer[best], median]
    return errors.mean(0), chosen


def _nearest_error(distance: np.ndarray, target: np.ndarray, known: np.ndarray, p: Compared) -> np.ndarray:
    """|ln valid time - its mean over the nearest known systems|; all that are as near as the last one count.

    Shapes: distance (system, known system), target (system,), known (known system,).
    """
    count = min(p.neighbours, np.isfinite(distance).sum(1).min())
    last = np.partition(distance, count - 1, axis=1)[:, count - 1 : count]
    near = distance <= last
    return np.abs(target - near @ known / near.sum(1))
