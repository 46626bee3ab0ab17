"""What keeps verdicts honest, of every study: a null for each claim, and no results in prose."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from pesin.claims.compare import read_ledger
from pesin.claims.replicates import read_replicates
from pesin.config.load import load_study, read_study, study_names
from project import ROOT, YAMLS

STUDIES = study_names(YAMLS)


@pytest.mark.parametrize("name", STUDIES)
def test_every_claim_has_a_null_or_says_why_there_can_be_none(name):
    study = load_study(name, YAMLS)
    named = {claim for control in study.controls.values() if control.trivial for claim in control.must_fail}
    tested = {
        claim
        for claim, spec in study.claims.items()
        if spec.evidence != "illustrated" and any(rule.kind != "not_testable" for rule in spec.rules)
    }
    excused = {claim for claim, spec in study.claims.items() if spec.no_null}
    assert not tested - named - excused, "claims without a trivial run that must fail, and without 'no_null'"
    assert not named & excused, "claims that have a trivial run, and say there can be none"


NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?")
COMMON = {0, 1, 2, 3, 95, 100}


def numbers(node: Any) -> Iterator[float]:
    """All numbers in nested data, those inside texts and keys too."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from numbers(key)
            yield from numbers(value)
    elif isinstance(node, list):
        for value in node:
            yield from numbers(value)
    elif isinstance(node, str):
        yield from map(float, NUMBER.findall(node))
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        yield float(node)


def settings(data: dict) -> set[float]:
    """Numbers that a study's yaml states itself: sizes, rules, the paper's values; and their percentages and sizes."""
    keys = ("source", "params", "cases", "controls", "scales", "units")
    stated = set(numbers([data.get(key) for key in keys]))
    for claim in data["claims"].values():
        stated |= set(numbers({key: claim[key] for key in ("says", "paper", "rule", "needs") if key in claim}))
    return {abs(x) for x in stated} | {abs(round(100 * x, 9)) for x in stated} | COMMON


@pytest.mark.parametrize("name", STUDIES)
def test_prose_holds_no_results(name):
    """Numbers that stand in no setting, rule or value of the paper claim to be results; so do verdicts."""
    stated = settings(read_study(name, YAMLS))
    strange = []
    for where, text in load_study(name, YAMLS).prose():
        text = re.sub(r"\{C\d+[a-z]?\.\w+\}|\b(C|figure |figures |section |version )[\d.]+[a-z]?", "", text)
        strange += [f"{where}: {n}" for n in NUMBER.findall(text) if abs(float(n)) not in stated]
        verdicts = r"(not |partly )?reproduced|no verdict|comes? out|came out|fails? here"
        strange += [f"{where}: '{m[0]}'" for m in re.finditer(rf"\bC\d+[a-z]?\b[^.;:]*\b({verdicts})", text)]
    assert not strange, "results belong into the ledger: name them, as in {C1.measured}"


def test_what_stands_beside_the_verdicts_is_of_the_present_rules():
    """Replicates of a rule that has changed since, or its verdict at the paper's size, would speak of another claim."""
    reference = ROOT / "results/reference"
    laptop, paper = read_ledger(reference / "laptop"), read_ledger(reference / "paper")
    for key, row in paper.items():
        assert (row["says"], row["rule"]) == (laptop[key]["says"], laptop[key]["rule"]), key
    for row in read_replicates(reference / "laptop/replicates.csv"):
        key = (row["study"], row["claim"])
        assert row["replicate"] != "seed_0" or row["verdict"] == laptop[key]["verdict"], key
