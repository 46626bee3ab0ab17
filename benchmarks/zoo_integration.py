"""All 129 flows of dysts by the engine here and by dysts' own integrator, in one run.

    python benchmarks/zoo_integration.py [--systems 20] [--periods 72] [--workers 2]

Prints the wall time of all flows (72 periods, 100 points each, tolerance 1e-12, compilation included and its cache
switched off), and for a sample of systems the ratio of dysts' time to ours: at its default (Radau, 1e-12) and with
LSODA at 1e-9, over a tenth of the length (both grow linearly). Ratios are medians over systems.
"""

import argparse
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from pesin.integrate import taylor
from pesin.integrate.trajectories import integrate
from pesin.steps.parallel import each
from pesin.systems import zoo


def ours(job):
    name, periods = job
    if taylor.HERE:
        import heyoka

        heyoka.llvm_state.set_diskcache_enabled(False)
    system = zoo.get(name)
    start = time.perf_counter()
    run = integrate(system, system.x0[None], np.arange(int(100 * periods)) * system.period / 100)
    return time.perf_counter() - start, run.reason[0]


def again(name, periods):
    """Seconds of one more trajectory of a system that is compiled already."""
    system = zoo.get(name)
    times = np.arange(int(100 * periods)) * system.period / 100
    integrate(system, system.x0[None], times[:2])
    start = time.perf_counter()
    integrate(system, system.x0[None], times)
    return time.perf_counter() - start


def theirs(name, periods, **options):
    import dysts.flows

    system = getattr(dysts.flows, name)()
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        system.make_trajectory(int(100 * periods), pts_per_period=100, **options)
    return time.perf_counter() - start


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--systems", type=int, default=20)
    arguments.add_argument("--periods", type=float, default=72)
    arguments.add_argument("--workers", type=int, default=2)
    given = arguments.parse_args()
    names = zoo.names("flow")
    start = time.perf_counter()
    found = each(ours, [(name, given.periods) for name in names], given.workers)
    print(f"all {len(names)} flows, {given.periods:g} periods: {time.perf_counter() - start:.1f} s wall")
    print("failed:", {name: reason for name, (_, reason) in zip(names, found, strict=True) if reason} or "none")
    slowest = sorted(zip((seconds for seconds, _ in found), names, strict=True), reverse=True)[:5]
    print("slowest:", ", ".join(f"{name} {seconds:.1f} s" for seconds, name in slowest))
    short = given.periods / 10
    ratios = {"Radau, 1e-12": [], "LSODA, 1e-9": []}
    for name in names[:: max(len(names) // given.systems, 1)]:
        mine = again(name, short)
        theirs(name, 0.1)  # dysts compiles its right-hand sides on the first call
        ratios["Radau, 1e-12"].append(theirs(name, short) / mine)
        ratios["LSODA, 1e-9"].append(theirs(name, short, method="LSODA", rtol=1e-9, atol=1e-9) / mine)
    for label, values in ratios.items():
        print(
            f"dysts with {label} takes {statistics.median(values):.0f} times as long (median of {len(values)} systems)"
        )


if __name__ == "__main__":
    main()
