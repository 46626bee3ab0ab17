"""Times the entropies against published packages, both in one run: one series, and a batch of 1000.

    python benchmarks/entropy_against_peers.py [--repeats 7] [--only permutation ...]

Each repeat runs ours and the peer's one after the other on the same input, in one thread; the ratio of their processor
times is taken in each repeat, and its median printed with the smallest and largest. Before, both are run once, so that
all is compiled, and their values compared: `apart` is the largest difference. A batch is one call of ours; peers, which
know no batch, are looped over.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import antropy
import dse_dsmi
import EntropyHub
import infomeasure
import numpy as np
import ordpy
from sklearn.feature_selection import mutual_info_regression

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.entropy.registry import MEASURES

KSG = {"approach": "metric", "k": 4, "noise_level": 0}


@dataclass
class Case:
    """One comparison: a measure of ours and its arguments, a peer and its arguments."""

    measure: str
    peer: str
    shape: str
    aim: str
    ours: Any
    theirs: Any
    apart: float = 1e-8
    """Largest difference that is put down to rounding."""
    why: str = ""
    """Why the definitions differ, where they do."""


def series(batch: int, length: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(batch, length))


def pairs(batch: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x, e = rng.normal(size=(2, batch, length))
    for t in range(1, length):
        x[:, t] += 0.5 * x[:, t - 1]
        e[:, t] += 0.5 * e[:, t - 1] + 0.8 * x[:, t - 1]
    return x, e


def quiet(function, *arguments, **options):
    """EntropyHub prints; silence costs nothing measurable."""
    with open(os.devnull, "w") as sink:
        out, sys.stdout = sys.stdout, sink
        try:
            return function(*arguments, **options)
        finally:
            sys.stdout = out


def value(name, *data, **changes):
    return np.asarray(MEASURES[name](*data, **changes).value)


def looped(function, *batches):
    return np.array([function(*rows) for rows in zip(*batches, strict=True)])


def cases():
    """All comparisons; those of measures that the registry lacks are left out by `main`, and said."""
    for batch, length in ((1, 100_000), (1000, 1000)):
        x = series(batch, length)
        shape = f"{batch} x {length}"
        ours = lambda x=x: value("permutation_entropy", x)  # noqa: E731
        yield Case(
            "permutation_entropy", "antropy", shape, "2", ours,
            lambda x=x: looped(lambda row: antropy.perm_entropy(row, order=5, normalize=True), x),
        )  # fmt: skip
        yield Case(
            "permutation_entropy", "ordpy", shape, "30", ours,
            lambda x=x: looped(lambda row: ordpy.permutation_entropy(row, dx=5), x),
        )  # fmt: skip
    for batch, length in ((1, 50_000), (1000, 500)):
        x = series(batch, length)
        yield Case(
            "sample_entropy", "antropy", f"{batch} x {length}", "3",
            lambda x=x: value("sample_entropy", x),
            lambda x=x: looped(antropy.sample_entropy, x),
        )  # fmt: skip
    for batch, length in ((1, 2000), (1000, 200)):
        x = series(batch, length)
        yield Case(
            "sample_entropy", "EntropyHub", f"{batch} x {length}", "50",
            lambda x=x: value("sample_entropy", x),
            lambda x=x: looped(lambda row: quiet(EntropyHub.SampEn, row, m=2, r=0.2 * row.std())[0][-1], x),
        )  # fmt: skip
    for batch, length in ((1, 100_000), (1000, 1000)):
        x = series(batch, length)
        yield Case(
            "dispersion_entropy", "EntropyHub", f"{batch} x {length}", "",
            lambda x=x: value("dispersion_entropy", x),
            lambda x=x: looped(lambda row: quiet(EntropyHub.DispEn, row, m=2, c=6)[0], x),
        )  # fmt: skip
    for batch, length in ((1, 2000), (20, 500)):
        x = series(batch, length)
        yield Case(
            "multiscale_entropy", "EntropyHub", f"{batch} x {length}", "",
            lambda x=x: value("multiscale_entropy", x, scales=5),
            lambda x=x: looped(multiscale_of_entropyhub, x),
        )  # fmt: skip
    for batch, length, dim in ((1, 100_000, 1), (1, 20_000, 3), (1000, 500, 1)):
        x = np.random.default_rng(2).normal(size=(batch, length, dim))
        yield Case(
            "differential_entropy", "infomeasure", f"{batch} x {length} x {dim}", "",
            lambda x=x: value("differential_entropy", x),
            lambda x=x: looped(lambda row: infomeasure.entropy(row, **KSG), x),
        )  # fmt: skip
    for batch, length in ((1, 20_000), (1000, 300)):
        x, y = pairs(batch, length)
        ours = lambda x=x, y=y: value("mutual_information", x[..., None], y[..., None])  # noqa: E731
        yield Case(
            "mutual_information", "infomeasure", f"{batch} x {length}", "", ours,
            lambda x=x, y=y: looped(lambda a, b: infomeasure.mutual_information(a, b, **KSG), x, y),
        )  # fmt: skip
        yield Case(
            "mutual_information", "scikit-learn", f"{batch} x {length}", "", ours,
            lambda x=x, y=y: looped(scikit_learn, x, y), 0.05, "it rescales, adds noise and clips at 0",
        )  # fmt: skip
        yield Case(
            "transfer_entropy", "infomeasure", f"{batch} x {length}", "",
            lambda x=x, y=y: value("transfer_entropy", x, y),
            lambda x=x, y=y: looped(lambda a, b: infomeasure.transfer_entropy(a, b, **KSG), x, y),
        )  # fmt: skip
    for batch, size, dim, sigma in ((1, 1000, 64, 10.0), (1, 1000, 3, 0.5), (50, 200, 64, 10.0)):
        x = np.random.default_rng(3).normal(size=(batch, size, dim))
        yield Case(
            "diffusion_spectral_entropy", "dse-dsmi", f"{batch} x {size} x {dim}", "",
            lambda x=x, s=sigma: value("diffusion_spectral_entropy", x, sigma=s),
            lambda x=x, s=sigma: looped(lambda row: dse_dsmi.diffusion_spectral_entropy(row, s) * np.log(2), x),
        )  # fmt: skip


def multiscale_of_entropyhub(row):
    sampled = quiet(EntropyHub.MSobject, "SampEn", m=2, r=0.2 * row.std())
    return quiet(EntropyHub.MSEn, row, sampled, Scales=5)[0]


def scikit_learn(a, b):
    return mutual_info_regression(a[:, None], b, n_neighbors=4, random_state=0)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names of measures or peers")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    head = ("measure", "peer", "input", "ours ms", "peer ms", "ratio", "range", "aim", "apart")
    print("{:28}{:14}{:16}{:>10}{:>11}{:>8}  {:15}{:>4}  {}".format(*head))
    for case in cases():
        label = f"{case.measure} {case.peer}"
        if options.only and not any(part in label for part in options.only):
            continue
        if case.measure not in MEASURES:
            print(f"{case.measure:28}is not in the registry")
            continue
        compare(case, options.repeats)


def compare(case: Case, repeats: int) -> None:
    difference = np.abs(np.ravel(case.ours()) - np.ravel(case.theirs()))
    apart = np.nanmax(difference)  # infinite on both sides: NaN, and the same
    times = [(seconds(case.ours), seconds(case.theirs)) for _ in range(repeats)]
    ratios = [theirs / ours for ours, theirs in times]
    ours, theirs = (1e3 * statistics.median(side) for side in zip(*times, strict=True))
    spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
    said = f"{apart:.0e}" + (f" ({case.why})" if case.why else "" if apart < case.apart else " DIFFERS")
    print(
        f"{case.measure:28}{case.peer:14}{case.shape:16}{ours:10.2f}{theirs:11.2f}{statistics.median(ratios):8.1f}"
        f"  {spread:15}{case.aim:>4}  {said}",
        flush=True,
    )


def seconds(function) -> float:
    """Processor seconds of a call, repeated if it is too short for the clock."""
    start, calls = time.process_time(), 0
    while calls == 0 or (time.process_time() - start < 0.02 and calls < 1000):
        function()
        calls += 1
    return (time.process_time() - start) / calls


if __name__ == "__main__":
    main()
