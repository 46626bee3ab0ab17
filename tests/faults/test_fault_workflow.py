"""Faults of a run: kills, lost notes, wrong clocks, slow disks, two at once; the toy study stands for any."""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import netCDF4
import numpy as np
import psutil
import pytest

from pesin.steps.files import open_result, same
from project import ROOT, copy_with_toy_alone, in_background, planned, replace_text, snakemake, wait_for

YAML = "config/studies/toy_map.yaml"
TRAIN = "workflow/scripts/studies/toy_map/train.py"
RESULT = "results/laptop/toy_map/train/chaotic.nc"


def verify(folder: Path) -> dict[str, str]:
    """What `make verify` finds: {file below the study's folder: fault}; {} and exit status 0 if nothing."""
    script = str(folder / "workflow/scripts/verify.py")
    run = subprocess.run([sys.executable, script], cwd=folder, text=True, stdout=subprocess.PIPE)
    found = re.findall(r"^results/laptop/(\S+): (.*)$", run.stdout, re.MULTILINE)
    assert bool(found) == bool(run.returncode), run.stdout
    return {name.removeprefix("toy_map/"): fault for name, fault in found}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished run of code that was checked out in 2001 (what is older than its script Snakemake makes anew)."""
    folder = copy_with_toy_alone(tmp_path_factory.mktemp("done") / "p")
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    start = time.monotonic()
    snakemake(folder, "--cores", "2", check=True)
    print(f"\na clean run: {time.monotonic() - start:.1f} s")
    return folder


@pytest.fixture
def copy(done, tmp_path):
    shutil.copytree(done, tmp_path / "p", symlinks=True)
    return tmp_path / "p"


def begin(folder: Path, *arguments: str) -> subprocess.Popen:
    """Snakemake in the background."""
    return in_background(folder, sys.executable, "-m", "snakemake", *arguments)


def wait_for_group(leader: int) -> None:
    """Until no process of a group is left."""

    def alive(process: psutil.Process) -> bool:
        try:
            return os.getpgid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, ProcessLookupError):
            return False

    while any(map(alive, psutil.process_iter())):
        time.sleep(0.1)


# ------------------------------------------------------------- F2, F3, F4: the main process is killed, its child is not


def readme_lines() -> list[str]:
    """The commands that README.md tells to type after a kill."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    sentence = text[text.index("a kill, `") :].partition("go on where it stopped")[0]
    return re.findall(r"`(snakemake [^`]*)`", sentence)


SLOW = """    from pathlib import Path
    import time
    if case.name == "chaotic" and not Path("go").exists():
        Path("started").touch()
        while not Path("go").exists():
            time.sleep(0.05)
        time.sleep(3)
"""


def test_after_a_kill_the_readme_helps_and_a_child_that_lives_on_does_no_harm(done, tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    replace_text(folder / TRAIN, "    assert", f"{SLOW}    assert")
    main = begin(folder, "--cores", "2", "--notemp")
    wait_for(folder / "started", main)
    os.kill(main.pid, signal.SIGKILL)
    main.wait()
    assert "LockException" in snakemake(folder, "--cores", "2", "--rerun-incomplete").stdout, (
        "else this test is no test"
    )
    (folder / "go").touch()  # the orphan wakes, and writes the same file 3 seconds later
    earlier = folder / "results/laptop/toy_map/simulate/chaotic.nc"
    kept = earlier.stat().st_mtime_ns
    killed = time.monotonic()
    for line in readme_lines():
        run = snakemake(folder, *line.split()[1:], "--cores", "2")
        assert run.returncode == 0, run.stdout
    print(f"\nfrom the kill to a finished run: {time.monotonic() - killed:.1f} s")
    assert (folder / "results/laptop/toy_map/simulate/chaotic.nc").stat().st_mtime_ns == kept, (
        "a finished job ran again"
    )
    wait_for_group(main.pid)  # the orphan is done
    for step in ("simulate", "entropy", "forecast"):
        for case in ("chaotic", "contracting"):
            ours, clean = (open_result(f / f"results/laptop/toy_map/{step}/{case}.nc") for f in (folder, done))
            assert all(np.array_equal(ours[name], clean[name]) for name in clean.data_vars)
    train, clean = open_result(folder / RESULT), open_result(done / RESULT)
    assert np.array_equal(train.slope, clean.slope)
    assert verify(folder) == {}


def test_readme_gives_two_commands():
    assert [line.split()[1] for line in readme_lines()] == ["--unlock", "--cores"]


def test_two_at_once_in_one_folder(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    replace_text(folder / TRAIN, "    assert", f"{SLOW}    assert")
    first = begin(folder, "--cores", "2")
    wait_for(folder / "started", first)
    second = snakemake(folder, "--cores", "2", "--rerun-incomplete")
    assert second.returncode != 0 and "LockException" in second.stdout and "--unlock" in second.stdout
    (folder / "go").touch()
    output, _ = first.communicate()
    assert first.returncode == 0, output
    assert verify(folder) == {}


# ---------------------------------------------------------------------- F8, F9, F10: what Snakemake's clock doesn't see


def test_a_finished_run_verifies(done):
    assert verify(done) == {}


def test_an_output_edited_by_hand_is_named(copy):
    with netCDF4.Dataset(copy / RESULT, "a") as handle:
        handle["slope"][0] += 1e-12
    figure = copy / "results/laptop/toy_map/figures/exponents.svg"
    replace_text(figure, "</svg>", "<!-- improved --></svg>")
    for path in (figure, copy / RESULT):
        os.utime(path, (1.1e9, 1.1e9))
    assert planned(copy) == {}, "Snakemake notices nothing"
    found = verify(copy)
    assert "altered" in found.pop("train/chaotic.nc") and "altered" in found.pop("figures/exponents.svg")
    assert set(found) <= {"entropy/chaotic.nc", "forecast/chaotic.nc", "claims.nc", "captions.rst"}  # made from it


def test_an_input_replaced_by_an_older_one_is_named(copy):
    """F8: cp -p and rsync -t keep an older time, and Snakemake then sees no change."""
    data = copy / "results/laptop/toy_map/simulate/chaotic.nc"
    shutil.copy(copy / "results/laptop/toy_map/simulate/contracting.nc", data)
    os.utime(data, (1.1e9, 1.1e9))
    assert planned(copy) == {}
    found = verify(copy)
    assert "other parameters (simulate.slope: 0.9 then, 1.9 now)" in found["simulate/chaotic.nc"]
    assert "other inputs (data)" in found["train/chaotic.nc"]


def test_without_snakemakes_notes_what_is_stale_is_named(copy):
    shutil.rmtree(copy / ".snakemake")
    replace_text(copy / YAML, "burn_in: 10", "burn_in: 11")
    replace_text(copy / "workflow/scripts/studies/toy_map/forecast.py", "import numpy", "# edited\nimport numpy")
    for path in copy.rglob("*"):
        age = 1.1e9 if "results" in path.parts else 1e9
        os.utime(path, (age, age))
    assert planned(copy) == {}, "to Snakemake all is well"
    found = verify(copy)
    assert {name for name, fault in found.items() if "entropy.burn_in: 10 then, 11 now" in fault} == {
        "entropy/chaotic.nc",
        "entropy/contracting.nc",
    }
    assert {name for name, fault in found.items() if "other code" in fault} == {
        "forecast/chaotic.nc",
        "forecast/contracting.nc",
    }
    assert len(found) == 4


def test_what_nobody_makes_and_what_is_missing_is_named(copy):
    """F33."""
    folder = copy / "results/laptop/toy_map"
    shutil.copy(folder / "train/chaotic.nc", folder / "train/chaotic_backup.nc")
    (folder / "train/.chaotic.nc.tmp-123456789abc").touch()
    (folder / "figures/exponents.pdf").unlink()
    found = verify(copy)
    assert "no rule makes it" in found["train/chaotic_backup.nc"] and found["figures/exponents.pdf"] == "missing"
    assert "killed while writing" in found["train/.chaotic.nc.tmp-123456789abc"] and len(found) == 3


def test_every_result_of_a_run_has_its_rule(done):
    listed = snakemake(done, "--list-untracked").stdout.splitlines()
    strangers = [line for line in listed if "results/" in line and "/logs/" not in line]
    assert not strangers


# -------------------------------------------------------------------------------------------------- F7, F32: spurious


def test_nothing_reruns_for_another_hash_seed(copy, monkeypatch):
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        assert planned(copy) == {}


@pytest.mark.parametrize("shift", [-1e6, 1e6], ids=["past", "future"])
def test_nothing_reruns_for_a_wrong_clock(copy, shift):
    """A node whose clock is days off made everything: contents, not times, decide on small files."""
    for path in (copy / "results").rglob("*"):
        os.utime(path, (time.time() + shift,) * 2)
    assert planned(copy) == {}


# ------------------------------------------------------------------------------------------------------ F19: slow disks

LATE = """

_drive = drive


def drive(step, snakemake):
    _drive(step, snakemake)
    import subprocess
    from pathlib import Path
    Path(snakemake.output[0]).rename("hidden")
    late = f"until [ -e show ]; do sleep 0.1; done; mv hidden '{snakemake.output[0]}'"
    subprocess.Popen(["bash", "-c", late], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""


@pytest.mark.parametrize(("patience", "comes"), [("0", False), ("600", True)])
def test_a_result_that_shows_late_is_waited_for(tmp_path, patience, comes):
    """The disk shows the result two seconds after it was made, or once Snakemake has given up."""
    folder = copy_with_toy_alone(tmp_path / "p")
    driver = folder / "workflow/scripts/driver.py"
    driver.write_text(driver.read_text() + LATE)
    target = "results/laptop/toy_map/simulate/chaotic.nc"
    run = begin(folder, "--cores", "1", "--latency-wait", patience, target)
    wait_for(folder / "hidden", run)
    if comes:
        time.sleep(2)
        (folder / "show").touch()
    output, _ = run.communicate()
    assert (run.returncode == 0) == comes, output
    assert (folder / target).exists() == comes
    assert "latency-wait: 60" in (ROOT / "workflow/profiles/slurm/profile.yaml").read_text()


# ------------------------------------------------------------------------------------- F21, F22, read-only, shell words


def test_read_only_code_run_from_elsewhere(done, tmp_path):
    """Code on a disk that can't be written, in a folder with a space and an umlaut; results where we stand."""
    code, work = tmp_path / "a b" / "ü", tmp_path / "work"
    copy_with_toy_alone(code)
    work.mkdir()
    if subprocess.run(["mount", "--bind", "-o", "ro", code, code], capture_output=True).returncode:
        pytest.skip("a read-only disk needs root that may mount")
    subprocess.run(["mount", "-o", "remount,bind,ro", code], check=True)
    try:
        with pytest.raises(OSError):
            (code / "x").touch()
        start = ["-s", str(code / "Snakefile"), "-d", str(work), "--cores", "2"]
        run = snakemake(tmp_path, *start, "results/laptop/toy_map/figures/exponents.svg")
    finally:
        subprocess.run(["umount", code], check=True)
    assert run.returncode == 0, run.stdout
    for step in ("simulate", "train", "entropy"):
        path = f"results/laptop/toy_map/{step}/chaotic.nc"
        assert same(open_result(work / path), open_result(done / path)), step


def test_results_that_cannot_be_written_end_the_run_with_a_sentence(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    (folder / "results").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder / "results"], capture_output=True).returncode:
        pytest.skip("a read-only disk needs root that may mount")
    try:
        run = snakemake(folder, "--cores", "1")
    finally:
        subprocess.run(["umount", folder / "results"], check=True)
    assert run.returncode != 0 and "Read-only file system: 'results/laptop'" in run.stdout, run.stdout[-2000:]


@pytest.mark.parametrize("results", ["$(touch pwned)", "`touch pwned`", "a; touch pwned", "a' 'b", 'a"b', "a|b", "a>b"])
def test_shell_words_in_the_results_folder_are_refused(tmp_path, results):
    folder = copy_with_toy_alone(tmp_path / "p")
    run = snakemake(folder, "-n", "--cores", "1", "--config", f"results={results}")
    assert run.returncode != 0 and "results" in run.stdout and "Traceback" not in run.stdout
    assert not (folder / "pwned").exists()


@pytest.mark.parametrize("name", ["$(touch pwned)", "x; touch pwned"])
def test_shell_words_as_a_target_or_a_study_reach_no_shell(tmp_path, name):
    folder = copy_with_toy_alone(tmp_path / "p")
    assert snakemake(folder, "--cores", "1", name).returncode != 0
    assert snakemake(folder, "--cores", "1", "--config", f"studies=['{name}']").returncode != 0
    assert not (folder / "pwned").exists()


def test_a_folder_with_a_space_and_an_umlaut_is_no_shell_word(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    target = "my résults/laptop/toy_map/simulate/chaotic.nc"
    snakemake(folder, "--cores", "1", "--config", "results=my résults", "--", target, check=True)
    assert open_result(folder / target)


# --------------------------------------------------------------------------------------------- F15, F28: failing steps


def test_a_step_that_asked_for_a_gpu_and_sees_none_fails_with_a_sentence(tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    folder = copy_with_toy_alone(tmp_path / "p")
    replace_text(folder / TRAIN, "    assert", "    case.device\n    assert")
    with open(folder / YAML, "a") as handle:
        handle.write("resources: {train: {gpu: 1}}\n")
    run = snakemake(folder, "--cores", "1", RESULT)
    sentence = "toy_map/chaotic: the train step asked for 1 GPU and none is visible. Run on a GPU node, or set"
    assert run.returncode == 1 and sentence in run.stdout
    assert sentence in (folder / "results/laptop/toy_map/logs/train/chaotic.log").read_text()
    assert not (folder / RESULT).exists()


def test_half_of_the_studies_fail_and_the_ledger_says_which(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    studies, yamls = folder / "workflow/scripts/studies", folder / "config/studies"
    for name in ("toy_two", "toy_three", "toy_four"):
        shutil.copytree(studies / "toy_map", studies / name)
        shutil.copy(yamls / "toy_map.yaml", yamls / f"{name}.yaml")
    for name in ("toy_two", "toy_four"):
        replace_text(studies / name / "simulate.py", "    p = ", "    raise ValueError('broken')\n    p = ")
    run = snakemake(folder, "--cores", "2", "--keep-going", "--config", "scale=smoke")
    assert run.returncode != 0
    with open(folder / "results/smoke/ledger.csv", newline="") as handle:
        rows = {(row["study"], row["claim"]): row for row in csv.DictReader(handle)}
    assert len(rows) == 12
    for name in ("toy_map", "toy_three"):
        assert rows[name, "C1"]["verdict"] == "reproduced"
    for name in ("toy_two", "toy_four"):
        assert rows[name, "C1"]["verdict"] == "no verdict"
        reason = rows[name, "C1"]["reason"]
        assert "ValueError: broken" in reason and f"results/smoke/{name}/logs/simulate/chaotic.log" in reason


def test_memory_and_time_grow_with_the_attempt(tmp_path):
    """F16: what is asked on attempts 1 to 3; the cluster tests see it on a real SLURM."""
    folder = copy_with_toy_alone(tmp_path / "p")
    with open(folder / YAML, "a") as handle:
        handle.write("resources: {simulate: {mem_mb: 700, runtime: 3}}\n")
    note = "open('asked', 'a').write(f'{snakemake.resources.mem_mb} {snakemake.resources.runtime}\\n')"
    replace_text(
        folder / "workflow/scripts/simulate.py",
        "    drive(",
        f"    {note}\n    if len(open('asked').readlines()) < 3:\n        raise SystemExit('killed')\n    drive(",
    )
    snakemake(folder, "--cores", "1", "--retries", "2", "results/laptop/toy_map/simulate/chaotic.nc", check=True)
    assert (folder / "asked").read_text().splitlines() == ["700 3", "1400 6", "2100 9"]


def test_adding_a_study_changes_no_other(copy):
    """F25: seeds come from study, case, step and stream."""
    shutil.copytree(copy / "workflow/scripts/studies/toy_map", copy / "workflow/scripts/studies/another")
    shutil.copy(copy / YAML, copy / "config/studies/another.yaml")
    jobs = snakemake(copy, "-n", "--cores", "1", check=True).stdout
    assert "another: simulate chaotic" in jobs and "toy_map: " not in jobs
    snakemake(copy, "--cores", "1", "results/laptop/another/simulate/chaotic.nc", check=True)
    first, second = (open_result(copy / f"results/laptop/{s}/simulate/chaotic.nc") for s in ("toy_map", "another"))
    assert not np.isclose(first.x[:, 0], second.x[:, 0]).any()
