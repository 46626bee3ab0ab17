"""The agents: their action distribution with thoughts summed out, and steering vectors made of their activations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters
from pesin.models.sampling import adjusted
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
Agents = Callable[..., torch.Tensor]
"""Tokens, and how many of the last are `alternatives`, to logits: all but the weights of a `Transformer` bound in."""


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
    at = {"direction": direction}
    vectors = trained["vectors"].sel(at).transpose("agent", "layer", "width").values
    return chosen(torch.as_tensor(dose * vectors), trained["layer_chosen"].sel(at).to_numpy())


def null_shift_of(trained: xr.DataTree, kind: str, null: int, dose: float) -> torch.Tensor:
    """The same for a direction of a null, `random` or `shuffled`, at the layers chosen for it."""
    at = {"null_kind": kind, "null": null}
    vectors = trained["null_vectors"].sel(at).transpose("agent", "layer", "width").values
    return chosen(torch.as_tensor(dose * vectors), trained["null_layer_chosen"].sel(at).to_numpy())


def chosen(vectors: torch.Tensor, layers: np.ndarray) -> torch.Tensor:
    """Vectors of all layers (agents, layers, width), those of other layers than each agent's set to 0."""
    mine = torch.as_tensor(layers)[:, None] == torch.arange(vectors.shape[1])
    return torch.where(mine[..., None], vectors, 0).float()


def steered(net: Transformer, weights: Parameters, shift: torch.Tensor | None = None) -> Agents:
    """The agents as a function of tokens, `shift` added after each layer at all positions.

    It has shape (agents, layers, width), or (agents, prompts, layers, width) where prompts differ.
    """
    if shift is None or not shift.any():
        return partial(net, weights)
    moved = (shift if shift.dim() == 4 else shift[:, None]).to(weights["embed"].device)
    return partial(net, weights, steer=lambda layer, x: x + moved[:, :, layer, None])


def answers(model: Agents, prompts: torch.Tensor, sampler: Sampler = adjusted) -> Answers:
    """Thoughts and actions after prompts, exactly: p(action) = sum over thoughts p(thought) p(action | thought).

    Parameters
    ----------
    prompts : int64 Tensor, shape (agents, prompts, length)
        They end before a thought.
    """
    return read_off(branches(model, prompts), sampler)


@torch.no_grad()
def branches(model: Agents, prompts: torch.Tensor) -> torch.Tensor:
    """Logits after prompts, and after each thought: (agents, prompts, length) to (.., .., 1 + thoughts, symbols)."""
    every = torch.arange(THOUGHT, ACTION, device=prompts.device)
    longer = torch.cat([prompts, every.expand(*prompts.shape[:2], -1)], -1)
    return model(longer, alternatives=len(THOUGHTS))[:, :, -1 - len(THOUGHTS) :].double()


def read_off(logits: torch.Tensor, sampler: Sampler) -> Answers:
    """Answers of `branches` under a sampler."""
    found = sampler(logits).exp()
    thoughts = found[:, :, 0, THOUGHT:ACTION]
    actions = (thoughts[..., None] * found[:, :, 1:, ACTION : ACTION + ARMS]).sum(2)
    return Answers(thoughts.numpy(force=True), actions.numpy(force=True))


def prompts_of(tokens: np.ndarray, observations: int, agents: int, device: str = "cpu") -> torch.Tensor:
    """Histories (episodes, positions) cut after so many observations, the same for all agents."""
    part = torch.as_tensor(tokens[:, : 1 + 3 * observations].astype(np.int64), device=device)
    return part.expand(agents, -1, -1)


def probed(
    model: Agents, tokens: np.ndarray, probes: list[int], agents: int, device: str, sampler: Sampler = adjusted
) -> Answers:
    """`answers` at several numbers of observations: arrays (agents, probes x episodes, ...)."""
    return sampled(model, tokens, probes, agents, device, [sampler])[0]


def sampled(
    model: Agents, tokens: np.ndarray, probes: list[int], agents: int, device: str, samplers: list[Sampler]
) -> list[Answers]:
    """`probed` under several samplers, which share the passes through the network."""
    logits = [branches(model, prompts_of(tokens, n, agents, device)) for n in probes]
    return [
        Answers(*(np.concatenate(one, axis=1) for one in zip(*(read_off(x, sampler) for x in logits), strict=True)))
        for sampler in samplers
    ]


def activations(net: Transformer, weights: Parameters, tokens: torch.Tensor, probes: list[int]) -> np.ndarray:
    """The stream after each layer at the last position of each prompt: (agents, layers, probes x episodes, width)."""
    seen: list[torch.Tensor] = []

    def watch(name: str, layer: int, tensor: torch.Tensor) -> None:
        if name == "residual":
            seen.append(torch.cat([tensor[:, :, 3 * n] for n in probes], 1))

    with torch.no_grad():
        net(weights, tokens, watch)
    return torch.stack(seen, 1).double().numpy(force=True)


class Vectors(NamedTuple):
    """Directions, all as long as that of EAST at the same layer."""

    named: dict[str, np.ndarray]
    """(agents, layers, width): `east`, the entropy-weighted mean less the mean; `raw`, along the weighted mean itself;
    `contrastive`, prompts above the median less those below; and one of each null."""
    null: dict[str, np.ndarray]
    """(directions, agents, layers, width): `random`, isotropic; `shuffled`, EAST with entropies of other prompts."""


def steering_vectors(z: np.ndarray, entropy: np.ndarray, directions: int, rng: np.random.Generator) -> Vectors:
    """Directions made of activations and action entropies, and so many of each null.

    Parameters
    ----------
    z : ndarray, shape (agents, layers, prompts, width)
    entropy : ndarray, shape (agents, prompts)
        In any unit; weights of the mean.
    """

    def weighted(weights: np.ndarray) -> np.ndarray:
        return np.einsum("...an,alnw->...alw", weights / weights.sum(-1, keepdims=True), z, optimize=True)

    raw = weighted(entropy)
    east = raw - z.mean(2)
    length = np.linalg.norm(east, axis=-1, keepdims=True)
    high = entropy > np.median(entropy, axis=-1, keepdims=True)
    many = 1 + directions
    handed = rng.permuted(np.broadcast_to(entropy, (many, *entropy.shape)).copy(), axis=-1)
    null = {"random": rng.normal(size=(many, *east.shape)), "shuffled": weighted(handed) - z.mean(2)}
    named = {"raw": raw, "contrastive": weighted(high.astype(float)) - weighted((~high).astype(float))}
    named |= {kind: v[0] for kind, v in null.items()}

    def as_long(v: np.ndarray) -> np.ndarray:
        return v * length / np.linalg.norm(v, axis=-1, keepdims=True)

    return Vectors(
        {"east": east} | {name: as_long(v) for name, v in named.items()},
        {kind: as_long(v[1:]) for kind, v in null.items()},
    )


def best_allowed(entropy: np.ndarray, invalid: np.ndarray, most: float) -> np.ndarray:
    """Place of the largest entropy whose invalid rate is at most `most`; where none is, of the least invalid rate.

    Shapes (settings, ...) -> (...).
    """
    fits = invalid <= most
    return np.where(fits.any(0), np.where(fits, entropy, -np.inf).argmax(0), invalid.argmin(0))


def best_on_the_way(entropy: np.ndarray, invalid: np.ndarray, most: float, paths: list[slice]) -> np.ndarray:
    """As `best_allowed`, with the places between neighbours of a path at which the invalid rate crosses `most`.

    Both vary linearly from one setting to the next, so that what is found hardly hangs on how fine the settings are.
    Shapes (settings, agents) -> (agents,): places, whole or between two, for `between`.
    """
    place = best_allowed(entropy, invalid, most).astype(float)
    best = np.where((invalid <= most).any(0), np.where(invalid <= most, entropy, -np.inf).max(0), -np.inf)
    for path in paths:
        at = np.arange(len(entropy))[path]
        for a, b in zip(at[:-1], at[1:], strict=True):
            crosses = (invalid[a] <= most) != (invalid[b] <= most)
            share = np.divide(most - invalid[a], invalid[b] - invalid[a], out=np.zeros_like(best), where=crosses)
            there = entropy[a] + share * (entropy[b] - entropy[a])
            better = crosses & (there > best)
            place, best = np.where(better, a + share, place), np.where(better, there, best)
    return place


def between(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Values (settings, agents) at each agent's place, linear between neighbours: (agents,)."""
    low = np.minimum(place.astype(int), len(values) - 1)
    high, agent = np.minimum(low + 1, len(values) - 1), np.arange(len(place))
    return values[low, agent] + (place - low) * (values[high, agent] - values[low, agent])


def allowed_tokens(first: int, many: int, device: str) -> torch.Tensor:
    """True for tokens of one kind, shape (symbols,)."""
    found = torch.arange(VOCABULARY, device=device)
    return (found >= first) & (found < first + many)
