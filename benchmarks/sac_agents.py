"""Times soft actor-critic: all agents in one loop against one after the other, and one agent against stable-baselines3.

    python benchmarks/sac_agents.py [--agents 16] [--steps 600] [--repeats 3] [--threads 1]

Each comparison is made within one run, several times over; the medians of the ratios are printed. Sizes are those of
the study at laptop scale. stable-baselines3 is skipped where it isn't installed. Processor seconds, so that other
programs matter less.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.environments.environment import start_bank
from pesin.environments.pendulum import Pendulum
from pesin.rl.networks import Perceptron
from pesin.rl.soft_actor_critic import Agents, Learner, Settings, train

HIDDEN, BATCH, WARMUP = (64, 64), 64, 100


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    all_agents = automatic(options.agents)
    ratios, peers = [], []
    for repeat in range(options.repeats + 1):
        together = timed(lambda: ours(all_agents, options.steps))
        apart = timed(lambda: [ours(one(all_agents, i), options.steps) for i in range(options.agents)])
        alone = timed(lambda: ours(one(all_agents, 0), options.steps))
        peer = timed(lambda: theirs(options.steps))
        if repeat == 0:  # warms up
            continue
        ratios.append(apart / together)
        line = (
            f"{options.agents} agents: one loop {together:.2f} s, one after the other {apart:.2f} s, {ratios[-1]:.1f}"
        )
        if peer > 0.1:
            peers.append(peer / alone)
            line += f"; one agent: ours {alone:.2f} s, stable-baselines3 {peer:.2f} s, {peers[-1]:.1f}"
        print(line, flush=True)
    print(f"median ratio, one after the other / one loop: {statistics.median(ratios):.1f}")
    if peers:
        print(f"median ratio, stable-baselines3 / ours, one agent: {statistics.median(peers):.1f}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=16)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def automatic(n: int) -> Agents:
    """n seeds of SAC with an automatic temperature."""
    ones, no = np.ones(n), np.zeros(n, bool)
    return Agents(np.arange(n), ones, ones, ~no, -ones, no, ~no, 0 * ones, 0 * ones)


def one(agents: Agents, i: int) -> Agents:
    values = {field.name: getattr(agents, field.name)[i : i + 1] for field in fields(agents)}
    return Agents(**values | {"seed": np.zeros(1, int)})


def ours(agents: Agents, steps: int) -> None:
    env, net = Pendulum(), Perceptron(HIDDEN)
    settings = Settings(steps, WARMUP, BATCH, 0.98, 0.01, 1e-3, 1e-3, 1e-3)
    bank = start_bank(env, np.random.default_rng(0), len(agents), steps // env.horizon + 1)
    learner = Learner(net, net, env, agents, settings, 0)
    train(learner, env, bank, bank[0, :1], 10 * steps, np.random.default_rng(1))


def theirs(steps: int) -> None:
    try:
        from stable_baselines3 import SAC
    except ImportError:
        return
    torch.set_num_threads(arguments().threads)
    model = SAC(
        "MlpPolicy", "Pendulum-v1", learning_rate=1e-3, buffer_size=steps, learning_starts=WARMUP, batch_size=BATCH,
        tau=0.01, gamma=0.98, train_freq=1, gradient_steps=1, policy_kwargs={"net_arch": list(HIDDEN)}, device="cpu",
    )  # fmt: skip
    model.learn(steps)


def timed(function) -> float:
    begin = time.process_time()
    function()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
