"""A new study from the skeleton: it runs at once, passes the contract tests, and a bad name is a sentence."""

import csv
import shutil
import subprocess
import sys

import pytest

from project import ROOT, copy_project, snakemake

NAME = "falling_cats"
OF_THE_LEDGER = "not reference_ledger and not controls_flip"  # they hold the ledger we stand by: it comes later


def new_study(folder, name):
    script = str(folder / "workflow/scripts/new_study.py")
    return subprocess.run([sys.executable, script, name], cwd=folder, text=True, capture_output=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A copy of the project whose only study is fresh from the skeleton, with the tests."""
    folder = copy_project(tmp_path_factory.mktemp("new") / "p")
    for path in (folder / "config/studies").glob("*.yaml"):
        path.unlink()
    for path in (folder / "workflow/scripts/studies").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "results/reference", folder / "results/reference")
    shutil.copy(ROOT / "pyproject.toml", folder)
    run = new_study(folder, NAME)
    assert run.returncode == 0 and f"studies=[{NAME}]" in run.stdout, run.stderr
    return folder


def test_it_runs_at_once(written):
    snakemake(written, "--cores", "2", "--config", f"studies=[{NAME}]", check=True)
    with open(written / "results/laptop/ledger.csv", newline="") as handle:
        (row,) = csv.DictReader(handle)
    assert (row["verdict"], row["control_flipped"], row["needs_met"]) == ("reproduced", "yes", "yes")
    assert "my_paper" not in "".join(path.read_text() for path in written.rglob(f"*{NAME}*") if path.is_file())


def test_it_passes_the_contract_and_its_own_tests(written):
    tests = [
        "tests/contract/test_registry.py",
        "tests/contract/test_smoke.py",
        f"tests/unit/test_{NAME}.py",
        "-k",
        OF_THE_LEDGER,
    ]
    run = subprocess.run([sys.executable, "-m", "pytest", *tests], cwd=written, text=True, capture_output=True)
    assert run.returncode == 0 and " passed" in run.stdout, run.stdout[-3000:]
    paths = [f"tests/unit/test_{NAME}.py", f"workflow/scripts/studies/{NAME}"]
    for command in (["check"], ["format", "--check"]):
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *paths], cwd=written, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "lower_snake_case"),
        ("MyPaper", "'MyPaper' can't be a study's name: lower_snake_case"),
        ("my-paper", "lower_snake_case"),
        ("2024_paper", "lower_snake_case"),
        ("../escape", "lower_snake_case"),
        ("lambda", "has it already"),
        ("train", "has it already"),
        (NAME, f"config/studies/{NAME}.yaml is there already"),
    ],
)
def test_a_name_that_will_not_do_is_a_sentence(written, name, message):
    before = sorted(written.rglob("*"))
    run = new_study(written, name)
    assert run.returncode != 0 and message in run.stderr and "Traceback" not in run.stderr
    assert sorted(written.rglob("*")) == before


def test_tests_of_the_name_are_not_written_over(written):
    (written / "tests/unit/test_mine.py").write_text("mine")
    assert "test_mine.py is there already" in new_study(written, "mine").stderr
    assert (written / "tests/unit/test_mine.py").read_text() == "mine"
    assert not (written / "config/studies/mine.yaml").exists()
