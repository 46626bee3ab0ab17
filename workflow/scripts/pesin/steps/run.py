"""Runs one step of one case: reads its inputs, calls the study's function, publishes what it returns."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xarray as xr

from pesin.errors import UserError
from pesin.params import typed
from pesin.steps.case import Case
from pesin.steps.checkpoint import remove_checkpoints
from pesin.steps.files import open_result, publish, without_truth
from pesin.steps.instructions import in_use

REPORTED = ("numpy", "scipy", "xarray", "netCDF4", "torch", "sklearn", "pysindy", "dysts", "heyoka")


def run_step(
    function: Callable,
    spec: dict,
    inputs: dict[str, Path | list[Path]],
    code: list[str],
    output: Path,
    files: Sequence[str] = (),
    threads: int = 1,
    gpu: int = 0,
) -> None:
    """Call one function of a study and publish its result.

    Parameters
    ----------
    function
        The study's simulate, train, entropy or forecast.
    spec
        study, case, step, scale, params, as the workflow resolved them, `params_type`, the study's `Params`, and
        perhaps `replicate` and `streams` (see `Case`).
    inputs
        Result files by the name of the argument that takes them: data, trained, and the names under `uses`; lists of
        results for lists of files.
    code
        Files of the code closure; their contents make the attribute `code_digest`.
    output
        The NetCDF file to make.
    files
        Files of data that the parameters name; their contents make the attribute `files`.

    Raises
    ------
    UserError
        If an input is unfit to read, or the function's result can't be published.
    """
    where = f"{spec['study']}/{spec['step']}/{spec['case']}"
    params = typed(spec["params_type"], spec["params"])
    wanted = inspect.signature(function).parameters
    results = {name: _opened(given) for name, given in inputs.items()}
    # Read before the run: an edit during the run must not be recorded as what was run.
    code_digest, input_digests = files_digest(code), {name: _digests(result) for name, result in results.items()}
    file_digests = {path: file_digest(Path(path)).hex() for path in files}
    key = _key(spec, code_digest, input_digests, file_digests, threads, gpu)
    more = {"replicate": spec.get("replicate", 0), "streams": spec.get("streams", "")}
    case = Case(spec["study"], spec["case"], spec["step"], spec["scale"], params, gpu, threads, output, key, **more)
    handed: dict[str, Any] = {
        name: _withheld(result) if case.step == "train" else result
        for name, result in results.items()
        if name in wanted
    }
    if "trained" in wanted:
        handed.setdefault("trained", None)
    _fix_torch(threads, case)
    start, cores = time.perf_counter(), core_seconds()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(case, **handed)
    seconds, cores = time.perf_counter() - start, core_seconds() - cores
    if not isinstance(result, (xr.Dataset, xr.DataTree)):
        raise UserError(f"{where}: {function.__name__}() returned {type(result).__name__}, not a Dataset or DataTree.")
    notes = sorted({f"{w.category.__name__}: {w.message}" for w in caught if w.category is not DeprecationWarning})
    print("\n".join(notes), file=sys.stderr)
    attributes = {
        "Conventions": "CF-1.11",
        "study": case.study,
        "case": case.name,
        "step": case.step,
        "scale": case.scale,
        "parameters": json.dumps(spec["params"], sort_keys=True),
        "seed": case.seed(""),
        "replicate": case.replicate,
        "code_digest": code_digest,
        "inputs": json.dumps(input_digests, sort_keys=True),
        "files": json.dumps(file_digests, sort_keys=True),
        "versions": json.dumps(_versions(), sort_keys=True),
        "device": "cuda" if gpu else "cpu",
        "threads": threads,
        "warnings": "\n".join(notes[:20]),
        "instructions": in_use(),
        "wall_time": seconds,
        "host": platform.platform(),
    }
    attributes.setdefault("status", str(result.attrs.get("status", "ok")))
    try:
        publish(result, output, attributes)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    remove_checkpoints(output)
    print(f"own seconds: {cores:.3f}")


def core_seconds() -> float:
    """Processor seconds of this process so far, threads and ended children included."""
    return sum(os.times()[:4])


def files_digest(paths: list[str]) -> str:
    """SHA-256 over the contents of files, wherever they lie."""
    return hashlib.sha256(b"".join(sorted(file_digest(Path(path)) for path in paths))).hexdigest()


def file_digest(path: Path) -> bytes:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).digest()


def _opened(given: Path | list[Path]):
    return [open_result(path) for path in given] if isinstance(given, list) else open_result(given)


def _digests(result) -> str | list[str]:
    return [one.attrs["digest"] for one in result] if isinstance(result, list) else result.attrs["digest"]


def _withheld(result):
    return [without_truth(one) for one in result] if isinstance(result, list) else without_truth(result)


def _key(spec: dict, code_digest: str, inputs: dict, files: dict[str, str], threads: int, gpu: int) -> str:
    """Digest of all that the numbers depend on, threads and packages too: a checkpoint of anything else is no use."""
    where = [spec.get(name) for name in ("study", "case", "step", "scale", "params", "replicate", "streams")]
    return hashlib.sha256(
        json.dumps([where, code_digest, inputs, files, threads, gpu, _versions()], sort_keys=True).encode()
    ).hexdigest()


def _versions() -> dict[str, str]:
    """Of all that are installed, loaded or not: with several threads it is other processes that load them."""
    names = {"sklearn": "scikit-learn"}
    found = {"python": platform.python_version()}
    for name in REPORTED:
        try:
            found[name] = version(names.get(name, name))
        except PackageNotFoundError:
            continue
    return found


def _fix_torch(threads: int, case: Case) -> None:
    """Same inputs, same bits: only if the study's module has loaded torch."""
    if "torch" not in sys.modules:
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    torch.set_num_threads(threads)
    if case.gpu:  # on a CPU with fixed threads it changes nothing, and costs a second of imports
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False
        torch.backends.cuda.matmul.allow_tf32 = False
    torch.manual_seed(case.seed("torch") % 2**63)
