"""Whole runs again, with other seeds and another instruction set: which verdicts stand, and how far values move."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from pesin.claims.compare import beyond, read_ledger

COLUMNS = ("replicate", "study", "claim", "verdict", "measured", "low", "high")
Key = tuple[str, str]


def gather(ledgers: dict[str, Path]) -> list[dict]:
    """Rows of replicates.csv: each claim of each replicate's ledger.csv.

    Parameters
    ----------
    ledgers
        Name of each replicate -> the folder of its ledger, the first one being today's run.
    """
    return [
        {"replicate": name, "study": study, "claim": claim} | {column: row[column] for column in COLUMNS[3:]}
        for name, folder in ledgers.items()
        for (study, claim), row in read_ledger(folder).items()
    ]


def write_replicates(rows: list[dict], path: Path) -> None:
    """Write the table, each replicate's claims together; rows of other studies that stand there already stay."""
    run = {row["study"] for row in rows}
    kept = [row for row in read_replicates(path) if row["study"] not in run] if path.is_file() else []
    rows = sorted([*kept, *rows], key=lambda row: (row["replicate"], row["study"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_replicates(path: Path) -> list[dict]:
    """Read the table; every value is text."""
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def said(rows: list[dict]) -> dict[Key, str]:
    """(study, claim) -> "6 of 6", or "unsettled: 4 reproduced, 2 partly"."""
    verdicts: dict[Key, list[str]] = {}
    for row in rows:
        verdicts.setdefault((row["study"], row["claim"]), []).append(row["verdict"])
    return {key: _said(found) for key, found in verdicts.items()}


def _said(verdicts: list[str]) -> str:
    if len(set(verdicts)) == 1:
        return f"{len(verdicts)} of {len(verdicts)}"
    return "unsettled: " + ", ".join(f"{count} {verdict}" for verdict, count in Counter(verdicts).most_common())


def report(rows: list[dict], close: set[Key]) -> list[str]:
    """Sentences: how many verdicts are settled, how far values moved, and what the close calls foretold.

    Parameters
    ----------
    rows
        As `gather` gives them.
    close
        Claims that the first replicate's ledger marks as close.
    """
    names = list(dict.fromkeys(row["replicate"] for row in rows))
    table = {name: {(r["study"], r["claim"]): r for r in rows if r["replicate"] == name} for name in names}
    first, *others = names
    keys = [key for key in table[first] if all(key in table[name] for name in others)]
    turned = [key for key in keys if len({table[name][key]["verdict"] for name in names}) > 1]
    lines = [f"{len(keys) - len(turned)} of {len(keys)} verdicts are settled over {len(names)} runs."]
    lines += [f"  {' '.join(key)}: {_said([table[name][key]['verdict'] for name in names])}" for key in turned]
    for name in others:
        moved = [key for key in keys if any(table[first][key][n] != table[name][key][n] for n in COLUMNS[4:])]
        far = [key for key in moved if beyond(table[first][key], table[name][key])]
        differ = sum(table[first][key]["verdict"] != table[name][key]["verdict"] for key in keys)
        lines.append(
            f"{name} against {first}: {differ} verdicts and {len(moved)} values moved, {len(far)} beyond the interval"
        )
    foretold = len(close & set(turned))
    lines.append(
        f"{len(close)} close calls: {foretold} of the {len(turned)} unsettled verdicts were among them,"
        f" {len(turned) - foretold} were not."
    )
    return lines
