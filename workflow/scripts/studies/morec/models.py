"""Ensembles and rewards brought back from their weights: what they propose, how they rank it, where it leads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import softplus

from pesin.models.gaussian_nets import gaussian_head
from pesin.models.mlp import Parameters, apply_mlp
from studies.morec.fridge import BOX
from studies.morec.params import Params

FLOOR, CEILING = float(np.exp(-4.0)), float(np.exp(1.0))
"""Bounds of a predicted deviation, in standard deviations of the change."""
CLIP = 10.0
"""Largest reward of one discriminator."""
CHUNK = 32
"""States whose candidates are scored at once: few, so that layers stay in the processor's cache."""
ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}
Method = Literal["random", "mean", "filter"]


class Scales(NamedTuple):
    """Of one set of data each: mean and standard deviation of state, action and change; (seeds, 3) both."""

    shift: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, state: np.ndarray, action: np.ndarray, after: np.ndarray) -> Scales:
        """From data of shape (seeds, samples)."""
        values = np.stack([state, action, after - state], -1)
        return cls(values.mean(1), values.std(1))

    def standard(self, state: np.ndarray, action: np.ndarray, change: np.ndarray) -> torch.Tensor:
        """State, action and change in standard deviations, (seeds, n) each -> (seeds, n, 3)."""
        values = np.stack(np.broadcast_arrays(state, action, change), -1)
        return torch.as_tensor((values - self.shift[:, None]) / self.scale[:, None], dtype=torch.float32)


@dataclass(frozen=True)
class World:
    """Ensembles and rewards of all sets of data.

    Attributes
    ----------
    networks
        Of the members, the runs axis (seeds x members).
    history
        Discriminators that are averaged, each with the runs axis (seeds).
    """

    scales: Scales
    networks: Parameters
    members: int
    activation: Callable
    history: tuple[Parameters, ...]
    reward_activation: Callable

    @torch.no_grad()
    def laws(self, state: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the next state by each member: (seeds, n) -> (seeds, members, n), degC."""
        x = self.scales.standard(state, action, state)[..., :2].repeat_interleave(self.members, 0)
        mean, log_std = gaussian_head(apply_mlp(self.networks, x, self.activation), FLOOR, CEILING)
        shape = (len(state), self.members, state.shape[1])
        unit, shift = (v[:, 2, None, None] for v in (self.scales.scale, self.scales.shift))
        change = mean.numpy().astype(float).reshape(shape) * unit + shift
        return state[:, None] + change, log_std.exp().numpy().astype(float).reshape(shape) * unit

    def candidates(self, state: np.ndarray, action: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Proposed next states.

        Parameters
        ----------
        state, action : ndarray, shape (seeds, n)
        normal : ndarray, shape (seeds, members, n, samples)
            Standard normal numbers.

        Returns
        -------
        ndarray, shape (seeds, n, members * samples)
        """
        mean, deviation = self.laws(state, action)
        drawn = mean[..., None] + deviation[..., None] * normal
        return np.moveaxis(drawn, 1, 2).reshape(*state.shape, -1)

    @torch.no_grad()
    def rewards(self, state: np.ndarray, action: np.ndarray, after: np.ndarray) -> np.ndarray:
        """r_D = -log(1 - D), clipped, mean over the history: (seeds, n), (seeds, n, k) -> (seeds, n, k), nat."""
        found = np.empty(after.shape)
        for first in range(0, state.shape[1], CHUNK):
            part = np.s_[:, first : first + CHUNK]
            here, power, then = state[part][..., None], action[part][..., None], after[part]
            flat = [np.broadcast_to(v, then.shape).reshape(len(then), -1) for v in (here, power, then - here)]
            x = self.scales.standard(flat[0], flat[1], flat[2])
            total = torch.zeros(x.shape[:2])
            for one in self.history:
                total += dynamics_reward(apply_mlp(one, x, self.reward_activation)[..., 0])
            found[part] = (total / len(self.history)).numpy().reshape(then.shape)
        return found


def dynamics_reward(logit: torch.Tensor) -> torch.Tensor:
    """-log(1 - D) of a discriminator D = sigmoid(logit), clipped; ln 2 where it can't tell."""
    return softplus(logit).clamp(max=CLIP)


def world(
    params: Params, data: xr.DataTree, trained: xr.DataTree, models: str, reward: str, learnt: bool = True
) -> World:
    """The ensemble and the reward of these activations; not `learnt`: the discriminator before its first update."""
    known = data["data"].to_dataset()
    kept = trained[f"reward_{reward}"].to_dataset()
    history = [
        {str(name): torch.as_tensor(kept[name].values[place]) for name in kept.data_vars if "_" in str(name)}
        for place in (range(1, kept.sizes["snapshot"]) if learnt else [0])
    ]
    networks = trained[f"models_{models}"].to_dataset()
    return World(
        Scales.of(known["state"].values, known["action"].values, known["next"].values),
        {str(name): torch.as_tensor(networks[name].values) for name in networks.data_vars if "_" in str(name)},
        params.train.ensemble.members,
        ACTIVATIONS[models],
        tuple(history),
        ACTIVATIONS[reward],
    )


def chosen(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The candidate at each place: (..., k), (...) -> (...)."""
    return np.take_along_axis(values, place[..., None], -1)[..., 0]


class Rollout(NamedTuple):
    """Imagined episodes."""

    path: np.ndarray
    """Temperatures (seeds, n, steps), the start left out."""
    reward: np.ndarray
    """r_D of each accepted transition, of the same shape."""
    clamped: np.ndarray
    """Share of steps that left the box, (seeds,)."""


def roll_out(
    model: World,
    rng: np.random.Generator,
    control: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    steps: int,
    samples: int,
    method: Method,
) -> Rollout:
    """Follow a controller inside the model.

    Parameters
    ----------
    control
        Temperatures (seeds, n) -> powers of the same shape.
    start : ndarray, shape (seeds, n)
    method
        random: one candidate, whichever; mean: of the members' means; filter: the candidate of the highest reward.
    """
    state, path, reward = start, [], []
    clamped = np.zeros(len(start))
    for _ in range(steps):
        action = control(state)
        if method == "mean":
            after = model.laws(state, action)[0].mean(1)
        else:
            normal = rng.standard_normal((len(state), model.members, state.shape[1], samples))
            offered = model.candidates(state, action, normal)
            place = rng.integers(offered.shape[-1], size=state.shape)
            if method == "filter":
                place = model.rewards(state, action, offered).argmax(-1)
            after = chosen(offered, place)
        reward.append(model.rewards(state, action, after[..., None])[..., 0])
        clamped += ((after < BOX[0]) | (after > BOX[1])).mean(1) / steps
        state = np.clip(after, *BOX)
        path.append(state)
    return Rollout(np.stack(path, -1), np.stack(reward, -1), clamped)
