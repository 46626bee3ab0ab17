# Simulate: the world of one case, its truth included.
rule simulate:
    input:
        unpack(step_inputs("simulate")),
        code=step_code("simulate"),
    output:
        "<results>/{study}/simulate/{case}.nc",
    log:
        "<results>/{study}/logs/simulate/{case}.log",
    benchmark:
        "<results>/{study}/logs/simulate/{case}.tsv"
    priority: costly_first
    conda:
        "../../envs/pesin.yaml"
    threads: threads("simulate")
    resources:
        mem_mb=resource("simulate", "mem_mb"),
        runtime=resource("simulate", "runtime"),
        gpu=resource("simulate", "gpu"),
    params:
        case=step_params("simulate"),
        scale=SETTINGS.scale,
    message:
        "{wildcards.study}: simulate {wildcards.case}"
    script:
        "../scripts/simulate.py"
