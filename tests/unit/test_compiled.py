"""Compiled code is kept between processes; a cache that is cut, full or nowhere costs seconds, not the job."""

import os
import shutil
import subprocess
import sys

import pytest

from project import SCRIPTS

MEASURE = """
import resource, sys
import numpy as np
if sys.argv[1] == "full":  # no file takes a byte more
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from pesin.entropy import ordinal, symbolic
x = np.random.default_rng(0).normal(size=500)
value = ordinal.permutation_entropy(x).value
bits = (value, symbolic.lempel_ziv_complexity(x).value, ordinal.weighted_permutation_entropy(x).value)
print(*(float(number).hex() for number in bits))
"""
SAID = "compiled code"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The library somewhere else, with what was compiled for it, and what it measures."""
    scripts = tmp_path_factory.mktemp("copy") / "scripts"
    shutil.copytree(SCRIPTS / "pesin", scripts / "pesin", ignore=shutil.ignore_patterns("__pycache__"))
    done = measured(scripts)
    assert done.returncode == 0 and SAID not in done.stderr
    assert list(scripts.rglob("*.nbi"))  # so that it is kept
    return scripts, done.stdout


def measured(scripts, how="", **environment):
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_CACHE", "XDG_"))}
    return subprocess.run(
        [sys.executable, "-c", MEASURE, how],
        env=variables | {"PYTHONPATH": str(scripts), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        text=True,
    )


def assert_goes_on(done, bits):
    assert done.returncode == 0, done.stderr
    assert done.stdout == bits
    assert done.stderr.count(SAID) == 1, done.stderr


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_cut_cache_is_said_once_and_mended(copy, tmp_path, kind, kept):
    scripts, bits = tmp_path / "scripts", copy[1]
    shutil.copytree(copy[0], scripts)
    for path in scripts.rglob(f"*.{kind}"):
        os.truncate(path, int(kept * path.stat().st_size))
    assert_goes_on(measured(scripts), bits)
    again = measured(scripts)
    assert again.stdout == bits and SAID not in again.stderr


def test_a_full_cache_is_said_once(copy, tmp_path):
    shutil.copytree(copy[0], tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    assert_goes_on(measured(tmp_path / "scripts", "full"), copy[1])


def test_a_read_only_install_without_a_home_is_said_once(copy, tmp_path):
    scripts = tmp_path / "scripts"
    shutil.copytree(copy[0], scripts, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [path for path in (scripts / "pesin").rglob("*") if path.is_dir()]:
        (folder / "__pycache__").touch()  # root may write anywhere: a file in the place of the folder stops it too
    assert_goes_on(measured(scripts, HOME="/proc/nowhere"), copy[1])
    home = tmp_path / "home"
    home.mkdir()
    done = measured(scripts, HOME=str(home))  # where there is a home, it is used
    assert done.stdout == copy[1] and SAID not in done.stderr and list(home.rglob("*.nbi"))


def test_nothing_is_compiled_past_that_cache():
    users = [
        path.name
        for path in SCRIPTS.rglob("*.py")
        if "import njit" in path.read_text() or "import numba" in path.read_text()
    ]
    assert "compiled.py" in users and len(users) > 5
    for path in SCRIPTS.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "compiled.py":
            assert "import numba" not in text and "from numba" not in text and "cache=True" not in text, path
