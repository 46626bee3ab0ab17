"""The workflow taken in by another one: `module pesin` with its own names, prefix, config and working directory."""

import csv

import pytest

from project import copy_with_toy_alone, planned, snakemake

OUTER = """
module pesin:
    snakefile: {snakefile!r}
    {more}


use rule * from pesin as pesin_*


rule mine:
    default_target: True
    input:
        "{prefix}results/smoke/ledger.csv",
        "{prefix}results/smoke/toy_map/figures/exponents.svg",
    output:
        "lines.txt",
    shell:
        "wc -l {{input[0]}} > {{output}}"
"""
JOBS = {
    "simulate": 2,
    "train": 2,
    "entropy": 2,
    "forecast": 2,
    "figure_toy_map": 1,
    "judge": 1,
    "costs": 1,
    "ledger": 1,
}
MINE = {f"pesin_{rule}": count for rule, count in JOBS.items()} | {"mine": 1}


def test_a_module_with_a_prefix_and_a_config_runs_to_the_end(tmp_path):
    """The clone lies below the working directory: no prefix goes before the paths of its code."""
    copy_with_toy_alone(tmp_path / "ours/pesin")
    outer = tmp_path / "ours/Snakefile"
    more = "prefix: 'chaos'\n    config: {'scale': 'smoke'}"
    outer.write_text(OUTER.format(snakefile="pesin/Snakefile", more=more, prefix="chaos/"))
    assert planned(outer.parent) == MINE
    snakemake(outer.parent, "--cores", "2", check=True)
    with open(outer.parent / "chaos/results/smoke/ledger.csv", newline="") as handle:
        rows = {row["claim"]: row for row in csv.DictReader(handle)}
    assert rows["C1"]["verdict"] == "reproduced" and rows["C1"]["control_flipped"] == "yes"
    assert not (outer.parent / "results").exists() and not (outer.parent / "pesin/results").exists()
    assert planned(outer.parent) == {}
    snakemake(outer.parent, "--report", "report.html", check=True)
    text = (outer.parent / "report.html").read_text(encoding="utf-8")
    assert "C1 reproduced" in text and "All exponents lie above zero" in text
    train = outer.parent / "pesin/workflow/scripts/studies/toy_map/train.py"
    train.write_text(f"# edited\n{train.read_text()}")
    assert planned(outer.parent)["pesin_train"] == 2 and "pesin_simulate" not in planned(outer.parent)


@pytest.mark.parametrize("more", ["config: {'scale': 'smoke'}", "config: {'scale': 'smoke', 'studies': ['toy_map']}"])
def test_a_module_without_a_prefix_in_another_working_directory(tmp_path, more):
    clone, work = copy_with_toy_alone(tmp_path / "clone"), tmp_path / "work"
    (tmp_path / "ours").mkdir()
    work.mkdir()
    outer = tmp_path / "ours/Snakefile"
    outer.write_text(OUTER.format(snakefile=str(clone / "Snakefile"), more=more, prefix=""))
    there = ("--snakefile", str(outer), "--directory", str(work))
    assert planned(tmp_path, *there) == MINE
    snakemake(tmp_path, "--cores", "1", *there, "results/smoke/toy_map/entropy/chaotic.nc", check=True)
    assert (work / "results/smoke/toy_map/train/chaotic.nc").is_file()


def test_a_module_under_its_own_names_reads_its_own_config(tmp_path):
    """As `use rule * from pesin`, with the config.yaml of the clone and what the command line says of it."""
    copy_with_toy_alone(tmp_path / "pesin")
    text = OUTER.format(snakefile="pesin/Snakefile", more="", prefix="").replace(" as pesin_*", "")
    (tmp_path / "Snakefile").write_text(text)
    assert planned(tmp_path, "--config", "scale=smoke") == JOBS | {"mine": 1}
    assert planned(tmp_path, "results/laptop/toy_map/entropy/chaotic.nc")["entropy"] == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("config: {'scale': 'smok'}", "scale 'smok' is not known. Did you mean 'smoke'?"),
        ("config: {'mine': 1}", "unknown key 'mine'"),
    ],
)
def test_a_mistake_in_a_modules_config_is_a_sentence(tmp_path, more, message):
    copy_with_toy_alone(tmp_path / "pesin")
    (tmp_path / "Snakefile").write_text(OUTER.format(snakefile="pesin/Snakefile", more=more, prefix=""))
    run = snakemake(tmp_path, "-n", "--cores", "1")
    assert run.returncode != 0 and message in run.stdout


def test_files_of_ones_own_are_no_studies(tmp_path):
    """A target that no rule makes is the outer workflow's own affair: no word of studies."""
    copy_with_toy_alone(tmp_path / "pesin")
    (tmp_path / "Snakefile").write_text(OUTER.format(snakefile="pesin/Snakefile", more="", prefix=""))
    run = snakemake(tmp_path, "-n", "--cores", "1", "notes")
    assert run.returncode != 0 and "There is no study" not in run.stdout
