"""Claimed and true coverage of every source's intervals, as claimed and after one factor learned on other units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import stdtr

from pesin.forecast.probabilistic import half_width, interval_score, reliability, widening
from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.claimed_coverage import sources
from studies.claimed_coverage.params import Params
from studies.claimed_coverage.sources import LEAST, Law, Source

READ: dict[str, Callable[..., Source]] = {
    "potentials": sources.potentials,
    "combustor": sources.combustor,
    "jumps": sources.jumps,
    "climate": sources.climate,
    "fracture": sources.fracture,
    "molecules": sources.molecules,
    "exact": sources.exact,
}
MOST = 1e6
"""No factor is larger."""


def forecast(
    case: Case[Params],
    potentials: Any,
    dihedrals: Any,
    combustor: Any,
    jumps: Any,
    climate: Any,
    fracture: Any,
    molecules: Any,
) -> xr.DataTree:
    """A group for each source: coverage, factors, errors and widths by method and unit."""
    given = {
        "potentials": (potentials, dihedrals),
        "combustor": (combustor,),
        "jumps": (jumps,),
        "climate": (climate,),
        "fracture": (fracture,),
        "molecules": (molecules,),
        "exact": (jumps,),
    }
    found = {name: READ[name](*results) for name, results in given.items()}
    laws = {name: told(case, name, source) for name, source in found.items()}
    p = case.params.forecast
    factors = {name: {m: learned(one, p.judged) for m, one in by_method.items()} for name, by_method in laws.items()}
    following = dict(zip(laws, [*list(laws)[1:], next(iter(laws))], strict=True))
    groups = {}
    for name, by_method in laws.items():
        if p.factor == "another":
            other = np.median(next(iter(factors[following[name]].values())))
            factors[name] = {m: np.full(len(one.truth), other) for m, one in by_method.items()}
        groups[name] = scored(p, by_method, factors[name], found[name])
    return xr.DataTree.from_dict(groups)


# ------------------------------------------------------------------------------------------------ what is judged


def told(case: Case[Params], name: str, source: Source) -> dict[str, Law]:
    """The laws of a source as the case wants them: its own, or with something taken away."""
    p, found = case.params.forecast, {}
    for method in source.laws:
        richer = source.richer.get(method, method) if p.cheaper == "same" else method
        mean, deviation, truth = thinned(source.laws[richer], p.most_cases)
        if p.law == "climatology":
            mean, deviation = climatology(truth)
        if p.deviations == "dealt":
            deviation, rng = np.array(deviation), case.rng(f"deal {name}")
            for alike in alike_of(source, p.most_cases):
                deviation[:, alike] = rng.permuted(deviation[:, alike], axis=-1)
        found[method] = Law(mean, np.maximum(p.widths * deviation, LEAST), truth)
    return found


def thinned(law: Law, most: int) -> Law:
    """So many cases of each unit at most, at even distances."""
    chosen = places(law.truth.shape[-1], most)
    return Law(*(np.asarray(part, float)[:, chosen] for part in law))


def places(cases: int, most: int) -> np.ndarray:
    """So many of the cases at most, at even distances."""
    return np.arange(cases) if cases <= most else np.linspace(0, cases - 1, most).round().astype(int)


def alike_of(source: Source, most: int) -> list[np.ndarray]:
    """Of each quantity the cases that are of it, after thinning."""
    cases = next(iter(source.laws.values())).truth.shape[-1]
    kinds = np.zeros(cases) if source.kinds is None else source.kinds
    kinds = kinds[places(cases, most)]
    return [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]


def reliable(members: int, levels: np.ndarray) -> np.ndarray:
    """What central normal intervals of so many equal members hold of one more of the same normal law.

    The member that is left out is Student's t about their mean, its deviation larger by the square root of 1 + 1 / n.
    """
    return 1 - 2 * stdtr(members - 1, -half_width(levels) / np.sqrt(1 + 1 / members))


def climatology(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the other units' truths, (unit, case) each."""
    others = [np.delete(truth, unit, 0) for unit in range(len(truth))]
    moments = np.array([(one.mean(), one.std()) for one in others])
    return tuple(np.broadcast_to(part[:, None], truth.shape) for part in moments.T)  # type: ignore[return-value]


def learned(law: Law, level: float) -> np.ndarray:
    """The factor for each unit, learned on all others, shape (unit,)."""
    lost = ~np.isfinite(law.mean + law.deviation).all(-1)
    factor = np.ones(len(lost))
    for unit in range(len(lost)):
        others = ~lost & (np.arange(len(lost)) != unit)
        if others.any():
            mean, deviation, truth = (part[others].ravel() for part in law)
            factor[unit] = widening(mean, deviation, truth, level)
    return np.clip(factor, 1 / MOST, MOST)


# ---------------------------------------------------------------------------------------------------------- scores


def scored(p, laws: dict[str, Law], factors: dict[str, np.ndarray], source: Source) -> xr.Dataset:
    """Scores of all methods of a source."""
    alike, models = alike_of(source, p.most_cases), source.models
    each = [of_method(p, one, factors[name], alike, source.members.get(name)) for name, one in laws.items()]
    found = {
        name: labelled(("method", *dims), np.stack([one[name][1] for one in each]), said, nan=DIVERGED)
        for name, (dims, _, said) in each[0].items()
    }
    found["models"] = labelled("method", [models[name] for name in laws], "models that a law takes", may_be_constant=1)
    return xr.Dataset(found, {"method": list(laws), "level": p.levels, "unit": np.arange(len(each[0]["rank"][1]))})


def of_method(
    p, law: Law, factor: np.ndarray, alike: list[np.ndarray] | None = None, members: int | None = None
) -> dict[str, tuple]:
    """(dimensions, values, name) of each score of one method; NaN for a unit that diverged.

    `alike`: cases of one quantity each; `members`: of how many equal ones the deviation is the spread.
    """
    lost = ~np.isfinite(law.mean + law.deviation).all(-1)
    mean, deviation, truth = (np.where(lost[:, None], fill, part) for fill, part in zip((0, 1, 0), law, strict=True))
    factor = np.ones(len(lost)) if p.factor == "none" else factor
    wider = factor[:, None] * deviation
    if p.claimed == "mended":
        deviation = wider
    plain, mended = (reliability(mean, one, truth, p.levels).T for one in (deviation, wider))
    levels, size = np.array(p.levels), max(truth.std(), LEAST)
    error = np.abs(truth - mean)
    rank = np.mean([ranks(deviation[:, one], error[:, one]) for one in alike or [np.arange(truth.shape[-1])]], 0)
    best = levels if members is None else reliable(members, levels)
    own = score(mean, wider, truth, p.judged)
    even = Law(mean, np.ones_like(truth), truth)
    width = learned(Law(*(np.where(lost[:, None], np.nan, part) for part in even)), p.judged)
    one_width = score(mean, np.broadcast_to(width[:, None], truth.shape), truth, p.judged)
    found = {
        "coverage": (("unit", "level"), plain, "true coverage"),
        "short": (("unit", "level"), plain - best, "true coverage, less that of members of one law with the truth"),
        "held": (("unit", "level"), np.minimum(plain, levels), "true coverage, or the claimed one if that is less"),
        "mended": (("unit", "level"), mended, "true coverage after one factor"),
        "miscalibration": (("unit",), np.abs(plain - levels).mean(-1), "distance of true from claimed coverage"),
        "after": (("unit",), np.abs(mended - levels).mean(-1), "distance of true from claimed coverage, one factor"),
        "factor": (("unit",), factor, "factor on the deviations"),
        "width": (("unit",), np.sqrt((deviation**2).mean(-1)) / size, "deviation over that of the truths"),
        "skill": (("unit",), np.sqrt((error**2).mean(-1)) / size, "error over the deviation of the truths"),
        "rank": (("unit",), rank, "rank correlation of deviation and error"),
        "worth": (("unit",), np.log(own / one_width), "ln of the interval score over that of one width"),
    }
    return {
        name: (dims, np.where(lost.reshape(-1, *[1] * (values.ndim - 1)), np.nan, values), said)
        for name, (dims, values, said) in found.items()
    }


def ranks(deviation: np.ndarray, error: np.ndarray) -> list[float]:
    """Rank correlation of each unit; 0 where there is nothing to rank."""
    return [spearman(d, e) if np.ptp(d) and np.ptp(e) else 0.0 for d, e in zip(deviation, error, strict=True)]


def score(mean: np.ndarray, deviation: np.ndarray, truth: np.ndarray, level: float) -> np.ndarray:
    """Interval score of normal laws."""
    half = half_width(level) * deviation
    return interval_score(mean - half, mean + half, truth, level)
