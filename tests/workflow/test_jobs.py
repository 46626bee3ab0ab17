"""Jobs forked from a loaded process (tests/jobs.py): each as in one of its own, and a failure says what happened."""

from project import copy_with_toy_alone, replace_text, run_jobs

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
