"""What each model says of its own error, held against the error."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.forecast_certificates.learners import LEARNERS, Learner, Task
from studies.forecast_certificates.params import Params
from studies.forecast_certificates.train import kinds_of, task_of

CERTIFICATES = {
    "checks": "median error at checks",
    "shaken": "response to one push of its one-step error",
    "members": "distance to the mean of the other members",
    "own": "its own residual or energy",
}
LEAST = 1e-12
NOTHING = "no such model in this world, nothing it could say, or nothing left to say at any lead"


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """`rank`, `size`, `covered` (world, model, certificate, seed); `error` (world, model, lead, seed); an example."""
    p = case.params
    shape = (len(p.simulate.worlds), len(LEARNERS), len(CERTIFICATES), p.simulate.seeds)
    scores = np.full((3, *shape), np.nan)
    error = np.full((*shape[:2], len(p.forecast.leads), shape[-1]), np.nan)
    resting = np.empty((len(p.simulate.worlds), *error.shape[2:]))
    example = np.full((2, *shape[:3], p.simulate.starts), np.nan)
    for i, name in enumerate(p.simulate.worlds):
        task = task_of(case, name, data[name].to_dataset())
        resting[i] = _by_seed(persistence(case, task, data[name].to_dataset()), p.train.members).T
        for kind in kinds_of(name):
            j, weights = list(LEARNERS).index(kind), trained[f"{name}_{kind}"].to_dataset()
            told = {str(part): value.values for part, value in weights.data_vars.items()}
            claimed, true, known = certificates(case, task, LEARNERS[kind], told, data[name].to_dataset())
            counted = (known < p.forecast.saturated) & (known > 0)
            error[i, j] = _by_seed(np.median(true, 1), p.train.members).T
            for k, one in enumerate(claimed.values()):
                if one is not None:
                    found = [_by_seed(part, p.train.members) for part in compare(one, true, counted)]
                    scores[:, i, j, k] = found
                    example[:, i, j, k] = _example(one, true, counted)
    dims = ("world", "model", "certificate", "seed")
    said = {"nan": NOTHING}
    return xr.Dataset(
        {
            "rank": labelled(dims, scores[0], "rank correlation of claimed and true errors", **said),
            "size": labelled(dims, scores[1], "log10 of claimed to true error", **said),
            "covered": labelled(dims, scores[2], "share of errors no larger than claimed", **said),
            "error": labelled(("world", "model", "lead", "seed"), error, "median error", "standard deviations", **said),
            "skill": labelled(
                dims[:2] + ("lead", "seed"), error / resting[:, None], "error over persistence's", **said
            ),
            "claimed": labelled((*dims[:3], "start"), example[0], "claimed error", **said),
            "true": labelled((*dims[:3], "start"), example[1], "true error", "standard deviations", **said),
        },
        {
            "world": p.simulate.worlds,
            "model": list(LEARNERS),
            "certificate": list(CERTIFICATES),
            "named": ("certificate", list(CERTIFICATES.values())),
            "says": ("model", [learner.says or "-" for learner in LEARNERS.values()]),
            "lead": p.forecast.leads,
            "seed": np.arange(p.simulate.seeds),
        },
        {"saturated": p.forecast.saturated},
    )


def certificates(case: Case[Params], task: Task, learner: Learner, weights, data: xr.Dataset):
    """What is claimed of held-out starts, their true errors, both (runs, starts, leads); median error at checks."""
    p, at = case.params, np.array(case.params.forecast.leads) - 1
    members, steps = p.train.members, p.forecast.leads[-1]

    def run(history):
        return learner.run(case, task, weights, history, steps)

    history, future = _parts(case, task, data["check"])
    checked = _size(run(history).state - future)
    known, first = np.median(checked, 1)[:, at], np.median(checked[:, :, 0], 1)
    history, future = _parts(case, task, data["held_out"])
    found = run(history)
    moved, rng = history.copy(), case.rng("shaken")
    push = rng.standard_normal(moved[:, :, -1].shape)
    moved[:, :, -1] += first[:, None, None] * push / _size(push)[..., None]
    grouped = found.state.reshape(-1, members, *found.state.shape[1:])
    others = (grouped.sum(1, keepdims=True) - grouped) / (members - 1) if p.forecast.ensemble == "drawn" else grouped
    true = _size(found.state - future)[:, :, at]
    claimed = {
        "checks": np.broadcast_to((known if p.forecast.checked == "lead" else known[:, :1])[:, None], true.shape),
        "shaken": _size(run(moved).state - found.state)[:, :, at],
        "members": _size((grouped - others).reshape(found.state.shape))[:, :, at],
        "own": None if found.own is None else np.nan_to_num(found.own[:, :, at], nan=1 / LEAST, posinf=1 / LEAST),
    }
    if p.forecast.believed == "others":
        claimed = {name: None if one is None else np.roll(one, 1, 1) for name, one in claimed.items()}
    return claimed, true, known


def persistence(case: Case[Params], task: Task, data: xr.Dataset) -> np.ndarray:
    """Median error of staying where one is, (runs, leads)."""
    history, future = _parts(case, task, data["held_out"])
    return np.median(_size(future - history[:, :, -1:]), 1)[:, np.array(case.params.forecast.leads) - 1]


def _parts(case: Case[Params], task: Task, orbits: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """What a model hears and what follows, standardised, (runs, starts, moments, dim)."""
    listened, scaled = case.params.simulate.history, np.repeat(orbits.values, case.params.train.members, 0)
    scaled = (scaled - task.mean[:, None]) / task.unit[:, None]
    return scaled[:, :, :listened], scaled[:, :, listened : listened + case.params.forecast.leads[-1]]


def compare(claimed: np.ndarray, true: np.ndarray, counted: np.ndarray) -> list[np.ndarray]:
    """Over starts, then the mean over counted leads: rank correlation, median log ratio, share covered, each (runs,).

    A claim that is the same for all starts ranks nothing: 0.

    Parameters
    ----------
    claimed, true : ndarray, shape (runs, starts, leads)
    counted : ndarray, bool, shape (runs, leads)
    """
    a, b = (rankdata(part, axis=1) - (part.shape[1] + 1) / 2 for part in (claimed, true))
    norm = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    rank = np.divide((a * b).sum(1), norm, out=np.zeros_like(norm), where=norm > 0)
    size = np.median(np.log10(np.maximum(claimed, LEAST) / np.maximum(true, LEAST)), 1)
    covered = (true <= claimed).mean(1)
    weight = counted / np.where(counted.any(1), counted.sum(1), np.nan)[:, None]
    return [(part * weight).sum(1) for part in (rank, size, covered)]


def _size(x: np.ndarray) -> np.ndarray:
    """Root mean square over coordinates."""
    return np.sqrt((x**2).mean(-1))


def _by_seed(values: np.ndarray, members: int) -> np.ndarray:
    """Mean over the members of each seed: (runs, ...) -> (seeds, ...)."""
    return values.reshape(-1, members, *values.shape[1:]).mean(1)


def _example(claimed: np.ndarray, true: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Both of the first run at its last counted lead."""
    if not counted[0].any():
        return np.full((2, claimed.shape[1]), np.nan)
    lead = np.flatnonzero(counted[0])[-1]
    return np.stack([claimed[0, :, lead], true[0, :, lead]])
