"""Code that a yaml names by its file: a forecaster, a user's own system."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
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
        If there is no such file.
    """
    for base in (SCRIPTS, ROOT):
        if (base / reference).is_file():
            return base / reference
    raise UserError(f"There is no file '{reference}', neither below {SCRIPTS} nor below {ROOT}.")


@cache
def load(reference: str) -> ModuleType:
    """Import the file; one of the library under its own name, so that it is imported once.

    Raises
    ------
    UserError
        If the file is missing, or its import fails.
    """
    path = find(reference)
    name = path.stem
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
