"""A process that has loaded packages and forks a child for each job it is sent: forking.py SOCKET PACKAGE...

A child has what a fresh process has, without its seconds of imports. Nothing of the project is loaded before the fork,
so that the job's own check of what it imported holds, and nothing is computed, so that no thread is lost by it.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import runpy
import socketserver
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


class Child(socketserver.StreamRequestHandler):
    """One job, in a process of its own."""

    def handle(self) -> None:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        said = run(json.loads(self.rfile.readline()))
        self.wfile.write(b"failed " + said.encode() if said else b"done")


class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Ends with the process that started it."""

    parent = os.getppid()

    def service_actions(self) -> None:
        super().service_actions()
        if os.getppid() != self.parent:
            sys.exit()


if __name__ == "__main__":
    for package in sys.argv[2:]:
        importlib.import_module(package)
    with Server(sys.argv[1], Child) as server:
        print("ready", flush=True)
        server.serve_forever()
