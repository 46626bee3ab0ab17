"""Copies of the project for tests, and Snakemake run in them as a user would."""

from __future__ import annotations

import atexit
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
import yaml
from pydantic import TypeAdapter

from pesin.config.load import merge
from pesin.config.models import Config, Study
from pesin.plan import Plan
from pesin.steps.case import Case
from pesin.steps.files import open_result, same
from pesin.steps.record import read_record

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow/scripts"
YAMLS = ROOT / "config/studies"
TOY = yaml.safe_load((ROOT / "tests/toy/toy_map.yaml").read_text(encoding="utf-8").replace("1e-9", "1.0e-9"))
LONG = 900
"""Seconds after which what is waited for has failed, even on a very slow machine."""
PARTS = ("Snakefile", "config", "workflow", "envs")


@cache
def plan(scale: str = "smoke", studies: tuple[str, ...] = ()) -> Plan:
    """The project's plan at a scale, of all studies or of some."""
    return Plan(ROOT, Config(scale=scale, studies=list(studies) or "all"))


def case_of(study: str, case: str, step: str, scale: str = "smoke", **change) -> Case:
    """A case of a study as its functions are handed it, all sections of its parameters there, with some changed."""
    found = plan(scale).study(study)
    params = TypeAdapter(found.params_type(case)).validate_python(merge(found.cases[case].params, change))
    return Case(study, case, step, scale, params)


def toy_study(**changes) -> Study:
    """The toy of tests/toy as its yaml declares it, some of its keys changed."""
    return Study.model_validate(TOY | changes)


def positions(values=(1.0, 2.0, 3.0), **attributes) -> xr.Dataset:
    """A result that can be published: `x` over `time`, with other attributes."""
    said = {"units": "m", "long_name": "position"} | attributes
    return xr.Dataset({"x": ("time", np.asarray(values), said)}, {"time": np.arange(len(values))})


def copy_project(target: Path) -> Path:
    """Copy what a run needs into a new folder, without results."""
    target.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / part)
    return target


def copy_with_toy_alone(target: Path) -> Path:
    """A copy whose only study is the toy of tests/toy: seconds instead of minutes."""
    copy_project(target)
    for path in (target / "config/studies").glob("*.yaml"):
        path.unlink()
    for path in (target / "workflow/scripts/studies").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    add_toy(target)
    return target


def replace_text(path: Path, old: str, new: str) -> None:
    """Edit a file of a copy; what is to be replaced must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def add_toy(target: Path) -> None:
    """What CONTRIBUTING.md asks for: one yaml and one folder."""
    shutil.copy(ROOT / "tests/toy/toy_map.yaml", target / "config/studies")
    shutil.copytree(ROOT / "tests/toy/toy_map", target / "workflow/scripts/studies/toy_map")


def run_jobs(folder: Path, *arguments: str, hash_seed: int = 0) -> dict[str, list[str]]:
    """Run all jobs in a copy by `tests/jobs.py`, which takes the arguments; {} or what failed, by study."""
    run = subprocess.run(
        [sys.executable, "-P", str(ROOT / "tests/jobs.py"), *arguments],
        cwd=folder,
        env=_environment() | {"PYTHONHASHSEED": str(hash_seed)},
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(run.stdout)


def in_background(folder: Path, *command: str, **environment: str) -> subprocess.Popen:
    """A command in a process group of its own, which ends with the tests at the latest; all output in `.stdout`."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=_environment() | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    atexit.register(_end_group, process.pid)
    return process


def _end_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def wait_for(path: Path, process: subprocess.Popen) -> None:
    """Until the file is there; fails if the process ends before, or after what even a very slow machine needs."""
    end = time.monotonic() + LONG
    while not path.exists():
        assert process.poll() is None or path.exists(), process.stdout.read()
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.05)


def _environment() -> dict[str, str]:
    """That of a user's shell, whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SNAKEMAKE"))}


def snakemake(folder: Path, *arguments: str, python: str = sys.executable, check: bool = False, before=()):
    """Run `python -m snakemake` in a folder; stdout and stderr come back together in `.stdout`.

    `before` is put in front of the command line.
    """
    run = subprocess.run(
        [*before, python, "-m", "snakemake", *arguments],
        cwd=folder,
        env=_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    if check and run.returncode:
        raise AssertionError(f"snakemake {' '.join(arguments)} ended with {run.returncode}:\n{run.stdout}")
    return run


def planned(folder: Path, *arguments: str) -> dict[str, int]:
    """Jobs that a dry run would do: {rule: count}, without `all` and the total."""
    text = snakemake(folder, "-n", "--cores", "1", *arguments, check=True).stdout
    jobs = {}
    table = text.partition("Job stats:")[2].partition("\n\n")[0]
    for line in table.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].isdigit() and words[0] not in ("all", "total"):
            jobs[words[0]] = int(words[1])
    return jobs


def same_results(first: Path, second: Path) -> list[str]:
    """What differs between two results of one name, bit for bit, timings and claims about them apart; [] if nothing."""
    trees = [open_result(path) for path in (first, second)]
    if first.name == "claims.nc":
        trees = [_untimed(tree) for tree in trees]
    if same(*trees):
        return []
    one, two = (tree if isinstance(tree, xr.DataTree) else xr.DataTree(tree) for tree in trees)
    return [
        f"{node.path}/{name}"
        for node in one.subtree
        for name in node.data_vars
        if not node[name].identical(two[node.path][name])
    ] or ["attributes or names"]


def differing(first: Path, second: Path, left_out: Sequence[str] = ()) -> list[str]:
    """Files of a study's results that differ between two folders results/<scale>/<study>, logs apart; [] if none.

    Files with a suffix left out need not be in both. Bit for bit, but for measured seconds: their values, claims about
    them, and figures drawn from results with them.
    """
    files = [
        {path.relative_to(folder) for path in folder.rglob("*.*") if path.suffix not in left_out}
        for folder in (first, second)
    ]
    found = [f"{path}: only once" for path in sorted(files[0] ^ files[1])]
    timed_claims = len(_timed(open_result(first / "claims.nc"))) > 0
    for path in sorted(path for path in files[0] & files[1] if path.parts[0] != "logs"):
        if path.suffix == ".nc":
            found += [f"{path}: {name}" for name in same_results(first / path, second / path)]
        elif (first / path).read_bytes() != (second / path).read_bytes():
            excused = timed_claims if path.name == "captions.rst" else shows_seconds(first, path.stem)
            found += [] if excused else [str(path)]
    return found


def shows_seconds(study: Path, figure: str) -> bool:
    """True if a figure was drawn from a result with measured seconds, as its log says what it read."""
    project = study.parents[2]
    read = read_record(study / f"logs/figures/{figure}.log")["inputs"]
    trees = [result if isinstance(result, xr.DataTree) else xr.DataTree(result)
             for result in (open_result(project / path) for path in read)]  # fmt: skip
    nodes = [node for tree in trees for node in tree.subtree]
    return any(v.attrs.get("role") == "timing" for node in nodes for v in node.data_vars.values())


def untimed_verdicts(results: Path) -> dict[tuple[str, str], str]:
    """Verdict in the ledger of each study and claim, those apart that rest on measured seconds."""
    with open(results / "ledger.csv", newline="", encoding="utf-8") as handle:
        found = {(row["study"], row["claim"]): row["verdict"] for row in csv.DictReader(handle)}
    timed = {(path.parent.name, claim) for path in results.glob("*/claims.nc") for claim in _timed(open_result(path))}
    return {key: verdict for key, verdict in found.items() if key not in timed}


def _timed(claims: xr.DataTree) -> np.ndarray:
    """The claims that rest on measured seconds, once for each part that does."""
    parts = claims["parts"].to_dataset(inherit=False)
    return parts.claim.values[parts.timed.values == "yes"]


def _untimed(claims: xr.DataTree) -> xr.DataTree:
    """The claims without those that rest on measured seconds."""
    parts, timed, rows = claims["parts"].to_dataset(inherit=False), _timed(claims), claims.to_dataset()
    return xr.DataTree.from_dict(
        {"/": rows.sel(claim=~rows.claim.isin(timed)), "/parts": parts.isel(part=~np.isin(parts.claim, timed))}
    )
