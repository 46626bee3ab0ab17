"""Snakemake, asking SLURM every second how its jobs do: `python polling.py ARGUMENTS`. For tests alone."""

import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)

if __name__ == "__main__":
    sys.argv[0] = "snakemake"
    main()
