"""Trained networks put beside each other, arm by arm, and adapted to the tasks of a system that they never saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters
from pesin.steps.case import Case
from studies.meta_hamiltonian_generalization.network import adapted
from studies.meta_hamiltonian_generalization.params import Params
from studies.meta_hamiltonian_generalization.systems import SYSTEMS
from studies.meta_hamiltonian_generalization.train import networks

Points = tuple[torch.Tensor, torch.Tensor]


def starting(
    case: Case[Params], trained: xr.DataTree, groups: Mapping[str, str], constants: int, held: int
) -> Parameters:
    """Where the arms begin for a held-out system: first axis arms x draws, arm-major.

    Parameters
    ----------
    groups
        arm: group of its networks in what `train` gave; `start` is one network for all.
    """
    place, draws = constants * len(case.params.simulate.systems) + held, case.params.simulate.draws
    found: dict[str, list[torch.Tensor]] = {}
    for group in groups.values():
        for name, value in networks(trained, group, case.device).items():
            one = value[:1] if group == "start" else value[place : place + 1]
            found.setdefault(name, []).append(one.expand(draws, *one.shape[1:]))
    return {name: torch.cat(parts) for name, parts in found.items()}


def drawn(case: Case[Params], data: xr.Dataset, part: str, constants: int, held: int, times: int = 1) -> Points:
    """`support` or `test` points of a system: states and derivatives, (times x draws, points, bodies, 4)."""
    bodies = SYSTEMS[case.params.simulate.systems[held]].bodies
    state, rate = (
        torch.as_tensor(data[f"{part}_{name}"].values[constants, held][..., :bodies, :], device=case.device)
        for name in ("state", "rate")
    )
    return state.repeat(times, 1, 1, 1), rate.repeat(times, 1, 1, 1)


def fitted(
    case: Case[Params],
    data: xr.Dataset,
    own: Parameters,
    constants: int,
    target: int,
    points: int,
    at: Sequence[int],
    scrambled: bool = False,
) -> Iterator[Parameters]:
    """`own`, from `starting`, after each number of steps on the support points of a target system.

    With `scrambled` the derivatives of the points change places.
    """
    times = len(own["head"]) // case.params.simulate.draws
    state, rate = (part[:, :points] for part in drawn(case, data, "support", constants, target))
    if scrambled:
        order = case.rng("scrambled").permuted(np.tile(np.arange(points), (len(rate), 1)), axis=1)
        rate = torch.stack([one[torch.as_tensor(turn)] for one, turn in zip(rate, order, strict=True)])
    shape = (times, 1, 1, 1)
    yield from adapted(own, state.repeat(shape), rate.repeat(shape), case.params.adapt.rate, at)
