"""Clouds that both samplers make of the networks' scores, their distances, and the networks' residuals."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models.jets import softplus_activation
from pesin.stats.intervals import spearman
from pesin.stats.transport import sliced_wasserstein2, wasserstein2_histograms
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.ode_sde_gap.laws import LAWS
from studies.ode_sde_gap.learned.params import Params
from studies.ode_sde_gap.learned.train import collocation, networks
from studies.ode_sde_gap.process import Score, kept, learned_score, network_residual, sample_ode, sample_sde, times

SAMPLERS = ("sde", "ode")
PAIRS = {"ode_data": ("ode", "data"), "sde_data": ("sde", "data"), "ode_sde": ("ode", "sde")}
GRID = ("weight", "seed")
COUNTING = ("inside", "all")
"""Which points a histogram counts: those in its square, as in the paper; or all, others in the outermost bins."""
SQUARED = "squared W2 of the histograms"
TO_FLOOR = "ln of the squared W2 over its floor"


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Sample, and measure: distances (pair, weight, seed), their floor (seed), the residual (weight, seed)."""
    params, truth = case.params.forecast, data["data"].values
    clouds = sampled(case, trained, params.steps)
    density = {name: histograms(case, cloud) for name, cloud in clouds.items()}
    density["data"] = np.broadcast_to(histograms(case, truth)[:, None], density["ode"].shape)
    outside = np.stack([escaped(case, clouds[name]) for name in SAMPLERS])
    distance = np.stack([squares(case, density[one], density[other]) for one, other in PAIRS.values()])
    floor, missing, gap = floors(case), residuals(case, trained), distance[list(PAIRS).index("ode_sde")]
    above = distance - floor[:, None]
    to_floor = np.log(distance / floor[:, None])
    coarse = [sampled(case, trained, steps) for steps in params.coarse]
    gaps = [squares(case, *(histograms(case, made[name]) for name in SAMPLERS)) for made in coarse]
    correlation = [[spearman(*both) for both in zip(missing.T, one.T, strict=True)] for one in gap]
    shown = np.stack([density[name][COUNTING.index("inside")].mean(1) for name in ("data", *SAMPLERS)])
    best = np.stack([chosen(one) for one in to_floor[list(PAIRS).index("ode_data")]])
    kept_points = np.stack([clouds[name][..., : params.keep, :] for name in SAMPLERS])
    counted = ("counting", *GRID)
    grid, on = ("pair", *counted), partial(on_weights, len(case.params.train.weights))
    variables = {
        "transport": on(grid, distance, SQUARED),
        "floor": labelled(("counting", "seed"), floor, f"{SQUARED}, two clouds of data"),
        "log_to_floor": on(grid, to_floor, TO_FLOOR),
        "above_floor": on(grid, above, f"{SQUARED} above their floor"),
        "chosen": labelled(
            ("counting", "seed"), best, f"{TO_FLOOR}, ODE at the weight best for other seeds", nan=DIVERGED
        ),
        "sliced": on(("pair", *GRID), slices(case, clouds, truth), "squared sliced W2"),
        "residual": on(GRID, missing, "mean square of the residual", may_be_constant=1),
        "rank_correlation": labelled(
            ("counting", "seed"),
            correlation,
            "rank correlation of residual and gap",
            nan="all weights alike",
            may_be_constant=1,
        ),
        "gap_at_steps": on(("steps", *counted), [*gaps, gap], f"{SQUARED}, ODE and SDE"),
        "escaped": on(("sampler", *GRID), outside, "share of the points outside the histogram", may_be_constant=1),
        "density": on(("law", "weight", "x", "y"), shown, "share of the points in a bin, mean over seeds"),
        "samples": on(("sampler", *GRID, "sample", "xy"), kept_points, "generated point"),
    }
    return xr.Dataset(variables, coordinates(case))


def on_weights(weights: int, dims: tuple[str, ...], values, *said: str, **more) -> tuple:
    """Labelled; one run that stands for all weights is said of each."""
    values, place = np.asarray(values), dims.index("weight")
    whole = (*values.shape[:place], weights, *values.shape[place + 1 :])
    return labelled(dims, np.broadcast_to(values, whole), *said, nan=DIVERGED, **more)


def coordinates(case: Case[Params]) -> dict[str, Any]:
    """Names and values along all dimensions of the result."""
    params = case.params
    names = {"pair": list(PAIRS), "sampler": list(SAMPLERS), "law": ["data", *SAMPLERS], "counting": list(COUNTING)}
    runs = {"weight": params.train.weights, "seed": np.arange(params.simulate.seeds)}
    steps = [*params.forecast.coarse, params.forecast.steps]
    return names | runs | {"steps": steps, "x": axis(case), "y": axis(case), "xy": ["x", "y"]}


# ------------------------------------------------------------------------------------------------------------ samplers


def sampled(case: Case[Params], trained: xr.DataTree, steps: int) -> dict[str, np.ndarray]:
    """Clouds of both samplers, each (arms, seeds, samples, 2), from the same starts; the weights share all noise."""
    params, train = case.params, case.params.train
    score, arms = score_of(case, trained)
    seeds, samples = params.simulate.seeds, params.simulate.samples
    generator = torch.Generator().manual_seed(case.seed("noise"))
    grid = times(train.horizon, train.start, steps, params.forecast.grid)
    found: dict[str, list[np.ndarray]] = {name: [] for name in SAMPLERS}
    for first in range(0, samples, params.forecast.chunk):
        shape = (seeds, min(params.forecast.chunk, samples - first), 2)

        def draw(_=None, shape=shape) -> torch.Tensor:
            return torch.randn(shape, generator=generator).to(case.device).repeat(arms, 1, 1)

        start = draw() / 2**0.5
        found["ode"].append(sample_ode(score, start, grid).numpy(force=True))
        found["sde"].append(sample_sde(score, start, grid, draw).numpy(force=True))
    return {name: np.concatenate(parts, 1).reshape(arms, seeds, samples, 2) for name, parts in found.items()}


def score_of(case: Case[Params], trained: xr.DataTree) -> tuple[Score, int]:
    """The score of all runs, and how many of the weights differ in it: all of them, or one that stands for all."""
    params = case.params
    if params.forecast.score == "exact":
        law = LAWS[params.simulate.law]

        def exact(x: torch.Tensor, t: float) -> torch.Tensor:
            return torch.as_tensor(law.noised_score(x.numpy(force=True), *kept(t)), dtype=x.dtype, device=x.device)

        return exact, 1
    activation, parameters = softplus_activation(params.train.sharpness), chosen_networks(case, trained)
    runs = len(next(iter(parameters.values())))
    return learned_score(parameters, activation), runs // params.simulate.seeds


def chosen_networks(case: Case[Params], trained: xr.DataTree):
    """The networks that are judged: all, or those of weight zero, where all weights are the same."""
    params = case.params.forecast
    alike = params.score == "untrained" or not params.penalised
    parameters = networks(trained, "start" if params.score == "untrained" else "end", case.device)
    return {name: value[: case.params.simulate.seeds] if alike else value for name, value in parameters.items()}


def residuals(case: Case[Params], trained: xr.DataTree) -> np.ndarray:
    """Mean square of the Fokker-Planck residual over evenly drawn points, (arms, seeds); the exact one's is zero."""
    params = case.params
    if params.forecast.score == "exact":
        return np.zeros((1, params.simulate.seeds))
    parameters = chosen_networks(case, trained)
    arms = len(next(iter(parameters.values()))) // params.simulate.seeds
    points = torch.as_tensor(collocation(params, case.rng("collocation"), params.forecast.collocation))
    with torch.no_grad():
        inputs = points.to(case.device).repeat(arms, 1, 1)
        missing = network_residual(parameters, inputs, softplus_activation(params.train.sharpness))
    return missing.double().square().mean(-1).numpy(force=True).reshape(arms, -1)


# ----------------------------------------------------------------------------------------------------------- distances


def axis(case: Case[Params]) -> np.ndarray:
    """Centres of the bins along an edge."""
    edges = np.linspace(-case.params.forecast.edge, case.params.forecast.edge, case.params.forecast.bins + 1)
    return (edges[1:] + edges[:-1]) / 2


def histograms(case: Case[Params], clouds: np.ndarray) -> np.ndarray:
    """Share of the counted points in each bin, (..., samples, 2) -> (counting, ..., bins, bins).

    NaN for a cloud that diverged, or has no point to count.
    """
    params = case.params.forecast
    found = np.full((len(COUNTING), *clouds.shape[:-2], params.bins, params.bins), np.nan)
    for place in np.ndindex(clouds.shape[:-2]):
        cloud = clouds[place]
        if np.isfinite(cloud).all():
            bins = np.clip((cloud / params.edge + 1) / 2 * params.bins, 0, params.bins - 1).astype(int)
            where = bins[:, 0] * params.bins + bins[:, 1]
            for i, chosen_ones in enumerate((where[(abs(cloud) < params.edge).all(1)], where)):
                counts = np.bincount(chosen_ones, minlength=params.bins**2).reshape(params.bins, params.bins)
                found[(i, *place)] = counts / len(chosen_ones) if len(chosen_ones) else np.nan
    return found


def escaped(case: Case[Params], clouds: np.ndarray) -> np.ndarray:
    """Share of the points outside the histogram's square, (..., samples, 2) -> (...)."""
    with np.errstate(invalid="ignore"):
        return (~(abs(clouds) < case.params.forecast.edge).all(-1)).mean(-1)


def squares(case: Case[Params], first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Squared W2 of histograms, as the authors print it: (..., bins, bins) -> (...)."""
    centres = np.stack(np.meshgrid(*2 * [axis(case)], indexing="ij"), -1).reshape(-1, 2)
    found = np.full(first.shape[:-2], np.nan)
    for place in np.ndindex(found.shape):
        p, q = first[place].ravel(), second[place].ravel()
        if np.isfinite(p).all() and np.isfinite(q).all():
            found[place] = wasserstein2_histograms(p, q, centres) ** 2
    return found


def floors(case: Case[Params]) -> np.ndarray:
    """Mean squared W2 between two clouds of data as large as the generated ones, (counting, seeds)."""
    params, law, rng = case.params, LAWS[case.params.simulate.law], case.rng("floor")
    shape, found = (2, params.simulate.seeds, params.simulate.samples, 2), []
    for _ in range(params.forecast.floors):
        clouds = law.sample(rng, int(np.prod(shape[:-1]))).reshape(shape)
        found.append(squares(case, *histograms(case, clouds).swapaxes(0, 1)))
    return np.mean(found, 0)


def slices(case: Case[Params], clouds: dict[str, np.ndarray], truth: np.ndarray) -> np.ndarray:
    """Squared sliced W2 of each pair, (pairs, arms, seeds)."""
    every = {**clouds, "data": np.broadcast_to(truth[:, : clouds["ode"].shape[2]], clouds["ode"].shape)}
    found = np.full((len(PAIRS), *clouds["ode"].shape[:2]), np.nan)
    for i, (one, other) in enumerate(PAIRS.values()):
        for place in np.ndindex(found.shape[1:]):
            x, y = every[one][place], every[other][place]
            if np.isfinite(x).all() and np.isfinite(y).all():
                rng = case.rng("directions")  # the same for all
                found[(i, *place)] = sliced_wasserstein2(rng, x, y, case.params.forecast.directions) ** 2
    return found


def chosen(values: np.ndarray) -> np.ndarray:
    """The value at the weight above zero that is best for the other seeds, (weights, seeds) -> (seeds,)."""
    penalised, seeds = values[1:] if len(values) > 1 else values, np.arange(values.shape[1])
    others = np.stack([penalised[:, seeds != seed].mean(1) for seed in seeds], 1)
    return penalised[np.where(np.isfinite(others), others, np.inf).argmin(0), seeds]
