"""The world: demonstrations to train on, and histories to make vectors of, to choose on and to test on."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.entropic_activation_steering.params import Params
from studies.entropic_activation_steering.world import ACTION, REWARD, THOUGHT, VOCABULARY, play

SAME = "same"


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return episodes in tokens; the three sets of histories share nothing. Task `same` is the one trained on."""
    world = case.params.simulate

    def drawn(stream: str, episodes: int, noise_sd: float = world.noise_sd):
        return play(world, episodes, noise_sd, case.rng(stream))

    training = drawn("training", world.agents * world.training)
    tokens = training.tokens.reshape(world.agents, world.training, -1)
    tasks = {SAME: world.noise_sd} | world.other_noise_sd
    tests = [drawn(f"test {name}", world.test_episodes, noise) for name, noise in tasks.items()]
    variables = {"tokens": labelled(("agent", "episode", "position"), tokens, "demonstrations, in their order")}
    others = {"vector": drawn("vector", world.vector_episodes), "choice": drawn("choice", world.choice_episodes)}
    for name, found in others.items():
        shape = (f"{name}_episode", "position")
        variables[f"{name}_tokens"] = labelled(shape, found.tokens, f"histories of the {name} set")
    at = ("task", "test_episode")
    whole = {
        "test_tokens": ((*at, "position"), "tokens", "histories to test on", "1"),
        "test_means": ((*at, "arm"), "means", "means of the arms", "1"),
        "test_own_entropy": ((*at, "observations"), "own", "action entropy of the demonstrator", "bit"),
        "test_thompson_entropy": ((*at, "observations"), "thompson", "action entropy of Thompson sampling", "bit"),
    }
    for name, (dims, field, said, units) in whole.items():
        values = np.stack([getattr(one, field) for one in tests])
        variables[name] = labelled(dims, values, said, units, **({"role": "truth"} if name == "test_means" else {}))
    # What one pays on the vector set, in nat per thought or action: the demonstrator, and a table of the last step.
    known = {
        "own_loss": -float(others["vector"].log_prob.mean()),
        "table_loss": table_loss(training.tokens, others["vector"].tokens),
    }
    coordinates = {"agent": np.arange(world.agents), "task": list(tasks), "observations": np.arange(world.horizon)}
    return xr.Dataset(variables, coordinates, known)


def table_loss(training: np.ndarray, test: np.ndarray, order: int = 3) -> float:
    """Loss on thoughts and actions of one who counts what came after the last `order` tokens, nat per token.

    With 3 that is whoever remembers a single step: the last action, its reward, and the thought about it. A table for
    each position, half a count for each token of the right kind added.

    Parameters
    ----------
    training, test : ndarray of int, shape (episodes, positions)
    """
    losses = []
    for i in (i for i in range(1, training.shape[1]) if i % 3):
        first, last = (THOUGHT, ACTION) if i % 3 == 1 else (ACTION, REWARD)
        powers = VOCABULARY ** np.arange(min(order, i))
        then, now = (rows[:, i - len(powers) : i].astype(int) @ powers for rows in (training, test))
        counts = np.full((VOCABULARY ** len(powers), last - first), 0.5)
        np.add.at(counts, (then, training[:, i] - first), 1)
        losses.append(-np.log((counts / counts.sum(1, keepdims=True))[now, test[:, i] - first]).mean())
    return float(np.mean(losses))
