# What the rules read: the checked config, the studies at the chosen scale, and the files and resources of a job.
import os
import shlex
import sys
import threading
from functools import lru_cache
from importlib import import_module
from pathlib import Path

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
YAMLS = Path(workflow.basedir) / "config" / "studies"
sys.path.insert(0, str(SCRIPTS))

# glibc hands a large block that is freed back to the system, so that each array of a loop costs new page faults: up to
# a third of a training's time. A job keeps what it freed until it ends. Other C libraries don't know these names.
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(32 * 2**20))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(128 * 2**20))

# Snakemake 9.27 writes the interpreter's path into its command lines without quotes: a folder with a space broke.
sys.executable = shlex.quote(sys.executable)

from snakemake.logging import logger
from snakemake.scheduling.job_scheduler import JobScheduler

from pesin.claims import load
from pesin.errors import UserError, did_you_mean
from pesin.params import visible
from pesin.steps.closure import closure, step_closure
from pesin.steps.plugin import code_files, find
from pesin.steps.progress import OTHER, Progress, Task, replace_output


def one_reevaluation(scheduler, delay, pending=set()):
    """Let the scheduler look again after `delay` seconds, unless that is under way."""

    def look():
        pending.clear()
        scheduler._open_jobs.release()

    if not pending:
        timer = threading.Timer(delay, look)
        pending.add(timer)
        timer.start()


# In Snakemake 9.27 each round of the scheduler sets a timer that starts another round, so that after n jobs n rounds
# run each second: a quarter of all processor time at smoke scale.
JobScheduler._schedule_reevalutation = one_reevaluation


def or_exit(function, *arguments):
    """Call; a fault that the user can mend ends Snakemake with its sentence alone, before any job starts."""
    try:
        return function(*arguments)
    except UserError as error:
        sys.exit(str(error))


SETTINGS = or_exit(load.check_config, config)
STUDIES = or_exit(load.selected_studies, SETTINGS, YAMLS)
KNOWN_STUDIES = load.study_names(YAMLS)


@lru_cache(maxsize=None)
def declared(study):
    """The study's yaml, checked."""
    return load.load_study(study, YAMLS)


@lru_cache(maxsize=None)
def resolved(study):
    """The study at the chosen scale as plain data: cases with steps, params and uses; resources; figures."""
    if study not in KNOWN_STUDIES:
        raise UserError(
            f"There is no study '{study}'.{did_you_mean(study, KNOWN_STUDIES)}"
        )
    folder = SCRIPTS / "studies" / study
    plan = load.resolve_study(study, declared(study), SETTINGS.scale, folder)
    load.check_files(plan, folder)
    load.check_params(study, plan, import_module(f"studies.{study}.params").Params)
    for case in plan["cases"].values():
        for reference in code_files(case["params"]):
            find(reference)
    return plan


for name in STUDIES:
    or_exit(resolved, name)


def result(reference):
    """The file of a result named study/step/case."""
    study, step, case = reference.split("/")
    cases = resolved(study)["cases"]
    if case not in cases:
        raise UserError(
            f"The study '{study}' has no case '{case}'.{did_you_mean(case, cases)}"
        )
    if step not in cases[case]["steps"]:
        raise UserError(
            f"The case '{study}/{case}' has no step '{step}'.{did_you_mean(step, cases[case]['steps'])}"
        )
    return f"<results>/{study}/{step}/{case}.nc"


def step_inputs(step):
    """Input function: the result files a step takes, by the name of the argument that takes them."""

    def inputs(wildcards):
        result(
            f"{wildcards.study}/{step}/{wildcards.case}"
        )  # an unknown case or step is named here
        case = resolved(wildcards.study)["cases"][wildcards.case]
        taken = {"simulate": {}, "train": {"data": "simulate"}}.get(
            step, {"data": "simulate", "trained": "train"}
        )
        files = {
            name: result(f"{wildcards.study}/{earlier}/{wildcards.case}")
            for name, earlier in taken.items()
            if earlier in case["steps"]
        }
        return files | {
            name: result(reference) for name, reference in case["uses"][step].items()
        }

    return inputs


def step_code(step):
    """Input function: every file of the project whose edit could change the step's result."""

    def files(wildcards):
        case = resolved(wildcards.study)["cases"][wildcards.case]
        seen = visible(case["params"], step)
        return here(step_closure(SCRIPTS, wildcards.study, step, seen))

    return files


@lru_cache(maxsize=None)
def code(*modules):
    """Import closure of modules below workflow/scripts, relative to the working directory."""
    return here(closure(SCRIPTS, *(SCRIPTS / f"{module}.py" for module in modules)))


def here(paths):
    """Paths relative to the working directory."""
    return [os.path.relpath(path) for path in paths]


def step_params(step):
    """Params function: the parameters that the step may see."""
    return lambda wildcards: visible(
        resolved(wildcards.study)["cases"][wildcards.case]["params"], step
    )


def resource(step, name):
    """Resource function: what the study's yaml asks for, memory and time growing with the attempt."""

    def amount(wildcards, attempt):
        asked = resolved(wildcards.study)["resources"][step][name]
        return asked * attempt if name in ("mem_mb", "runtime") else asked

    return amount


def costly_first(wildcards):
    """Priority function: the costliest studies begin first, so that none of them is left alone at the end."""
    return declared(wildcards.study).budget.seconds


def threads(step):
    return lambda wildcards: resolved(wildcards.study)["resources"][step]["threads"]


def template(name):
    """A file of workflow/report, relative to the working directory."""
    return os.path.relpath(Path(workflow.basedir) / "workflow" / "report" / name)


def study_results(study):
    """All result files of a study's cases and controls."""
    return [
        result(f"{study}/{step}/{case}")
        for case, e in resolved(study)["cases"].items()
        for step in e["steps"]
    ]


def study_figures(study):
    return [
        f"<results>/{study}/figures/{figure}.svg"
        for figure in resolved(study)["figures"]
    ]


def study_targets(study):
    """Verdicts and figures; the judge takes every result, so nothing is left out."""
    return [f"<results>/{study}/claims.nc", *study_figures(study)]


def study_inputs(study):
    """Input function of a study's own target."""
    return lambda wildcards: study_targets(study)


def unknown_study(wildcards):
    """Params function of the rule that catches a target which is neither a rule nor a file."""
    raise UserError(
        f"There is no study '{wildcards.study}'.{did_you_mean(wildcards.study, KNOWN_STUDIES)}"
    )


def judged_part(study):
    """Params of the judge: what the yaml says, without sizes, on which verdicts depend through the results alone."""
    return load.judged_part(declared(study))


def ledger_part(study):
    """Params of the ledger: what its page says about a paper, as the yaml states it, and the cases of this scale."""
    said = declared(study).model_dump(
        mode="json",
        by_alias=True,
        exclude_unset=True,
        exclude=dict.fromkeys(("params", "cases", "scales", "resources"), True),
    )
    cases = {
        case: {"steps": e["steps"]} for case, e in resolved(study)["cases"].items()
    }
    return said | {"cases": cases}


def figure_reads(study):
    """Params function: the results a figure declares, as step/case."""

    def reads(wildcards):
        figures = resolved(study)["figures"]
        if wildcards.figure not in figures:
            hint = did_you_mean(wildcards.figure, figures)
            raise UserError(
                f"The study '{study}' has no figure '{wildcards.figure}'.{hint}"
            )
        return figures[wildcards.figure]

    return reads


def figure_results(study):
    """Input function: the files of the results a figure declares."""
    reads = figure_reads(study)
    return lambda wildcards: [result(f"{study}/{read}") for read in reads(wildcards)]


def figure_params(study):
    """Params function: for each case read, the parameters that the results read depend on."""
    reads = figure_reads(study)

    def params(wildcards):
        steps = {}
        for read in reads(wildcards):
            step, case = read.split("/")
            steps.setdefault(case, []).append(step)
        return {
            case: visible(resolved(study)["cases"][case]["params"], *steps[case])
            for case in sorted(steps)
        }

    return params


def figure_code(study):
    """Input function: the files whose edit could change a figure of the study."""
    return lambda wildcards: code(
        "figure", f"studies/{study}/figures", f"studies/{study}/params"
    )


def figure_labels(study):
    """Labels in the report: the figure's title, and its claims with their verdicts as they stand."""

    def labels(wildcards):
        figure = declared(study).figures[wildcards.figure]
        verdicts = study_verdicts(study)
        claims = [
            f"{claim} {verdicts.get(claim, 'not judged yet')}"
            for claim in figure.claims
        ]
        return {"figure": figure.title, "claims": ", ".join(claims) or "-"}

    return labels


@lru_cache(maxsize=None)
def study_verdicts(study):
    """Claim -> verdict, read when the report is made."""
    from pesin.claims.judge import to_rows
    from pesin.steps.files import open_result

    path = Path(RESULTS) / study / "claims.nc"
    return (
        {row["claim"]: row["verdict"] for row in to_rows(open_result(path))}
        if path.is_file()
        else {}
    )


def figure_topic(study):
    """Category in the report."""
    return lambda wildcards: declared(study).topic


RESULTS = f"{SETTINGS.results}/{SETTINGS.scale}"


pathvars:
    results=RESULTS,


wildcard_constraints:
    study=r"[a-z][a-z0-9_]*",
    case=r"[a-z][a-z0-9_]*",
    figure=r"[a-z][a-z0-9_]*",


def ledger_from_what_is_there():
    """Write the ledger after a failed run: claims without a result read "no verdict"."""
    from pesin.claims.costs import gather
    from pesin.claims.judge import judge_folder
    from pesin.claims.ledger import tally, write_ledger

    folder = Path(RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    judged = {
        study: judge_folder(study, declared(study), folder / study) for study in STUDIES
    }
    rows = write_ledger(
        judged,
        papers={study: ledger_part(study) for study in STUDIES},
        costs=gather(
            folder, {study: declared(study).budget.model_dump() for study in STUDIES}
        ),
        scale=SETTINGS.scale,
        folder=folder,
        template=Path(template("ledger.html.jinja")),
    )
    print(
        f"Not everything was made. The ledger of what is there: {folder / 'ledger.html'} ({tally(rows)})"
    )


def show_progress():
    """Print a line for a study when one of its jobs ends; with `--quiet rules` in place of Snakemake's own lines."""
    logger.addHandler(Progress(tasks))
    if any(about.name == "RULES" for about in workflow.output_settings.quiet or ()):
        replace_output(logger)


def tasks():
    """The jobs of this run by number."""
    return {workflow.dag.jobid(job): task(job) for job in workflow.dag.needrun_jobs()}


def task(job):
    """A job by study and step."""
    name = job.rule.name
    if name.startswith("figure_"):
        return Task(name.removeprefix("figure_"), f"figure {job.wildcards.figure}")
    if name in KNOWN_STUDIES:
        return Task(name, "its target")
    study = getattr(job.wildcards, "study", OTHER)
    return Task(study, " ".join([name, *job.wildcards[1:]]))
