"""Driver of the forecast step: predict out of sample and score it, for one case."""

from typing import TYPE_CHECKING

from driver import drive

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    drive("forecast", snakemake)
