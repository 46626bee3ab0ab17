"""The door for results: what publish refuses, what open refuses, and that nothing half-written is left."""

import os
import shutil

import netCDF4
import numpy as np
import pytest
import xarray as xr

from pesin.errors import UserError
from pesin.steps.files import FILL, digest, open_result, publish, without_truth
from project import positions

ATTRIBUTES = {"study": "s", "case": "c", "step": "simulate", "scale": "smoke"}


def dataset(values=(1.0, 2.0, 3.0), **attributes):
    """One variable of each type."""
    names = ("time", [f"n{i}" for i in range(len(values))], {"units": "1", "long_name": "name"})
    good = ("time", np.asarray(values) > 1, {"units": "1", "long_name": "good"})
    return positions(values, **attributes).assign(name=names, good=good)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "a.nc"


def test_round_trip_is_exact(path):
    publish(dataset(), path, ATTRIBUTES)
    again = open_result(path)
    assert again.x.values.tolist() == [1, 2, 3] and again.name.values.tolist() == ["n0", "n1", "n2"]
    assert again.good.values.tolist() == [False, True, True]
    assert again.attrs["study"] == "s" and again.attrs["complete"] == 1
    assert digest(again) == again.attrs["digest"]


def test_round_trip_of_a_tree_with_a_published_result_inside(path, tmp_path):
    tree = xr.DataTree.from_dict({"/": dataset(), "/weights": dataset((4.0, 5.0, 6.0))})
    publish(tree, path, ATTRIBUTES)
    again = open_result(path)
    assert again["weights/x"].values.tolist() == [4, 5, 6]
    publish(again, tmp_path / "b.nc", ATTRIBUTES)  # attributes of a file that was read do no harm
    assert open_result(tmp_path / "b.nc")["weights/x"].values.tolist() == [4, 5, 6]


def test_a_variable_named_like_its_group_is_read(path, monkeypatch):
    """What is passed over would be read later, from a file that is opened anew and never closed."""
    positioned = positions((2.0, 3.0))
    publish(xr.DataTree.from_dict({"/": positioned.rename(x="y"), "/x": positioned}), path, ATTRIBUTES)
    unread = []

    def watched(tree):
        unread.extend(v.name for node in tree.subtree for v in node.data_vars.values() if not v.variable._in_memory)
        return digest(tree)

    monkeypatch.setattr("pesin.steps.files.digest", watched)
    monkeypatch.setattr("pesin.steps.files._faults", lambda *_: [])
    assert open_result(path)["x/x"].values.tolist() == [2, 3]
    assert not unread


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (dataset((1.0, np.nan, 2.0)), r"'x' holds a NaN or an infinity at \[1\]"),
        (dataset((1.0, np.inf, 2.0)), r"'x' holds a NaN or an infinity at \[1\]"),
        (dataset((1.0, 2.0, FILL)), r"'x' holds NetCDF's fill value .* at \[2\]"),
        (dataset((2.0, 2.0, 2.0)), r"'x' is constant \(2.0\)"),
        (dataset(units=""), "'x' has no attribute 'units'"),
        (dataset().isel(time=slice(0, 0)), "the dimension 'time' is empty"),
        (xr.Dataset({"y": (("dim_0",), [1, 2], {"units": "1", "long_name": "y"})}), "'dim_0' has no name"),
    ],
)
def test_publish_refuses(bad, message, path):
    with pytest.raises(ValueError, match=message):
        publish(bad, path, ATTRIBUTES)
    assert not path.exists() and not list(path.parent.glob("*"))


def test_what_is_declared_is_allowed(path):
    publish(dataset((1.0, np.nan, 2.0), nan="a run that diverged"), path, ATTRIBUTES)
    publish(dataset((2.0, 2.0, 2.0), may_be_constant=1), path, ATTRIBUTES)
    publish(dataset((2.0, 2.0, 2.0)), path, ATTRIBUTES | {"step": "entropy"})


def test_no_space_left_leaves_nothing(path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        publish(dataset(), path, ATTRIBUTES)
    assert not list(path.parent.glob("*")) and not list(path.parent.glob(".*"))


def test_an_older_result_survives_a_failed_write(path, monkeypatch):
    publish(dataset(), path, ATTRIBUTES)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        publish(dataset((7.0, 8.0, 9.0)), path, ATTRIBUTES)
    assert open_result(path).x.values.tolist() == [1, 2, 3]


def test_open_refuses_a_truncated_file(path):
    publish(dataset(), path, ATTRIBUTES)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match="can't be read as NetCDF.*rm"):
        open_result(path)


def test_open_refuses_a_file_that_is_missing(path):
    with pytest.raises(UserError, match="no such result"):
        open_result(path)


def test_open_refuses_a_file_without_its_mark(path):
    publish(dataset(), path, ATTRIBUTES)
    with netCDF4.Dataset(path, "a") as handle:
        handle.delncattr("complete")
    with pytest.raises(UserError, match="no mark 'complete'"):
        open_result(path)


@pytest.mark.parametrize(("value", "message"), [(1.5, "changed after"), (np.nan, "NaN"), (FILL, "fill value")])
def test_open_refuses_a_file_edited_by_hand(path, value, message):
    publish(dataset(), path, ATTRIBUTES)
    with netCDF4.Dataset(path, "a") as handle:
        handle["x"][0] = value
    with pytest.raises(UserError, match=message):
        open_result(path)


def test_open_refuses_an_edited_attribute(path):
    publish(dataset(), path, ATTRIBUTES)
    with netCDF4.Dataset(path, "a") as handle:
        handle.setncattr("scale", "paper")
    with pytest.raises(UserError, match="changed after"):
        open_result(path)


def test_a_copy_is_still_whole(path, tmp_path):
    publish(dataset(), path, ATTRIBUTES)
    shutil.copy(path, tmp_path / "copy.nc")
    assert open_result(tmp_path / "copy.nc").x.size == 3


def test_truth_is_withheld():
    data = dataset()
    data["truth"] = data.x.copy()
    data.truth.attrs["role"] = "truth"
    assert "truth" not in without_truth(data) and "x" in without_truth(data)
    tree = xr.DataTree.from_dict({"/": data, "/deep": data})
    assert "truth" not in without_truth(tree)["deep"].to_dataset()
