"""What a study's yaml may say under `claims`: quantities, rules, preconditions, as pydantic models."""

from __future__ import annotations

from itertools import product
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, model_validator

from pesin.params import Model, Name, Share

ClaimId = Annotated[str, Field(pattern=r"^C[0-9]+[a-z]?$")]
Step = Literal["simulate", "train", "entropy", "forecast"]
Verdict = Literal["reproduced", "partly", "not reproduced", "not testable here", "illustrated"]
Evidence = Literal["measured", "surrogate", "illustrated"]


# ---------------------------------------------------------------------------------------------- quantities and rules


class Range(Model):
    """All coordinate values between two bounds, both included."""

    from_: float = Field(alias="from")
    to: float


class Quantity(Model):
    """A measured variable of one result file, narrowed to what a rule needs. A bare word is a variable."""

    step: Step
    """The step whose result holds the variable; `from` says it for many quantities at once."""
    case: Name
    """The case whose result holds the variable. In a control it is replaced by the control's own result."""
    variable: str
    """Name of the variable; `group/name` inside a DataTree."""
    at: dict[str, Any] = {}
    """Coordinate value, list of values, or {from, to}, per dimension."""
    reduce: dict[str, Literal["mean", "median", "min", "max", "sum", "first", "last"]] = {}
    """What to do with a dimension that is left, in the order written."""


class Ruled(Model):
    """What all rules that measure have in common."""

    otherwise: Literal["partly", "not reproduced"] = "not reproduced"
    """What becomes of the claim if this rule, one of several, fails: `partly` for the part of a claim that isn't its
    heart."""
    from_: str | None = Field(None, alias="from")
    """step/case of the quantities that name none of their own. A claim may say it for all its rules."""
    each: dict[str, list[Any]] | None = None
    """dimension: coordinate values. The rule is repeated at each of them (of several dimensions, at each combination),
    in every quantity that doesn't fix that dimension itself."""


class Judged(Ruled):
    """What rules that resample an independent unit have in common."""

    over: str
    """The dimension of independent units that is resampled (seed, system, orbit; never windows of one series)."""
    estimate: Literal["mean", "median", "share"] = "mean"
    """Centre over the units: mean with a Student-t interval, median with an order-statistic interval, or (of yes/no
    values) the share with a Wilson interval."""
    in_at_least: Share | None = None
    """Share of units that must satisfy the rule one by one, beside the interval of the centre."""
    partly_at_least: Share = 0.5
    """Share of units from which the claim counts as `partly`, if the interval of the centre satisfies the rule."""


class Within(Judged):
    """The centre over the units, with its whole interval, lies between two bounds."""

    kind: Literal["within"]
    value: Quantity
    low: float
    high: float


class Bound(Judged):
    """The centre over the units, with its whole interval, lies above or below a number."""

    kind: Literal["bound"]
    value: Quantity
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _one_side(self):
        return _exactly_one(self, "above", "below")


class Interval(Judged):
    """The slope of a fitted line (or the exponent of a power law), unit by unit, lies between two bounds."""

    kind: Literal["interval"]
    y: Quantity
    along: str
    """The dimension that holds the abscissa: its coordinate, or `x` if given."""
    x: Quantity | None = None
    scale: Literal["linear", "loglog", "semilog"] = "linear"
    """linear: dy/dx; loglog: dln y/dln x; semilog: dln y/dx."""
    low: float
    high: float


class Ordering(Judged):
    """One quantity lies below another, unit by unit: `lower` < `than` (by a factor or a margin, if given)."""

    kind: Literal["ordering"]
    lower: Quantity
    than: Quantity
    factor: PositiveFloat = 1.0
    """`than` must exceed `factor` x `lower`. Below 1 it is a tolerance: 0.77 allows `lower` up to 1.3 x `than`."""
    margin: float = 0.0
    """`than` must exceed `lower` by more than this, in the variable's unit."""


class Monotone(Judged):
    """A quantity rises (or falls) along a dimension: Spearman's rho, unit by unit, reaches a threshold."""

    kind: Literal["monotone"]
    value: Quantity
    along: str
    direction: Literal["increasing", "decreasing"]
    at_least: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Smallest |rho| that counts, with its sign."""


class Correlation(Ruled):
    """Two quantities go together across the units: the correlation, with its whole interval, exceeds a number."""

    kind: Literal["correlation"]
    x: Quantity
    y: Quantity
    over: str
    method: Literal["spearman", "pearson"] = "spearman"
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _one_side(self):
        return _exactly_one(self, "above", "below")


class Identity(Ruled):
    """Two quantities (or a quantity and a number) are equal, element by element, up to a tolerance."""

    kind: Literal["identity"]
    left: Quantity
    right: Quantity | float
    tolerance: Annotated[float, Field(ge=0)]
    relative: bool = False
    """Divide the difference by |right|."""


class Every(Ruled):
    """Exact numbers (closed forms, counts, errors of a solver): each element satisfies it, nothing is resampled."""

    kind: Literal["every"]
    value: Quantity
    than: Quantity | float | None = None
    """Subtracted from `value` first."""
    above: float | None = None
    below: float | None = None
    tolerance: Annotated[float, Field(ge=0)] | None = None
    """Largest |value - than| that counts as equal."""
    relative: bool = False
    """Divide the difference by |than|."""

    @model_validator(mode="after")
    def _sides(self):
        if (self.above is None and self.below is None) == (self.tolerance is None):
            raise ValueError("give 'above', 'below' or both, or 'tolerance' alone")
        if self.than is None and (self.tolerance is not None or self.relative):
            raise ValueError("'tolerance' and 'relative' compare with 'than', which is missing")
        return self


class NotTestable(Model):
    """The claim can't be tested here, and why."""

    kind: Literal["not_testable"]
    reason: str


Rule = Annotated[
    Within | Bound | Interval | Ordering | Monotone | Correlation | Identity | Every | NotTestable,
    Field(discriminator="kind"),
]


class Need(Quantity):
    """A precondition: all elements of the quantity (or a share of them) lie above or below something."""

    above: float | Quantity | None = None
    """A number, or better what the trivial model comes to: a quantity, compared element by element."""
    below: float | Quantity | None = None
    by: Annotated[float, Field(ge=0)] = 0.0
    """At least this far above or below, in the variable's unit."""
    in_at_least: Share = 1.0

    @model_validator(mode="after")
    def _some_side(self):
        if self.above is None and self.below is None:
            raise ValueError("give 'above', 'below', or both")
        return self


class PaperValue(Model):
    """What the paper says."""

    value: float | str | None = None
    where: str
    note: str = ""


class Claim(Model):
    """One statement of the paper and the rule that judges it."""

    says: str
    paper: PaperValue
    from_: str | None = Field(None, alias="from")
    """step/case of the quantities that name none of their own."""
    rule: Rule | Annotated[list[Rule], Field(min_length=1)]
    """One rule, or several that must all hold."""
    needs: Need | list[Need] = []
    expect: Verdict
    """What the card honestly expects; a surprise is shown."""
    evidence: Evidence = "measured"
    no_null: str = ""
    """Why no trivial run can be thought of that must fail this claim. Without it some control of the study that is
    `trivial` names the claim."""
    note: str = ""
    """What a reader should know about this check: why a rule is as it is."""

    @model_validator(mode="before")
    @classmethod
    def _spelled_out(cls, claim):
        return spelled_out(claim) if isinstance(claim, dict) else claim

    @property
    def rules(self) -> list:
        return self.rule if isinstance(self.rule, list) else [self.rule]

    @property
    def preconditions(self) -> list[Need]:
        return self.needs if isinstance(self.needs, list) else [self.needs]


# ------------------------------------------------------------------------------------------------- from, each, a word

QUANTITIES = ("value", "y", "x", "lower", "than", "left", "right")


def spelled_out(claim: dict) -> dict:
    """A claim with `from`, `each` and bare words written out: every quantity with its own step and case."""
    claim = dict(claim)
    shared = claim.pop("from", None)
    for key in ("rule", "needs"):
        if key in claim:
            parts = claim[key] if isinstance(claim[key], list) else [claim[key]]
            found = [one for part in parts for one in (_repeated(part, shared) if isinstance(part, dict) else [part])]
            claim[key] = found if isinstance(claim[key], list) or len(found) > 1 else found[0]
    return claim


def _repeated(part: dict, shared: str | None) -> list[dict]:
    part = dict(part)
    start, each = part.pop("from", None) or shared, part.pop("each", None) or {}
    if not isinstance(each, dict) or not all(isinstance(values, list) and values for values in each.values()):
        raise ValueError("'each' takes a list of coordinate values for each dimension: each: {noise: [0.001, 0.01]}")
    if "variable" in part:  # a precondition is a quantity itself, and may be held against another
        return [_needed(part, start, dict(zip(each, values, strict=True))) for values in product(*each.values())]
    return [
        {
            key: _placed(value, start, dict(zip(each, values, strict=True))) if key in QUANTITIES else value
            for key, value in part.items()
        }
        for values in product(*each.values())
    ]


def _needed(part: dict, start: str | None, at: dict) -> dict:
    sides = {side: _placed(part[side], start, at) for side in ("above", "below") if side in part}
    return _placed(part, start, at) | sides


def _placed(quantity, start: str | None, at: dict):
    """A quantity with its step, its case and the coordinate values that it doesn't fix itself."""
    if not isinstance(quantity, (str, dict)):
        return quantity
    found: dict[str, Any] = {"variable": quantity} if isinstance(quantity, str) else dict(quantity)
    own = found.pop("from", None) or start
    if own is not None:
        step, slash, case = str(own).partition("/")
        if not slash:
            raise ValueError(f"from: '{own}' should read step/case, as in train/synthetic")
        found = {"step": step, "case": case} | found
    if at:
        found["at"] = at | found.get("at", {})
    return found


def _exactly_one(model, *names):
    if sum(getattr(model, name) is not None for name in names) != 1:
        raise ValueError(f"give exactly one of {' and '.join(names)}")
    return model
