# Train: the models of one case, on what was simulated with the truth withheld.
rule train:
    input:
        unpack(of_step(PLAN.inputs, "train")),
        files=data_of_step("train"),
        code=code_of_step("train"),
    output:
        "<results>/{study}/train/{case}.nc",
    log:
        "<results>/{study}/logs/train/{case}.log",
    benchmark:
        "<results>/{study}/logs/train/{case}.tsv"
    priority: costly_first
    conda:
        "../../envs/pesin.yaml"
    threads: threads("train")
    resources:
        mem_mb=resource("train", "mem_mb"),
        runtime=resource("train", "runtime"),
        gpu=resource("train", "gpu"),
    params:
        case=of_step(PLAN.params, "train"),
        kind=kind_of_case,
        streams=streams_of_case,
        seed=SETTINGS.seed,
        scale=SETTINGS.scale,
    message:
        "{wildcards.study}: train on {wildcards.case}"
    script:
        "../scripts/train.py"
