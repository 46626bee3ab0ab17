"""Driver of the figures: draw one figure of one study from the results it declares."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from driver import logged
from pesin.params import params_module
from pesin.plot.style import save
from pesin.steps.results import Results
from pesin.steps.run import core_seconds

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with logged(snakemake):
        import matplotlib

        matplotlib.use("Agg")
        for form in ("agg", "pdf", "svg"):  # loading them is no study's own work
            import_module(f"matplotlib.backends.backend_{form}")
        study, cases = snakemake.params.study, snakemake.params.cases
        types = {case: import_module(params_module(study, entry["kind"])).Params for case, entry in cases.items()}
        paths = dict(zip(snakemake.params.reads, map(Path, snakemake.input.results), strict=True))
        results = Results(paths, {case: entry["params"] for case, entry in cases.items()}, types)
        draw = getattr(import_module(f"studies.{study}.figures"), snakemake.wildcards.figure)
        start = core_seconds()
        drawn = draw(results)
        save(drawn, **dict(snakemake.output.items()))
        print(f"own seconds: {core_seconds() - start:.3f}")
