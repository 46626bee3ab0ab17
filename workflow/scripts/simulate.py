"""Driver of the simulate step: make the world of one case, its truth included."""

from typing import TYPE_CHECKING

from driver import drive

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    drive("simulate", snakemake)
