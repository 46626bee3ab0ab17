"""Times the loops of a step at the paper's sizes, a few turns of each, and says what the whole would take on one core.

    python benchmarks/paper_training.py STUDY CASE [--step train] [--turns 3] [--data results/laptop/.../case.nc]

What the step reads is simulated first at the same scale, or read from --data (name=path for inputs under `uses`).
Nothing is written. A loop is what the step hands to its progress bar; each is cut short after its turns, and what then
fails for want of the rest is passed over.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import time
from importlib import import_module
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.config.models import Config
from pesin.params import typed, visible
from pesin.plan import Plan
from pesin.steps.case import Case
from pesin.steps.files import open_result, without_truth

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    study = Plan(ROOT, Config(scale=options.scale)).study(options.study)
    raw, kind = study.cases[options.case].params, study.params_type(options.case)

    def case(step: str) -> Case:
        return Case(options.study, options.case, step, options.scale, typed(kind, visible(raw, step)))

    def function(step: str):
        return getattr(import_module(kind.__module__.replace(".params", f".{step}")), step)

    given = dict(one.rpartition("=")[::2] for one in options.data)
    inputs = {name or "data": without_truth(open_result(Path(path))) for name, path in given.items()}
    wanted = inspect.signature(function(options.step)).parameters
    if "data" in wanted and "data" not in inputs:
        inputs["data"] = function("simulate")(case("simulate"))
    Case.progress = shortened(options.turns)  # type: ignore[method-assign]
    try:
        function(options.step)(case(options.step), **inputs)
    except Exception as error:
        print(f"ended by {type(error).__name__}: {error}")


def shortened(most: int):
    """`Case.progress`, but it ends after so many turns, and prints the processor seconds of the fastest."""

    def progress(case, iterable, total=None, what=""):
        turns, seconds = total if total is not None else len(iterable), []
        for _, item in zip(range(most), iterable, strict=False):
            start = time.process_time()
            yield item
            seconds.append(time.process_time() - start)
        each = min(seconds)
        print(
            f"{case.study}/{case.name} {what}: {turns} turns of {each:.3g} core s: {each * turns / 3600:.3g} h",
            flush=True,
        )

    return progress


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study")
    parser.add_argument("case")
    parser.add_argument("--step", default="train")
    parser.add_argument("--scale", default="paper")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--data", nargs="*", default=[])
    return parser.parse_args()


if __name__ == "__main__":
    main()
