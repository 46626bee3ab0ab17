"""The smoke run of all studies, twice for all contract tests."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from project import copy_project, run_jobs


@dataclass(frozen=True)
class Smoke:
    """A run of all studies at smoke scale."""

    results: Path
    """results/smoke."""
    failed: dict[str, list[str]]

    def study(self, name: str) -> Path:
        """Folder of a study's results; fails the test with what the drivers said if a job of it failed."""
        if name in self.failed:
            pytest.fail("\n".join(self.failed[name]), pytrace=False)
        return self.results / name


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> Smoke:
    """All studies, each job with the threads that its yaml asks for."""
    folder = copy_project(tmp_path_factory.mktemp("smoke") / "project")
    return Smoke(folder / "results/smoke", run_jobs(folder, "--scale", "smoke", hash_seed=1))


@pytest.fixture(scope="session")
def smoke_again(smoke, tmp_path_factory) -> Smoke:
    """The same in another folder and other processes, one thread for each job, and another order of Python's sets.

    Figures as SVG only: what is drawn is settled before a format is written. Machine code that numba kept is taken
    over, since it is a user's second run that finds the same. A step that keeps checkpoints is told to end after the
    first turn of its first loop and begun again, and keeps one now and then in the others.
    """
    folder = copy_project(tmp_path_factory.mktemp("again") / "project")
    first = smoke.results.parents[1]
    for kept in first.rglob("__pycache__/*.nb?"):
        place = folder / kept.relative_to(first)
        place.parent.mkdir(exist_ok=True)
        shutil.copy(kept, place)
    failed = run_jobs(folder, "--scale", "smoke", "--threads", "1", "--figures", "svg", "--stop", hash_seed=2)
    return Smoke(folder / "results/smoke", failed)
