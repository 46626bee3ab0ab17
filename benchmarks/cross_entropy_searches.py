"""Zeros of zeta by cross-entropy: all starts at once, against one after the other, and against mpmath's root finder.

    python benchmarks/cross_entropy_searches.py [--starts 120] [--low 10] [--high 60] [--repeats 5]

Each repeat runs all three from the same starts, one after the other, in one thread. Printed are processor seconds, the
median of the ratio to all at once with its smallest and largest value, and how many of the known zeros each found; the
program ends with an error if they don't find as many.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import mpmath
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.stats.cross_entropy import search
from studies.riemann_cross_entropy.dirichlet import values

CLIP = ((0.01, 2.0), (0.99, np.inf))


def by_searches(starts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Limits of the searches, as the study makes them."""
    x = np.stack([starts.real, starts.imag], -1)
    width = np.broadcast_to((0.25, 1.0), x.shape)
    mean = search(lambda s: abs(values("zeta", s @ np.array([1, 1j]))), x, width, 80, 10, 0.8, 50, rng, CLIP).mean[-1]
    return mean @ np.array([1, 1j])


def one_by_one(starts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([by_searches(start[None], rng) for start in starts])


def by_mpmath(starts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mueller's method; a start from which it fails gives nothing."""
    found = []
    for start in starts.tolist():
        try:
            found.append(complex(mpmath.findroot(mpmath.zeta, start, solver="muller", verify=False)))
        except (ValueError, ZeroDivisionError):
            continue
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("starts", 120), ("low", 10), ("high", 60), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    numbers = range(int(mpmath.nzeros(given.low)) + 1, int(mpmath.nzeros(given.high)) + 1)
    known = np.array([complex(mpmath.zetazero(n)) for n in numbers])
    ways = {"all at once": by_searches, "one by one": one_by_one, "mpmath": by_mpmath}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found = {}
    for repeat in range(given.repeats):
        rng = np.random.default_rng(repeat)
        starts = rng.uniform(0.05, 0.95, given.starts) + 1j * rng.uniform(given.low, given.high, given.starts)
        for name, way in ways.items():
            begun = time.process_time()
            limits = way(starts, rng)
            seconds[name].append(time.process_time() - begun)
            found[name] = int((abs(limits[:, None] - known) < 1e-6).any(0).sum())
        if len(set(found.values())) > 1:
            sys.exit(f"repeat {repeat}: of {len(known)} zeros they found {found}; more --starts may help")
    for name, spent in seconds.items():
        ratio = [a / b for a, b in zip(spent, seconds["all at once"], strict=True)]
        print(
            f"{name:<12}{statistics.median(spent):>8.2f} s  ratio {statistics.median(ratio):.2f} "
            f"({min(ratio):.2f} to {max(ratio):.2f})  {found[name]} of {len(known)} zeros in the last repeat"
        )


if __name__ == "__main__":
    main()
