"""What the yaml files may say of config and studies: cases, controls, scales, resources, figures, as pydantic models.

The JSON schemas in `config/schema/` are generated from these classes and from the claims' in `pesin.claims.models`.
Nothing heavy is imported here: Snakemake reads the models each time it parses the workflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.claims.models import Claim, ClaimId, Step
from pesin.claims.prose import named
from pesin.errors import did_you_mean
from pesin.params import Model, Name

STEPS = ("simulate", "train", "entropy", "forecast")
SCALES = ("smoke", "laptop", "paper")
Scale = Literal["smoke", "laptop", "paper"]
Reference = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*/)?(simulate|train|entropy|forecast)/[a-z][a-z0-9_]*$")]
"""A result: step/case of the same study, or study/step/case."""


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


Uses = Reference | Annotated[list[Reference], Field(min_length=1)]


class Case(Model):
    """One chain simulate -> train -> entropy, forecast."""

    params: dict[str, Any] = {}
    steps: Annotated[list[Step], Field(min_length=1)] | None = None
    """The steps this case has; default: the study's."""
    kind: Name | None = None
    """An experiment of its own inside the study: its modules lie in studies/<study>/<kind>/. Without it they lie in
    studies/<study>/."""
    uses: dict[Name, Uses] = {}
    """name: a result (step/case, or study/step/case) or a list of them. Handed to every step function that has an
    argument of that name."""


class Control(Model):
    """A case in which the effect is taken away."""

    of: Name
    set: dict[str, Any]
    """Parameters that take the effect away, and nothing else: all others are the case's."""
    fewer: dict[str, Any] = {}
    """Parameters that leave out independent units, or arms that the claims don't compare: a smaller number, some of a
    list, or for a stride named `every` a multiple. The judge then holds the claims against as many of the case's units:
    they must have been able to show it."""
    must_fail: Annotated[list[ClaimId], Field(min_length=1)]
    why: str
    """One sentence: what is taken away."""
    steps: Annotated[list[Step], Field(min_length=1)] | None = None
    """The steps it has, if the claims it must fail need fewer than the case has."""
    trivial: bool = False
    """A null: a run in which nothing is learnt, or nothing moves (no training, a constant forecast, a policy at rest).
    A claim fails on it by its rule or by a precondition."""
    stuck: dict[ClaimId, str] = {}
    """Claims that come out on this control too, so that they have no verdict, and why we leave it so."""


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
    units: dict[str, PositiveInt] = {}


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
    uses: dict[Name, Uses] = {}
    units: dict[str, PositiveInt] = {}
    """How many independent units a dimension has at laptop scale and above. Rules on a share of units need it: a
    threshold that so many units can't reach is refused."""
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
            for claim in control.stuck:
                _known(f"controls.{name}.stuck", claim, control.must_fail)
        for claim in named(" ".join(text for _, text in self.prose())):
            _known("summary, look, note: {" + claim + ".", claim, self.claims)
        for name, figure in self.figures.items():
            for claim in figure.claims:
                _known(f"figures.{name}.claims", claim, self.claims)
        return self

    def prose(self) -> Iterator[tuple[str, str]]:
        """(where, text) of what a reader is told: the summary, what to look at in a figure, notes on the claims."""
        yield "summary", self.summary
        for name, figure in self.figures.items():
            yield f"figures.{name}.title", figure.title
            yield f"figures.{name}.look", figure.look
        for name, claim in self.claims.items():
            yield f"claims.{name}.note", claim.note


class Config(Model):
    """The keys of `config/config.yaml` and of `--config key=value`."""

    scale: Scale = "laptop"
    """smoke (tests), laptop (default) or paper (the paper's own sizes)."""
    studies: Literal["all"] | Annotated[list[Name], Field(min_length=1)] = "all"
    """`all`, or a list of studies."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Replicate: enters every random stream. 0 is the run whose ledger we stand by."""
    portable: bool = True
    """Hold the libraries to AVX2, so that verdicts don't hang on the processor. Without it a job takes all it has."""
    fork: bool = True
    """Fork jobs from processes that have loaded packages, on Linux; without it each job starts Python anew."""
    results: str = Field("results", pattern=r"^[^$`'\"\\\\;&|<>*?!\n]+$")
    """Folder of the results, relative to the working directory. No characters that a shell would act on."""


def _known(where, name, names):
    if name not in names:
        raise ValueError(f"{where}: no '{name}' here.{did_you_mean(name, names)}")
