"""What every study must satisfy: a new one is tested by these with no new test code."""

import ast
import csv
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from pesin.config.load import load_study, study_names
from pesin.config.models import SCALES
from pesin.params import UPSTREAM, typed, visible
from pesin.steps.closure import closure
from project import ROOT, SCRIPTS, YAMLS, plan

STUDIES = study_names(YAMLS)
REFERENCE = ROOT / "results/reference/laptop/ledger.csv"


def resolved(name, scale):
    return plan(scale).study(name)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", STUDIES)
def test_yaml_files_and_params_fit(name, scale):
    assert resolved(name, scale).results  # refuses what doesn't fit


@pytest.mark.parametrize("name", STUDIES)
def test_each_scale_is_its_own_size(name):
    sizes = {json.dumps({c: e.params for c, e in resolved(name, scale).cases.items()}) for scale in SCALES}
    assert len(sizes) == len(SCALES)


@pytest.mark.parametrize("name", STUDIES)
def test_params_are_frozen_and_hide_what_comes_later(name):
    study = resolved(name, "smoke")
    for case, entry in study.cases.items():
        for step in entry.steps:
            seen = typed(study.params_type(case), visible(entry.params, step))
            for section in set(UPSTREAM) - set(UPSTREAM[step]):
                assert not hasattr(seen, section)
            with pytest.raises(ValueError, match="frozen"):
                setattr(seen, next(iter(type(seen).model_fields)), None)


@pytest.mark.parametrize("name", STUDIES)
def test_claims_are_numbered_as_on_the_card_and_shown(name):
    study = load_study(name, YAMLS)
    numbers = list(dict.fromkeys(claim.rstrip("abcdefgh") for claim in study.claims))  # C5a and C5b are parts of C5
    assert numbers == [f"C{i + 1}" for i in range(len(numbers))]
    shown = {claim for figure in study.figures.values() for claim in figure.claims}
    testable = {c for c, claim in study.claims.items() if any(rule.kind != "not_testable" for rule in claim.rules)}
    assert testable - shown == set(), "claims that no figure shows"


@pytest.mark.parametrize("name", STUDIES)
def test_drawing_needs_no_torch(name):
    files = closure(SCRIPTS, SCRIPTS / "figure.py", SCRIPTS / "studies" / name / "figures.py")
    heavy = [f for f in files if "import torch" in Path(f).read_text() and "/steps/" not in f]
    assert not heavy


def imported(names):
    """Files of the project that Python loads for modules, in a process of its own."""
    code = "\n".join(f"import {name}" for name in names)
    code += "\nimport sys\nfor m in list(sys.modules.values()):\n    print(getattr(m, '__file__', None) or '')"
    run = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    ours = {line for line in run.stdout.splitlines() if line.startswith(str(SCRIPTS))}
    return {file for file in ours if Path(file).stat().st_size}


@pytest.mark.parametrize("name", STUDIES)
def test_every_module_belongs_to_a_job_of_the_smoke_scale(name):
    """What no job of it reaches would never run in these tests."""
    study, seen = resolved(name, "smoke"), set()
    for reference in study.results:
        seen |= set(plan("smoke").code(name, *reference.split("/")))
    for figure in study.declared.figures:
        seen |= set(plan("smoke").figure_code(name, figure))
    modules = {str(path) for path in study.folder.rglob("*.py") if path.stat().st_size}
    assert len(modules) > 2
    elsewhere = modules - seen  # what only larger scales run is imported here at least
    for scale in SCALES:
        larger = resolved(name, scale)
        for reference in larger.results:
            seen |= set(plan(scale).code(name, *reference.split("/")))
    assert not modules - seen
    names = [Path(path).relative_to(SCRIPTS).with_suffix("").as_posix().replace("/", ".") for path in sorted(elsewhere)]
    loaded = imported(names) if names else set()
    assert loaded <= set(closure(SCRIPTS, *map(Path, elsewhere)))


def test_schemas_have_not_drifted(tmp_path):
    """In a process of its own, as `make schema` does: the models are made with their descriptions there alone."""
    subprocess.run([sys.executable, "-m", "pesin.config.schema", str(tmp_path)], cwd=SCRIPTS, check=True)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "config/schema").iterdir()}
    assert written == kept, "run 'make schema'"


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


def test_controls_flip():
    """Those that don't are named in their study's yaml, with the reason."""
    rows = reference_rows()
    known = {(name, claim) for name in STUDIES for c in load_study(name, YAMLS).controls.values() for claim in c.stuck}
    stuck = [row for row in rows if "no" in (row["control_flipped"], row["null_failed"])]
    assert {(row["study"], row["claim"]) for row in stuck} == known
    assert {row["verdict"] for row in stuck} <= {"no verdict", "not reproduced"}
    assert {r["study"] for r in rows if r["control_flipped"] == "yes"} == set(STUDIES)


def leaves(params, above=""):
    """Dotted key -> value of every leaf of a case's parameters."""
    if isinstance(params, dict) and params:
        return {k: v for key, value in params.items() for k, v in leaves(value, f"{above}.{key}".strip(".")).items()}
    return {above: params}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", STUDIES)
def test_a_control_differs_from_its_case_in_what_it_takes_away_and_in_nothing_else(name, scale):
    study = resolved(name, scale)
    for control, spec in study.declared.controls.items():
        own, case = leaves(study.cases[control].params), leaves(study.cases[spec.of].params)
        differ = {key for key in own.keys() | case.keys() if own.get(key) != case.get(key)}
        named = {**leaves(spec.set), **leaves(spec.fewer)}
        strange = {key for key in differ if not any(key == n or key.startswith(f"{n}.") for n in named)}
        assert not strange, f"{control} at scale {scale}: {strange}"


SIZE = re.compile(r"(^|[._])(steps|updates|epochs|batch|seeds|samples|subsamples|permutations|draws|every|points)$")


@pytest.mark.parametrize("name", STUDIES)
def test_no_size_stands_in_what_a_control_takes_away(name):
    for control, spec in load_study(name, YAMLS).controls.items():
        sizes = [key for key, value in leaves(spec.set).items() if SIZE.search(key) and not isinstance(value, bool)]
        sizes = [key for key in sizes if not (spec.trivial and leaves(spec.set)[key] == 0)]  # nothing is trained
        assert not sizes, f"{control}: {sizes} are sizes: the case's hold, or 'fewer' units"


# ------------------------------------------------------------------------------------------- parameters in their rooms


def changed(params, path):
    """A copy of nested parameters with one leaf replaced by something else."""
    key, *rest = path
    new = changed(params[key], rest) if rest else {"changed": params[key]}
    return {**params, key: new}


@pytest.mark.parametrize("name", STUDIES)
def test_a_parameter_of_a_step_leaves_the_steps_before_it_alone(name):
    """Each leaf under train, entropy and forecast, one by one: what earlier steps see, and read as code, stays."""
    study = resolved(name, "smoke")
    for case, entry in study.cases.items():
        for section in ("train", "entropy", "forecast"):
            for leaf in leaves(entry.params[section]) if section in entry.params else ():
                other = changed(entry.params, [section, *leaf.split(".")])
                seeing = [step for step in entry.steps if visible(other, step) != visible(entry.params, step)]
                assert seeing == [step for step in entry.steps if section in UPSTREAM[step]], f"{case} {section}.{leaf}"


@pytest.mark.parametrize("name", STUDIES)
def test_a_step_reads_the_parameters_that_it_sees_first(name):
    """What no code of the first step that sees it reads belongs into a later step's section: it reruns too much."""
    study, idle = resolved(name, "smoke"), set()
    for case, entry in study.cases.items():
        for key, value in entry.params.items():
            first = key if key in entry.steps else entry.steps[0]
            if key not in entry.steps and (key in UPSTREAM or entry.control_of):
                continue  # a control without the step keeps its case's section, and what is its case's alone
            words = read_by(study, case, first)
            names = [key] if key not in UPSTREAM else list(value)
            idle |= {f"{case}: {key}.{n} is not read by {first}" for n in names if n not in words}
    assert not idle


@cache
def words_of(path):
    """Names of attributes, keywords and texts in a module: what it may read of its parameters."""
    found = set()
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        found |= {node.attr} if isinstance(node, ast.Attribute) else set()
        found |= {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()
        found |= {node.name} if isinstance(node, ast.MatchAs) else set()
    return found


def read_by(study, case, step):
    """Words in the study's own modules that a step reaches, its parameters' types apart, and in the library's."""
    files = plan("smoke").code(study.name, step, case)
    return set().union(*(words_of(file) for file in files if not file.endswith("params.py")))
