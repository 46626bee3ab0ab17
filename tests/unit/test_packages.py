"""A package that one study needs and that isn't there."""

import pytest

from pesin.claims.judge import judge_folder
from pesin.config.load import load_study
from pesin.errors import UserError
from pesin.steps.packages import needs_package
from project import ROOT


def test_a_missing_package_is_a_sentence():
    with pytest.raises(UserError, match=r"^nowhere-to-be-found is missing \(.*nowhere_to_be_found.*pip install"):
        with needs_package("nowhere-to-be-found"):
            import nowhere_to_be_found  # noqa: F401


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError), needs_package("numpy"):
        raise ZeroDivisionError


@pytest.mark.parametrize("log", ["simulate", "entropy"])
def test_the_ledger_gives_the_last_words_of_the_job_that_failed(tmp_path, log):
    study = load_study("toy_map", ROOT / "tests/toy")
    path = tmp_path / "logs" / log / "chaotic.log"
    path.parent.mkdir(parents=True)
    path.write_text("a warning\nchgnet is missing (No module named 'chgnet'). Install it.\n\n")
    rows, _ = judge_folder("toy_map", study, tmp_path)
    assert rows[0]["verdict"] == "no verdict"
    assert "chgnet is missing" in rows[0]["reason"] and str(path) in rows[0]["reason"]


def test_without_a_log_the_ledger_says_where_to_look(tmp_path):
    rows, _ = judge_folder("toy_map", load_study("toy_map", ROOT / "tests/toy"), tmp_path)
    assert rows[0]["reason"].endswith("entropy/chaotic.log")


def test_what_a_case_uses_is_looked_at_first(tmp_path):
    study = load_study("chgnet_charge_informed", ROOT / "config/studies")
    path = tmp_path / "logs/simulate/atoms.log"
    path.parent.mkdir(parents=True)
    path.write_text("chgnet is missing.\n")
    rows, _ = judge_folder("chgnet_charge_informed", study, tmp_path)
    tested = [row for row in rows if row["verdict"] != "not testable here"]
    assert len(tested) > 5
    assert all(row["verdict"] == "no verdict" and "chgnet is missing" in row["reason"] for row in tested)
