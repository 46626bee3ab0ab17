"""Gathers what each step cost from Snakemake's benchmark files, and marks a study over its declared budget."""

from __future__ import annotations

import csv
from pathlib import Path

COLUMNS = ("study", "step", "name", "wall_s", "cpu_s", "peak_mb", "own_s", "over_budget")


def gather(folder: Path, budgets: dict[str, dict[str, float]]) -> list[dict]:
    """Return one row per job and one `total` per study.

    Parameters
    ----------
    folder
        results/<scale>.
    budgets
        For each study the most that columns of its total may hold, such as {"cpu_s": 90}; {} for no limit.

    Returns
    -------
    list of dict
        wall_s in seconds, cpu_s in core seconds, peak_mb in megabytes (of the total: the largest of any job), own_s the
        core seconds inside the study's own function (what is left is start-up, imports and files), over_budget "yes" or
        "".
    """
    rows = []
    for study, budget in budgets.items():
        jobs = [
            _row(study, path, folder / study)
            for step in ("simulate", "train", "entropy", "forecast", "judge", "figures")
            for path in sorted((folder / study / "logs" / step).glob("*.tsv"))
        ]
        total = {
            "study": study,
            "step": "total",
            "name": "",
            "wall_s": sum(row["wall_s"] for row in jobs),
            "cpu_s": sum(row["cpu_s"] for row in jobs),
            "peak_mb": max((row["peak_mb"] for row in jobs), default=0.0),
            "own_s": sum(row["own_s"] for row in jobs),
        }
        over = any(total[column] > most for column, most in budget.items())
        rows += [*({**row, "over_budget": ""} for row in jobs), total | {"over_budget": "yes" if over else ""}]
    return rows


def write_csv(rows: list[dict], path: Path) -> None:
    """Write the table; times with two decimals."""
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.2f}" if isinstance(v, float) else v for k, v in row.items()})


def read_csv(path: Path) -> list[dict]:
    """Read the table; every value is text."""
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _row(study: str, path: Path, folder: Path) -> dict:
    with open(path, encoding="utf-8", newline="") as handle:
        measured = next(csv.DictReader(handle, delimiter="\t"))
    step = path.parent.name
    log = (folder / "logs" / step / f"{path.stem}.log").read_text(encoding="utf-8")
    return {
        "study": study,
        "step": step,
        "name": path.stem,
        "wall_s": _number(measured["s"]),
        "cpu_s": noted(log, "cpu seconds"),
        "peak_mb": _number(measured["max_rss"]),
        "own_s": noted(log, "own seconds"),
    }


def noted(log: str, what: str) -> float:
    """A number that the driver wrote at the end of its log; 0 if it isn't there."""
    for line in reversed(log.splitlines()):
        if line.startswith(f"{what}: "):
            return float(line.removeprefix(f"{what}: "))
    return 0.0


def _number(text: str) -> float:
    """A benchmark value; Snakemake writes NA or - for a job too short to be sampled."""
    try:
        return float(text)
    except ValueError:
        return 0.0
