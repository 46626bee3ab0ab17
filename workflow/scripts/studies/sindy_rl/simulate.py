"""Random transitions of the real tasks, held-out episodes of a swing-up policy, and start states."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.environments.learned import LearnedEnvironment
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.sindy_rl.params import Params
from studies.sindy_rl.worlds import PENDULUM, pendulum, wake

TRUTH: dict[str, Any] = {"role": "truth", "may_be_constant": 1}
BANK = 32
"""Start states of the training episodes of each agent."""
SWING, SWING_NOISE = 0.5, 0.3
"""Gain and noise of the held-out policy."""


def simulate(case: Case[Params]) -> xr.DataTree:
    """Return what is known of each task before learning, and what judges it."""
    params = case.params.simulate
    swing = _known(case, "pendulum", pendulum(), params.seeds, params.samples[-1])
    flow = _known(case, "wake", wake(), params.wake_seeds, params.wake_samples)
    return xr.DataTree.from_dict({"pendulum": swing.merge(_held_out(case)), "wake": flow})


def _known(case: Case[Params], name: str, true: LearnedEnvironment, seeds: int, samples: int) -> xr.Dataset:
    """Transitions under uniform actions, in episodes of the task's own length, and start states."""
    params = case.params.simulate
    rng, state = case.rng(f"{name} transitions"), np.empty((seeds, true.observations))
    record = []
    for sample in range(samples):
        if sample % true.horizon == 0:
            state = true.starts(rng, (seeds,))
        action = rng.uniform(-1, 1, (seeds, true.actions))
        after, reward, _ = true.step(state, action)
        record.append((state, action, after, reward))
        state = after
    here, action, after, reward = (np.stack(values, 1) for values in zip(*record, strict=True))
    grid = ("seed", "sample")
    return xr.Dataset(
        {
            "state": labelled((*grid, "coordinate"), here, "observation"),
            "action": labelled((*grid, "motor"), action, "action"),
            "next": labelled((*grid, "coordinate"), after, "next observation"),
            "reward": labelled(grid, reward, "reward"),
            "bank": labelled(
                ("seed", "episode", "coordinate"),
                true.starts(case.rng(f"{name} bank"), (seeds, BANK)),
                "start states of the training episodes",
                may_be_constant=1,
            ),
            "examined": labelled(
                ("start", "coordinate"),
                true.starts(case.rng(f"{name} examined"), (params.starts,)),
                "start states of the evaluations",
                may_be_constant=1,
            ),
            "fresh": labelled(
                ("fresh_start", "coordinate"),
                true.starts(case.rng(f"{name} fresh"), (params.fresh,)),
                "start states of the last evaluation",
                **TRUTH,
            ),
        },
        {"seed": np.arange(seeds)},
    )


def swing_up(seen: np.ndarray) -> np.ndarray:
    """Push with the motion while there is less energy than standing upright needs, against it while there is more.

    With the pendulum's law w' = 15 sin(th) + 6 a, w^2 / 2 + 15 cos(th) is kept without action.
    """
    energy = seen[..., 2] ** 2 / 2 + 1.5 * PENDULUM.gravity * (seen[..., 0] - 1)
    return np.tanh(-SWING * energy * seen[..., 2])[..., None]


def _held_out(case: Case[Params]) -> xr.Dataset:
    true, rng, episodes = pendulum(), case.rng("held out"), case.params.simulate.held_out
    state = true.starts(rng, (episodes,))
    record = []
    for _ in range(true.horizon):
        action = np.clip(swing_up(state) + SWING_NOISE * rng.standard_normal((episodes, 1)), -1, 1)
        after, reward, _ = true.step(state, action)
        record.append((state, action, reward))
        state = after
    here, action, reward = (np.stack(values, 1) for values in zip(*record, strict=True))
    states = np.concatenate([here, state[:, None]], 1)
    return xr.Dataset(
        {
            "held_state": labelled(("path", "time", "coordinate"), states, "held-out observation", **TRUTH),
            "held_action": labelled(("path", "move", "motor"), action, "held-out action", **TRUTH),
            "held_reward": labelled(("path", "move"), reward, "held-out reward", **TRUTH),
        }
    )
