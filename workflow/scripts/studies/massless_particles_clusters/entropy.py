"""What the claims are judged by: radii of classes, depths, cores, escapers, costs; entropies and spanning trees."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter1d
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import pdist, squareform
from scipy.special import entr

from pesin.entropy.neighbours import differential_entropy
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.gravity import gravity
from studies.massless_particles_clusters.clusters import PLUMMER, core
from studies.massless_particles_clusters.params import Params

CLASSES = ("heavy", "light", "MLP")
"""The heaviest tenth of the stars, the lighter half of them, and bodies without mass. By masses at the start."""
EXIT = 5.0
"""Scale radii beyond which an unbound body has left."""
NEAREST, SHELLS = 5, 20
NONE = "nobody of a kind has left"
RUN = ("density", "seed", "time")
MOMENT = ("class", "density", "seed", "moment")


def entropy(case: Case[Params], data: Any) -> xr.Dataset:
    """All but the costs of all seeds and densities; `r_half` (class, density, seed, time) is where most begins."""
    places = data["x"].values.astype(float)
    velocities, mass = data["v"].values.astype(float), data["mass"].values.astype(float)
    centre, core_radius, core_density = cores(places[..., : mass.shape[-1], :], mass)
    x = places - centre[..., None, :]
    radius = np.linalg.norm(x, axis=-1)
    speed, bound = motions(velocities, data["phi"].values, mass)
    members = {name: chosen(name, mass, x.shape[-2]) for name in CLASSES}
    moments = np.arange(0, x.shape[2], case.params.entropy.every)
    found = (
        radii(case, radius, members, data["phi"].values, mass.shape[-1])
        | of_cores(case, core_radius, core_density)
        | escapes(case, speed, bound, radius, core_radius)
        | measures(case, x[:, :, moments], velocities[:, :, moments], members, mass[:, :, moments])
        | costs(case)
    )
    times = data["time"].values
    pairs = ["MLP and light", "MLP and heavy"]
    coordinates = {"density": data["density"].values, "time": times, "moment": times[moments], "class": list(CLASSES)}
    coordinates["scaled_time"] = quarters(case.params.simulate.duration)
    return xr.Dataset(found, coordinates | {"pair": pairs, "count": case.params.entropy.counted})


def cores(x: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres (density, seed, time, axis), radii and densities (density, seed, time) of the cores."""
    found = [core(*one) for one in zip(x.reshape(-1, *x.shape[-2:]), mass.reshape(-1, mass.shape[-1]), strict=True)]
    centre, radius, density = (np.array(part) for part in zip(*found, strict=True))
    return centre.reshape(*x.shape[:3], 3), radius.reshape(x.shape[:3]), density.reshape(x.shape[:3])


def motions(v: np.ndarray, phi: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Speeds of all bodies relative to the bound stars, and whether they are bound, (density, seed, time, body)."""
    stars = mass.shape[-1]
    weight = mass * ((v**2).sum(-1) / 2 + phi < 0)[..., :stars]
    weight /= np.maximum(weight.sum(-1, keepdims=True), 1e-12)
    speed = np.linalg.norm(v - (weight[..., None] * v[..., :stars, :]).sum(-2, keepdims=True), axis=-1)
    return speed, speed**2 / 2 + phi < 0


def chosen(name: str, mass: np.ndarray, bodies: int) -> np.ndarray:
    """Numbers of the bodies of a class, (density, seed, members)."""
    stars = mass.shape[-1]
    order = np.argsort(-mass[:, :, 0], axis=-1, kind="stable")
    if name == "MLP":
        return np.broadcast_to(np.arange(stars, bodies), (*order.shape[:2], bodies - stars))
    return order[..., : stars // 10] if name == "heavy" else order[..., stars // 2 :]


def of(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Values (density, seed, time, body, ...) of the members of a class."""
    index = members[:, :, None].reshape(*members.shape[:2], 1, -1, *[1] * (values.ndim - 4))
    return np.take_along_axis(values, index, axis=3)


def radii(case: Case[Params], radius: np.ndarray, members: dict, phi: np.ndarray, stars: int) -> dict:
    """Half-number radii and their ratios; the MLPs' outer radius and depth, and how far r times depth wanders."""
    half = {name: np.median(of(radius, index), -1) for name, index in members.items()}
    outer = np.quantile(of(radius, members["MLP"]), 0.9, axis=-1)
    depth = -phi[..., stars:].mean(-1, dtype=float)
    product = half["MLP"] * depth
    moved = abs(product / product[..., :1] - 1).max(-1)
    known: dict[str, Any] = {"may_be_constant": 1}
    return {
        "r_half": labelled(("class", *RUN), list(half.values()), "half-number radius", "N-body", **known),
        "heavy_ratio": labelled(RUN, half["heavy"] / half["MLP"], "half-number radius, heavy over MLP", **known),
        "light_ratio": labelled(RUN, half["MLP"] / half["light"], "half-number radius, MLP over light", **known),
        "r_90": labelled(RUN, outer, "radius of nine tenths of the MLPs", "N-body", **known),
        "reach": labelled(RUN[:2], outer[..., -1] / outer[..., 0], "growth of the MLPs' outer radius", **known),
        "depth": labelled(RUN, depth, "mean depth of the potential at MLPs", "N-body", **known),
        "product_moved": labelled(RUN[:2], moved, "largest change of radius times depth", **known),
        "scaled_difference": labelled(
            ("seed", "scaled_time"),
            apart(case, half["MLP"]),
            "scaled radius of the dense over the normal, less 1",
            **known,
        ),
    }


def apart(case: Case[Params], half: np.ndarray) -> np.ndarray:
    """dense / normal - 1 of r / r(0), (seed, scaled_time), at each quarter of the normal cluster's run.

    The dense one is taken earlier, as many crossings from the start.
    """
    params = case.params.simulate
    names = list(params.densities)
    scale = params.densities["dense"].radius / params.densities["normal"].radius
    times = params.stored * np.arange(half.shape[-1])
    scaled = half / half[..., :1]
    normal, dense = (scaled[names.index(name)] for name in ("normal", "dense"))
    at = quarters(params.duration)
    pairs = zip(dense, normal, strict=True)
    return np.array([np.interp(at * scale**1.5, times, one) / np.interp(at, times, other) - 1 for one, other in pairs])


def quarters(duration: float) -> np.ndarray:
    """Times at which scaled curves are compared."""
    return duration / 4 * np.arange(1, 5)


def smooth(case: Case[Params], values: np.ndarray) -> np.ndarray:
    """Running means in time, the last axis; at the ends the first and the last value are repeated."""
    width = max(1, round(case.params.entropy.smoothed / case.params.simulate.stored))
    return uniform_filter1d(values, width, axis=-1, mode="nearest")


def together(core_radius: np.ndarray) -> np.ndarray:
    """The state at which the core is smallest in the mean over clusters, each over its start, (density,)."""
    return (core_radius / core_radius[..., :1]).mean(1).argmin(-1)


def of_cores(case: Case[Params], radius: np.ndarray, density: np.ndarray) -> dict:
    """Averaged core radii and densities, where they are extreme, and how far that is from the start."""
    r, rho = smooth(case, radius), smooth(case, density)
    stored = case.params.simulate.stored
    peak = np.log10(rho.max(-1) / rho[..., 0])
    known: dict[str, Any] = {"may_be_constant": 1}
    return {
        "core_radius": labelled(RUN, r, "core radius", "N-body", **known),
        "core_density": labelled(RUN, rho, "core density", "N-body", **known),
        "collapse": labelled(RUN[:2], r.argmin(-1) * stored, "time of the smallest core", "N-body", **known),
        "collapse_together": labelled(
            "density", together(r) * stored, "time of the smallest mean core", "N-body", **known
        ),
        "core_fall": labelled(RUN[:2], r.min(-1) / r[..., 0], "smallest core radius over the first", **known),
        "core_peak": labelled(RUN[:2], peak, "largest core density over the first, log10", **known),
    }


def escapes(case: Case[Params], speed, bound, radius, core_radius) -> dict:
    """Rates at which MLPs get unbound for good, before and after the smallest mean core; speeds at the exit.

    The mean is over the clusters of a density, each over its start: the core of one is too noisy to show its smallest.
    Each window takes a quarter of the time at least. Rates are shares of all MLPs in a unit of time. What gets unbound
    in the last `linger` isn't counted, in either window, as it may be a transient; nor what was unbound at the start.
    """
    params, stored = case.params, case.params.simulate.stored
    stars, states = params.simulate.stars, bound.shape[2]
    last = states - round(params.entropy.linger / stored)  # a body unbound from this state on isn't counted
    again = np.where(bound.any(2), states - bound[:, :, ::-1].argmax(2), 0)  # the state after the last bound one
    smallest = np.repeat(together(smooth(case, core_radius))[:, None], bound.shape[1], 1)
    collapse = np.clip(smallest, last // 4, last - last // 4)
    windows = [(0 * collapse + 1, collapse), (collapse, 0 * collapse + last)]
    middle = (collapse + last) // 2
    windows += [(collapse, middle), (middle, 0 * collapse + last)]
    free = again[..., stars:]
    before, after, early, late = (
        ((free >= a[..., None]) & (free < b[..., None])).mean(-1) / ((b - a) * stored) for a, b in windows
    )
    mean = np.maximum(after.mean(1, keepdims=True), 1e-12)  # of all clusters: many have no late escaper
    edges = np.linspace(1, last, 9).round().astype(int)
    binned = [
        ((free >= a) & (free < b)).mean(-1) / ((b - a) * stored) for a, b in zip(edges[:-1], edges[1:], strict=True)
    ]
    known: dict[str, Any] = {"may_be_constant": 1}
    rate = "share of the MLPs that escapes in a unit of time"
    return {
        "rate_before": labelled(RUN[:2], before, f"{rate}, before the smallest core", "N-body", **known),
        "rate_after": labelled(RUN[:2], after, f"{rate}, after it", "N-body", **known),
        "trend": labelled(RUN[:2], (late - early) / mean, "change of the later rate, over the clusters' mean", **known),
        "rate": labelled((*RUN[:2], "bin"), np.stack(binned, -1), rate, "N-body", **known),
        "bin_middle": labelled("bin", (edges[:-1] + edges[1:]) / 2 * stored, "time", "N-body"),
    } | exits(case, speed, bound, radius)


def exits(case: Case[Params], speed: np.ndarray, bound: np.ndarray, radius: np.ndarray) -> dict:
    """Speeds at the first state at which a body is unbound and beyond `EXIT`, in units of the cluster's start.

    Medians are over both densities and two seeds (three, if their number is odd): a single one may have no escaper.
    """
    params = case.params.simulate
    scale = np.array([density.radius for density in params.densities.values()])[:, None, None]
    out = ~bound & (radius > EXIT * PLUMMER * scale[..., None])
    first = np.take_along_axis(speed, out.argmax(2)[:, :, None], 2)[:, :, 0] * scale**0.5
    first = np.where(out.any(2), first, np.nan)
    kinds = first[..., : params.stars], first[..., params.stars :]
    groups = np.array_split(np.arange(params.seeds), params.seeds // 2)
    middle = np.array([[median(kind[:, group]) for group in groups] for kind in kinds])
    known: dict[str, Any] = {"may_be_constant": 1}
    inside = "a body that hasn't left"
    said = "speed at the exit, scaled"
    return {
        "star_speed": labelled((*RUN[:2], "star"), kinds[0], said, "N-body", nan=inside, **known),
        "mlp_speed": labelled((*RUN[:2], "tracer"), kinds[1], said, "N-body", nan=inside, **known),
        "speed_difference": labelled(
            "two", middle[0] / middle[1] - 1, "median speed of stars over that of MLPs, less 1", nan=NONE, **known
        ),
    }


def median(values: np.ndarray) -> float:
    """Of those that aren't missing; NaN if all are."""
    found = values[np.isfinite(values)]
    return float(np.median(found)) if found.size else np.nan


def measures(case: Case[Params], x: np.ndarray, v: np.ndarray, members: dict, mass: np.ndarray) -> dict:
    """Entropies in phase space and over shells, divergences of the classes' radii, and Lambda_MSR, at few moments."""
    radius = np.linalg.norm(x, axis=-1)
    phase, shell, shares = [], [], {}
    edges = np.quantile(of(radius, members["MLP"]), np.arange(1, SHELLS) / SHELLS, axis=-1)
    for name, index in members.items():
        r = of(radius, index)
        place, motion = of(x, index), of(v, index)
        size = np.median(r, -1)[..., None, None]
        pace = np.maximum(np.sqrt((motion**2).mean((-2, -1))), 1e-12)[..., None, None]
        cloud = np.concatenate([place / size, motion / pace], -1)
        cloud = cloud if (np.ptp(cloud, axis=-2) > 0).all() else cloud[..., :3]  # at rest
        phase.append(differential_entropy(cloud, NEAREST, "euclidean").value)
        into = (r[None] > edges[..., None]).sum(0)
        shares[name] = np.stack([(into == i).mean(-1) for i in range(SHELLS)], -1)
        shell.append(entr(shares[name]).sum(-1))
    divergence = [jensen_shannon(shares["MLP"], shares[name]) for name in ("light", "heavy")]
    known: dict[str, Any] = {"may_be_constant": 1}
    return {
        "phase_entropy": labelled(MOMENT, phase, "entropy in scaled phase space", "nat", **known),
        "shell_entropy": labelled(MOMENT, shell, "entropy over the MLPs' shells", "nat", **known),
        "divergence": labelled(("pair", *MOMENT[1:]), divergence, "divergence of the radii", "bit", **known),
        "lambda_msr": labelled(MOMENT[1:], segregation(case, x, members["heavy"], mass), "Lambda_MSR", **known),
    }


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence of distributions along the last axis, in bits: 0 to 1."""
    return (entr((p + q) / 2) - (entr(p) + entr(q)) / 2).sum(-1) / np.log(2)


def tree_length(x: np.ndarray) -> float:
    """Length of the minimum spanning tree of points (points, 3)."""
    return float(minimum_spanning_tree(squareform(pdist(x))).sum())


def segregation(case: Case[Params], x: np.ndarray, heavy: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Lambda_MSR (density, seed, moment): the mean tree of random stars over that of the heavy ones.

    Allison et al. (MNRAS 395, 1449, 2009).
    """
    rng = case.rng("trees")
    many = heavy.shape[-1]
    sets = [rng.choice(mass.shape[-1], many, replace=False) for _ in range(case.params.entropy.random_trees)]
    found = np.empty(x.shape[:3])
    for at in np.ndindex(*found.shape):
        found[at] = np.mean([tree_length(x[at][one]) for one in sets]) / tree_length(x[at][heavy[at[:2]]])
    return found


def costs(case: Case[Params]) -> dict:
    """Pairs that a step has more with so many MLPs than without; seconds; slopes between neighbouring counts."""
    params, stars = case.params, case.params.simulate.stars
    rng = case.rng("cost")
    pairs, seconds = [], []
    for tracers in (0, *params.entropy.counted):
        x = rng.standard_normal((1, stars + tracers, 3))
        sources = x[:, :stars] if params.entropy.weightless else x
        weight = np.ones(sources.shape[:-1])
        took = []
        for _ in range(3):
            begun = time.perf_counter()
            acceleration, _ = gravity(x, sources, weight, params.simulate.softening)
            took.append(time.perf_counter() - begun)
        seconds.append(min(took))
        pairs.append(acceleration.shape[1] * sources.shape[1])
    added = np.array(pairs[1:]) - pairs[0]
    slope = np.diff(np.log(added)) / np.diff(np.log(params.entropy.counted))
    known: dict[str, Any] = {"may_be_constant": 1}
    return {
        "pairs": labelled("count", added, "pairs of a step that the MLPs add"),
        "cost_slope": labelled("between", slope, "exponent of the pairs in the number of MLPs", **known),
        "seconds": labelled("count", seconds[1:], "time of a step", "s", role="timing"),
    }
