"""Rate matrices of jump processes inferred per second: the network of `markov_jump_inference` against fitted rivals.

    python benchmarks/rates_per_second.py [--states 2 3 4 6] [--processes 500] [--paths 40] [--points 40] [--width 32]
        [--repeats 7]

Each repeat runs the network and its rivals one after the other on the same observed paths of fresh processes, in one
thread, from labels to rates, so that all but EM count transitions first (the network at four lags, the others at one).
Printed are matrices per second of processor time, and how many times as long as the network a rival takes: the ratio is
taken in each repeat, and its median given with the smallest and largest. The network is as it was drawn: its weights
don't change what it costs, and what it cost to train is not in it. EM makes 20 iterations, as the study does.
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
from scipy.linalg import logm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.models.markov import fit_chain, matrix_log_rates, transition_counts
from pesin.systems.jumps import reader
from studies.markov_jump_inference.network import infer, init_network
from studies.markov_jump_inference.worlds import draw_processes, observe

PACE, NOISE = 0.25, 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--states", type=int, nargs="+", default=[2, 3, 4, 6])
    for name, default in (("processes", 500), ("paths", 40), ("points", 40), ("width", 32), ("repeats", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    torch.set_num_threads(1)
    weights, rng = init_network(given.width, torch.Generator().manual_seed(0)), np.random.default_rng(0)
    print(f"{'states':>6}  {'estimator':<26}{'matrices per s':>15}{'times the network':>19}")
    for n in given.states:
        made = draw_processes(rng, given.processes, n, 2.0)
        labels = observe(rng, made.rates, made.start, given.paths, PACE * np.arange(given.points), NOISE)
        report(n, given.processes, estimators(weights, labels, n), given.repeats)


def estimators(weights, labels: np.ndarray, n: int) -> dict[str, Callable[[], np.ndarray]]:
    """All from the same labels; the network first."""

    def matrix_log():
        return matrix_log_rates(transition_counts(labels, n)[:, 0], PACE)[0]

    def one_by_one():
        counts = transition_counts(labels, n)[:, 0] + 1e-9 * np.eye(n)
        return np.stack([logm(one / one.sum(1, keepdims=True)).real / PACE for one in counts])

    def em():
        return matrix_log_rates(fit_chain(labels, reader(n, NOISE), 20).counts, PACE)[0]

    return {
        "network": lambda: infer(weights, labels, n, PACE)[0],
        "matrix log": matrix_log,
        "matrix log, SciPy's logm": one_by_one,
        "EM, errors known": em,
    }


def report(n: int, many: int, ways: dict[str, Callable[[], np.ndarray]], repeats: int) -> None:
    """Run all once, so that all is compiled, then time them in turn."""
    for name, way in ways.items():
        if way().shape != (many, n, n):
            raise SystemExit(f"{name} gives no rates of {many} processes with {n} states")
    seconds = np.array([[timed(way) for way in ways.values()] for _ in range(repeats)])
    for name, own, ratios in zip(ways, seconds.T, (seconds / seconds[:, :1]).T, strict=True):
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        said = "" if name == "network" else f"{middle:8.2f} ({low:.2f} to {high:.2f})"
        print(f"{n:>6}  {name:<26}{many / statistics.median(own):>15.0f}   {said}", flush=True)


def timed(way: Callable[[], np.ndarray]) -> float:
    begin = time.process_time()
    way()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
