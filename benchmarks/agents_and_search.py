"""Agents in many worlds, a planner of many models, and a replica theory, against the usual ways.

    python benchmarks/agents_and_search.py [--repeats 3]

Each pair runs side by side in one thread, several times, and the program ends with an error if the two disagree:

- sixteen agents of soft actor-critic, four kinds in each of three pendulums and a learned world, in one batch against
  one after the other; early on they must go the same ways (`sac_agents.py` has one kind in one world);
- the planner of `hypercrl`, all models and episodes in one search against a loop over plans, with the same returns;
- the theory of `vcl_franz_parisi`, errors of students along the load, against students that are trained, at equal
  error: that of students is the standard error of their mean, and the theory takes the coarsest grid that is as near
  to a fine one. Their means may differ by what the study's claim C2 allows, and three standard errors.

Printed are processor seconds, and the median of the ratios with its smallest and largest value. Searches for zeros are
in `cross_entropy_searches.py`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.environments.learned import LearnedEnvironment, Panel
from pesin.environments.pendulum import Pendulum
from pesin.models.hypernetwork import flat
from pesin.models.mlp import init_mlp
from pesin.models.sparse_regression import polynomial_library, sparse_ridge
from pesin.rl.networks import Perceptron
from pesin.rl.planning import Move
from pesin.rl.soft_actor_critic import Agents, Learner, Settings, train
from studies.hypercrl.forecast import foreseen
from studies.hypercrl.params import Planner
from studies.hypercrl.world import controlled, exact, reward
from studies.sindy_rl.worlds import on_circle
from studies.vcl_franz_parisi import replica
from studies.vcl_franz_parisi.entropy import errors
from studies.vcl_franz_parisi.params import Descent, Entropy, Grid
from studies.vcl_franz_parisi.simulate import count, signs, taught
from studies.vcl_franz_parisi.spins import descend

torch.set_num_threads(1)
KINDS, HORIZON, STEPS, WARMUP = 4, 50, 120, 40
EARLY = WARMUP + 20  # steps in which agents must agree; rounding grows later
MODELS, HIDDEN = 15, [32, 32]
PLANNER = Planner(particles=48, elite=6, iterations=1, horizon=15, episodes=2, steps=20)
LOADS, WEIGHTS, STUDENTS, ALLOWED = (0.2, 0.5, 0.8), 201, 10, 0.03
DESCENT = Descent(rate=0.03, batch=10, share=0.05, epochs=60)
GRIDS = ((21, 31), (31, 41), (41, 61), (61, 81), (91, 121))
FINE = (121, 161)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    for pair in (agents, plans, curves):
        pair(repeats)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds, and what came out."""
    begun = time.process_time()
    found = work()
    return time.process_time() - begun, found


def tell(said: str, pairs: list[tuple[float, float]], rate: float, unit: str) -> None:
    """Print seconds of ours, how much of `unit` each does in a second, and how many times as long the other takes."""
    ours, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = [b / a for a, b in pairs]
    print(
        f"{said}: {ours:.3f} s, {rate / ours:.4g} {unit} per second against {rate / other:.4g}; the other "
        f"takes {statistics.median(ratios):.2f} times as long ({min(ratios):.2f} to {max(ratios):.2f})",
        flush=True,
    )


def compare(
    said: str, ours: Callable[[], np.ndarray], other: Callable[[], np.ndarray], repeats: int
) -> list[tuple[float, float]]:
    """Processor seconds of both, which must come to the same."""
    ours()
    pairs = []
    for _ in range(repeats):
        (first, found), (second, known) = timed(ours), timed(other)
        agree(said, found, known, 1e-3)
        pairs.append((first, second))
    return pairs


def agree(said: str, ours: np.ndarray, other: np.ndarray, most: float) -> None:
    apart = float(abs(ours - other).max())
    if not apart <= most:
        sys.exit(f"{said}: the two differ by {apart:.2g}, at most {most:.2g} is allowed")


def agents(repeats: int) -> None:
    """Soft actor-critic: all agents in a panel of worlds, and each alone in its own."""
    worlds = four_worlds()
    everyone, group = four_kinds(len(worlds)), np.repeat(np.arange(len(worlds)), KINDS)

    def apart() -> np.ndarray:
        alone = [(one(everyone, i), Panel([worlds[g]], np.zeros(1, int))) for i, g in enumerate(group)]
        return np.concatenate([trained(*both) for both in alone])

    said = f"{len(everyone)} agents in {len(worlds)} worlds, against one after the other"
    pairs = compare(said, lambda: trained(everyone, Panel(worlds, group)), apart, repeats)
    tell(said, pairs, len(everyone) * STEPS, "steps of an agent")


def four_worlds() -> list[LearnedEnvironment]:
    """Pendulums that are observed, and a sparse regression of the first one's transitions."""
    base, rng = Pendulum(), np.random.default_rng(0)
    state, action = rng.uniform(-1, 1, (400, 2)) * [np.pi, 6.0], rng.uniform(-1, 1, (400, 1))
    seen = base.observe(state)
    features = polynomial_library(np.concatenate([seen, action], -1))
    law = sparse_ridge(features, exact(base)(seen, action), 0.01, 1e-5)[0]

    def learned(seen: np.ndarray, action: np.ndarray) -> np.ndarray:
        return polynomial_library(np.concatenate([seen, action], -1)) @ law

    def world(move: Move) -> LearnedEnvironment:
        return LearnedEnvironment(3, 1, HORIZON, move, reward, lambda g, n: base.observe(base.starts(g, n)), on_circle)

    others = Pendulum(gravity=4.0), Pendulum(length=1.4, mass=1.5)
    return [world(move) for move in (exact(base), *map(exact, others), learned)]


def four_kinds(worlds: int) -> Agents:
    """In each world one with an automatic and one with a fixed temperature, and those like TD3 and DDPG; one seed."""
    kind = np.tile(np.arange(KINDS), worlds)
    fixed, ones = kind >= 2, np.ones(len(kind))
    return Agents(
        seed=np.zeros(len(kind), int),
        reward_scale=0.1 * ones,
        temperature=np.where(kind == 1, 0.2, 1.0),
        automatic=kind == 0,
        target_entropy=-ones,
        deterministic=fixed,
        twin=kind != 3,
        exploration_noise=0.1 * fixed,
        target_noise=0.2 * (kind == 2),
    )


def one(everyone: Agents, i: int) -> Agents:
    return Agents(**{field.name: getattr(everyone, field.name)[i : i + 1] for field in fields(everyone)})


def trained(who: Agents, world: Panel) -> np.ndarray:
    """States that the agents went through early on, (agents, steps, 3)."""
    net, settings = Perceptron((64, 64)), Settings(STEPS, WARMUP, 64, 0.98, 0.01, 1e-3, 1e-3, 1e-3)
    bank = world.starts(np.random.default_rng(1), (1, STEPS // HORIZON + 1))
    learner = Learner(net, net, world, who, settings, 0)
    return train(learner, world, bank, bank[0, :1], 10 * STEPS, np.random.default_rng(2)).states[:, :EARLY]


class Dealt:
    """Hands out normal numbers that were drawn before: a plan gets the same whoever else is planned."""

    def __init__(self, drawn: np.ndarray) -> None:
        self.left = iter(drawn)

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return next(self.left).reshape(shape)


def plans(repeats: int) -> None:
    """Planning on networks: all models and episodes at once, and plan by plan."""
    world, rng = Pendulum(rate_limit=12.0), np.random.default_rng(0)
    starts = world.starts(rng, (MODELS, PLANNER.episodes))
    number = MODELS * PLANNER.episodes
    drawn = rng.standard_normal((PLANNER.steps, number, PLANNER.particles, PLANNER.horizon))
    weights = flat(init_mlp(MODELS, [4, *HIDDEN, 3], torch.Generator().manual_seed(0))).detach()

    def planned(model: slice, episode: slice, plan: slice) -> np.ndarray:
        move = foreseen(weights[model], HIDDEN, world.rate_limit)
        return controlled(world, starts[model, episode], move, PLANNER, Dealt(drawn[:, plan]))

    def apart() -> np.ndarray:
        places = [(*divmod(i, PLANNER.episodes), i) for i in range(number)]
        found = [planned(*(slice(j, j + 1) for j in place)) for place in places]
        return np.reshape(found, (MODELS, PLANNER.episodes)).mean(1)

    said = f"{number} plans of {MODELS} models at once, against a loop over plans"
    pairs = compare(said, lambda: planned(*[slice(None)] * 3), apart, repeats)
    tell(said, pairs, number * PLANNER.steps, "planning steps")


def curves(repeats: int) -> None:
    """Errors along the load, of theory and of students, at equal error."""
    truth, pairs, used = theory(*FINE), [], []
    found = {grid: theory(*grid) for grid in GRIDS}
    for repeat in range(repeats):
        other, each = timed(lambda seed=repeat: students(seed))
        spread = each.std(1, ddof=1) / STUDENTS**0.5
        grid = next((grid for grid, curve in found.items() if (abs(curve - truth) <= spread).all()), None)
        if grid is None:
            sys.exit(f"theory: no grid comes as near as the students' standard errors, {spread.round(4).tolist()}")
        ours, curve = timed(lambda grid=grid: theory(*grid))
        gap = (curve - each.mean(1)) / (ALLOWED + 3 * spread)
        agree("theory and students, of what is allowed", gap, np.zeros(len(LOADS)), 1.0)
        pairs.append((ours, other))
        used.append(f"{grid[0]} x {grid[1]} (standard error {spread.max():.3f})")
    tell(f"theory at {len(LOADS)} loads, against {STUDENTS} students each", pairs, len(LOADS), "points")
    print(f"  grids of the theory: {', '.join(used)}")


def theory(gauss: int, field: int) -> np.ndarray:
    """Generalisation error at each load, each solved from where the one before ended; shape (loads,)."""
    p = Entropy(
        beta=20, grid=Grid(gauss=gauss, field=field), alphas=list(LOADS), pair_alphas=[1.0], damping=0.3,
        tolerance=1e-4, sweeps=1000, identity=[0.0],
    )  # fmt: skip
    grids, order, found = replica.grids(p), None, []
    for load in LOADS:
        state = replica.solve(load, p, grids, order)
        order = state.order
        found.append(replica.error(state.overlap[0]))
    return np.array(found)


def students(seed: int) -> np.ndarray:
    """Generalisation error of students that descend, shape (loads, students)."""
    rng, found = np.random.default_rng(seed), []
    for load in LOADS:
        teacher, xi = signs(rng, STUDENTS, WEIGHTS), signs(rng, STUDENTS, count(load, WEIGHTS), WEIGHTS)
        label = torch.as_tensor(taught(xi, teacher).astype(np.float32))[..., None]
        start = torch.as_tensor(rng.normal(size=(STUDENTS, WEIGHTS, 1)).astype(np.float32))
        end, _ = descend(start, torch.as_tensor(xi.astype(np.float32)), label, DESCENT, 0.9, rng)
        found.append(errors(end[..., 0].numpy(), teacher))
    return np.array(found)


if __name__ == "__main__":
    main()
