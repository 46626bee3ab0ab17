# Pesin: 47 papers on entropy and learned dynamics, re-run from simulation to figure and judged claim by claim.
from snakemake.utils import min_version

min_version("9.12")


configfile: workflow.current_basedir.join("config/config.yaml").get_path_or_uri(secret_free=True)


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        ledger=rules.ledger.output,
        costs=rules.costs.output,
        studies=lambda wildcards: PLAN.all_targets(),
    localrule: True
    message:
        "everything is made"


onstart:
    show_progress()


onerror:
    # Half of the studies may have failed: the ledger says of each claim what is known of it.
    ledger_from_what_is_there()
