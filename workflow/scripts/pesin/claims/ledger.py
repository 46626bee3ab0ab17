"""Writes the ledger: the table of all verdicts, as csv for programs and as a plain page for people."""

from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path

from pesin.claims.judge import COLUMNS, NUMBERS

VERDICTS = ("reproduced", "illustrated", "partly", "not reproduced", "not testable here", "no verdict")


def write_csv(rows: list[dict], path: Path) -> None:
    """Write the ledger's rows; numbers with six significant digits, missing ones empty."""
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {name: number(row[name]) for name in NUMBERS} for row in rows)


def write_html(rows: list[dict], studies: dict[str, dict], scale: str, template: Path, path: Path) -> None:
    """Write the page.

    Parameters
    ----------
    rows
        The ledger's rows.
    studies
        For each study its title, source and deviations, as plain data.
    scale
        smoke, laptop or paper.
    template
        The jinja2 template; everything put into it is escaped.
    """
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = number
    text = environment.from_string(template.read_text(encoding="utf-8")).render(
        rows=rows, studies=studies, scale=scale, counts=counts(rows), surprise=surprise
    )
    path.write_text(text, encoding="utf-8")


def counts(rows: list[dict]) -> dict[str, int]:
    """How many claims came out how, in the order of VERDICTS, those that occur."""
    tally = Counter(row["verdict"] for row in rows)
    return {verdict: tally[verdict] for verdict in VERDICTS if tally[verdict]}


def tally(rows: list[dict]) -> str:
    """One line: how many claims of how many studies came out how."""
    studies = len({row["study"] for row in rows})
    parts = ", ".join(f"{count} {verdict}" for verdict, count in counts(rows).items())
    return f"{len(rows)} claims of {studies} {'study' if studies == 1 else 'studies'}: {parts}"


def surprise(row: dict) -> bool:
    """True if the verdict isn't the one that the card expected."""
    return row["verdict"] != row["expect"] and not (row["verdict"], row["expect"]) == ("illustrated", "reproduced")


def number(value) -> str:
    """Six significant digits; "" for NaN."""
    return "" if value is None or math.isnan(value) else f"{value:.6g}"
