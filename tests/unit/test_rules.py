"""The rules on data whose verdict is known: both ways, at the edge, and on noise."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from pesin.claims.models import Need, Quantity, Rule
from pesin.claims.rules import evaluate, need_met
from pesin.errors import UserError


def rule(**spec):
    return TypeAdapter(Rule).validate_python(spec)


def quantity(name, **more):
    return {"step": "entropy", "case": "a", "variable": name, **more}


def reader(**arrays):
    """A read function over plain arrays: 1-D are (seed,), 2-D are (seed, dose)."""

    def read(q):
        values = np.asarray(arrays[q.variable], float)
        dims = ("seed", "dose")[: values.ndim]
        return xr.DataArray(
            values, dims=dims, coords={d: np.arange(n) for d, n in zip(dims, values.shape, strict=True)}
        )

    return read


TIGHT = [0.99, 1.0, 1.01, 1.0, 1.0]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.9, 1.1, "reproduced"), (1.0, 1.1, "partly"), (1.1, 1.2, "not reproduced"), (0.0, 0.9, "not reproduced")],
)
def test_within_judges_the_interval_not_the_point(low, high, verdict):
    outcome = evaluate(rule(kind="within", value=quantity("x"), low=low, high=high, over="seed"), reader(x=TIGHT))
    assert outcome.verdict == verdict
    assert outcome.n == 5
    assert outcome.measured == pytest.approx(1.0)
    # Student t by hand: sd = sqrt(2e-4 / 4), t(4, 97.5 %) = 2.776445
    assert outcome.high - outcome.measured == pytest.approx(2.776445 * np.sqrt(0.5e-4 / 5), rel=1e-5)


def test_within_at_the_edge_counts():
    assert (
        evaluate(rule(kind="within", value=quantity("x"), low=1, high=1, over="seed"), reader(x=[1.0] * 4)).verdict
        == "reproduced"
    )


@pytest.mark.parametrize(("side", "bound", "verdict"), [("above", 0.5, "reproduced"), ("below", 0.5, "not reproduced")])
def test_bound(side, bound, verdict):
    spec = rule(kind="bound", value=quantity("x"), over="seed", **{side: bound})
    assert evaluate(spec, reader(x=TIGHT)).verdict == verdict


def test_bound_share_of_units_is_asked_beside_the_interval():
    spec = rule(kind="bound", value=quantity("x"), over="seed", above=0, in_at_least=0.9)
    assert evaluate(spec, reader(x=[1.0] * 20)).verdict == "reproduced"
    assert evaluate(spec, reader(x=[1.0] * 15 + [-0.1] * 5)).verdict == "partly"  # interval above 0, share 75 %
    assert evaluate(spec, reader(x=[1.0] * 9 + [-1.0] * 11)).verdict == "not reproduced"


def test_estimate_share_uses_wilson():
    spec = rule(kind="bound", value=quantity("x"), over="seed", above=0.9, estimate="share")
    good = evaluate(spec, reader(x=[1.0] * 100))
    assert good.verdict == "reproduced"
    assert good.low == pytest.approx(0.963, abs=1e-3)  # 100 / (100 + 1.96^2)
    assert evaluate(spec, reader(x=[1.0] * 95 + [0.0] * 5)).verdict == "partly"
    assert evaluate(spec, reader(x=[1.0] * 50 + [0.0] * 50)).verdict == "not reproduced"
    with pytest.raises(UserError, match="yes/no"):
        evaluate(spec, reader(x=[0.5] * 10))


def test_a_run_that_failed_counts_as_a_failure():
    spec = rule(kind="bound", value=quantity("x"), over="seed", above=0, in_at_least=0.8)
    assert evaluate(spec, reader(x=[1, 1, 1, 1, 1])).verdict == "reproduced"
    outcome = evaluate(spec, reader(x=[1, 1, 1, 1, np.nan]))
    assert outcome.verdict == "partly" and outcome.low == -np.inf and "1 without a value" in outcome.reason
    assert evaluate(spec, reader(x=[1, 1, np.nan, np.nan, np.nan])).verdict == "not reproduced"
    assert evaluate(spec, reader(x=[np.nan] * 5)).verdict == "not reproduced"


def test_too_few_units_give_no_verdict():
    outcome = evaluate(rule(kind="bound", value=quantity("x"), over="seed", above=0), reader(x=[1.0, 1.0]))
    assert outcome.verdict == "no verdict" and "only 2 along seed" in outcome.reason


@pytest.mark.parametrize(
    ("than", "verdict"),
    [([2, 3, 4, 5, 6], "reproduced"), ([0, 1, 2, 3, 4], "not reproduced"), ([1, 2, 3, 4, 5], "not reproduced")],
)
def test_ordering_both_ways_and_ties(than, verdict):
    spec = rule(kind="ordering", lower=quantity("a"), than=quantity("b"), over="seed", in_at_least=0.8)
    assert evaluate(spec, reader(a=[1, 2, 3, 4, 5], b=than)).verdict == verdict


def test_ordering_four_of_five_without_an_interval_is_partly():
    spec = rule(kind="ordering", lower=quantity("a"), than=quantity("b"), over="seed", in_at_least=0.8)
    assert evaluate(spec, reader(a=[0] * 5, b=[1, 1, 1, 1, -2])).verdict == "partly"
    assert evaluate(spec, reader(a=[0] * 5, b=[1, 1, 1, 1, -20])).verdict == "not reproduced"


def test_ordering_with_factor_and_margin():
    one, hundred = [1.0, 1.1, 0.9, 1.0], [150.0, 160, 140, 150]
    base = dict(kind="ordering", lower=quantity("a"), than=quantity("b"), over="seed")
    assert evaluate(rule(**base, factor=100), reader(a=one, b=hundred)).verdict == "reproduced"
    assert evaluate(rule(**base, factor=200), reader(a=one, b=hundred)).verdict == "not reproduced"
    assert evaluate(rule(**base, margin=100), reader(a=one, b=hundred)).verdict == "reproduced"
    # Right direction, centre beyond the margin, interval not: half of the claim.
    assert evaluate(rule(**base, margin=148), reader(a=one, b=hundred)).verdict == "partly"
    # factor < 1 is a tolerance: a may exceed b by 25 %.
    assert evaluate(rule(**base, factor=0.8), reader(a=[1.1] * 4, b=[1.0] * 4)).verdict == "reproduced"


def test_ordering_where_the_worse_one_is_infinite():
    spec = rule(kind="ordering", lower=quantity("a"), than=quantity("b"), over="seed", estimate="median")
    assert evaluate(spec, reader(a=[1, 1, 1], b=[np.inf, np.inf, np.inf])).verdict == "reproduced"


def test_monotone():
    up = rule(kind="monotone", value=quantity("x"), along="dose", direction="increasing", over="seed")
    rising = np.tile(np.arange(6.0), (4, 1))
    assert evaluate(up, reader(x=rising)).verdict == "reproduced"
    assert evaluate(up, reader(x=rising[:, ::-1])).verdict == "not reproduced"
    assert evaluate(up, reader(x=np.ones((4, 6)))).verdict == "not reproduced"
    down = rule(kind="monotone", value=quantity("x"), along="dose", direction="decreasing", over="seed")
    assert evaluate(down, reader(x=-rising)).verdict == "reproduced"


def test_monotone_at_the_edge():
    series = [0.0, 1.0, 3.0, 2.0, 4.0]  # one neighbour swap in five: rho = 0.9 exactly
    spec = rule(kind="monotone", value=quantity("x"), along="dose", direction="increasing", over="seed", at_least=0.9)
    assert evaluate(spec, reader(x=[series] * 3)).verdict == "reproduced"


@pytest.mark.parametrize(
    ("exponent", "verdict"),
    [(1.0, "reproduced"), (1.09, "reproduced"), (1.11, "not reproduced"), (-1, "not reproduced")],
)
def test_interval_finds_the_exponent(exponent, verdict):
    x = np.array([1.0, 10, 100])
    spec = rule(
        kind="interval",
        y=quantity("y"),
        x=quantity("x"),
        along="dose",
        scale="loglog",
        low=0.9,
        high=1.1,
        over="seed",
    )
    outcome = evaluate(spec, reader(y=[3 * x**exponent] * 3, x=[x] * 3))
    assert outcome.measured == pytest.approx(exponent)
    assert outcome.verdict == verdict


def test_interval_of_a_negative_value_on_a_log_axis_is_a_failure():
    spec = rule(
        kind="interval", y=quantity("y"), along="dose", scale="semilog", low=-9, high=9, over="seed", in_at_least=1
    )
    assert evaluate(spec, reader(y=[[1.0, -1.0, 2.0]] * 4)).verdict == "not reproduced"


def test_correlation():
    x = np.arange(40.0)
    noise = np.random.default_rng(0).normal(size=40)
    base = dict(kind="correlation", x=quantity("x"), y=quantity("y"), over="seed")
    assert evaluate(rule(**base, above=0.4), reader(x=x, y=x**3)).verdict == "reproduced"
    assert evaluate(rule(**base, above=0.4), reader(x=x, y=-x)).verdict == "not reproduced"
    assert evaluate(rule(**base, above=0.4), reader(x=x, y=noise)).verdict == "not reproduced"
    assert evaluate(rule(**base, above=0.4), reader(x=x, y=np.ones(40))).verdict == "not reproduced"
    assert evaluate(rule(**base, above=0.4), reader(x=x, y=x + 25 * noise)).verdict == "partly"
    assert evaluate(rule(**base, above=0.4), reader(x=x[:4], y=x[:4])).verdict == "no verdict"
    assert evaluate(rule(**base, below=-0.4), reader(x=x, y=-x)).verdict == "reproduced"


def test_identity():
    base = dict(kind="identity", left=quantity("a"), tolerance=1e-6)
    assert evaluate(rule(**base, right=2), reader(a=[2, 2 + 1e-7])).verdict == "reproduced"
    assert evaluate(rule(**base, right=2), reader(a=[2, 2 + 1e-5])).verdict == "not reproduced"
    assert evaluate(rule(**base, right=2), reader(a=[2, np.nan])).verdict == "not reproduced"
    assert (
        evaluate(rule(**base, right=quantity("b"), relative=True), reader(a=[1e9], b=[1e9 + 1])).verdict == "reproduced"
    )


def test_not_testable_says_why():
    outcome = evaluate(rule(kind="not_testable", reason="no such data"), reader())
    assert (outcome.verdict, outcome.reason) == ("not testable here", "no such data")


def test_left_over_dimensions_are_named():
    with pytest.raises(UserError, match=r"x is left with the dimensions \(seed, dose\)"):
        evaluate(rule(kind="bound", value=quantity("x"), above=0, over="seed"), reader(x=np.ones((3, 3))))


def test_needs():
    need = Need(step="train", case="a", variable="x", below=0.5)
    assert need_met(need, reader(x=[0.1, 0.4])) == ""
    assert "not below 0.5 (found 0.1 to 0.6)" in need_met(need, reader(x=[0.1, 0.6]))
    assert need_met(need, reader(x=[0.1, np.nan]))
    assert need_met(Need(step="train", case="a", variable="x", below=0.5, in_at_least=0.5), reader(x=[0.1, 9])) == ""


# --- Noise: with shuffled labels a rule reproduces in about 5 % of cases and not more.

TRIALS = 1000
NULL = [
    ("ordering", 5, {"in_at_least": 0.8}),
    ("ordering", 20, {"in_at_least": 0.5}),
    ("ordering", 20, {"estimate": "median"}),
    ("ordering", 20, {}),
    ("correlation", 12, {"above": 0}),
    ("correlation", 60, {"above": 0}),
    ("monotone", 5, {"along": "dose", "direction": "increasing", "at_least": 0.2}),
    ("interval", 8, {"along": "dose", "low": 0.0, "high": 1e9}),
]


@pytest.mark.parametrize(("kind", "n", "more"), NULL)
def test_shuffled_labels_reproduce_in_five_percent_and_not_more(kind, n, more):
    rng = np.random.default_rng(12345)
    spec = NULL_RULES[kind](more)
    hits = sum(evaluate(spec, reader(**_shuffled(kind, n, rng))).verdict == "reproduced" for _ in range(TRIALS))
    assert hits / TRIALS < 0.06
    assert hits > 0, "a rule that never reproduces on noise may be one that never reproduces"


NULL_RULES = {
    "ordering": lambda more: rule(kind="ordering", lower=quantity("x"), than=quantity("y"), over="seed", **more),
    "correlation": lambda more: rule(kind="correlation", x=quantity("x"), y=quantity("y"), over="seed", **more),
    "monotone": lambda more: rule(kind="monotone", value=quantity("x"), over="seed", **more),
    "interval": lambda more: rule(kind="interval", y=quantity("x"), over="seed", **more),
}


def _shuffled(kind, n, rng):
    """Data with a perfect effect whose labels are shuffled: within the pair, over the units, or along the dose."""
    if kind == "ordering":
        x, y = rng.permuted(np.sort(rng.normal(size=(2, n)), axis=0), axis=0)
    elif kind == "correlation":
        x = rng.normal(size=n)
        y = rng.permutation(x)
    else:
        return {"x": rng.permuted(np.tile(np.arange(6.0), (n, 1)), axis=1)}
    return {"x": x, "y": y}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=12),
    st.floats(-1e6, 1e6),
    st.floats(0.1, 10),
    st.sampled_from(["mean", "median"]),
)
def test_a_bound_does_not_depend_on_the_unit_of_measure(values, bound, scale, estimate):
    spec = dict(kind="bound", value=quantity("x"), over="seed", estimate=estimate)
    scaled = np.asarray(values) * 2 ** round(scale)  # powers of two: no rounding at the edge
    first = evaluate(rule(**spec, above=bound), reader(x=values)).verdict
    assert evaluate(rule(**spec, above=bound * 2 ** round(scale)), reader(x=scaled)).verdict == first


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=3, max_size=12))
def test_above_and_below_never_both_reproduce(values):
    spec = dict(kind="bound", value=quantity("x"), over="seed")
    verdicts = {evaluate(rule(**spec, **{side: 0.1}), reader(x=values)).verdict for side in ("above", "below")}
    assert verdicts != {"reproduced"}


def test_quantity_model_refuses_a_misspelt_reduction():
    with pytest.raises(ValueError, match="reduce"):
        Quantity.model_validate(quantity("x", reduce={"seed": "avg"}))
