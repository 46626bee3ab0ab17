"""Generalised teacher forcing against an echo state network that is given the same wall time.

    python benchmarks/gtf_against_esn.py [--updates 800] [--seeds 5]

Trains the network of the study by forcing at alpha = 0.5, then fits echo state networks of doubling size, each with the
ridge penalty tuned on held-out data, until a fit takes longer than that training. Prints time, size and the median over
seeds of D_stsp of the free runs; the floor is what a second true orbit scores.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.forecast.attractor import state_space_divergence
from pesin.integrate.ode import rk4
from pesin.models import reservoir, shplrnn
from pesin.systems.flows import lorenz63

HIDDEN, WINDOW, BATCH, LENGTH, WARM_UP = 80, 40, 16, 20_000, 100  # as in the study at laptop scale
RIDGES = np.logspace(-7, -2, 6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=800)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    orbits = [orbit(seed) for seed in range(3)]
    clean, true, second = ((x - orbits[0].mean(0)) / orbits[0].std(0) for x in orbits)
    observed = clean + 0.05 * np.random.default_rng(0).standard_normal(clean.shape)

    begin = time.perf_counter()
    weights = force(observed, options)
    allowed = time.perf_counter() - begin
    start = torch.as_tensor(observed[-1], dtype=torch.float32).expand(options.seeds, 1, 3)
    report("GTF, alpha 0.5", allowed, true, shplrnn.free_run(weights, start, LENGTH)[:, 0].numpy())

    units, seconds = 75, 0.0
    while seconds < allowed:
        rngs = [np.random.default_rng(seed) for seed in range(options.seeds)]
        begin = time.perf_counter()
        fitted = reservoir.fit(observed, units, rngs, RIDGES)
        seconds = time.perf_counter() - begin
        runs = reservoir.forecast(fitted, observed[None, -WARM_UP:], LENGTH)[:, 0]
        report(f"ESN, {units} units", seconds, true, runs)
        units *= 2
    report("second true orbit", 0.0, true, second[None])


def orbit(seed: int) -> np.ndarray:
    start = np.array([1.0, 1.0, 25.0]) + np.random.default_rng(seed).normal(size=3)
    return rk4(lorenz63, start, 0.01, 2 * LENGTH + 2000, 2)[1000 : 1000 + LENGTH]


def force(x: np.ndarray, options) -> shplrnn.Weights:
    rngs = [np.random.default_rng(seed) for seed in range(options.seeds)]
    draw = shplrnn.window_sampler(x, WINDOW, BATCH, rngs, "cpu")
    ones = torch.ones(options.seeds)
    forcing = shplrnn.Forcing(0.5 * ones, ones.long(), torch.zeros(options.seeds, dtype=torch.bool), ones)
    start = shplrnn.closed_form_start(x, HIDDEN, 0.1, rngs)
    return shplrnn.train(start, draw, forcing, options.updates, (2e-2, 1e-4)).weights


def report(name: str, seconds: float, true: np.ndarray, runs: np.ndarray) -> None:
    score = state_space_divergence(true, runs)
    spread = f"(range {score.min():.2f} to {score.max():.2f})"
    print(f"{name:<20}{seconds:7.1f} s   D_stsp {np.median(score):6.2f} nat {spread}")


if __name__ == "__main__":
    main()
