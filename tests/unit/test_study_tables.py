"""The tables of studies in README.md and docs are those of yamls, ledgers, and pieces of the papers' sizes."""

import pytest

import study_tables
from pesin.claims.compare import read_ledger
from pesin.claims.replicates import read_replicates, said
from pesin.errors import UserError
from project import ROOT, plan


def replicates():
    return read_replicates(ROOT / "results/reference/laptop/replicates.csv")


@pytest.mark.parametrize("page", study_tables.TABLES)
def test_the_tables_have_not_drifted(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    table = study_tables.TABLES[page](plan("paper"))
    whole = {study for study, _ in read_ledger(ROOT / "results/reference/paper")}
    known = set(plan("paper").known)
    turned = {study for (study, _), found in said(replicates()).items() if "unsettled" in found}
    named = {"docs/scales.md": whole, "docs/pieces.md": known - whole, "docs/seeds.md": turned}.get(page, known)
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


def test_the_seeds_page_counts_what_it_lists():
    first, _, *rows = [line for line in study_tables.seeds(plan("paper")).splitlines() if line]
    firm, tested = (int(word) for word in first.split() if word.isdigit())
    assert len(rows) - 1 == tested - firm
    for row in rows[1:]:
        study, claim, *verdicts, _ = (cell.strip(" `") for cell in row.strip("|").split("|"))
        assert len({verdict for verdict in verdicts if verdict}) > 1, (study, claim)
