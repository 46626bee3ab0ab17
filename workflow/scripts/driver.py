"""What the step drivers share: unpack Snakemake's object, send output to the log, end with a sentence on failure."""

from __future__ import annotations

import contextlib
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from pesin.errors import UserError
from pesin.params import params_module
from pesin.steps.closure import check_loaded
from pesin.steps.record import record
from pesin.steps.run import core_seconds, run_step

SCRIPTS = Path(__file__).resolve().parent


@contextlib.contextmanager
def logged(snakemake: Any):
    """Send stdout and stderr to the rule's log, and what was made from what. On failure say why on the terminal too.

    A job that imported what its closure doesn't hold fails.
    """
    with open(snakemake.log[0], "w", encoding="utf-8", buffering=1) as log:
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            try:
                yield
                check_loaded(SCRIPTS, list(snakemake.input.code))
                # Snakemake's benchmark samples processor time every half minute; this is exact.
                print(f"cpu seconds: {core_seconds():.3f}")
                read = [path for path in snakemake.input if path not in snakemake.input.get("files", ())]
                print(record(list(snakemake.output), read, list(snakemake.input.code)))
                return
            except UserError as error:
                sentence = str(error)
                log.write(f"{sentence}\n")
            except Exception as error:
                sentence = f"{type(error).__name__}: {error}"
                traceback.print_exc(file=log)
    sys.exit(f"{snakemake.rule}: {sentence}\nThe log has more: {snakemake.log[0]}")


def _paths(given: str | list[str]) -> Path | list[Path]:
    return Path(given) if isinstance(given, str) else [Path(path) for path in given]


def drive(step: str, snakemake: Any) -> None:
    """Run `step` of one case: call `studies.<study>[.<kind>].<step>.<step>` and publish what it returns."""
    with logged(snakemake):
        module = import_module(params_module(snakemake.wildcards.study, snakemake.params.kind))
        folder = module.__name__.removesuffix(".params")
        run_step(
            getattr(import_module(f"{folder}.{step}"), step),
            {
                "study": snakemake.wildcards.study,
                "case": snakemake.wildcards.case,
                "step": step,
                "scale": snakemake.params.scale,
                "replicate": snakemake.params.seed,
                "streams": snakemake.params.streams,
                "params": snakemake.params.case,
                "params_type": module.Params,
            },
            {name: _paths(given) for name, given in snakemake.input.items() if name not in ("code", "files")},
            list(snakemake.input.code),
            Path(snakemake.output[0]),
            list(snakemake.input.files),
            threads=snakemake.threads,
            gpu=snakemake.resources.get("gpu", 0),
        )
