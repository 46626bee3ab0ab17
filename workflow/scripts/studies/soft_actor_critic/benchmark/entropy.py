"""Policy entropies and temperatures of the agents, and how much of the state space they see early on."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.amplitude import miller_madow_entropy
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.soft_actor_critic.benchmark.params import Params
from studies.soft_actor_critic.policies import GRID, held_entropies, visited_entropies
from studies.soft_actor_critic.tasks import FEWER, by_agent, by_run, learners, most_seeds


def entropy(case: Case[Params], trained: xr.DataTree) -> xr.Dataset:
    """Return entropies over (agent, seed); with stand-ins, those of the curves alone."""
    stand_ins = case.params.entropy.stand_ins
    result = held_entropies(case.params, trained, stand_ins)
    if stand_ins or case.params.simulate.environment != "pendulum":
        return result
    return result.merge(visited_entropies(case.params, trained)).merge(_visited(case.params, trained))


def _visited(params: Params, trained: xr.DataTree) -> xr.Dataset:
    """Entropy of the histogram of visited angles and rates, over the first steps after the warm-up."""
    warmup = params.train.learning.warmup
    states = by_run(params, trained["visits"]["state"].values)[:, warmup : warmup + params.entropy.early]
    counts = np.stack(
        [
            np.histogram2d(s[:, 0], s[:, 1], bins=params.entropy.bins, range=[[-np.pi, np.pi], [-8, 8]])[0].ravel()
            for s in states
        ]
    ).astype(np.int64)
    return xr.Dataset(
        {
            "visitation_entropy": labelled(
                GRID,
                by_agent(params, miller_madow_entropy(counts).value),
                "entropy of visited angles and rates, early in the training (Miller and Madow)",
                "nat",
                nan=FEWER,
            )
        },
        {"agent": learners(params), "seed": np.arange(most_seeds(params))},
    )
