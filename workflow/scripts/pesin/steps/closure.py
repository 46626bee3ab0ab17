"""The import closure of a script: every file of the project that an edit of could change its result.

Found by reading `import` statements (`ast`), never by importing. Handed to each rule as the named input `code`, so
that Snakemake reruns exactly what depends on an edited line.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from functools import cache
from pathlib import Path

from pesin.errors import UserError
from pesin.steps.plugin import code_files, find


@cache
def closure(root: Path, *scripts: Path) -> list[str]:
    """Files reached by imports from `scripts`, the scripts included, empty ones left out, sorted.

    Parameters
    ----------
    root
        The folder on `sys.path` (workflow/scripts).
    scripts
        Files to start from.
    """
    found: set[Path] = set()
    waiting = list(scripts)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imports(path, root))
    return sorted(str(path) for path in found if path.stat().st_size)


def step_closure(root: Path, study: str, kind: str, step: str, params: dict) -> list[str]:
    """Files whose edit could change a step's result: its driver, its functions, and code that its parameters name.

    `kind` is the folder of the case's modules below the study's, "" for the study's own.
    """
    folder = root / "studies" / study / kind
    ours = [root / f"{step}.py", folder / f"{step}.py", folder / "params.py"]
    return closure(root, *ours, *(find(reference) for reference in code_files(params)))


def check_loaded(root: Path, code: list[str]) -> None:
    """Refuse a run that imported what its closure doesn't hold: an edit of that file would have rerun nothing.

    Raises
    ------
    UserError
        The message names the files.
    """
    root = root.resolve()
    known = {Path(path).resolve() for path in code}
    files = filter(None, (getattr(module, "__file__", None) for module in list(sys.modules.values())))
    inside = cache(lambda folder: Path(_real(folder)).is_relative_to(root))
    ours = {Path(file).resolve() for file in files if inside(os.path.dirname(file))}
    unseen = sorted(str(path.relative_to(root)) for path in ours - known if path.stat().st_size)
    if unseen:
        raise UserError(
            f"{', '.join(unseen)}: imported, but by no import statement that the workflow can read. Write a plain"
            " 'import' or 'from ... import', so that an edit of the file reruns this step."
        )


@cache
def _real(folder: str) -> str:
    """As `os.path.realpath`, which asks after each folder above it anew: packages lie in hundreds of neighbours."""
    above, name = os.path.split(os.path.abspath(folder))
    return os.path.realpath(folder) if not name or os.path.islink(folder) else os.path.join(_real(above), name)


# Only the import statements are handed to `ast`: parsing whole files would cost every start of Snakemake, and every job
# on a cluster, a third of a second. Style forbids the forms that this misses (`;` and one-line `if`).
_STATEMENT = re.compile(r"^[ \t]*((?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+(?:\([^)]*\)|[^\n(]*))", re.MULTILINE)


@cache
def _imports(path: Path, root: Path) -> tuple[Path, ...]:
    files: list[Path] = []
    for node in _statements(path.read_text(encoding="utf-8")):
        if isinstance(node, ast.Import):
            for alias in node.names:
                files += _files(alias.name, root)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = path.parent if node.level == 1 else path.parents[node.level - 1]
                base = ".".join((*package.relative_to(root).parts, *([base] if base else [])))
            for alias in node.names:
                files += _files(f"{base}.{alias.name}", root) or _files(base, root)
    return tuple(dict.fromkeys(files))


def _statements(text: str):
    for statement in _STATEMENT.findall(text):
        try:
            yield from ast.parse(statement).body
        except SyntaxError:  # a line of prose that begins like an import
            continue


@cache
def _files(module: str, root: Path) -> tuple[Path, ...]:
    """The module's file and the `__init__.py` of each package above it; () if it isn't one of the project's."""
    parts = module.split(".")
    target = root.joinpath(*parts)
    file = target / "__init__.py" if target.is_dir() else target.with_suffix(".py")
    if not file.is_file():
        return ()
    above = [root.joinpath(*parts[:depth]) / "__init__.py" for depth in range(1, len(parts))]
    return tuple(path for path in (*above, file) if path.is_file())
