"""Grouped convolutions against a loop over the runs: processor seconds of a forward and a backward pass.

    python benchmarks/convolutions.py [--runs 9] [--batch 8] [--repeats 5] [--threads 1]

Layers like those of networks for rows, images and movies of 32 points a side and 12 frames. The program ends with an
error if the two ways differ. Processor seconds, so that other programs matter less; medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.models.convolution import CONVOLUTIONS, TRANSPOSED, conv, conv_transposed, init_conv

LAYERS: dict[str, tuple[tuple[int, int], tuple[int, ...], int, tuple[int, ...], bool]] = {
    "row, 16 to 16, 5": ((16, 16), (5,), 1, (128,), False),
    "image, 7 to 16, 5 x 5, stride 2": ((7, 16), (5, 5), 2, (32, 32), False),
    "image, 16 to 32, 3 x 3, stride 2": ((16, 32), (3, 3), 2, (16, 16), False),
    "image, 32 to 32, 3 x 3": ((32, 32), (3, 3), 1, (16, 16), False),
    "movie, 7 to 1, 1 x 3 x 3": ((7, 1), (1, 3, 3), 1, (12, 32, 32), False),
    "movie, 8 to 8, 3 x 3 x 3": ((8, 8), (3, 3, 3), 1, (12, 16, 16), False),
    "movie, 12 to 6, 1 x 2 x 2 blocks": ((12, 6), (1, 2, 2), 1, (12, 16, 16), True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name, (channels, kernel, stride, space, transposed) in LAYERS.items():
        generator = torch.Generator().manual_seed(0)
        parameters = init_conv(options.runs, "a", channels, kernel, generator, transposed=transposed)
        x = torch.randn(options.runs, options.batch, channels[0], *space, generator=generator).requires_grad_()
        strides = list(kernel) if transposed else [stride] * len(kernel)

        def grouped(parameters=parameters, x=x, strides=strides, transposed=transposed) -> torch.Tensor:
            return (conv_transposed if transposed else conv)(parameters, "a", x, strides)

        def looped(parameters=parameters, x=x, strides=strides, transposed=transposed) -> torch.Tensor:
            return one_after_the_other(parameters, x, strides, transposed)

        inputs = [x, *parameters.values()]
        worst = compare(grouped, looped, inputs)
        if not worst < 1e-3:
            sys.exit(f"{name}: the ways differ by {worst:.2g}")
        seconds = [[timed(way, inputs) for way in (grouped, looped)] for _ in range(options.repeats)]
        both = [statistics.median(column) for column in zip(*seconds, strict=True)]
        print(f"{name}: {1e3 * both[0]:.1f} ms grouped, {1e3 * both[1]:.1f} ms looped, ratio {both[0] / both[1]:.2f}")


def one_after_the_other(parameters, x: torch.Tensor, strides: list[int], transposed: bool) -> torch.Tensor:
    """What `conv` and `conv_transposed` do, with a call for each run."""
    weight, bias = parameters["weight_a"], parameters["bias_a"]
    space, found = len(strides), []
    for w, b, one in zip(weight, bias, x, strict=True):
        if transposed:
            found.append(TRANSPOSED[space - 1](one, w, b, strides))
        else:
            wide = [size // 2 for size in w.shape[2:]]
            found.append(CONVOLUTIONS[space - 1](one, w, b, strides, wide))
    return torch.stack(found)


def compare(grouped: Callable, looped: Callable, inputs: list[torch.Tensor]) -> float:
    """Largest difference in outputs and gradients, over the largest number; warms up."""
    found = [[way(), *torch.autograd.grad(way().square().mean(), inputs)] for way in (grouped, looped)]
    return max(float(((a - b).abs().max() / b.abs().max()).detach()) for a, b in zip(*found, strict=True))


def timed(way: Callable, inputs: list[torch.Tensor]) -> float:
    begin = time.process_time()
    torch.autograd.grad(functional.relu(way()).sum(), inputs)
    return time.process_time() - begin


if __name__ == "__main__":
    main()
