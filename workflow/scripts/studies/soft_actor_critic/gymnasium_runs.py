"""The paper's own tasks: stable-baselines3's SAC, TD3, DDPG and PPO on an environment of gymnasium (MuJoCo and others).

Neither package is a dependency of the workflow: they are wanted at the paper's scale alone.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.models.mlp import weights_dataset
from pesin.steps.labels import labelled
from studies.soft_actor_critic.tasks import PPO, by_agent, most_seeds, names, runs

NAN = {"allow_nan": 1}


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


def train_gymnasium(case, data) -> xr.DataTree:
    """Train every run one after the other; return curves laid out as those of the library's own tasks."""
    params = case.params
    own = [_train_one(case, data, name, seed) for name, seed in case.progress(runs(params), what="runs")]
    returns = by_agent(params, np.array([run["returns"] for run in own]))
    steps = np.tile(np.array(own[0]["steps"], float), (len(params.run), 1))
    if params.ppo:
        theirs = [_train_one(case, data, PPO, seed) for seed in range(params.ppo_seeds)]
        row = np.full((1, *returns.shape[1:]), np.nan)
        row[0, : params.ppo_seeds] = [run["returns"] for run in theirs]
        returns = np.concatenate([returns, row])
        steps = np.concatenate([steps, [theirs[0]["steps"]]])
    curves = xr.Dataset(
        {
            "returns": labelled(("agent", "seed", "checkpoint"), returns, "return of the mean action", **NAN),
            "env_step": labelled(("agent", "checkpoint"), steps, "environment steps done", "step", **NAN),
        },
        {"agent": names(params)},
    ).merge(
        xr.Dataset(
            {
                key: labelled(
                    ("agent", "seed", "block"),
                    by_agent(params, np.array([run[key] for run in own])),
                    label,
                    unit,
                    **NAN,
                )
                for key, label, unit in (
                    ("entropy", "-E ln pi on replayed states", "nat"),
                    ("temperature", "alpha", "1"),
                )
            }
            | {"block_step": labelled("block", steps[0, 1:], "environment steps done", "step")},
            {"agent": params.run},
        ),
        join="outer",
    )
    curves = curves.assign_coords(seed=np.arange(most_seeds(params)))
    weights = [_actor_weights(run["model"]) for run in own]
    groups = {f"weights/{name}_{seed}": weight for (name, seed), weight in zip(runs(params), weights, strict=True)}
    return xr.DataTree.from_dict({"curves": curves, **groups})


def _train_one(case, data, name: str, seed: int) -> dict:
    """Train one run with evaluations every `every` steps; PPO's steps are those of all its environments."""
    params, learning = case.params, case.params.learning
    scale = 1.0 if name == PPO else params.agents[name].reward_scale
    model = _model(case, name, make_environment(params.environment, scale), int(data["bank_seed"].values[seed]))
    test = make_environment(params.environment)
    starts = [int(s) for s in data["examined_seed"].values]
    returns, steps, entropy, temperature = [_evaluate(model, test, starts)], [0], [], []
    for _ in range(learning.steps // learning.every):
        model.learn(learning.every, reset_num_timesteps=False)
        returns.append(_evaluate(model, test, starts))
        steps.append(model.num_timesteps)
        now = _entropy(model, learning.batch)
        entropy.append(now[0])
        temperature.append(now[1])
    return {"returns": returns, "steps": steps, "entropy": entropy, "temperature": temperature, "model": model}


def _model(case, name: str, env, seed: int):
    """stable-baselines3's class for an agent, with the case's sizes."""
    _, sb3 = packages()
    params, learning = case.params, case.params.learning
    common = {"seed": seed, "device": case.device, "gamma": learning.discount}
    if name == PPO:
        p = params.ppo
        return sb3.PPO(
            "MlpPolicy", env, p.lr, p.environments * p.length, p.minibatch, p.epochs,
            gae_lambda=p.trace, clip_range=p.clip, max_grad_norm=p.clip_norm, **common,
        )  # fmt: skip
    agent = params.agents[name]
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
        alpha = f"auto_{agent.temperature}" if agent.automatic else agent.temperature
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
    import torch

    with torch.no_grad():
        seen = model.replay_buffer.sample(batch).observations
        _, log_density = model.actor.action_log_prob(seen)
        alpha = model.log_ent_coef.exp() if model.log_ent_coef is not None else model.ent_coef_tensor
    return float(-log_density.mean()), float(alpha)


def _actor_weights(model) -> xr.Dataset:
    state = {name.replace(".", "_"): value[None] for name, value in model.policy.actor.state_dict().items()}
    return weights_dataset(state, ["actor"])
