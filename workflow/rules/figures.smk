# Figures: one rule for each study, because a caption in Snakemake's report is a file of the study's own.
for name in PLAN.known:

    rule:
        name:
            f"figure_{name}"
        input:
            results=of_figure(PLAN.figure_inputs, name),
            code=figure_code(name),
        output:
            svg=report(
                f"<results>/{name}/figures/{{figure}}.svg",
                caption=os.path.abspath(f"{RESULTS}/{name}/captions.rst"),
                category=figure_topic(name),
                subcategory=name,
                labels=figure_labels(name),
            ),
            pdf=f"<results>/{name}/figures/{{figure}}.pdf",
            png=f"<results>/{name}/figures/{{figure}}.png",
        log:
            f"<results>/{name}/logs/figures/{{figure}}.log",
        benchmark:
            f"<results>/{name}/logs/figures/{{figure}}.tsv"
        conda:
            "../../envs/pesin.yaml"
        threads: threads("figure", name)
        resources:
            mem_mb=resource("figure", "mem_mb", name),
            runtime=resource("figure", "runtime", name),
        params:
            study=name,
            reads=of_figure(PLAN.figure_reads, name),
            cases=of_figure(PLAN.figure_cases, name),
        message:
            "{params.study}: draw {wildcards.figure}"
        script:
            "../scripts/figure.py"
