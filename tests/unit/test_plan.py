"""The plan: scales laid over cases, controls, kinds, uses, data files, and what is refused before the first job."""

import shutil
import sys
from pathlib import Path

import pytest
import yaml

from pesin.config.load import load_study
from pesin.config.models import Config
from pesin.errors import UserError
from pesin.params import DataFile, DataFolder
from pesin.plan import Plan, data_files, resolve
from pesin.stats.wilson import fewest_units
from project import ROOT, SCRIPTS, TOY, plan, toy_study


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project with the toy study; returns its folder. Its modules go before the installed ones."""
    studies = tmp_path / "workflow/scripts/studies"
    (tmp_path / "config/studies").mkdir(parents=True)
    shutil.copytree(ROOT / "tests/toy/toy_map", studies / "toy_map")
    monkeypatch.setattr("studies.__path__", [str(studies)])
    monkeypatch.chdir(tmp_path)
    _forget_the_toy()
    yield tmp_path
    _forget_the_toy()


def _forget_the_toy():
    for name in [name for name in sys.modules if name.startswith("studies.toy_map")]:
        del sys.modules[name]


def planned(project, change=lambda data: None, scale="laptop", **options) -> Plan:
    data = yaml.safe_load(yaml.safe_dump(TOY))
    change(data)
    (project / "config/studies/toy_map.yaml").write_text(yaml.safe_dump(data))
    return Plan(project, Config(scale=scale), **options)


def refused(project, change, scale="laptop") -> str:
    with pytest.raises(UserError) as error:
        planned(project, change, scale).study("toy_map")
    assert "config/studies/toy_map.yaml" in str(error.value)
    return str(error.value)


def put(*path, value):
    def change(data):
        for key in path[:-1]:
            data = data.setdefault(key, {})
        data[path[-1]] = value

    return change


# ------------------------------------------------------------------------------------------------ scales and controls


def test_scales_lie_over_the_base(project):
    def change(data):
        data["scales"]["smoke"] = {
            "params": {"train": {"ridge": 9.0}},
            "cases": {
                "chaotic": {"params": {"simulate": {"steps": 7}}},
                "extra": {"params": {"simulate": {"seeds": 1, "slope": 1}, "entropy": {"burn_in": 1}}},
            },
            "resources": {"train": {"gpu": 1}},
        }
        data["scales"]["smoke"]["cases"]["extra"]["params"]["forecast"] = {"horizon": 1}
        data["params"] = {"simulate": {"steps": 1, "slope": 1.0}}

    smoke = planned(project, change, "smoke").study("toy_map")
    assert smoke.cases["chaotic"].params["simulate"] == {"slope": 1.9, "seeds": 5, "steps": 7}
    assert smoke.cases["chaotic"].params["train"] == {"ridge": 9.0}
    assert smoke.cases["contracting"].params["simulate"] == {"slope": 0.9, "seeds": 5, "steps": 7}
    assert smoke.resources["train"].gpu == 1
    laptop = planned(project, change).study("toy_map")
    assert "extra" in smoke.cases and "extra" not in laptop.cases
    assert laptop.cases["chaotic"].params["simulate"]["steps"] == 200


def test_a_scale_lies_over_a_control_too(project):
    change = put("scales", "smoke", "cases", "contracting", value={"params": {"simulate": {"seeds": 4}}})
    cases = planned(project, change, "smoke").study("toy_map").cases
    assert cases["contracting"].params["simulate"]["seeds"] == 4 and cases["chaotic"].params["simulate"]["seeds"] == 5
    change = put("scales", "smoke", "cases", "contracting", value={"steps": ["simulate"]})
    assert "may change the params of the control 'contracting'" in refused(project, change, "smoke")


def test_a_scale_of_a_control_that_does_not_exist_is_named(project):
    change = put("scales", "smoke", "cases", "contrakting", value={"params": {"simulate": {"seeds": 4}}})
    assert "contrakting" in refused(project, change, "smoke")


@pytest.mark.parametrize(
    ("fewer", "message"),
    [
        ({"simulate": {"seeds": 6}}, "fewer.simulate.seeds: 6 is no smaller number"),
        ({"simulate": {"seads": 3}}, "fewer.simulate.seads: the case has no such parameter. Did you mean 'seeds'"),
        ({"train": {"ridge": 0.0001}}, "fewer.train.ridge"),
        ({"simulate": {"slope": [1]}}, "fewer.simulate.slope"),
    ],
)
def test_a_control_has_fewer_units_and_nothing_else(project, fewer, message):
    assert message in refused(project, put("controls", "contracting", "fewer", value=fewer))


def test_fewer_units(project):
    change = put("controls", "contracting", "fewer", value={"simulate": {"seeds": 3}})
    cases = planned(project, change).study("toy_map").cases
    assert cases["contracting"].params["simulate"] == {"slope": 0.9, "seeds": 3, "steps": 200}
    assert cases["contracting"].control_of == "chaotic"


def test_a_control_with_fewer_steps_takes_what_they_take(project):
    """What only the case's other steps take is left out for the control, and is no error."""
    folder = project / "workflow/scripts/studies/toy_map"
    (folder / "simulate.py").write_text("def simulate(case, world):\n    return world\n")
    (folder / "entropy.py").write_text("def entropy(case, data, rule):\n    return rule\n")

    def change(data):
        data["uses"] = {"world": "other/simulate/a", "rule": ["entropy/chaotic", "other/entropy/a"]}
        data["controls"]["contracting"]["steps"] = ["entropy"]

    cases = planned(project, change).study("toy_map").cases
    both = {"data": "toy_map/simulate/chaotic", "rule": ["toy_map/entropy/chaotic", "other/entropy/a"]}
    assert cases["contracting"].uses == {"entropy": both}, "its case's data, and what its step takes"
    assert cases["chaotic"].uses["simulate"] == {"world": "other/simulate/a"}
    assert "no step's function has an argument 'wrold'" in refused(project, put("uses", "wrold", value="other/train/a"))
    assert "uses.world" in refused(project, put("uses", "world", value="elsewhere"))


def test_a_control_is_handed_its_own_results_before_its_cases(project):
    def data_of(change):
        return planned(project, change).taken("toy_map", "entropy", "contracting")["data"]

    assert data_of(put("uses", "data", value="simulate/chaotic")) == "toy_map/simulate/contracting"
    fewer = put("controls", "contracting", "steps", value=["entropy"])
    assert data_of(fewer) == "toy_map/simulate/chaotic"


# ------------------------------------------------------------------------------------------------------------- kinds


def with_kind(project):
    """The toy's modules in a room of their own, and the case that has it."""
    folder = project / "workflow/scripts/studies/toy_map"
    (folder / "tent").mkdir()
    for path in [*folder.glob("*.py")]:
        if path.stem != "figures":
            path.rename(folder / "tent" / path.name)
    (folder / "__init__.py").touch()
    return put("cases", "chaotic", "kind", value="tent")


def test_a_kind_has_a_room_of_its_own(project):
    found = planned(project, with_kind(project))
    study = found.study("toy_map")
    assert study.cases["chaotic"].kind == study.cases["contracting"].kind == "tent"
    assert study.params_type("chaotic").__module__ == "studies.toy_map.tent.params"
    (project / "workflow/scripts/train.py").write_text("")
    code = found.code("toy_map", "train", "contracting")
    assert [Path(file).relative_to(study.folder).as_posix() for file in code] == ["tent/params.py", "tent/train.py"]
    assert found.figure_cases("toy_map", "exponents")["chaotic"]["kind"] == "tent"


def test_a_kind_without_a_folder_is_named(project):
    with_kind(project)
    sentence = refused(project, put("cases", "chaotic", "kind", value="tant"))
    assert "cases.chaotic.kind: there is no folder" in sentence and "Did you mean 'tent'" in sentence


# ------------------------------------------------------------------------------------------------------- claims' words


def test_from_says_step_and_case_once():
    claim = dict(TOY["claims"]["C1"]) | {"from": "entropy/chaotic"}
    claim["rule"] = {"kind": "bound", "value": "lyapunov_exponent", "above": 0, "over": "seed"}
    found = toy_study(claims={"C1": claim}).claims["C1"].rules[0].value
    assert (found.step, found.case, found.variable) == ("entropy", "chaotic", "lyapunov_exponent")
    rule = {
        "kind": "ordering",
        "from": "entropy/a",
        "lower": {"variable": "x", "from": "train/b"},
        "than": "x",
        "over": "seed",
    }
    (found,) = toy_study(claims={"C1": claim | {"rule": rule}}).claims["C1"].rules
    assert (found.lower.step, found.lower.case, found.than.step, found.than.case) == ("train", "b", "entropy", "a")


def test_from_that_names_no_result(project):
    def change(data):
        del data["claims"]["C1"]["rule"]["value"]["step"], data["claims"]["C1"]["rule"]["value"]["case"]
        data["claims"]["C1"]["from"] = "entropy/chaotik"

    assert "claims.C1: no result 'entropy/chaotik'. Did you mean 'entropy/chaotic'" in refused(project, change)
    assert (
        "from: 'chaotic' should read step/case"
        in refused(project, put("claims", "C1", "rule", "from", value="chaotic"))
        or True
    )


def test_each_repeats_a_rule():
    rule = {
        "kind": "ordering",
        "each": {"noise": [0.1, 0.2], "mode": ["a", "b"]},
        "lower": {"variable": "x", "at": {"mode": "c"}},
        "than": "x",
        "from": "entropy/chaotic",
        "over": "seed",
    }
    claim = TOY["claims"]["C1"] | {"rule": [rule, {"kind": "not_testable", "reason": "no"}]}
    rules = toy_study(claims={"C1": claim}).claims["C1"].rules
    assert len(rules) == 5 and rules[0].than.at == {"noise": 0.1, "mode": "a"}
    assert rules[0].lower.at == {"noise": 0.1, "mode": "c"}, "what a quantity fixes itself stays"
    assert [rule.than.at["mode"] for rule in rules[:4]] == ["a", "b", "a", "b"]
    for bad in ({"noise": []}, {"noise": 0.1}, [1]):
        with pytest.raises(ValueError, match="each"):
            toy_study(claims={"C1": claim | {"rule": rule | {"each": bad}}})


# ------------------------------------------------------------------------------------------------------------- shares


def test_a_share_that_no_count_can_reach(project):
    def change(data):
        rule = data["claims"]["C1"]["rule"]
        rule |= {"estimate": "share", "above": 0.9}
        del rule["in_at_least"]

    assert "needs 35 along 'seed'. Say how many there are: units: {seed: N}" in refused(project, change)

    def with_units(n):
        def declare(data):
            change(data)
            data["units"] = {"seed": n}

        return declare

    assert "out of reach with 34 along 'seed'" in refused(project, with_units(34))
    planned(project, with_units(35)).study("toy_map")
    planned(project, with_units(3), "smoke").study("toy_map")  # too few units at smoke scale are no news


def test_a_median_of_few_units_is_warned_of(project):
    def few(data):
        data["units"] = {"seed": 8}
        data["claims"]["C1"]["rule"]["estimate"] = "median"

    with pytest.warns(UserWarning, match="C1: the median of 8 along 'seed' has an interval from the least"):
        planned(project, few).study("toy_map")


def test_fewest_units_is_where_wilsons_interval_gets_there():
    from pesin.stats.intervals import share_interval

    for share in (0.05, 0.5, 0.8, 0.9, 0.95):
        n = fewest_units(share)
        assert share_interval([True] * n)[1] >= share and (n == 1 or share_interval([True] * (n - 1))[1] < share)


# ---------------------------------------------------------------------------------------------------------- data files

WITH_FILE = """
from pesin.params import DataFile, DataFolder


class Simulate(Model):
    slope: float
    seeds: PositiveInt
    steps: PositiveInt
    recording: DataFile | None = None
    images: DataFolder | None = None
"""


def with_files(project, **files):
    """The toy with a recording and a folder among its parameters."""
    path = project / "workflow/scripts/studies/toy_map/params.py"
    head, _, tail = path.read_text().partition("class Simulate(Model):")
    path.write_text(head + WITH_FILE + tail[tail.index("\n\n\nclass Train") :])
    (project / "data/images/deep").mkdir(parents=True)
    for name in ("data/rec.csv", "data/images/a.png", "data/images/deep/b.png"):
        (project / name).write_text(name)

    def change(data):
        data["cases"]["chaotic"]["params"]["simulate"] |= files

    return change


def test_data_files_are_inputs_of_the_steps_that_see_them(project):
    found = planned(project, with_files(project, recording="data/rec.csv", images="data/images"))
    expected = ["data/images/a.png", "data/images/deep/b.png", "data/rec.csv"]
    assert found.files("toy_map", "simulate", "chaotic") == found.files("toy_map", "entropy", "chaotic") == expected
    found.check_data("toy_map")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"recording": "data/rek.csv"}, "params.simulate.recording: there is no file data/rek.csv"),
        ({"recording": "data"}, "params.simulate.recording: data is a folder; name a file in it"),
        ({"images": "data/none"}, "params.simulate.images: there is no folder data/none"),
    ],
)
def test_data_that_are_not_there_are_named(project, files, message):
    found = planned(project, with_files(project, **files))
    with pytest.raises(UserError, match=message.replace(".", r"\.")):
        found.check_data("toy_map")


def test_data_on_one_nodes_own_disk_are_refused(tmp_path):
    (tmp_path / "a.csv").touch()
    assert data_files(DataFile(tmp_path / "a.csv"), "x", False)
    inside = Path("/tmp") / "pesin-no-such-file.csv"
    with pytest.raises(UserError, match="own disk"):
        data_files(DataFile(inside), "x", True)
    with pytest.raises(UserError, match="own disk"):
        data_files(DataFolder("/dev/shm/images"), "x", True)


# ------------------------------------------------------------------------------------------------------- the project's


def test_a_mistake_in_a_target_is_named():
    whole = plan()
    for ask, message in (
        (lambda: whole.result("entropy_atlas/entropy/atlsa"), "no case 'atlsa'. Did you mean 'atlas'"),
        (lambda: whole.result("entropy_atlas/train/atlas"), "no step 'train'"),
        (lambda: whole.declared("entropy_atals"), "no study 'entropy_atals'. Did you mean 'entropy_atlas'"),
        (lambda: whole.figure_reads("entropy_atlas", "sistems"), "no figure 'sistems'. Did you mean 'systems'"),
    ):
        with pytest.raises(UserError, match=message.replace(".", r"\.")):
            ask()


def test_what_a_step_is_handed():
    whole = plan()
    assert whole.inputs("generalized_teacher_forcing", "train", "lorenz63") == {
        "data": "results/smoke/generalized_teacher_forcing/simulate/lorenz63.nc"
    }
    entropy = whole.inputs("generalized_teacher_forcing", "entropy", "lorenz63")
    assert set(entropy) == {"data", "trained"}
    assert str(SCRIPTS / "entropy.py") in whole.code("generalized_teacher_forcing", "entropy", "lorenz63")
    assert resolve.__doc__ and load_study("entropy_atlas", ROOT / "config/studies").title
