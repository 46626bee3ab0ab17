"""Action entropy and unsure thoughts against the dose, for EAST, its rivals and random directions of equal length."""

from __future__ import annotations

from collections.abc import Callable

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
    """Return means over the test histories by task, agent and dose, and the share of random directions beaten."""
    params, device, agents = case.params.entropy, case.device, data.sizes["agent"]
    net, weights = make_net(case.params.train, data.sizes["position"]), read_weights(trained, device)
    tokens = {str(task): data["test_tokens"].sel({"task": task}).values for task in data["task"].values}

    def along(task: str, doses: list[float], shift_at: Callable[[float], torch.Tensor]) -> Readings:
        found = [
            probed(steered(net, weights, shift_at(dose)), tokens[task], params.probes, agents, device) for dose in doses
        ]
        return {name: np.stack([getattr(one, name).mean(1) for one in found], -1) for name in READ}

    def of(direction: str) -> Callable[[float], torch.Tensor]:
        return lambda dose: shift_of(trained, direction, dose)

    def nulls(task: str, doses: list[float]) -> Readings:
        which = case.progress(range(params.directions), what=task)
        return stacked([along(task, doses, lambda dose, i=i: null_shift_of(trained, i, dose)) for i in which])

    mine = stacked([along(task, params.doses, of(params.steer)) for task in tokens])
    rivals = stacked([along(SAME, params.doses, of(direction)) for direction in params.curves])
    null = {task: nulls(task, params.null_doses if task == SAME else [params.judged_dose]) for task in tokens}
    at = params.null_doses.index(params.judged_dose)
    judged = stacked([{k: v[..., at if task == SAME else 0] for k, v in null[task].items()} for task in tokens])
    variables: dict[str, tuple] = {}
    for name, (said, units) in READ.items():
        told, where = f"{said}, random directions", ("task", "agent")
        value = mine[name][..., params.doses.index(params.judged_dose)]
        share = (value[:, None] > judged[name]).mean(1)
        variables |= {
            f"steered_{name}": labelled((*where, "dose"), mine[name], said, units),
            f"curve_{name}": labelled(("direction", "agent", "dose"), rivals[name], said, units),
            f"null_{name}": labelled(("null", "agent", "null_dose"), null[SAME][name], told, units),
            f"null_mean_{name}": labelled(where, judged[name].mean(1), f"{told}, mean at the judged dose", units),
            f"beaten_{name}": labelled(where, share, f"share of random directions beaten in {said}", may_be_constant=1),
        }
    variables |= by_observations(case, data, steered(net, weights), tokens[SAME])
    coordinates = {
        "task": list(tokens), "agent": data["agent"], "dose": params.doses, "null_dose": params.null_doses,
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
