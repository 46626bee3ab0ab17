"""Runs a job's driver with what Snakemake would hand it: as_snakemake.py JOB FILE; a failure is said in the file."""

from __future__ import annotations

import json
import resource
import runpy
import sys
import time
import traceback
from pathlib import Path
from types import SimpleNamespace


class Named(list):
    """Files of a rule as Snakemake hands them to a script: a flat list, parts of which have names."""

    def __init__(self, parts: dict[str, str | list[str]]) -> None:
        super().__init__(path for given in parts.values() for path in ([given] if isinstance(given, str) else given))
        self._parts = parts

    def __getattr__(self, name):
        return self._parts[name]

    def get(self, name, default=None):
        return self._parts.get(name, default)

    def items(self):
        return self._parts.items()


def keep_checkpoints(then: str) -> None:
    """A loop that has no checkpoint yet keeps one after its first turn "and ends", or "and goes on".

    Where it goes on its state is asked for after each turn, and written after turns 1, 2, 4, 8 and so on.
    """
    from pesin.steps.checkpoint import Checkpoint

    init, write = Checkpoint.__init__, Checkpoint._write

    def begun(self, path=None, *more, **options):
        init(self, path, *more, **options)
        if path is not None and not path.is_file():
            self._told, self._every = then == "and ends", 0

    def seldom(self, turns, state):
        if self._told or self._every or turns.bit_count() == 1:
            write(self, turns, state)

    Checkpoint.__init__, Checkpoint._write = begun, seldom


def run(job: dict) -> str:
    """Run a job's driver as Snakemake does; "" or what it said when it failed."""
    for path in (*Named(job["output"]), job["log"]):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    seen = {
        **{part: SimpleNamespace(**job[part]) for part in ("wildcards", "params")},
        **{part: Named(job[part]) for part in ("input", "output")},
        **{part: job[part] for part in ("rule", "threads", "resources")},
        "log": [job["log"]],
    }
    sys.path.append(str(Path(job["script"]).parent))
    if job.get("keeps"):
        keep_checkpoints(job["keeps"])
    start = time.perf_counter()
    try:
        runpy.run_path(job["script"], {"snakemake": SimpleNamespace(**seen)}, "__main__")
    except SystemExit as error:
        return str(error.code)
    except BaseException:
        return traceback.format_exc()
    if job["benchmark"]:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        Path(job["benchmark"]).write_text(f"s\tmax_rss\n{time.perf_counter() - start:.4f}\t{peak:.2f}\n")
    return ""


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(run(json.loads(sys.argv[1])))
