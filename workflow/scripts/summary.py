"""Says in three lines what a run made: summary.py RESULTS_FOLDER, or with --costs what each step cost."""

import argparse
from pathlib import Path

from pesin.claims.costs import read_csv
from pesin.claims.ledger import tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="results/<scale>")
    parser.add_argument("--costs", action="store_true", help="print wall time and peak memory of each step")
    arguments = parser.parse_args()
    if arguments.costs:
        print_costs(arguments.folder / "costs.csv")
    else:
        print_lines(arguments.folder)


def print_lines(folder: Path) -> None:
    """Where the ledger, the figures and the report are, and how many claims came out how."""
    ledger, report = folder / "ledger.csv", folder / "report.html"
    figures = sorted(folder.glob("*/figures/*.svg"))
    rows = read_csv(ledger) if ledger.is_file() else []
    print()
    print(f"Ledger:  {folder / 'ledger.html'} ({tally(rows)})" if rows else f"Ledger:  none yet in {folder}")
    many = "1 figure" if len(figures) == 1 else f"{len(figures)} figures"
    print(f"Figures: {folder}/<study>/figures/ ({many}, each as svg, pdf and png)")
    print(f"Report:  {report}" if report.is_file() else "Report:  not made, because the run did not finish")


def print_costs(path: Path) -> None:
    """The cost table, studies over their budget marked."""
    if not path.is_file():
        raise SystemExit(f"{path} is not there yet: 'make run' makes it.")
    rows = read_csv(path)
    print(f"{'study':<32}{'step':<10}{'name':<28}{'wall s':>8}{'cpu s':>8}{'own s':>8}{'MB':>7}")
    for row in rows:
        mark = "  over its budget" if row["over_budget"] else ""
        cells = f"{row['study']:<32}{row['step']:<10}{row['name']:<28}"
        print(f"{cells}{row['wall_s']:>8}{row['cpu_s']:>8}{row['own_s']:>8}{float(row['peak_mb']):>7.0f}{mark}")
    total = [row for row in rows if row["step"] == "total"]
    cpu, own = (sum(float(row[name]) for row in total) for name in ("cpu_s", "own_s"))
    if cpu:
        print(f"Start-up, imports and files: {max(1 - own / cpu, 0):.0%} of {cpu:.0f} core seconds")


if __name__ == "__main__":
    main()
