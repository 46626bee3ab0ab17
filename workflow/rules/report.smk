# Report: the ledger of all selected studies, what each step cost, and one target per study.
rule costs:
    input:
        targets=lambda wildcards: PLAN.all_targets(),
        code=code_of_driver("costs"),
    output:
        report("<results>/costs.csv", caption="../report/costs.rst", category="Costs"),
    log:
        "<results>/logs/costs.log",
    conda:
        "../../envs/pesin.yaml"
    params:
        budgets=lambda wildcards: PLAN.budgets(),
    message:
        "write what each step cost"
    script:
        "../scripts/costs.py"


rule ledger:
    input:
        claims=collect("<results>/{study}/claims.nc", study=STUDIES),
        figures=lambda wildcards: PLAN.all_figures(),
        costs=rules.costs.output,
        template=[template(f"ledger.{part}") for part in ("html.jinja", "css", "js")],
        replicates=here(PLAN.replicates()),
        at_paper_size=here(PLAN.at_paper_size()),
        code=code_of_driver("ledger"),
    output:
        csv=report(
            "<results>/ledger.csv", caption="../report/ledger.rst", category="Ledger"
        ),
        json=report(
            "<results>/ledger.json", caption="../report/ledger.rst", category="Ledger"
        ),
        html="<results>/ledger.html",
        svg="<results>/ledger.svg",
    log:
        "<results>/logs/ledger.log",
    benchmark:
        "<results>/logs/ledger.tsv"
    conda:
        "../../envs/pesin.yaml"
    params:
        studies=lambda wildcards: {study: PLAN.paper(study) for study in STUDIES},
        scale=SETTINGS.scale,
    message:
        "write the ledger"
    script:
        "../scripts/ledger.py"


for name in PLAN.known:

    rule:
        name:
            name
        input:
            targets_of(name),
        localrule: True


if (
    workflow.modifier.is_main_snakefile()
):  # the files of those who take this in as a module are theirs to name

    rule unknown_study:
        output:
            "{study}",
        log:
            "<results>/logs/{study}.log",
        conda:
            "../../envs/pesin.yaml"
        params:
            stop=unknown_study,
        shell:
            "exit 1 > {log}"
