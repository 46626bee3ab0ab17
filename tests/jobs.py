"""Runs all jobs of a plan without Snakemake: the same drivers on the same files, forked from processes with packages.

    cd COPY_OF_THE_PROJECT; python tests/jobs.py [--scale smoke] [--studies a b] [--threads 1] [--figures svg] [--stop]

Two jobs run at once, as far as they go. It prints as JSON, by study, what the drivers of failed jobs said and which
jobs could not begin; "" stands for the tables of all studies. A process of its own, because the plan imports the
modules of the studies from the copy.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path("workflow/scripts").resolve()))

from forking import Servers
from pesin.config.models import STEPS, Config
from pesin.plan import FIGURE_FORMATS, Plan
from workarounds import job_environment

DRIVER = str(Path(__file__).parent / "as_snakemake.py")


@dataclass(frozen=True)
class Job:
    """What Snakemake would hand to a driver."""

    rule: str
    script: str
    input: dict[str, str | list[str]]
    output: dict[str, str]
    log: str
    params: dict[str, Any]
    wildcards: dict[str, str] = field(default_factory=dict)
    benchmark: str = ""
    threads: int = 1
    resources: dict[str, int] = field(default_factory=dict)
    study: str = ""

    def files(self) -> list[str]:
        """All inputs, code included."""
        return [path for given in self.input.values() for path in ([given] if isinstance(given, str) else given)]


# ------------------------------------------------------------------------------------------------- what the rules say


def step_job(plan: Plan, reference: str) -> Job:
    """The job that makes a result study/step/case."""
    study, step, case = reference.split("/")
    asked, log = plan.resources(study, step), f"{plan.results}/{study}/logs/{step}/{case}"
    inputs = {**plan.inputs(study, step, case), "files": plan.files(study, step, case)}
    return Job(
        rule=step,
        script=str(plan.scripts / f"{step}.py"),
        input={**inputs, "code": here(plan.code(study, step, case))},
        output={"result": plan.result(reference)},
        log=f"{log}.log",
        benchmark=f"{log}.tsv",
        params={
            "case": plan.params(study, step, case),
            "kind": plan.case(study, case).kind,
            "scale": plan.settings.scale,
            "seed": plan.settings.seed,
            "streams": plan.case(study, case).control_of or case,
        },
        wildcards={"study": study, "case": case},
        threads=asked.threads,
        resources={"gpu": asked.gpu},
        study=study,
    )


def judge_job(plan: Plan, study: str) -> Job:
    log = f"{plan.results}/{study}/logs/judge/claims"
    return Job(
        rule="judge",
        script=str(plan.scripts / "judge.py"),
        input={
            "results": plan.study_results(study),
            "template": template(plan, "figure.rst"),
            "code": here(plan.driver_code("judge")),
        },
        output={"claims": plan.claims(study), "captions": f"{plan.results}/{study}/captions.rst"},
        log=f"{log}.log",
        benchmark=f"{log}.tsv",
        params={"study": plan.judged(study), "scale": plan.settings.scale},
        wildcards={"study": study},
        study=study,
    )


def figure_job(plan: Plan, study: str, figure: str, forms: Sequence[str] = FIGURE_FORMATS) -> Job:
    asked, log = plan.resources(study, "figure"), f"{plan.results}/{study}/logs/figures/{figure}"
    return Job(
        rule=f"figure_{study}",
        script=str(plan.scripts / "figure.py"),
        input={"results": plan.figure_inputs(study, figure), "code": here(plan.figure_code(study, figure))},
        output={form: f"{plan.results}/{study}/figures/{figure}.{form}" for form in forms},
        log=f"{log}.log",
        benchmark=f"{log}.tsv",
        params={
            "study": study,
            "reads": plan.figure_reads(study, figure),
            "cases": plan.figure_cases(study, figure),
        },
        wildcards={"figure": figure},
        threads=asked.threads,
        study=study,
    )


def tables(plan: Plan) -> list[Job]:
    """The costs and the ledger."""
    costs = f"{plan.results}/costs.csv"
    ledger = {name: f"{plan.results}/ledger.{name}" for name in ("csv", "json", "html", "svg")}
    pages = [template(plan, f"ledger.{part}") for part in ("html.jinja", "css", "js")]
    return [
        Job(
            rule="costs",
            script=str(plan.scripts / "costs.py"),
            input={"targets": plan.all_targets(), "code": here(plan.driver_code("costs"))},
            output={"table": costs},
            log=f"{plan.results}/logs/costs.log",
            params={"budgets": plan.budgets()},
        ),
        Job(
            rule="ledger",
            script=str(plan.scripts / "ledger.py"),
            input={
                "claims": [plan.claims(study) for study in plan.selected],
                "figures": plan.all_figures(),
                "costs": [costs],
                "template": pages,
                "replicates": here(plan.replicates()),
                "at_paper_size": here(plan.at_paper_size()),
                "code": here(plan.driver_code("ledger")),
            },
            output=ledger,
            log=f"{plan.results}/logs/ledger.log",
            benchmark=f"{plan.results}/logs/ledger.tsv",
            params={"studies": {study: plan.paper(study) for study in plan.selected}, "scale": plan.settings.scale},
        ),
    ]


def here(paths: list[str]) -> list[str]:
    """Paths relative to the working directory."""
    return [os.path.relpath(path) for path in paths]


def template(plan: Plan, name: str) -> str:
    return os.path.relpath(plan.project / "workflow" / "report" / name)


def jobs(plan: Plan, forms: Sequence[str] = FIGURE_FORMATS) -> list[Job]:
    """All jobs of the selected studies, and those of others that they take results from.

    The tables of all studies show figures in all formats: without one of these there are no tables.
    """
    own = [f"{study}/{reference}" for study in plan.selected for reference in plan.study(study).results]
    found: dict[str, Job] = {}
    while own:
        reference = own.pop()
        if reference not in found:
            found[reference] = step_job(plan, reference)
            for given in plan.taken(*reference.split("/")).values():
                own += [given] if isinstance(given, str) else given
    others = [
        job
        for study in plan.selected
        for job in (judge_job(plan, study), *(figure_job(plan, study, f, forms) for f in plan.declared(study).figures))
    ]
    return [*found.values(), *others, *(tables(plan) if set(forms) == set(FIGURE_FORMATS) else ())]


# ------------------------------------------------------------------------------------------------------- running them


def run_all(todo: list[Job], threads: int | None = None, stop: bool = False) -> dict[str, list[str]]:
    """Run jobs in the order of their files, each with so many threads if not with those it asks for.

    With `stop`, a step that keeps checkpoints is told to end in its first loop, and begun again.

    Returns
    -------
    dict
        Study -> what its failed jobs said, and those that couldn't begin; {} if all is well.
    """
    makers = {path: job.log for job in todo for path in job.output.values()}
    by_log = {job.log: job for job in todo}
    order = TopologicalSorter({log: {makers[p] for p in job.files() if p in makers} for log, job in by_log.items()})
    order.prepare()
    failed: dict[str, str] = {}
    os.environ.update(job_environment() | os.environ)
    with Servers() as servers, ThreadPoolExecutor(2) as pool:
        waiting: dict = {}
        while order.is_active():
            for log in order.get_ready():
                job = by_log[log]
                lost = [path for path in job.files() if makers.get(path) in failed]
                if lost:
                    failed[log] = f"{log}: not begun, since {lost[0]} is not there."
                    order.done(log)
                else:
                    waiting[pool.submit(run_one, servers, job, threads or job.threads, stop)] = log
            for future in wait(waiting, return_when=FIRST_COMPLETED).done if waiting else ():
                log = waiting.pop(future)
                if said := future.result():
                    failed[log] = said
                order.done(log)
    found: dict[str, list[str]] = {}
    for log, said in failed.items():
        found.setdefault(by_log[log].study, []).append(said)
    return found


def run_one(servers: Servers, job: Job, threads: int, stop: bool = False) -> str:
    """Run a job in a child, and once more if it was told to end; "" or what it said when it failed."""
    if not stop or job.rule not in STEPS:
        return _run(servers, job, threads)
    said = _run(servers, job, threads, keeps="and ends")
    return _run(servers, job, threads, keeps="and goes on") if "goes on from here" in said else said


def _run(servers: Servers, job: Job, threads: int, keeps: str = "") -> str:
    with tempfile.NamedTemporaryFile("r") as why:
        asked = json.dumps(asdict(job) | {"threads": threads, "keeps": keeps})
        ended = servers.run(DRIVER, arguments=[asked, why.name], code=job.input["code"], threads=threads)
        said = why.read()
    return said if not ended.returncode else f"{job.rule}: was killed.\nThe log has more: {job.log}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="smoke")
    parser.add_argument("--studies", nargs="+", default="all")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--figures", nargs="+", choices=FIGURE_FORMATS, default=FIGURE_FORMATS)
    parser.add_argument("--stop", action="store_true", help="tell steps with checkpoints to end, once, and go on")
    arguments = parser.parse_args()
    plan = Plan(Path.cwd(), Config(scale=arguments.scale, studies=arguments.studies))
    print(json.dumps(run_all(jobs(plan, arguments.figures), arguments.threads, arguments.stop)))


if __name__ == "__main__":
    main()
