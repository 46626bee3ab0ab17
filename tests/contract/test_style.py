"""What a reader may count on in each study's code: one vocabulary, functions that fit a screen, one look of figures."""

import ast
import re

import pytest

from project import SCRIPTS

STUDIES = SCRIPTS / "studies"
MODULES = sorted(path for path in STUDIES.rglob("*.py") if path.stat().st_size)


def named(path):
    return path.relative_to(STUDIES).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_functions_fit_a_screen(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    long = {node.name: node.end_lineno - node.lineno + 1 for node in functions}
    assert not {name: lines for name, lines in long.items() if lines > 50}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_opens_with_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


WAYS_AROUND = {
    r"[\"']long_name[\"'] *:": "a variable is made by pesin.steps.labels.labelled",
    r"allow_nan": "labelled(..., nan='what a missing value stands for')",
    r"params\.kind\b": "a case says `kind: <name>`, and its modules lie in a folder of that name",
}
IN_FIGURES = {
    r"fontsize *= *[5-9]": "sizes stand in pesin.plot.style: legend, names, note",
    r"\b(mean|median|share)_interval\(": "pesin.stats.intervals.interval, which the judge uses",
}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_one_vocabulary(path):
    text = path.read_text(encoding="utf-8")
    rules = WAYS_AROUND | (IN_FIGURES if path.stem.startswith("figures") else {})
    found = [f"{m[0]}: {say}" for pattern, say in rules.items() for m in re.finditer(pattern, text)]
    assert not found
