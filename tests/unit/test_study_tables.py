"""The tables of studies in README.md and docs are those of yamls, ledgers, and pieces of the papers' sizes."""

import pytest

import study_tables
from pesin.claims.compare import read_ledger
from pesin.errors import UserError
from project import ROOT, plan


@pytest.mark.parametrize("page", study_tables.TABLES)
def test_the_tables_have_not_drifted(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    table = study_tables.TABLES[page](plan("paper"))
    whole = {study for study, _ in read_ledger(ROOT / "results/reference/paper")}
    known = set(plan("paper").known)
    named = {"docs/scales.md": whole, "docs/pieces.md": known - whole}.get(page, known)
    assert all(f"| `{name}` |" in table for name in named)
    assert study_tables.placed(text, table, page) == text, "run 'make docs'"


def test_a_page_without_markers_is_named():
    with pytest.raises(UserError, match="README.md: the lines"):
        study_tables.placed("no markers", "", "README.md")


def test_many_authors_are_one_and_others():
    assert study_tables.authors("A, B, C") == "A, B, C"
    assert study_tables.authors("A, B, C, D") == "A et al."


def test_the_scales_say_what_moved():
    table = study_tables.scales(plan("paper")).splitlines()[2:]
    laptop, paper = (read_ledger(ROOT / "results/reference" / scale) for scale in ("laptop", "paper"))
    assert len(table) == len(paper)
    for row, (key, large) in zip(table, paper.items(), strict=True):
        assert row.startswith(f"| `{key[0]}` | {key[1]} | {laptop[key]['verdict']}")
        assert ("verdict" in row.rsplit("|", 2)[1]) == (laptop[key]["verdict"] != large["verdict"])


def test_a_claim_that_the_laptop_lacks_is_named(monkeypatch):
    laptop, paper = (read_ledger(ROOT / "results/reference" / scale) for scale in ("laptop", "paper"))
    left = {key: row for key, row in laptop.items() if key != ("incomplete_rg", "C4")}
    monkeypatch.setattr(study_tables, "read_ledger", lambda path: left if path.name == "laptop" else paper)
    with pytest.raises(UserError, match="incomplete_rg C4"):
        study_tables.scales(plan("paper"))
