"""The libraries make the same bits on processors of all kinds, as far as config/README.md says so."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pesin.steps import instructions

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def library(tmp_path_factory, request) -> Path:
    """tests/processor.c, compiled. `make test-all`: what a processor that we never saw does with it would be news."""
    if not request.config.getoption("--all-studies"):
        pytest.skip("in `make test-all` (releases, new locks): it hangs on the processor at hand")
    if platform.machine() != "x86_64" or sys.platform != "linux" or not shutil.which("gcc"):
        pytest.skip("needs Linux, an x86-64 processor and gcc")
    if not instructions.held():
        pytest.skip("this processor has no AVX2")
    made = tmp_path_factory.mktemp("processor") / "processor.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", made, TESTS / "processor.c"], check=True)
    return made


def digests(settings: dict[str, str], library: Path, processor: str = "") -> dict[str, str]:
    """Operation -> digest, on the processor at hand, or as on another."""
    bare = {name: value for name, value in os.environ.items() if name not in instructions.AVX2}
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    older = {"LD_PRELOAD": str(library), "PROCESSOR": processor} if processor else {}
    command = [sys.executable, TESTS / "operations.py"]
    run = subprocess.run(command, env=bare | threads | settings | older, capture_output=True, text=True)
    if processor and run.returncode == 77:
        pytest.skip("this machine can't pass for an older processor")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def anywhere(library) -> dict[str, str]:
    """What both makers' processors can do alike."""
    return digests(instructions.AVX2 | {"MKL_CBWR": "COMPATIBLE"}, library)


def test_an_older_processor_of_the_same_maker_makes_the_same_bits(library):
    if "GenuineIntel" not in instructions.in_use():
        pytest.skip("MKL has loops of its own for this processor")
    assert digests(instructions.AVX2, library, "haswell") == digests(instructions.AVX2, library)


@pytest.mark.parametrize("processor", ["haswell", "zen2"])
def test_with_compatible_mkl_both_makers_make_the_same_bits(library, anywhere, processor):
    assert digests(instructions.AVX2 | {"MKL_CBWR": "COMPATIBLE"}, library, processor) == anywhere


def test_numpy_has_no_other_loops_to_hold():
    umath = np._core._multiarray_umath
    held = instructions.AVX2["NPY_DISABLE_CPU_FEATURES"].split()
    if platform.machine() == "x86_64":
        assert {"X86_V3", *held} == set(umath.__cpu_dispatch__), "write NumPy's new names into instructions.py"


def test_a_result_says_what_it_was_held_to(monkeypatch):
    for name in instructions.AVX2:
        monkeypatch.delenv(name, raising=False)
    assert instructions.in_use().endswith(": all of the processor")
    monkeypatch.setenv("MKL_CBWR", "AVX2")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "")
    assert instructions.in_use().endswith(": MKL_CBWR=AVX2")


def test_a_processor_without_avx2_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(instructions, "_processor", lambda: {"flags": "fpu avx sse2"})
    assert instructions.held() == {}


def test_both_sets_name_the_same_variables():
    assert set(instructions.AVX2) == set(instructions.OLDER)
