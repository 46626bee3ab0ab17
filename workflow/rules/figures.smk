# Figures: one rule for each study, because a caption in Snakemake's report is a file of the study's own.
for name in KNOWN_STUDIES:

    rule:
        name:
            f"figure_{name}"
        input:
            results=figure_results(name),
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
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            study=name,
            reads=figure_reads(name),
            cases=figure_params(name),
        message:
            "{params.study}: draw {wildcards.figure}"
        script:
            "../scripts/figure.py"
