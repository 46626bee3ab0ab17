"""Driver of the train step: train one case's models on what was simulated, truth withheld."""

from typing import TYPE_CHECKING

from driver import drive

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    drive("train", snakemake)
