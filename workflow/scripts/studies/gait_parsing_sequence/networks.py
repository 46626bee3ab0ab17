"""Networks of one family in one tensor program: backbone, head of strips, head of parts, network for joints.

Runs are ordered by seed, then by network; those of one seed begin with the same numbers and see the same batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import batch_norm

from pesin.models.convolution import conv, init_conv
from pesin.models.mlp import Parameters, apply_mlp, init_mlp
from pesin.models.neighbourhoods import normalised_adjacency
from studies.gait_parsing_sequence.params import Train
from studies.gait_parsing_sequence.representations import ARMS, CLASSES, PARTS, table
from studies.gait_parsing_sequence.walkers import JOINTS

NODES = 5
STAR = [[1], [0], [0], [0], [0]]  # a neighbour of each node: trunk, left arm, right arm, left leg, right leg
MOMENTUM = 0.1  # of the moments that batch normalisation keeps


@dataclass(frozen=True)
class Family:
    """Networks that are trained in one loop.

    Attributes
    ----------
    arms
        Their names.
    seeds
        Each network once for each of them.
    graphs : Tensor, shape (runs, 5, 5)
        Adjacencies of the head of parts; empty without.
    """

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    graphs: torch.Tensor

    @classmethod
    def of(cls, arms: Sequence[str], seeds: Sequence[int], rngs: Sequence[np.random.Generator], device: str) -> Family:
        """With graphs drawn, where an arm asks for them."""
        graphs = [adjacency(ARMS[arm].graph, rng) for rng in rngs for arm in arms if ARMS[arm].masks]
        return cls(tuple(arms), tuple(seeds), torch.stack(graphs).to(device) if graphs else torch.empty(0))

    @property
    def first(self):
        """One of its networks, for what they share."""
        return ARMS[self.arms[0]]


def adjacency(graph: str, rng: np.random.Generator) -> torch.Tensor:
    """Normalised adjacency with self loops of five parts, (5, 5): a star about the trunk, no edge, or another tree."""
    if graph == "none":
        return torch.eye(NODES)
    if graph == "star":
        return normalised_adjacency(torch.tensor(STAR))
    tree = star = adjacency("star", rng)
    while torch.equal(tree, star):
        order = rng.permutation(NODES)
        parent = np.zeros((NODES, 1), np.int64)
        parent[order[1:], 0] = [order[rng.integers(i)] for i in range(1, NODES)]
        parent[order[0], 0] = order[1]
        tree = normalised_adjacency(torch.as_tensor(parent))
    return tree


def draw(
    family: Family, params: Train, people: int, generators: Sequence[torch.Generator], device: str
) -> tuple[Parameters, Parameters]:
    """Weights, gradients asked for of those that learn, and moments of the batch normalisations; first axis the run."""
    own = [_one(family, params, people, generator) for generator in generators]
    many, weights, still = len(family.arms), {}, {f"bias_{name}" for name, *_ in layers(params)}
    for name in own[0]:
        drawn = torch.cat([one[name].detach() for one in own]).repeat_interleave(many, 0)
        weights[name] = drawn.to(device).requires_grad_(name not in still)
    moments = {}
    for name, value in weights.items():
        if name.startswith("gain_"):
            moments[name.replace("gain", "mean", 1)] = torch.zeros_like(value)
            moments[name.replace("gain", "variance", 1)] = torch.ones_like(value)
    return weights, moments


def _one(family: Family, params: Train, people: int, generator: torch.Generator) -> Parameters:
    found, wide = {}, params.channels[-1]

    def normal(name: str, *shape: int) -> None:
        found[name] = torch.randn(1, *shape, generator=generator) * shape[-2] ** -0.5

    if family.first.kind == "joints":
        wide = params.hidden[-1]
        found |= init_mlp(1, [2 * len(JOINTS), *params.hidden], generator)
    else:
        for name, channels, size, _ in layers(params):
            found |= init_conv(1, name, channels, (size, size), generator)
            found |= _plain_norm(name, channels[1])
            found[f"bias_{name}"] = torch.zeros(1, channels[1])  # and stays: the normalisation takes it away
    heads = params.strips + (NODES if family.first.masks else 0)
    normal("head", heads, wide, params.code)
    normal("classes", heads, params.code, people)
    found |= _plain_norm("code", heads * params.code)
    if family.first.masks:
        normal("mix", wide, wide)
        found["share"] = torch.full((1, NODES), 0.75)
    return found


def _plain_norm(name: str, many: int) -> Parameters:
    return {f"gain_{name}": torch.ones(1, many), f"shift_{name}": torch.zeros(1, many)}


def layers(params: Train) -> list[tuple[str, tuple[int, int], int, int]]:
    """Name, channels, kernel and stride of each convolution; of a residual stage a, b and, if it changes shape, s."""
    found, before = [], PARTS
    for i, (wide, stride) in enumerate(zip(params.channels, params.strides, strict=True)):
        found.append((f"a{i}", (before, wide), 3, stride))
        if params.residual and i:
            found.append((f"b{i}", (wide, wide), 3, 1))
            if before != wide or stride != 1:
                found.append((f"s{i}", (before, wide), 1, stride))
        before = wide
    return found


def embed(
    family: Family,
    params: Train,
    weights: Parameters,
    moments: Parameters,
    shown: Mapping[str, torch.Tensor],
    training: bool,
) -> torch.Tensor:
    """Code of each sequence, shape (runs, sequences, strips and parts, code).

    Parameters
    ----------
    shown
        For each seed of the family, `labels` and `masks`, uint8 of shape (seeds, sequences, frames, rows, columns), or
        `joints` of shape (seeds, sequences, frames, 17, 2), in frames of height 1.
    training
        Normalise by the batch, and take its moments in; else by the moments.
    """
    if family.first.kind == "joints":
        shape = shown["joints"].shape
        found = apply_mlp(weights, shown["joints"].reshape(shape[0], -1, 2 * len(JOINTS)), torch.relu)
        pooled = found.unflatten(1, shape[1:3]).max(2).values.unsqueeze(2).expand(-1, -1, params.strips, -1)
    else:
        maps = _backbone(family, params, weights, moments, shown["labels"], training)
        maps = maps.unflatten(1, shown["labels"].shape[1:3])
        strips = maps.max(2).values.unflatten(-2, (params.strips, -1)).flatten(-2)
        pooled = (strips.mean(-1) + strips.max(-1).values).transpose(2, 3)
        if family.first.masks:
            parts = _parts(family, weights, maps, shown["masks"])
            pooled = torch.cat([pooled, parts], 2)
    return torch.einsum("rbpc,rpcd->rbpd", pooled, weights["head"])


def _backbone(family: Family, params: Train, weights, moments, labels: torch.Tensor, training: bool) -> torch.Tensor:
    """Feature maps, (runs, frames, channels, rows, columns).

    What the labels put into channels is linear, and so is part of the first layer: its kernels then see the one-hot
    labels, which the networks of a seed share.
    """

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return _normalised(x, name, weights, moments, training)

    many, seeds = len(family.arms), len(family.seeds)
    parts = torch.arange(1, PARTS + 1, dtype=torch.uint8, device=labels.device)
    one_hot = (labels.flatten(1, 2).unsqueeze(2) == parts.view(-1, 1, 1)).float()
    tables = torch.stack([torch.as_tensor(table(ARMS[arm].kind)) for arm in family.arms]).to(labels.device)
    kernels = torch.einsum("saoiyx,ali->saolyx", weights["weight_a0"].unflatten(0, (seeds, many)), tables)
    first = {"weight_a0": kernels.flatten(1, 2), "bias_a0": weights["bias_a0"].reshape(seeds, -1)}
    x = conv(first, "a0", one_hot, params.strides[0]).transpose(0, 1)
    x = torch.relu(norm(x.unflatten(2, (many, -1)).flatten(1, 2).transpose(0, 1), "a0"))
    for i, stride in enumerate(params.strides[1:], 1):
        y = norm(conv(weights, f"a{i}", x, stride), f"a{i}")
        if params.residual:
            y = norm(conv(weights, f"b{i}", torch.relu(y), 1), f"b{i}")
            y = y + (norm(conv(weights, f"s{i}", x, stride), f"s{i}") if f"weight_s{i}" in weights else x)
        x = torch.relu(y)
    return x


def _normalised(x: torch.Tensor, name: str, weights, moments, training: bool) -> torch.Tensor:
    """Batch normalisation of each run by itself: (runs, batch, channels, ...)."""
    mean, variance, gain, shift = (
        part[f"{key}_{name}"].flatten()
        for part, key in ((moments, "mean"), (moments, "variance"), (weights, "gain"), (weights, "shift"))
    )
    flat = batch_norm(x.transpose(0, 1).flatten(1, 2), mean, variance, gain, shift, training, MOMENTUM)
    return flat.unflatten(1, (len(x), -1)).transpose(0, 1)


def _parts(family: Family, weights: Parameters, maps: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Features of the parts, mixed along the graph, (runs, sequences, 5, channels).

    Each map is weighted by the share inside the part and by one less it outside, and pooled by mean and maximum.
    """
    rows, columns = maps.shape[-2:]
    step = labels.shape[-2] // rows, labels.shape[-1] // columns
    small = labels[..., :: step[0], :: step[1]][..., :rows, :columns]
    group = torch.tensor([NODES, *CLASSES["five"]], device=labels.device)[small.int()]
    inside = (group.unsqueeze(3) == torch.arange(NODES, device=labels.device).view(-1, 1, 1)).to(maps.dtype)
    inside = inside.flatten(-2).repeat_interleave(len(family.arms), 0)  # (runs, sequences, frames, 5, pixels)
    share = weights["share"].view(-1, 1, 1, NODES, 1)
    flat = maps.flatten(-2)
    within = inside @ flat.mT
    mean = (2 * share - 1) * within + (1 - share) * flat.sum(-1).unsqueeze(3)
    with torch.no_grad():  # where the maxima lie; gradients go there alone
        weight = inside * (2 * share - 1) + (1 - share)
        place = torch.stack([(flat * part.unsqueeze(3)).argmax(-1) for part in weight.unbind(3)], -1)
        there = inside.gather(-1, place.mT)
    highest = flat.gather(-1, place).mT * (there * (2 * share - 1) + (1 - share))
    pooled = mean / (rows * columns) + highest
    mixed = torch.einsum("rpq,rbtqc,rcd->rbtpd", family.graphs, pooled, weights["mix"])
    return torch.relu(mixed).max(2).values


def losses(
    params: Train, weights: Parameters, moments: Parameters, codes: torch.Tensor, people: torch.Tensor
) -> torch.Tensor:
    """Triplet loss and cross-entropy of each run, averaged over strips and parts, shape (runs,).

    Parameters
    ----------
    codes
        As `embed` gives them, those of a person side by side.
    people : LongTensor, shape (runs, sequences)
        Who they are.
    """
    runs, batch, heads, _ = codes.shape
    normal = _normalised(codes.flatten(2), "code", weights, moments, True).unflatten(2, (heads, -1))
    cosine = torch.einsum(
        "rbpd,rpdn->rpbn",
        torch.nn.functional.normalize(normal, dim=-1),
        torch.nn.functional.normalize(weights["classes"], dim=2),
    )
    target = people.unsqueeze(1).expand(-1, heads, -1)
    entropy = torch.nn.functional.cross_entropy(
        (params.logit_scale * cosine).flatten(0, 2), target.flatten(), reduction="none"
    )
    return entropy.view(runs, -1).mean(1) + batch_all(codes.transpose(1, 2), params.each, params.margin).mean(1)


def batch_all(codes: torch.Tensor, each: int, margin: float) -> torch.Tensor:
    """Triplet loss over all triplets of a batch, the mean of those above zero (Hermans et al. 2017, arXiv 1703.07737).

    Parameters
    ----------
    codes : Tensor, shape (..., batch, dim)
        Those of a person side by side, `each` of them.

    Returns
    -------
    Tensor, shape (...)
    """
    batch = codes.shape[-2]
    square = codes.square().sum(-1)
    apart = square.unsqueeze(-1) + square.unsqueeze(-2) - 2 * codes @ codes.mT
    apart = apart.clamp(min=1e-9).sqrt()
    person = torch.arange(batch, device=codes.device) // each
    same = person[:, None] == person
    places = torch.arange(batch, device=codes.device).expand(batch, batch)
    others = places[same & ~torch.eye(batch, dtype=torch.bool, device=codes.device)].view(batch, -1)
    strangers = places[~same].view(batch, -1)
    shape = apart.shape[:-2]
    near = torch.take_along_dim(apart, others.expand(*shape, -1, -1), -1).unsqueeze(-1)
    far = torch.take_along_dim(apart, strangers.expand(*shape, -1, -1), -1).unsqueeze(-2)
    terms = torch.relu(near - far + margin)
    return terms.sum((-3, -2, -1)) / (terms > 0).sum((-3, -2, -1)).clamp(min=1)
