"""The smoke run of the whole project, once for all contract tests."""

import pytest

from project import copy_project, snakemake


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """Folder of the finished smoke results of all studies."""
    folder = copy_project(tmp_path_factory.mktemp("smoke") / "project")
    snakemake(folder, "--cores", "2", "--keep-going", "--config", "scale=smoke", check=True)
    return folder / "results/smoke"


@pytest.fixture(scope="session")
def smoke_again(tmp_path_factory):
    """The same run a second time, in another folder and with one thread for each job."""
    folder = copy_project(tmp_path_factory.mktemp("again") / "project")
    single = [f"{step}=1" for step in ("simulate", "train", "entropy", "forecast")]
    snakemake(folder, "--cores", "2", "--config", "scale=smoke", "--set-threads", *single, check=True)
    return folder / "results/smoke"
