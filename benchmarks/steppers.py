"""Times the fixed-step solvers against torchsde and torchdiffeq, both in one run: equal fields, steps and states.

    python benchmarks/steppers.py [--runs 1 4 16] [--samples 256] [--steps 100] [--repeats 5]

The peers are no part of the environment: `pip install --no-deps torchsde torchdiffeq trampoline`, or into a folder by
`--target`, which PYTHONPATH then names. All sides take one step from each time to the next, in one thread. Runs have
parameters of their own; ours move in one runs axis. The peers move one run after the other, as they are mostly used,
and all runs at once, folded into what they know (torchdiffeq: a state of any shape; torchsde: its batch). They keep all
states; ours are handed on and let go.

- ODE: a network of two layers for each run, by `steppers.follow`. Before, the ends are compared: Euler and midpoint
  must agree to rounding; torchdiffeq's rk4 is another rule of order four, so that it agrees to its error.
- SDE: an Ornstein-Uhlenbeck process for each run, by `steppers.follow_sde` (the method of Euler and Maruyama, as
  torchsde's) and by `stochastic.ornstein_uhlenbeck`, which is exact in law. Before, the variances of the ends are
  compared with those that each method has in theory.

Each repeat takes ours and both ways of the peer in turn; the ratio of their processor times (peer / ours) is taken in
each repeat, and its median printed with the smallest and largest.
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
import torch

try:
    import torchdiffeq
    import torchsde
except ImportError as missing:
    sys.exit(f"{missing}: pip install --no-deps torchsde torchdiffeq trampoline")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.integrate.steppers import follow, follow_sde, last
from pesin.integrate.stochastic import ornstein_uhlenbeck

DIM, WIDTH, END = 2, 32, 2.0
METHODS = {"euler": 1e-12, "midpoint": 1e-12, "rk4": 1e-6}
"""And the largest difference of two ends."""


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    print(f"{'ours':28s} {'peer':22s} {'R':>3s}  {'ours (s)':>9s}  peer / ours: one by one, at once (min to max)")
    with torch.no_grad():
        for runs in options.runs:
            for method in METHODS:
                odes(runs, method, options)
            sdes(runs, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


# ----------------------------------------------------------------------------------------------------------------- ODE


def network(weights: list[torch.Tensor]) -> Callable:
    """(x, t) -> dx/dt, x (runs, samples, DIM)."""
    w1, b1, w2, b2 = weights
    return lambda x, t: torch.baddbmm(b2, torch.tanh(torch.baddbmm(b1, x, w1)), w2)


def odes(runs: int, method: str, options: argparse.Namespace) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = (runs, DIM, WIDTH), (runs, 1, WIDTH), (runs, WIDTH, DIM), (runs, 1, DIM)
    weights = [torch.randn(shape, generator=generator) / 3 for shape in shapes]
    x = torch.randn((runs, options.samples, DIM), generator=generator)
    times = torch.linspace(0, END, options.steps + 1)
    steps = times.tolist()

    def theirs(weights, x):
        field = network(weights)
        return torchdiffeq.odeint(lambda t, state: field(state, t), x, times, method=method)[-1]

    sides = {
        "ours": lambda: last(follow(network(weights), x, steps, method)),
        "one by one": lambda: torch.cat([theirs([w[i : i + 1] for w in weights], x[i : i + 1]) for i in range(runs)]),
        "at once": lambda: theirs(weights, x),
    }
    ends = {name: side() for name, side in sides.items()}
    apart = max(float((end - ends["ours"]).abs().max()) for end in ends.values())
    if not apart < METHODS[method]:
        sys.exit(f"The ends by {method} are {apart:.2g} apart: both sides didn't solve the same equations.")
    report(f"follow, {method}", f"torchdiffeq, {method}", runs, sides, options.repeats)


# ----------------------------------------------------------------------------------------------------------------- SDE


class Linear(torch.nn.Module):
    """dx = -K x dt + sqrt(2) dW for torchsde, all runs folded into its batch."""

    noise_type, sde_type = "diagonal", "ito"

    def __init__(self, rates: torch.Tensor):
        super().__init__()
        self.back = -rates.mT

    def f(self, t, y):
        return torch.bmm(y.view(len(self.back), -1, DIM), self.back).view_as(y)

    def g(self, t, y):
        return torch.full_like(y, 2**0.5)


def sdes(runs: int, options: argparse.Namespace) -> None:
    rate = torch.linspace(0.5, 2.0, runs * DIM).view(runs, DIM)
    rates = torch.diag_embed(rate)  # handed on as full matrices
    times, step = torch.linspace(0, END, options.steps + 1), END / options.steps
    start = torch.zeros((runs, options.samples, DIM))
    steps, matrices = times.tolist(), rates.numpy()
    seeds = iter(range(10**9))

    def theirs(rates, x):
        torch.manual_seed(next(seeds))
        flat = x.reshape(-1, DIM)
        return torchsde.sdeint(Linear(rates), flat, times, method="euler", dt=step)[-1].view_as(x)

    def euler():
        generator = torch.Generator().manual_seed(next(seeds))
        back = -rates.mT
        return last(
            follow_sde(
                lambda x, t: torch.bmm(x, back),
                lambda t: 2**0.5,
                start,
                steps,
                lambda x: torch.randn(x.shape, generator=generator),
            )
        )

    def exact():
        rng = np.random.default_rng(next(seeds))
        paths = ornstein_uhlenbeck(matrices[:, None], 2 * np.eye(DIM), start.numpy(), steps, rng)
        return torch.from_numpy(last(paths))

    peers = {
        "one by one": lambda: torch.cat([theirs(rates[i : i + 1], start[i : i + 1]) for i in range(runs)]),
        "at once": lambda: theirs(rates, start),
    }
    # The variance of Euler's steps, and that of the process.
    left = 1 - rate * step
    stepped = 2 * step * (1 - left ** (2 * options.steps)) / (1 - left**2)
    law = -torch.expm1(-2 * rate * END) / rate
    for name, ours, expected in (("follow_sde", euler, stepped), ("ornstein_uhlenbeck", exact, law)):
        sides = {"ours": ours} | peers
        for side, run in sides.items():
            found = (run() ** 2).mean(1) / (expected if side == "ours" else stepped)
            off = float((found - 1).abs().max()) / (2 / options.samples) ** 0.5
            if not off < 6:
                sys.exit(f"{name}, {side}: a variance is {off:.1f} standard errors off what the method has in theory.")
        report(name, "torchsde, euler", runs, sides, options.repeats)


# ------------------------------------------------------------------------------------------------------------- timing


def report(name: str, peer: str, runs: int, sides: dict[str, Callable], repeats: int) -> None:
    """One line: the median time of ours, and both ratios."""
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side, run in sides.items():
            begin = time.process_time()
            run()
            taken[side].append(time.process_time() - begin)
    said = []
    for side in list(sides)[1:]:
        ratios = [theirs / ours for theirs, ours in zip(taken[side], taken["ours"], strict=True)]
        said.append(f"{statistics.median(ratios):5.1f} ({min(ratios):.1f} to {max(ratios):.1f})")
    print(f"{name:28s} {peer:22s} {runs:3d}  {statistics.median(taken['ours']):9.4f}  {', '.join(said)}", flush=True)


if __name__ == "__main__":
    main()
