"""Driver of the figures: draw one figure of one study from the results it declares."""

from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from driver import logged
from pesin.plot.style import save
from pesin.steps.results import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with logged(snakemake):
        import matplotlib

        matplotlib.use("Agg")
        study = f"studies.{snakemake.params.study}"
        paths = dict(zip(snakemake.params.reads, map(Path, snakemake.input.results), strict=True))
        results = Results(paths, snakemake.params.cases, import_module(f"{study}.params").Params)
        draw = getattr(import_module(f"{study}.figures"), snakemake.wildcards.figure)
        start = perf_counter()
        drawn = draw(results)
        save(drawn, snakemake.output.svg, snakemake.output.pdf, snakemake.output.png)
        print(f"own seconds: {perf_counter() - start:.3f}")
