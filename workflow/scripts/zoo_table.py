"""Write the corrected annotation of the zoo as a table: zoo_table.py results/laptop [--to results/reference/zoo.csv].

It reads the finished result `dysts_chaos_benchmark/entropy/flows` of a run: a row for each system, a column for each
quantity and one for its unit. `make reference` calls it.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import xarray as xr

from pesin.errors import UserError
from pesin.steps.files import open_result

RESULT = "dysts_chaos_benchmark/entropy/flows.nc"
TABLE = Path(__file__).resolve().parents[2] / "results" / "reference" / "zoo.csv"
FIRST = ("kind", "dim", "driven", "is_chaotic", "stored_disagrees", "engine", "reason")


def table(found: xr.Dataset) -> list[dict[str, str]]:
    """Rows of the table.

    Parameters
    ----------
    found
        The result, dimensions `system` and `exponent`.

    Returns
    -------
    list of dict
        Column -> cell, the same columns in each. Numbers have six digits; spectra stand in one cell, largest exponent
        first, with blanks between; a cell is empty where there is no number, and `reason` says why. Where a quantity
        has a unit, the column `<quantity>_unit` follows. The last columns say of which result the table was made.
    """
    names = [*FIRST, *(str(name) for name in found.data_vars if name not in FIRST)]
    made = {"scale": str(found.attrs["scale"]), "seed": str(found.attrs["replicate"]), "result": found.attrs["digest"]}
    rows = []
    for place, system in enumerate(found["system"].values):
        row = {"system": str(system)}
        for name in names:
            row[name] = _cell(found[name].values[place])
            if found[name].attrs["units"] != "1":
                row[f"{name}_unit"] = found[name].attrs["units"]
        rows.append(row | made)
    return rows


def _cell(value) -> str:
    """One number, one word, or a spectrum without the places that a system hasn't."""
    if np.ndim(value):
        known = np.flatnonzero(~np.isnan(value))
        return " ".join(_cell(one) or "nan" for one in value[: known[-1] + 1]) if known.size else ""
    if isinstance(value, str) or np.asarray(value).dtype.kind in "US":
        return str(value)
    return "" if np.isnan(value) else f"{value:.6g}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of a finished run: results/<scale>")
    parser.add_argument("--to", type=Path, default=TABLE, help="the table to write")
    given = parser.parse_args(arguments)
    try:
        found = open_result(given.folder / RESULT)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    if found.attrs["scale"] == "smoke" and given.to.resolve() == TABLE:
        print(f"{given.folder}: a smoke run is no reference. Name a run at laptop scale or above.", file=sys.stderr)
        return 1
    rows = table(found)
    with open(given.to, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} systems: {given.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
