"""The judge: controls, preconditions, missing results, and the order of verdicts."""

import csv

import pytest
import xarray as xr
import yaml

from pesin.claims.captions import captions
from pesin.claims.judge import COLUMNS, judge_folder, judge_study, to_parts, to_rows, to_tree
from pesin.claims.ledger import LEDGER_COLUMNS, counts, standing, tally, write_csv
from pesin.claims.prose import filled
from pesin.errors import UserError
from pesin.steps.files import open_result, publish
from project import ROOT, TOY, toy_study


def results(chaotic=(0.64, 0.65, 0.63), contracting=(-0.1, -0.2, -0.1), x=(0.5, 0.4)):
    tables = {
        ("entropy", "chaotic"): ("lyapunov_exponent", "seed", chaotic),
        ("entropy", "contracting"): ("lyapunov_exponent", "seed", contracting),
        ("simulate", "chaotic"): ("x", "time", x),
    }

    def opened(step, case):
        if (step, case) not in tables or tables[step, case][2] is None:
            raise UserError(f"{step}/{case} has no result")
        name, dim, values = tables[step, case]
        return xr.Dataset({name: (dim, list(values))}, coords={dim: range(len(values))})

    return opened


def judged(opened, **changes):
    rows, parts = judge_study("toy_map", toy_study(**changes), opened)
    return {row["claim"]: row for row in rows}, parts


def test_one_row_for_each_claim_with_the_stable_columns():
    rows, _ = judged(results())
    assert list(rows) == ["C1", "C2", "C3"]
    assert all(tuple(row) == tuple(COLUMNS) for row in rows.values())
    assert rows["C1"]["verdict"] == "reproduced" and rows["C1"]["control_flipped"] == "yes"
    assert rows["C1"]["needs_met"] == "yes" and rows["C1"]["n"] == 3 and rows["C1"]["figures"] == "exponents"
    assert rows["C3"]["verdict"] == "not testable here" and rows["C3"]["reason"] == "there are no lions here"


def test_a_theorem_is_illustrated_and_never_reproduced():
    exact = 0.6418538861723947
    assert judged(results(chaotic=(exact,) * 3))[0]["C2"]["verdict"] == "illustrated"
    assert judged(results())[0]["C2"]["verdict"] == "not reproduced"


def test_a_claim_that_does_not_come_out_says_so():
    row = judged(results(chaotic=(-0.64, -0.65, -0.63)))[0]["C1"]
    assert row["verdict"] == "not reproduced" and row["control_flipped"] == "nothing to flip"


def test_a_control_that_does_not_flip_takes_the_verdict_away():
    row = judged(results(contracting=(0.1, 0.11, 0.1)))[0]["C1"]
    assert row["verdict"] == "no verdict" and row["control_flipped"] == "no"
    assert "the control 'contracting' came out 'reproduced'" in row["reason"]


def test_a_control_needs_the_power_to_show_the_claim():
    """With three units the case itself fails: the control's failure proves nothing."""
    case = (0.5, -0.4, 0.4, 0.5, 0.6, 0.5, 0.6, 0.5, 0.5, 0.6)
    rows, _ = judged(results(chaotic=case))
    assert rows["C1"]["verdict"] == "no verdict" and rows["C1"]["control_flipped"] == "without power"
    assert "the control could not have shown it" in rows["C1"]["reason"]
    enough = judged(results(chaotic=case, contracting=(-0.1, -0.2, -0.1, -0.3, -0.2, -0.1, -0.2, -0.1)))[0]["C1"]
    assert enough["verdict"] == "reproduced" and enough["control_flipped"] == "yes"


def test_a_control_is_measured_against_the_units_that_it_shares():
    """Units are taken by their names where the case has them: here the last three, which show the claim."""
    opened = results(chaotic=(-0.5, -0.4, 0.4, 0.5, 0.6, 0.5, 0.6, 0.5, 0.5, 0.6, 0.55, 0.5))

    def named(step, case):
        found = opened(step, case)
        return found.assign_coords(seed=[9, 10, 11]) if case == "contracting" else found

    assert judged(named)[0]["C1"]["control_flipped"] == "yes"
    assert judged(opened)[0]["C1"]["control_flipped"] == "without power"


def test_a_control_that_is_half_there_does_not_flip():
    row = judged(results(contracting=(0.1, 0.2, 0.1)))[0]["C1"]
    assert row["control_flipped"] == "no"


def test_a_control_that_is_missing_does_not_flip():
    row = judged(results(contracting=None))[0]["C1"]
    assert row["verdict"] == "no verdict" and row["control_flipped"] == "no"


def test_a_precondition_that_fails_takes_the_verdict_away():
    row = judged(results(x=(0.5, 50.0)))[0]["C1"]
    assert row["verdict"] == "no verdict" and row["needs_met"] == "no" and "not below 10" in row["reason"]


def test_a_missing_result_is_no_verdict_with_its_reason():
    row = judged(results(chaotic=None))[0]["C1"]
    assert row["verdict"] == "no verdict" and row["reason"] == "entropy/chaotic has no result"


def test_a_variable_that_no_step_makes_is_named():
    claims = yaml.safe_load(yaml.safe_dump(TOY["claims"]))
    claims["C1"]["rule"]["value"]["variable"] = "lyapunov_exponents"
    row = judged(results(), claims=claims)[0]["C1"]
    assert row["verdict"] == "no verdict"
    assert "has no variable 'lyapunov_exponents'. Did you mean 'lyapunov_exponent'?" in row["reason"]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({"seeds": 1}, "no dimension 'seeds'. Did you mean 'seed'"),
        ({"seed": 17}, "no coordinate value 17"),
        ({"seed": {"from": 5, "to": 9}}, "nothing lies between 5 and 9"),
        ({"seed": {"form": 5, "to": 9}}, "a range is written"),
    ],
)
def test_a_selection_that_finds_nothing_is_named(at, message):
    claims = yaml.safe_load(yaml.safe_dump(TOY["claims"]))
    claims["C1"]["rule"]["value"]["at"] = at
    row = judged(results(), claims=claims)[0]["C1"]
    assert row["verdict"] == "no verdict" and message in row["reason"]


def test_of_several_rules_the_worst_decides():
    claims = yaml.safe_load(yaml.safe_dump(TOY["claims"]))
    first = claims["C1"]["rule"]
    claims["C1"]["rule"] = [first, first | {"above": 0.64, "in_at_least": 0.3}]
    row, parts = judged(results(), claims=claims)
    assert row["C1"]["verdict"] == "partly"
    assert [p["verdict"] for p in parts if p["claim"] == "C1" and not p["control"]] == ["reproduced", "partly"]


def test_a_part_that_is_not_the_heart_of_a_claim_makes_it_partly():
    claims = yaml.safe_load(yaml.safe_dump(TOY["claims"]))
    first = claims["C1"]["rule"]
    claims["C1"]["rule"] = [first, first | {"above": 0.645, "otherwise": "partly"}]
    assert judged(results(), claims=claims)[0]["C1"]["verdict"] == "partly"
    claims["C1"]["rule"] = [first | {"above": 9}, first | {"otherwise": "partly"}]
    assert judged(results(), claims=claims)[0]["C1"]["verdict"] == "not reproduced"


def test_a_part_that_fails_in_every_unit_is_no_half_success():
    claims = yaml.safe_load(yaml.safe_dump(TOY["claims"]))
    first = claims["C1"]["rule"]
    claims["C1"]["rule"] = [first, first | {"above": 9, "otherwise": "partly"}]
    assert judged(results(), claims=claims)[0]["C1"]["verdict"] == "not reproduced"
    exact = {"kind": "every", "value": first["value"], "above": 9, "otherwise": "partly"}
    claims["C1"]["rule"] = [first, exact]
    assert judged(results(), claims=claims)[0]["C1"]["verdict"] == "not reproduced"
    claims["C1"]["rule"] = [first, exact | {"above": 0.64}]
    assert judged(results(), claims=claims)[0]["C1"]["verdict"] == "partly"


def with_null(**need):
    """The toy with a map at rest beside its control, and a precondition on the exponents."""
    at_rest = {
        "of": "chaotic",
        "set": {},
        "must_fail": ["C1"],
        "why": "At rest.",
        "trivial": True,
        "steps": ["entropy"],
    }
    claims = yaml.safe_load(yaml.safe_dump(TOY["claims"]))
    if need:
        claims["C1"]["needs"] = {"step": "entropy", "case": "chaotic", "variable": "lyapunov_exponent"} | need
    return {"controls": TOY["controls"] | {"at_rest": at_rest}, "claims": claims}


def at_rest(values):
    opened = results()

    def found(step, case):
        return opened(step, "chaotic") * 0 + values if (step, case) == ("entropy", "at_rest") else opened(step, case)

    return found


def test_a_trivial_run_must_fail():
    row = judged(at_rest(-0.1), **with_null())[0]["C1"]
    assert (row["verdict"], row["null"], row["null_failed"]) == ("reproduced", "at_rest", "yes")
    assert (row["control"], row["control_flipped"]) == ("contracting", "yes")
    row = judged(at_rest(0.2), **with_null())[0]["C1"]
    assert (row["verdict"], row["null_failed"], row["control_flipped"]) == ("no verdict", "no", "yes")
    assert "at_rest" in row["reason"]
    lost = with_null()["controls"] | {"at_rest": with_null()["controls"]["at_rest"] | {"steps": None}}
    row = judged(at_rest(0.2), controls=lost)[0]["C1"]
    assert row["null_failed"] == "no", "a result that a precondition misses is no failure of the trivial run"


def test_a_trivial_run_may_fail_by_a_precondition():
    """It reads the trivial run's own numbers; on a control, preconditions excuse nothing."""
    row = judged(at_rest(0.2), **with_null(above=0.5))[0]["C1"]
    assert (row["verdict"], row["null_failed"]) == ("reproduced", "yes")
    row = judged(results(contracting=(0.1, 0.11, 0.1)), **with_null(above=0.5) | {"controls": TOY["controls"]})[0]["C1"]
    assert (row["verdict"], row["control_flipped"]) == ("no verdict", "no")


def test_a_precondition_is_held_against_the_trivial_run():
    """By a stated distance, element by element; and a trivial run is never ahead of itself."""
    trivial = {"step": "entropy", "case": "at_rest", "variable": "lyapunov_exponent"}
    need = {"above": trivial, "by": 0.4}
    row = judged(at_rest(0.2), **with_null(**need))[0]["C1"]
    assert (row["verdict"], row["null_failed"], row["needs_met"]) == ("reproduced", "yes", "yes")
    row = judged(at_rest(0.3), **with_null(**need))[0]["C1"]
    assert (row["verdict"], row["needs_met"]) == ("no verdict", "no")
    assert "not above lyapunov_exponent of entropy/at_rest (0.3 to 0.3) by 0.4 (found 0.63 to 0.65)" in row["reason"]
    row = judged(at_rest(float("nan")), **with_null(**need))[0]["C1"]
    assert row["needs_met"] == "no"


def test_prose_takes_its_numbers_from_the_results():
    rows = judged(results())[0]
    assert filled("C1 is {C1.verdict}: {C1.measured} [{C1.low}]", rows) == "C1 is reproduced: 0.64 [0.615]"
    assert filled("{C3.measured}, {C9.verdict}", rows) == "not judged yet, not judged yet"
    with pytest.raises(ValueError, match="no 'C9' here"):
        toy_study(summary="It is {C9.verdict}.")


def test_the_ledger_says_what_came_out_at_the_papers_size(tmp_path):
    rows, _ = judged(results())
    write_csv([rows["C1"]], tmp_path / "ledger.csv")
    assert standing([], [str(tmp_path / "ledger.csv")]) == {("toy_map", "C1"): {"at_paper_size": "reproduced"}}
    assert standing([], []) == {}


def test_the_ledger_round_trips(tmp_path):
    rows, parts = judge_study("toy_map", toy_study(), results())
    publish(to_tree(rows, parts), tmp_path / "claims.nc", {"step": "judge"})
    tree = open_result(tmp_path / "claims.nc")
    again = to_rows(tree)
    decides = [part for part in to_parts(tree) if part["decides"] and not part["control"]]
    assert [(part["claim"], part["over"], part["values"]) for part in decides] == [
        ("C1", "seed", [0.64, 0.65, 0.63]),
        ("C2", "element", []),
        ("C3", "", []),
    ]
    assert again[0]["accept_low"] == 0 and again[0]["over"] == "seed"
    write_csv(again, tmp_path / "ledger.csv")
    with open(tmp_path / "ledger.csv", newline="") as handle:
        table = list(csv.DictReader(handle))
    assert tuple(table[0]) == LEDGER_COLUMNS
    assert table[0]["measured"] == "0.64" and table[2]["measured"] == ""
    assert counts(again) == {"reproduced": 1, "not reproduced": 1, "not testable here": 1}
    assert tally(again) == "3 claims of 1 study: 1 reproduced, 1 not reproduced, 1 not testable here"


def test_captions_say_claim_look_verdict_and_file(tmp_path):
    rows, _ = judge_study("toy_map", toy_study(), results())
    text = captions("toy_map", toy_study(), rows, tmp_path, ROOT / "workflow/report/figure.rst")
    for part in (
        "C1: reproduced",
        "The exponent is positive",
        "All exponents lie above zero",
        "figures.py",
        "contracting",
    ):
        assert part in text


def test_captions_say_the_deviations_of_their_own_claims_alone(tmp_path):
    deviations = [{"what": f"Left {c}.", "why": "Time.", "claims": [c]} for c in ("C1", "C3")]
    rows, _ = judge_study("toy_map", toy_study(), results())
    text = captions("toy_map", toy_study(deviations=deviations), rows, tmp_path, ROOT / "workflow/report/figure.rst")
    assert "Left C1." in text and "Left C3." not in text


def test_a_folder_without_results_is_judged_too(tmp_path):
    rows, _ = judge_folder("toy_map", toy_study(), tmp_path)
    assert [row["verdict"] for row in rows] == ["no verdict", "no verdict", "not testable here"]
    assert "chaotic.log" in rows[0]["reason"]
