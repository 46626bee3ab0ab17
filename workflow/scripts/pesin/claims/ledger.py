"""Writes the ledger: the table of all verdicts, as csv and json for programs and as a page for people."""

from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path

from pesin.claims.facts import VERDICTS, gather
from pesin.claims.judge import COLUMNS, NUMBERS
from pesin.claims.replicates import read_replicates, said


def write_ledger(
    judged: dict[str, tuple],
    papers: dict[str, dict],
    costs: list[dict],
    scale: str,
    folder: Path,
    template: Path,
    replicates: Path | None = None,
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
    replicates
        replicates.csv of earlier runs with other seeds, if there is one.
    """
    from pesin.claims.page import write_page

    found = said(read_replicates(replicates)) if replicates else {}
    rows = [
        row | {"replicates": found.get((row["study"], row["claim"]), "")}
        for study_rows, _ in judged.values()
        for row in study_rows
    ]
    facts = gather(judged, papers, costs, scale, folder, found)
    write_csv(rows, folder / "ledger.csv")
    (folder / "ledger.json").write_text(facts.model_dump_json(indent=1) + "\n", encoding="utf-8")
    write_page(facts, template, folder / "ledger.html")
    return rows


def write_csv(rows: list[dict], path: Path) -> None:
    """Write the ledger's rows; numbers with six significant digits, missing ones empty."""
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, (*COLUMNS, "replicates"), lineterminator="\n", restval="")
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
