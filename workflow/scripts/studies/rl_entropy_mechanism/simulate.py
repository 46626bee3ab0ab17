"""The worlds: digit prompts with careless reasoning to imitate, and tables of logits with advantages."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.running_sums import draw_prompts, noisy_sums


def simulate(case: Case) -> xr.Dataset:
    """Return prompts, validation prompts and noisy chains, or the logits and advantages of tabular policies."""
    return _tables(case) if case.params.kind == "tabular" else _task(case)


def _task(case: Case) -> xr.Dataset:
    task, seeds = case.params.task, case.params.seeds
    prompts = draw_prompts(task.prompts + task.validation, task.digits, task.modulus, case.rng("prompts"))
    train, validation = np.split(prompts, [task.prompts])
    chains = noisy_sums(np.tile(train, (seeds, 1, 1)), task.modulus, case.params.base.noise, case.rng("chains"))
    return xr.Dataset(
        {
            "prompts": labelled(("prompt", "position"), train.astype(np.int16), "digits of the training prompts"),
            "validation": labelled(
                ("validation_prompt", "position"),
                validation.astype(np.int16),
                "digits of the validation prompts, none of them a training prompt",
            ),
            "chains": labelled(
                ("seed", "prompt", "position"),
                chains.astype(np.int16),
                "noisy running sums that the base policy learns to imitate",
            ),
        },
        coords={"seed": np.arange(seeds), "position": np.arange(task.digits)},
    )


def _tables(case: Case) -> xr.Dataset:
    params, rng = case.params, case.rng("tables")
    shape = (params.policies, params.actions)
    return xr.Dataset(
        {
            "logits": labelled(("policy", "action"), rng.normal(size=shape), "logits of a softmax policy"),
            "advantages": labelled(("policy", "action"), rng.normal(size=shape), "advantage of each action"),
        },
        coords={"policy": np.arange(params.policies), "action": np.arange(params.actions)},
    )
