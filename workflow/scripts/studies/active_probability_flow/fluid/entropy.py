"""Entropy production of the fluid by learned scores and by contacts: per particle, by neighbours, size and packing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.sparse.csgraph import connected_components

from pesin.models.mlp import Parameters
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from pesin.systems.particles import Swimmers, minimum_image
from studies.active_probability_flow.fluid.network import correction, neighbourhoods
from studies.active_probability_flow.fluid.params import Params
from studies.active_probability_flow.fluid.simulate import group, law_of, systems
from studies.active_probability_flow.fluid.train import seen_by, with_divergence

ESTIMATORS = ("learned", "divergence", "score_free")
"""|v_g|^2 / gamma and div v_g by networks; -div_x of the drift, which the mean of the latter equals at rest."""
RATE = "nat per time"
NEAR, TOUCH = 3.0, 2.0  # radii: neighbours that are counted; members of one cluster
TOLERANCE = 0.15


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Entropy production of a particle (estimator, size or packing, seed), and by neighbours at the trained system."""
    params, simulated = case.params, case.params.simulate
    weights = {
        str(name): torch.as_tensor(v.values, device=case.device)
        for name, v in trained[params.entropy.weights].data_vars.items()
    }
    local = {system: production(case, data, weights, system) for system in systems(simulated)}
    mean = {system: part.mean((2, 3, 4)) for system, part in local.items()}
    by_size = np.stack([mean[many, simulated.packing] for many in simulated.sizes], 1)
    by_packing = np.stack([mean[simulated.sizes[0], packing] for packing in simulated.packings], 1)
    home = systems(simulated)[0]
    profile = by_neighbours(case, data, local[home], home)
    size_error, packing_error = (abs(part[0] / part[2] - 1) for part in (by_size, by_packing))
    largest = max(simulated.sizes), simulated.packing
    x = data[group(*largest)]["place"].sel(world=params.train.world).values
    kinds: dict[str, Any] = {"units": RATE, "nan": DIVERGED}
    return xr.Dataset(
        {
            "by_size": labelled(("estimator", "size", "seed"), by_size, "entropy production of a particle", **kinds),
            "by_packing": labelled(
                ("estimator", "packing", "seed"), by_packing, "entropy production of a particle", **kinds
            ),
            "size_error": labelled(("size", "seed"), size_error, "relative difference of the totals", nan=DIVERGED),
            "packing_error": labelled(
                ("packing", "seed"), packing_error, "relative difference of the totals", nan=DIVERGED
            ),
            "packings_within": labelled(
                "seed", (packing_error < TOLERANCE).mean(0), "share of the packings within 15 %", may_be_constant=1
            ),
            "totals_gap": labelled(
                "seed", abs(by_size[1, 0] / by_size[2, 0] - 1), "relative difference of the two totals", nan=DIVERGED
            ),
            "size_spread": labelled(
                ("estimator", "seed"),
                np.ptp(by_size, 1) / by_size.mean(1),
                "spread over sizes, relative to the mean",
                nan=DIVERGED,
            ),
            "by_neighbours": labelled(
                ("estimator", "seed", "neighbours"),
                profile,
                "entropy production of a particle",
                units=RATE,
                nan="none has so many",
            ),
            "clustered": labelled("seed", clustered(case, data, home), "share of the particles in the largest cluster"),
            "permutation_gap": labelled("seed", permutation_gap(case, data, weights, home), "change by renaming"),
            "snapshot": labelled(("particle", "axis"), x[0, 0, -1], "place", "R"),
            "snapshot_production": labelled(
                ("estimator", "particle"), local[largest][:, 0, 0, -1], "entropy production of a particle", **kinds
            ),
        },
        {
            "estimator": list(ESTIMATORS),
            "size": simulated.sizes,
            "packing": simulated.packings,
            "seed": np.arange(simulated.seeds),
            "neighbours": np.arange(params.entropy.most + 1),
            "axis": ["x", "y"],
        },
    )


def production(case: Case[Params], data: xr.DataTree, weights: Parameters, system: tuple[int, float]) -> np.ndarray:
    """Of each particle by each estimator, (estimator, seed, copy, snapshot, particle)."""
    params = case.params
    law, seen = law_of(params.simulate, params.train.world, *system), seen_by(case, data, system)
    place = data[group(*system)]["place"].sel(world=params.train.world).values
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    axes = torch.eye(2, device=case.device)
    with torch.no_grad():
        for first in range(0, seen["own"].shape[1], params.entropy.chunk):
            some = {name: part[:, first : first + params.entropy.chunk] for name, part in seen.items()}
            both = [
                with_divergence(weights, params.train.heads, law, some, axis.expand_as(some["own"])) for axis in axes
            ]
            slope = both[0][1] + both[1][1]
            parts.append((both[0][0].double().square().sum(-1).numpy(force=True), slope.double().numpy(force=True)))
    square, slope = (np.concatenate(part, 1).reshape(place.shape[:-1]) for part in zip(*parts, strict=True))
    _, spread = law.force(place)
    return np.stack([law.turning * square, -law.turning * slope, -spread])


def by_neighbours(case: Case[Params], data: xr.DataTree, local: np.ndarray, system: tuple[int, float]) -> np.ndarray:
    """Mean over the particles with so many neighbours nearer than 3 R, (estimator, seed, neighbours)."""
    most = case.params.entropy.most
    place, box = places(case, data, system)
    count = np.minimum((distances(place, box) < NEAR).sum(-1) - 1, most)
    found = np.full((len(local), len(place), most + 1), np.nan)
    for seed, at in enumerate(count):
        sizes = np.bincount(at.ravel(), minlength=most + 1)
        for i, part in enumerate(local[:, seed]):
            sums = np.bincount(at.ravel(), part.ravel(), most + 1)
            found[i, seed] = np.where(sizes > 0, sums / np.maximum(sizes, 1), np.nan)
    return found


def clustered(case: Case[Params], data: xr.DataTree, system: tuple[int, float]) -> np.ndarray:
    """Mean share of the particles in the largest cluster of those that overlap, (seed,)."""
    place, box = places(case, data, system)
    touching = distances(place, box) < TOUCH
    shape, many = touching.shape[:3], touching.shape[-1]
    largest = [np.bincount(connected_components(one)[1]).max() / many for one in touching.reshape(-1, many, many)]
    return np.reshape(largest, shape).mean((1, 2))


def permutation_gap(
    case: Case[Params], data: xr.DataTree, weights: Parameters, system: tuple[int, float]
) -> np.ndarray:
    """Largest change of a particle's score when all are renamed, on one snapshot of each seed, (seed,)."""
    params = case.params
    law = law_of(params.simulate, params.train.world, *system)
    one = data[group(*system)].to_dataset().sel(world=params.train.world).isel(copy=0, snapshot=0)
    x, g = one["place"].values, one["propulsion"].values
    order = case.rng("names").permutation(x.shape[1])
    before, after = (scores_at(case, law, weights, *state) for state in ((x, g), (x[:, order], g[:, order])))
    return abs(after - before[:, order]).max((1, 2))


def scores_at(case: Case[Params], law: Swimmers, weights: Parameters, x: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Corrections at one snapshot of each seed, (seeds, particles, 2)."""
    seen = neighbourhoods(law, x, g, case.params.train.neighbours)
    tensors = {name: torch.as_tensor(part, device=case.device) for name, part in seen.items()}
    with torch.no_grad():
        return correction(weights, case.params.train.heads, law)(**tensors).double().numpy(force=True)


def places(case: Case[Params], data: xr.DataTree, system: tuple[int, float]) -> tuple[np.ndarray, float]:
    """Of all particles, (seed, copy, snapshot, particle, 2), and the edge of their box."""
    world = case.params.train.world
    return data[group(*system)]["place"].sel(world=world).values, law_of(case.params.simulate, world, *system).box


def distances(place: np.ndarray, box: float) -> np.ndarray:
    """Between all particles of a box, (..., particles, particles)."""
    apart = minimum_image(place[..., :, None, :] - place[..., None, :, :], box)
    return np.sqrt((apart**2).sum(-1))
