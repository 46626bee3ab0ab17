"""The paper's own tasks: stable-baselines3's SAC, TD3, DDPG and PPO on an environment of gymnasium (MuJoCo and others).

Neither package is a dependency of the workflow: they are wanted at the paper's scale alone.
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import weights_dataset
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.soft_actor_critic.agents import PPO
from studies.soft_actor_critic.benchmark.params import Params
from studies.soft_actor_critic.tasks import FEWER, NO_ENTROPY, by_agent, learners, most_seeds, names, runs


def packages():
    """Import gymnasium and stable-baselines3.

    Raises
    ------
    RuntimeError
        If one is missing; the message says what to type.
    """
    try:
        import gymnasium
        import stable_baselines3
    except ImportError as error:
        raise RuntimeError(
            f"{error.name} is not installed, and the tasks of gymnasium need it. Type: python -m pip install"
            " stable-baselines3 'gymnasium[mujoco]'. Or set environment to pendulum, which runs without."
        ) from None
    return gymnasium, stable_baselines3


def make_environment(name: str, reward_scale: float = 1.0):
    """An environment of gymnasium with scaled rewards.

    Raises
    ------
    RuntimeError
        If gymnasium doesn't have it, or its simulator isn't installed.
    """
    gymnasium, _ = packages()
    try:
        env = gymnasium.make(name)
    except gymnasium.error.Error as error:
        raise RuntimeError(
            f"gymnasium can't make '{name}' ({error}). For MuJoCo's tasks type: python -m pip install"
            " 'gymnasium[mujoco]'."
        ) from None
    return gymnasium.wrappers.TransformReward(env, lambda reward: reward_scale * reward)


def train_gymnasium(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Train every run one after the other; return curves laid out as those of the library's own tasks.

    A training that is stopped goes on after the last run that had ended.
    """
    params = case.params
    their_seeds = params.simulate.seeds[PPO] if PPO in names(params) else 0
    ordered = [*runs(params), *((PPO, seed) for seed in range(their_seeds))]
    checkpoint = case.checkpoint("runs")
    done, kept = checkpoint.load()
    for i in checkpoint.over(case.progress(range(done, len(ordered)), what="runs"), lambda: kept):
        kept.update({f"{i}.{name}": values for name, values in _train_one(case, data, *ordered[i]).items()})
    found = [_part(kept, f"{i}.") for i in range(len(ordered))]
    own = found[: len(runs(params))]
    groups = {
        f"weights/{name}_{seed}": weights_dataset(
            {key: torch.as_tensor(value) for key, value in _part(run, "actor.").items()}, ["actor"]
        )
        for (name, seed), run in zip(runs(params), own, strict=True)
    }
    return xr.DataTree.from_dict({"curves": _curves(params, own, found[len(own) :]), **groups})


def _curves(params: Params, own: list[dict], theirs: list[dict]) -> xr.Dataset:
    """Curves of the agents' runs and of PPO's, laid out over (agent, seed)."""
    returns = by_agent(params, np.array([run["returns"] for run in own]))
    steps = np.tile(own[0]["steps"].astype(float), (len(learners(params)), 1))
    entropy, temperature = (by_agent(params, np.array([run[key] for run in own])) for key in ("entropy", "temperature"))
    if theirs:
        row = np.full((1, *returns.shape[1:]), np.nan)
        row[0, : params.simulate.seeds[PPO]] = [run["returns"] for run in theirs]
        returns = np.concatenate([returns, row])
        steps = np.concatenate([steps, [theirs[0]["steps"]]])
    dims = ("agent", "seed", "block")
    evaluated = xr.Dataset(
        {
            "returns": labelled(("agent", "seed", "checkpoint"), returns, "return of the mean action", nan=FEWER),
            "env_step": labelled(("agent", "checkpoint"), steps, "environment steps done", "step"),
        },
        {"agent": names(params)},
    )
    updated = xr.Dataset(
        {
            "entropy": labelled(dims, entropy, "policy entropy on replayed states", "nat", nan=NO_ENTROPY),
            "temperature": labelled(dims, temperature, "temperature alpha", nan=NO_ENTROPY),
            "block_step": labelled("block", steps[0, 1:], "environment steps done", "step"),
        },
        {"agent": learners(params)},
    )
    return evaluated.merge(updated, join="outer").assign_coords(seed=np.arange(most_seeds(params)))


def _part(values: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def _train_one(case: Case[Params], data: xr.Dataset, name: str, seed: int) -> dict[str, np.ndarray]:
    """Train one run with evaluations every `every` steps; PPO's steps are those of all its environments.

    Returns
    -------
    dict of ndarray
        returns and steps, shape (checkpoints,); entropy and temperature, one less; `actor.<name>`, its weights with a
        leading axis of length 1 (not of PPO).
    """
    from stable_baselines3.common.logger import Logger

    params, learning, task = case.params, case.params.train.learning, case.params.simulate.environment
    scale = 1.0 if name == PPO else params.train.agents[name].reward_scale
    model = _model(case, name, make_environment(task, scale), int(data["bank_seed"].values[seed]))
    model.set_logger(Logger(folder=None, output_formats=[]))  # the package's own leaves a folder behind at each `learn`
    test = make_environment(task)
    starts = [int(s) for s in data["examined_seed"].values]
    returns, steps, held = [_evaluate(model, test, starts)], [0], []
    for _ in range(learning.steps // learning.every):
        model.learn(learning.every, reset_num_timesteps=False)
        returns.append(_evaluate(model, test, starts))
        steps.append(model.num_timesteps)
        held.append(_entropy(model, learning.batch))
    entropy, temperature = np.array(held).T
    actor = {} if name == PPO else model.policy.actor.state_dict()
    weights = {f"actor.{key.replace('.', '_')}": value[None].numpy(force=True) for key, value in actor.items()}
    curves = {"returns": np.array(returns), "steps": np.array(steps), "entropy": entropy, "temperature": temperature}
    return curves | weights


def _model(case: Case[Params], name: str, env, seed: int):
    """stable-baselines3's class for an agent, with the case's sizes."""
    _, sb3 = packages()
    params, learning = case.params, case.params.train.learning
    common = {"seed": seed, "device": case.device, "gamma": learning.discount}
    if name == PPO:
        p = params.train.ppo
        return sb3.PPO(
            "MlpPolicy", env, p.lr, p.environments * p.length, p.minibatch, p.epochs,
            gae_lambda=p.trace, clip_range=p.clip, max_grad_norm=p.clip_norm, **common,
        )  # fmt: skip
    agent = params.train.agents[name]
    common |= {
        "learning_rate": learning.lr,
        "buffer_size": learning.buffer or learning.steps,
        "learning_starts": learning.warmup,
        "batch_size": learning.batch,
        "tau": learning.tau,
        "train_freq": 1,
        "gradient_steps": 1,
        "policy_kwargs": {"net_arch": list(learning.hidden), "n_critics": 2 if agent.twin else 1},
    }
    if not agent.deterministic:
        target = agent.target_entropy if agent.target_entropy is not None else "auto"
        moves = agent.automatic and learning.lr_temperature > 0  # the package has one rate for all
        alpha = f"auto_{agent.temperature}" if moves else agent.temperature
        return sb3.SAC("MlpPolicy", env, ent_coef=alpha, target_entropy=target, **common)
    from stable_baselines3.common.noise import NormalActionNoise

    size = env.action_space.shape
    noise = NormalActionNoise(np.zeros(size), np.full(size, agent.exploration_noise))
    if agent.twin:
        return sb3.TD3("MlpPolicy", env, action_noise=noise, target_policy_noise=agent.target_noise, **common)
    return sb3.DDPG("MlpPolicy", env, action_noise=noise, **common)


def _evaluate(model, env, seeds: list[int]) -> float:
    """Mean undiscounted return of the mean action over episodes with fixed seeds."""
    totals = []
    for seed in seeds:
        observation, _ = env.reset(seed=seed)
        total, over = 0.0, False
        while not over:
            action, _ = model.predict(observation, deterministic=True)
            observation, reward, terminated, truncated, _ = env.step(action)
            total, over = total + float(reward), terminated or truncated
        totals.append(total)
    return float(np.mean(totals))


def _entropy(model, batch: int) -> tuple[float, float]:
    """-mean ln pi on replayed states, and alpha; NaN for agents without a stochastic policy or a replay."""
    if not hasattr(model, "ent_coef_tensor") and not hasattr(model, "log_ent_coef"):
        return np.nan, np.nan
    with torch.no_grad():
        seen = model.replay_buffer.sample(batch).observations
        _, log_density = model.actor.action_log_prob(seen)
        alpha = model.log_ent_coef.exp() if model.log_ent_coef is not None else model.ent_coef_tensor
    return float(-log_density.mean()), float(alpha)
