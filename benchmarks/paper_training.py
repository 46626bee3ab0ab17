"""Runs steps at the papers' own sizes for a few turns of their loops: memory, time, hours of the whole, a resumption.

    python benchmarks/paper_training.py                                   # all studies, one case of each kind
    python benchmarks/paper_training.py STUDY [CASE] [--step train]       # one study, or one case, or one step of it
        [--turns 3] [--scale paper] [--seconds 120] [--memory 8] [--out sizes.csv] [--studies A B ...]
        [--results results/laptop] [--data results/laptop/.../case.nc] [--data NAME=PATH ...]

Each step runs in a process of its own (`metered_step.py`), on one thread and without a GPU, and is ended after
`--seconds` of a core, or where it asks for more than `--memory` GB. A loop is what the step hands to its progress bar
or to a checkpoint. It is cut short after so many turns, unless all of it fits into half of the time; what then fails
for want of the rest is named, and the hours are those of what was reached. A turn costs what the fastest one did, or
where loops lie in it the mean, with those at their full length: what a loop does only now and then is not counted.

What a step reads is made first, in the same way: whole, if that takes less than the limit; else of cut loops, whose
numbers mean nothing; else it is read from `--results`, a finished run's, or from `--data` (NAME, an argument of the
step's function, is `data` if left out). A step that keeps a checkpoint is started again from the state before its last
turn, makes that turn, and the two states are compared. Studies that stand in `--out` already are passed over, unless
one is named.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.config.load import arguments
from pesin.config.models import Config
from pesin.errors import UserError
from pesin.plan import EARLIER, Plan

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = "study kind case step loop turns s_a_turn core_h bound peak_mb checkpoint inputs ended".split()


class Walk:
    """Steps that were run so far, each with what it left: a path (None if nothing), and of what kind it is."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.plan = Plan(ROOT, Config(scale=options.scale))
        self.made: dict[str, tuple[Path | None, str]] = {}
        self.rows: list[dict] = []

    def study(self, study: str, case: str | None, step: str | None, given: dict[str, str]) -> None:
        """One case of each kind, or the case named; all of its steps, or the step named, with what they read."""
        self.made, self.rows = {}, []
        for name in [case] if case else self._cases(study):
            for one in [step] if step else self.plan.case(study, name).steps:
                self.result(f"{study}/{one}/{name}", given)
        for left in self.folder.iterdir():
            shutil.rmtree(left)
        if self.options.out:
            new = not self.options.out.exists()
            with open(self.options.out, "a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writerows([dict(zip(COLUMNS, COLUMNS, strict=True))] * new + self.rows)

    def _cases(self, study: str) -> list[str]:
        """The first case of each kind that is no control."""
        kinds: dict[str, str] = {}
        for name, entry in self.plan.study(study).cases.items():
            if not entry.control_of:
                kinds.setdefault(entry.kind, name)
        return list(kinds.values())

    def result(self, reference: str, given: dict[str, str]) -> tuple[Path | None, str]:
        """Run a step, and those it reads before it, unless that was done."""
        if reference in self.made:
            return self.made[reference]
        study, step, case = reference.split("/")
        self.plan.result(reference)  # an unknown study, step or case is named here
        wanted = arguments(self.plan.study(study).module(case, step), step)
        inputs: dict[str, str | list[str]] = {name: path for name, path in given.items() if name in wanted}
        kinds, missing = {"given"} if inputs else set(), ""
        for name, taken in self.plan.taken(study, step, case).items():
            if name in inputs or (name in EARLIER and name not in wanted):
                continue
            found = [self.result(one, {}) for one in ([taken] if isinstance(taken, str) else taken)]
            kinds |= {kind for _, kind in found}
            inputs[name] = [str(path) for path, _ in found] if isinstance(taken, list) else str(found[0][0])
            if any(path is None for path, _ in found):
                missing = f"not run: it reads {taken}, which left nothing"
        self.made[reference] = self._run(reference, inputs, kinds, missing)
        return self.made[reference]

    def _run(self, reference: str, inputs: dict, kinds: set[str], missing: str) -> tuple[Path | None, str]:
        study, step, case = reference.split("/")
        output = self.folder / f"{reference}.nc"
        output.parent.mkdir(parents=True, exist_ok=True)
        job = {name: getattr(self.options, name) for name in ("scale", "turns", "seconds", "memory")}
        job |= {"study": study, "step": step, "case": case, "inputs": inputs, "output": str(output)}
        report = {"ended": missing} if missing else in_a_process(job | {"resume": False, "replay": []})
        report["checkpoint"] = self._resumed(job, report) if report.get("streams") else ""
        report |= {"study": study, "kind": self.plan.case(study, case).kind, "case": case, "step": step}
        report["inputs"] = " and ".join(sorted(kinds))
        self.rows.append({name: report.get(name, "") for name in COLUMNS})
        print(" | ".join(map(str, self.rows[-1].values())), flush=True)
        if output.is_file():
            worst = next((kind for kind in ("cut", "of another scale") if kind in kinds), "whole")
            return output, "cut" if report.get("cut") else worst
        finished = self.options.results and self.options.results / f"{reference}.nc"
        return (finished.resolve(), "of another scale") if finished and finished.is_file() else (None, "none")

    def _resumed(self, job: dict, report: dict) -> str:
        """Go on from the kept state of the step's first loop that has one, in a process of its own."""
        output = Path(job["output"])
        again = output.parent / f"{output.stem}.again" / output.name
        path = output.with_name(report["streams"][0])
        before, kept = path.with_suffix(".before"), path.with_suffix(".kept")
        again.parent.mkdir(exist_ok=True)
        shutil.copy(before if before.exists() else kept, again.with_name(path.name))
        shutil.copy(kept, again.with_name(kept.name))
        found = in_a_process(job | {"output": str(again), "resume": True, "replay": report["ran"]})
        shutil.rmtree(again.parent)
        for old in (*output.parent.glob(".*.kept"), *output.parent.glob(".*.before")):
            old.unlink()
        return found.get("resumed") or f"not resumed: {found['ended'] or 'its loop was not reached'}"


def in_a_process(job: dict) -> dict:
    """What a step's process reported; where it couldn't, why."""
    report = Path(job["output"]).with_suffix(".json")
    log = report.with_suffix(".log")
    report.unlink(missing_ok=True)
    command = [sys.executable, str(Path(__file__).with_name("metered_step.py")), json.dumps(job)]
    with open(log, "w", encoding="utf-8") as said:
        run = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said, env=os.environ | {"OMP_NUM_THREADS": "1"})
        _, status, usage = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    if report.is_file():
        return json.loads(report.read_text(encoding="utf-8"))
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    why = f"ended with {run.returncode}: {' '.join(last)[:200]}"
    if run.returncode < 0:
        why = f"killed by {signal.Signals(-run.returncode).name}, for its time or its memory"
    hours = (usage.ru_utime + usage.ru_stime) / 3600
    return {"ended": why, "bound": "at least", "core_h": f"{hours:.3g}", "peak_mb": usage.ru_maxrss // 1024}


def main() -> None:
    options = options_given()
    given = dict(one.rpartition("=")[::2] for one in options.data)
    absolute = {name or "data": str(Path(path).resolve()) for name, path in given.items()}
    done = set()
    if options.out and options.out.exists() and not options.study:
        done = {row["study"] for row in csv.DictReader(options.out.open(encoding="utf-8"))}
    with tempfile.TemporaryDirectory(prefix="paper-sizes-") as folder:
        walk = Walk(options, Path(folder))
        print(" | ".join(COLUMNS), flush=True)
        for study in [options.study] if options.study else options.studies or walk.plan.known:
            if study not in done:
                walk.study(study, options.case, options.step, absolute)


def options_given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?")
    parser.add_argument("case", nargs="?")
    parser.add_argument("--step")
    parser.add_argument("--scale", default="paper")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120, help="of a core, for each step")
    parser.add_argument("--memory", type=float, default=8, help="GB")
    parser.add_argument("--studies", nargs="*", default=[])
    parser.add_argument("--data", nargs="*", default=[])
    parser.add_argument("--results", type=Path)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
