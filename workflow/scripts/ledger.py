"""Driver of the ledger: gather the verdicts of all studies into one table and one page."""

from pathlib import Path
from typing import TYPE_CHECKING

from driver import logged
from pesin.claims.costs import read_csv
from pesin.claims.judge import to_parts, to_rows
from pesin.claims.ledger import standing, tally, write_ledger
from pesin.plot.verdicts import verdict_grid
from pesin.steps.files import open_result

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with logged(snakemake):
        papers = snakemake.params.studies
        trees = [open_result(Path(path)) for path in snakemake.input.claims]
        judged = {study: (to_rows(tree), to_parts(tree)) for study, tree in zip(papers, trees, strict=True)}
        folder, template = Path(snakemake.output.csv).parent, Path(snakemake.input.template[0])
        costs = read_csv(Path(snakemake.input.costs[0]))
        known = standing(snakemake.input.replicates, snakemake.input.at_paper_size)
        rows = write_ledger(judged, papers, costs, snakemake.params.scale, folder, template, known)
        verdict_grid(rows).savefig(snakemake.output.svg, metadata={"Date": None})
        print(tally(rows))
