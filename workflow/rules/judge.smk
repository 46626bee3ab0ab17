# Judge: the claims of one study against its results.
rule judge:
    input:
        results=lambda wildcards: PLAN.study_results(wildcards.study),
        template=template("figure.rst"),
        code=code_of_driver("judge"),
    output:
        claims="<results>/{study}/claims.nc",
        captions="<results>/{study}/captions.rst",
    log:
        "<results>/{study}/logs/judge/claims.log",
    benchmark:
        "<results>/{study}/logs/judge/claims.tsv"
    conda:
        "../../envs/pesin.yaml"
    params:
        study=lambda wildcards: PLAN.judged(wildcards.study),
        scale=SETTINGS.scale,
    message:
        "{wildcards.study}: judge the claims"
    script:
        "../scripts/judge.py"
