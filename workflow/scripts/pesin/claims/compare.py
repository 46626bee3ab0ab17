"""Says what moved between two ledgers: verdicts first, then values, then claims that only one of them has."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from pesin.errors import UserError

KEY = ("study", "claim")


def read_ledger(path: Path) -> dict[tuple[str, str], dict]:
    """Read a ledger.csv, or the one in a folder: (study, claim) -> row.

    Raises
    ------
    UserError
        If it is missing or no ledger.
    """
    path = path / "ledger.csv" if path.is_dir() else path
    try:
        with open(path, encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except (FileNotFoundError, UnicodeDecodeError):
        raise UserError(f"{path}: there is no ledger to read. Name a ledger.csv, or a folder that holds one.") from None
    if not rows or not {*KEY, "verdict", "measured", "low", "high"} <= set(rows[0]):
        raise UserError(f"{path}: this is no ledger.csv: it lacks columns such as 'study', 'claim' and 'verdict'.")
    return {(row["study"], row["claim"]): row for row in rows}


def compare(first: dict, second: dict) -> list[str]:
    """Lines that say what moved from the first ledger to the second.

    A value has moved if any of the first six digits of centre or interval has; it is "beyond the interval" if the
    new centre lies outside the old interval, or the old one outside the new.
    """
    both = [key for key in first if key in second]
    verdicts = [key for key in both if first[key]["verdict"] != second[key]["verdict"]]
    values = [key for key in both if any(first[key][n] != second[key][n] for n in ("measured", "low", "high"))]
    far = [key for key in values if beyond(first[key], second[key])]
    lines = [
        f"{len(both)} claims in both: {len(verdicts)} verdicts and {len(values)} values moved,"
        f" {len(far)} of them beyond the interval."
    ]
    for title, keys, said in (
        ("Verdicts", verdicts, lambda a, b: f"{a['verdict']} -> {b['verdict']}"),
        ("Values", values, lambda a, b: f"{_value(a)} -> {_value(b)}{'  beyond the interval' * beyond(a, b)}"),
    ):
        if keys:
            lines += ["", title, *(f"  {' '.join(key):<42}{said(first[key], second[key])}" for key in keys)]
    for title, here, there in (("Only in A", first, second), ("Only in B", second, first)):
        alone = [key for key in here if key not in there]
        if alone:
            lines += ["", title, *(f"  {' '.join(key):<42}{here[key]['verdict']}" for key in alone)]
    return lines


def beyond(first: dict, second: dict) -> bool:
    """True if either centre lies outside the other's interval."""
    a, b = ([_number(row[name]) for name in ("measured", "low", "high")] for row in (first, second))
    if any(map(math.isnan, (*a, *b))):
        return math.isnan(a[0]) != math.isnan(b[0])
    return not (a[1] <= b[0] <= a[2]) or not (b[1] <= a[0] <= b[2])


def _value(row: dict) -> str:
    return f"{row['measured']} [{row['low']}, {row['high']}]" if row["measured"] else "nothing"


def _number(text: str) -> float:
    return float(text) if text else math.nan
