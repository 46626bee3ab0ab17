"""Each workaround: the fault that it goes round still shows without it; the message says what to delete when not."""

import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from snakemake.scheduling.job_scheduler import JobScheduler

import workarounds
from pesin.steps import instructions
from project import snakemake

DELETE = "the fault is gone: delete {} and its line in apply() from workflow/scripts/workarounds.py, and this test"


def test_snakemake_still_leaves_the_interpreter_unquoted(tmp_path):
    (tmp_path / "my venv").symlink_to(sys.prefix)
    (tmp_path / "venv").symlink_to(sys.prefix)
    (tmp_path / "Snakefile").write_text("rule:\n    output: 'made'\n    script: 'make.py'\n")
    (tmp_path / "make.py").write_text("open(snakemake.output[0], 'w')\n")
    plain = str(tmp_path / "venv/bin/python")
    snakemake(tmp_path, "--cores", "1", python=plain, check=True)  # without a space: nothing else is wrong
    (tmp_path / "made").unlink()
    run = snakemake(tmp_path, "--cores", "1", python=str(tmp_path / "my venv/bin/python"))
    assert run.returncode != 0, DELETE.format("quote_interpreter")
    assert not (tmp_path / "made").exists()


class Scheduler:
    """What the timers of a scheduler need of it."""

    def __init__(self):
        self._open_jobs = threading.Semaphore(0)


def timers_of_two_rounds(schedule, monkeypatch) -> list:
    """Timers started when the scheduler asks twice in a row to look again."""
    started = []

    class Timer:
        def __init__(self, delay, function):
            self.function = function

        def start(self):
            started.append(self)

    monkeypatch.setattr(threading, "Timer", Timer)
    scheduler = Scheduler()
    for _ in range(2):
        schedule(scheduler, 1)
    return started


def test_snakemake_still_starts_a_timer_in_each_round(monkeypatch):
    assert JobScheduler._schedule_reevalutation is not workarounds.one_reevaluation
    started = timers_of_two_rounds(JobScheduler._schedule_reevalutation, monkeypatch)
    assert len(started) == 2, DELETE.format("one_reevaluation")


def test_one_timer_at_a_time_and_another_after_it(monkeypatch):
    (timer,) = timers_of_two_rounds(workarounds.one_reevaluation, monkeypatch)
    timer.function()
    assert len(timers_of_two_rounds(workarounds.one_reevaluation, monkeypatch)) == 1
    workarounds._pending.clear()


LOOP = """
import resource
import numpy
for _ in range(20):
    arrays = [numpy.ones(20 * 2**17) for _ in range(3)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def page_faults(environment) -> int:
    run = subprocess.run([sys.executable, "-c", LOOP], env=environment, capture_output=True, text=True, check=True)
    return int(run.stdout)


def test_glibc_still_hands_freed_memory_back(monkeypatch):
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("another C library")
    for name in [name for name in os.environ if name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)
    back = page_faults(dict(os.environ))
    kept = page_faults(os.environ | workarounds.ALLOCATOR)
    assert back > 2 * kept, DELETE.format("ALLOCATOR")


SUM = "import torch; torch.manual_seed(0); print(torch.backends.cpu.get_cpu_capability(), torch.rand(9999).sin().sum())"


def test_pytorch_still_takes_all_of_the_processor_unless_it_is_held():
    capability = {}
    for portable in (True, False):
        bare = {name: value for name, value in os.environ.items() if name not in instructions.AVX2}
        said = subprocess.run(
            [sys.executable, "-c", SUM],
            env=bare | workarounds.job_environment(portable),
            capture_output=True,
            text=True,
        )
        capability[portable] = said.stdout.split()[0]
    if capability[False] == "AVX512":
        assert capability[True] == "AVX2", "ATEN_CPU_CAPABILITY is no longer heeded: look for what holds PyTorch now"
    else:
        assert capability[True] == capability[False]


def test_they_are_put_to_work_once_however_often_a_module_is_read(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/a b/python")
    monkeypatch.setattr(JobScheduler, "_schedule_reevalutation", JobScheduler._schedule_reevalutation)
    monkeypatch.setattr(workarounds, "job_environment", lambda portable: {})
    workarounds.apply.cache_clear()
    workarounds.apply()
    workarounds.apply()
    assert sys.executable == "'/a b/python'" and Path(sys.executable.strip("'")).name == "python"
    assert JobScheduler._schedule_reevalutation is workarounds.one_reevaluation
    workarounds.apply.cache_clear()
