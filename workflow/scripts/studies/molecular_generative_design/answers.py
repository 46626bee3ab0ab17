"""What trained networks answer: properties of strings, strings for properties, and how likely strings are."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters
from pesin.models.sampling import ancestral, sequence_log_prob
from pesin.models.transformer import Transformer
from studies.molecular_generative_design.language import END, Language, asking, designing

TOGETHER = {"forward": "forward", "inverse": "inverse", "mixture": "pairs", "design": "pairs"}
"""Network of one task, by task."""


def weights_of(trained: xr.DataTree, group: str, names: list[str], device: str) -> Parameters:
    """Weights of the runs name/seed of a group, all seeds of a name together."""
    found = trained[group].to_dataset()
    seeds = range(trained.sizes["seed"])
    chosen = found.sel({"run": [f"{name}/{seed}" for name in names for seed in seeds]})
    return {str(name): torch.as_tensor(chosen[name].values, device=device) for name in chosen.data_vars}


def played_by(arms: list[str], task: str, joint: str) -> list[str]:
    """Networks that stand for the arms in a task; `apart`: for `multi` the one of this task, a third of the updates."""
    return [f"{TOGETHER[task]}_third" if arm == "multi" and joint == "apart" else arm for arm in arms]


def properties_of(
    net: Transformer, weights: Parameters, language: Language, task: str, strings: np.ndarray
) -> np.ndarray:
    """Mean over the bins' probabilities, scaled: strings (runs, n, string) -> (runs, n, slots)."""
    return laws_of(net, weights, language, task, strings)[0]


@torch.no_grad()
def laws_of(
    net: Transformer, weights: Parameters, language: Language, task: str, strings: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the law that the bins' probabilities make, even within a bin, as `properties_of`."""
    tokens = torch.as_tensor(asking(task, strings, language.slots), device=weights["embed"].device)
    logits = net(weights, tokens)[..., -language.slots :, language.first_bin :].unflatten(-1, (language.slots, -1))
    shares = logits.diagonal(dim1=-3, dim2=-2).mT.softmax(-1)  # of each slot its own bins
    centres = torch.as_tensor(language.centres, dtype=logits.dtype).to(logits.device)
    mean = shares @ centres
    within = (2 / language.bins) ** 2 / 12
    variance = (shares * (centres - mean[..., None]) ** 2).sum(-1) + within
    return mean.numpy(force=True), variance.sqrt().numpy(force=True)


def strings_for(
    net: Transformer,
    weights: Parameters,
    language: Language,
    task: str,
    bins: np.ndarray,
    uniform: np.ndarray,
    temperature: float,
) -> np.ndarray:
    """String tokens drawn for bins (runs, n, slots) by uniform numbers (runs, n, string) -> (runs, n, string)."""
    device = weights["embed"].device
    prompt, luck, spelling = (
        torch.as_tensor(part, device=device) for part in (designing(task, bins), uniform, language.spelling)
    )
    found = ancestral(partial(net, weights), prompt, luck, temperature, allowed=spelling)
    return found[..., prompt.shape[-1] :].numpy(force=True)


@torch.no_grad()
def string_loss(
    net: Transformer, weights: Parameters, language: Language, task: str, bins: np.ndarray, strings: np.ndarray
) -> np.ndarray:
    """Minus the log-probability of each string with its END, nat: (runs, n, slots), (runs, n, string) -> (runs, n)."""
    tokens = torch.as_tensor(np.concatenate([designing(task, bins), strings], -1), device=weights["embed"].device)
    return -sequence_log_prob(partial(net, weights), tokens, 1 + language.slots).numpy(force=True)


def characters_of(strings: np.ndarray) -> np.ndarray:
    """Characters of each string, its END among them: (..., string) -> (...)."""
    return (strings != END).sum(-1) + 1
