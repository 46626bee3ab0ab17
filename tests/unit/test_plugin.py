"""Code that a yaml names by its file."""

import importlib
import sys

import pytest

from pesin.errors import UserError
from pesin.steps import plugin
from pesin.steps.plugin import code_files, find, load


def test_a_file_of_the_library_is_the_module_itself():
    from pesin.forecasters import naive_mean

    assert load("pesin/forecasters/naive_mean.py") is naive_mean


def test_a_users_file_is_loaded_once_and_may_import_the_library(tmp_path):
    path = tmp_path / "mirror.py"
    path.write_text("from pesin.errors import UserError\nNAME = 'Mirror'\n")
    assert load(str(path)).NAME == "Mirror" and load(str(path)) is load(str(path))
    assert load(str(path)).UserError is UserError


def test_faults_are_sentences(tmp_path):
    with pytest.raises(UserError, match="There is no file 'gone.py'"):
        find("gone.py")
    broken = tmp_path / "broken.py"
    broken.write_text("def (")
    with pytest.raises(UserError, match="SyntaxError"):
        load(str(broken))


def test_references_at_any_depth():
    assert code_files({"a": [{"file": "x.py"}, 3], "b": {"c": "y.py", "d": "plain"}, "e": "x.py"}) == ["x.py", "y.py"]


@pytest.mark.parametrize("name", ["random", "statsforecast", "pesin", "json"])
def test_own_code_shadows_no_package(tmp_path, name):
    before = sys.modules.get(name)
    (tmp_path / f"{name}.py").write_text("NAME = 'Own'\n")
    assert load(str(tmp_path / f"{name}.py")).NAME == "Own"
    assert sys.modules.get(name) is before
    assert not hasattr(importlib.import_module(name), "NAME")


def test_own_files_of_one_name_are_two_modules(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own.py").write_text(
            f"import dataclasses\n@dataclasses.dataclass\nclass X:\n    y: 'str' = '{folder}'\n"
        )
    first, second = (load(str(tmp_path / folder / "own.py")) for folder in ("a", "b"))
    assert first.X().y == "a" and second.X().y == "b"
    assert sys.modules[first.__name__] is first and sys.modules[second.__name__] is second


@pytest.mark.parametrize("name", ["random", "statsforecast"])
@pytest.mark.parametrize("folder", ["SCRIPTS", "ROOT"])
def test_own_code_where_python_looks_first_is_refused_if_it_hides_a_package(tmp_path, monkeypatch, folder, name):
    monkeypatch.setattr(plugin, folder, tmp_path)
    (tmp_path / f"{name}.py").touch()
    with pytest.raises(UserError, match=f"hides the package '{name}'.*folder of its own"):
        find(f"{name}.py")
    (tmp_path / "nobody_has_this.py").touch()
    assert find("nobody_has_this.py") == tmp_path / "nobody_has_this.py"
