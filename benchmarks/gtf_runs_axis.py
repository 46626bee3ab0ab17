"""Times R trainings by generalised teacher forcing in one runs axis against R trainings one after the other.

    python benchmarks/gtf_runs_axis.py [--runs 24] [--updates 30] [--repeats 5] [--threads 1] [--device cpu]

Prints the two times of each repeat, checks that both ways end at the same weights, and prints the median ratio.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.integrate.ode import rk4
from pesin.models import shplrnn
from pesin.systems.flows import lorenz63

HIDDEN, WINDOW, BATCH = 80, 40, 16  # as in the study at laptop scale


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    x = noisy_lorenz()
    start = shplrnn.closed_form_start(x, HIDDEN, 0.1, [np.random.default_rng(i) for i in range(options.runs)])
    start = shplrnn.Weights(*(w.to(options.device) for w in start))
    alpha = torch.linspace(0.3, 1.0, options.runs, device=options.device)

    def together():
        return train(x, start, alpha, list(range(options.runs)), options)

    def one_by_one():
        runs = [
            train(x, shplrnn.Weights(*(w[i : i + 1] for w in start)), alpha[i : i + 1], [i], options)
            for i in range(options.runs)
        ]
        return shplrnn.Weights(*(torch.cat(w) for w in zip(*runs, strict=True)))

    ratios = []
    for repeat in range(options.repeats + 1):
        fast, batched = timed(together, options.device)
        slow, separate = timed(one_by_one, options.device)
        worst = max(float((a - b).abs().max()) for a, b in zip(batched, separate, strict=True))
        if worst > 1e-2:
            sys.exit(f"The two ways differ by {worst:.2g} in a weight: they didn't train the same networks.")
        if repeat:  # the first warms up
            ratios.append(slow / fast)
            print(f"one axis {fast:.2f} s, one by one {slow:.2f} s, ratio {slow / fast:.1f}, difference {worst:.1e}")
    print(f"median ratio of {len(ratios)}: {statistics.median(ratios):.1f} (R = {options.runs})")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=24)
    parser.add_argument("--updates", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def noisy_lorenz() -> np.ndarray:
    x = rk4(lorenz63, [1.0, 1.0, 25.0], 0.01, 12_000, 2)[1000:]
    return (x - x.mean(0)) / x.std(0) + 0.05 * np.random.default_rng(0).standard_normal(x.shape)


def train(x, start, alpha, seeds, options) -> shplrnn.Weights:
    draw = shplrnn.window_sampler(x, WINDOW, BATCH, [np.random.default_rng(s) for s in seeds], options.device)
    off = torch.zeros(len(alpha), dtype=torch.bool, device=options.device)
    forcing = shplrnn.Forcing(alpha, torch.ones_like(off, dtype=torch.long), off, torch.ones_like(alpha))
    return shplrnn.train(start, draw, forcing, options.updates, (1e-3, 1e-4)).weights


def timed(function, device):
    begin = time.perf_counter()
    result = function()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin, result


if __name__ == "__main__":
    main()
