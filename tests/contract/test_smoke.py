"""What every study's smoke run must satisfy: a new one is tested by these with no new test code.

A file of its own, so that its worker waits for the runs while the others do the rest.
"""

import csv
import json
import re
import shutil

import numpy as np
import pytest

from jobs import jobs
from pesin.claims.judge import to_rows
from pesin.claims.ledger import LEDGER_COLUMNS
from pesin.config.load import load_study, study_names
from pesin.steps.files import open_result
from pesin.steps.record import read_record
from project import ROOT, YAMLS, copy_project, differing, plan, snakemake, untimed_verdicts

STUDIES = study_names(YAMLS)


def resolved(name, scale):
    return plan(scale).study(name)


@pytest.mark.parametrize("name", STUDIES)
def test_every_job_ends_well_and_imports_nothing_beside_its_closure(smoke, name):
    """Each job compares what Python has loaded with its closure, and says at the end of its log what it read."""
    logs = [log for log in (smoke.study(name) / "logs").rglob("*.log") if read_record(log)]
    study = resolved(name, "smoke")
    assert len(logs) == len(study.results) + len(study.declared.figures) + 1


@pytest.mark.parametrize("name", STUDIES)
def test_every_result_conforms(smoke, name):
    for reference in resolved(name, "smoke").results:
        result = open_result(smoke.study(name) / f"{reference}.nc")  # checks units, names, finite values, digest
        attributes = result.attrs
        assert (attributes["study"], attributes["step"], attributes["case"]) == (name, *reference.split("/"))
        assert attributes["scale"] == "smoke" and json.loads(attributes["versions"])["numpy"] == np.__version__
        assert len(attributes["code_digest"]) == 64


@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_is_made_three_times(smoke, name):
    for figure in load_study(name, YAMLS).figures:
        for suffix in ("svg", "pdf", "png"):
            assert (smoke.study(name) / f"figures/{figure}.{suffix}").stat().st_size > 2000


@pytest.mark.parametrize("name", STUDIES)
def test_every_claim_finds_its_quantities(smoke, name):
    """No rule, on the case or on a control, fails for want of a variable, a dimension or units."""
    parts = open_result(smoke.study(name) / "claims.nc")["parts"].to_dataset(inherit=False)
    lost = [
        f"{claim} {rule} {control}: {reason}"
        for claim, control, rule, verdict, reason in zip(
            *(parts[n].values for n in ("claim", "control", "rule", "verdict", "reason")), strict=True
        )
        if verdict == "no verdict"
    ]
    assert not lost


@pytest.mark.parametrize("name", STUDIES)
def test_one_row_for_each_claim(smoke, name):
    rows = to_rows(open_result(smoke.study(name) / "claims.nc"))
    assert [row["claim"] for row in rows] == list(load_study(name, YAMLS).claims)


def test_the_ledger_has_all_rows_and_its_columns(smoke):
    with open(smoke.study("ledger.csv"), newline="", encoding="utf-8") as handle:
        table = list(csv.DictReader(handle))
    assert tuple(table[0]) == LEDGER_COLUMNS
    assert {row["study"] for row in table} == set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_the_same_run_gives_the_same_bits(smoke, smoke_again, name):
    assert not differing(smoke.study(name), smoke_again.study(name), left_out=(".pdf", ".png"))


def keeps_checkpoints(name: str) -> bool:
    modules = (ROOT / "workflow/scripts/studies" / name).rglob("*.py")
    return any("checkpoint(" in module.read_text(encoding="utf-8") for module in modules)


@pytest.mark.parametrize("name", [name for name in STUDIES if keeps_checkpoints(name)])
def test_a_step_was_told_to_end_and_went_on(smoke_again, name):
    """Without it the same bits would say nothing of checkpoints."""
    logs = (smoke_again.study(name) / "logs").rglob("*.log")
    assert any("going on after" in log.read_text(encoding="utf-8") for log in logs)


def of_all_kinds() -> list[str]:
    """Three small studies: one that takes another's results, one that trains, one that trains from checkpoints."""

    def takes(study):
        uses = [given for case in study.cases.values() for uses in case.uses.values() for given in uses.values()]
        return any(not r.startswith(f"{study.name}/") for given in uses for r in np.atleast_1d(given))

    def trains(study):
        return any("train" in case.steps for case in study.cases.values())

    def keeps(study):
        return trains(study) and any("case.checkpoint(" in p.read_text() for p in study.folder.rglob("train.py"))

    small, chosen = sorted((resolved(name, "smoke") for name in STUDIES), key=lambda s: len(s.results)), []
    for has in (takes, trains, keeps):
        chosen += [study.name for study in small if study.name not in chosen and has(study)][:1]
    return chosen or [small[0].name]  # a project of few studies


def test_snakemake_makes_the_same_bits(smoke, tmp_path, request):
    """Each job in a process of its own. `make test-all`: of all studies."""
    names = STUDIES if request.config.getoption("--all-studies") else of_all_kinds()
    folder = copy_project(tmp_path / "project")
    config = ("--config", "scale=smoke", "fork=false", f"studies=[{','.join(names)}]")
    snakemake(folder, "--cores", "2", *config, check=True)
    assert not {n: d for n in names if (d := differing(smoke.study(n), folder / "results/smoke" / n))}
    verdicts, ours = untimed_verdicts(folder / "results/smoke"), untimed_verdicts(smoke.results)
    assert verdicts == {key: verdict for key, verdict in ours.items() if key[0] in names} != {}


def test_the_jobs_are_those_of_snakemake(tmp_path, monkeypatch):
    """Rule, files in their order, log, wildcards and threads of every job of every study."""
    folder = copy_project(tmp_path / "project")
    shutil.copytree(ROOT / "results/reference", folder / "results/reference")  # of which the ledger's job takes tables
    for rules in (folder / "workflow/rules").glob("*.smk"):  # where a rule has a message, a dry run says nothing else
        rules.write_text(re.sub(r" +message:\n.*\n", "", rules.read_text(encoding="utf-8")), encoding="utf-8")
    told = snakemake(folder, "-n", "--cores", "64", "--config", "scale=smoke", check=True).stdout
    blocks = re.findall(r"^rule (\w+):\n((?:    .*\n)+)", told, re.MULTILINE)
    said = {block.partition("    output: ")[2].partition("\n")[0]: (rule, block) for rule, block in blocks}
    monkeypatch.chdir(ROOT)
    todo = jobs(plan("smoke"))
    assert len(todo) == len(said) == len(blocks)
    for job in todo:
        rule, block = said[", ".join(job.output.values())]
        assert rule == job.rule
        wanted = {"input": ", ".join(job.files()), "log": job.log, "benchmark": job.benchmark}
        wanted["wildcards"] = ", ".join(f"{name}={value}" for name, value in job.wildcards.items())
        wanted["threads"] = str(job.threads) if job.threads > 1 else ""
        found = {key: re.search(rf"^    {key}: (.*)$", block, re.MULTILINE) for key in wanted}
        assert {key: line[1] if line else "" for key, line in found.items()} == wanted
        assert "gpu" not in job.resources or f"gpu={job.resources['gpu']}" in block
