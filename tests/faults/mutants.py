"""Shows that the tests of faults can fail: takes each defence away, in a copy, and runs its test there.

    python tests/faults/mutants.py [F11 F20 ...]

A line says "red" where the test failed, as it must; the script ends with 1 if one stayed green. Some twelve minutes.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config", "workflow", "envs", "tests", "results", "README.md", "pyproject.toml", "Makefile")
LIBRARY, RULES = "workflow/scripts/pesin", "workflow/rules"
STEP_PARAMS = "        return visible(self.case(study, case).params, step)"
DRIVER_CODE = '        return closure(self.scripts, self.scripts / f"{driver}.py", *more)'
WORKFLOW, PROJECT = "tests/faults/test_fault_workflow.py", "tests/faults/test_fault_project.py"


class Mutant(NamedTuple):
    """A defence, and how it is taken away."""

    fault: str
    file: str
    old: str
    new: str
    test: str
    only: str = ""
    """The one study that the copy keeps; all of them if empty."""


MUTANTS = [
    Mutant("F5", f"{LIBRARY}/plan.py", DRIVER_CODE, "        return list(map(str, more))",
           "tests/workflow/test_toy.py::test_an_edit_reruns_exactly_what_depends_on_it"),
    Mutant("F5", f"{LIBRARY}/steps/closure.py", "base = node.module or", "base = '' and",
           "tests/contract/test_smoke.py::test_every_job_ends_well_and_imports_nothing_beside_its_closure",
           only="ordinal_orbit_complexity"),
    Mutant("F7", f"{LIBRARY}/plan.py", STEP_PARAMS, "        return list(set('abcdefgh'))",
           f"{WORKFLOW}::test_nothing_reruns_for_another_hash_seed"),
    Mutant("F11", f"{LIBRARY}/steps/files.py", "    if faults:\n        raise", "    if False:\n        raise",
           "tests/unit/test_files.py::test_publish_refuses"),
    Mutant("F12", "workflow/scripts/studies/generalized_teacher_forcing/train.py", "diverged runs:", "runs:",
           "tests/faults/test_fault_training.py::test_a_training_that_diverges_is_a_result_with_its_status"),
    Mutant("F14", f"{RULES}/train.smk", '"<results>/{study}/train/{case}.nc"', '"<results>/{study}/simulate/{case}.nc"',
           f"{PROJECT}::test_each_file_has_one_rule_and_each_study_its_jobs"),
    Mutant("F15", f"{LIBRARY}/steps/case.py", "if not torch.cuda.is_available():", "if False:",
           f"{WORKFLOW}::test_a_step_that_asked_for_a_gpu_and_sees_none_fails_with_a_sentence"),
    Mutant("F16", f"{RULES}/common.smk", "asked * attempt if", "asked if",
           f"{WORKFLOW}::test_memory_and_time_grow_with_the_attempt"),
    Mutant("F20", f"{LIBRARY}/steps/files.py", 'path.with_name(f".{path.name}.tmp-{uuid.uuid4().hex[:12]}")', "path",
           "tests/faults/test_fault_files.py::test_a_full_disk_leaves_the_older_result_and_nothing_half_made"),
    Mutant("F23", f"{LIBRARY}/params.py", 'extra="forbid"', 'extra="ignore"',
           f"{PROJECT}::test_each_misspelt_key_is_named_with_its_file"),
    Mutant("F24", f"{LIBRARY}/plan.py", "self.study = lru_cache(None)(self._study)", "self.study = self._study",
           f"{PROJECT}::test_each_study_is_resolved_once"),
    Mutant("F25", f"{LIBRARY}/steps/case.py", "self.step, stream)", "self.step)",
           "tests/unit/test_case.py::test_all_streams_differ"),
    Mutant("F25", f"{LIBRARY}/steps/case.py", "(self.study, self.name,", "(self.name,",
           f"{WORKFLOW}::test_adding_a_study_changes_no_other"),
    Mutant("F26", f"{LIBRARY}/steps/case.py", "self.step, stream)", "self.step, stream, str(self.threads))",
           "tests/contract/test_smoke.py::test_the_same_run_gives_the_same_bits", only="dysts_chaos_benchmark"),
    Mutant("F28", "Snakefile", "    ledger_from_what_is_there()", "    pass",
           f"{WORKFLOW}::test_half_of_the_studies_fail_and_the_ledger_says_which"),
    Mutant("F29", "Snakefile", "onstart:", "if '--report' in __import__('sys').argv:\n"
           "    __import__('urllib.request').request.urlopen('https://pypi.org', timeout=9)\n\n\nonstart:",
           "tests/workflow/test_toy.py::test_the_report_has_captions_with_verdicts"),
    Mutant("F30", f"{LIBRARY}/plan.py", STEP_PARAMS, "        return str(self.declared(study))",
           "tests/workflow/test_toy.py::test_an_edit_reruns_exactly_what_depends_on_it"),
    Mutant("F31", "config/studies/rl_entropy_mechanism.yaml", "where:", "note:",
           f"{PROJECT}::test_each_claim_says_where_it_stands_and_how_it_is_judged"),
    Mutant("F34", f"{LIBRARY}/config/load.py", "    if not names:\n", "    if False:\n",
           f"{PROJECT}::test_no_study_at_all_is_an_error"),
]  # fmt: skip


def _heavy(folder: str, names: list[str]) -> set[str]:
    """Results of earlier runs, but not the reference ledger."""
    results = {"smoke", "laptop", "paper"} if Path(folder) == ROOT / "results" else set()
    return results | {"__pycache__"}


def red(mutant: Mutant) -> bool:
    """True if the test fails with the defence gone."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "p"
        copy.mkdir()
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, copy / part, ignore=_heavy)
            else:
                shutil.copy(source, copy)
        file = copy / mutant.file
        text = file.read_text(encoding="utf-8")
        assert mutant.old in text, f"{mutant.old!r} is not in {mutant.file}"
        file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        for study in (copy / "config/studies").glob("*.yaml") if mutant.only else ():
            if study.stem != mutant.only:
                study.unlink()
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutant.test]
        run = subprocess.run(command, cwd=copy, capture_output=True, text=True)
        verdict = run.stdout.strip().rpartition("\n")[2]  # an error before the test began would be no proof
        assert run.returncode in (0, 1) and " error" not in verdict, run.stdout[-2000:] + run.stderr[-2000:]
        return run.returncode == 1


def main() -> None:
    wanted = sys.argv[1:]
    green = 0
    for mutant in MUTANTS:
        if wanted and mutant.fault not in wanted:
            continue
        failed = red(mutant)
        green += not failed
        print(f"{mutant.fault:<5}{'red' if failed else 'GREEN':<7}{mutant.test.partition('::')[2]}", flush=True)
    sys.exit(bool(green))


if __name__ == "__main__":
    main()
