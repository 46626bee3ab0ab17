"""Times soft actor-critic with freed memory kept by the process, as in the workflow, and handed back, as glibc does.

    python benchmarks/freed_memory.py [--agents 51] [--steps 2000] [--repeats 3]

Each training is a process of its own; processor seconds, page faults, and the median of the ratios are printed. On
systems without glibc there is no difference.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from workarounds import ALLOCATOR


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=51)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        train_once(options.agents, options.steps)
        return
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    ratios = []
    for _ in range(options.repeats):
        back, back_faults = measured(bare, options)
        kept, kept_faults = measured(bare | ALLOCATOR, options)
        ratios.append(kept / back)
        print(f"back {back:.1f} s, {back_faults:,} faults; kept {kept:.1f} s, {kept_faults:,} faults", flush=True)
    print(f"median ratio, kept / back: {statistics.median(ratios):.2f}")


def measured(environment: dict[str, str], options) -> tuple[float, int]:
    command = [sys.executable, __file__, "--child", "--agents", str(options.agents), "--steps", str(options.steps)]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    return float(said[0]), int(said[1])


def train_once(agents: int, steps: int) -> None:
    import torch
    from sac_agents import automatic, ours

    torch.set_num_threads(1)
    before = resource.getrusage(resource.RUSAGE_SELF)
    ours(automatic(agents), steps)
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(seconds, after.ru_minflt - before.ru_minflt)


if __name__ == "__main__":
    main()
