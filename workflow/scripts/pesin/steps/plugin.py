"""Code that a yaml names by its file: a forecaster, a user's own system."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from pesin.errors import UserError

SCRIPTS = Path(__file__).parents[2]
ROOT = SCRIPTS.parents[1]


def find(reference: str) -> Path:
    """The file behind a reference: relative to workflow/scripts, else to the project's folder; or absolute.

    Raises
    ------
    UserError
        If there is no such file, or it hides a package: these two folders are where Python looks first.
    """
    for base in (SCRIPTS, ROOT):
        path = base / reference
        if path.is_file():
            if path.parent in (SCRIPTS, ROOT) and _is_package(path.stem):
                raise UserError(f"{path} hides the package '{path.stem}' from all code: put it in a folder of its own.")
            return path
    raise UserError(f"There is no file '{reference}', neither below {SCRIPTS} nor below {ROOT}.")


def _is_package(name: str) -> bool:
    """Whether a module of that name is installed, or Python's own."""
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() not in (SCRIPTS.resolve(), ROOT.resolve())]
    return name in sys.stdlib_module_names or PathFinder.find_spec(name, elsewhere) is not None


@cache
def load(reference: str) -> ModuleType:
    """Import the file; one of the library under its own name, so that it is imported once.

    A file of one's own gets a name that no package has, so that `random.py` isn't what others find as `random`.

    Raises
    ------
    UserError
        If the file is missing, or its import fails.
    """
    path = find(reference)
    name = f"own_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    if path.is_relative_to(SCRIPTS):
        name = ".".join(path.relative_to(SCRIPTS).with_suffix("").parts)
    if name in sys.modules and path.is_relative_to(SCRIPTS):
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UserError(f"{path}: can't be imported ({type(error).__name__}: {error}).") from error
    return module


def code_files(params: Any) -> list[str]:
    """All references in a case's parameters: strings that end in `.py`, at any depth, sorted."""
    if isinstance(params, str):
        return [params] if params.endswith(".py") else []
    if isinstance(params, dict):
        params = list(params.values())
    if isinstance(params, (list, tuple)):
        return sorted({found for item in params for found in code_files(item)})
    return []
