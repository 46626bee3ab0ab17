"""Trains all runs of a world in one axis, and looks at them on the way."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.foretold_failures.learners import LEARNERS, Learner
from studies.foretold_failures.params import Params, World

NAMES = {
    "hidden": (("point", "unit"), "last hidden layer"),
    "output": (("point", "output"), "logits"),
    "attention": ((), "attention entropy over the largest possible"),
    "loss": ((), "loss on what is looked at"),
    "weights": (("matrix",), "entropy of the weights' squared singular values over the largest possible"),
}


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Groups of worlds: what was seen, (look, seed, draw, ...), and `score` (seed, draw) at the end."""
    return xr.DataTree.from_dict(
        {str(name): run(case, name, data[name].to_dataset()) for name in case.params.simulate.worlds}
    )


def looks(case: Case[Params], steps: int) -> list[int]:
    """Updates before which the networks are looked at."""
    return [round(share * steps) for share in case.params.train.looks]


def run(case: Case[Params], name: World, data: xr.Dataset) -> xr.Dataset:
    """One world. NaN: a run that has stopped."""
    p, s = case.params.train, case.params.simulate
    learner, rng, seen = LEARNERS[name](case, data), case.rng(f"batches {name}"), Seen()
    steps = s.worlds[name].steps
    at = looks(case, steps)
    rates = torch.as_tensor(data["rate"].values.ravel(), dtype=torch.float32, device=case.device)
    optimiser = RunsOptimiser(learner.parameters, "adam")

    def loss_of(step: int) -> torch.Tensor:
        if step in at:
            seen.add(observe(learner, optimiser.alive))
        return learner.loss(rng)

    rates = rates if p.learns else 0 * rates
    kept = case.checkpoint(name, [rng])
    fit_runs(optimiser, loss_of, lambda _: rates, steps, case.progress, kept, [seen])
    found = seen.arrays()
    with torch.no_grad():
        score = torch.where(optimiser.alive, learner.score(), torch.nan).double().numpy(force=True)
    variables = {
        key: labelled(
            ("look", "seed", "draw", *NAMES[key][0]),
            value.reshape(len(at), s.seeds, s.draws, *value.shape[2:]),
            NAMES[key][1],
            nan=DIVERGED,
        )
        for key, value in found.items()
    }
    variables["score"] = labelled(("seed", "draw"), score.reshape(s.seeds, s.draws), "score at the end", nan=DIVERGED)
    return xr.Dataset(variables, {"look": p.looks})


@torch.no_grad()
def observe(learner: Learner, alive: torch.Tensor) -> dict[str, np.ndarray]:
    """What a look finds, and the spectral entropies of the weights; NaN where a run has stopped."""
    found = learner.look() | {
        "weights": torch.stack([_spread(learner.parameters[name]) for name in learner.matrices], -1)
    }
    return {
        key: torch.where(alive.view(-1, *[1] * (value.dim() - 1)), value, torch.nan).numpy(force=True)
        for key, value in found.items()
    }


def _spread(weight: torch.Tensor) -> torch.Tensor:
    """Entropy of the squared singular values over ln of their number, mean over stacked matrices: (runs,)."""
    finite = torch.nan_to_num(weight.flatten(1, -3) if weight.dim() > 3 else weight[:, None], 0, 0, 0)
    squares = torch.linalg.svdvals(finite).square()
    shares = squares / squares.sum(-1, keepdim=True)
    return (torch.special.entr(shares).sum(-1) / np.log(shares.shape[-1])).mean(1)
