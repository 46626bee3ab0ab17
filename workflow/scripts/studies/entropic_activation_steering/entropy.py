"""Action entropy and unsure thoughts against the dose, for EAST, its rivals and random directions of equal length."""

from __future__ import annotations

import numpy as np
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


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return means over the test histories by task, agent and dose, and the share of random directions beaten."""
    params, device, agents = case.params.entropy, case.device, data.sizes["agent"]
    net, weights = make_net(case.params.train, data.sizes["position"]), read_weights(trained, device)
    tokens = {str(task): data["test_tokens"].sel({"task": task}).values for task in data["task"].values}

    def read(task: str, shift) -> dict[str, np.ndarray]:
        found = probed(steered(net, weights, shift), tokens[task], params.probes, agents, device)
        return {name: getattr(found, name).mean(1) for name in READ}

    def along(task: str, doses, shift_at) -> dict[str, np.ndarray]:
        rows = [read(task, shift_at(dose)) for dose in doses]
        return {name: np.stack([row[name] for row in rows], -1) for name in READ}

    judged = {task: along(task, params.doses, lambda dose: shift_of(trained, params.steer, dose)) for task in tokens}
    curves = [
        along(SAME, params.doses, lambda dose, name=name: shift_of(trained, name, dose)) for name in params.curves
    ]
    nulls = {
        task: [
            along(task, doses, lambda dose, i=i: null_shift_of(trained, i, dose))
            for i in case.progress(range(params.directions), what=task)
        ]
        for task, doses in ((task, params.null_doses if task == SAME else [params.judged_dose]) for task in tokens)
    }
    variables, place = {}, params.doses.index(params.judged_dose)
    for name, (said, units) in READ.items():
        values = np.stack([judged[task][name] for task in tokens])
        variables[f"steered_{name}"] = labelled(("task", "agent", "dose"), values, said, units)
        if curves:
            rows = np.stack([one[name] for one in curves])
            variables[f"curve_{name}"] = labelled(("direction", "agent", "dose"), rows, said, units)
        rows = np.stack([one[name] for one in nulls[SAME]])
        variables[f"null_{name}"] = labelled(("null", "agent", "null_dose"), rows, f"{said}, random directions", units)
        share = [
            beaten(judged[task][name][:, place], np.stack([one[name] for one in nulls[task]]), params, task)
            for task in tokens
        ]
        variables[f"beaten_{name}"] = labelled(
            ("task", "agent"), np.stack(share), f"share of random directions beaten in {said}", may_be_constant=1
        )
    variables |= by_observations(case, data, steered(net, weights), tokens[SAME])
    coordinates = {
        "task": list(tokens), "agent": data["agent"], "dose": params.doses, "null_dose": params.null_doses,
        "observations": data["observations"],
    }  # fmt: skip
    return xr.Dataset(variables, coordinates | ({"direction": params.curves} if curves else {}))


def beaten(value: np.ndarray, null: np.ndarray, params, task: str) -> np.ndarray:
    """Share of directions that values at the judged dose lie above: (agents,), (nulls, agents, doses) -> (agents,)."""
    place = params.null_doses.index(params.judged_dose) if task == SAME else 0
    return (value > null[..., place]).mean(0)


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
