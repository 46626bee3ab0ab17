"""The library alone: its wheel in an empty environment with what it asks for, and nothing else.

The packages that it asks for are those of this environment, linked one by one: nothing is downloaded, and what the
wheel doesn't ask for (Snakemake, PyTorch, pydantic ...) isn't there. That pip finds the same on PyPI isn't tested.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement

from project import ROOT

IMPORT_ALL = """
import importlib, json, pkgutil, pesin
lacking = {}
for part in ("compiled", "entropy", "forecast", "integrate", "plot", "stats", "survey", "systems"):
    module = importlib.import_module(f"pesin.{part}")
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"pesin.{part}."):
        try:
            importlib.import_module(found.name)
        except ModuleNotFoundError as error:
            lacking[found.name] = error.name
print(json.dumps(lacking))
"""


def needed(*names):
    """Distributions that these ask for, and so on, themselves included; extras aside."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop().lower()
        if name not in found:
            found.add(name)
            asked = [Requirement(line) for line in distribution(name).requires or ()]
            waiting += [one.name for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def link(names, site):
    """Link the files of distributions into a folder of packages."""
    for name in names:
        one = distribution(name)
        for top in {path.parts[0] for path in one.files if path.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(one.locate_file(top))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Python of the environment with the wheel in it, and the wheel's metadata."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(
        ROOT / "workflow/scripts/pesin", source / "workflow/scripts/pesin", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    offline = ["--no-deps", "--no-index"]
    subprocess.run([*pip, "wheel", *offline, "--no-build-isolation", "-w", folder, source], check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", *offline, wheel], check=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    metadata = next(site.glob("pesin-*.dist-info/METADATA")).read_text(encoding="utf-8")
    asked = [Requirement(line) for line in re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)]
    link(needed(*(one.name for one in asked if one.marker is None)), site)
    return python, asked, site


def run(environment, *arguments, where):
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")} | {"MPLBACKEND": "agg"}
    return subprocess.run([environment[0], *arguments], cwd=where, env=variables, capture_output=True, text=True)


def code_of(page):
    """The first example of a page of the docs."""
    return re.search(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)[1]


def test_the_page_s_first_lines_run(environment, tmp_path):
    done = run(
        environment,
        "-c",
        code_of("entropy.md") + "\nprint(found.value.shape)\nimport pesin; print(pesin.__file__)",
        where=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    shape, file = done.stdout.splitlines()
    assert shape == "(1000,)" and str(environment[2]) in file


def test_nothing_else_is_there(environment, tmp_path):
    for name in ("snakemake", "torch", "pydantic", "dysts", "statsforecast", "studies", "pytest"):
        assert run(environment, "-c", f"import {name}", where=tmp_path).returncode != 0, name


def test_all_of_the_library_can_be_imported_but_for_what_extras_bring(environment, tmp_path):
    done = run(environment, "-c", IMPORT_ALL, where=tmp_path)
    assert done.returncode == 0, done.stderr
    lacking = json.loads(done.stdout)
    of_networks = {"pesin.entropy.critics": "torch", "pesin.entropy.torch_bounds": "torch"}
    assert lacking == of_networks | {"pesin.plot.verdicts": "pydantic"}  # of the workflow's ledger


def test_every_extra_names_what_this_project_s_lock_has(environment):
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "envs/requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    known = {name.lower() for name in locked} | {"pesin"}
    assert {one.name.lower() for one in environment[1]} <= known
    extras = set(re.findall(r'extra == "(\w+)"', " ".join(str(one.marker) for one in environment[1])))
    assert extras == {"systems", "forecasters", "networks"}


def test_the_command_measures_a_real_file(environment, tmp_path):
    import statsmodels.datasets

    file = os.path.join(os.path.dirname(statsmodels.datasets.__file__), "sunspots", "sunspots.csv")
    command = environment[0].parent / "pesin-entropy"
    done = subprocess.run(
        [command, file, "--only", "permutation_entropy"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "permutation_entropy" in done.stdout and "not for" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sunspots.entropy.nc", "sunspots.entropy.png"]


def test_the_example_of_the_docs(environment, tmp_path):
    link(needed("statsmodels"), environment[2])
    done = run(environment, "-c", code_of("recordings.md"), where=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "permutation entropy 0." in done.stdout and "199 surrogates" in done.stdout
