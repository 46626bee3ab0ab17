"""Held-out populations carried along by each arm's field, and how far they end from where they should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from pesin.stats.transport import mean_discrepancy, wasserstein1, wasserstein2
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from pesin.steps.packages import needs_package
from studies.meta_flow_matching.networks import Trained
from studies.meta_flow_matching.params import Params, World

Distance = Callable[[np.ndarray, np.ndarray], float]
WIDTHS = [(2 * gamma) ** -0.5 for gamma in (2, 1, 0.5, 0.1, 0.01, 0.005)]
"""Of the kernels exp(-gamma |x - y|^2) that the paper averages over."""
STILL = ("identity", "mean_shift")
"""Beside the arms: nothing moves; all points move by the true shift of the population's mean (an oracle)."""
ENDS = ("before", "after")
AFFINE = "affine_transport"
"""Of labels that a test knows: the optimal transport map between the normal laws of all training cells of a label."""


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.DataTree:
    """A group for each world."""
    worlds = case.params.train.worlds
    return xr.DataTree.from_dict({world: _world(case, world, data[world], trained) for world in worlds})


def _world(case: Case[Params], world: World, data: Any, trained: xr.DataTree) -> xr.Dataset:
    test: Any = data["test"]
    params, arms = case.params.forecast, case.params.train.worlds[world].arms
    networks = Trained(trained, world, case.params.train, params.networks, params.embedding, case.device)
    before, after, again, label = (test[name].values for name in ("before", "after", "again", "label"))
    ends = networks.ends(before, label, params.points, params.steps)
    start, target = before[:, :, : params.points], after[:, :, : params.points]
    others = dict(zip(STILL, (start, start + (after.mean(2) - before.mean(2))[:, :, None]), strict=True))
    if world == "organoids":
        others[AFFINE] = affine(data["train"], start, label)
    first, second = again[..., : params.points, :]
    clouds = np.concatenate([ends[: len(arms)], np.stack(list(others.values()))])
    floor = _distances(wasserstein2, first[None], second)[0]
    fresh = _distances(wasserstein2, clouds, second)
    seeds = np.arange(len(before))
    variables: dict[str, tuple] = {
        "w2_fresh": (("model", "seed", "population"), fresh, "W2 to another draw of the target"),
        "floor": (("seed", "population"), floor, "W2 of two draws of the target"),
        "above_floor": (("model", "seed", "population"), fresh - floor, "W2 to another draw, above the floor"),
    }
    coordinates: dict[str, Any] = {"model": [*arms, *others], "seed": seeds, "population": test["population"].values}
    if world == "organoids":
        variables |= _by_patient(case, clouds, second)
        coordinates |= {"distance": list(DISTANCES), "patient": np.arange(variables["by_patient"][1].shape[-1])}
    else:
        w2 = _distances(wasserstein2, clouds, target)
        gain = w2[: len(arms)] / w2[len(arms)]
        variables["w2"] = (("model", "seed", "population"), w2, "W2 to the target, paired point by point")
        variables["over_identity"] = (("arm", "seed", "population"), gain, "W2 over that of the points at rest")
        coordinates["arm"] = arms
    if world == "letters":
        variables["by_letter"] = _by_letter(case, w2)
        coordinates |= {"letter": list(case.params.simulate.letters.held_out)}
        coordinates |= {"rotation": np.arange(case.params.simulate.letters.rotations)}
    sizes = case.params.train.worlds[world].sizes
    if sizes:
        variables["w2_by_size"] = _by_size(ends[len(arms) :], target, w2[arms.index("graph")])
        coordinates["size"] = [*sizes, case.params.simulate.particles.train]
    two = [0, before.shape[1] // 2]  # whose clouds are kept for figures: of letters, one of each
    shown = np.stack([start[0, two], target[0, two], *ends[: len(arms), 0, two]])
    variables["cloud"] = (("what", "shown", "point", "axis"), shown, "point of a test population, first seed")
    coordinates["what"] = ["before", "after", *arms]
    return xr.Dataset(
        {name: labelled(*value, nan=DIVERGED, may_be_constant=1) for name, value in variables.items()}, coordinates
    )


def _by_size(ends: np.ndarray, target: np.ndarray, whole: np.ndarray) -> tuple:
    """Mean W2 by number of training populations, the last one all of them, whose W2 is known."""
    found = np.concatenate([_distances(wasserstein2, ends, target), whole[None]]).mean(-1)
    return ("size", "seed"), found, "mean W2 to the target, paired point by point"


def affine(train: Any, start: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Where test points, (seeds, populations, points, dim), get to by each label's map x -> x A + b of all patients.

    It is the gradient of a quadratic convex potential (Peyre and Cuturi, 2019, remark 2.31).
    """
    with needs_package("pot"):
        from ot.gaussian import bures_wasserstein_mapping

    found = np.full(start.shape, np.nan)
    for seed in range(len(start)):
        for known in np.unique(label[seed]):
            some = train["label"].values[seed] == known
            clouds = [train[name].values[seed, some].reshape(-1, start.shape[-1]).astype(float) for name in ENDS]
            matrix, shift = bures_wasserstein_mapping(*[x.mean(0) for x in clouds], *[np.cov(x.T) for x in clouds])
            mine = label[seed] == known
            found[seed, mine] = start[seed, mine] @ matrix + shift
    return found


def _by_letter(case: Case[Params], w2: np.ndarray) -> tuple:
    """W2 of held-out letters by letter and rotation, the mean over seeds."""
    shape = (len(case.params.simulate.letters.held_out), case.params.simulate.letters.rotations)
    return ("model", "letter", "rotation"), w2.mean(1).reshape(len(w2), *shape), "W2 to the target, paired"


def _by_patient(case: Case[Params], clouds: np.ndarray, target: np.ndarray) -> dict[str, tuple]:
    """Distances from treated cells, the mean over a patient's cultures and treatments: (distance, model, patient).

    Every seed holds other patients out, so that a patient is of one seed.
    """
    params = case.params.simulate.organoids
    shape = (len(clouds), len(target), -1, params.cultures * params.treatments)
    found = [_distances(distance, clouds, target).reshape(shape).mean(-1) for distance in DISTANCES.values()]
    by_patient = np.stack(found).reshape(len(found), len(clouds), -1)
    return {"by_patient": (("distance", "model", "patient"), by_patient, "distance from the treated cells")}


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
