"""Soft actor-critic for many agents at once: every parameter has a leading agents axis and all train in one loop.

Deterministic agents with a target actor, exploration noise and target smoothing (TD3-like), or with a single critic
(DDPG), are settings of the same loop, agent by agent, so that comparisons share code, data flow and random numbers.
Losses are summed over agents: no agent's gradient knows how many others there are.

Source: Haarnoja et al. 2018, arXiv 1812.05905 (SAC with automatic temperature); Fujimoto et al. 2018, arXiv 1802.09477
(TD3); Lillicrap et al. 2015, arXiv 1509.02971 (DDPG).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from pesin.environments.environment import Environment
from pesin.models.optimisers import Adam
from pesin.rl.networks import Function, flatten, views
from pesin.rl.squashed import sample_policy
from pesin.steps.checkpoint import Checkpoint, set_state, state_of

TARGET_NOISE_LIMIT = 0.5  # as in TD3
LOG_STD_RANGE = (-5.0, 2.0)


@dataclass(frozen=True)
class Agents:
    """What differs from agent to agent; arrays of shape (agents,).

    Attributes
    ----------
    seed
        Agents of one seed share start states, minibatch places and noise, so that they can be compared in pairs.
    reward_scale
        Factor on the rewards that are learned from.
    temperature
        alpha, or where it starts if `automatic`.
    automatic
        Whether alpha is tuned until the entropy is `target_entropy` [nat].
    deterministic
        Learn the mean action alone, with a target actor, `exploration_noise` and smoothing by `target_noise`.
    twin
        Take the smaller of two critics; else the first alone.
    """

    seed: np.ndarray
    reward_scale: np.ndarray
    temperature: np.ndarray
    automatic: np.ndarray
    target_entropy: np.ndarray
    deterministic: np.ndarray
    twin: np.ndarray
    exploration_noise: np.ndarray
    target_noise: np.ndarray

    def __len__(self) -> int:
        return len(self.seed)

    @classmethod
    def standard(cls, seed: np.ndarray, reward_scale: float, actions: int) -> Agents:
        """Stochastic agents with twin critics and automatic temperatures, all alike but for their seeds (agents,).

        The target entropy is minus the number of actions, in nat (Haarnoja et al. 2018, arXiv 1812.05905).
        """
        ones, zeros = np.ones(len(seed)), np.zeros(len(seed))
        return cls(
            seed=seed,
            reward_scale=reward_scale * ones,
            temperature=ones,
            automatic=ones.astype(bool),
            target_entropy=-float(actions) * ones,
            deterministic=zeros.astype(bool),
            twin=ones.astype(bool),
            exploration_noise=zeros,
            target_noise=zeros.copy(),
        )


@dataclass(frozen=True)
class Settings:
    """What all agents share.

    Attributes
    ----------
    steps, warmup
        Environment steps, and how many of them, from the start, are uniform actions without learning. Then one update
        follows each step.
    batch, discount, tau
        Minibatch, gamma, and the rate at which target networks follow.
    lr_actor, lr_critic, lr_temperature
        Adam's rates; the last one is for ln alpha.
    buffer
        Transitions kept; the oldest go first. None keeps all.
    squash
        Whether actions are tanh of the Gaussian.
    entropy_weight
        Factor on alpha in both losses: 0 takes the entropy away and leaves the temperature itself alone.
    """

    steps: int
    warmup: int
    batch: int
    discount: float
    tau: float
    lr_actor: float
    lr_critic: float
    lr_temperature: float
    buffer: int | None = None
    squash: bool = True
    entropy_weight: float = 1.0


@dataclass
class History:
    """What happened, step by step; first axis the agents.

    Attributes
    ----------
    states : ndarray, shape (agents, steps, state)
        Visited states.
    mean, log_std : ndarray, shape (agents, steps, actions)
        The policy there, before squashing.
    entropy : ndarray, shape (agents, updates)
        -mean ln pi of the minibatch that was learned from, nats.
    temperature : ndarray, shape (agents, updates)
    returns : ndarray, shape (agents, checkpoints)
        Of the mean action, undiscounted, in the task's own units.
    checkpoints : ndarray, shape (checkpoints,)
        Environment steps done.
    own_returns : ndarray, shape (agents, checkpoints)
        As `returns`, in the world of the training.
    best : dict of ndarray
        Weights of each agent's actor where `own_returns` is highest.
    """

    states: np.ndarray
    mean: np.ndarray
    log_std: np.ndarray
    entropy: np.ndarray
    temperature: np.ndarray
    returns: np.ndarray
    checkpoints: np.ndarray
    own_returns: np.ndarray
    best: dict[str, np.ndarray]


class Learner:
    """Networks and optimisers of all agents.

    The two critics of an agent lie on one axis of length 2 agents: first critics, then second ones. Gradients are
    written out by hand; a test holds them against automatic differentiation.

    Parameters
    ----------
    actor, critic
        Function classes: observation -> (mean, log_std) before squashing; observation and action -> value.
    seed
        Of the networks' start: agents of one seed begin alike, whatever else differs.
    """

    def __init__(
        self,
        actor: Function,
        critic: Function,
        env: Environment,
        agents: Agents,
        settings: Settings,
        seed: int,
        device: str = "cpu",
    ):
        self.agents, self.settings, self.device = agents, settings, device
        self._sizes = (env.observations, env.actions)
        self._actor_class, self._critic_class = actor, critic
        count, places = int(agents.seed.max()) + 1, torch.as_tensor(agents.seed)
        generator = torch.Generator().manual_seed(seed)
        drawn = actor.init(count, env.observations, 2 * env.actions, generator)
        self.actor = _Network({name: v[places] for name, v in drawn.items()}, device)
        drawn = critic.init(2 * count, env.observations + env.actions, 1, generator)
        places = torch.cat([places, places + count])
        self.critic = _Network({name: v[places] for name, v in drawn.items()}, device)

        def column(values, dtype=torch.float32):
            return torch.as_tensor(np.asarray(values), dtype=dtype, device=device)[:, None]

        self.log_alpha = column(agents.temperature)[:, 0].log()
        self._scale, self._target_entropy = column(agents.reward_scale), column(agents.target_entropy)[:, 0]
        self._automatic = column(agents.automatic)[:, 0]
        self._smoothing, self._exploration = column(agents.target_noise), column(agents.exploration_noise)
        self._deterministic = column(agents.deterministic, torch.bool)
        self._stochastic = column(~np.asarray(agents.deterministic, bool))
        self._single = ~column(agents.twin, torch.bool)
        self._some_deterministic, self._some_single = bool(np.any(agents.deterministic)), bool(np.any(~agents.twin))
        # Stochastic agents have no target actor: theirs follows at rate 1.
        rate = torch.where(self._deterministic, settings.tau, 1.0)[..., None]
        self._follow = flatten({name: rate.expand_as(v).contiguous() for name, v in self.actor.now.items()})
        self._optimisers = [Adam([value]) for value in (self.critic.flat, self.actor.flat, self.log_alpha)]
        self._critic_step, self._actor_step, self._temperature_step = self._optimisers

    @torch.no_grad()
    def update(self, batch: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
        """One gradient step of critics, actors and temperatures.

        Parameters
        ----------
        batch : Tensor, shape (agents, 2 observations + actions + 2, batch)
            Observation, action, reward, next observation, terminal.
        normals : Tensor, shape (agents, 2 actions, batch)
            Standard normals for the two actions that are drawn.

        Returns
        -------
        Tensor, shape (agents,)
            -mean ln pi on the minibatch.
        """
        observations, actions = self._sizes
        here, action, reward, after, terminal = batch.split([observations, actions, 1, observations, 1], 1)
        alpha = self.settings.entropy_weight * self.log_alpha.exp()[:, None] * self._stochastic
        target = self._target(after, reward[:, 0], terminal[:, 0], normals[:, :actions], alpha)
        self._improve_critics(torch.cat([here, action], 1), target)
        entropy = self._improve_actors(here, normals[:, actions:], alpha)
        self._actor_step.step([self.actor.gradient], self.settings.lr_actor)
        excess = self._automatic * (entropy - self._target_entropy)
        self._temperature_step.step([excess], self.settings.lr_temperature)
        self.critic.target.lerp_(self.critic.flat, self.settings.tau)
        if self._some_deterministic:
            self.actor.target.lerp_(self.actor.flat, self._follow)
        else:
            self.actor.target.copy_(self.actor.flat)
        return entropy

    def _target(self, after, reward, terminal, normal, alpha) -> torch.Tensor:
        """What the critics should say: reward + discounted soft value of the next state; (agents, batch)."""
        y, _ = self._actor_class.forward(self.actor.then, after)
        mean, log_std = y.chunk(2, 1)
        action, log_density = sample_policy(mean, log_std.clamp(*LOG_STD_RANGE), normal, self.settings.squash)
        if self._some_deterministic:
            noise = (self._smoothing[..., None] * normal).clamp(-TARGET_NOISE_LIMIT, TARGET_NOISE_LIMIT)
            fixed = (self._bounded(mean) + noise).clamp(-1, 1)
            action = torch.where(self._deterministic[..., None], fixed, action)
        z = torch.cat([after, action], 1).repeat(2, 1, 1)
        first, second = self._critic_class.forward(self.critic.then, z)[0][:, 0].chunk(2)
        value = torch.minimum(first, second)
        if self._some_single:
            value = torch.where(self._single, first, value)
        return self._scale * reward + self.settings.discount * (1 - terminal) * (value - alpha * log_density)

    def _improve_critics(self, z, target) -> None:
        """Step down the squared error, averaged over the batch and summed over critics and agents."""
        value, kept = self._critic_class.forward(self.critic.now, z.repeat(2, 1, 1))
        error = value[:, 0] - target.repeat(2, 1)
        self._critic_class.parameter_gradients(
            self.critic.now, kept, error[:, None] * (2 / error.shape[-1]), self.critic.slope
        )
        self._critic_step.step([self.critic.gradient], self.settings.lr_critic)

    def _improve_actors(self, here, normal, alpha) -> torch.Tensor:
        """Gradient of mean(alpha ln pi - Q); the step is taken together with the temperature's. Returns the entropy.

        With u = mean + sigma n and a = tanh u: d ln pi / du = 2 a at fixed n, since the density of u doesn't change and
        the volume of a does; d ln pi / d ln sigma = 2 a sigma n - 1.
        """
        squash, size = self.settings.squash, normal.shape[-1]
        y, kept = self._actor_class.forward(self.actor.now, here)
        mean, free = y.chunk(2, 1)
        log_std = free.clamp(*LOG_STD_RANGE)
        action, log_density = sample_policy(mean, log_std, normal, squash)
        if self._some_deterministic:
            action = torch.where(self._deterministic[..., None], self._bounded(mean), action)
        z = torch.cat([here, action], 1).repeat(2, 1, 1)
        value, kept_critic = self._critic_class.forward(self.critic.now, z)
        first, second = value[:, 0].chunk(2)
        # The smaller critic is climbed; TD3 and DDPG climb the first.
        by_first = (first <= second) | self._deterministic | self._single
        chosen = torch.cat([by_first, ~by_first]).to(value.dtype)[:, None]
        slope = self._critic_class.input_gradient(self.critic.now, kept_critic, chosen)[:, self._sizes[0] :]
        climb = slope[: len(self.agents)] + slope[len(self.agents) :]
        by_alpha = alpha[..., None]
        du = 2 * by_alpha * action - climb * (1 - action.square()) if squash else -climb
        d_log_std = (du * log_std.exp() * normal - by_alpha) * self._stochastic[..., None] * (log_std == free)
        self._actor_class.parameter_gradients(
            self.actor.now, kept, torch.cat([du, d_log_std], 1) / size, self.actor.slope
        )
        return -log_density.mean(-1)

    def _bounded(self, mean: torch.Tensor) -> torch.Tensor:
        return mean.tanh() if self.settings.squash else mean

    @torch.no_grad()
    def policy(self, observation: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log_std before squashing; (agents, n, observations) -> (agents, n, actions) each."""
        seen = torch.as_tensor(observation, dtype=torch.float32, device=self.device).transpose(1, 2)
        mean, log_std = self._actor_class.forward(self.actor.now, seen)[0].chunk(2, 1)
        return mean.transpose(1, 2), log_std.clamp(*LOG_STD_RANGE).transpose(1, 2)

    def mean_action(self, observation: np.ndarray) -> np.ndarray:
        """The action taken in an evaluation, shape (agents, n, actions)."""
        return self._bounded(self.policy(observation)[0]).numpy(force=True)

    def explore(self, mean: torch.Tensor, log_std: torch.Tensor, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The action taken in training, shape (agents, n, actions), and its log-density (agents, n).

        A draw of the policy; if deterministic, the mean action with exploration noise, and 0.
        """
        drawn = torch.as_tensor(normal, dtype=torch.float32, device=self.device)
        each_sum = sample_policy(
            mean.transpose(1, 2), log_std.transpose(1, 2), drawn.transpose(1, 2), self.settings.squash
        )
        action, log_density = each_sum[0].transpose(1, 2), each_sum[1]
        if self._some_deterministic:
            noisy = (self._bounded(mean) + self._exploration[..., None] * drawn).clamp(-1, 1)
            action = torch.where(self._deterministic[..., None], noisy, action)
        return action.numpy(force=True), (log_density * self._stochastic).numpy(force=True)

    @torch.no_grad()
    def values(self, observation: np.ndarray, action: np.ndarray) -> np.ndarray:
        """The smaller of the critics (or the only one), (agents, n, ...) -> (agents, n), in scaled rewards."""
        both = np.concatenate([observation, action], -1)
        z = torch.as_tensor(both, dtype=torch.float32, device=self.device).transpose(1, 2).repeat(2, 1, 1)
        first, second = self._critic_class.forward(self.critic.now, z)[0][:, 0].chunk(2)
        return torch.where(self._single, first, torch.minimum(first, second)).numpy(force=True)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that an update changes, for checkpoints."""
        followers = {"actor_target": self.actor.target, "critic_target": self.critic.target}
        return {name: value.numpy(force=True) for name, value in followers.items()} | state_of(*self._optimisers)

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        self.actor.target.copy_(torch.as_tensor(arrays["actor_target"]))
        self.critic.target.copy_(torch.as_tensor(arrays["critic_target"]))
        set_state(arrays, *self._optimisers)


class _Network:
    """Parameters of one kind: flat, as views (`now`), their gradients (`slope`) and slow copies (`then`)."""

    def __init__(self, parameters: dict[str, torch.Tensor], device: str):
        self.flat = flatten(parameters).to(device)
        self.target, self.gradient = self.flat.clone(), torch.zeros_like(self.flat)
        self.now, self.then = views(self.flat, parameters), views(self.target, parameters)
        self.slope = views(self.gradient, parameters)


def train(
    learner: Learner,
    env: Environment,
    bank: np.ndarray,
    examined: np.ndarray,
    every: int,
    rng: np.random.Generator,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
    checkpoint: Checkpoint | None = None,
    examined_in: Environment | None = None,
) -> History:
    """Act, store, learn: one update after each environment step.

    Parameters
    ----------
    bank : ndarray, shape (seeds, episodes, state)
        Start states of the training episodes, taken round and round.
    examined : ndarray, shape (starts, state) or (agents, starts, state)
        Start states of the evaluations, the same for all or each agent's own.
    every
        Environment steps between evaluations.
    rng
        All randomness of the loop but the networks' start.
    checkpoint
        Where a training that is stopped goes on from; it must know `rng`.
    examined_in
        World of the evaluations and of `examined`, if it isn't that of the training.
    """
    checkpoint, outside = checkpoint or Checkpoint(), examined_in or env
    agents, settings = learner.agents, learner.settings
    n, seeds = len(agents), int(agents.seed.max()) + 1
    width = 2 * env.observations + env.actions + 2
    kept = min(settings.buffer or settings.steps, settings.steps)
    replay = torch.zeros(n, kept, width, device=learner.device)
    rows = torch.arange(n, device=learner.device)[:, None]
    states = np.zeros((n, settings.steps, bank.shape[-1]), np.float32)
    policies = np.zeros((2, n, settings.steps, env.actions), np.float32)
    held = np.zeros((2, n, settings.steps - settings.warmup), np.float32)  # entropy and temperature
    checkpoints = np.append(np.arange(0, settings.steps, every), settings.steps)
    returns, own = np.zeros((2, n, len(checkpoints)))
    best = {name: value.numpy(force=True).copy() for name, value in learner.actor.now.items()}
    state = bank[agents.seed, 0]
    observation = env.observe(state)
    grown: dict[str, np.ndarray] = {
        "states": states,
        "policies": policies,
        "held": held,
        "returns": returns,
        "own": own,
    }
    grown |= {f"best_{name}": value for name, value in best.items()}
    first, saved = checkpoint.load()
    if saved:
        learner.restore(saved)
        replay.copy_(torch.as_tensor(saved["replay"]))
        state, observation = saved["state"], saved["observation"]
        for name, array in grown.items():
            array[:] = saved[name]

    def everything() -> dict[str, np.ndarray]:
        now = {"state": state, "observation": observation, "replay": replay.numpy(force=True)}
        return learner.arrays() | grown | now

    def draw(kind: Callable, *shape: int) -> np.ndarray:
        return kind((seeds, *shape))[agents.seed]

    def examine(place: int) -> None:
        returns[:, place] = evaluate(learner, outside, examined)
        own[:, place] = evaluate(learner, env, examined) if examined_in else returns[:, place]
        better = own[:, place] > own[:, :place].max(1, initial=-np.inf)
        for name, value in learner.actor.now.items():
            best[name][better] = value.numpy(force=True)[better]

    for step in checkpoint.over(progress(range(first, settings.steps)), everything):
        if step % every == 0:
            examine(step // every)
        mean, log_std = learner.policy(observation[:, None])
        policies[:, :, step] = mean[:, 0].numpy(force=True), log_std[:, 0].numpy(force=True)
        states[:, step] = state
        normal = draw(rng.standard_normal, env.actions)
        if step < settings.warmup:
            action = draw(lambda shape: rng.uniform(-1, 1, shape), env.actions)
        else:
            action = learner.explore(mean, log_std, normal[:, None])[0][:, 0]
        noise = draw(rng.standard_normal, env.noises) if env.noises else None
        state, reward, ended = env.step(state, action, noise)
        following = env.observe(state)
        record = np.concatenate([observation, action, reward[:, None], following, ended[:, None]], -1)
        replay[:, step % kept] = torch.as_tensor(record, dtype=torch.float32, device=learner.device)
        observation = following
        begins = ended | ((step + 1) % env.horizon == 0)
        if begins.any():
            episode = (step + 1) // env.horizon % bank.shape[1]
            state = np.where(begins[:, None], bank[agents.seed, episode], state)
            observation = env.observe(state)
        if step >= settings.warmup:
            places = draw(lambda shape: rng.integers(min(step + 1, kept), size=shape), settings.batch)  # noqa: B023
            normals = draw(lambda shape: rng.standard_normal(shape, np.float32), 2 * env.actions, settings.batch)
            batch = replay[rows, torch.as_tensor(places, device=learner.device)].transpose(1, 2)
            entropy = learner.update(batch, torch.as_tensor(normals, device=learner.device))
            place = step - settings.warmup
            held[:, :, place] = entropy.numpy(force=True), learner.log_alpha.exp().numpy(force=True)
    examine(len(checkpoints) - 1)
    return History(states, policies[0], policies[1], held[0], held[1], returns, checkpoints, own, best)


def evaluate(learner: Learner, env: Environment, starts: np.ndarray) -> np.ndarray:
    """Mean undiscounted return of the mean action over start states; shape (agents,).

    `starts` has shape (starts, state), the same for all agents, or (agents, starts, state).
    """
    state = np.broadcast_to(starts, (len(learner.agents), *starts.shape[-2:])).copy()
    total = np.zeros(state.shape[:2])
    alive = np.ones(state.shape[:2], bool)
    for _ in range(env.horizon):
        state, reward, ended = env.step(state, learner.mean_action(env.observe(state)))
        total += alive * reward
        alive &= ~ended
    return total.mean(-1)
