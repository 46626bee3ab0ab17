"""Central entropies: transformations, what comes with them, spells in states; the finder on ramps of known place."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.entropy.symbolic import markov_entropy_rate
from pesin.forecast.classify import area_under_curve
from pesin.stats.intervals import ranks
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.cool_core_transformations import finder, links
from studies.cool_core_transformations.finder import CHANGE, COOL, HOT, SLOPE, Events
from studies.cool_core_transformations.generator import BEGIN, END
from studies.cool_core_transformations.params import Entropy, Params

RATIOS = (0.1, 0.25, 0.5, 1.0)
SPINS = (0.0, 1 / 3, 2 / 3, 1.0)
"""Edges of bins."""
LOOK, NEAR, COARSE = 1.0, 0.5, 0.5
"""Gyr: back for a merger; to both sides for the black hole; bins of the symbols."""
LAGS = np.arange(-3, 3.01, 0.25)
BOTH = ("success", "population")
EMPTY = "a population in which there was none"
SIGNS = {"up": 1, "down": -1}


def entropy(case: Case[Params], data: Any) -> xr.Dataset:
    """All of `SAID` for each population and share of successful mergers; recall and precision of the finder."""
    params, dt = case.params.entropy, case.params.simulate.dt
    world = data.sel(switch=params.switch)
    if params.order == "reversed":
        world = world.isel(time=slice(None, None, -1))
    log_k = np.log(world["k0"].values.astype(float))
    smoothed = finder.smooth(log_k, dt)
    mergers = {name: world[name].values for name in ("mass_ratio", "spin")}
    agn = world["agn"].values.astype(float)
    if params.belongs == "another":
        mergers = {name: np.roll(values, 1, 1) for name, values in mergers.items()}
        agn = np.roll(agn, 1, 2)
    weights = [links.peers(one) for one in data["lg_mass"].values]
    found = [
        [of_population(params, dt, smoothed[s, p], {n: v[p] for n, v in mergers.items()}, agn[s, p], weights[p])
         for p in range(len(weights))]
        for s in range(len(log_k))
    ]  # fmt: skip
    held = {name: np.array([[one[name] for one in row] for row in found]) for name in found[0][0]}
    coords = {
        "success": data["success"].values,
        "change_factor": params.factors,
        "slope_factor": params.factors,
        "line_factor": params.factors,
        "window": params.windows,
        "sign": list(SIGNS),
        "when": ["start", "middle", "end"],
        "state": ["cool", "weak", "hot"],
        "source": ["mergers", "agn"],
        "ratio_bin": [f"{a:g}-{b:g}" for a, b in zip(RATIOS, RATIOS[1:], strict=False)],
        "spin_bin": ["low", "middle", "high"],
        "lag": LAGS,
    }
    variables = {name: labelled((*BOTH, *dims), held[name], *said, nan=EMPTY) for name, (dims, said) in SAID.items()}
    return xr.Dataset(variables | of_ramps(case), coords)


SAID: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "events": (("slope_factor", "change_factor"), ("transformations of a cluster",)),
    "up_share": (("slope_factor", "change_factor"), ("share of transformations upward",)),
    "events_per_cluster": ((), ("transformations of a cluster",)),
    "up_per_cluster": ((), ("upward transformations of a cluster",)),
    "clusters_with": (("sign", "number"), ("share of clusters",)),
    "share": (("line_factor", "state", "when"), ("share of clusters in a state",)),
    "outlast": (("line_factor", "state"), (f"share of spells over {finder.LASTING:g} Gyr",)),
    "with_merger": (("sign", "window"), ("share of transformations after a merger",)),
    "control_merger": (("sign", "window"), ("share of controls after a merger",)),
    "excess": (("sign",), ("excess of transformations after a merger",)),
    "ratio_excess": (("ratio_bin",), ("excess of upward transformations after a merger",)),
    "spin_excess": (("spin_bin",), ("excess of upward transformations after a merger",)),
    "alone": ((), ("share of upward transformations without a merger before",)),
    "power_ratio": (("sign",), ("power of the black hole over that of controls",)),
    "power": (("sign", "lag"), ("power of the black hole over its mean",)),
    "auc": ((), ("area under the curve of few mergers for a cool core",)),
    "rank_correlation": ((), ("rank correlation of mergers and last entropy",)),
    "transfer": (("source",), ("transfer entropy to upward changes", "bit/step")),
    "state_entropy_rate": ((), ("entropy rate of the states", "bit/step")),
}


def of_population(params: Entropy, dt: float, smoothed, mergers, agn, weights) -> dict[str, Any]:
    """All of `SAID` for one population; arrays of shape (cluster, time), weights (cluster, cluster)."""
    events = finder.transformations(smoothed, dt)
    return (
        counted(params, dt, smoothed, events)
        | states(params, dt, smoothed)
        | after_mergers(params, dt, mergers, weights, events)
        | beside_agn(dt, agn, weights, events)
        | predicted(smoothed, mergers["mass_ratio"] > 0)
        | information(dt, smoothed, mergers["mass_ratio"] > 0, agn)
    )


def counted(params: Entropy, dt: float, smoothed, events: Events) -> dict[str, Any]:
    """How many transformations, at the finder's thresholds and at others."""
    steep = [finder.slopes(smoothed, dt, SLOPE * a)[3:] for a in params.factors]
    grid = [[sign[change > CHANGE * b] for b in params.factors] for sign, change in steep]
    clusters = len(smoothed)
    each = [np.bincount(events.row[events.sign == sign], minlength=clusters) for sign in SIGNS.values()]
    return {
        "events": [[sign.size / clusters for sign in row] for row in grid],
        "up_share": [[(sign > 0).mean() if sign.size else np.nan for sign in row] for row in grid],
        "events_per_cluster": events.sign.size / clusters,
        "up_per_cluster": (events.sign > 0).sum() / clusters,
        "clusters_with": [np.bincount(np.minimum(one, 6), minlength=7) / clusters for one in each],
    }


def states(params: Entropy, dt: float, smoothed) -> dict[str, Any]:
    """Shares of clusters in each state in the first, middle and last Gyr, and of spells that last, by lines."""
    n, gyr = smoothed.shape[-1], round(1 / dt)
    when = (slice(0, gyr), slice((n - gyr) // 2, (n + gyr) // 2), slice(n - gyr, n))
    share, outlast = [], []
    for factor in params.factors:
        state = np.digitize(smoothed, np.log([COOL * factor, HOT * factor]))
        share.append([[(state[:, part] == i).mean() for part in when] for i in range(3)])
        outlast.append([finder.outlasting(state == i, dt) for i in range(3)])
    return {"share": share, "outlast": outlast}


def after_mergers(params: Entropy, dt: float, mergers, weights, events: Events) -> dict[str, Any]:
    """Shares of events, and of their controls, with a merger before; by window, mass ratio and angular momentum."""
    ratio, spin = mergers["mass_ratio"], mergers["spin"]
    at = {name: (events.row[events.sign == sign], events.place[events.sign == sign]) for name, sign in SIGNS.items()}

    def of(which, window, name):
        return links.excess(links.before(which.astype(int), round(window / dt)) > 0, weights, *at[name])

    both = np.array([[of(ratio > 0, window, name) for window in params.windows] for name in SIGNS])
    look = {name: of(ratio > 0, LOOK, name) for name in SIGNS}

    def binned(values, edges):
        place = np.clip(np.digitize(values, edges) - 1, 0, len(edges) - 2)
        found = [of((ratio > 0) & (place == i), LOOK, "up") for i in range(len(edges) - 1)]
        return [own - control for own, control in found]

    return {
        "with_merger": both[..., 0],
        "control_merger": both[..., 1],
        "excess": [own - control for own, control in look.values()],
        "alone": 1 - look["up"][0],
        "ratio_excess": binned(ratio, RATIOS),
        "spin_excess": binned(spin, SPINS),
    }


def beside_agn(dt: float, agn, weights, events: Events) -> dict[str, Any]:
    """Power of the black hole beside events over that beside controls, and against the time from the event."""
    near, mean = links.around(agn, round(NEAR / dt)), agn.mean()
    ratios, stacks = [], []
    for sign in SIGNS.values():
        row, place = events.row[events.sign == sign], events.place[events.sign == sign]
        own, control = links.excess(near, weights, row, place)
        ratios.append(own / control if control > 0 else np.nan)
        coarse = links.around(agn, round(0.125 / dt))
        at = place[:, None] + np.rint(LAGS / dt).astype(int)
        seen = (at >= 0) & (at < agn.shape[-1])
        values = np.where(seen, coarse[row[:, None], np.where(seen, at, 0)], 0).sum(0)
        counts = seen.sum(0)
        stacks.append(np.where((counts > 0) & (mean > 0), values / np.maximum(counts, 1) / (mean or 1), np.nan))
    return {"power_ratio": ratios, "power": stacks}


def predicted(smoothed, merges) -> dict[str, Any]:
    """How well the number of a cluster's mergers tells its last state and its last entropy."""
    number, last = merges.sum(1), smoothed[:, -1]
    cool = last < np.log(COOL)
    apart = 0 < cool.sum() < cool.size and np.ptp(number) > 0
    return {
        "auc": float(area_under_curve(-number[cool], -number[~cool])) if apart else np.nan,
        "rank_correlation": np.corrcoef(ranks(number.astype(float)), ranks(last))[0, 1] if np.ptp(number) else np.nan,
    }


def information(dt: float, smoothed, merges, agn) -> dict[str, Any]:
    """Transfer entropies from mergers and bursts to upward changes, and the entropy rate of the states, of bins."""
    step = round(COARSE / dt)
    bins = (smoothed.shape[-1] - 1) // step
    up = (np.diff(smoothed[:, : bins * step + 1 : step], axis=1) > 0.1).astype(int)

    def binned(values):
        return values[:, 1 : bins * step + 1].reshape(len(values), bins, step).sum(-1)

    power = binned(agn)
    sources = (binned(merges) > 0, power > np.median(power))
    state = np.digitize(smoothed[:, ::step], np.log([COOL, HOT]))
    counts = np.bincount((3 * state[:, :-1] + state[:, 1:]).ravel(), minlength=9).reshape(3, 3) + 0.5
    rate = markov_entropy_rate(counts / counts.sum(1, keepdims=True)).value
    return {
        "transfer": [links.transfer_entropy(source.astype(int), up) for source in sources],
        "state_entropy_rate": float(rate) / np.log(2),
    }


def of_ramps(case: Case[Params]) -> dict[str, tuple]:
    """Recall and precision of the finder on random walks, each with one ramp of 1 Gyr, up or down, at a known time."""
    params, simulate = case.params.entropy, case.params.simulate
    rng, dt, n = case.rng("ramps"), simulate.dt, round((END - BEGIN) / simulate.dt) + 1
    times = dt * np.arange(n)
    scores = []
    for _ in range(simulate.populations):
        middle = rng.uniform(1.5, times[-1] - 1.5, params.ramps)
        sign = rng.choice([-1, 1], params.ramps)
        walk = np.cumsum(0.1 * np.sqrt(dt) * rng.standard_normal((params.ramps, n)), 1)
        ramp = params.ramp * sign[:, None] * np.clip(times - middle[:, None] + 0.5, 0, 1)
        events = finder.transformations(finder.smooth(walk + ramp, dt), dt)
        if params.belongs == "another":
            middle, sign = np.roll(middle, 1), np.roll(sign, 1)
        hit = (np.abs(times[events.place] - middle[events.row]) <= 0.5) & (events.sign == sign[events.row])
        recalled = np.unique(events.row[hit]).size / params.ramps
        scores.append((recalled, hit.mean() if hit.size else np.nan))
    recall, precision = np.array(scores).T
    return {
        "recall": labelled("population", recall, "share of ramps that are found"),
        "precision": labelled("population", precision, "share of what is found that is a ramp", nan=EMPTY),
    }
