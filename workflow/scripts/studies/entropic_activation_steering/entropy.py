"""Action entropy and unsure thoughts against the dose, for EAST, its rivals and random directions of equal length."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.entropic_activation_steering.agents import (
    answers,
    make_net,
    null_shift_of,
    probed,
    prompts_of,
    read_weights,
    shift_of,
    steered,
)
from studies.entropic_activation_steering.params import Params
from studies.entropic_activation_steering.simulate import SAME

READ = {"entropy": ("action entropy", "bit"), "unsure": ("probability of an unsure thought", "1")}
"""What is read off the agents' answers, averaged over episodes and numbers of observations."""


Readings = dict[str, np.ndarray]
"""By the keys of READ."""


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return means over the test histories by agent: along the dose, in each task, and those of the nulls."""
    params, agents = case.params.entropy, data.sizes["agent"]
    net, weights = make_net(case.params.train, data.sizes["position"]), read_weights(trained, case.device)
    tokens = {str(task): data["test_tokens"].sel({"task": task}).values for task in data["task"].values}
    at_doses = [0.0, params.judged_dose]

    def read(task: str, shift: torch.Tensor) -> Readings:
        found = probed(steered(net, weights, shift), tokens[task], params.probes, agents, case.device)
        return {name: getattr(found, name).mean(1) for name in READ}

    def along(task: str, doses: list[float], direction: str) -> Readings:
        return stacked([read(task, shift_of(trained, direction, dose)) for dose in doses])

    def nulls(task: str, kind: str) -> Readings:
        which = case.progress(range(params.directions), what=f"{kind}, {task}")
        return stacked([read(task, null_shift_of(trained, kind, i, params.judged_dose)) for i in which])

    mine = along(SAME, params.doses, params.steer)
    curves = stacked([along(SAME, params.doses, direction) for direction in params.curves])
    tasks = stacked([along(task, at_doses, params.steer) for task in tokens])
    null = stacked([nulls(task, "random") for task in tokens])
    shuffled = nulls(SAME, "shuffled")
    variables: dict[str, tuple] = {}
    for name, (said, units) in READ.items():
        told, judged = f"{said}, random directions", tasks[name][:, 1]
        variables |= {
            f"steered_{name}": labelled(("dose", "agent"), mine[name], said, units),
            f"curve_{name}": labelled(("direction", "dose", "agent"), curves[name], said, units),
            f"task_{name}": labelled(("task", "at_dose", "agent"), tasks[name], said, units),
            f"null_{name}": labelled(("task", "null", "agent"), null[name], told, units),
            f"null_mean_{name}": labelled(("task", "agent"), null[name].mean(1), f"{told}, mean", units),
            f"beaten_{name}": labelled(
                ("task", "agent"), (judged[:, None] > null[name]).mean(1),
                f"share of random directions beaten in {said}", may_be_constant=1,
            ),
            f"shuffled_{name}": labelled(("null", "agent"), shuffled[name], f"{said}, shuffled vectors", units),
            f"shuffled_mean_{name}": labelled(
                "agent", shuffled[name].mean(0), f"{said}, shuffled vectors, mean", units
            ),
        }  # fmt: skip
    variables |= by_observations(case, data, steered(net, weights), tokens[SAME])
    coordinates = {
        "task": list(tokens), "agent": data["agent"], "dose": params.doses, "at_dose": at_doses,
        "observations": data["observations"], "direction": params.curves,
    }  # fmt: skip
    return xr.Dataset(variables, coordinates)


def stacked(rows: list[Readings]) -> Readings:
    """Readings on a new first axis."""
    return {name: np.stack([row[name] for row in rows]) for name in READ}


def by_observations(case: Case[Params], data: xr.Dataset, model, tokens: np.ndarray) -> dict[str, tuple]:
    """Action entropy after 0, 1, ... observations: the agents, the demonstrator and Thompson sampling."""
    agents = data.sizes["agent"]
    mine = [
        answers(model, prompts_of(tokens, n, agents, case.device)).entropy.mean(1) for n in data["observations"].values
    ]
    same = data.sel({"task": SAME})
    return {
        "agent_entropy": labelled(("agent", "observations"), np.stack(mine, 1), "action entropy", "bit"),
        **{
            f"{name}_entropy": labelled(
                "observations", same[f"test_{name}_entropy"].mean("test_episode"), f"action entropy of {said}", "bit"
            )
            for name, said in (("own", "the demonstrator"), ("thompson", "Thompson sampling"))
        },
    }
