"""The import closure: everything that is imported, and nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pesin.steps.closure import _statements, closure
from project import SCRIPTS


@pytest.fixture
def tree(tmp_path):
    for name, text in {
        "a.py": "from lib import b\nimport os",
        "other.py": "import lib.c",
        "lib/__init__.py": "version = 1",
        "lib/b.py": "def f():\n    from .c import thing",
        "lib/c.py": "thing = 1",
        "lib/unused.py": "",
        "studies/__init__.py": "",
        "studies/x/__init__.py": "",
        "studies/x/params.py": "p = 1",
        "studies/x/train.py": "from studies.x import params\nfrom .helper import g",
        "studies/x/helper.py": "g = 1",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def names(tree, *scripts):
    return [str(Path(path).relative_to(tree)) for path in closure(tree, *(tree / s for s in scripts))]


def test_follows_imports_inside_functions_and_relative_ones(tree):
    assert names(tree, "a.py") == ["a.py", "lib/__init__.py", "lib/b.py", "lib/c.py"]
    assert names(tree, "other.py") == ["lib/__init__.py", "lib/c.py", "other.py"]


def test_all_forms_of_import_are_read_as_ast_reads_them():
    for path in [*(SCRIPTS / "pesin").rglob("*.py"), *(SCRIPTS / "studies").rglob("*.py"), *SCRIPTS.glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        nodes = [n for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.Import, ast.ImportFrom))]
        wanted = {ast.unparse(node) for node in nodes}
        assert wanted <= {ast.unparse(node) for node in _statements(text)}, path


def test_a_package_of_a_study(tree):
    found = names(tree, "studies/x/train.py")
    assert found == [f"studies/x/{n}.py" for n in ("helper", "params", "train")]


def test_an_empty_file_counts_from_its_first_line_on(tree):
    (tree / "studies/__init__.py").write_text("import os")
    assert "studies/__init__.py" in names(tree, "studies/x/train.py")


@pytest.mark.parametrize("step", ["simulate", "train", "entropy", "forecast", "figure", "judge"])
def test_what_python_imports_is_in_the_closure(step):
    """Python's own opinion: import the driver, list the project's files that are loaded."""
    code = f"""
import sys, {step}
from pathlib import Path
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None)
    if file and Path(file).is_relative_to({str(SCRIPTS)!r}):
        print(file)
"""
    run = subprocess.run([sys.executable, "-B", "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    loaded = {file for file in run.stdout.splitlines() if Path(file).stat().st_size}
    assert loaded and loaded <= set(closure(SCRIPTS, SCRIPTS / f"{step}.py"))


def test_no_dynamic_import_outside_the_drivers():
    for path in [*(SCRIPTS / "pesin").rglob("*.py"), *(SCRIPTS / "studies").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert "importlib.import_module" not in text and "__import__" not in text, path


def test_packages_are_empty():
    """Else every study would depend on everything in them."""
    for path in [*(SCRIPTS / "pesin").rglob("__init__.py"), *(SCRIPTS / "studies").rglob("__init__.py")]:
        assert path.read_text(encoding="utf-8").strip() == "", path
