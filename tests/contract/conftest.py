"""The smoke run of the whole project, twice for all contract tests."""

import pytest
import xarray as xr

from pesin.config.load import load_study, study_names
from pesin.steps.files import open_result
from project import ROOT, copy_project, snakemake

YAMLS = ROOT / "config/studies"


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """Folder of the finished smoke results of all studies."""
    folder = copy_project(tmp_path_factory.mktemp("smoke") / "project")
    snakemake(folder, "--cores", "2", "--keep-going", "--config", "scale=smoke", check=True)
    return folder / "results/smoke"


@pytest.fixture(scope="session")
def same_figures(smoke):
    """For each study the path of its first figure that shows no measured seconds."""

    def timed(result) -> bool:
        tree = result if isinstance(result, xr.DataTree) else xr.DataTree(result)
        return any(v.attrs.get("role") == "timing" for node in tree.subtree for v in node.data_vars.values())

    return {
        name: next(
            f"{name}/figures/{figure}.svg"
            for figure, entry in load_study(name, YAMLS).figures.items()
            if not any(timed(open_result(smoke / name / f"{read}.nc")) for read in entry.reads)
        )
        for name in study_names(YAMLS)
    }


@pytest.fixture(scope="session")
def smoke_again(tmp_path_factory, same_figures):
    """All results and claims a second time, in another folder, one thread for each job; a figure of each study."""
    folder = copy_project(tmp_path_factory.mktemp("again") / "project")
    single = [f"{step}=1" for step in ("simulate", "train", "entropy", "forecast")]
    targets = [
        f"results/smoke/{path}" for name, figure in same_figures.items() for path in (f"{name}/claims.nc", figure)
    ]
    snakemake(folder, "--cores", "2", "--config", "scale=smoke", "--set-threads", *single, "--", *targets, check=True)
    return folder / "results/smoke"
