"""Trained agents: brought back from their weights, their policy entropies, and the temperatures that hold these."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from pesin.entropy.policy import tanh_gaussian_entropy
from pesin.rl.playback import Playback
from pesin.steps.labels import labelled
from studies.soft_actor_critic.agents import TaskParams
from studies.soft_actor_critic.tasks import (
    LAST,
    NO_ENTROPY,
    by_agent,
    by_run,
    each_run,
    learners,
    most_seeds,
    target_entropies,
)

GRID = ("agent", "seed")
THIN, WINDOWS = 10, 40  # visited states: every THIN-th, averaged in WINDOWS


def player(params: TaskParams, trained: xr.DataTree) -> Playback:
    """All runs of the case, in the order of `runs`."""
    actor, critic = (
        {str(name): v.values for name, v in trained[f"weights/{kind}"].to_dataset().data_vars.items()}
        for kind in ("actor", "critic")
    )
    return Playback(actor, critic, each_run(params, "deterministic"), each_run(params, "twin"))


def held_entropies(params: TaskParams, trained: xr.DataTree) -> xr.Dataset:
    """Entropy on replayed states against its target, and the temperature that holds it."""
    curves = trained["curves"].to_dataset().sel(agent=learners(params))
    actions = trained["visits"].sizes["action"] if "visits" in trained else 1
    stochastic = by_agent(params, np.where(each_run(params, "deterministic"), np.nan, 1.0))
    target = by_agent(params, target_entropies(params, actions)) * stochastic
    last = max(round(LAST * curves.sizes["block"]), 1)
    measured = curves["entropy"].values * stochastic[..., None]
    alpha = curves["temperature"].values * stochastic[..., None]
    scale = by_agent(params, each_run(params, "reward_scale"))
    held = partial(labelled, nan=NO_ENTROPY)
    late, final = measured[..., -last:].mean(-1), alpha[..., -last:].mean(-1)
    return xr.Dataset(
        {
            "entropy": held((*GRID, "block"), measured, "policy entropy on replayed states", "nat"),
            "temperature": held((*GRID, "block"), alpha, "temperature alpha"),
            "block_step": curves["block_step"],
            "late_entropy": held(GRID, late, "entropy over the last quarter of the training", "nat"),
            "target_entropy": held(GRID, target, "entropy to hold", "nat"),
            "entropy_gap": held(GRID, late - target, "entropy over the last quarter minus its target", "nat"),
            "late_temperature": held(GRID, final, "alpha over the last quarter of the training"),
            "relative_temperature": held(GRID, final / scale, "that alpha over the reward scale"),
        },
        {"agent": learners(params), "seed": np.arange(most_seeds(params))},
    )


def visited_entropies(params: TaskParams, trained: xr.DataTree) -> xr.Dataset:
    """Exact entropy of the policy in the states that it visits itself, by quadrature."""
    visits = trained["visits"].to_dataset()
    mean, log_std = (
        by_run(params, visits[name].values)[:, THIN // 2 :: THIN].astype(float) for name in ("mean", "log_std")
    )
    values = np.stack([tanh_gaussian_entropy(m, s).value for m, s in zip(mean, log_std, strict=True)])
    values[each_run(params, "deterministic")] = np.nan
    sigma = np.exp(log_std).mean(-1)
    sigma[each_run(params, "deterministic")] = np.nan
    edges = np.linspace(0, values.shape[1], min(WINDOWS, values.shape[1]) + 1).astype(int)
    pairs = list(zip(edges[:-1], edges[1:], strict=True))

    def windowed(x):
        return by_agent(params, np.stack([x[:, a:b].mean(1) for a, b in pairs], -1))

    held, last = partial(labelled, nan=NO_ENTROPY), max(round(LAST * values.shape[1]), 1)
    return xr.Dataset(
        {
            "entropy_on_policy": held((*GRID, "window"), windowed(values), "entropy in visited states", "nat"),
            "late_entropy_on_policy": held(
                GRID, by_agent(params, values[:, -last:].mean(1)), "the same over the last quarter", "nat"
            ),
            "sigma": held((*GRID, "window"), windowed(sigma), "sigma before squashing, mean"),
            "window_step": labelled("window", edges[1:] * THIN, "environment steps done", "step"),
        },
        {"agent": learners(params), "seed": np.arange(most_seeds(params))},
    )
