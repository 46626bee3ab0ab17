"""Driver of the entropy step: measure the entropies and other information quantities of one case."""

from typing import TYPE_CHECKING

from driver import drive

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    drive("entropy", snakemake)
