"""The agents: their action distribution with thoughts summed out, and steering vectors made of their activations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters
from pesin.models.sampling import Logits, adjusted
from pesin.models.transformer import Transformer
from studies.entropic_activation_steering.params import Training
from studies.entropic_activation_steering.world import (
    ACTION,
    ARMS,
    THOUGHT,
    THOUGHTS,
    VOCABULARY,
    entropy_bits,
    shares,
)

Sampler = Callable[[torch.Tensor], torch.Tensor]
"""Logits -> log-probabilities of the next token."""


class Answers(NamedTuple):
    """What agents would write after prompts: probabilities over the full vocabulary, not normalised."""

    thoughts: np.ndarray
    """(agents, prompts, thoughts)."""
    actions: np.ndarray
    """(agents, prompts, arms): thoughts summed out."""

    @property
    def entropy(self) -> np.ndarray:
        """Action entropy, bits, of the actions after normalisation."""
        return entropy_bits(self.actions)

    @property
    def invalid(self) -> np.ndarray:
        """Probability that thought or action is another token."""
        return 1 - self.actions.sum(-1)

    @property
    def unsure(self) -> np.ndarray:
        """Probability of the thought `unsure` among thoughts."""
        return shares(self.thoughts)[..., -1]


def make_net(params: Training, positions: int) -> Transformer:
    """The network of all agents; the last token of an episode is only predicted."""
    return Transformer(
        VOCABULARY, VOCABULARY, positions - 1, params.width, params.layers, params.heads, expansion=2,
        embedding_std=params.embedding_std,
    )  # fmt: skip


def read_weights(trained: xr.DataTree, device: str) -> Parameters:
    """The agents' weights."""
    found = trained["weights"].to_dataset()
    return {str(name): torch.as_tensor(value.values, device=device) for name, value in found.items()}


def shift_of(trained: xr.DataTree, direction: str, dose: float) -> torch.Tensor:
    """What a dose of a direction adds to the stream: (agents, layers, width), zero but at each agent's layer."""
    vectors = trained["vectors"].sel({"direction": direction}).transpose("agent", "layer", "width").values
    return chosen(torch.as_tensor(dose * vectors), trained["layer_chosen"].values)


def null_shift_of(trained: xr.DataTree, null: int, dose: float) -> torch.Tensor:
    """The same for a direction of the null, as long as the vector of EAST."""
    east = trained["vectors"].sel({"direction": "east"}).transpose("agent", "layer", "width").values
    length = np.linalg.norm(east, axis=-1, keepdims=True)
    return chosen(
        torch.as_tensor(dose * length * trained["null_directions"].values[null]), trained["layer_chosen"].values
    )


def chosen(vectors: torch.Tensor, layers: np.ndarray) -> torch.Tensor:
    """Vectors of all layers (agents, layers, width), those of other layers than each agent's set to 0."""
    mine = torch.as_tensor(layers)[:, None] == torch.arange(vectors.shape[1])
    return torch.where(mine[..., None], vectors, 0).float()


def steered(net: Transformer, weights: Parameters, shift: torch.Tensor | None = None) -> Logits:
    """The agents as a function of tokens, `shift` (agents, layers, width) added after each layer at all positions."""
    if shift is None or not shift.any():
        return partial(net, weights)
    moved = shift.to(weights["embed"].device)
    return partial(net, weights, steer=lambda layer, x: x + moved[:, layer, None, None])


@torch.no_grad()
def answers(model: Logits, prompts: torch.Tensor, sampler: Sampler = adjusted) -> Answers:
    """Thoughts and actions after prompts, exactly: p(action) = sum over thoughts p(thought) p(action | thought).

    Parameters
    ----------
    prompts : int64 Tensor, shape (agents, prompts, length)
        They end before a thought.
    """
    agents, many, length = prompts.shape
    every = torch.arange(THOUGHT, ACTION, device=prompts.device)
    longer = prompts[:, :, None].expand(-1, -1, len(THOUGHTS), -1)
    longer = torch.cat([longer, every.expand(agents, many, -1)[..., None]], -1)
    logits = model(longer.flatten(1, 2))[:, :, -2:].double().unflatten(1, (many, len(THOUGHTS)))
    found = sampler(logits).exp()
    thoughts = found[:, :, 0, 0, THOUGHT:ACTION]
    actions = (thoughts[..., None] * found[..., 1, ACTION : ACTION + ARMS]).sum(2)
    return Answers(thoughts.numpy(force=True), actions.numpy(force=True))


def prompts_of(tokens: np.ndarray, observations: int, agents: int, device: str = "cpu") -> torch.Tensor:
    """Histories (episodes, positions) cut after so many observations, the same for all agents."""
    part = torch.as_tensor(tokens[:, : 1 + 3 * observations].astype(np.int64), device=device)
    return part.expand(agents, -1, -1)


def probed(
    model: Logits, tokens: np.ndarray, probes: list[int], agents: int, device: str, sampler: Sampler = adjusted
) -> Answers:
    """`answers` at several numbers of observations: arrays (agents, probes x episodes, ...)."""
    parts = [answers(model, prompts_of(tokens, n, agents, device), sampler) for n in probes]
    return Answers(*(np.concatenate(one, axis=1) for one in zip(*parts, strict=True)))


def activations(net: Transformer, weights: Parameters, tokens: torch.Tensor, probes: list[int]) -> np.ndarray:
    """The stream after each layer at the last position of each prompt: (agents, layers, probes x episodes, width)."""
    seen: list[torch.Tensor] = []

    def watch(name: str, layer: int, tensor: torch.Tensor) -> None:
        if name == "residual":
            seen.append(torch.cat([tensor[:, :, 3 * n] for n in probes], 1))

    with torch.no_grad():
        net(weights, tokens, watch)
    return torch.stack(seen, 1).double().numpy(force=True)


def steering_vectors(z: np.ndarray, entropy: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Directions made of activations and action entropies, all as long as that of EAST.

    Parameters
    ----------
    z : ndarray, shape (agents, layers, prompts, width)
    entropy : ndarray, shape (agents, prompts)
        In any unit; weights of the mean.

    Returns
    -------
    dict of ndarray, shape (agents, layers, width)
        `east`: entropy-weighted mean less the mean. `raw`: along the weighted mean itself. `contrastive`: prompts above
        the median less those below. `shuffled`: EAST with entropies handed to other prompts. `random`: isotropic.
    """

    def weighted(weights: np.ndarray) -> np.ndarray:
        return np.einsum("an,alnw->alw", weights / weights.sum(-1, keepdims=True), z)

    raw = weighted(entropy)
    east = raw - z.mean(2)
    high = entropy > np.median(entropy, axis=-1, keepdims=True)
    other = {
        "raw": raw,
        "contrastive": weighted(high.astype(float)) - weighted((~high).astype(float)),
        "shuffled": weighted(rng.permuted(entropy, axis=-1)) - z.mean(2),
        "random": rng.normal(size=east.shape),
    }
    length = np.linalg.norm(east, axis=-1, keepdims=True)
    return {"east": east} | {name: v * length / np.linalg.norm(v, axis=-1, keepdims=True) for name, v in other.items()}


def allowed_tokens(first: int, many: int, device: str) -> torch.Tensor:
    """True for tokens of one kind, shape (symbols,)."""
    found = torch.arange(VOCABULARY, device=device)
    return (found >= first) & (found < first + many)
