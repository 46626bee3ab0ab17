"""Faults of Snakemake 9.27 and the C library, gone round; test_workarounds.py says when one can go."""

import os
import shlex
import sys
import threading
from functools import cache

from snakemake.scheduling.job_scheduler import JobScheduler

from pesin.steps import instructions

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(32 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20)}


@cache
def apply(portable: bool = True) -> None:
    """Put all of them to work, once in a process: a module is read as often as rules are taken from it."""
    for name, value in job_environment(portable).items():
        os.environ.setdefault(name, value)
    quote_interpreter()
    JobScheduler._schedule_reevalutation = one_reevaluation


def job_environment(portable: bool = True) -> dict[str, str]:
    """Variables that every job starts with, unless they are set already.

    A job keeps the memory that it freed until it ends: glibc hands a large block that is freed back to the system, so
    that each array of a loop costs new page faults, up to a third of a training's time (benchmarks/freed_memory.py).
    Other C libraries don't know these names.

    If `portable`, the libraries hold to AVX2 where the processor has it: long trainings blow up the rounding by which
    instruction sets differ, and a verdict mustn't hang on the processor at hand.
    """
    return ALLOCATOR | (instructions.held() if portable else {})


def quote_interpreter() -> None:
    """Snakemake 9.27 writes the interpreter's path into command lines without quotes: a folder with a space broke.

    https://github.com/snakemake/snakemake/issues/2645 (`script:`) and /3211 (the job's own command), both open.
    """
    sys.executable = shlex.quote(sys.executable)


_pending: set[threading.Timer] = set()


def one_reevaluation(scheduler, delay: float) -> None:
    """Let the scheduler look again after `delay` seconds, unless that is under way.

    In Snakemake 9.27 each round of the scheduler sets a timer that starts another round, so that after n jobs n rounds
    run each second: a quarter of all processor time at smoke scale. No issue names the timer; /issues/2967 (slower and
    slower, ever more threads) describes what it does.
    """

    def look() -> None:
        _pending.clear()
        scheduler._open_jobs.release()

    if not _pending:
        timer = threading.Timer(delay, look)
        _pending.add(timer)
        timer.start()
