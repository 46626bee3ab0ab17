# Judge: the claims of one study against its results.
rule judge:
    input:
        results=lambda wildcards: study_results(wildcards.study),
        template=template("figure.rst"),
        code=code("judge"),
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
        study=lambda wildcards: judged_part(wildcards.study),
        scale=SETTINGS.scale,
    message:
        "{wildcards.study}: judge the claims"
    script:
        "../scripts/judge.py"
