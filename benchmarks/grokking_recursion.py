"""Training by the recursion of two weight moments against gradient descent by autograd: seconds of a step of a network.

    python benchmarks/grokking_recursion.py [--runs 5] [--widths 50 500 5000] [--steps 100] [--repeats 5] [--threads 1]

Sizes are those of `lazy_to_rich_grokking` at laptop scale. Both train the same networks on the same samples, autograd
all runs in one tensor program; the program ends with an error if their training losses differ. Processor seconds, so
that other programs matter less; medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from side_by_side import seconds

from studies.lazy_to_rich_grokking.moments import Descent, moments
from studies.lazy_to_rich_grokking.quadratic.simulate import drawn, target

DIM, SAMPLES, ALPHA, EPSILON, RATE = 50, 250, 1.0, 0.25, 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--widths", type=int, nargs="+", default=[50, 500, 5000])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    x = drawn(rng, options.runs, SAMPLES, DIM)
    beta = rng.normal(size=(options.runs, DIM))
    y = target(x, beta)
    for width in options.widths:
        w = rng.normal(size=(options.runs, width, DIM))

        def recursion(w=w) -> np.ndarray:
            descent = Descent(ALPHA, EPSILON, options.steps, RATE)
            return descent.follow(moments(w), x, y, beta).last[:, 0]

        def autograd(w=w) -> np.ndarray:
            return descended(torch.tensor(w), torch.tensor(x), torch.tensor(y), options.steps)

        worst = abs(recursion() / autograd() - 1).max()
        if not worst < 1e-6:
            sys.exit(f"width {width}: the training losses differ by {worst:.2g}")
        pairs = [(seconds(recursion), seconds(autograd)) for _ in range(options.repeats)]
        each = 1e6 / (options.runs * options.steps)
        ours, other = (each * statistics.median(column) for column in zip(*pairs, strict=True))
        ratios = [b / a for a, b in pairs]
        print(
            f"width {width}: {ours:.0f} us a step of a network by the recursion, {other:.0f} by autograd, "
            f"{statistics.median(ratios):.2f} times as long ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def descended(w: torch.Tensor, x: torch.Tensor, y: torch.Tensor, steps: int) -> np.ndarray:
    """Training losses, shape (runs,), after so many steps of gradient descent of all runs at once."""
    width = w.shape[1]
    for _ in range(steps):
        w = w.detach().requires_grad_()
        (slope,) = torch.autograd.grad(losses(w, x, y).sum(), w)
        w = w - RATE * width / ALPHA**2 * slope
    return losses(w.detach(), x, y).numpy()


def losses(w: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    h = x @ w.transpose(1, 2)
    return (ALPHA * (h + EPSILON / 2 * h.square()).mean(-1) - y).square().mean(1)


if __name__ == "__main__":
    main()
