"""What was learned, brought back: medians of the ensembles, networks, and the worlds that they make."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.environments.learned import LearnedEnvironment
from pesin.rl.playback import Playback
from studies.sindy_rl.params import Params
from studies.sindy_rl.worlds import network_world, pendulum, sparse_reward_world, sparse_world, wake


def medians(trained: xr.DataTree, name: str) -> np.ndarray:
    """Coefficients of the sparse models of the pendulum, (samples, seeds, terms, coordinates)."""
    return np.median(trained["models"].to_dataset()[name].values, axis=2)


def network_arrays(params: Params, trained: xr.DataTree, sizes: list[int]) -> dict[str, np.ndarray]:
    """The networks from the given places of `samples`, as `network_move` takes them: (sizes x seeds, ...)."""
    kept = trained["networks"].to_dataset()
    count, members = len(params.simulate.samples), params.train.networks.members
    arrays = {}
    for name in kept.data_vars:
        values = kept[name].values
        if name in ("shift", "scale", "unit"):
            arrays[str(name)] = values[sizes].reshape(-1, values.shape[-1])
        elif name != "loss":
            shaped = values.reshape(count, -1, members, *values.shape[1:])[sizes]
            arrays[str(name)] = shaped.reshape(-1, *shaped.shape[2:])
    return arrays


def arm_worlds(params: Params, trained: xr.DataTree, networks: dict[str, np.ndarray]) -> dict[str, LearnedEnvironment]:
    """The pendulum as each arm knows it, a model for each agent."""
    count, true = params.train.agents, pendulum()
    sparse = sparse_world(true, medians(trained, "sindy")[-1, :count], params.train.dynamics.degree)
    reward = np.median(trained["models"].to_dataset()["reward"].values, axis=1)[:count]
    return {
        "sindy": sparse,
        "real": true,
        "nn": network_world(true, {name: values[:count] for name, values in networks.items()}),
        "linear": sparse_world(true, medians(trained, "linear")[-1, :count], params.train.linear.degree),
        "reward": sparse_reward_world(sparse, reward, params.train.reward.degree),
    }


def wake_worlds(params: Params, trained: xr.DataTree) -> dict[str, LearnedEnvironment]:
    """The wake as its two arms know it."""
    true = wake()
    found = np.median(trained["wake_models"].to_dataset()["sindy"].values, axis=1)
    return {"sindy": sparse_world(true, found, params.train.dynamics.degree), "real": true}


def players(params: Params, trained: xr.DataTree, arm: str) -> Playback:
    """The agents of one arm."""
    place, count = list[str](params.train.arms).index(arm), params.train.agents
    kept = trained["actor"].to_dataset()
    actor = {str(name): kept[name].values[place * count : (place + 1) * count] for name in kept.data_vars}
    return Playback(actor, {}, np.zeros(count, bool), np.ones(count, bool))
