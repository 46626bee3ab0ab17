"""What comes next: in replayed sequences, in the buffer's rounds, in a maze that an agent has a model of."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_brain_basis.entropy import CYCLES, changes
from studies.dynamical_brain_basis.params import Params
from studies.dynamical_brain_basis.train import maze

STAYED = "fewer than two patterns were left again"


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """All scores; each function below names its variables."""
    params = case.params
    found = replays(case, data["patterns/next"].values, trained["sequence/overlap"].values)
    found |= rounds(case, data["buffer"]) | walks(case, trained["agents"])
    coordinates = {
        "delay": params.train.sequence.delays,
        "load": params.simulate.buffer.loads,
        "replay": list(params.train.agents.replays),
    }
    return xr.Dataset(found, coordinates)


def replays(case: Case[Params], following: np.ndarray, overlap: np.ndarray) -> dict:
    """`right`, `dwell`, `dwell_ratio` (net, delay), and `foretold` (net, context, delay), all after the first cycle.

    `right` is the share of right moves among those made, or among those that there was time for if these are more; of
    the two contexts the worse. A pattern counts as shown where its overlap is clear.
    """
    delays = case.params.train.sequence.delays
    nets, contexts, _, steps, count = overlap.shape
    right, guessed = np.zeros((2, nets, contexts, len(delays)))
    dwell = np.full(right.shape, np.nan)
    for net, context, d in np.ndindex(*right.shape):
        delay, after = delays[d], following[context]
        shown = overlap[net, context, d]
        times = np.flatnonzero(shown.max(-1) >= case.params.forecast.clear)
        late = times[times >= count * delay]
        if not late.size:
            continue
        order, begins = changes(shown.argmax(-1)[late])
        possible = (steps - count * delay) // delay - 1
        right[net, context, d] = (after[order[:-1]] == order[1:]).sum() / max(possible, order.size - 1)
        if order.size > 2:
            dwell[net, context, d] = np.diff(late[begins])[1:].mean()
        guessed[net, context, d] = foretold(changes(shown.argmax(-1)[times])[0], count + 1)  # learnt in a cycle
    dims = ("net", "delay")
    return {
        "right": labelled(dims, right.min(1), "share of moves that are right"),
        "dwell": labelled(dims, dwell.mean(1), "time that a pattern is shown", "steps", nan=STAYED),
        "dwell_ratio": labelled(dims, dwell.mean(1) / delays, "time that a pattern is shown, in delays", nan=STAYED),
        "foretold": labelled(("net", "context", "delay"), guessed, "share of next patterns foretold"),
    }


def foretold(order: np.ndarray, learnt: int) -> float:
    """Share of moves after the first `learnt` elements that are those last seen among these; 0 if there are none."""
    pairs, first = list(pairwise(order.tolist())), max(learnt - 1, 0)
    seen, moves = dict(pairs[:first]), pairs[first:]
    return float(np.mean([seen.get(a) == b for a, b in moves])) if moves else 0.0


def rounds(case: Case[Params], world) -> dict:
    """`next_item` (load, trial): share of the buffer's next items foretold from its order one theta cycle before.

    Of the setting `reference`, in the last cycles. Whether they fire in the order of loading isn't asked.
    """
    params = case.params.simulate.buffer
    theta = params.settings["reference"][1]
    first = list(params.settings).index("reference") * len(params.loads) * params.trials
    found = np.zeros((len(params.loads), params.trials))
    time, item, run = (world[name].values for name in ("spike_time", "spike_item", "run"))
    for place in np.ndindex(*found.shape):
        end = (params.loads[place[0]] + params.free) / theta
        mine = run == first + place[0] * params.trials + place[1]
        mine &= time > end - (CYCLES + 1) / theta
        learnt = int((time[mine] < end - CYCLES / theta).sum()) + 1  # with the move into the next cycle
        found[place] = foretold(item[mine], min(learnt, int(mine.sum())))
    return {"next_item": labelled(("load", "trial"), found, "share of next items foretold")}


def walks(case: Case[Params], agents) -> dict:
    """`walk`, steps of the greedy walk to the goal, and `model_error`, both (agent, replay).

    The model is asked for every state and action; what it never saw it takes for standing still.
    """
    side = case.params.train.agents.side
    process = maze(side)
    value, known = agents["value"].values, agents["known"].values == 1
    walk = np.full(value.shape[:2], case.params.forecast.walk)
    for place in np.ndindex(*walk.shape):
        state = 0
        for step in range(case.params.forecast.walk):
            state = process.next_state[state, value[place][state].argmax()]
            if state == side**2 - 1:
                walk[place] = step + 1
                break
    moved = process.next_state != np.arange(side**2)[:, None]
    asked = np.arange(side**2) < side**2 - 1  # nothing follows the goal
    error = (~known & moved)[..., asked, :].mean((-2, -1))
    dims = ("agent", "replay")
    return {
        "walk": labelled(dims, walk, "steps of the greedy walk"),
        "model_error": labelled(dims, error, "share of moves that the model foretells wrongly"),
    }
