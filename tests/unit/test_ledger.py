"""The ledger as data and as a page: whole with anything missing, escaped, its picture of an interval right."""

import json
import math
import re

import pytest

from made_up import TEMPLATE, made_up
from pesin.claims.facts import Ledger, bibtex
from pesin.claims.judge import judge_study
from pesin.claims.ledger import write_ledger
from pesin.claims.page import SAMPLE, doubts, duration, halves, marked, plural
from pesin.claims.strip import accepted, said, short, strip
from pesin.config.models import Source
from pesin.errors import UserError
from project import TOY, toy_study


def nothing(step, case):
    raise UserError(f"{step}/{case} has no result")


def paper(**changes):
    return toy_study(**changes).model_dump(mode="json", by_alias=True, exclude_unset=True) | {
        "cases": {"chaotic": {"steps": ["simulate", "entropy"]}}
    }


def written(folder, judged, **changes):
    write_ledger(judged, {"toy_map": paper(**changes)}, [], "smoke", folder, TEMPLATE)
    facts = Ledger.model_validate_json((folder / "ledger.json").read_text())
    return facts, (folder / "ledger.html").read_text()


def test_a_study_with_no_results_is_on_the_page(tmp_path):
    rows = judge_study("toy_map", toy_study(), nothing)
    facts, page = written(tmp_path, {"toy_map": rows})
    assert [claim.verdict for claim in facts.claims] == ["no verdict", "no verdict", "not testable here"]
    assert "entropy/chaotic has no result" in page and "This figure is missing" in page


def test_a_study_that_was_never_judged_is_on_the_page(tmp_path):
    facts, page = written(tmp_path, {})
    assert {claim.verdict for claim in facts.claims} == {"no verdict"}
    assert "not judged yet" in page and page.count('class="claim"') == 3


@pytest.mark.parametrize("verdict", ["", "perhaps"])
def test_a_verdict_missing_or_unknown_is_none(tmp_path, verdict):
    rows, parts = judge_study("toy_map", toy_study(), nothing)
    rows[0]["verdict"] = verdict
    assert written(tmp_path, {"toy_map": (rows, parts)})[0].claims[0].verdict == "no verdict"


def test_html_is_shown_as_text_wherever_it_stands(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    claims = json.loads(json.dumps(TOY["claims"]))
    claims["C1"] |= {"says": evil, "note": evil, "paper": {"value": evil, "where": evil, "note": evil}}
    figures = {"exponents": TOY["figures"]["exponents"] | {"title": evil, "look": evil}}
    changes = {"claims": claims, "figures": figures, "title": evil, "topic": evil, "summary": evil}
    changes["source"] = TOY["source"] | {"authors": evil, "title": evil}
    study = toy_study(**changes)
    _, page = written(tmp_path, {"toy_map": judge_study("toy_map", study, nothing)}, **changes)
    assert "<script>alert" not in page and "<img src=x" not in page and "&lt;script&gt;alert(1)" in page


def test_csv_json_and_page_hold_the_same_claims(tmp_path):
    page = made_up(tmp_path / "results/laptop", papers=3, figures=1)
    facts = Ledger.model_validate_json(page.with_suffix(".json").read_text())
    lines = page.with_suffix(".csv").read_text().splitlines()
    assert len(facts.claims) == len(lines) - 1 == page.read_text().count('<tbody role="rowgroup" class="claim"') == 18
    for claim, line in zip(facts.claims, lines[1:], strict=True):
        assert line.startswith(f"{claim.study},") and f",{claim.verdict}," in line
        if isinstance(claim.measured, float):
            assert f",{claim.measured:.6g}," in line
    assert sum(facts.counts.values()) == 18


def test_the_same_ledger_twice_is_the_same_page(tmp_path):
    first, second = (made_up(tmp_path / "results/laptop", papers=2, figures=1).read_bytes() for _ in range(2))
    assert first == second


def test_ordering_and_correlation_regions_in_words():
    assert accepted(SAMPLE) == "0.9 to 1.3"
    change = SAMPLE.model_copy
    assert accepted(change(update={"rule": "ordering", "accept_low": 5e-324, "accept_high": "inf"})) == "above 0"
    assert accepted(change(update={"rule": "correlation", "accept_low": 0.3, "accept_high": 1.0})) == "at least 0.3"
    assert accepted(change(update={"accept_low": "-inf", "accept_high": 0.15})) == "at most 0.15"
    assert accepted(change(update={"accept_low": 0.0, "accept_high": 0.0})) == "exactly 0"
    assert accepted(change(update={"accept_low": None, "accept_high": None})) == ""


def test_the_strip_draws_where_the_numbers_lie():
    svg = str(strip(SAMPLE, [0.8, 1.0, None, 50.0]))
    left, width = map(float, re.search(r'class="accept" x="([\d.]+)" y="2" width="([\d.]+)"', svg).groups())
    start, stop = map(float, re.search(r'class="interval" d="M([\d.]+) 11H([\d.]+)', svg).groups())
    assert start < left < stop < left + width  # 0.86 < 0.9 < 1.18 < 1.3
    per = width / 0.4
    assert (stop - start) / per == pytest.approx(1.18 - 0.86, abs=2e-3)
    assert svg.count("<circle") == 2 and svg.count('<path class="unit"') == 1  # the outlier is a triangle at the edge


def test_an_interval_without_end_reaches_the_edge_and_nothing_measured_draws_nothing():
    svg = str(strip(SAMPLE.model_copy(update={"low": "-inf", "high": "inf"})))
    assert 'class="interval" d="M0.0 11H220.0"' in svg
    assert "−∞ to ∞" in said(SAMPLE.model_copy(update={"low": "-inf", "high": "inf"}))
    assert strip(SAMPLE.model_copy(update={"measured": None})) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123456, "0.0123"), (-3.4612, "−3.46"), (1.89492e-7, "1.89 × 10⁻⁷"), (131.0, "131"), (24100.0, "24100"),
     (0, "0"), (5e-324, "0"), ("inf", "∞"), (None, ""), (2.5e9, "2.5 × 10⁹")],
)  # fmt: skip
def test_numbers_for_readers(value, text):
    assert short(value) == text


def test_small_words():
    assert [plural("seed", 1), plural("seed", 3), plural("policy", 2), plural("array", 2)] == [
        "seed",
        "seeds",
        "policies",
        "arrays",
    ]
    assert [duration(0.44), duration(75), duration(600), duration(9000)] == ["0.4 s", "75 s", "10 min", "2.5 h"]
    assert halves("We ran it. What to doubt: (1) all.") == ("We ran it.", "(1) all.")
    assert halves("We ran it. A reader should doubt all.") == ("We ran it.", "A reader should doubt all.")
    assert halves("We ran it.") == ("We ran it.", "")


def test_backticks_are_code_and_html_is_text():
    assert marked("`keep: [a]` beats <b>all</b>") == "<code>keep: [a]</code> beats &lt;b&gt;all&lt;/b&gt;"
    assert marked("one ` alone, `<i>`") == "one <code> alone, </code>&lt;i&gt;`"


def test_bibtex_escapes_and_names_the_paper():
    source = Source(authors="Ada & Berg, Cole", title="50% of it", venue="J_X", year=2001, arxiv="2001.00001")
    entry = bibtex("ada", source)
    assert entry.startswith("@misc{ada,") and "author = {Ada \\& Berg and Cole}" in entry
    assert "title = {{50\\% of it}}" in entry and "eprint = {2001.00001}" in entry and entry.endswith("\n}")


def test_doubts_name_what_is_weak(tmp_path):
    facts = Ledger.model_validate_json(made_up(tmp_path, papers=1, drawn=False).with_suffix(".json").read_text())
    claims = [c.model_copy(update={"evidence": "surrogate", "n": 3, "over": "seed"}) for c in facts.claims[:1]]
    claims = [c.model_copy(update={"verdict": "partly", "control": "", "surprise": False}) for c in claims]
    assert doubts(claims) == [
        "On substituted data: C1.",
        "With no control in which the effect is taken away: C1.",
        "With no trivial run that must fail: C1.",
        "On fewer than 10 independent units: C1 (3 seeds).",
    ]


def test_json_has_no_number_that_json_lacks(tmp_path):
    text = made_up(tmp_path, papers=2, drawn=False).with_suffix(".json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert re.search('"-?inf"', text) and math.isfinite(json.loads(text)["claims"][0]["n"])


def test_the_picture_of_a_bound_that_is_the_smallest_number_above_zero():
    lost = {"measured": "-inf", "low": "-inf", "high": "-inf", "values": ["-inf"] * 3}
    assert "<svg" in strip(SAMPLE.model_copy(update=lost | {"accept_low": 5e-324, "accept_high": "inf"}))
