"""F17, F12: a training that is told to end, or killed, goes on where it stopped and ends with the same numbers."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pesin.steps.checkpoint import Checkpoint, Stopped
from pesin.steps.files import open_result, same
from pesin.steps.run import _key
from project import ROOT

UPDATES = 250


def start(folder: Path, updates: int = UPDATES, *more: str) -> subprocess.Popen:
    paths = os.pathsep.join(str(ROOT / part) for part in ("workflow/scripts", "tests"))
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests/faults/train_gtf.py"), str(folder), str(updates), *more],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def checkpoint_of(folder: Path) -> Path:
    return folder / ".train.shplrnn.checkpoint"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    start(folder, 2).communicate()
    return folder / "simulate.nc"


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    shutil.copy(data, folder)
    _, errors = start(folder).communicate()
    assert (folder / "train.nc").is_file(), errors
    assert not checkpoint_of(folder).exists(), "a checkpoint of a finished step is of no use"
    return open_result(folder / "train.nc")


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_training_ends_with_the_numbers_of_one_that_was_not(uninterrupted, data, tmp_path, blow):
    shutil.copy(data, tmp_path)
    first = start(tmp_path)
    kept = checkpoint_of(tmp_path)
    while first.poll() is None and not kept.exists():
        time.sleep(0.02)
    first.send_signal(blow)
    _, errors = first.communicate()
    assert first.returncode != 0 and not (tmp_path / "train.nc").exists(), "it ended before it was stopped"
    if blow == signal.SIGTERM:
        assert "The same command goes on from here" in errors
    turns = xr.open_dataset(kept, engine="netcdf4").attrs["turns"]
    assert 0 < turns < UPDATES
    _, errors = start(tmp_path).communicate()
    assert f"going on after {turns} turns" in errors
    assert same(open_result(tmp_path / "train.nc"), uninterrupted)
    assert not kept.exists()


def test_the_key_changes_with_all_that_the_numbers_depend_on():
    spec = {"study": "s", "case": "c", "step": "train", "scale": "smoke", "params": {"train": {"learning_rate": 0.1}}}
    others = [
        _key(spec, "code", {"data": "d"}, {}, 1, 0),
        _key(spec | {"params": {"train": {"learning_rate": 0.2}}}, "code", {"data": "d"}, {}, 1, 0),
        _key(spec | {"case": "other"}, "code", {"data": "d"}, {}, 1, 0),
        _key(spec, "other", {"data": "d"}, {}, 1, 0),
        _key(spec, "code", {"data": "other"}, {}, 1, 0),
        _key(spec, "code", {"data": "d"}, {}, 2, 0),
        _key(spec, "code", {"data": "d"}, {}, 1, 1),
        _key(spec, "code", {"data": "d"}, {"rec.csv": "a"}, 1, 0),
        _key(spec | {"replicate": 1}, "code", {"data": "d"}, {}, 1, 0),
        _key(spec | {"streams": "other"}, "code", {"data": "d"}, {}, 1, 0),
    ]
    assert len(set(others)) == len(others) and others[0] == _key(spec, "code", {"data": "d"}, {}, 1, 0)


def test_a_training_that_diverges_is_a_result_with_its_status(data, tmp_path):
    """F12. That a diverged run is judged as a failure is tested in tests/unit/test_rl_entropy_mechanism.py."""
    shutil.copy(data, tmp_path)
    start(tmp_path, 30, "1e3").communicate()
    result = open_result(tmp_path / "train.nc")
    assert result.attrs["status"].startswith("diverged runs:") and bool(result["diverged"].any())


def test_cpu_and_gpu_train_alike(data, tmp_path):
    """F27. Bits may differ between devices; the first loss agrees closely, the last within the spread of the seeds."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("CPU AGAINST GPU WAS NOT TESTED: there is no GPU here")
    losses = []
    for gpus in ("0", "1"):
        folder = tmp_path / gpus
        folder.mkdir()
        shutil.copy(data, folder)
        _, errors = start(folder, 100, "1e-2", gpus).communicate()
        assert (folder / "train.nc").is_file(), errors
        losses.append(open_result(folder / "train.nc")["loss"].values)
    assert np.allclose(losses[0][..., 0], losses[1][..., 0], rtol=1e-4)
    last = [np.nanmedian(loss[..., -1]) for loss in losses]
    assert abs(np.log(last[0] / last[1])) < 0.5


# ------------------------------------------------------------------------------------------------ the mechanism alone


def walk(path, stop_at=None, key="k", every=0.0):
    """A random walk of 20 steps, stopped by an error at one of them; its path."""
    rng = np.random.default_rng(1)
    checkpoint = Checkpoint(path, key, [rng], every)
    done, saved = checkpoint.load()
    positions = list(saved.get("positions", []))
    for turn in checkpoint.over(range(done, 20), lambda: {"positions": np.array(positions)}):
        if turn == stop_at:
            raise RuntimeError
        positions.append(rng.normal() + (positions[-1] if positions else 0.0))
    return positions


def test_generators_go_on_too(tmp_path):
    whole = walk(None)
    with pytest.raises(RuntimeError):
        walk(tmp_path / "c", 7)
    assert walk(tmp_path / "c") == whole
    assert xr.open_dataset(tmp_path / "c", engine="netcdf4").attrs["turns"] == 20


def test_without_its_generators_a_resumed_loop_differs(tmp_path, monkeypatch):
    """The test above can fail: this is what forgetting them looks like."""
    with pytest.raises(RuntimeError):
        walk(tmp_path / "c", 7)
    monkeypatch.setattr(
        "pesin.steps.checkpoint.json.loads", lambda text: [np.random.default_rng(1).bit_generator.state]
    )
    assert walk(tmp_path / "c") != walk(None)


@pytest.mark.parametrize("name", ["layer_0/weight", "50 %", "50%20%", "a.b", "größe", "_0"])
def test_any_name_is_kept(tmp_path, name):
    checkpoint = Checkpoint(tmp_path / "c", "k", every=0)
    for _ in checkpoint.over(range(2), lambda: {name: np.eye(2)}):
        pass
    turns, saved = checkpoint.load()
    assert turns == 2 and list(saved) == [name] and (saved[name] == np.eye(2)).all()


@pytest.mark.parametrize("fault", ["cut", "edited", "other key"])
def test_an_unfit_checkpoint_is_passed_over(tmp_path, fault, capsys):
    path = tmp_path / "c"
    with pytest.raises(RuntimeError):
        walk(path, 7)
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:500])
    elif fault == "edited":
        import netCDF4

        with netCDF4.Dataset(path, "a") as handle:
            handle["positions"][0] = 7.0
    assert walk(path, key="other" if fault == "other key" else "k") == walk(None)
    assert "passed over" in capsys.readouterr().err


def test_sigterm_keeps_the_state_and_then_ends(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c", "k", every=1000)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped, match="after 4 turns"):
        for turn in checkpoint.over(iter(range(20)), lambda: {"nothing": np.zeros(1)}):
            if turn == 3:
                os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
    assert Checkpoint(tmp_path / "c", "k").load()[0] == 4
