"""What both trainings share: networks, their parameters, and the runs that are trained together."""

from __future__ import annotations

import numpy as np
import torch

from pesin.models.mlp import Parameters
from pesin.models.reparametrisation import Reparametrisation
from pesin.models.transformer import Transformer
from pesin.steps.case import Case
from studies.sigma_reparam_attention_entropy.shared_params import Network, Variant


def make_net(asked: Network, variant: Variant, layers: int, **shape) -> Transformer:
    """The network of a variant."""
    return Transformer(
        width=asked.width, layers=layers, heads=asked.heads, init=asked.init, embedding_std=asked.embedding_std,
        norm=variant.norm, qk_norm=variant.qk_norm, score_scale=variant.score_scale, **shape,
    )  # fmt: skip


Runs = list[tuple[float, int]]
"""Learning rate and seed of each."""


def parts_of(rates: list[float], seeds: int, at_once: int | None) -> list[Runs]:
    """All runs, rate by rate, in the parts that are trained together."""
    runs = [(rate, seed) for rate in rates for seed in range(seeds)]
    size = at_once or len(runs)
    return [runs[first : first + size] for first in range(0, len(runs), size)]


def joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Put the runs of all parts one after another."""
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def start(
    case: Case, net: Transformer, variant: Variant, seeds: int, runs: Runs
) -> tuple[Reparametrisation, Parameters]:
    """Parameters of the runs, of `seeds` seeds in all: the same numbers for every variant and rate of a seed."""
    generator = torch.Generator().manual_seed(case.seed("init"))
    drawn = net.init_parameters(seeds, generator, case.device)
    own = [seed for _, seed in runs]
    parameters = {name: value.detach()[own].requires_grad_() for name, value in drawn.items()}
    kind = variant.reparametrisation
    methods = {} if kind == "none" else dict.fromkeys(net.matrices, kind)
    made = Reparametrisation(methods, variant.gamma_init)
    return made, made.start(parameters)
