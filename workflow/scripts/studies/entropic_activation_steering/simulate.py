"""The world: demonstrations to train on, and histories to make vectors of, to choose on and to test on."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.entropic_activation_steering.params import Params
from studies.entropic_activation_steering.world import play

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
    for name, many in (("vector", world.vector_episodes), ("choice", world.choice_episodes)):
        dims = (f"{name}_episode", "position")
        variables[f"{name}_tokens"] = labelled(dims, drawn(name, many).tokens, f"histories of the {name} set")
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
    # What one pays, in nat per thought or action, who is the demonstrator, and who knows how often each symbol comes.
    known = {
        "own_loss": -float(tests[0].log_prob.mean()),
        "table_loss": table_loss(training.tokens, tests[0].tokens),
    }
    coordinates = {"agent": np.arange(world.agents), "task": list(tasks), "observations": np.arange(world.horizon)}
    return xr.Dataset(variables, coordinates, known)


def table_loss(training: np.ndarray, test: np.ndarray) -> float:
    """Loss on thoughts and actions of one who knows how often each comes at each position, nat per token.

    Parameters
    ----------
    training, test : ndarray of int, shape (episodes, positions)
    """
    told = [i for i in range(1, training.shape[1]) if i % 3]
    losses = []
    for i in told:
        share = (np.bincount(training[:, i], minlength=int(test.max()) + 1) + 0.5) / (len(training) + 0.5)
        losses.append(-np.log(share[test[:, i]]).mean())
    return float(np.mean(losses))
