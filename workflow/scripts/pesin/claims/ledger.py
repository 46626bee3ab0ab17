"""Writes the ledger: the table of all verdicts, as csv and json for programs and as a page for people."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pesin.claims.compare import read_ledger
from pesin.claims.facts import VERDICTS, gather
from pesin.claims.judge import COLUMNS, NUMBERS
from pesin.claims.replicates import read_replicates, said

LEDGER_COLUMNS = (*COLUMNS, "replicates", "at_paper_size")
Standing = dict[tuple[str, str], dict[str, str]]


def standing(replicates: Sequence[str], at_paper_size: Sequence[str]) -> Standing:
    """What other runs say of each claim: columns `replicates` and `at_paper_size`.

    Parameters
    ----------
    replicates
        No path, or that of the replicates.csv of earlier runs with other seeds.
    at_paper_size
        No path, or that of the ledger.csv of a run at the papers' own sizes.
    """
    found: Standing = {}
    for path in replicates:
        for key, text in said(read_replicates(Path(path))).items():
            found.setdefault(key, {})["replicates"] = text
    for path in at_paper_size:
        for key, row in read_ledger(Path(path)).items():
            found.setdefault(key, {})["at_paper_size"] = row["verdict"]
    return found


def write_ledger(
    judged: dict[str, tuple],
    papers: dict[str, dict],
    costs: list[dict],
    scale: str,
    folder: Path,
    template: Path,
    standing: Standing | None = None,
) -> list[dict]:
    """Write ledger.csv, ledger.json and ledger.html into `folder`, and return the rows.

    Parameters
    ----------
    judged
        For each study the rows and parts of its judging.
    papers
        For each study what its yaml says, as plain data.
    costs
        Rows of the cost table.
    scale, folder
        smoke, laptop or paper, and results/<scale>, where the figures lie too.
    template
        The page's jinja2 template.
    standing
        What is known of the claims from other runs, as `standing` gives it.
    """
    from pesin.claims.page import write_page

    known = standing or {}
    rows = [
        row | known.get((row["study"], row["claim"]), {}) for study_rows, _ in judged.values() for row in study_rows
    ]
    facts = gather(judged, papers, costs, scale, folder, known)
    write_csv(rows, folder / "ledger.csv")
    (folder / "ledger.json").write_text(facts.model_dump_json(indent=1) + "\n", encoding="utf-8")
    write_page(facts, template, folder / "ledger.html")
    return rows


def write_csv(rows: list[dict], path: Path) -> None:
    """Write the ledger's rows; numbers with six significant digits, missing ones empty."""
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, LEDGER_COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(row | {name: number(row[name]) for name in NUMBERS} for row in rows)


def counts(rows: list[dict]) -> dict[str, int]:
    """How many claims came out how, in the order of VERDICTS, those that occur."""
    tally = Counter(row["verdict"] for row in rows)
    return {verdict: tally[verdict] for verdict in VERDICTS if tally[verdict]}


def tally(rows: list[dict]) -> str:
    """One line: how many claims of how many studies came out how."""
    studies = len({row["study"] for row in rows})
    parts = ", ".join(f"{count} {verdict}" for verdict, count in counts(rows).items())
    return f"{len(rows)} claims of {studies} {'study' if studies == 1 else 'studies'}: {parts}"


def number(value) -> str:
    """Six significant digits; "" for NaN."""
    return "" if value is None or math.isnan(value) else f"{value:.6g}"
