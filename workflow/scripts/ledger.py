"""Driver of the ledger: gather the verdicts of all studies into one table and one page."""

from pathlib import Path
from typing import TYPE_CHECKING

from driver import logged
from pesin.claims.judge import to_rows
from pesin.claims.ledger import tally, write_csv, write_html
from pesin.plot.verdicts import verdict_grid
from pesin.steps.files import open_result

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with logged(snakemake):
        rows = [row for path in snakemake.input.claims for row in to_rows(open_result(Path(path)))]
        write_csv(rows, Path(snakemake.output.csv))
        template = Path(snakemake.input.template)
        write_html(rows, snakemake.params.studies, snakemake.params.scale, template, Path(snakemake.output.html))
        verdict_grid(rows).savefig(snakemake.output.svg, metadata={"Date": None})
        print(tally(rows))
