"""Random transitions of both pendulums, start states, and the returns of those who need to learn nothing."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.environments.pendulum import observed
from pesin.rl.planning import controlled
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.sample_efficiency_bill.params import Params
from studies.sample_efficiency_bill.worlds import pendulums, reward


def simulate(case: Case[Params]) -> xr.Dataset:
    """`state`, `action`, `next` (world, seed, sample, .); `bank`, `starts` (seed, episode, .); `random`, `exact`."""
    p, worlds = case.params.simulate, pendulums(case.params.simulate)
    rng, some = case.rng("transitions"), next(iter(worlds.values()))
    samples = p.budgets[-1]
    bank = some.starts(rng, (p.seeds, -(-samples // p.horizon)))
    actions = rng.uniform(-1, 1, (samples, p.seeds, 1))
    starts = some.starts(case.rng("starts"), (p.seeds, p.starts))
    found: dict[str, list] = {"state": [], "next": [], "random": [], "exact": []}
    for world in worlds.values():
        here, after, state = [], [], bank[:, 0]
        for sample, action in enumerate(actions):
            state = bank[:, sample // p.horizon] if sample % p.horizon == 0 else state
            here.append(world.observe(state))
            state = world.step(state, action)[0]
            after.append(world.observe(state))
        found["state"].append(np.stack(here, 1))
        found["next"].append(np.stack(after, 1))
        # One stream for all planners: they draw alike.
        plan = {"random": None, "exact": observed(world).move}
        for name, move in plan.items():
            rng = case.rng("planner")
            found[name].append(controlled(world, starts, move, reward, p.planner, p.horizon, rng))
    grid, at = ("world", "seed", "sample"), ("world", "seed")
    return xr.Dataset(
        {
            "state": labelled((*grid, "coordinate"), found["state"], "observation"),
            "action": labelled((*grid[1:], "motor"), actions.swapaxes(0, 1), "action, the same in both worlds"),
            "next": labelled((*grid, "coordinate"), found["next"], "next observation"),
            "bank": labelled(
                ("seed", "episode", "coordinate"),
                some.observe(bank),
                "start states of episodes learnt from",
                may_be_constant=1,
            ),
            "starts": labelled(
                ("seed", "start", "angle_and_rate"), starts, "start states of the evaluations", may_be_constant=1
            ),
            "random": labelled(at, found["random"], "return of random actions", role="truth"),
            "exact": labelled(at, found["exact"], "return of a planner on the exact law", role="truth"),
        },
        {"world": list(worlds), "seed": np.arange(p.seeds)},
    )
