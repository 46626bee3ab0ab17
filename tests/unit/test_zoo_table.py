"""The corrected annotation of the zoo as a table: nothing lost, units beside numbers, made of whole results alone."""

import csv

import numpy as np
import pytest
import xarray as xr

from pesin.steps.files import publish
from pesin.steps.labels import labelled
from zoo_table import RESULT, TABLE, main, table

RATE = "nat per model time"


def result(folder, scale="laptop"):
    """A small result of the study's shape: a flow, a map with an exponent less, and one without a spectrum."""
    nan = np.nan
    exponents = np.array([[0.9056, 0.0001, -14.5723], [0.419, -1.623, nan], [nan, nan, nan]])
    data = xr.Dataset(
        {
            "lambda_1": labelled("system", exponents[:, 0], "largest exponent", RATE, nan="none"),
            "lambda_1_error": labelled("system", [0.004, 0.002, nan], "its standard error", RATE, nan="none"),
            "kaplan_yorke_dimension": labelled("system", [2.062, 1.258, nan], "dimension", nan="none"),
            "lambda_1_stored": labelled("system", [0.8917, nan, 0.1], "stored in dysts", RATE, nan="none"),
            "exponents": labelled(("system", "exponent"), exponents, "all", RATE, nan="none"),
            "kind": labelled("system", ["flow", "map", "delay"], "kind"),
            "dim": labelled("system", [3, 2, 1], "coordinates"),
            "driven": labelled("system", np.int8([0, 0, 1]), "driven"),
            "is_chaotic": labelled("system", np.int8([1, 1, 0]), "chaotic"),
            "stored_disagrees": labelled("system", np.int8([1, 0, 0]), "beyond three errors"),
            "engine": labelled("system", ["taylor", "map", "none"], "engine"),
            "reason": labelled("system", ["", "", "more than 120 s, or so"], "why there is none"),
        },
        {"system": ["Lorenz", "Henon", "Slow"], "exponent": [1, 2, 3]},
    )
    (folder / RESULT).parent.mkdir(parents=True)
    publish(data, folder / RESULT, {"scale": scale, "step": "entropy", "replicate": 0})
    return folder


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_number_stands_beside_its_unit(tmp_path):
    assert main([str(result(tmp_path)), "--to", str(tmp_path / "zoo.csv")]) == 0
    lorenz, henon, slow = rows_of(tmp_path / "zoo.csv")
    assert lorenz["system"] == "Lorenz" and lorenz["lambda_1"] == "0.9056" and lorenz["lambda_1_unit"] == RATE
    assert lorenz["lambda_1_stored"] == "0.8917" and lorenz["stored_disagrees"] == "1"
    assert lorenz["exponents"] == "0.9056 0.0001 -14.5723" and lorenz["exponents_unit"] == RATE
    assert henon["exponents"] == "0.419 -1.623" and henon["lambda_1_stored"] == ""
    assert slow["lambda_1"] == slow["exponents"] == "" and slow["reason"] == "more than 120 s, or so"
    assert "kaplan_yorke_dimension_unit" not in lorenz  # a pure number
    with xr.open_dataset(tmp_path / RESULT) as kept:
        assert {row["result"] for row in (lorenz, henon, slow)} == {kept.attrs["digest"]}
        assert set(kept.data_vars) <= set(lorenz)


def test_every_quantity_with_a_unit_has_its_column(tmp_path):
    found = xr.open_dataset(result(tmp_path) / RESULT)
    (columns,) = {tuple(row) for row in table(found)}
    for name, variable in found.data_vars.items():
        assert (f"{name}_unit" in columns) == (variable.attrs["units"] != "1")
        if variable.attrs["units"] != "1":
            assert columns.index(f"{name}_unit") == columns.index(name) + 1


def test_no_reference_of_a_smoke_run_or_of_a_file_that_is_not_whole(tmp_path, capsys):
    before = TABLE.read_bytes() if TABLE.is_file() else None
    assert main([str(result(tmp_path / "smoke", "smoke"))]) == 1
    assert "smoke run is no reference" in capsys.readouterr().err
    folder = result(tmp_path / "cut")
    with open(folder / RESULT, "r+b") as file:
        file.truncate(5000)
    assert main([str(folder)]) == 1 and "can't be read" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 1 and "no such result" in capsys.readouterr().err
    assert (TABLE.read_bytes() if TABLE.is_file() else None) == before


@pytest.mark.skipif(not TABLE.is_file(), reason="results/reference/zoo.csv is written after a run that we stand by")
def test_the_table_that_we_stand_by_is_of_the_present_columns():
    rows = rows_of(TABLE)
    assert len(rows) > 130 and {row["scale"] for row in rows} <= {"laptop", "paper"}
    for column in ("lambda_1", "lambda_1_error", "lambda_1_unit", "exponents", "lambda_1_stored", "reason"):
        assert column in rows[0]
    assert all(row["lambda_1"] or row["reason"] for row in rows)
