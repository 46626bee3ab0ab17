"""Code that a yaml names by its file."""

import pytest

from pesin.errors import UserError
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
