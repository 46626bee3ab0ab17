"""The workflow on a toy study: what runs, what reruns, what a mistake says, what a failure leaves."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pesin.claims.costs import read_csv
from pesin.steps.files import open_result
from project import (
    ROOT,
    add_toy,
    copy_project,
    copy_with_toy_alone,
    differing,
    planned,
    replace_text,
    run_jobs,
    snakemake,
)

YAML = "config/studies/toy_map.yaml"
SCRIPTS = "workflow/scripts"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished run, in a folder with a space and an umlaut, by an interpreter whose path has them too."""
    folder = copy_with_toy_alone(tmp_path_factory.mktemp("a b") / "ü")
    (folder / "my venv").symlink_to(Path(sys.prefix))
    python = str(folder / "my venv" / "bin" / "python")
    snakemake(folder, "--cores", "2", python=python, check=True)
    return folder


@pytest.fixture
def copy(done, tmp_path):
    """The finished run again, to be changed."""
    shutil.copytree(done, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def test_everything_is_made(done):
    made = done / "results/laptop"
    for step in ("simulate", "train", "entropy", "forecast"):
        for case in ("chaotic", "contracting"):
            result = open_result(made / f"toy_map/{step}/{case}.nc")
            for name in ("study", "case", "step", "scale", "parameters", "seed", "code_digest", "inputs", "versions"):
                assert name in result.attrs, name
    for suffix in ("svg", "pdf", "png"):
        assert (made / f"toy_map/figures/exponents.{suffix}").stat().st_size > 1000
    with open(made / "ledger.csv", newline="") as handle:
        rows = {row["claim"]: row for row in csv.DictReader(handle)}
    assert rows["C1"]["verdict"] == "reproduced" and rows["C1"]["control_flipped"] == "yes"
    assert rows["C2"]["verdict"] == "illustrated" and rows["C3"]["verdict"] == "not testable here"
    assert "toy_map,total" in (made / "costs.csv").read_text()


def test_the_same_jobs_without_snakemake_make_the_same_files(done, tmp_path):
    """What lets the contract tests run all studies by tests/jobs.py: bits, attributes, logs and tables."""
    folder = copy_with_toy_alone(tmp_path / "p")
    assert run_jobs(folder, "--scale", "laptop") == {}
    whole, forked = done / "results/laptop", folder / "results/laptop"
    assert differing(whole / "toy_map", forked / "toy_map") == []
    assert {path.name for path in whole.iterdir()} == {path.name for path in forked.iterdir()}
    assert (whole / "ledger.csv").read_bytes() == (forked / "ledger.csv").read_bytes()
    for log in whole.rglob("*.log"):
        if log.parent.parent.name == "toy_map":
            pair = [(folder / log.relative_to(whole)).read_text().splitlines() for folder in (whole, forked)]
            ours, theirs = ([line for line in lines if " seconds: " not in line] for lines in pair)
            assert ours == theirs and len(pair[0]) == len(pair[1]) > 1, log
    tables = [read_csv(folder / "costs.csv") for folder in (whole, forked)]
    assert [(row["step"], row["name"]) for row in tables[0]] == [(row["step"], row["name"]) for row in tables[1]]


def test_nothing_is_left_to_do(done):
    assert planned(done) == {}


def test_figures_hold_no_date(done):
    for suffix in ("svg", "pdf"):
        text = (done / f"results/laptop/toy_map/figures/exponents.{suffix}").read_bytes()
        assert b"CreationDate" not in text and not re.search(rb"<dc:date>\s*\d", text)


JUDGED = {"judge": 1, "ledger": 1, "costs": 1}
DRAWN = {"figure_toy_map": 1, "costs": 1, "ledger": 1}


@pytest.mark.parametrize(
    ("file", "old", "new", "jobs"),
    [
        (YAML, "steps: 200", "steps: 300", {"simulate": 2, "train": 2, "entropy": 2, "forecast": 2} | DRAWN | JUDGED),
        (YAML, "ridge: 0.001", "ridge: 0.01", {"train": 2, "entropy": 2, "forecast": 2} | DRAWN | JUDGED),
        (YAML, "burn_in: 10", "burn_in: 11", {"entropy": 2} | DRAWN | JUDGED),
        (YAML, "horizon: 3", "horizon: 4", {"forecast": 2} | JUDGED),
        (YAML, "slope: 0.9", "slope: 0.8", {"simulate": 1, "train": 1, "entropy": 1, "forecast": 1} | DRAWN | JUDGED),
        (YAML, "tolerance: 1e-9", "tolerance: 1e-8", JUDGED),
        (YAML, "steps: 60", "steps: 61", {}),  # the smoke scale's number
        (f"{SCRIPTS}/pesin/claims/rules.py", "import annotations", "import annotations  # edited", JUDGED),
        (f"{SCRIPTS}/pesin/plot/style.py", "import annotations", "import annotations  # edited", DRAWN),
        (f"{SCRIPTS}/studies/toy_map/train.py", "import xarray", "# edited\nimport xarray",
         {"train": 2, "entropy": 2, "forecast": 2} | DRAWN | JUDGED),
        (f"{SCRIPTS}/studies/toy_map/figures.py", "import named, panels", "import named, panels  # edited", DRAWN),
        (f"{SCRIPTS}/studies/toy_map/forecast.py", "import numpy", "# edited\nimport numpy", {"forecast": 2} | JUDGED),
        ("workflow/report/figure.rst", "Paper:", "The paper:", JUDGED),
    ],
)  # fmt: skip
def test_an_edit_reruns_exactly_what_depends_on_it(copy, file, old, new, jobs):
    replace_text(copy / file, old, new)
    assert planned(copy) == jobs


def test_a_number_that_the_scale_overrides_reruns_nothing(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    snakemake(folder, "--cores", "2", "--config", "scale=smoke", check=True)
    replace_text(folder / YAML, "steps: 200", "steps: 300")
    assert planned(folder, "--config", "scale=smoke") == {}


def test_an_edit_undone_reruns_nothing(copy):
    replace_text(copy / YAML, "steps: 200", "steps: 300")
    replace_text(copy / YAML, "steps: 300", "steps: 200")
    path = copy / SCRIPTS / "studies/toy_map/train.py"
    os.utime(path)
    assert planned(copy) == {}


def test_one_figure_by_its_path(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    jobs = planned(folder, "results/laptop/toy_map/figures/exponents.svg")
    assert jobs == {"simulate": 2, "train": 2, "entropy": 2, "figure_toy_map": 1}
    assert planned(folder, "results/laptop/toy_map/figures/exponents.pdf") == jobs


def test_one_study_and_one_scale(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    jobs = {"simulate": 2, "train": 2, "entropy": 2, "forecast": 2, "figure_toy_map": 1, "judge": 1}
    assert planned(folder, "toy_map") == jobs | {"toy_map": 1}
    assert planned(folder, "toy_map", "--config", "scale=smoke") == jobs | {"toy_map": 1}
    assert "results/smoke/toy_map/simulate/chaotic.nc" in snakemake(folder, "-n", "--config", "scale=smoke").stdout


def test_a_study_is_added_by_one_yaml_and_one_folder(tmp_path):
    folder = copy_project(tmp_path / "p")
    before = planned(folder)
    add_toy(folder)
    after = planned(folder)
    assert after["simulate"] == before.get("simulate", 0) + 2 and after["figure_toy_map"] == 1


def test_the_dry_run_says_why(copy):
    replace_text(copy / YAML, "ridge: 0.001", "ridge: 0.01")
    assert re.search("Params have changed|Code has changed|parameters", snakemake(copy, "-n").stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["toy_mop"], "There is no study 'toy_mop'. Did you mean 'toy_map'?"),
        (["--config", "studies=[toy_mop]"], "there is no study 'toy_mop'"),
        (["--config", "scale=lptop"], "scale 'lptop' is not known. Did you mean 'laptop'?"),
        (["--config", "studeis=all"], "unknown key 'studeis'. Did you mean 'studies'?"),
        (["results/laptop/toy_map/figures/exponent.svg"], "has no figure 'exponent'. Did you mean 'exponents'?"),
        (["results/laptop/toy_map/entropy/chaotik.nc"], "has no case 'chaotik'. Did you mean 'chaotic'?"),
    ],
)
def test_a_wrong_name_is_a_sentence(tmp_path, arguments, message):
    folder = copy_with_toy_alone(tmp_path / "p")
    run = snakemake(folder, "--cores", "1", *arguments)
    assert run.returncode != 0 and message in run.stdout
    assert not (folder / "results").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("slope: 1.9, seeds", "slop: 1.9, seeds", "unknown key 'simulate.slop'. Did you mean 'slope'?"),
        ("seeds: 5", "seeds: 0", "simulate.seeds: Input should be greater than 0 (it is 0)"),
        ("seeds: 5", "seeds: -3", "simulate.seeds: Input should be greater than 0 (it is -3)"),
        (
            "must_fail: [C1]",
            "must_fial: [C1]",
            "unknown key 'controls.contracting.must_fial'. Did you mean 'must_fail'?",
        ),
        ("slope: 0.9", "slip: 0.9", "case 'contracting', params: unknown key 'simulate.slip'. Did you mean 'slope'?"),
        ("topic: toy", "topic: [toy", "this is not yaml"),
        ("reads: [entropy/chaotic,", "reads: [entropy/chaos,", "no result 'entropy/chaos'"),
        ("  exponents:", "  exponets:", "figures.py has no function 'exponets(study)'"),
        (
            "scales:",
            "uses: {rule: toy_map/entropy/chaotic}\nscales:",
            "uses.rule: no step's function has an argument 'rule'",
        ),
    ],
)
def test_a_wrong_yaml_is_a_sentence_before_the_first_job(tmp_path, old, new, message):
    folder = copy_with_toy_alone(tmp_path / "p")
    replace_text(folder / YAML, old, new)
    run = snakemake(folder, "--cores", "1")
    assert run.returncode != 0 and message in run.stdout
    assert "toy_map.yaml" in run.stdout or "figures.py" in run.stdout
    assert "Traceback" not in run.stdout
    assert not (folder / "results").exists()


@pytest.mark.parametrize("name", ["params.py", "entropy.py", "figures.py"])
def test_a_missing_file_of_a_study_is_a_sentence(tmp_path, name):
    folder = copy_with_toy_alone(tmp_path / "p")
    (folder / SCRIPTS / "studies/toy_map" / name).unlink()
    run = snakemake(folder, "--cores", "1")
    assert run.returncode != 0 and f"{name} is missing" in run.stdout and "Traceback" not in run.stdout


def test_a_step_that_fails_leaves_a_ledger_and_mends(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    train = folder / SCRIPTS / "studies/toy_map/train.py"
    replace_text(train, "    assert", "    raise ValueError('no luck')\n    assert")
    run = snakemake(folder, "--cores", "2", "--keep-going", "--quiet", "rules")  # as `make run` does
    assert run.returncode != 0 and "train: ValueError: no luck" in run.stdout
    lines = [line for line in run.stdout.splitlines() if line.startswith("toy_map ")]
    assert len(lines) == 4 and "2 done, 2 failed" in lines[-1]  # two simulations, two trainings
    assert "failed; the log: results/laptop/toy_map/logs/train/chaotic.log" in run.stdout
    assert "localrule" not in run.stdout and "Finished jobid" not in run.stdout
    assert not list(folder.glob("results/laptop/toy_map/train/*"))
    with open(folder / "results/laptop/ledger.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert rows[0]["verdict"] == "no verdict" and "chaotic.log" in rows[0]["reason"]
    replace_text(train, "    raise ValueError('no luck')\n", "")
    snakemake(folder, "--cores", "2", check=True)
    assert "reproduced" in (folder / "results/laptop/ledger.csv").read_text()


def test_a_missing_package_is_the_reason_in_the_ledger(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    lines = "with needs_package('sulfur'):\n        import sulfur  # noqa: F401\n    p = case.params.simulate"
    simulate = folder / SCRIPTS / "studies/toy_map/simulate.py"
    replace_text(simulate, "p = case.params.simulate", lines)
    replace_text(
        simulate, "import xarray as xr\n", "import xarray as xr\n\nfrom pesin.steps.packages import needs_package\n"
    )
    run = snakemake(folder, "--cores", "2", "--keep-going")
    assert run.returncode != 0 and "simulate: sulfur is missing" in run.stdout and "Traceback" not in run.stdout
    with open(folder / "results/laptop/ledger.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert rows[0]["verdict"] == "no verdict" and "sulfur is missing" in rows[0]["reason"]
    assert "simulate/chaotic.log" in rows[0]["reason"]


def test_a_result_with_a_nan_stops_its_job(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    replace_text(folder / SCRIPTS / "studies/toy_map/entropy.py", "np.log(float(data.slope))", "np.nan")
    run = snakemake(folder, "--cores", "2", "--keep-going")
    assert run.returncode != 0 and "variable 'lyapunov_exponent' holds a NaN" in run.stdout


def test_a_broken_input_is_named(copy):
    path = copy / "results/laptop/toy_map/simulate/chaotic.nc"
    path.write_bytes(path.read_bytes()[:1000])
    run = snakemake(copy, "--cores", "2", "--forcerun", "train", "--keep-going")
    assert run.returncode != 0 and "simulate/chaotic.nc: can't be read as NetCDF" in run.stdout


def test_a_variable_no_step_makes_is_no_verdict(copy):
    replace_text(copy / YAML, "variable: lyapunov_exponent}, above", "variable: lyapunov}, above")
    snakemake(copy, "--cores", "2", check=True)
    with open(copy / "results/laptop/ledger.csv", newline="") as handle:
        row = next(csv.DictReader(handle))
    assert row["verdict"] == "no verdict" and "has no variable 'lyapunov'" in row["reason"]


def test_the_report_has_captions_with_verdicts(done):
    snakemake(done, "--report", "report.html", check=True, before=without_network())
    text = (done / "report.html").read_text(encoding="utf-8")
    for part in (
        "C1: reproduced",
        "The exponent is positive",
        "All exponents lie above zero",
        "ledger.csv",
        "costs.csv",
        "C1 reproduced",
    ):
        assert part in text, part


def without_network() -> list[str]:
    """A prefix that takes the network away, where the machine lets an ordinary process do so."""
    prefix = ["unshare", "--net", "--map-root-user"]
    can = shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
    return prefix if can else []


def test_summary_says_where_everything_is(done):
    script = str(done / SCRIPTS / "summary.py")
    run = subprocess.run(
        [sys.executable, script, "results/laptop"], cwd=done, capture_output=True, text=True, check=True
    )
    lines = run.stdout.strip().splitlines()
    assert len(lines) == 3
    assert "results/laptop/ledger.html (3 claims of 1 study: 1 reproduced, 1 illustrated, 1 not testable" in lines[0]
    assert "(1 figure," in lines[1]
    run = subprocess.run(
        [sys.executable, script, "results/laptop", "--costs"], cwd=done, capture_output=True, text=True, check=True
    )
    assert "toy_map" in run.stdout and "Start-up, imports and files" in run.stdout


def test_python_too_old_is_a_sentence(tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\n[ \"$1\" = -V ] && echo 'Python 3.9.1' && exit 0\nexit 1\n")
    old.chmod(0o755)
    run = subprocess.run(
        ["sh", "envs/make.sh", str(old), "envs/requirements.lock"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode != 0 and "Pesin needs Python 3.11 or newer" in run.stderr and "3.9.1" in run.stderr
