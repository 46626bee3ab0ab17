"""Losses on new populations; held-out ones carried along by each arm's field, and how far from the target they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from scipy.spatial.distance import cdist

from pesin.stats.transport import mean_discrepancy, wasserstein1, wasserstein2
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.meta_flow_matching.affine import moved_by
from studies.meta_flow_matching.losses import losses_on_new
from studies.meta_flow_matching.networks import Trained
from studies.meta_flow_matching.params import Params, World

Distance = Callable[[np.ndarray, np.ndarray], float]
WIDTHS = [(2 * gamma) ** -0.5 for gamma in (2, 1, 0.5, 0.1, 0.01, 0.005)]
"""Of the kernels exp(-gamma |x - y|^2) that the paper averages over."""
NEAR = 0.3  # points of two populations that count as being at one place


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.DataTree:
    """A group for each world."""
    worlds = case.params.train.worlds
    return xr.DataTree.from_dict({world: _world(case, world, data[world], trained) for world in worlds})


def _world(case: Case[Params], world: World, data: Any, trained: xr.DataTree) -> xr.Dataset:
    params, arms = case.params.forecast, case.params.train.worlds[world].arms
    given = (trained, world, case.params.train, params.networks, params.embedding, case.device)
    variables: dict[str, tuple] = {}
    coordinates: dict[str, Any] = {"arm": arms, "seed": np.arange(case.params.simulate.seeds)}
    if world in ("drift", "shape"):
        variables |= losses_on_new(case, world, Trained(*given, arms=tuple(arms)))
    if world != "shape":
        test: Any = data["test"]
        ends = Trained(*given).ends(test["before"].values, test["label"].values, params.steps)
        others = not_learned(test, trained["organoids/affine"] if world == "organoids" else None)
        clouds = np.concatenate([ends[: len(arms)], np.stack(list(others.values()))])
        coordinates |= {"model": [*arms, *others], "population": test["population"].values}
        judged = {"drift": _of_particles, "letters": _of_letters, "organoids": _of_patients}[world]
        found, more = judged(case, clouds, ends[len(arms) :], test)
        shown = [test["before"].values, test["after"].values, *ends[: len(arms)]]
        two = [0, test.sizes["population"] // 2]  # whose clouds are kept for figures: of letters, one of each
        two = crossing(test["before"].values[0], test["after"].values[0]) if world == "drift" else two
        kept = np.stack([cloud[0, two] for cloud in shown])
        variables |= found | {
            "cloud": (("what", "shown", "point", "axis"), kept, "point of a test population, first seed")
        }
        coordinates |= more | {"what": ["before", "after", *arms]}
    return xr.Dataset(
        {name: labelled(*value, nan=DIVERGED, may_be_constant=1) for name, value in variables.items()}, coordinates
    )


def not_learned(test: Any, maps: Any = None) -> dict[str, np.ndarray]:
    """Where points, (seeds, populations, points, dim), get to without a network: nowhere; or all by the true shift of
    their population's mean (an oracle), and by the affine maps of their labels."""
    before, after = test["before"].values, test["after"].values
    if maps is None:
        return {"identity": before}
    shifted = before + (after.mean(2) - before.mean(2))[:, :, None]
    return {"identity": before, "mean_shift": shifted, "affine_transport": moved_by(maps, before, test["label"].values)}


def crossing(before: np.ndarray, after: np.ndarray) -> list[int]:
    """The two populations, of (populations, points, dim), that differ most in velocity where their points are near."""
    many, points = before.shape[:2]
    start, way = before.reshape(many * points, -1), (after - before).reshape(many * points, -1)
    apart = cdist(way, way) * (cdist(start, start) < NEAR)
    return list(np.unravel_index(apart.reshape(many, points, many, points).sum((1, 3)).argmax(), (many, many)))


def _of_particles(case: Case[Params], clouds: np.ndarray, fewer: np.ndarray, test: Any) -> tuple[dict, dict]:
    """W2 to the paired target and to another draw, and by the number of training populations."""
    learning, target, (first, second) = case.params.train.worlds["drift"], test["after"].values, test["again"].values
    w2, fresh = _distances(wasserstein2, clouds, target), _distances(wasserstein2, clouds, second)
    floor, arms = _distances(wasserstein2, first[None], second)[0], len(learning.arms)
    dims = ("seed", "population")
    found = {
        "w2": (("model", *dims), w2, "W2 to the target, paired point by point"),
        "floor": (dims, floor, "W2 of two draws of the target"),
        "above_floor": (("model", *dims), fresh - floor, "W2 to another draw, above the floor"),
        "over_identity": (("arm", *dims), w2[:arms] / w2[arms], "W2 over that of the points at rest"),
    }
    whole = w2[learning.arms.index("graph")].mean(-1)
    by_size = np.concatenate([_distances(wasserstein2, fewer, target).mean(-1), whole[None]])
    found["w2_by_size"] = (("size", "seed"), by_size, "mean W2 to the target, paired point by point")
    return found, {"size": [*learning.sizes, case.params.simulate.particles.train]}


def _of_letters(case: Case[Params], clouds: np.ndarray, _fewer: np.ndarray, test: Any) -> tuple[dict, dict]:
    """W2 to the paired target by letter and rotation, the mean over seeds."""
    params, w2 = case.params.simulate.letters, _distances(wasserstein2, clouds, test["after"].values).mean(1)
    by_letter = w2.reshape(len(w2), len(params.held_out), params.rotations)
    return (
        {"by_letter": (("model", "letter", "rotation"), by_letter, "W2 to the target, paired point by point")},
        {"letter": list(params.held_out), "rotation": np.arange(params.rotations)},
    )


def _of_patients(case: Case[Params], clouds: np.ndarray, _fewer: np.ndarray, test: Any) -> tuple[dict, dict]:
    """Distances from other treated cells, the mean over a patient's cultures and treatments; what two draws score.

    Every seed holds other patients out, so that a patient is of one seed.
    """
    params, (first, second) = case.params.simulate.organoids, test["again"].values

    def by_patient(clouds: np.ndarray) -> np.ndarray:
        shape = (len(clouds), len(second), -1, params.cultures * params.treatments)
        found = [_distances(distance, clouds, second).reshape(shape).mean(-1) for distance in DISTANCES.values()]
        return np.stack(found).reshape(len(found), len(clouds), -1)

    found, floor = by_patient(clouds), by_patient(first[None])[:, 0]
    return (
        {
            "by_patient": (("distance", "model", "patient"), found, "distance from the treated cells"),
            "floor": (("distance", "patient"), floor, "distance of two draws of the treated cells"),
        },
        {"distance": list(DISTANCES), "patient": np.arange(found.shape[-1])},
    )


def _discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    return mean_discrepancy(x, y, WIDTHS)


DISTANCES: dict[str, Distance] = {"w1": wasserstein1, "w2": wasserstein2, "mmd": _discrepancy}


def _distances(distance: Distance, clouds: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Of each cloud, (models, seeds, populations, points, dim), from its target; NaN for one that diverged."""
    found = np.full(clouds.shape[:3], np.nan)
    for place in np.ndindex(found.shape):
        if np.isfinite(clouds[place]).all():
            found[place] = distance(clouds[place], target[place[1:]])
    return found
