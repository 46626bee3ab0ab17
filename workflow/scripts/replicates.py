"""Runs the ledger again with other seeds, and once under another instruction set; says which verdicts stand.

    python workflow/scripts/replicates.py [-n 5] [--scale laptop] [--studies a b] [-- more of snakemake]

Each replicate has its own folder, results/replicates/<name>, and goes on where it stopped. The table of all of them is
results/<scale>/replicates.csv; `make reference` keeps it beside the ledger we stand by.
"""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

from pesin.claims.compare import read_ledger
from pesin.claims.replicates import gather, report, write_replicates
from pesin.errors import UserError
from pesin.steps.instructions import OLDER


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=5, help="seeds 0 to n - 1")
    parser.add_argument("--scale", default="laptop")
    parser.add_argument("--studies", nargs="+", default=[])
    parser.add_argument("more", nargs="*", help="more of snakemake, after --")
    options = parser.parse_args()
    if options.n < 1:
        parser.error("-n: one seed at least")
    replicates = {f"seed_{seed}": (seed, {}) for seed in range(options.n)} | {"other_instructions": (0, OLDER)}
    failed = [name for name, (seed, settings) in replicates.items() if not _run(name, seed, settings, options)]
    if failed:
        raise SystemExit(f"These runs did not finish, and go on where they stopped: {', '.join(failed)}.")
    try:
        rows = gather({name: _folder(name) / options.scale for name in replicates})
        first = read_ledger(_folder("seed_0") / options.scale)
    except UserError as error:
        raise SystemExit(str(error)) from None
    table = Path("results") / options.scale / "replicates.csv"
    write_replicates(rows, table)
    print("\n".join(report(rows, {key for key, row in first.items() if row["close"]})))
    print(f"Table: {table}")


def _folder(name: str) -> Path:
    return Path("results/replicates") / name


def _run(name: str, seed: int, settings: dict[str, str], options) -> bool:
    """One whole run; True if everything was made."""
    studies = [f"studies=[{','.join(options.studies)}]"] if options.studies else []
    config = [f"scale={options.scale}", f"seed={seed}", f"results={_folder(name)}", *studies]
    command = [sys.executable, "-m", "snakemake", "--keep-going", "--rerun-incomplete", "--quiet", "rules"]
    if not any(word.startswith("--cores") or word.startswith("--workflow-profile") for word in options.more):
        command += ["--cores", "all"]
    command += [*options.more, "--config", *config]
    print(f"{name}: {shlex.join(command[1:])}", flush=True)
    return subprocess.run(command, env={**os.environ, **settings}).returncode == 0


if __name__ == "__main__":
    main()
