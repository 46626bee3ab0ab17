"""Bad yaml, bad keys, bad names: a sentence that names the file and the key."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import PositiveInt

from pesin.config.load import check_config, load_study, merge, read_yaml, selected_studies, study_names
from pesin.errors import UserError
from pesin.params import Model, typed, visible

TOY = Path(__file__).parents[1] / "toy"


def written(tmp_path, change=lambda data: None):
    data = yaml.safe_load((TOY / "toy_map.yaml").read_text())
    change(data)
    (tmp_path / "toy_map.yaml").write_text(yaml.safe_dump(data))
    return load_study("toy_map", tmp_path)


def put(*path, value):
    def change(data):
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


def drop(*path):
    def change(data):
        for key in path[:-1]:
            data = data[key]
        del data[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("tittle", value="x"), "unknown key 'tittle'. Did you mean 'title'"),
        (drop("title"), "the key 'title' is missing"),
        (drop("claims"), "the key 'claims' is missing"),
        (put("claims", "C1", "rule", "abov", value=1), "unknown key 'claims.C1.rule.bound.abov'. Did you mean 'above'"),
        (put("claims", "C1", "rule", "kind", value="bond"), "claims.C1.rule.*bond"),
        (put("claims", "C1", "expect", value="maybe"), "claims.C1.expect"),
        (put("controls", "contracting", "of", value="chaotik"), "controls.contracting.of.*Did you mean 'chaotic'"),
        (put("controls", "contracting", "must_fail", value=["C9"]), "no 'C9' here"),
        (put("controls", value={}), "controls"),
        (put("resources", value={"train": {"threads": 0}}), r"resources.train.threads.*\(it is 0\)"),
        (put("steps", value=["simulate", "tarin"]), "steps"),
    ],
)
def test_a_bad_study_is_named(tmp_path, change, message):
    with pytest.raises(UserError, match=message) as error:
        written(tmp_path, change)
    assert "toy_map.yaml" in str(error.value)


def test_yaml_that_is_not_yaml(tmp_path):
    (tmp_path / "a.yaml").write_text("a: [1, 2\nb: }")
    with pytest.raises(UserError, match=r"a.yaml, line 2, column \d+: this is not yaml"):
        read_yaml(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("a: 1\na: 2")
    with pytest.raises(UserError, match="the key 'a' stands twice"):
        read_yaml(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("- just\n- a list")
    with pytest.raises(UserError, match="expected keys and values"):
        load_study("a", tmp_path)
    (tmp_path / "a.yaml").write_text("a: !!python/object/apply:os.system ['true']")
    with pytest.raises(UserError, match="not yaml"):
        read_yaml(tmp_path / "a.yaml")


def test_numbers_with_an_exponent_are_numbers(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1e-3\nb: -2E5\nc: 1e\nd: 1.5e+2")
    assert read_yaml(tmp_path / "a.yaml") == {"a": 1e-3, "b": -2e5, "c": "1e", "d": 150.0}


def test_a_mapping_may_merge_another(tmp_path):
    (tmp_path / "a.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}")
    assert read_yaml(tmp_path / "a.yaml")["b"] == {"x": 1, "y": 3}
    (tmp_path / "a.yaml").write_text("a: &a {x: 1}\nb: {<<: *a, y: 3, y: 4}")
    with pytest.raises(UserError, match="the key 'y' stands twice"):
        read_yaml(tmp_path / "a.yaml")


def test_config_is_checked():
    assert check_config({}).scale == "laptop"
    with pytest.raises(UserError, match="scale 'lptop' is not known. Did you mean 'laptop'"):
        check_config({"scale": "lptop"})
    with pytest.raises(UserError, match="unknown key 'studeis'. Did you mean 'studies'"):
        check_config({"studeis": "all"})
    with pytest.raises(UserError, match="no study 'toy_mpa'.*Did you mean 'toy_map'"):
        selected_studies(check_config({"studies": ["toy_mpa"]}), TOY)
    with pytest.raises(UserError, match="nothing to run"):
        selected_studies(check_config({}), TOY / "toy_map")


def test_merge_replaces_lists_and_keeps_its_arguments():
    base = {"a": {"b": 1, "c": [1, 2]}}
    assert merge(base, {"a": {"c": [3]}}, {"d": 1}) == {"a": {"b": 1, "c": [3]}, "d": 1}
    assert base == {"a": {"b": 1, "c": [1, 2]}}


class Simulate(Model):
    steps: PositiveInt


class Train(Model):
    rate: float = 0.1


class Params(Model):
    kind: str = "x"
    simulate: Simulate
    train: Train = Train()


def test_a_step_does_not_see_what_comes_after_it():
    whole = {"simulate": {"steps": 3}, "train": {"rate": 0.2}}
    seen = typed(Params, visible(whole, "simulate"))
    assert seen.simulate.steps == 3
    with pytest.raises(AttributeError):
        _ = seen.train
    assert typed(Params, visible(whole, "forecast")).train.rate == 0.2


@pytest.mark.parametrize(
    "name",
    [
        "._toy_map.yaml",
        ".toy_map.yaml.swp",
        ".#toy_map.yaml",
        "toy_map.yaml~",
        "#toy_map.yaml#",
        "toy_map.yaml.bak",
        ".DS_Store",
    ],
)
def test_hidden_files_and_backups_are_no_studies(tmp_path, name):
    written(tmp_path)
    (tmp_path / name).write_bytes(b"\x00\x05\x16\x07\xff\xe9")
    assert study_names(tmp_path) == ["toy_map"]


def test_a_folder_and_an_editor_s_broken_link_are_no_studies(tmp_path):
    written(tmp_path)
    (tmp_path / "old.yaml").mkdir()
    (tmp_path / ".#toy_map.yaml").symlink_to("user@host.123")
    assert study_names(tmp_path) == ["toy_map"]


@pytest.mark.parametrize(
    "name", ["toy_map copy.yaml", "Toy_map.yaml", "toy-map.yaml", "toy_map (1).yaml", "toy_map.YAML", "my_paper.yml"]
)
def test_a_file_that_no_study_can_be_called_after_is_named(tmp_path, name):
    written(tmp_path)
    (tmp_path / name).write_text("title: x\n")
    with pytest.raises(UserError, match=f"{re.escape(name)}: .*[a-z0-9_]*.yaml"):
        study_names(tmp_path)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_yaml_in_another_encoding_is_named(tmp_path, encoding):
    (tmp_path / "a.yaml").write_bytes("a: 1\nb: é\n".encode(encoding))
    with pytest.raises(UserError, match=r"a.yaml, line \d: .*UTF-8"):
        read_yaml(tmp_path / "a.yaml")


def test_a_mark_at_the_head_of_the_file_is_none_of_the_first_key(tmp_path):
    (tmp_path / "a.yaml").write_bytes("a: 1\n".encode("utf-8-sig"))
    assert read_yaml(tmp_path / "a.yaml") == {"a": 1}
