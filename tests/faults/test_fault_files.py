"""Faults of single files: F1 killed while writing, F13 locks of HDF5, F20 a full disk, and files that mean harm."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
import yaml

from pesin.config.load import read_yaml
from pesin.errors import UserError
from pesin.steps.closure import closure
from pesin.steps.files import open_result, publish
from project import SCRIPTS, positions

ATTRIBUTES = {"study": "s", "case": "c", "step": "simulate", "scale": "smoke"}


def python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)} | environment,
        text=True,
        capture_output=True,
    )


# ----------------------------------------------------------------------------------------------------- F1, killed

WRITER = """
    import os, signal, sys
    from pathlib import Path
    import numpy as np, xarray as xr
    from pesin.steps import files

    path, where = Path(sys.argv[1]), sys.argv[2]
    die = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
    if where == "before the first byte":
        xr.DataTree.to_netcdf = die
    if where == "while writing":
        whole = xr.DataTree.to_netcdf
        def half(tree, target, **more):
            whole(tree, target, **more)
            os.truncate(target, os.path.getsize(target) // 2)
            die()
        xr.DataTree.to_netcdf = half
    if where == "before fsync":
        files.os.fsync = die
    if where == "before the rename":
        files.os.replace = die
    if where == "after the rename":
        renamed = os.replace
        files.os.replace = lambda *a: (renamed(*a), die())
    x = xr.Dataset({"x": ("time", np.arange(1000.0), {"units": "m", "long_name": "position"})})
    files.publish(x, path, {"step": "simulate"})
"""
POINTS = ("before the first byte", "while writing", "before fsync", "before the rename", "after the rename")


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("older", [False, True], ids=["new", "over an older one"])
def test_killed_while_writing_a_result_is_absent_or_whole(tmp_path, point, older):
    path = tmp_path / "a.nc"
    if older:
        publish(positions(), path, ATTRIBUTES)
    run = python(WRITER, str(path), point)
    assert run.returncode == -signal.SIGKILL, run.stderr
    if point == "after the rename":
        assert open_result(path).x.size == 1000
    elif older:
        assert open_result(path).x.size == 3
    else:
        assert not path.exists()


def test_killed_while_writing_in_place_looks_whole_to_others_but_not_to_us(tmp_path):
    """Why all that: the naive way leaves a file that opens, with all its values, half of them never written."""
    naive = """
        import os, signal, sys
        import netCDF4, numpy as np
        handle = netCDF4.Dataset(sys.argv[1], "w")
        handle.createDimension("time", 1000)
        handle.createVariable("x", "f8", "time")[:500] = np.arange(500)
        handle.sync()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    path = tmp_path / "a.nc"
    python(naive, str(path))
    assert xr.open_dataset(path, mask_and_scale=False).x.size == 1000
    with pytest.raises(UserError, match="no mark 'complete'"):
        open_result(path)


# ------------------------------------------------------------------------------------------------- F13, F20: the disk

HOLD = """
    import sys, time
    import netCDF4
    handle = netCDF4.Dataset(sys.argv[1])
    print("open", flush=True)
    sys.stdin.readline()
    print(float(handle["x"][2]), flush=True)
"""


def test_a_result_is_made_anew_while_another_process_reads_it(tmp_path):
    path = tmp_path / "a.nc"
    publish(positions(), path, ATTRIBUTES)
    environment = {name: value for name, value in os.environ.items() if name != "HDF5_USE_FILE_LOCKING"}
    reader = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLD), str(path)],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert reader.stdout.readline() == "open\n"
    locked = python("import sys, netCDF4; netCDF4.Dataset(sys.argv[1], 'a')", str(path), HDF5_USE_FILE_LOCKING="TRUE")
    assert locked.returncode, "an append to a file that is being read is what HDF5's lock refuses"
    publish(positions(np.arange(5.0)), path, ATTRIBUTES)
    assert open_result(path).x.size == 5
    assert reader.communicate("go\n")[0] == "3.0\n", "the reader still has the file that it opened"


def test_locks_are_off_in_every_job():
    code = "import pesin.steps.files, os; print(os.environ['HDF5_USE_FILE_LOCKING'])"
    assert python(code).stdout == "FALSE\n"
    assert str(SCRIPTS / "pesin/steps/files.py") in closure(SCRIPTS, SCRIPTS / "driver.py")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], capture_output=True).returncode:
        pytest.skip("a small disk needs root that may mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_the_older_result_and_nothing_half_made(small_disk):
    path = small_disk / "a.nc"
    publish(positions(), path, ATTRIBUTES)
    with pytest.raises((OSError, RuntimeError)):
        publish(positions(np.arange(200_000.0)), path, ATTRIBUTES)
    assert open_result(path).x.size == 3
    assert [file.name for file in small_disk.iterdir()] == ["a.nc"]


# --------------------------------------------------------------------------------------------------- files of ill will


def hostile(path: Path, **attributes) -> Path:
    with netCDF4.Dataset(path, "w") as handle:
        handle.createDimension("time", 2**40)
        handle.createVariable("x", "f8", "time", zlib=True, chunksizes=(1024,))
        handle.setncatts({"complete": np.int8(1), "digest": "0" * 64} | attributes)
    return path


def test_a_result_of_eight_terabytes_of_nothing_is_refused_not_read(tmp_path):
    """A few kilobytes on disk; reading it would take 8 TB of memory."""
    path = hostile(tmp_path / "a.nc")
    assert path.stat().st_size < 100_000
    with pytest.raises(UserError, match="can't be read"):
        open_result(path)


def test_a_result_of_the_wrong_types_is_refused(tmp_path):
    publish(positions(), tmp_path / "a.nc", ATTRIBUTES)
    with netCDF4.Dataset(tmp_path / "a.nc", "a") as handle:
        handle.setncattr("complete", "yes, my lord")
    with pytest.raises(UserError):
        open_result(tmp_path / "a.nc")
    (tmp_path / "b.nc").write_text(json.dumps({"not": "NetCDF"}))
    with pytest.raises(UserError, match="can't be read as NetCDF"):
        open_result(tmp_path / "b.nc")


def test_yaml_with_a_python_tag_runs_nothing(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(f"title: !!python/object/apply:os.mkdir ['{tmp_path / 'pwned'}']\n")
    with pytest.raises(UserError, match="this is not yaml"):
        read_yaml(path)
    assert not (tmp_path / "pwned").exists()
    yaml.load(path.read_text(), Loader=yaml.UnsafeLoader)
    assert (tmp_path / "pwned").exists(), "this yaml does harm where it is let"


def test_nothing_in_the_project_reads_pickles():
    """Nor anything else that can run code when opened: torch.load, NumPy's objects, yaml's tags."""
    harm = re.compile(
        r"import pickle|pickle\.load|torch\.load\(|joblib|allow_pickle=True|UnsafeLoader|\beval\(|\bexec\("
    )
    found = {path.name: harm.findall(path.read_text(encoding="utf-8")) for path in SCRIPTS.rglob("*.py")}
    assert not {name: words for name, words in found.items() if words}
    assert harm.search("torch.load(path)") and harm.search("import pickle")


# --------------------------------------------------------------------------------------------------------- F6, imports


def test_an_import_that_the_closure_misses_stops_the_job():
    code = f"""
        import importlib, sys
        from pathlib import Path
        from pesin.steps.closure import check_loaded, closure

        root = Path({str(SCRIPTS)!r})
        files = closure(root, root / "pesin/steps/closure.py")
        check_loaded(root, files)
        print("as it should be", flush=True)
        importlib.import_module("pesin.systems.maps")
        check_loaded(root, files)
    """
    run = python(code)
    assert run.stdout == "as it should be\n"
    assert "pesin/systems/maps.py: imported, but by no import statement" in run.stderr
    assert "check_loaded(SCRIPTS" in (SCRIPTS / "driver.py").read_text(), "every step's job asks"
