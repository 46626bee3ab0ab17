"""Proximal policy optimisation for many agents at once, each with its own parallel environments.

Source: Schulman et al. 2017, arXiv 1707.06347 (clipped objective), and 2015, arXiv 1506.02438 (advantages).
The policy is a Gaussian whose log_std doesn't depend on the state; actions are clipped by the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch

from pesin.environments.environment import Environment
from pesin.models.optimisers import Adam
from pesin.rl.networks import Perceptron
from pesin.rl.squashed import sample_policy


@dataclass(frozen=True)
class Settings:
    """What all agents share.

    Attributes
    ----------
    steps
        Environment steps of each agent, over all its environments.
    environments, length
        Parallel environments of an agent, and steps of each between updates.
    epochs, minibatch
        Passes over a rollout, and transitions in a minibatch.
    discount, trace
        gamma, and lambda of the advantages.
    clip
        The probability ratio is clipped to 1 +- clip.
    lr, clip_norm
        Adam's rate, and the largest norm of an agent's gradient.
    hidden
        Widths of actor and critic.
    """

    steps: int
    environments: int
    length: int
    epochs: int
    minibatch: int
    discount: float
    trace: float
    clip: float
    lr: float
    clip_norm: float
    hidden: tuple[int, ...]


def train(
    env: Environment,
    bank: np.ndarray,
    examined: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
    seed: int,
    device: str = "cpu",
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> tuple[np.ndarray, np.ndarray]:
    """Train one agent for each seed of the bank.

    Parameters
    ----------
    bank : ndarray, shape (seeds, episodes, state)
        Start states, handed out one after the other.
    examined : ndarray, shape (starts, state)
        Start states of the evaluations.

    Returns
    -------
    returns : ndarray, shape (seeds, checkpoints)
        Of the mean action, before each rollout and at the end.
    steps : ndarray, shape (checkpoints,)
        Environment steps done.
    """
    n, count = len(bank), settings.environments
    net, generator = Perceptron(settings.hidden), torch.Generator().manual_seed(seed)
    actor = net.init(n, env.observations, env.actions, generator) | {"log_std": torch.zeros(n, env.actions, 1)}
    critic = net.init(n, env.observations, 1, generator)
    parameters = [value.to(device).requires_grad_() for value in (*actor.values(), *critic.values())]
    actor, critic = dict(zip(actor, parameters, strict=False)), dict(zip(critic, parameters[len(actor) :], strict=True))
    optimiser = Adam(parameters, epsilon=1e-5)
    per_rollout = count * settings.length
    state, clock, used = bank[:, :count].copy(), np.arange(count) * env.horizon // count, count
    returns, steps = [], []
    for turn in progress(range(-(-settings.steps // per_rollout))):
        returns.append(_evaluate(net, actor, env, examined, n, device))
        steps.append(turn * per_rollout)
        rows = []
        for _ in range(settings.length):
            seen = torch.as_tensor(env.observe(state), dtype=torch.float32, device=device).transpose(1, 2)
            normal = torch.as_tensor(rng.standard_normal((n, env.actions, count), np.float32), device=device)
            with torch.no_grad():
                mean = net.forward(actor, seen)[0]
                action, log_density = sample_policy(mean, actor["log_std"], normal, squash=False)
                value = net.forward(critic, seen)[0][:, 0]
            noise = rng.standard_normal((n, count, env.noises)) if env.noises else None
            state, reward, ended = env.step(state, action.transpose(1, 2).numpy(force=True), noise)
            clock = clock + 1
            limit = np.broadcast_to(clock >= env.horizon, ended.shape)
            after = torch.as_tensor(env.observe(state), dtype=torch.float32, device=device).transpose(1, 2)
            with torch.no_grad():  # bootstrapped through the time limit, not through an end
                following = net.forward(critic, after)[0][:, 0] * torch.as_tensor(~ended, device=device)
            rows.append(
                (seen, action, log_density, value, following, _tensor(reward, device), _tensor(ended | limit, device))
            )
            if (ended | limit).any():
                fresh = bank[:, (used + np.arange(count)) % bank.shape[1]]
                state, used = np.where((ended | limit)[..., None], fresh, state), used + count
                clock = np.where(clock >= env.horizon, 0, clock)
        _learn(net, actor, critic, optimiser, rows, settings, rng)
    returns.append(_evaluate(net, actor, env, examined, n, device))
    steps.append(len(steps) * per_rollout)
    return np.stack(returns, -1), np.array(steps)


def advantages(reward, value, following, cut, discount: float, trace: float) -> torch.Tensor:
    """Generalised advantage estimates; all of shape (time, ...).

    Parameters
    ----------
    value, following
        Critic's values of the states before and after a step (0 after an end).
    cut
        1 where an episode is over, by an end or by the time limit.
    """
    error = reward + discount * following - value
    running, out = torch.zeros_like(error[0]), []
    for t in range(len(error) - 1, -1, -1):
        running = error[t] + discount * trace * (1 - cut[t]) * running
        out.append(running)
    return torch.stack(out[::-1])


def _learn(net, actor, critic, optimiser, rows, settings: Settings, rng) -> None:
    seen, action, old, value, following, reward, cut = (torch.stack(column) for column in zip(*rows, strict=True))
    advantage = advantages(reward, value, following, cut, settings.discount, settings.trace)
    target = advantage + value

    def flat(x):  # (time, seeds, ..., environments) -> (seeds, ..., time * environments)
        return x.movedim(0, -2).flatten(-2)

    seen, action, old, advantage, target = (flat(x) for x in (seen, action, old, advantage, target))
    n, size = old.shape
    rows_of = torch.arange(n, device=old.device)[:, None]
    for _ in range(settings.epochs):
        order = torch.as_tensor(rng.permuted(np.tile(np.arange(size), (n, 1)), axis=1), device=old.device)
        for places in order.split(settings.minibatch, 1):
            x, a = (v.transpose(1, 2)[rows_of, places].transpose(1, 2) for v in (seen, action))
            before, gain, goal = (v[rows_of, places] for v in (old, advantage, target))
            if places.shape[1] > 1:  # one advantage has no deviation: it stays as it is, as in stable-baselines3
                gain = (gain - gain.mean(1, keepdim=True)) / (gain.std(1, keepdim=True) + 1e-8)
            mean, log_std = net.forward(actor, x)[0], actor["log_std"]
            log_density = (-0.5 * ((a - mean) / log_std.exp()).square() - log_std - 0.5 * np.log(2 * np.pi)).sum(1)
            ratio = (log_density - before).exp()
            clipped = ratio.clamp(1 - settings.clip, 1 + settings.clip)
            error = net.forward(critic, x)[0][:, 0] - goal
            loss = -torch.minimum(ratio * gain, clipped * gain).mean(1) + 0.5 * error.square().mean(1)
            optimiser.descend(loss.sum(), settings.lr, settings.clip_norm)


@torch.no_grad()
def _evaluate(net, actor, env: Environment, starts: np.ndarray, n: int, device: str) -> np.ndarray:
    state = np.broadcast_to(starts, (n, *starts.shape)).copy()
    total, alive = np.zeros(state.shape[:2]), np.ones(state.shape[:2], bool)
    for _ in range(env.horizon):
        seen = _tensor(env.observe(state), device).transpose(1, 2)
        state, reward, ended = env.step(state, net.forward(actor, seen)[0].transpose(1, 2).numpy(force=True))
        total += alive * reward
        alive &= ~ended
    return total.mean(-1)


def _tensor(values, device: str) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=device)
