# Evaluate: entropies and forecasts of one case.
rule entropy:
    input:
        unpack(of_step(PLAN.inputs, "entropy")),
        files=data_of_step("entropy"),
        code=code_of_step("entropy"),
    output:
        "<results>/{study}/entropy/{case}.nc",
    log:
        "<results>/{study}/logs/entropy/{case}.log",
    benchmark:
        "<results>/{study}/logs/entropy/{case}.tsv"
    priority: costly_first
    conda:
        "../../envs/pesin.yaml"
    threads: threads("entropy")
    resources:
        mem_mb=resource("entropy", "mem_mb"),
        runtime=resource("entropy", "runtime"),
        gpu=resource("entropy", "gpu"),
    params:
        case=of_step(PLAN.params, "entropy"),
        kind=kind_of_case,
        streams=streams_of_case,
        seed=SETTINGS.seed,
        scale=SETTINGS.scale,
    message:
        "{wildcards.study}: entropies of {wildcards.case}"
    script:
        "../scripts/entropy.py"


rule forecast:
    input:
        unpack(of_step(PLAN.inputs, "forecast")),
        files=data_of_step("forecast"),
        code=code_of_step("forecast"),
    output:
        "<results>/{study}/forecast/{case}.nc",
    log:
        "<results>/{study}/logs/forecast/{case}.log",
    benchmark:
        "<results>/{study}/logs/forecast/{case}.tsv"
    priority: costly_first
    conda:
        "../../envs/pesin.yaml"
    threads: threads("forecast")
    resources:
        mem_mb=resource("forecast", "mem_mb"),
        runtime=resource("forecast", "runtime"),
        gpu=resource("forecast", "gpu"),
    params:
        case=of_step(PLAN.params, "forecast"),
        kind=kind_of_case,
        streams=streams_of_case,
        seed=SETTINGS.seed,
        scale=SETTINGS.scale,
    message:
        "{wildcards.study}: forecasts of {wildcards.case}"
    script:
        "../scripts/forecast.py"
