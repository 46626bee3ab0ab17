"""Lyapunov spectra of all 129 flows with standard errors: wall time, and how many exponents are known to 1 %.

    python benchmarks/zoo_spectra.py [--steps 40000] [--workers 2]

Compilation is included and its cache switched off.
"""

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from pesin.integrate import taylor
from pesin.integrate.spectrum import lyapunov
from pesin.steps.parallel import each
from pesin.systems import zoo


def spectrum(name, steps):
    if taylor.HERE:
        import heyoka

        heyoka.llvm_state.set_diskcache_enabled(False)
    start = time.perf_counter()
    found = lyapunov(zoo.get(name), np.random.default_rng(0), target=0.008, max_steps=steps)
    return found.exponents[0], found.errors[0], time.perf_counter() - start


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--steps", type=int, default=40_000)
    arguments.add_argument("--workers", type=int, default=2)
    given = arguments.parse_args()
    names = zoo.names("flow")
    start = time.perf_counter()
    top, error, seconds = np.array(each(partial(spectrum, steps=given.steps), names, given.workers)).T
    print(f"spectra of all {len(names)} flows: {time.perf_counter() - start:.1f} s wall")
    chaotic = top > 3 * error
    relative = error[chaotic] / top[chaotic]
    for bound in (0.01, 0.03):
        print(f"relative error below {bound:.0%}: {(relative < bound).mean():.0%} of {chaotic.sum()} chaotic flows")
    slowest = np.argsort(-seconds)[:5]
    print("slowest:", ", ".join(f"{names[i]} {seconds[i]:.1f} s" for i in slowest))


if __name__ == "__main__":
    main()
