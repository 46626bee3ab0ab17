"""Driver of the cost table: wall time and peak memory of every step, from the benchmark files."""

from pathlib import Path
from typing import TYPE_CHECKING

from driver import logged
from pesin.claims.costs import gather, write_csv

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with logged(snakemake):
        output = Path(snakemake.output[0])
        write_csv(gather(output.parent, snakemake.params.budgets), output)
