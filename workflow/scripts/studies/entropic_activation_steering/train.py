"""Trains the agents on demonstrations, makes steering vectors of their activations, and chooses a layer for each."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import cross_entropy

from pesin.models.mlp import Parameters
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.models.transformer import Transformer
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.entropic_activation_steering.agents import (
    activations,
    answers,
    make_net,
    probed,
    prompts_of,
    steered,
    steering_vectors,
)
from studies.entropic_activation_steering.params import Params


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Return weights, losses, vectors (direction, agent, layer, width), null directions and each agent's layer."""
    params, agents = case.params.train, data.sizes["agent"]
    net = make_net(params, data.sizes["position"])
    weights, loss = fitted(case, net, data["tokens"].values)
    vectors, size = made_vectors(case, net, weights, data["vector_tokens"].values)
    gain = layer_gains(case, net, weights, vectors["east"], data["choice_tokens"].values)
    null = case.rng("directions").normal(size=(params.directions, params.width))
    at, said = ("direction", "agent", "layer", "width"), "vector that a dose of 1 adds to the stream"
    length = np.linalg.norm(vectors["east"], axis=-1)
    variables = {
        "loss": labelled(("agent", "step"), loss, "training loss", "nat", nan=DIVERGED),
        "vectors": labelled(at, np.stack(list(vectors.values())), said),
        "vector_size": labelled(("agent", "layer"), length / size, "length of the vector over that of the stream"),
        "null_directions": labelled(
            ("null", "width"), null / np.linalg.norm(null, axis=1, keepdims=True), "random directions of length 1"
        ),
        "layer_gain": labelled(("agent", "layer"), gain, "rise of the action entropy on the choice set", "bit"),
        "layer_chosen": labelled("agent", gain.argmax(1), "layer that is steered, from 0", may_be_constant=1),
    }
    coordinates = {"direction": list(vectors), "layer": np.arange(net.layers), "agent": np.arange(agents)}
    kept = {
        name: labelled(
            ("agent", *[f"{name}_{i}" for i in range(1, v.dim())]), v.numpy(force=True), f"parameters {name}"
        )
        for name, v in weights.items()
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(variables, coordinates), "weights": xr.Dataset(kept)})


def fitted(case: Case[Params], net: Transformer, tokens: np.ndarray) -> tuple[Parameters, np.ndarray]:
    """Next-token cross-entropy on demonstrations (agents, episodes, positions), each episode once."""
    params, device = case.params.train, case.device
    generator = torch.Generator().manual_seed(case.seed("init"))
    weights = net.init_parameters(len(tokens), generator, device)
    optimiser = RunsOptimiser(weights, "adam", weight_decay=params.weight_decay, decayed=set(net.matrices))
    rates = torch.full((len(tokens),), params.rate, device=device)

    def loss_of(step: int) -> torch.Tensor:
        part = tokens[:, step * params.batch : (step + 1) * params.batch]
        batch = torch.as_tensor(part.astype(np.int64), device=device)
        logits = net(weights, batch[..., :-1])
        losses = cross_entropy(logits.flatten(0, -2), batch[..., 1:].flatten(), reduction="none")
        return losses.view(len(tokens), -1).mean(1)

    def rate_of(step: int) -> torch.Tensor:
        return rates * min(1.0, (step + 1) / max(1, params.warmup))

    loss, _ = fit_runs(optimiser, loss_of, rate_of, params.steps, case.progress, case.checkpoint("agents"))
    return {name: value.detach() for name, value in weights.items()}, loss


def made_vectors(
    case: Case[Params], net: Transformer, weights: Parameters, tokens: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Vectors of prompts after 1, 2, ... observations, and the mean length of the stream, (agents, layers)."""
    agents, every = len(weights["place"]), list(range(1, case.params.simulate.horizon))
    model, device = steered(net, weights), case.device
    entropy = [answers(model, prompts_of(tokens, n, agents, device)).entropy for n in every]
    longest = prompts_of(tokens, every[-1], agents, device)
    z = activations(net, weights, longest, every)
    vectors = steering_vectors(z, np.concatenate(entropy, 1), case.rng("other directions"))
    return vectors, np.linalg.norm(z, axis=-1).mean(-1)


def layer_gains(
    case: Case[Params], net: Transformer, weights: Parameters, east: np.ndarray, tokens: np.ndarray
) -> np.ndarray:
    """Rise of the mean action entropy on the choice set with each layer steered, bits: (agents, layers)."""
    params, agents, gains = case.params.train, len(east), []
    for layer in [None, *range(net.layers)]:
        shift = np.zeros_like(east)
        if layer is not None:
            shift[:, layer] = params.choice_dose * east[:, layer]
        model = steered(net, weights, torch.as_tensor(shift).float())
        gains.append(probed(model, tokens, params.probes, agents, case.device).entropy.mean(1))
    return np.stack(gains[1:], 1) - gains[0][:, None]
