"""What was made from what: a line in each job's log, by which `make verify` knows outputs that carry no attributes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import netCDF4

from pesin.steps.run import file_digest, files_digest

MARK = "made: "


def record(outputs: Iterable[str], inputs: Iterable[str], code: list[str]) -> str:
    """One line: digests of what was made (not of results, which carry their own), of the results read, of the code."""
    made = {Path(path).name: file_digest(Path(path)).hex() for path in outputs if not path.endswith(".nc")}
    read = {path: result_digest(Path(path)) for path in inputs if path.endswith(".nc")}
    return MARK + json.dumps({"outputs": made, "inputs": read, "code_digest": files_digest(code)}, sort_keys=True)


def read_record(log: Path) -> dict:
    """The record in a log; {} if it has none."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    found = [line for line in lines if line.startswith(MARK)]
    return json.loads(found[-1].removeprefix(MARK)) if found else {}


def result_digests(folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """step/case -> digest, of results below a study's folder."""
    return {str(Path(path).relative_to(folder).with_suffix("")): result_digest(Path(path)) for path in paths}


def result_digest(path: Path) -> str:
    """The digest that a result says it has."""
    with netCDF4.Dataset(path) as handle:
        return str(handle.digest)
