"""One task after another: every arm with all seeds, settings and orders in a runs axis; what each session read."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.hypercrl.networks import Generated, Plain, hidden_of
from studies.hypercrl.params import Params

GENERATED: dict[str, Literal["all", "one"]] = {"hyper": "all", "hyper_one": "one", "coreset": "all", "retrain": "all"}
"""Arms with a hypernetwork: old tasks that the penalty takes in."""
HELD: dict[str, Literal["none", "ewc", "si"]] = {"ewc": "ewc", "si": "si"}
"""Arms whose weights are held, and whose strength is chosen."""
HOARDERS = ("coreset", "retrain")
"""Arms that read all data so far: a batch of them, or a batch of each task."""


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """A group for each arm: `weights` (order, setting, seed, after, task, weight), and counts of each session."""
    found: dict[str, xr.Dataset] = {}
    for arm in case.params.train.arms:
        same = arm == "hyper_one" and case.params.train.beta == 0 and "hyper" in found  # no penalty: nothing is drawn
        found[arm] = found["hyper"] if same else learnt(case, arm, data)
    return xr.DataTree.from_dict(found)


class Memory:
    """What a session may read, and how often it did. Nothing else of the training data is handed to a learner.

    Parameters
    ----------
    tasks : ndarray of int, shape (orders, tasks of the session)
    repeats
        Settings: learners of one order and seed see the same.
    batch
        Samples of each task that a step takes.
    """

    def __init__(self, data: Any, tasks: np.ndarray, repeats: int, batch: int, device: str) -> None:
        self.tasks, self.repeats, self.each = tasks, repeats, batch
        opened = data.isel(task=xr.DataArray(tasks, dims=("order", "own")))
        self.parts = [
            torch.as_tensor(opened[name].transpose("order", "seed", "own", "sample", ...).values.astype(np.float32))
            for name in ("x", "y")
        ]
        self.parts = [part.to(device) for part in self.parts]
        self.kept = self.parts[0].shape[2] * self.parts[0].shape[3]
        self.visits = np.zeros(data.sizes["task"], np.int64)

    def batch(self, places: np.ndarray) -> list[torch.Tensor]:
        """x and y (runs, tasks of the session, batch, .) at places (seed, tasks of the session, batch)."""
        np.add.at(self.visits, self.tasks[0], places.shape[-1])
        at = torch.as_tensor(places, device=self.parts[0].device)[None, ..., None]
        found = []
        for part in self.parts:
            some = part.gather(3, at.expand(len(part), -1, -1, -1, part.shape[-1]))
            found.append(some[:, None].expand(-1, self.repeats, -1, -1, -1, -1).flatten(0, 2))
        return found


def orders_of(arm: str, tasks: int) -> np.ndarray:
    """The order of tasks; and where a setting is to be chosen, another one to choose it by."""
    first = np.arange(tasks)
    return np.stack([first, first[::-1]]) if arm in HELD else first[None]


def learner(case: Case[Params], arm: str) -> tuple[Generated | Plain, int]:
    """The untrained arm and its settings; runs are (order, setting, seed), the first weights a seed's."""
    p, world = case.params.train, case.params.simulate
    tasks, orders = len(world.tasks), len(orders_of(arm, len(world.tasks)))
    generator = torch.Generator().manual_seed(case.seed("start"))
    if arm in GENERATED:
        return Generated(world.seeds, tasks, p, GENERATED[arm], generator, case.device), 1
    settings = {"ewc": p.ewc, "si": [2 * c for c in p.si]}.get(arm, [0.0])
    strength = torch.tensor(settings).repeat_interleave(world.seeds).repeat(orders)
    repeats, hold = orders * len(settings), HELD.get(arm, "none")
    made = Plain(
        strength, tasks, p, hold, hidden_of(arm, p.network), arm == "blind", generator, repeats, case.device
    )  # fmt: skip
    return made, len(settings)


def learnt(case: Case[Params], arm: str, data: Any) -> xr.Dataset:
    """All sessions of an arm."""
    p, world = case.params.train, case.params.simulate
    orders = orders_of(arm, len(world.tasks))
    model, settings = learner(case, arm)
    known, seen = data[["x", "y"]], Seen()
    everything = arm in HOARDERS or p.memory == "all"
    for session in case.checkpoint(arm).turns(len(world.tasks), model, seen, progress=partial(case.progress, what=arm)):
        tasks = orders[:, : session + 1] if everything else orders[:, session : session + 1]
        batch = p.batch // (session + 1) if arm == "coreset" else p.batch
        memory = Memory(known, tasks, settings, batch, case.device)
        start = time.perf_counter()
        study(case, model, memory, session, np.repeat(tasks, settings * world.seeds, axis=0))
        seconds = time.perf_counter() - start
        counts = {"visits": memory.visits, "kept": memory.kept, "generated": model.generated}
        own = np.zeros(len(world.tasks), bool)
        own[session] = True
        counts |= {"off_task": memory.visits[~own].sum(), "numbers": model.numbers(), "seconds": seconds}
        shape = (len(orders), settings, world.seeds)
        weights = model.networks().unflatten(0, shape).numpy(force=True)
        seen.add({name: np.asarray(value) for name, value in counts.items()} | {"weights": weights})
    return dataset(case, arm, seen.arrays())


def study(case: Case[Params], model: Generated | Plain, memory: Memory, session: int, tasks: np.ndarray) -> None:
    """One session. All arms that read the same draw the same samples."""
    p, world = case.params.train, case.params.simulate
    rng, draw = case.rng(f"places {session}"), case.rng(f"old {session}")
    model.begin(tasks)
    size = (p.iterations, world.seeds, memory.tasks.shape[1], memory.each)
    for places in rng.integers(world.samples, size=size):
        x, y = memory.batch(places)
        model.step(x, y, draw)
    generator = torch.Generator().manual_seed(case.seed(f"answers {session}"))
    last = np.tile(np.arange(p.fisher), (world.seeds, memory.tasks.shape[1], 1))
    model.end(memory.batch(last)[0] if model.asks else None, generator)


def dataset(case: Case[Params], arm: str, found: dict[str, np.ndarray]) -> xr.Dataset:
    """The counts, and ratios of them that the rules read; NaN where no step was taken."""
    visits, generated = found["visits"].astype(float), found["generated"].astype(float)
    total = visits.sum(1)
    same: dict[str, Any] = {"may_be_constant": 1}
    never = {"nan": "no step was taken"}
    with np.errstate(invalid="ignore", divide="ignore"):
        # The first session has no old task, and generates fewer weights than any other.
        relative, by_tasks = total / total[0], total / total[0] / np.arange(1, len(total) + 1)
        work = np.concatenate([[1.0], generated[1:] / generated[1]]) if generated[1] else np.full(len(total), np.nan)
    dims = ("order", "setting", "seed", "after", "task", "weight")
    session = np.arange(1, len(total) + 1)
    variables = {
        "weights": labelled(dims, np.moveaxis(found["weights"], 0, 3), "weights of each task's network", nan=DIVERGED),
        "visits": labelled(("session", "task"), found["visits"], "samples that gradients were taken at", **same),
        "off_task": labelled("session", found["off_task"], "visits to earlier tasks' samples", **same),
        "kept": labelled("session", found["kept"], "transitions that a session may read", **same),
        "kept_relative": labelled(
            "session", found["kept"] / found["kept"][0], "transitions over those of session 1", **same
        ),
        "added": labelled("session", np.diff(found["numbers"], prepend=found["numbers"][0]), "numbers added", **same),
        "visits_by_tasks": labelled(
            "session", by_tasks, "visits over those of session 1, by tasks so far", **same, **never
        ),
        "generated": labelled("session", found["generated"], "networks generated", **same),
        "numbers": labelled("session", found["numbers"], "numbers of the model", **same),
        "visits_relative": labelled("session", relative, "visits over those of session 1", **same, **never),
        "work_relative": labelled("session", work, "generated networks over those of session 2", **same, **never),
        "seconds": labelled("session", found["seconds"], "wall time", "s", role="timing"),
    }
    p = case.params.train
    settings = {"ewc": p.ewc, "si": p.si}.get(arm, [0.0])
    tasks = np.arange(1, len(total) + 1)
    at = {"order": ["judged", "other"][: len(orders_of(arm, len(total)))], "setting": settings}
    at |= {"seed": np.arange(case.params.simulate.seeds), "after": tasks, "task": tasks, "session": session}
    return xr.Dataset(variables, at)
