"""What is kept between two starts: gone, cut, foreign, read-only or stale, it does no harm and says nothing."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from pesin import kept, plan
from pesin.config.models import Config
from pesin.errors import UserError
from pesin.plan import Plan
from pesin.steps.plugin import code_files, find
from project import ROOT, copy_with_toy_alone

YAML = "config/studies/toy_map.yaml"
NAMES = ("entropy_atlas", "generalized_teacher_forcing")


@pytest.fixture
def counted(monkeypatch):
    """Names of the studies that were laid out anew."""
    names, resolve = [], plan.resolve
    monkeypatch.setattr(plan, "resolve", lambda name, *rest: names.append(name) or resolve(name, *rest))
    return names


def plans(cache, scale="smoke"):
    found = Plan(ROOT, Config(scale=scale, studies=list(NAMES)), cache=cache)
    return [found.study(name) for name in NAMES]


def test_a_kept_plan_is_the_plan(tmp_path, counted):
    first, second, third = plans(tmp_path), plans(tmp_path), plans(None)
    assert counted == [*NAMES, *NAMES], "the second is kept"
    assert first == second == third
    assert [type(path) for p in second for c in p.cases.values() for path in c.data.values()] == [
        type(path) for p in third for c in p.cases.values() for path in c.data.values()
    ]
    assert plans(tmp_path, "paper") != first and len(counted) == 6, "another scale is another plan"


def spoil_cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def spoil_altered(path):
    path.write_text(path.read_text().replace('"kind"', '"kint"'))


def spoil_foreign(path):
    path.write_text(json.dumps({"written": {}, "cases": {}}))


def spoil_bytes(path):
    path.write_bytes(b"\xff\xfe\x00")


def spoil_gone(path):
    path.unlink()


def spoil_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("spoil", [spoil_cut, spoil_altered, spoil_foreign, spoil_bytes, spoil_gone, spoil_folder])
def test_a_spoilt_file_is_worked_out_anew_without_a_word(tmp_path, counted, capfd, spoil):
    first = plans(tmp_path)
    spoil(tmp_path / f"{NAMES[0]}.smoke.json")
    assert plans(tmp_path) == first
    assert counted == [*NAMES, NAMES[0]] and capfd.readouterr() == ("", "")
    assert not list(tmp_path.glob("tmp*")), "a file half written is taken away"


def test_a_file_under_another_studys_name_is_not_taken(tmp_path, counted):
    first = plans(tmp_path)
    shutil.copy(tmp_path / f"{NAMES[1]}.smoke.json", tmp_path / f"{NAMES[0]}.smoke.json")
    assert plans(tmp_path) == first and counted == [*NAMES, NAMES[0]]


def test_a_folder_that_cannot_be_made_or_written_is_no_fault(tmp_path, counted, monkeypatch):
    (tmp_path / "file").touch()
    assert plans(tmp_path / "file/below") == plans(None)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept.os, "replace", full)
    assert plans(tmp_path / "full") == plans(None)
    assert not list((tmp_path / "full").iterdir())


def test_what_json_changes_is_not_kept(tmp_path):
    for number, value in enumerate([{1: "a"}, {"a": (1, 2)}, {"a": {2}}, {"a": float("nan")}]):
        kept.keep(tmp_path / str(number), "key", value)
    assert not list(tmp_path.iterdir())
    kept.keep(tmp_path / "good", "key", {"a": [1, 1.5, None, "ü"]})
    assert kept.kept(tmp_path / "good", "key") == {"a": [1, 1.5, None, "ü"]}
    assert kept.kept(tmp_path / "good", "another key") is None


LAY_OUT = """
import sys
from pathlib import Path
from pesin import plan
from pesin.config.models import Config
from pesin.errors import UserError

said, resolve = [], plan.resolve
plan.resolve = lambda *given: said.append("anew") or resolve(*given)
try:
    found = plan.Plan(Path.cwd(), Config(), cache=Path("kept")).study("toy_map")
    print(*said, found.cases["chaotic"].params["simulate"]["steps"], found.declared.title)
except UserError as error:
    print(*said, error)
"""


def laid_out(folder, count=1):
    """What so many processes that start together say of the toy's plan."""
    run = [sys.executable, "-c", LAY_OUT]
    environment = os.environ | {"PYTHONPATH": str(folder / "workflow/scripts")}
    started = [
        subprocess.Popen(run, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(count)
    ]
    return [process.communicate()[0].strip() for process in started]


def test_an_edit_of_anything_that_the_plan_depends_on_counts(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    study = folder / "workflow/scripts/studies/toy_map"

    def edited(path, old, new):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return laid_out(folder)[0]

    title = "The tent map stretches by two"
    assert laid_out(folder) == [f"anew 200 {title}"] and laid_out(folder) == [f"200 {title}"]
    assert edited(folder / YAML, "steps: 200", "steps: 201") == f"anew 201 {title}"
    assert "unknown key 'train.ridge'" in edited(study / "params.py", "ridge: float", "rigde: float")
    edited(study / "params.py", "rigde: float", "ridge: float")
    library = folder / "workflow/scripts/pesin/params.py"
    assert edited(library, "annotations\n", "annotations  # edited\n") == f"anew 201 {title}"
    assert "has no function 'entropy(case, ...)'" in edited(study / "entropy.py", "def entropy", "def enthropy")
    edited(study / "entropy.py", "def enthropy", "def entropy")
    (study / "figures.py").unlink()
    assert "figures.py is missing" in laid_out(folder)[0]


def test_two_processes_at_once(tmp_path):
    folder = copy_with_toy_alone(tmp_path / "p")
    assert len({said.removeprefix("anew ") for said in laid_out(folder, 4)}) == 1
    assert laid_out(folder)[0].startswith("200")
    assert [path.name for path in (folder / "kept").iterdir()] == ["toy_map.laptop.json"]


def test_code_that_a_parameter_names_is_looked_for_each_time(tmp_path, counted, monkeypatch):
    def study():
        return Plan(ROOT, Config(scale="smoke"), cache=tmp_path).study("dysts_chaos_benchmark")

    assert any(code_files(entry.params) for entry in study().cases.values())
    monkeypatch.setattr(plan, "find", lambda reference: find(f"gone/{reference}"))
    with pytest.raises(UserError, match="There is no file 'gone/"):
        study()
    assert len(counted) == 1
