"""Recordings from files: three formats, and errors that tell how to get and shape the data."""

import numpy as np
import pytest
import xarray as xr

from pesin.errors import UserError
from pesin.systems.recordings import read_recording

WHERE = "Get it from the authors' repository."


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((50, 3))


def test_three_formats_give_the_same_numbers(tmp_path, x):
    xr.Dataset({"x": (("dim", "time"), x.T)}).to_netcdf(tmp_path / "x.nc")
    np.save(tmp_path / "x.npy", x.astype(np.float32))
    np.savetxt(tmp_path / "x.csv", x, delimiter=",", header="a,b,c", comments="")
    for name in ("x.nc", "x.npy", "x.csv"):
        np.testing.assert_allclose(read_recording(tmp_path / name, WHERE), x, rtol=1e-6)


def test_pickled_objects_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}] * 5, dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="allow_pickle"):
        read_recording(tmp_path / "x.npy", WHERE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:, 0], "of shape"),
        (lambda x: x[:5], "5 time steps"),
        (lambda x: np.where(x == x[7, 1], np.nan, x), "time step 7, channel 1"),
        (lambda x: x * [1, 0, 1], "channel 1 is constant"),
    ],
)
def test_faults_are_named(tmp_path, x, change, message):
    np.save(tmp_path / "x.npy", change(x))
    with pytest.raises(UserError, match=message) as error:
        read_recording(tmp_path / "x.npy", WHERE, fewest=10)
    assert WHERE in str(error.value) and "NetCDF" in str(error.value)


def test_missing_and_unknown(tmp_path, x):
    with pytest.raises(UserError, match="no such recording"):
        read_recording(tmp_path / "x.nc", WHERE)
    (tmp_path / "x.mat").write_text("")
    with pytest.raises(UserError, match=r"'\.mat' isn't known"):
        read_recording(tmp_path / "x.mat", WHERE)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(UserError, match="can't be read"):
        read_recording(tmp_path / "x.csv", WHERE)
