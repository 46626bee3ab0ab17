"""Two ledgers held against each other: what moved, and what is said of a file that is no ledger."""

import subprocess
import sys

import pytest

from pesin.claims.compare import compare, read_ledger
from pesin.errors import UserError
from project import ROOT

HEAD = "study,claim,verdict,measured,low,high\n"


def ledger(tmp_path, name, *lines):
    path = tmp_path / name
    path.write_text(HEAD + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def two(tmp_path):
    a = ledger(
        tmp_path, "a.csv", "s,C1,reproduced,1,0.9,1.1", "s,C2,partly,2,1,3", "s,C3,no verdict,,,", "s,C4,partly,5,4,6"
    )
    b = ledger(
        tmp_path, "b.csv", "s,C1,partly,1.5,1.4,1.6", "s,C2,partly,2.1,1,3", "s,C3,no verdict,,,", "t,C1,partly,5,4,6"
    )
    return a, b


def test_what_moved(two):
    text = "\n".join(compare(*map(read_ledger, two)))
    assert "3 claims in both: 1 verdicts and 2 values moved, 1 of them beyond the interval." in text
    assert "reproduced -> partly" in text and "1 [0.9, 1.1] -> 1.5 [1.4, 1.6]  beyond the interval" in text
    assert "2 [1, 3] -> 2.1 [1, 3]\n" in text
    assert text.index("Only in A") < text.index("s C4") < text.index("Only in B") < text.index("t C1")


def test_nothing_moved(two):
    same = read_ledger(two[0])
    assert compare(same, same) == ["4 claims in both: 0 verdicts and 0 values moved, 0 of them beyond the interval."]


def test_a_value_that_vanished_has_moved(tmp_path):
    a, b = ledger(tmp_path, "a", "s,C1,partly,1,0,2"), ledger(tmp_path, "b", "s,C1,no verdict,,,")
    assert "1 [0, 2] -> nothing  beyond the interval" in "\n".join(compare(read_ledger(a), read_ledger(b)))


def test_what_is_no_ledger_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="there is no ledger to read"):
        read_ledger(tmp_path)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="this is no ledger.csv"):
        read_ledger(tmp_path / "x.csv")


def test_the_command_reads_the_reference_ledger():
    reference = str(ROOT / "results/reference/laptop")
    command = [sys.executable, "workflow/scripts/compare.py", reference, reference]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "0 verdicts and 0 values moved" in run.stdout
    run = subprocess.run(command[:3], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode != 0 and "make compare A=" in run.stderr
