"""What reruns: rooms of experiments leave each other alone, and files of data are inputs."""

import shutil
import subprocess
import sys

import pytest
import yaml

from project import copy_with_toy_alone, planned, snakemake

STUDY = "workflow/scripts/studies/toy_map"
YAML = "config/studies/toy_map.yaml"


def rewrite(path, change):
    data = yaml.safe_load(path.read_text())
    change(data)
    path.write_text(yaml.safe_dump(data))


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished run of a toy with two experiments: the tent map, and one on a recording."""
    folder = copy_with_toy_alone(tmp_path_factory.mktemp("reruns") / "project")
    study = folder / STUDY
    (study / "__init__.py").touch()
    for kind in ("tent", "recorded"):
        (study / kind).mkdir()
        for path in study.glob("*.py"):
            if path.stem != "figures":
                text = path.read_text().replace("toy_map.params", f"toy_map.{kind}.params")
                (study / kind / path.name).write_text(text)
    for path in study.glob("*.py"):
        if path.stem not in ("figures", "__init__"):
            path.unlink()
    recorded = study / "recorded"
    replace(recorded / "params.py", "    steps: PositiveInt", "    steps: PositiveInt\n    recording: DataFile")
    replace(recorded / "params.py", "import Model", "import DataFile, Model")
    replace(
        recorded / "simulate.py", "p = case.params.simulate", "p = case.params.simulate\n    open(p.recording).read()"
    )
    (folder / "data").mkdir()
    (folder / "data/rec.csv").write_text("1")

    def change(data):
        chaotic = data["cases"]["chaotic"]
        chaotic["kind"] = "tent"
        params = yaml.safe_load(yaml.safe_dump(chaotic["params"]))
        params["simulate"]["recording"] = "data/rec.csv"
        data["cases"]["measured"] = {"kind": "recorded", "params": params}

    rewrite(folder / YAML, change)
    snakemake(folder, "--cores", "2", check=True)
    assert planned(folder) == {}
    return folder


@pytest.fixture
def copy(done, tmp_path):
    shutil.copytree(done, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def verified(folder):
    script = str(folder / "workflow/scripts/verify.py")
    run = subprocess.run([sys.executable, script], cwd=folder, text=True, capture_output=True)
    return [line for line in run.stdout.splitlines() if ": " in line]


JUDGED = {"judge": 1, "ledger": 1, "costs": 1}


def test_an_edit_of_one_experiment_leaves_the_others_alone(copy):
    replace(copy / STUDY / "recorded/entropy.py", "import numpy", "# edited\nimport numpy")
    assert planned(copy) == {"entropy": 1} | JUDGED  # not the chaotic case's nor its control's


def test_a_recording_that_was_replaced_is_run_again(copy):
    (copy / "data/rec.csv").write_text("2")
    assert planned(copy) == {"simulate": 1, "train": 1, "entropy": 1, "forecast": 1} | JUDGED
    found = verified(copy)
    assert [line for line in found if "simulate/measured.nc: stale: made from other data (data/rec.csv)" in line]
    assert len([line for line in found if "other data" in line]) == 4


def test_a_recording_that_is_gone_is_named_before_the_first_job(copy):
    (copy / "data/rec.csv").unlink()
    run = snakemake(copy, "-n")
    assert run.returncode and "params.simulate.recording: there is no file data/rec.csv" in run.stdout
    assert "toy_map.yaml: case 'measured'" in run.stdout and "Traceback" not in run.stdout
    assert any("its data are gone" in line for line in verified(copy))


def test_a_new_rule_kind_reruns_the_judge_alone(copy):
    replace(copy / "workflow/scripts/pesin/claims/models.py", "class NotTestable", "# edited\nclass NotTestable")
    assert planned(copy) == JUDGED
