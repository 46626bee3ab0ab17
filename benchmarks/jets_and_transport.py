"""Derivatives of networks pushed forward, and distances of clouds, against their peers.

    python benchmarks/jets_and_transport.py [--repeats 7] [--points 256] [--width 32]

Jets: value, gradient and Laplacian of R networks at n points each, and the backward pass through the sum of their
squares, by `pesin.models.jets` and by `torch.func` (jacfwd of grad, vmapped over points and networks). Distances:
exact W2 of equal clouds (SciPy's assignment) and sliced W2 against POT's `emd2` and `sliced_wasserstein_distance`.
One thread; both sides of a pair run one after the other in each repeat, the ratio is taken there, and its median
given with the ends.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import ot
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.models.jets import ACTIVATIONS, gradient_and_laplacian
from pesin.models.mlp import Parameters, init_mlp
from pesin.stats.transport import sliced_wasserstein2, wasserstein2

TANH = ACTIVATIONS["tanh"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--points", type=int, default=256)
    parser.add_argument("--width", type=int, default=32)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("jets: torch.func's time over ours")
    for dim in (2, 8):
        for runs in (1, 8, 32):
            parameters = init_mlp(runs, [dim, given.width, given.width, 1], torch.Generator().manual_seed(0))
            x = torch.randn(runs, given.points, dim, generator=torch.Generator().manual_seed(1))
            sides = (lambda p=parameters, x=x: of_jets(p, x)), (lambda p=parameters, x=x: of_func(p, x))
            for ours, theirs in zip(*(side() for side in sides), strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
            report(f"{runs} networks, {given.points} points, {dim} inputs", *sides, given.repeats)
    print("distances: POT's time over ours")
    rng = np.random.default_rng(0)
    for n in (200, 1000):
        x, y = rng.standard_normal((2, n, 2))
        exact = (lambda x=x, y=y: wasserstein2(x, y)), (lambda x=x, y=y: ot.emd2([], [], ot.dist(x, y)) ** 0.5)
        np.testing.assert_allclose(exact[0](), exact[1](), rtol=1e-6)
        report(f"W2, {n} points", *exact, given.repeats)
        sliced = (
            lambda x=x, y=y: sliced_wasserstein2(np.random.default_rng(1), x, y, 200),
            lambda x=x, y=y: ot.sliced_wasserstein_distance(x, y, n_projections=200, seed=1),
        )
        np.testing.assert_allclose(sliced[0](), sliced[1](), rtol=0.3)  # other directions
        report(f"sliced W2, {n} points", *sliced, given.repeats)


def of_jets(parameters: Parameters, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Value, gradient, Laplacian, and the gradient of the sum of their squares by the first weights."""
    return stepped(parameters, gradient_and_laplacian(parameters, x, TANH))


def of_func(parameters: Parameters, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The same by nested transforms."""

    def network(weights, point):
        for layer in range(3):
            point = point @ weights[f"weight_{layer}"] + weights[f"bias_{layer}"][0]
            point = torch.tanh(point) if layer < 2 else point
        return point[0]

    slope = torch.func.grad(network, 1)

    def at_point(weights, point):
        bend = torch.func.jacfwd(slope, 1)(weights, point)
        return network(weights, point), slope(weights, point), bend.diagonal().sum()

    return stepped(parameters, torch.vmap(torch.vmap(at_point, (None, 0)))(parameters, x))


def stepped(parameters: Parameters, found) -> tuple[torch.Tensor, ...]:
    loss = sum(part.square().sum() for part in found)
    return *found, torch.autograd.grad(loss, parameters["weight_0"])[0]


def report(name: str, ours: Callable, theirs: Callable, repeats: int) -> None:
    ratios = []
    for _ in range(repeats):
        seconds = []
        for side in (ours, theirs):
            start = time.process_time()
            for _ in range(3):
                side()
            seconds.append(time.process_time() - start)
        ratios.append(seconds[1] / seconds[0])
    print(f"  {name:<40}{statistics.median(ratios):6.2f}  ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)


if __name__ == "__main__":
    main()
