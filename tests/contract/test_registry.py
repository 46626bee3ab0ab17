"""What every study must satisfy: a new one is tested by these with no new test code."""

import csv
import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pesin.claims.judge import COLUMNS, to_rows
from pesin.claims.load import check_files, check_params, load_study, resolve_study, study_names
from pesin.claims.models import SCALES
from pesin.claims.schema import schemas
from pesin.params import UPSTREAM, typed, visible
from pesin.steps.closure import closure
from pesin.steps.files import open_result
from project import ROOT, same_results

YAMLS = ROOT / "config/studies"
SCRIPTS = ROOT / "workflow/scripts"
STUDIES = study_names(YAMLS)
REFERENCE = ROOT / "results/reference/laptop/ledger.csv"


def resolved(name, scale):
    return resolve_study(name, load_study(name, YAMLS), scale, SCRIPTS / "studies" / name)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", STUDIES)
def test_yaml_files_and_params_fit(name, scale):
    plan = resolved(name, scale)
    check_files(plan, SCRIPTS / "studies" / name)
    check_params(name, plan, importlib.import_module(f"studies.{name}.params").Params)


@pytest.mark.parametrize("name", STUDIES)
def test_each_scale_is_its_own_size(name):
    params = {scale: json.dumps(resolved(name, scale)["cases"], sort_keys=True) for scale in SCALES}
    assert len(set(params.values())) == len(SCALES)


@pytest.mark.parametrize("name", STUDIES)
def test_params_are_frozen_and_hide_what_comes_later(name):
    params_type = importlib.import_module(f"studies.{name}.params").Params
    for case in resolved(name, "smoke")["cases"].values():
        for step in case["steps"]:
            seen = typed(params_type, visible(case["params"], step))
            for section in set(UPSTREAM) - set(UPSTREAM[step]):
                assert not hasattr(seen, section)
            with pytest.raises(ValueError, match="frozen"):
                setattr(seen, next(iter(type(seen).model_fields)), None)


@pytest.mark.parametrize("name", STUDIES)
def test_claims_are_numbered_as_on_the_card_and_shown(name):
    study = load_study(name, YAMLS)
    assert list(study.claims) == [f"C{i + 1}" for i in range(len(study.claims))]
    shown = {claim for figure in study.figures.values() for claim in figure.claims}
    testable = {c for c, claim in study.claims.items() if any(rule.kind != "not_testable" for rule in claim.rules)}
    assert testable - shown == set(), "claims that no figure shows"


@pytest.mark.parametrize("name", STUDIES)
def test_drawing_needs_no_torch(name):
    files = closure(SCRIPTS, SCRIPTS / "figure.py", SCRIPTS / "studies" / name / "figures.py")
    heavy = [f for f in files if "import torch" in Path(f).read_text() and "/steps/" not in f]
    assert not heavy


@pytest.mark.parametrize("name", STUDIES)
def test_the_closure_holds_everything_that_python_imports(name):
    """Import all steps, list the project's files that are loaded, compare."""
    steps = [path.stem for path in (SCRIPTS / "studies" / name).glob("*.py") if path.stem != "__init__"]
    code = "import sys\nfrom pathlib import Path\n" + "".join(f"import studies.{name}.{step}\n" for step in steps)
    code += "for m in list(sys.modules.values()):\n    print(getattr(m, '__file__', None) or '')"
    run = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    files = {line for line in run.stdout.splitlines() if line.startswith(str(SCRIPTS))}
    loaded = {file for file in files if Path(file).stat().st_size}
    found = closure(SCRIPTS, *(SCRIPTS / "studies" / name / f"{step}.py" for step in steps))
    assert len(loaded) > 5 and loaded <= set(found)


@pytest.mark.parametrize("file", schemas())
def test_schemas_have_not_drifted(file):
    assert (ROOT / "config/schema" / file).read_text(encoding="utf-8") == schemas()[file], "run 'make schema'"


# ---------------------------------------------------------------------------------------------------- the smoke run


def results_of(name):
    return [f"{step}/{case}" for case, entry in resolved(name, "smoke")["cases"].items() for step in entry["steps"]]


@pytest.mark.parametrize("name", STUDIES)
def test_every_result_conforms(smoke, name):
    for reference in results_of(name):
        result = open_result(smoke / name / f"{reference}.nc")  # checks units, names, finite values, digest
        attributes = result.attrs
        assert (attributes["study"], attributes["step"], attributes["case"]) == (name, *reference.split("/"))
        assert attributes["scale"] == "smoke" and json.loads(attributes["versions"])["numpy"] == np.__version__
        assert len(attributes["code_digest"]) == 64


@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_is_made_three_times(smoke, name):
    for figure in load_study(name, YAMLS).figures:
        for suffix in ("svg", "pdf", "png"):
            assert (smoke / name / f"figures/{figure}.{suffix}").stat().st_size > 2000


@pytest.mark.parametrize("name", STUDIES)
def test_every_claim_finds_its_quantities(smoke, name):
    """No rule, on the case or on a control, fails for want of a variable, a dimension or units."""
    parts = open_result(smoke / name / "claims.nc")["parts"].to_dataset(inherit=False)
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
    rows = to_rows(open_result(smoke / name / "claims.nc"))
    assert [row["claim"] for row in rows] == list(load_study(name, YAMLS).claims)


def test_the_ledger_has_all_rows_and_its_columns(smoke):
    with open(smoke / "ledger.csv", newline="", encoding="utf-8") as handle:
        table = list(csv.DictReader(handle))
    assert list(table[0]) == list(COLUMNS)
    assert {row["study"] for row in table} == set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_the_same_run_gives_the_same_bits(smoke, smoke_again, same_figures, name):
    for reference in [*results_of(name), "claims"]:
        different = same_results(*(folder / name / f"{reference}.nc" for folder in (smoke, smoke_again)))
        assert not different, f"{name}/{reference}: {different}"
    pictures = [(folder / same_figures[name]).read_bytes() for folder in (smoke, smoke_again)]
    assert pictures[0] == pictures[1], f"{name}: {same_figures[name]} differs"


# -------------------------------------------------------------------------------------------- the ledger we stand by


def reference_rows():
    with open(REFERENCE, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_the_reference_ledger_is_of_the_present_claims():
    rows = {(row["study"], row["claim"]): row for row in reference_rows()}
    present = {(name, c): claim for name in STUDIES for c, claim in load_study(name, YAMLS).claims.items()}
    assert set(rows) == set(present), "run 'make run' and 'make reference'"
    for key, claim in present.items():
        assert rows[key]["says"] == claim.says and rows[key]["expect"] == claim.expect, key
        assert rows[key]["rule"] == " + ".join(rule.kind for rule in claim.rules), key


# Controls that came out too, so that their claims have no verdict; each is spoken of in its study's yaml.
STUCK = {("sigma_reparam_attention_entropy", "C6"): "no verdict"}


def test_controls_flip():
    rows = reference_rows()
    assert {(r["study"], r["claim"]): r["verdict"] for r in rows if r["control_flipped"] == "no"} == STUCK
    assert {r["study"] for r in rows if r["control_flipped"] == "yes"} == set(STUDIES)
