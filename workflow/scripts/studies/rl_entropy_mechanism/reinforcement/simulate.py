"""Digit prompts with careless reasoning to imitate."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.running_sums import draw_prompts, noisy_sums
from studies.rl_entropy_mechanism.reinforcement.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return prompts, validation prompts and noisy chains."""
    task, seeds = case.params.simulate, case.params.simulate.seeds
    prompts = draw_prompts(task.prompts + task.validation, task.digits, task.modulus, case.rng("prompts"))
    train, validation = np.split(prompts, [task.prompts])
    chains = noisy_sums(np.tile(train, (seeds, 1, 1)), task.modulus, task.noise, case.rng("chains"))
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
