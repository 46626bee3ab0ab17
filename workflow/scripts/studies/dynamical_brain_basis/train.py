"""What is learnt: sequences by Hebb's rule, as they are replayed; sparse and dense memories; agents in a maze."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import gammaln

from pesin.environments.tabular import Tabular
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_brain_basis.params import Agents, Params
from studies.dynamical_brain_basis.replay import STAYED, scores

HELD = 0.9
"""Share of cues that must be completed."""
COMPLETE = 0.95
"""Overlap from which a cue is completed."""
GIVEN_UP = 0.5
"""Below this share no larger number of patterns is tried."""
UPDATES = 20
"""Longest recall."""
NOT_TRIED = "not tried: with fewer patterns most cues failed"
NOTHING_RECALLED = "no cue was completed"


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """Groups `sequence`, `recall` and `agents`."""
    return xr.DataTree.from_dict(
        {"sequence": sequence(case, data["patterns"]), "recall": recall(case, data["codes"]), "agents": agents(case)}
    )


# ------------------------------------------------------------------------------------------------------- sequences


def sequence(case: Case[Params], world) -> xr.Dataset:
    """`stored` (net, pattern, unit), `link` (context, after, pattern), the `overlap` as each net replays.

    `right` (net, delay) is the share of right moves, in the worse of the two contexts, and `dwell_ratio` the time
    between two of them in delays.

    The matrices are kept as their factors: W = stored' X / N, V_c = stored' link_c X / N, X the patterns. The state
    at t + 1 is sign(W s_t + pull V_c s_(t + 1 - delay)), so that a state takes effect `delay` steps later; where the
    field is 0 a unit stays as it is. Before t = 0 there is nothing to be delayed.
    """
    params, learns = case.params.train.sequence, case.params.train.learns
    pattern = world["pattern"].values.astype(np.float32)  # sums of so few whole numbers are exact
    nets, count, units = pattern.shape
    stored, following = learns * pattern, world["next"].values
    link = np.eye(count, dtype=np.float32)[following].swapaxes(1, 2)  # (context, after, before)
    delays = np.array(params.delays)
    steps = params.cycles * count * delays.max()
    arms = (len(following), len(delays))
    state = np.broadcast_to(world["cue"].values[:, :, None, None], (nets, units, *arms)).astype(np.float32)
    overlap = np.zeros((steps, nets, count, *arms), np.float32)
    for t in range(steps):
        overlap[t] = (pattern @ state.reshape(nets, units, -1)).reshape(overlap[t].shape)
        mixed = overlap[t].copy()
        for d, delay in enumerate(delays):
            if t + 1 >= delay:
                mixed[..., d] += params.pull * np.einsum("cab,nbc->nac", link, overlap[t + 1 - delay, ..., d])
        field = (stored.swapaxes(1, 2) @ mixed.reshape(nets, count, -1)).reshape(state.shape)
        state = np.where(field == 0, state, np.sign(field))
    overlap = overlap.transpose(1, 3, 4, 0, 2) / units
    right, dwell = scores(overlap, following, delays, params.clear)
    dims = ("net", "context", "delay", "time", "pattern")
    return xr.Dataset(
        {
            "stored": labelled(("net", "pattern", "unit"), stored.astype(np.int8), "stored state of a unit"),
            "link": labelled(("context", "after", "pattern"), link.astype(np.int8), "whether it follows"),
            "overlap": labelled(dims, overlap, "overlap with a pattern"),
            "right": labelled(("net", "delay"), right.min(1), "share of moves that are right"),
            "dwell_ratio": labelled(
                ("net", "delay"), dwell.mean(1) / delays, "time that a pattern is shown, in delays", nan=STAYED
            ),
        },
        {"delay": delays},
    )


# ---------------------------------------------------------------------------------------------------------- memories


def recall(case: Case[Params], world) -> xr.Dataset:
    """`success` (memory, code, patterns), patterns `held` and `spikes_per_bit` (memory, code).

    Spikes are active units in all updates of a recall, bits those of the patterns that are completed.
    """
    params, learns = case.params.train.recall, case.params.train.learns
    pattern, rng = world["pattern"].values, case.rng("recall")
    numbers = np.arange(params.grid, pattern.shape[2] + 1, params.grid)
    success = np.full((*pattern.shape[:2], numbers.size), np.nan)
    spikes = np.full(pattern.shape[:2], np.nan)
    for place in case.progress(np.ndindex(*pattern.shape[:2]), total=spikes.size):
        stored = pattern[place].astype(float)
        active, units = int(stored[0].sum()), stored.shape[1]
        centred = learns * (stored * (units // active) - 1)  # (x - a) / a: whole numbers, sums of which are exact
        matrix = np.zeros((units, units))
        for i, number in enumerate(numbers):
            new = centred[number - params.grid : number]
            matrix += new.T @ new
            np.fill_diagonal(matrix, 0)
            true = stored[rng.choice(number, params.cues)]
            found, updates = completed(matrix, corrupted(rng, true, params.corrupted), active)
            right = (found * true).sum(1) / active > COMPLETE
            success[(*place, i)] = right.mean()
            if i == 0 and right.any():
                bits = (gammaln(units + 1) - gammaln(active + 1) - gammaln(units - active + 1)) / np.log(2)
                spikes[place] = active * updates.sum() / (right.sum() * bits)
            if right.mean() < GIVEN_UP:
                break
    return xr.Dataset(
        {
            "success": labelled(("memory", "code", "patterns"), success, "share of cues completed", nan=NOT_TRIED),
            "held": labelled(("memory", "code"), (numbers * (success >= HELD)).max(-1), "patterns held"),
            "spikes_per_bit": labelled(
                ("memory", "code"), spikes, "spikes for each bit recalled", nan=NOTHING_RECALLED
            ),
        },
        {"code": world["code"].values, "patterns": numbers},
    )


def corrupted(rng: np.random.Generator, true: np.ndarray, share: float) -> np.ndarray:
    """Patterns of shape (cues, units) with a share of the active units (one at least) moved to silent ones."""
    key = rng.random(true.shape)
    active = int(true[0].sum())
    moved = max(1, round(share * active))
    lost = np.argsort(np.where(true == 1, key, 2), 1)[:, :moved]
    won = np.argsort(np.where(true == 0, key, 2), 1)[:, :moved]
    cue = true.copy()
    np.put_along_axis(cue, lost, 0, 1)
    np.put_along_axis(cue, won, 1, 1)
    return cue


def completed(matrix: np.ndarray, cue: np.ndarray, active: int) -> tuple[np.ndarray, np.ndarray]:
    """The states that cues (cues, units) settle in, and the updates of each: the `active` largest fields win.

    Of equal fields the first wins; patterns are random, so that this favours none.
    """
    state, updates, moving = cue, np.zeros(len(cue), int), np.ones(len(cue), bool)
    for _ in range(UPDATES):
        place = np.argsort(-(state @ matrix), 1, kind="stable")[:, :active]
        new = np.zeros_like(state)
        np.put_along_axis(new, place, 1, 1)
        updates += moving
        moving &= (new != state).any(1)
        state = new
        if not moving.any():
            break
    return state, updates


# ------------------------------------------------------------------------------------------------------------ agents


def maze(side: int) -> Tabular:
    """An empty square: up, down, left, right; 1 is paid at the last state, and ends the episode. Begins in state 0."""
    row, column = np.divmod(np.arange(side**2), side)
    moves = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    to = np.stack(
        [np.clip(row + up, 0, side - 1) * side + np.clip(column + right, 0, side - 1) for up, right in moves], -1
    )
    goal = to == side**2 - 1
    return Tabular(to, goal.astype(float), goal)


def agents(case: Case[Params]) -> xr.Dataset:
    """`steps` of all episodes, `length` of each, `value` and what is `known`, all (agent, replay, ...).

    The arms of one agent draw the same numbers for what they do (till the first reward they walk alike), and others
    for what they remember.
    """
    params, learns = case.params.train.agents, case.params.train.learns
    process = maze(params.side)
    found = [
        [
            dyna(process, params, replay if learns else 0, params.rate * learns, seeds)
            for replay in params.replays.values()
        ]
        for seeds in np.random.SeedSequence(case.seed("agents")).generate_state(2 * params.runs).reshape(-1, 2).tolist()
    ]
    length, value, known = (np.array([[run[i] for run in arms] for arms in found]) for i in range(3))
    dims = ("agent", "replay")
    return xr.Dataset(
        {
            "length": labelled((*dims, "episode"), length, "steps of an episode"),
            "steps": labelled(dims, length.sum(-1), "steps of all episodes"),
            "value": labelled((*dims, "state", "action"), value, "value of an action"),
            "known": labelled((*dims, "state", "action"), known, "whether it was ever tried"),
        },
        {"replay": list(params.replays)},
    )


def dyna(process: Tabular, params: Agents, replay: int, rate: float, seeds) -> tuple[list, list, list]:
    """Tabular Q-learning with `replay` remembered transitions learnt from again in each step (Sutton 1990).

    Returns
    -------
    (length of each episode, values (state, action), 0 or 1 where the model knows what follows)
    """
    to, paid, ends = process.next_state.tolist(), process.reward.tolist(), process.terminal.tolist()
    act, remember = random.Random(seeds[0]), random.Random(seeds[1])
    value = [[0.0] * 4 for _ in to]
    known = [[0] * 4 for _ in to]
    memory: list[tuple[int, int]] = []
    lengths = []

    def learn(state, action):
        ahead = 0.0 if ends[state][action] else max(value[to[state][action]])
        value[state][action] += rate * (paid[state][action] + params.discount * ahead - value[state][action])

    for _ in range(params.episodes):
        state, steps, done = 0, 0, False
        while not done and steps < params.longest:
            best = max(value[state])
            ties = [a for a in range(4) if value[state][a] == best]
            action = int(4 * act.random()) if act.random() < params.explore else ties[int(len(ties) * act.random())]
            if not known[state][action]:
                known[state][action] = 1
                memory.append((state, action))
            learn(state, action)
            for _ in range(replay):
                learn(*memory[int(len(memory) * remember.random())])
            state, done, steps = to[state][action], ends[state][action], steps + 1
        lengths.append(steps)
    return lengths, value, known
