"""What a whole run costs, and how much of it is the studies' own work.

    python benchmarks/run.py [--scale smoke] [--studies morec hypercrl] [--fork true false]

Copies the project into an empty folder, runs it there from nothing, and prints wall time, processor time and peak
memory of each study, and the share of processor time spent outside the studies' own functions. With both values of
`--fork` it does so twice, with jobs forked from loaded processes and with a Python for each, and prints the ratio.
"""

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="laptop", choices=("smoke", "laptop"))
    parser.add_argument("--cores", default="2")
    parser.add_argument("--studies", nargs="+")
    parser.add_argument("--fork", nargs="+", default=["true"], choices=("true", "false"))
    arguments = parser.parse_args()
    walls = [run(arguments, fork) for fork in arguments.fork]
    if len(walls) == 2:
        print(f"{' / '.join(f'fork={fork}' for fork in arguments.fork)}: {walls[0] / walls[1]:.2f} of the wall time")


def run(arguments: argparse.Namespace, fork: str) -> float:
    """One run from nothing; its wall time in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        for part in ("config", "workflow", "envs"):
            shutil.copytree(ROOT / part, Path(folder) / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Snakefile", folder)
        command = [sys.executable, "-m", "snakemake", "--cores", arguments.cores, "--scheduler", "greedy"]
        command += ["--config", f"scale={arguments.scale}", f"fork={fork}"]  # as `make run` calls it
        command += [f"studies=[{','.join(arguments.studies)}]"] if arguments.studies else []
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
        wall = time.perf_counter() - start
        with open(Path(folder) / "results" / arguments.scale / "costs.csv", newline="") as handle:
            totals = [row for row in csv.DictReader(handle) if row["step"] == "total"]
    for row in totals:
        mark = " over its budget" if row["over_budget"] else ""
        print(f"{row['study']:<32}{row['cpu_s']:>8} core s{float(row['peak_mb']):>7.0f} MB{mark}")
    own, cpu = (sum(float(row[name]) for row in totals) for name in ("own_s", "cpu_s"))
    print(f"fork={fork} on {arguments.cores} cores: {wall:.0f} s of wall time, jobs {cpu:.0f} core seconds")
    print(f"outside the studies' own functions: {1 - own / cpu:.0%} (aim: under 25 %)")
    return wall


if __name__ == "__main__":
    main()
