# Simulate: the world of one case, its truth included.
rule simulate:
    input:
        unpack(of_step(PLAN.inputs, "simulate")),
        files=data_of_step("simulate"),
        code=code_of_step("simulate"),
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
        case=of_step(PLAN.params, "simulate"),
        kind=kind_of_case,
        streams=streams_of_case,
        seed=SETTINGS.seed,
        scale=SETTINGS.scale,
    message:
        "{wildcards.study}: simulate {wildcards.case}"
    script:
        "../scripts/simulate.py"
