"""Jobs forked from a loaded process: each as in one of its own, and a failure says what happened."""

import csv
import os
import signal
import sys
from types import SimpleNamespace

import pytest

import forking
from project import copy_with_toy_alone, differing, replace_text, run_jobs, snakemake

STUDY = "workflow/scripts/studies/toy_map"
RESULTS = "results/smoke/toy_map"


def test_failures_are_said_and_what_depends_on_them_does_not_begin(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    simulate, entropy, forecast = (folder / STUDY / f"{step}.py" for step in ("simulate", "entropy", "forecast"))
    leak = "    assert not hasattr(np, 'leaked')\n    np.leaked = True\n"
    replace_text(simulate, "    p = case", f"{leak}    p = case")
    kill = "    import os\n    if case.name == 'chaotic':\n        os.kill(os.getpid(), 9)\n"
    replace_text(forecast, "    return", f"{kill}    return")
    unlucky = "    if case.name == 'contracting':\n        raise ValueError('no luck')\n"
    replace_text(entropy, "    return", f"{unlucky}    return")
    said = run_jobs(folder)["toy_map"]
    log = f"{RESULTS}/logs"
    assert sorted(said) == [
        f"entropy: ValueError: no luck\nThe log has more: {log}/entropy/contracting.log",
        f"forecast: was killed.\nThe log has more: {log}/forecast/chaotic.log",
        f"{log}/figures/exponents.log: not begun, since {RESULTS}/entropy/contracting.nc is not there.",
        f"{log}/judge/claims.log: not begun, since {RESULTS}/forecast/chaotic.nc is not there.",
    ]
    assert len(list((folder / RESULTS / "simulate").glob("*.nc"))) == 2, "the one left nothing to the other"
    assert "ValueError: no luck" in (folder / log / "entropy/contracting.log").read_text()


def test_a_figure_that_imports_what_its_closure_misses_fails(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    hidden = "    import importlib\n\n    importlib.import_module('pesin.systems.maps')\n"
    replace_text(folder / STUDY / "figures.py", "    figure, ", f"{hidden}    figure, ")
    (said,) = run_jobs(folder)["toy_map"]
    assert said.startswith("figure_toy_map: pesin/")  # what the module imports itself stands before it
    assert "pesin/systems/maps.py: imported, but by no import statement" in said


WHO = """    import os
    from pathlib import Path

    Path(f"parent_{case.name}").write_text(Path(f"/proc/{os.getppid()}/cmdline").read_text())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")
def test_snakemake_forks_jobs_and_makes_the_same_bits_without(tmp_path):
    folders = {fork: copy_with_toy_alone(tmp_path / fork) for fork in ("true", "false")}
    for fork, folder in folders.items():
        replace_text(folder / STUDY / "simulate.py", "    p = case", f"{WHO}    p = case")
        snakemake(folder, "--cores", "2", "--config", "scale=smoke", f"fork={fork}", check=True)
        parent = (folder / "parent_chaotic").read_text()
        assert ("forking.py" in parent) == (fork == "true"), parent
        with open(folder / RESULTS / "logs/simulate/chaotic.tsv", newline="") as file:
            (measured,) = csv.DictReader(file, delimiter="\t")
        if fork == "true":
            assert float(measured["s"]) > 0 and 50 < float(measured["max_rss"]) < 5000
    assert differing(*(folder / RESULTS for folder in folders.values())) == []


def test_a_failed_fork_says_what_a_failed_process_says(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    replace_text(folder / STUDY / "simulate.py", "    p = case", "    raise ValueError('no luck')\n    p = case")
    run = snakemake(folder, "--cores", "1", "--config", "scale=smoke")
    assert run.returncode and "simulate: ValueError: no luck" in run.stdout


def test_scripts_end_as_they_do_in_a_process_of_their_own(tmp_path, capfd):
    """Exit status, argument, variable, folder; nothing of one job is left to the next."""
    script = tmp_path / "job.py"
    script.write_text(
        "import os, signal, sys\nassert 'left' not in vars(sys)\nsys.left = __name__, __file__\n"
        "how = sys.argv[1]\nif how == 'killed': os.kill(os.getpid(), signal.SIGTERM)\n"
        "if how == 'raised': raise OSError('no luck')\nif how == 'said': sys.exit('why')\n"
        "sys.exit(int(how) if how.isdigit() else sys.left != ('__main__', os.environ['SCRIPT']))\n"
    )
    with forking.Servers() as servers:

        def status(how):
            return servers.run(str(script), arguments=[how], SCRIPT=str(script)).returncode

        assert [status(how) for how in ("3", "0", "name", "said", "raised")] == [3, 0, 0, 1, 1]
        assert status("killed") == -signal.SIGTERM
        (server,) = servers._servers.values()
    said = capfd.readouterr().err
    assert "why\n" in said and "OSError: no luck" in said
    assert server[0].returncode == 0, "the server ended with the last of its users"
    assert "SCRIPT" not in os.environ


def test_what_is_loaded_is_what_the_code_imports(tmp_path):
    (tmp_path / "net.py").write_text("import numpy\n\ndef f():\n    from torch import nn\n")
    (tmp_path / "plain.py").write_text("import torchlike\n# import numba\n")
    assert forking.packages([str(tmp_path / "plain.py")]) == forking.ALWAYS
    assert forking.packages([str(tmp_path / "net.py")]) == (*forking.ALWAYS, "torch")


def test_a_job_with_a_gpu_and_a_script_of_others_start_python_anew():
    begun = []
    method = forking.forked(None, lambda job, fname, edit: begun.append(fname))
    plain = {"conda_env": None, "container_img": None, "env_modules": None}
    for name, resources, given in (("gpu", {"gpu": 1}, {"code": []}), ("other", {}, {})):
        method(SimpleNamespace(**plain, resources=resources, input=given), name)
    assert begun == ["gpu", "other"]


def test_where_processes_have_no_handles_nothing_is_forked(monkeypatch):
    def unknown(pid):
        raise OSError("no such call")

    before = forking.PythonScript.execute_script
    monkeypatch.setattr(os, "pidfd_open", unknown)
    forking.apply.__wrapped__()
    assert forking.PythonScript.execute_script is before
