"""Jobs forked from processes that have loaded packages: each is spared the seconds in which Python imports them.

Snakemake starts Python anew for each script. Here a server, one for each set of packages and number of threads, forks a
child for each job. Nothing of the project is loaded before the fork, so that a job's own check of what it imported
holds, and nothing is computed (numba alone compiles an empty function), so that no thread is lost by it: a child has
what a fresh process has, and makes the same bits.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import re
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from snakemake.script import PythonScript  # which each script loads, so that the servers may too

# Loaded before the fork in any case (the library itself needs them), and only where the job's code imports them.
# xarray loads sparse, and that numba, wherever they are installed: a package of the tests asks for it.
ALWAYS = (
    "netCDF4",
    "numpy",
    "pydantic.fields",
    "pydantic.functional_validators",
    "pydantic.main",
    "scipy.optimize",
    "scipy.stats",
    "xarray",
    *(("sparse",) if find_spec("sparse") else ()),
)
IF_IMPORTED = (
    "matplotlib.pyplot",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg",
    "dysts.flows",
    "heyoka",
    "numba",
    "torch",
)
THREADS = ("OMP_NUM", "GOTO_NUM", "OPENBLAS_NUM", "MKL_NUM", "VECLIB_MAXIMUM", "NUMEXPR_NUM")  # as Snakemake sets them
PYTHON = sys.executable  # before its quotes (workarounds.py)


@dataclass(frozen=True)
class Ended:
    """How a job ended: its status, minus the signal if it was killed; seconds, core seconds, MB of memory at most."""

    returncode: int
    wall_s: float
    cpu_s: float
    peak_mb: float


class Servers:
    """Processes that fork jobs, started when first asked; they end with this one, or with the `with` statement."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._servers: dict[tuple, tuple[subprocess.Popen, socket.socket]] = {}

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_) -> None:
        for process, control in self._servers.values():
            control.close()
            process.wait()

    def run(
        self, script: str, *, arguments: Iterable[str] = (), code: Iterable[str] = (), threads: int = 1, **environ: str
    ) -> Ended:
        """Run a script as `python script arguments...` does, and wait for its end.

        Parameters
        ----------
        code
            Files whose import statements say which packages are loaded before the fork.
        threads
            Of the libraries for linear algebra.
        environ
            Variables of the job's own.

        Raises
        ------
        RuntimeError
            If it could not be forked, or its server was killed.
        """
        ours, theirs = socket.socketpair()
        job = {"script": script, "arguments": list(arguments), "cwd": os.getcwd(), "environ": environ}
        with ours, theirs:
            with self._lock:
                socket.send_fds(self._server(packages(code), threads), [b"j"], [theirs.fileno()])
            theirs.close()
            ours.sendall(json.dumps(job).encode() + b"\n")
            with ours.makefile("rb") as answer:
                said = answer.read()
        if not said:
            raise RuntimeError(f"{script} could not be forked, or the process that had forked it is gone")
        return Ended(**json.loads(said))

    def _server(self, loaded: tuple[str, ...], threads: int) -> socket.socket:
        """The socket of the server; it must be ready before its first job, lest it be taken for one that failed."""
        if (loaded, threads) not in self._servers:
            ours, theirs = socket.socketpair()
            counts = {f"{name}_THREADS": str(threads) for name in THREADS}
            process = subprocess.Popen(
                [PYTHON, "-P", __file__, str(theirs.fileno()), *loaded],
                # HDF5 is loaded before pesin.steps.files can say that it takes no locks.
                env=os.environ | counts | {"HDF5_USE_FILE_LOCKING": "FALSE"},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
            theirs.close()
            if ours.recv(1) != b"r":
                raise RuntimeError(f"no process can be forked: the one that loads {', '.join(loaded)} is gone")
            self._servers[loaded, threads] = process, ours
        return self._servers[loaded, threads][1]


def packages(code: Iterable[str]) -> tuple[str, ...]:
    """What is loaded before a job is forked whose code stands in these files."""
    files = tuple(code)
    return ALWAYS + tuple(name for name in IF_IMPORTED if any(_imports(file, name) for file in files))


@cache
def _imports(file: str, package: str) -> bool:
    text = Path(file).read_text(encoding="utf-8")
    return re.search(rf"^\s*(import|from) {package.partition('.')[0]}\b", text, re.MULTILINE) is not None


# ---------------------------------------------------------------------------------------------------------- Snakemake


@cache
def apply() -> None:
    """Let this process, which is Snakemake's main one, fork what scripts it runs itself. On Linux (since 5.3) alone.

    Elsewhere libraries of the system don't bear a fork, or there is none.
    """
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return
    PythonScript.execute_script = forked(Servers(), PythonScript.execute_script)


def forked(servers: Servers, plainly: Callable) -> Callable:
    """A method for Snakemake 9.27's `PythonScript`, which calls `plainly` where it can't fork."""

    def execute_script(self: Any, fname: str, edit: bool = False) -> None:
        elsewhere = self.conda_env or self.container_img or self.env_modules or self.resources.get("gpu", 0)
        if elsewhere or "code" not in self.input.keys():
            plainly(self, fname, edit)
            return
        folder = self.resources.get("tmpdir")
        temporary = {name: str(folder) for name in ("TMPDIR", "TMP", "TEMPDIR", "TEMP")} if folder else {}
        ended = servers.run(fname, code=self.input.code, threads=self.threads, **temporary)
        if record := self.bench_record:
            record.running_time, record.max_rss = ended.wall_s, round(ended.peak_mb, 2)
            record.cpu_time, record.cpu_usage = round(ended.cpu_s, 2), 100 * ended.cpu_s
            record.data_collected = True
        if ended.returncode:
            raise subprocess.CalledProcessError(ended.returncode, f"{sys.executable} {fname}")

    return execute_script


# -------------------------------------------------------------------------------------------------------- in a server


def serve(control: socket.socket) -> dict:
    """Fork a child for each job that `control` hands over; returns the job, in the child alone.

    Ends when the process at the other end has ended, and then only after its own children: as without a fork, a job
    outlives a Snakemake that was killed.
    """
    at_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells the children too
    with selectors.DefaultSelector() as events:
        events.register(control, selectors.EVENT_READ)
        control.sendall(b"r")
        while events.get_map():
            for key, _ in events.select():
                if key.fileobj is not control:
                    _end(key.data)
                    events.unregister(key.fileobj)
                    os.close(key.fd)
                    continue
                _, handles, *_ = socket.recv_fds(control, 1, 1)
                if not handles:
                    events.unregister(control)
                    continue
                link, start = socket.socket(fileno=handles[0]), time.perf_counter()
                with link.makefile("rb") as asked:
                    job = json.loads(asked.readline())
                try:
                    child = os.fork()
                except OSError as error:
                    print(f"a job can't be forked: {error}", file=sys.stderr, flush=True)
                    link.close()
                    continue
                if not child:
                    for end in (link, control, *(other.data[1] for other in events.get_map().values() if other.data)):
                        end.close()
                    signal.signal(signal.SIGINT, at_interrupt)
                    return job
                events.register(os.pidfd_open(child), selectors.EVENT_READ, (child, link, start))
    sys.exit()


def _end(job: tuple[int, socket.socket, float]) -> None:
    """Say how a child ended."""
    child, link, start = job
    _, status, used = os.wait4(child, 0)
    ended = Ended(
        returncode=os.waitstatus_to_exitcode(status),
        wall_s=time.perf_counter() - start,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / 1024,
    )
    with link:
        with contextlib.suppress(OSError):  # nobody waits for it any more
            link.sendall(json.dumps(vars(ended)).encode())


def main() -> None:
    for package in sys.argv[2:]:
        with contextlib.suppress(ImportError):  # a job that needs it says so itself
            importlib.import_module(package)
    if "numba" in sys.argv[2:] and (numba := sys.modules.get("numba")):
        numba.njit(lambda: None)()  # its first function has it read in all that it knows
    gc.collect()
    gc.freeze()  # else a child's first collection copies the pages of all that was loaded
    job = serve(socket.socket(fileno=int(sys.argv[1])))
    os.environ.update(job["environ"])
    os.chdir(job["cwd"])
    sys.argv = [job["script"], *job["arguments"]]
    leave(execute(job["script"]))


def execute(path: str) -> int:
    """Run a script as the main module; its exit status."""
    sys.modules.pop("__mp_main__", None)  # another name of this file
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
            return 1
        return error.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def leave(status: int) -> None:
    """End without taking the packages apart one by one, which takes half a second and more, for no one's good."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
