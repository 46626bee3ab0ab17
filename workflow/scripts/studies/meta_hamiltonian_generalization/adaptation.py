"""Trained networks put beside each other, arm by arm, and adapted to the tasks of a system that they never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
Fit = tuple[int, int, int]
"""Places of the setting of the constants, of the system that a network never saw, and of the one it adapts to."""


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
    trained: xr.DataTree,
    groups: Mapping[str, str],
    fits: Sequence[Fit],
    points: int,
    rate: float,
    at: Sequence[int],
    scrambled: bool = False,
) -> dict[Fit, list[Parameters]]:
    """Networks of all arms (as `starting` has them) after each number of steps on their support points, for each fit.

    With `scrambled` the derivatives of the points change places. Fits to as many bodies go in one call.
    """
    found: dict[Fit, list[Parameters]] = {}
    bodies = {fit: SYSTEMS[case.params.simulate.systems[fit[2]]].bodies for fit in fits}
    for many in sorted(set(bodies.values())):
        own = [fit for fit in fits if bodies[fit] == many]
        starts = [starting(case, trained, groups, *fit[:2]) for fit in own]
        parts = [support(case, data, fit, points, len(groups), scrambled) for fit in own]
        together = {name: torch.cat([one[name] for one in starts]) for name in starts[0]}
        state, change = (torch.cat(part) for part in zip(*parts, strict=True))
        ends = [
            {name: value.chunk(len(own)) for name, value in end.items()}
            for end in adapted(together, state, change, rate, at)
        ]
        for i, fit in enumerate(own):
            found[fit] = [{name: value[i] for name, value in end.items()} for end in ends]
    return found


def support(case: Case[Params], data: xr.Dataset, fit: Fit, points: int, times: int, scrambled: bool = False) -> Points:
    """The points that networks adapt to, (times x draws, points, bodies, 4)."""
    state, rate = (part[:, :points] for part in drawn(case, data, "support", fit[0], fit[2]))
    if scrambled:
        order = case.rng("scrambled").permuted(np.tile(np.arange(points), (len(rate), 1)), axis=1)
        rate = torch.stack([one[torch.as_tensor(turn)] for one, turn in zip(rate, order, strict=True)])
    return state.repeat(times, 1, 1, 1), rate.repeat(times, 1, 1, 1)
