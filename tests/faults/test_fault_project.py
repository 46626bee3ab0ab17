"""Faults of the whole project, by dry runs and checks: F14 outputs, F23 typos, F24 size, F34, F36 no home."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from jobs import jobs
from pesin.config.load import load_study, read_yaml, study_names
from pesin.config.models import SCALES, Config, Study
from pesin.errors import UserError
from pesin.params import check
from pesin.plan import Plan, resolve
from project import ROOT, SCRIPTS, YAMLS, copy_project, copy_with_toy_alone, plan, planned, snakemake

STUDIES = study_names(YAMLS)


def steps_of(name: str, scale: str = "smoke") -> list[tuple[str, str]]:
    return [tuple(result.split("/")) for result in plan(scale).study(name).results]


# -------------------------------------------------------------------------------------------- F14, F24, F34: the plan


@pytest.mark.parametrize("scale", ["smoke", "paper"])
def test_each_file_has_one_rule_and_each_study_its_jobs(tmp_path, scale):
    folder = copy_project(tmp_path / "p")
    config = ("--config", f"scale={scale}")
    lines = snakemake(folder, "--summary", "--cores", "1", *config, check=True).stdout.splitlines()
    outputs = [line.split("\t")[0] for line in lines if line.startswith("results/")]
    assert len(outputs) == len(set(outputs)) > 50
    text = snakemake(folder, "-n", "--cores", "1", *config, check=True).stdout
    assert "Ambiguous" not in text
    jobs = planned(folder, *config)
    for step in ("simulate", "train", "entropy", "forecast"):
        declared = sum(s == step for name in STUDIES for s, _ in steps_of(name, scale))
        assert jobs.get(step, 0) == declared, step
    assert jobs["judge"] == len(STUDIES) and jobs["ledger"] == jobs["costs"] == 1


MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print("measured", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def test_the_whole_plan_is_small(tmp_path):
    """300 MB for the full set. How long it takes hangs on the machine: `benchmarks/parsing.py`."""
    folder, measured = copy_project(tmp_path / "p"), (sys.executable, "-c", MEASURE)
    whole = ("-n", "--quiet", "all", "--cores", "1", "--config", "scale=paper")
    said = snakemake(folder, *whole, check=True, before=measured).stdout.splitlines()
    assert int([line.split()[1] for line in said if line.startswith("measured ")][0]) < 300_000


def test_each_study_is_resolved_once(monkeypatch):
    """F24: all jobs ask the plan, which works out each study once, however many jobs there are."""
    asked = []

    def counted(study, *arguments):
        assert study not in asked, f"{study} is worked out again"
        asked.append(study)
        return resolve(study, *arguments)

    monkeypatch.setattr("pesin.plan.resolve", counted)
    todo = jobs(Plan(ROOT, Config(scale="paper")))  # a new one: the helper keeps its plans
    assert sorted(asked) == STUDIES and len(todo) > 10 * len(STUDIES)


def test_no_study_at_all_is_an_error(tmp_path):
    folder = copy_project(tmp_path / "p")
    run = snakemake(folder, "--cores", "1", "--config", "studies=[]")
    assert run.returncode != 0 and "studies" in run.stdout
    for path in (folder / "config/studies").glob("*.yaml"):
        path.unlink()
    run = snakemake(folder, "--cores", "1")
    assert run.returncode != 0 and "holds no study: there is nothing to run" in run.stdout


# ---------------------------------------------------------------------------------------------------- F23, F31: yamls

FREE = {"params", "set", "at", "reduce"}  # keys below are the study's own, checked against its params.py


def keys_of(data, above=()):
    """Paths of all keys whose names the schema fixes; names of cases, claims, figures and the like are the author's."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*above, key)
            if key not in FREE:
                yield from keys_of(value, (*above, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from keys_of(value, (*above, index))


def at(data, path):
    for part in path:
        data = data[part]
    return data


NAMED = {
    "each",
    "units",
    "stuck",
    "cases",
    "controls",
    "scales",
    "figures",
    "claims",
    "uses",
    "resources",
    "params",
    "set",
}


@pytest.mark.parametrize("name", STUDIES)
def test_each_misspelt_key_is_named_with_its_file(name):
    text = json.dumps(read_yaml(YAMLS / f"{name}.yaml"))
    paths = [p for p in keys_of(json.loads(text)) if not (len(p) > 1 and p[-2] in NAMED)]
    assert len(paths) > 30
    for path in paths:
        data = json.loads(text)
        parent = at(data, path[:-1])
        wrong = f"{path[-1]}x"
        parent[wrong] = parent.pop(path[-1])
        try:
            study = check(Study, data, f"config/studies/{name}.yaml")
            for scale in SCALES:
                resolve(name, study, scale, SCRIPTS / "studies" / name)
        except UserError as error:
            sentence = str(error)
        else:
            pytest.fail(f"{'.'.join(map(str, path))} misspelt is no error")
        assert f"config/studies/{name}.yaml" in sentence and (wrong in sentence or str(path[-1]) in sentence), path


@pytest.mark.parametrize("name", STUDIES)
def test_each_required_key_that_is_missing_is_named(name):
    text = json.dumps(read_yaml(YAMLS / f"{name}.yaml"))
    for path in [("title",), ("topic",), ("source",), ("steps",), ("cases",), ("claims",), ("claims", "C1", "says")]:
        data = json.loads(text)
        del at(data, path[:-1])[path[-1]]
        with pytest.raises(UserError, match=re.escape(path[-1])):
            check(Study, data, f"config/studies/{name}.yaml")


@pytest.mark.parametrize("name", STUDIES)
def test_each_claim_says_where_it_stands_and_how_it_is_judged(name):
    for claim_id, claim in load_study(name, YAMLS).claims.items():
        assert claim.says and claim.paper.where and claim.rules, claim_id


def test_the_profile_is_one_that_this_snakemake_reads(tmp_path):
    """Every key of the profile is an option (a misspelt one would be passed over), but for the list of partitions."""
    options = subprocess.run([sys.executable, "-m", "snakemake", "--help"], capture_output=True, text=True).stdout
    profile = yaml.safe_load((ROOT / "workflow/profiles/slurm/profile.yaml").read_text())
    unknown = [key for key in profile if not re.search(rf"--{re.escape(key)}\b", options)]
    assert unknown == ["partitions"]
    assert all(set(limits) >= {"max_gpu"} for limits in profile["partitions"].values())


@pytest.mark.parametrize("name", STUDIES)
def test_each_step_asks_for_memory_and_time_and_only_training_for_a_gpu(name):
    for step, asked in plan("paper").study(name).resources.items():
        assert asked.mem_mb >= 500 and asked.runtime >= 1
        assert step == "train" or not asked.gpu, f"{name}: {step} asks for a GPU"


# --------------------------------------------------------------------------------------------------------- F36: no home


def test_make_runs_without_a_home_that_can_be_written_to(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    command = f"SNAKEMAKE='{sys.executable}' -m snakemake -n"  # its path may have a space
    make = [
        "make",
        "-C",
        folder,
        "-f",
        ROOT / "Makefile",
        "-o",
        ".venv/.ready",
        "run",
        command,
        "PY=true",
        "SCALE=smoke",
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "MAKE", "MFLAGS"))}
    run = subprocess.run(make, env=environment | {"HOME": "/proc/nowhere"}, capture_output=True, text=True)
    said = run.stdout + run.stderr
    assert "/proc/nowhere" not in said and "total" in said, said  # jobs by rule; then there is no report to write
    assert run.stdout.count("no home that can be written to") == 1 and (folder / ".snakemake/cache").is_dir()
    ordinary = subprocess.run(
        [*make[:7], "help"], env=environment | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert "no home" not in ordinary.stdout
