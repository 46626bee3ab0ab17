"""Fits how the time of each measure grows with its input: the exponent of N by least squares of logarithms.

    python benchmarks/entropy_growth.py [--only NAME ...] [--seconds 1.0]

Inputs are the standard data of the documentation, lengths double from 500 until a call takes `seconds` of processor
time; the fit is over the upper half of the lengths, where start-up no longer counts. One thread.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from entropy_page import standard_data
from pesin.entropy.registry import MEASURES

KINDS = ("series", "symbols", "two series", "samples", "two clouds", "pairs", "triples")
LONGEST = 512_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=1.0)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'measure':42}{'input':20}{'longest':>9}{'ms':>9}{'exponent':>10}  declared")
    for name, measure in MEASURES.items():
        if measure.takes not in KINDS or (given.only and name not in given.only):
            continue
        # White noise where it is one of them: no method is lucky with it.
        kinds = standard_data(measure)
        kind = "white noise" if "white noise" in kinds else next(iter(kinds))
        lengths, seconds = timings(measure, kinds[kind], given.seconds)
        half = len(lengths) // 2
        exponent = np.polyfit(np.log(lengths[half:]), np.log(seconds[half:]), 1)[0] if len(lengths) > 3 else np.nan
        print(f"{name:42}{kind:20}{lengths[-1]:9d}{1e3 * seconds[-1]:9.1f}{exponent:10.2f}  {measure.cost}", flush=True)


def timings(measure, maker, limit: float) -> tuple[list[int], list[float]]:
    """Lengths, and the least processor time of three calls at each."""
    lengths, seconds, length = [], [], 500
    measure(*maker(np.random.default_rng(0), length, 0.0))  # compiles
    while length <= LONGEST and (not seconds or seconds[-1] < limit):
        data = maker(np.random.default_rng(0), length, 0.0)
        tries = []
        for _ in range(3):
            start = time.process_time()
            measure(*data)
            tries.append(time.process_time() - start)
        lengths.append(length)
        seconds.append(max(min(tries), 1e-7))
        length *= 2
    return lengths, seconds


if __name__ == "__main__":
    main()
