"""The two lists of dependencies agree, and nothing is imported that they don't hold."""

import re

import yaml

from project import ROOT

# conda-forge's name for a PyPI package, where they differ
SAME = {
    "heyoka.py": "heyoka",
    "matplotlib-base": "matplotlib",
    "netcdf4": "netCDF4",
    "py-xgboost-cpu": "xgboost-cpu",
    "pytorch-cpu": "torch",
    "snakemake-minimal": "snakemake",
}


def locked(file):
    lines = (ROOT / "envs" / file).read_text(encoding="utf-8").splitlines()
    plain = [line.partition(";")[0] for line in lines if line and not line.startswith("#")]
    return dict(line.split("==") for line in plain)


def conda():
    found = {}
    entries = yaml.safe_load((ROOT / "envs/pesin.yaml").read_text(encoding="utf-8"))["dependencies"]
    of_pip = [entry.replace("==", " =") for part in entries if isinstance(part, dict) for entry in part["pip"]]
    for entry in [entry for entry in entries if isinstance(entry, str) and entry != "pip"] + of_pip:
        name, _, version = entry.partition(" ")
        found[SAME.get(name, name)] = version
    return found


def test_conda_and_pip_agree():
    versions = {name.lower(): version for name, version in locked("requirements.lock").items()}
    for name, version in conda().items():
        if name != "python":
            assert versions[name.lower()].startswith(version.removeprefix("=")), name


def test_conda_and_the_direct_requirements_are_the_same_list():
    text = (ROOT / "envs/requirements.in").read_text(encoding="utf-8")
    direct = {re.split(r"[=<>;]", line)[0].lower() for line in text.splitlines() if line and not line.startswith("#")}
    assert direct == {name.lower() for name in conda()} - {"python"}


def test_the_test_lock_changes_nothing_of_a_run():
    assert not set(locked("requirements.lock")) & set(locked("requirements-test.lock"))
