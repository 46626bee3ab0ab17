"""What benchmarks share: two ways to the same numbers, checked and timed."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.config.models import Config
from pesin.params import typed, visible
from pesin.plan import Plan
from pesin.steps.case import Case

ROOT = Path(__file__).resolve().parents[1]


def case(study: str, name: str, step: str) -> Case:
    """A case at the laptop's sizes."""
    found = Plan(ROOT, Config(scale="laptop")).study(study)
    return Case(study, name, step, "laptop", typed(found.params_type(name), visible(found.cases[name].params, step)))


def agree(said: str, one, other, tolerance: float) -> None:
    """End the program if two arrays differ by the tolerance or more."""
    worst = float(np.max(np.abs(np.asarray(one) - np.asarray(other))))
    if not worst < tolerance:
        sys.exit(f"{said}: the two sides differ by {worst:.2g}")


def seconds(work: Callable[[], object], many: int = 1) -> float:
    """Processor seconds of a call."""
    begun = time.process_time()
    for _ in range(many):
        work()
    return (time.process_time() - begun) / many


def compare(said: str, ours: Callable, other: Callable, repeats: int, many: int = 1, per: float = 1.0) -> None:
    """Print how many times as long the other takes; milliseconds are divided by `per`. Each runs once before."""
    ours(), other()
    pairs = [(seconds(ours, many), seconds(other, many)) for _ in range(repeats)]
    ratios = [b / a for a, b in pairs]
    print(
        f"{said:<78}{1e3 / per * statistics.median(a for a, _ in pairs):>9.3f} ms, the other "
        f"{statistics.median(ratios):.3g} times as long ({min(ratios):.3g} to {max(ratios):.3g})",
        flush=True,
    )
