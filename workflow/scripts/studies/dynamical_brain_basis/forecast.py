"""What comes next: in replayed sequences, in the buffer's rounds, in a maze that an agent has a model of."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_brain_basis.entropy import CYCLES
from studies.dynamical_brain_basis.params import Params
from studies.dynamical_brain_basis.replay import changes, foretold
from studies.dynamical_brain_basis.train import maze


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """All scores; each function below names its variables."""
    params = case.params
    found = moves(trained["sequence/overlap"].values, params.train.sequence.clear)
    found |= rounds(case, data["buffer"]) | walks(case, trained["agents"])
    coordinates = {
        "delay": params.train.sequence.delays,
        "load": params.simulate.buffer.loads,
        "replay": list(params.train.agents.replays),
    }
    return xr.Dataset(found, coordinates)


def moves(overlap: np.ndarray, clear: float) -> dict:
    """`foretold` (net, context, delay): share of moves between clear patterns foretold from the first cycle."""
    found = np.zeros(overlap.shape[:3])
    for place in np.ndindex(*found.shape):
        shown = overlap[place]
        order = changes(shown.argmax(-1)[shown.max(-1) >= clear])[0] if (shown >= clear).any() else np.array([])
        found[place] = foretold(order, shown.shape[1] + 1)  # a cycle with the move back to its first pattern
    return {"foretold": labelled(("net", "context", "delay"), found, "share of next patterns foretold")}


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
