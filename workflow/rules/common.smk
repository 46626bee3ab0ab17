# What the rules need of Snakemake around the plan: input, params and resource functions, and progress.
import os
import sys
from functools import cache
from pathlib import Path

# Not `workflow.basedir`: that is the folder of the main Snakefile, which may have taken this one in as a module.
RULES = workflow.current_basedir.get_path_or_uri(secret_free=True)
if not os.path.isdir(RULES):
    sys.exit(
        f"{RULES}: Pesin's code is read from disk. Clone it, and name the clone's Snakefile as the module's."
    )
PROJECT = Path(RULES).parents[1]
sys.path.insert(0, str(PROJECT / "workflow" / "scripts"))

import forking
import workarounds
from snakemake.logging import logger

from pesin.config.load import check_config
from pesin.errors import UserError, did_you_mean
from pesin.plan import Plan
from pesin.steps.progress import OTHER, Progress, Task, replace_output


def or_exit(function, *arguments, **options):
    """Call; a fault that the user can mend ends Snakemake with its sentence alone, before any job starts."""
    try:
        return function(*arguments, **options)
    except UserError as error:
        sys.exit(str(error))


SETTINGS = or_exit(check_config, config)
workarounds.apply(SETTINGS.portable)
PLAN = or_exit(Plan, PROJECT, SETTINGS, cache=Path(".snakemake/pesin"))
STUDIES = PLAN.selected
if (
    workflow.is_main_process
):  # a job's own process asks for its own study only, and finds the others checked
    for name in STUDIES:
        or_exit(PLAN.study, name)
        or_exit(PLAN.check_data, name)
    if SETTINGS.fork:
        forking.apply()

# With the prefix that a Snakefile may give to this one as its module.
RESULTS = workflow.modifier.path_modifier.replace_prefix(PLAN.results)
PREFIXED = RESULTS != PLAN.results


pathvars:
    results=PLAN.results,


wildcard_constraints:
    study=r"[a-z][a-z0-9_]*",
    case=r"[a-z][a-z0-9_]*",
    figure=r"[a-z][a-z0-9_]*",


def here(paths):
    """Files that aren't results, relative to the working directory, so that the whole may be moved.

    Absolute where Snakemake would put a module's prefix before them.
    """
    return [placed(path) for path in paths]


@cache
def placed(path):
    return os.path.abspath(path) if PREFIXED else os.path.relpath(path)


def of_step(ask, step):
    """Function of wildcards: what the plan says of a step of a case."""
    return lambda wildcards: ask(wildcards.study, step, wildcards.case)


def code_of_step(step):
    """Input function: every file of the project whose edit could change the step's result."""
    return lambda wildcards: here(PLAN.code(wildcards.study, step, wildcards.case))


def data_of_step(step):
    """Input function: the files of data that the step's parameters name."""

    def files(wildcards):
        found = PLAN.files(
            wildcards.study, step, wildcards.case, workflow.non_local_exec
        )
        return here(found) if PREFIXED else found

    return files


def code_of_driver(driver):
    """Input function: every file of the project whose edit could change what a driver makes."""
    return lambda wildcards: here(PLAN.driver_code(driver))


def kind_of_case(wildcards):
    """Params function: the folder of a case's modules below its study's."""
    return PLAN.case(wildcards.study, wildcards.case).kind


def streams_of_case(wildcards):
    """Params function: the case whose random numbers are drawn; a control draws its case's."""
    return PLAN.case(wildcards.study, wildcards.case).control_of or wildcards.case


def resource(step, name, study=None):
    """Resource function: what the study's yaml asks for, memory and time growing with the attempt."""

    def amount(wildcards, attempt):
        asked = getattr(PLAN.resources(study or wildcards.study, step), name)
        return asked * attempt if name in ("mem_mb", "runtime") else asked

    return amount


def threads(step, study=None):
    return lambda wildcards: PLAN.resources(study or wildcards.study, step).threads


def costly_first(wildcards):
    """Priority function: the costliest studies begin first, so that none of them is left alone at the end."""
    return PLAN.declared(wildcards.study).budget.seconds


def template(name):
    """A file of workflow/report."""
    return here([PROJECT / "workflow" / "report" / name])[0]


def of_figure(ask, study):
    """Function of wildcards: what the plan says of a figure of one study."""
    return lambda wildcards: ask(study, wildcards.figure)


def figure_code(study):
    """Input function: the files whose edit could change a figure of the study."""
    return lambda wildcards: here(PLAN.figure_code(study, wildcards.figure))


def figure_labels(study):
    """Labels in the report: the figure's title, and its claims with their verdicts as they stand."""

    def labels(wildcards):
        figure = PLAN.declared(study).figures[wildcards.figure]
        verdicts = study_verdicts(study)
        claims = [
            f"{claim} {verdicts.get(claim, 'not judged yet')}"
            for claim in figure.claims
        ]
        return {"figure": figure.title, "claims": ", ".join(claims) or "-"}

    return labels


@cache
def study_verdicts(study):
    """Claim -> verdict, read when the report is made."""
    from pesin.claims.judge import to_rows
    from pesin.steps.files import open_result

    path = Path(RESULTS, study, "claims.nc")
    if not path.is_file():
        return {}
    return {row["claim"]: row["verdict"] for row in to_rows(open_result(path))}


def figure_topic(study):
    """Category in the report."""
    return lambda wildcards: PLAN.declared(study).topic


def targets_of(study):
    """Input function of a study's own target."""
    return lambda wildcards: PLAN.targets(study)


def unknown_study(wildcards):
    """Params function of the rule that catches a target which is neither a rule nor a file."""
    raise UserError(
        f"There is no study '{wildcards.study}'.{did_you_mean(wildcards.study, PLAN.known)}"
    )


def ledger_from_what_is_there():
    """Write the ledger after a failed run: claims without a result read "no verdict"."""
    from pesin.claims.costs import gather
    from pesin.claims.judge import judge_folder
    from pesin.claims.ledger import standing, tally, write_ledger

    folder = Path(RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    judged = {
        study: judge_folder(study, PLAN.declared(study), folder / study)
        for study in STUDIES
    }
    rows = write_ledger(
        judged,
        papers={study: PLAN.paper(study) for study in STUDIES},
        costs=gather(folder, PLAN.budgets()),
        scale=SETTINGS.scale,
        folder=folder,
        template=Path(template("ledger.html.jinja")),
        standing=standing(PLAN.replicates(), PLAN.at_paper_size()),
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
    if name in PLAN.known:
        return Task(name, "its target")
    study = getattr(job.wildcards, "study", OTHER)
    return Task(study, " ".join([name, *job.wildcards[1:]]))
