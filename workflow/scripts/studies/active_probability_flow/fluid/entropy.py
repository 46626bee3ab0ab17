"""Entropy production of the fluid by learned scores and by contacts: per particle, by neighbours, size and packing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from pesin.models.mlp import Parameters
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.active_probability_flow.fluid.network import correction, neighbourhoods
from studies.active_probability_flow.fluid.params import Params, Simulate
from studies.active_probability_flow.fluid.simulate import group, law_of, systems
from studies.active_probability_flow.fluid.train import seen_by

ESTIMATORS = ("learned", "divergence", "score_free")
"""|v_g|^2 / gamma and div v_g by networks; -div_x of the drift, which the mean of the latter equals at rest."""
RATE, SAID = "nat per time", "entropy production of a particle"
NEAR, TOUCH = 3.0, 2.0  # radii: neighbours that are counted; members of one cluster
TOLERANCE = 0.15
EMPTY = "none has so many"
NONE = "nothing to compare with: no contacts, or a network that diverged"


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Entropy production of a particle (estimator, size or packing, run); of the largest system, by neighbours."""
    params = case.params.simulate
    weights = {
        str(name): torch.as_tensor(v.values, device=case.device)
        for name, v in trained[case.params.entropy.weights].data_vars.items()
    }
    local = {system: production(case, data, weights, system) for system in systems(params)}
    largest = max(params.sizes), params.packing
    profile, clustered = by_neighbours(case, data, local[largest], largest)
    last = data[group(*largest)].to_dataset().sel(world=case.params.train.world).isel(run=0, snapshot=-1)
    moved = changes(case, data, weights, systems(params)[0])
    return xr.Dataset(
        {
            **totals(params, local),
            "by_neighbours": labelled(("estimator", "run", "neighbours"), profile, SAID, RATE, nan=EMPTY),
            "clustered": labelled("run", clustered, "share of the particles in the largest cluster"),
            "change": labelled(("what", "run"), moved, "largest change of a score"),
            "snapshot": labelled(("particle", "axis"), last["place"].values, "place", "R"),
            "snapshot_production": labelled(
                ("estimator", "particle"), local[largest][:, 0, -1], SAID, RATE, nan=DIVERGED
            ),
        },
        {
            "estimator": list(ESTIMATORS),
            "size": params.sizes,
            "packing": params.packings,
            "run": np.arange(params.runs),
            "neighbours": np.arange(case.params.entropy.most + 1),
            "what": ["renamed", "far", "near"],
            "axis": ["x", "y"],
        },
    )


def totals(params: Simulate, local: dict[tuple[int, float], np.ndarray]) -> dict[str, Any]:
    """Means over particles and snapshots, and how far the estimators are apart."""
    mean = {system: part.mean((2, 3)) for system, part in local.items()}
    by_size = np.stack([mean[many, params.packing] for many in params.sizes], 1)
    by_packing = np.stack([mean[params.sizes[0], packing] for packing in params.packings], 1)
    size_error, packing_error = (relative(abs(part[0] - part[2]), part[2]) for part in (by_size, by_packing))
    whole = mean[max(params.sizes), params.packing]
    gap = relative(2 * abs(whole - whole[2]), abs(whole) + abs(whole[2]))
    shift = relative(by_size - by_size[:, :1], by_size[:, :1])
    size, packing = ("estimator", "size", "run"), ("estimator", "packing", "run")
    off = "relative difference of learned and score-free"
    return {
        "by_size": labelled(size, by_size, SAID, RATE, nan=DIVERGED),
        "by_packing": labelled(packing, by_packing, SAID, RATE, nan=DIVERGED),
        "size_error": labelled(size[1:], size_error, off, nan=NONE),
        "packing_error": labelled(packing[1:], packing_error, off, nan=NONE),
        "packings_within": labelled("run", (packing_error < TOLERANCE).mean(0), "share of the packings within 15 %"),
        "totals_gap": labelled(
            ("estimator", "run"), gap, "difference of the totals from the score-free one, over their mean", nan=NONE
        ),
        "size_shift": labelled(size, shift, "change of a particle's share from the smallest size", nan=NONE),
    }


def relative(difference: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Their ratio; NaN where there is nothing to compare with."""
    to = np.broadcast_to(to, np.shape(difference))
    return np.divide(difference, to, out=np.full(np.shape(difference), np.nan), where=to != 0)


def production(case: Case[Params], data: xr.DataTree, weights: Parameters, system: tuple[int, float]) -> np.ndarray:
    """Of each particle by each estimator, (estimator, run, snapshot, particle)."""
    params, world = case.params.simulate, case.params.train.world
    law, seen = law_of(params, world, *system), seen_by(case, data, group(*system), system)
    place = data[group(*system)]["place"].sel(world=world).to_numpy()
    with torch.no_grad():
        value, divergence = correction(weights, params, seen)
    square, slope = (
        part.double().numpy(force=True).reshape(place.shape[:-1]) for part in (value.square().sum(-1), divergence)
    )
    return law.turning * np.stack([square, -slope, -law.force(place)[1] / law.turning])


def by_neighbours(
    case: Case[Params], data: xr.DataTree, local: np.ndarray, system: tuple[int, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the particles with so many neighbours nearer than 3 R, (estimator, run, neighbours); and (run,).

    The latter is the mean share of the particles in the largest cluster of those that touch.
    """
    world, most = case.params.train.world, case.params.entropy.most
    place = data[group(*system)]["place"].sel(world=world).to_numpy()
    box = law_of(case.params.simulate, world, *system).box
    found, largest = np.full((len(local), len(place), most + 1), np.nan), np.zeros(place.shape[:2])
    for run, snapshots in enumerate(place):
        counts = []
        for i, x in enumerate(snapshots):
            tree = cKDTree(np.mod(x, box), boxsize=box)
            counts.append(tree.query_ball_point(tree.data, NEAR, return_length=True) - 1)
            pairs = tree.query_pairs(TOUCH, output_type="ndarray")
            graph = coo_array((np.ones(len(pairs)), pairs.T), (len(x), len(x)))
            largest[run, i] = np.bincount(connected_components(graph, directed=False)[1]).max() / len(x)
        at = np.minimum(np.stack(counts), most).ravel()
        sizes = np.bincount(at, minlength=most + 1)
        for i, part in enumerate(local[:, run]):
            found[i, run] = relative(np.bincount(at, part.ravel(), most + 1), sizes)
    return found, largest.mean(1)


def changes(case: Case[Params], data: xr.DataTree, weights: Parameters, system: tuple[int, float]) -> np.ndarray:
    """Largest changes of scores in a snapshot of each run, (3, run), in double precision.

    When all particles are renamed; of the most pressed one, when the farthest and when the nearest other one moves.
    """
    params = case.params.simulate
    law = law_of(params, case.params.train.world, *system)
    one = data[group(*system)].to_dataset().sel(world=case.params.train.world).isel(snapshot=0)
    x, g = one["place"].values, one["propulsion"].values
    fine = {name: value.double() for name, value in weights.items()}

    def scores(x: np.ndarray, g: np.ndarray) -> np.ndarray:
        seen = neighbourhoods(params, law, x, g, case.params.train.neighbours)
        with torch.no_grad():
            found, _ = correction(fine, params, {n: torch.as_tensor(v, device=case.device) for n, v in seen.items()})
        return (seen["frame"].swapaxes(-1, -2) @ found.numpy(force=True)[..., None])[..., 0]

    before, order, run = scores(x, g), case.rng("names").permutation(x.shape[1]), np.arange(len(x))
    found = [abs(scores(x[:, order], g[:, order]) - before[:, order]).max((1, 2))]
    pressed = np.linalg.norm(law.force(x)[0], axis=-1).argmax(1)
    apart = x - x[run, pressed][:, None]
    away = np.linalg.norm(apart - law.box * np.round(apart / law.box), axis=-1)
    for other in (away.argmax(1), away.argsort(1)[:, 1]):
        moved = x.copy()
        moved[run, other] += 0.1
        found.append(abs(scores(moved, g) - before)[run, pressed].max(-1))
    return np.stack(found)
