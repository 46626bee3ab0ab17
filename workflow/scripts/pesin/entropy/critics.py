"""Mutual information by trained critics (MINE and its kin), many pairs of variables in one loop along a runs axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from pesin.door import centred, finite
from pesin.entropy.torch_bounds import donsker_varadhan
from pesin.models.mlp import apply_mlp, init_mlp
from pesin.models.optimisers import RunsOptimiser


def critic_information(
    x: np.ndarray,
    y: np.ndarray,
    rng: np.random.Generator,
    bound: Callable[[torch.Tensor], torch.Tensor] = donsker_varadhan,
    width: int = 32,
    steps: int = 400,
    batch: int = 64,
    rate: float = 1e-3,
    check: int = 20,
    device: str = "cpu",
) -> np.ndarray:
    """Mutual information of paired samples by a variational bound (MINE: Belghazi et al., ICML 2018).

    The critic is f(x, y) = g(x) . h(y), g and h perceptrons of one hidden layer. Half of the samples train it, a
    quarter chooses the step at which to stop, and the last quarter gives the value: it can't be learnt by heart.

    Parameters
    ----------
    x : ndarray, shape (runs, samples, dim of x)
        Each run is standardised.
    y : ndarray, shape (runs, samples, dim of y)
    rng
        Generator: split, weights and batches.
    bound
        Bound of `torch_bounds` to maximise; Donsker and Varadhan's makes it MINE.
    width, steps, batch, rate
        Hidden units of g and of h, and their outputs; optimiser steps; pairs in a batch; Adam's rate.
    check
        Steps between two looks at the held-out quarter.

    Returns
    -------
    ndarray, shape (runs,)
        In nats. It scatters: what a critic doesn't find counts as no information.

    Raises
    ------
    ValueError
        If x and y aren't paired, or there are fewer than 16 samples.
    """
    x, y = finite(x), finite(y, "y")
    if x.ndim != 3 or y.ndim != 3 or x.shape[:2] != y.shape[:2]:
        raise ValueError(f"x and y must have shapes (runs, samples, dim), paired; not {x.shape} and {y.shape}")
    runs, samples = x.shape[:2]
    if samples < 16:
        raise ValueError(f"a critic needs at least 16 samples, there are {samples}")
    order = rng.permutation(samples)
    pair = [torch.as_tensor(_standardised(v)[:, order], dtype=torch.float32, device=device) for v in (x, y)]
    half, quarter = samples // 2, 3 * samples // 4
    fit, choose, report = (
        [v[:, part] for v in pair] for part in (slice(half), slice(half, quarter), slice(quarter, None))
    )
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    critics = [init_mlp(runs, [v.shape[-1], width, width], generator, device) for v in pair]
    together = {f"{side}/{name}": value for side, one in enumerate(critics) for name, value in one.items()}
    optimiser, rates = RunsOptimiser(together, "adam"), torch.full((runs,), rate, device=device)

    def score(part: list[torch.Tensor]) -> torch.Tensor:
        g, h = (apply_mlp(critic, v) for critic, v in zip(critics, part, strict=True))
        return bound(g @ h.transpose(-1, -2) / width**0.5)

    best = np.full(runs, -np.inf)
    value = np.zeros(runs)
    for step in range(steps + 1):
        if step % check == 0 or step == steps:
            with torch.no_grad():
                chosen, reported = (score(part).numpy(force=True).astype(float) for part in (choose, report))
            better = chosen > best
            best, value = np.where(better, chosen, best), np.where(better, reported, value)
        if step < steps:
            rows = torch.as_tensor(rng.permutation(half)[: min(batch, half)], device=device)
            optimiser.descend(-score([v[:, rows] for v in fit]), rates)
    return value


def _standardised(v: np.ndarray) -> np.ndarray:
    v = centred(v, 1)
    spread = v.std(1, keepdims=True)
    return (v - v.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1)
