"""What the yaml files may say: config, study, case, control, claim and the rules, as pydantic models.

The JSON schemas in `config/schema/` are generated from these classes. Nothing heavy is imported here: Snakemake
reads the models each time it parses the workflow.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.errors import did_you_mean
from pesin.params import Model

STEPS = ("simulate", "train", "entropy", "forecast")
SCALES = ("smoke", "laptop", "paper")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
ClaimId = Annotated[str, Field(pattern=r"^C[0-9]+[a-z]?$")]
Step = Literal["simulate", "train", "entropy", "forecast"]
Scale = Literal["smoke", "laptop", "paper"]
Verdict = Literal["reproduced", "partly", "not reproduced", "not testable here", "illustrated"]
Evidence = Literal["measured", "surrogate", "illustrated"]
Share = Annotated[float, Field(gt=0, le=1)]


# ---------------------------------------------------------------------------------------------- quantities and rules


class Range(Model):
    """All coordinate values between two bounds, both included."""

    from_: float = Field(alias="from")
    to: float


class Quantity(Model):
    """A measured variable of one result file, narrowed to what a rule needs."""

    step: Step
    """The step whose result holds the variable."""
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
    unit: str | None = None
    """Unit of what this rule measures, if it isn't the claim's. Correlations, ranks and shares have none."""


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


class NotTestable(Model):
    """The claim can't be tested here, and why."""

    kind: Literal["not_testable"]
    reason: str


Rule = Annotated[
    Within | Bound | Interval | Ordering | Monotone | Correlation | Identity | NotTestable, Field(discriminator="kind")
]


class Need(Quantity):
    """A precondition: all elements of the quantity (or a share of them) lie above or below a number."""

    above: float | None = None
    below: float | None = None
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
    rule: Rule | Annotated[list[Rule], Field(min_length=1)]
    """One rule, or several that must all hold."""
    needs: Need | list[Need] = []
    expect: Verdict
    """What the card honestly expects; a surprise is shown."""
    evidence: Evidence = "measured"
    unit: str = "1"
    """Unit of the measured value in the ledger."""
    note: str = ""
    """What a reader should know about this check: why a rule is as it is."""

    @property
    def rules(self) -> list:
        return self.rule if isinstance(self.rule, list) else [self.rule]

    @property
    def preconditions(self) -> list[Need]:
        return self.needs if isinstance(self.needs, list) else [self.needs]


# ----------------------------------------------------------------------------------------------------- study, config


class Source(Model):
    """The paper."""

    authors: str
    title: str
    venue: str
    year: int
    doi: str | None = None
    arxiv: str | None = None
    url: str | None = None

    @model_validator(mode="after")
    def _findable(self):
        if not (self.doi or self.arxiv or self.url):
            raise ValueError("give a doi, an arxiv id or a url, so that a reader can find the paper")
        return self


class Resources(Model):
    """What a job of one step asks for."""

    threads: PositiveInt = 1
    mem_mb: PositiveInt = 2000
    runtime: PositiveInt = 10
    """Minutes."""
    gpu: Annotated[int, Field(ge=0)] = 0


class Case(Model):
    """One chain simulate -> train -> entropy, forecast."""

    params: dict[str, Any] = {}
    steps: Annotated[list[Step], Field(min_length=1)] | None = None
    """The steps this case has; default: the study's."""
    uses: dict[Name, str] = {}
    """name: study/step/case. Handed to every step function that has an argument of that name."""


class Control(Model):
    """A case in which the effect is taken away."""

    of: Name
    set: dict[str, Any]
    must_fail: Annotated[list[ClaimId], Field(min_length=1)]
    why: str
    """One sentence: what is taken away."""
    steps: Annotated[list[Step], Field(min_length=1)] | None = None
    """The steps it has, if the claims it must fail need fewer than the case has."""


class Figure(Model):
    """One figure: a function of the same name in `figures.py`."""

    title: str
    look: str
    """What the reader should look at."""
    claims: list[ClaimId] = []
    reads: Annotated[list[str], Field(min_length=1)]
    """Results it is drawn from: step/case."""


class Budget(Model):
    """What the laptop scale may cost."""

    seconds: PositiveFloat = 90
    """Core seconds of all jobs of the study together."""
    memory_mb: PositiveFloat = 3000
    """Peak of any one job."""


class Overlay(Model):
    """What one scale changes."""

    params: dict[str, Any] = {}
    cases: dict[Name, Case] = {}
    """Changes of a case's params, or further cases that this scale has."""
    resources: dict[Step | Literal["figure"], dict[str, int]] = {}


class Deviation(Model):
    """Where we leave the card or the paper, and the reason a referee would accept."""

    what: str
    why: str
    claims: list[ClaimId] = []


class Study(Model):
    """One paper re-run."""

    title: str
    topic: str
    source: Source
    summary: str
    """What the paper says and what we ran, in a few sentences for a reader."""
    steps: Annotated[list[Step], Field(min_length=1)]
    params: dict[str, Any] = {}
    """Shared by all cases. Sections named after a step (params.simulate, params.train, params.entropy,
    params.forecast) are seen by that step and those after it only, so that a new learning rate reruns no simulation:
    a study's `Params` has one sub-model for each. Other keys are seen by every step."""
    cases: Annotated[dict[Name, Case], Field(min_length=1)]
    controls: Annotated[dict[Name, Control], Field(min_length=1)]
    scales: dict[Scale, Overlay] = {}
    resources: dict[Step | Literal["figure"], Resources] = {}
    budget: Budget = Budget()
    uses: dict[Name, str] = {}
    figures: Annotated[dict[Name, Figure], Field(min_length=1)]
    claims: Annotated[dict[ClaimId, Claim], Field(min_length=1)]
    deviations: list[Deviation] = []

    @model_validator(mode="after")
    def _names_fit(self):
        for name, control in self.controls.items():
            if name in self.cases:
                raise ValueError(f"controls.{name}: a case has this name already")
            _known(f"controls.{name}.of", control.of, self.cases)
            for claim in control.must_fail:
                _known(f"controls.{name}.must_fail", claim, self.claims)
        for name, figure in self.figures.items():
            for claim in figure.claims:
                _known(f"figures.{name}.claims", claim, self.claims)
        return self


class Config(Model):
    """The keys of `config/config.yaml` and of `--config key=value`."""

    scale: Scale = "laptop"
    """smoke (tests), laptop (default) or paper (the paper's own sizes)."""
    studies: Literal["all"] | Annotated[list[Name], Field(min_length=1)] = "all"
    """`all`, or a list of studies."""
    results: str = Field("results", pattern=r"^[^$`'\"\\\\;&|<>*?!\n]+$")
    """Folder of the results, relative to the working directory. No characters that a shell would act on."""


def _exactly_one(model, *names):
    if sum(getattr(model, name) is not None for name in names) != 1:
        raise ValueError(f"give exactly one of {' and '.join(names)}")
    return model


def _known(where, name, names):
    if name not in names:
        raise ValueError(f"{where}: no '{name}' here.{did_you_mean(name, names)}")
