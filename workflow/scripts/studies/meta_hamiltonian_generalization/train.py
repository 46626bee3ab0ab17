"""Meta-training with each system held out in turn, and what it is held against: pooled training, one system alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.meta_hamiltonian_generalization.network import descend, init_network, loss, used
from studies.meta_hamiltonian_generalization.params import Params
from studies.meta_hamiltonian_generalization.systems import SYSTEMS

CONSTANTS = 2
GROUPS = ("meta", "pretrained", "single")
Seen = list[list[list[int]]]
"""For each setting of the constants and each network, the places of the systems that it learns."""


@dataclass(frozen=True)
class Members:
    """Which network sees which system, one row each, all of systems with as many bodies."""

    bodies: int
    network: torch.Tensor
    constants: torch.Tensor
    system: torch.Tensor


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Train a network for each setting of the constants and each held-out system; all begin as one."""
    params, systems = case.params.train, case.params.simulate.systems
    many = CONSTANTS * len(systems)
    start = init_network(1, params.hidden, torch.Generator().manual_seed(case.seed("network")), case.device)
    points = tuple(torch.as_tensor(data[f"train_{part}"].values, device=case.device) for part in ("state", "rate"))
    others, alone = taught(case.params)
    updates = params.outer_steps * (params.inner_steps + 1 if params.match == "gradient_evaluations" else 1)
    meta, meta_loss = _fit(case, "meta", start, points, others, params.outer_steps)
    pooled, pooled_loss = _fit(
        case, "pooled", start, points, [o + s for o, s in zip(others, alone, strict=True)], updates
    )
    apart = {name: value.reshape(CONSTANTS, 2, -1, *value.shape[1:]) for name, value in pooled.items()}
    weights = {"meta": meta} | {
        group: {name: value[:, i].flatten(0, 1) for name, value in apart.items()}
        for i, group in enumerate(("pretrained", "single"))
    }
    dims = ("constants", "system")
    curves = {
        "meta_loss": labelled(
            (*dims, "update"), meta_loss.reshape(CONSTANTS, len(systems), -1), "query loss", nan=DIVERGED
        ),
        "pooled_loss": labelled(
            ("constants", "seen", "system", "pooled_update"),
            pooled_loss.reshape(CONSTANTS, 2, len(systems), -1),
            "loss",
            nan=DIVERGED,
        ),
    }
    coords = {"constants": ["varied", "unit"], "seen": ["all others", "this alone"], "system": systems}
    groups = {name: weights_dataset(values, np.arange(many)) for name, values in weights.items()}
    tree = {"/": xr.Dataset(curves, coords), "start": weights_dataset(start, [0]), **groups}
    return xr.DataTree.from_dict(tree)


def _fit(
    case: Case[Params], name: str, start: Parameters, points, seen: Seen, steps: int
) -> tuple[Parameters, np.ndarray]:
    """Train one network for each setting of the constants and each list of systems: (parameters, losses)."""
    params = case.params
    groups = members(params.simulate.systems, seen, case.device)
    networks = CONSTANTS * len(seen[0])
    count = torch.tensor([max(len(part), 1) for own in seen for part in own], device=case.device)
    parameters, rng = repeat_runs(start, networks), case.rng("tasks")
    half = params.simulate.points // 2
    halves = (slice(half), slice(half, None))

    def loss_of(step: int) -> torch.Tensor:
        drawn = rng.integers(params.simulate.tasks, size=(CONSTANTS, len(params.simulate.systems)))
        task = torch.as_tensor(drawn, device=case.device)
        total = torch.zeros(networks, device=case.device)
        for group in groups:
            place = (group.constants, group.system, task[group.constants, group.system])
            state, rate = (part[place][:, :, : group.bodies] for part in points)
            own = {key: value[group.network] for key, value in used(parameters, group.bodies).items()}
            first, second = ((state[:, part], rate[:, part]) for part in (halves[step % 2], halves[1 - step % 2]))
            value = query_loss(params, own, first, second) if name == "meta" else loss(own, *second)
            total = total.index_add(0, group.network, value)
        return total / count

    curves, _ = fit_runs(
        RunsOptimiser(parameters, "adam"),
        loss_of,
        lambda step: torch.full((networks,), params.train.lr * half_cosine(step, steps), device=case.device),
        steps,
        case.progress,
        case.checkpoint(name, [rng]),
    )
    return parameters, curves


def taught(params: Params) -> tuple[Seen, Seen]:
    """Places of the systems that networks see: all but the held-out one, and that one alone.

    None at constants of one where the held-out system isn't studied so: that network stays as it was.
    """
    systems = params.simulate.systems
    studied = [list(range(len(systems))), [systems.index(name) for name in params.simulate.unit]]
    held = [[k if k in own else None for k in range(len(systems))] for own in studied]
    others = [
        [[] if k is None else [i for i in own if i != k] for k in row] for own, row in zip(studied, held, strict=True)
    ]
    alone = [[[] if k is None else [k] for k in row] for row in held]
    return others, alone


def members(systems: Sequence[str], seen: Seen, device: str = "cpu") -> list[Members]:
    """Rows (network, constants, system), networks constants-major, in groups of systems with as many bodies."""
    rows = [(c * len(own) + i, c, k) for c, own in enumerate(seen) for i, part in enumerate(own) for k in part]
    found = []
    for bodies in sorted({SYSTEMS[name].bodies for name in systems}):
        own = [row for row in rows if SYSTEMS[systems[row[2]]].bodies == bodies]
        if own:
            found.append(Members(bodies, *torch.tensor(own, device=device).T))
    return found


def query_loss(params: Params, own: Parameters, support, query) -> torch.Tensor:
    """Loss on the query points after the inner steps on the support points (Finn and others, 2017), shape (tasks,)."""
    train, (state, rate) = params.train, support
    if train.inner_rate:
        for _ in range(train.inner_steps):
            own = descend(own, state, rate, train.inner_rate, train.second_order)
    return loss(own, *query)


def networks(trained: xr.DataTree, group: str, device: str) -> Parameters:
    """The networks of a group, on a device."""
    return {str(name): torch.as_tensor(v.values, device=device) for name, v in trained[group].data_vars.items()}
