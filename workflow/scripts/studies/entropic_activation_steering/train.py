"""Trains the agents on demonstrations, makes steering vectors of their activations, and chooses a layer for each."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.losses import runs_cross_entropy
from pesin.models.mlp import Parameters
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.models.transformer import Transformer
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.entropic_activation_steering.agents import (
    Vectors,
    activations,
    answers,
    best_allowed,
    chosen,
    make_net,
    probed,
    prompts_of,
    steered,
    steering_vectors,
)
from studies.entropic_activation_steering.params import Params


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Return weights, losses, vectors (direction, agent, layer, width) and those of nulls, and the layer of each."""
    net = make_net(case.params.train, data.sizes["position"])
    weights, loss = fitted(case, net, data["tokens"].values)
    vectors, size = made_vectors(case, net, weights, data["vector_tokens"].values)
    named, null = np.stack(list(vectors.named.values())), np.stack(list(vectors.null.values()))
    found = by_layer(case, net, weights, np.concatenate([named, *null]), data["choice_tokens"].values)
    layers = best_allowed(*found, case.params.train.most_invalid)
    where, said, taken = ("agent", "layer"), "vector that a dose of 1 adds to the stream", "layer steered, from 0"
    kinds, mine = ("null_kind", "null"), ("layer", "direction", "agent")
    length = np.linalg.norm(vectors.named["east"], axis=-1)
    variables = {
        "loss": labelled(("agent", "step"), loss, "training loss", "nat", nan=DIVERGED),
        "vectors": labelled(("direction", *where, "width"), named, said),
        "vector_size": labelled(where, length / size, "length of the vector over that of the stream"),
        "layer_entropy": labelled(mine, found[0][:, : len(named)], "action entropy on the choice set", "bit"),
        "layer_invalid": labelled(mine, found[1][:, : len(named)], "rate of invalid outputs on the choice set"),
        "layer_chosen": labelled(mine[1:], layers[: len(named)], taken, may_be_constant=1),
        "null_vectors": labelled((*kinds, *where, "width"), null, said),
        "null_layer_chosen": labelled(
            (*kinds, "agent"), layers[len(named) :].reshape(null.shape[:3]), taken, may_be_constant=1
        ),
    }
    coordinates = {
        "direction": list(vectors.named), "layer": np.arange(net.layers), "agent": data["agent"],
        "null_kind": list(vectors.null), "null": np.arange(null.shape[1]),
    }  # fmt: skip
    kept = {
        name: labelled(
            ("agent", *[f"{name}_{i}" for i in range(1, v.dim())]), v.numpy(force=True), f"parameters {name}"
        )
        for name, v in weights.items()
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(variables, coordinates), "weights": xr.Dataset(kept)})


def fitted(case: Case[Params], net: Transformer, tokens: np.ndarray) -> tuple[Parameters, np.ndarray]:
    """Next-token cross-entropy on demonstrations (agents, episodes, positions), each seen once; the rate falls to 0."""
    params, device = case.params.train, case.device
    generator = torch.Generator().manual_seed(case.seed("init"))
    weights = net.init_parameters(len(tokens), generator, device)
    optimiser = RunsOptimiser(weights, "adam", weight_decay=params.weight_decay, decayed=set(net.matrices))
    rates = torch.full((len(tokens),), params.rate, device=device)

    def loss_of(step: int) -> torch.Tensor:
        part = tokens[:, step * params.batch : (step + 1) * params.batch]
        batch = torch.as_tensor(part.astype(np.int64), device=device)
        logits = net(weights, batch[..., :-1])
        return runs_cross_entropy(logits, batch[..., 1:])

    def rate_of(step: int) -> torch.Tensor:
        return rates * min(1.0, (step + 1) / max(1, params.warmup)) * (1 - step / params.steps)

    loss, _ = fit_runs(optimiser, loss_of, rate_of, params.steps, case.progress, case.checkpoint("agents"))
    return {name: value.detach() for name, value in weights.items()}, loss


def made_vectors(
    case: Case[Params], net: Transformer, weights: Parameters, tokens: np.ndarray
) -> tuple[Vectors, np.ndarray]:
    """Vectors of prompts after 1, 2, ... observations, and the mean length of the stream, (agents, layers)."""
    agents, every = len(weights["place"]), list(range(1, case.params.simulate.horizon))
    model, device = steered(net, weights), case.device
    entropy = [answers(model, prompts_of(tokens, n, agents, device)).entropy for n in every]
    longest = prompts_of(tokens, every[-1], agents, device)
    z = activations(net, weights, longest, every)
    vectors = steering_vectors(z, np.concatenate(entropy, 1), case.params.train.directions, case.rng("directions"))
    return vectors, np.linalg.norm(z, axis=-1).mean(-1)


def by_layer(
    case: Case[Params], net: Transformer, weights: Parameters, vectors: np.ndarray, tokens: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Action entropy and rate of invalid outputs on the choice set with each layer steered.

    Of every direction, those of the nulls too, so that each is given the layer that suits it best.

    Parameters
    ----------
    vectors : ndarray, shape (directions, agents, layers, width)
    tokens : ndarray of int, shape (episodes, positions)

    Returns
    -------
    (entropy, invalid) : ndarrays, shape (layers, directions, agents)
        Bits, and probabilities.
    """
    params, agents = case.params.train, vectors.shape[1]
    tokens, dosed = tokens[: params.layer_episodes], torch.as_tensor(params.choice_dose * vectors)
    found = np.empty((2, net.layers, *vectors.shape[:2]))
    for i, one in enumerate(case.progress(dosed, what="layers")):
        for layer in range(net.layers):
            model = steered(net, weights, chosen(one, np.full(agents, layer)))
            told = probed(model, tokens, params.probes, agents, case.device)
            found[:, layer, i] = told.entropy.mean(1), told.invalid.mean(1)
    return found[0], found[1]
