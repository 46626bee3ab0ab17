"""Close calls: the share of resamples with the same verdict, on data where the right share is known; and replicates."""

import numpy as np
import pytest
from test_judge import results
from test_rules import quantity, reader, rule

from pesin.claims.judge import CLOSE, judge_study
from pesin.claims.replicates import gather, read_replicates, report, said, write_replicates
from pesin.claims.rules import evaluate, resamples
from project import toy_study


def agreement(values, **spec):
    outcome = evaluate(rule(value=quantity("x"), over="seed", **spec), reader(x=values))
    votes = outcome.redraw()
    return outcome.verdict, votes.count(outcome.verdict) / len(votes)


def test_an_end_on_the_bound_is_a_toss_and_one_far_from_it_is_sure():
    """The end of the interval lies on the bound: half of the resamples put it on either side."""
    values = np.random.default_rng(0).normal(1, 1, 60)
    end = evaluate(rule(kind="bound", value=quantity("x"), above=0, over="seed"), reader(x=values)).low
    verdict, share = agreement(values, kind="bound", above=end - 1e-9)
    assert verdict == "reproduced" and share == pytest.approx(0.5, abs=0.12)
    assert agreement(values, kind="bound", above=-5)[1] == 1
    assert agreement(values, kind="bound", above=5) == ("not reproduced", 1)


def test_the_share_is_the_chance_that_a_mean_of_as_many_new_units_falls_the_same_way():
    """Units from a normal law whose mean and spread are the sample's: the chance is known from new samples."""
    rng = np.random.default_rng(1)
    values = rng.normal(0.5, 1, 40)
    values = (values - values.mean()) / values.std() + 0.55
    verdict, share = agreement(values, kind="bound", above=0.1)
    new = rng.normal(0.55, 1, (3000, 40))
    again = [agreement_of(row) == verdict for row in new]
    assert share == pytest.approx(np.mean(again), abs=0.08)


def agreement_of(row):
    return evaluate(rule(kind="bound", value=quantity("x"), above=0.1, over="seed"), reader(x=row)).verdict


def test_rules_over_the_same_units_are_resampled_together():
    assert resamples("seed", 7) is resamples("seed", 7)
    assert not np.array_equal(resamples("seed", 7), resamples("system", 7))
    assert resamples("seed", 7).max() == 6


def test_the_row_says_close_and_exact_numbers_say_how_far():
    exact = 0.6418538861723947
    rows, _ = judge_study("toy_map", toy_study(), results(chaotic=(exact, exact, exact + 5e-10)))
    by_claim = {row["claim"]: row for row in rows}
    assert by_claim["C1"]["agreement"] == 1 and by_claim["C1"]["close"] == ""
    assert np.isnan(by_claim["C2"]["agreement"])
    rows, _ = judge_study("toy_map", toy_study(), results(chaotic=(0.9, 0.1, 0.5, 0.05, 0.02, 0.9, 0.03, 0.2)))
    assert rows[0]["agreement"] < CLOSE and rows[0]["close"] == "yes"


def test_of_exact_numbers_the_worst_is_shown_and_its_distance_in_tolerances():
    spec = rule(kind="every", value=quantity("x"), than=1.0, tolerance=0.1)
    outcome = evaluate(spec, reader(x=[1.0, 1.05, 0.98]))
    assert outcome.verdict == "reproduced" and outcome.measured == pytest.approx(0.05) and outcome.n == 3
    assert outcome.distance == pytest.approx(0.5) and outcome.redraw is None
    outcome = evaluate(spec, reader(x=[1.0, 1.3, 0.98]))
    assert outcome.verdict == "not reproduced" and outcome.distance == pytest.approx(-2)
    assert "2 of 3 satisfy it" in outcome.reason


@pytest.mark.parametrize(
    ("values", "bounds", "verdict", "worst"),
    [
        ([1, 2, 3], {"above": 0}, "reproduced", 1),
        ([0, 2, 3], {"above": 0}, "not reproduced", 0),
        ([1, 2, 3], {"below": 3}, "not reproduced", 3),
        ([1, 2, 2.5], {"above": 0, "below": 3}, "reproduced", 2.5),
        ([1, np.nan, 2], {"above": 0}, "not reproduced", np.nan),
    ],
)
def test_every(values, bounds, verdict, worst):
    outcome = evaluate(rule(kind="every", value=quantity("x"), **bounds), reader(x=values))
    assert outcome.verdict == verdict and outcome.n == 3
    assert outcome.measured == pytest.approx(worst, nan_ok=True)


def test_every_needs_a_side():
    for bad in ({}, {"tolerance": 1.0}, {"above": 0, "tolerance": 1.0, "than": 1.0}, {"above": 0, "relative": True}):
        with pytest.raises(ValueError, match="give 'above'|compare with 'than'"):
            rule(kind="every", value=quantity("x"), **bad)


# --------------------------------------------------------------------------------------------------------- replicates

LEDGER = "study,claim,verdict,measured,low,high,close\n"


def test_replicates(tmp_path):
    rows = {
        "seed_0": "a,C1,reproduced,1,0.9,1.1,\na,C2,partly,1,0.9,1.1,yes\n",
        "seed_1": "a,C1,reproduced,1.05,0.9,1.2,\na,C2,reproduced,2,1.9,2.1,\n",
        "avx2": "a,C1,reproduced,1,0.9,1.1,\na,C2,partly,1,0.9,1.1,\n",
    }
    for name, text in rows.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "ledger.csv").write_text(LEDGER + text)
    found = gather({name: tmp_path / name for name in rows})
    write_replicates(found, tmp_path / "deep" / "replicates.csv")
    table = tmp_path / "deep" / "replicates.csv"
    assert sorted(read_replicates(table), key=str) == sorted(found, key=str)
    other = [row | {"study": "b"} for row in found[:1]]
    write_replicates(other, table)  # a run of some studies leaves the others' rows alone
    write_replicates(found[:2], table)
    assert sorted(read_replicates(table), key=str) == sorted([*found[:2], *other], key=str)
    assert said(found) == {("a", "C1"): "3 of 3", ("a", "C2"): "unsettled: 2 partly, 1 reproduced"}
    lines = report(found, {("a", "C2")})
    assert lines[0] == "1 of 2 verdicts are settled over 3 runs."
    assert "seed_1 against seed_0: 1 verdicts and 2 values moved, 1 beyond the interval" in lines
    assert lines[-1] == "1 close calls: 1 of the 1 unsettled verdicts were among them, 0 were not."
