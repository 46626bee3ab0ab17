"""The tables of studies in README.md and docs/cluster.md are those of the yamls."""

import pytest

import study_tables
from pesin.errors import UserError
from project import ROOT, plan


@pytest.mark.parametrize("page", study_tables.TABLES)
def test_the_tables_have_not_drifted(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    table = study_tables.TABLES[page](plan("paper"))
    assert all(f"| `{name}` |" in table for name in plan("paper").known)
    assert study_tables.placed(text, table, page) == text, "run 'make docs'"


def test_a_page_without_markers_is_named():
    with pytest.raises(UserError, match="README.md: the lines"):
        study_tables.placed("no markers", "", "README.md")


def test_many_authors_are_one_and_others():
    assert study_tables.authors("A, B, C") == "A, B, C"
    assert study_tables.authors("A, B, C, D") == "A et al."
