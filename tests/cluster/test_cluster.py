"""The SLURM profile on a real SLURM: who ran where, with what; kills of every kind; the same results as a local run."""

import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from slurm import Slurm, why_not

from pesin.steps.files import open_result, same
from project import (
    LONG,
    copy_project,
    copy_with_toy_alone,
    in_background,
    planned,
    replace_text,
    same_results,
    snakemake,
    untimed_verdicts,
    wait_for,
)

POLLING = str(Path(__file__).parent / "polling.py")
PROFILE = ("--workflow-profile", "workflow/profiles/slurm", "--latency-wait", "10")
STEPS = "workflow/scripts/studies/toy_map"
RESOURCES = "resources: {simulate: {mem_mb: 1000, runtime: 1}, train: {gpu: 1, mem_mb: 1500, runtime: 7}}\n"
FIELDS = ("JobID", "State", "ReqMem", "ReqTRES", "Partition", "Timelimit", "Submit", "Start", "End", "Comment")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    if reason := why_not():
        warnings.warn(f"THE CLUSTER TESTS DID NOT RUN: {reason}", stacklevel=1)
        pytest.skip(reason)
    with Slurm(tmp_path_factory.mktemp("slurm")) as started:
        yield started


def begin(cluster: Slurm, folder: Path, *arguments: str, path: str = "") -> subprocess.Popen:
    """Snakemake with the profile, in the background."""
    more = cluster.environment | ({"PATH": f"{path}:{os.environ['PATH']}"} if path else {})
    return in_background(folder, sys.executable, POLLING, *PROFILE, *arguments, **more)


def jobs(cluster: Slurm, output: str) -> list[dict[str, str]]:
    """What sacct knows of the run whose output this is, with the rule and the case of each job."""
    name, end = re.search(r"SLURM run ID: (\S+)", output)[1], time.monotonic() + LONG
    submitted = set(re.findall(r"SLURM job ?id (\d+)", output, re.IGNORECASE))
    table: list[dict[str, str]] = []
    while not submitted <= {job["JobID"].partition("_")[0] for job in table if job["End"] != "Unknown"}:
        assert time.monotonic() < end, f"of {submitted}, sacct knows no more than {table}"
        time.sleep(0.5)  # the accounts are written a little later
        table = cluster.accounts(*FIELDS, name=name)
    assert submitted
    return [job | {"rule": re.match(r"rule_([a-z_]+?)(_wildcards|$)", job["Comment"])[1]} for job in table]


def seconds(job: dict[str, str], first: str = "Submit", last: str = "End") -> float:
    form = "%Y-%m-%dT%H:%M:%S"
    return time.mktime(time.strptime(job[last], form)) - time.mktime(time.strptime(job[first], form))


def toy(folder: Path) -> Path:
    copy_with_toy_alone(folder)
    with open(folder / "config/studies/toy_map.yaml", "a") as handle:
        handle.write(RESOURCES)
    driver = folder / "workflow/scripts/driver.py"
    replace_text(
        driver,
        "                yield\n",
        "                import os; print('GPU:', os.environ.get('CUDA_VISIBLE_DEVICES'))\n                yield\n",
    )
    return folder


# ------------------------------------------------------------------------------------------------- who ran where


@pytest.fixture(scope="module")
def ran(cluster, tmp_path_factory):
    """The toy study on SLURM; its folder and what sacct knows."""
    folder = toy(tmp_path_factory.mktemp("toy") / "p")
    start = time.monotonic()
    run = begin(cluster, folder)
    output, _ = run.communicate(timeout=LONG)
    assert run.returncode == 0, output[-5000:]
    known = jobs(cluster, output)
    overhead = [seconds(job) for job in known]
    print(f"\ntoy on SLURM: {time.monotonic() - start:.0f} s wall; {len(known)} jobs, submitted to finished in the mean"
          f" {sum(overhead) / len(overhead):.1f} s, of which their own work is under 1 s")  # fmt: skip
    return folder, known


def test_training_and_nothing_else_ran_with_a_gpu(ran):
    folder, known = ran
    assert {job["rule"] for job in known if job["Partition"] == "gpu"} == {"train"}
    for job in known:
        assert ("gres/gpu=1" in job["ReqTRES"]) == (job["rule"] == "train") == (job["Partition"] == "gpu"), job
    for log in (folder / "results/laptop").rglob("*.log"):
        sees = re.search("GPU: (.*)", log.read_text())[1]
        assert (sees == "0") == ("/train/" in str(log)), log


def test_the_requested_memory_and_time_are_those_of_the_yaml(ran):
    asked = {job["rule"]: (job["ReqMem"], job["Timelimit"]) for job in ran[1]}
    assert asked["simulate"] == ("1000M", "00:01:00") and asked["train"] == ("1500M", "00:07:00")
    assert asked["judge"] == ("2000M", "00:10:00")
    assert {job["State"] for job in ran[1]} == {"COMPLETED"} and len(ran[1]) == 12


def test_results_are_those_of_a_local_run(ran, tmp_path):
    folder, _ = ran
    local = toy(tmp_path / "p")
    snakemake(local, "--cores", "2", check=True)
    for path in sorted((local / "results").rglob("*.nc")):
        other = folder / path.relative_to(local)
        # A local run of a step that asks for a GPU is recorded as such, on both sides.
        assert same(open_result(path), open_result(other)), path
    assert (local / "results/laptop/ledger.csv").read_text() == (folder / "results/laptop/ledger.csv").read_text()
    assert planned(folder) == {}


# ------------------------------------------------------------------------------------------------------------ kills

BLOWS = """    from pathlib import Path
    import time
    first = not Path(f"tried-{case.name}").exists()
    Path(f"tried-{case.name}").touch()
    if case.name == "hungry":
        hoard = np.ones(int(1.3e9 / 8))
        time.sleep(120 if first else 0)  # SLURM looks at its memory now and then
        assert hoard[0] == 1
    while first and case.name in ("slow", "cancelled", "unplugged"):
        time.sleep(0.5)
"""
CASES = ("hungry", "slow", "cancelled")


@pytest.fixture
def fragile(tmp_path):
    """A study whose first tries of simulate end badly, each case in its own way."""
    folder = toy(tmp_path / "p")
    replace_text(folder / STEPS / "simulate.py", "    p = case", f"{BLOWS}    p = case")
    yaml = folder / "config/studies/toy_map.yaml"
    params = "{params: {simulate: {slope: 1.9, seeds: 5, steps: 200}}}"
    replace_text(
        yaml, "controls:\n", "".join(f"  {name}: {params}\n" for name in (*CASES, "unplugged")) + "controls:\n"
    )
    replace_text(
        yaml, "cases:\n", "params: {train: {ridge: 0.001}, entropy: {burn_in: 10}, forecast: {horizon: 3}}\ncases:\n"
    )
    return folder


def result(case: str) -> str:
    return f"results/laptop/toy_map/simulate/{case}.nc"


def job_of(cluster: Slurm, case: str) -> str:
    queue = cluster.run("squeue", "-h", "-o", "%i %k").splitlines()
    return next(line.split()[0] for line in queue if line.endswith(f"_{case}"))


def test_too_much_memory_too_much_time_and_scancel_are_tried_again_with_more(cluster, fragile):
    run = begin(cluster, fragile, *map(result, CASES))
    wait_for(fragile / "tried-cancelled", run)
    cluster.run("scancel", job_of(cluster, "cancelled"))
    output, _ = run.communicate(timeout=LONG)
    assert run.returncode == 0, output[-5000:]
    for case in CASES:
        tries = [job for job in jobs(cluster, output) if job["Comment"].endswith(f"_{case}")]
        tries.sort(key=lambda job: int(job["JobID"]))
        assert [(job["ReqMem"], job["Timelimit"]) for job in tries] == [("1000M", "00:01:00"), ("2000M", "00:02:00")]
        ends = {"hungry": ("OUT_OF_MEMORY", "FAILED", "CANCELLED"), "slow": ("TIMEOUT",), "cancelled": ("CANCELLED",)}
        assert tries[0]["State"].split()[0] in ends[case] and tries[1]["State"] == "COMPLETED", tries
        assert open_result(fragile / result(case)).x.size == 1000


def test_the_node_dies_and_comes_back(cluster, fragile):
    run = begin(cluster, fragile, result("unplugged"))
    wait_for(fragile / "tried-unplugged", run)
    cluster.kill_slurmd()
    end = time.monotonic() + LONG
    while "down" not in (state := cluster.run("sinfo", "-h", "-o", "%T")):
        assert time.monotonic() < end, f"SLURM has not missed its node: {state}"
        time.sleep(0.5)
    cluster.start_slurmd()
    output, _ = run.communicate(timeout=LONG)
    assert run.returncode == 0, output[-5000:]
    assert open_result(fragile / result("unplugged")).x.size == 1000


def test_without_retries_a_kill_is_a_clear_failure_and_the_next_start_does_what_is_missing(cluster, fragile):
    run = begin(cluster, fragile, "--retries", "0", result("chaotic"), result("cancelled"))
    wait_for(fragile / "tried-cancelled", run)
    cluster.run("scancel", job_of(cluster, "cancelled"))
    output, _ = run.communicate(timeout=LONG)
    assert run.returncode != 0 and "status is: 'CANCELLED" in output and "logs/simulate/cancelled.log" in output
    assert not (fragile / result("cancelled")).exists()
    assert planned(fragile, result("chaotic"), result("cancelled")) == {"simulate": 1}
    run = begin(cluster, fragile, result("chaotic"), result("cancelled"))
    output, _ = run.communicate(timeout=LONG)
    assert run.returncode == 0 and len(jobs(cluster, output)) == 1


def test_a_broken_sacct_is_no_end_if_squeue_is_asked(cluster, fragile, tmp_path):
    """F18, and arrays as docs/cluster.md has them: for cases that ask for the same, and with squeue."""
    if " " in sys.executable:
        pytest.skip("the plugin's arrays don't quote an interpreter whose path has a space: docs/cluster.md")
    stub = tmp_path / "bin" / "sacct"
    stub.parent.mkdir()
    stub.write_text("#!/bin/sh\necho 'sacct: error: Slurm accounting storage is disabled' >&2\nexit 1\n")
    stub.chmod(0o755)
    # A task that outlives its minute, on a busy machine, would be tried again, and alone.
    replace_text(fragile / "config/studies/toy_map.yaml", "mem_mb: 1000, runtime: 1}", "mem_mb: 1000, runtime: 60}")
    targets = (result("chaotic"), result("contracting"))
    for _ in range(5):
        more = ("--slurm-array-jobs", "simulate", "--forcerun", "simulate", "--retries", "0")
        run = begin(cluster, fragile, *more, *targets, path=str(stub.parent))
        output, _ = run.communicate(timeout=LONG)
        assert run.returncode == 0, output[-5000:]
        known = jobs(cluster, output)
        # The plugin makes an array of the jobs that Snakemake's scheduler hands over together: mostly both.
        if "Execute 2 jobs" in output:
            break
        assert [job["JobID"].partition("_")[2] for job in known] == ["", ""]
    assert sorted(job["JobID"].partition("_")[2] for job in known) == ["1", "2"], "it was an array"
    assert len({job["JobID"].partition("_")[0] for job in known}) == 1
    print(f"\narray: submitted to finished {[seconds(job) for job in known]} s")


# ---------------------------------------------------------------------------------------------------- all studies


def test_all_studies(cluster, tmp_path, request):
    """`make test-cluster`: the smoke scale of every study, SLURM against local."""
    if not request.config.getoption("--all-studies"):
        pytest.skip("all studies take half an hour: make test-cluster")
    folder, local = copy_project(tmp_path / "slurm"), copy_project(tmp_path / "local")
    config = ("--config", "scale=smoke")
    start = time.monotonic()
    run = begin(cluster, folder, "--set-resources", "train:gres=gpu:1", *config)
    output, _ = run.communicate(timeout=5400)
    on_slurm = time.monotonic() - start
    assert run.returncode == 0, output[-5000:]
    known = jobs(cluster, output)
    start = time.monotonic()
    snakemake(local, "--cores", "2", *config, check=True)
    here = time.monotonic() - start
    mean = sum(map(seconds, known)) / len(known)
    print(f"\nall studies: {len(known)} jobs, {on_slurm:.0f} s on SLURM, {here:.0f} s local; a job {mean:.1f} s")
    assert {job["rule"] for job in known if job["Partition"] == "gpu"} == {"train"}
    for job in known:
        assert ("gres/gpu=1" in job["ReqTRES"]) == (job["rule"] == "train"), job
    results = sorted((local / "results").rglob("*.nc"))
    different = {path: same_results(path, folder / path.relative_to(local)) for path in results}
    assert results and not any(different.values()), {path: names for path, names in different.items() if names}
    assert untimed_verdicts(folder / "results/smoke") == untimed_verdicts(local / "results/smoke") != {}
    shutil.rmtree(folder)
