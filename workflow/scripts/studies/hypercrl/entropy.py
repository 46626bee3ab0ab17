"""What later tasks have destroyed of earlier ones, in nats, and what an ensemble over seeds says of each task."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.entropy.gaussian import gaussian_entropy
from pesin.models.consolidation import fisher_diagonal, quadratic_penalty
from pesin.models.mlp import Parameters
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.hypercrl.networks import OUTPUTS, hidden_of, predicted, shaped
from studies.hypercrl.params import Params


def entropy(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """`destroyed`, `divergence` (arm, seed, task) and `predictive_entropy` (arm, after, task)."""
    parts = [of_arm(case, arm, data, trained[arm]) for arm in case.params.train.arms]
    return xr.concat(parts, xr.Variable("arm", list(case.params.train.arms)), join="exact")


def of_arm(case: Case[Params], arm: str, data: Any, trained: Any) -> xr.Dataset:
    """One arm, in the judged order; of several settings the middle one."""
    p, hidden = case.params.entropy, hidden_of(arm, case.params.train.network)
    weights = torch.as_tensor(
        trained["weights"].values[0, trained.sizes["setting"] // 2]
    )  # (seed, after, task, weight)
    x = torch.as_tensor(data["test_x"].values.astype(np.float32))  # (task, test, 4)
    tasks = range(len(x))
    fresh = torch.stack([weights[:, j, j] for j in tasks], 1)
    kept = weights[:, -1]
    change = predicted(kept, x, hidden) - predicted(fresh, x, hidden)
    exact = change.double().square().sum(-1).mean(-1) / (2 * p.noise**2)
    second = [fisher_distance(fresh[:, j], kept[:, j], x[j, : p.samples], hidden, p.noise) for j in tasks]
    said = predicted(weights, x, hidden).double().numpy()  # (seed, after, task, test, 3)
    spread = np.einsum("satni,satnj->atnij", *[said - said.mean(0)] * 2) / (len(said) - 1)
    bad = ~np.isfinite(spread).all((-1, -2))
    spread[bad] = 0
    nats = np.where(bad, np.nan, gaussian_entropy(spread + p.noise**2 * np.eye(OUTPUTS)).value).mean(-1)
    named = {"nan": DIVERGED}
    return xr.Dataset(
        {
            "destroyed": labelled(
                ("seed", "task"),
                torch.stack(second, 1).numpy(),
                "information destroyed, to second order",
                "nat",
                **named,
            ),
            "divergence": labelled(("seed", "task"), exact.numpy(), "information destroyed", "nat", **named),
            "predictive_entropy": labelled(("after", "task"), nats, "predictive entropy over seeds", "nat", **named),
        },
        {name: trained[name].values for name in ("seed", "after", "task")},
    )


def fisher_distance(
    before: torch.Tensor, after: torch.Tensor, x: torch.Tensor, hidden: list[int], noise: float
) -> torch.Tensor:
    """Half the squared change of weights (seed, weights) in the diagonal Fisher metric of `before`, nats, (seed,).

    The law is a normal one of deviation `noise` around each output; for it the Fisher information is the mean over
    inputs, sum over outputs of the squared slope.
    """
    given = x[None].expand(len(before), -1, -1)
    at, to = shaped(before, hidden), shaped(after, hidden)
    total: Parameters = {name: torch.zeros_like(value) for name, value in at.items()}
    for output in range(OUTPUTS):

        def slope(weights: Parameters, one: torch.Tensor, output: int = output) -> torch.Tensor:
            flat = torch.cat([value.flatten(1) for value in weights.values()], 1)
            return predicted(flat, one[:, None], hidden)[:, 0, output] / noise

        for name, part in fisher_diagonal(slope, at, given, together=100).items():
            total[name] += part
    return quadratic_penalty(to, at, total)
