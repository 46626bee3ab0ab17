"""The ledger as data: what `ledger.json` holds and the page is made from, one typed record for each claim and paper."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pesin.claims.judge import MEASURED, NUMBERS
from pesin.claims.prose import filled
from pesin.claims.provenance import attributes
from pesin.config.models import Deviation, Source
from pesin.params import Model

VERDICTS = ("reproduced", "illustrated", "partly", "not reproduced", "not testable here", "no verdict")
Verdict = Literal["reproduced", "illustrated", "partly", "not reproduced", "not testable here", "no verdict"]
Number = Annotated[
    float | Literal["inf", "-inf"] | None,
    Field(description="null: there is none; inf and -inf are words, because JSON has no such numbers"),
]


class Judged(Model):
    """One rule of a claim on its case (`control` is empty) or on a control."""

    control: str
    rule: str
    measures: str
    """The variables that the rule holds against each other or against numbers, by name."""
    over: str
    """The independent unit that was resampled."""
    decides: bool
    """True for the worst rule of a claim: its numbers stand in the claim's row."""
    verdict: Verdict
    measured: Number
    low: Number
    high: Number
    accept_low: Number
    """The region that the rule accepts, both bounds included."""
    accept_high: Number
    unit: str
    n: int
    values: list[Number]
    """The number of each unit, where each gives one; null for a unit that failed."""
    reason: str


class ClaimFacts(Model):
    """One row of the ledger, with what stands behind it."""

    study: str
    topic: str
    claim: str
    says: str
    paper_value: str
    paper_where: str
    paper_note: str
    rule: str
    """Kinds of the rules that must all hold, joined by " + "."""
    measures: str
    """The variables that the deciding rule measures."""
    measured: Number
    low: Number
    high: Number
    """The 95 % interval over the independent units."""
    accept_low: Number
    accept_high: Number
    unit: str
    n: int
    over: str
    verdict: Verdict
    evidence: str
    expect: str
    surprise: bool
    """The verdict isn't the one that was expected from reading the paper."""
    needs_met: str
    control: str
    control_flipped: str
    null: str
    """Trivial runs (nothing learnt, nothing moves) on which the claim must fail, joined by "; "."""
    null_failed: str
    no_null: str
    """Why there can be no trivial run."""
    agreement: Number
    """Share of resamples of the independent units that give the same verdict; null if nothing is resampled."""
    close: str
    """yes, if fewer than nine in ten do: the verdict may turn with other units."""
    distance: Number
    """Of exact numbers: how far the worst lies from its bound, in tolerances; negative outside."""
    replicates: str
    """How whole runs with other seeds, and under another instruction set, came out: "6 of 6", or "unsettled: ...". """
    at_paper_size: str
    """The verdict of the ledger at the paper's own size that we stand by; empty if it was not run."""
    figures: list[str]
    reason: str
    note: str
    config: str
    """The claim's rule and preconditions as its yaml states them."""
    judged: list[Judged]
    files: list[str]
    """Results that the verdict was taken from, relative to results/<scale>/<study>."""
    command: str
    cpu_s: Number
    """Processor seconds of all steps of the cases and controls behind the claim."""


class FigureFacts(Model):
    """One figure of a paper."""

    title: str
    look: str
    claims: list[str]
    files: list[str]
    command: str
    drawn: bool
    """False if the picture isn't there."""


class ControlFacts(Model):
    """A case with the effect taken away."""

    of: str
    why: str
    must_fail: list[str]
    trivial: bool
    """A run in which nothing is learnt, or nothing moves."""


class ResultFacts(Model):
    """Where one result file comes from: the attributes it carries."""

    file: str
    cpu_s: Number
    seed: str
    digest: str
    code_digest: str
    status: str
    parameters: str


class PaperFacts(Model):
    """One paper re-run."""

    title: str
    topic: str
    source: Source
    summary: str
    bibtex: str
    controls: dict[str, ControlFacts]
    deviations: list[Deviation]
    figures: dict[str, FigureFacts]
    results: list[ResultFacts]
    config: str
    code: str
    cpu_s: Number
    wall_s: Number
    peak_mb: Number
    over_budget: bool


class Ledger(Model):
    """All verdicts of one run at one scale."""

    scale: str
    folder: str
    """results/<scale>, as the run wrote it."""
    counts: dict[Verdict, int]
    papers: dict[str, PaperFacts]
    claims: list[ClaimFacts]


def gather(
    judged: dict[str, tuple],
    papers: dict[str, dict],
    costs: list[dict],
    scale: str,
    folder: Path,
    standing: dict[tuple[str, str], dict[str, str]],
) -> Ledger:
    """Put together what is known of every claim.

    Parameters
    ----------
    judged
        For each study the rows and parts of its judging.
    papers
        For each study what its yaml says, as plain data: keys left out there are left out here.
    costs
        Rows of the cost table; [] if there is none.
    scale, folder
        smoke, laptop or paper, and results/<scale>.
    standing
        (study, claim) -> what other runs say of it: columns `replicates` and `at_paper_size`, as far as known.
    """
    claims, facts = [], {}
    for study, paper in papers.items():
        rows, parts = judged.get(study, ([], []))
        seconds = {(row["step"], row["name"]): float(row["cpu_s"]) for row in costs if row["study"] == study}
        by_claim = {row["claim"]: row for row in rows}
        for claim, spec in paper["claims"].items():
            row = by_claim.get(claim) or _not_judged(study, paper, claim, spec)
            own = [part for part in parts if part["claim"] == claim]
            row = row | {"replicates": "", "at_paper_size": ""} | standing.get((study, claim), {})
            claims.append(
                _claim(row, spec | {"note": filled(spec.get("note", ""), by_claim)}, own, paper, seconds, folder)
            )
        facts[study] = _paper(study, paper, by_claim, costs, seconds, folder)
    counts = {v: sum(claim.verdict == v for claim in claims) for v in VERDICTS}
    return Ledger(scale=scale, folder=str(folder), counts=counts, papers=facts, claims=claims)  # type: ignore[arg-type]


def surprise(row: dict) -> bool:
    """True if the verdict isn't the one that the card expected."""
    return row["verdict"] != row["expect"] and not (row["verdict"], row["expect"]) == ("illustrated", "reproduced")


def bibtex(study: str, source: Source) -> str:
    """A BibTeX entry of the paper; its key is the study's name."""
    authors = [a.strip() for a in source.authors.replace(" and ", ", ").split(",") if a.strip()]
    authors = ["others" if "et al" in author else author for author in authors]
    kind = "misc" if source.arxiv and not source.doi else "article"
    fields = {
        "author": " and ".join(authors),
        "title": f"{{{source.title}}}",
        ("howpublished" if kind == "misc" else "journal"): source.venue,
        "year": str(source.year),
        "doi": source.doi,
        "eprint": source.arxiv,
        "archiveprefix": "arXiv" if source.arxiv else None,
        "url": source.url,
    }
    plain = {name for name in fields if name in ("doi", "eprint", "url")}
    lines = [f"  {name} = {{{v if name in plain else _tex(v)}}}," for name, v in fields.items() if v]
    return "\n".join([f"@{kind}{{{study},", *lines, "}"])


def link(source: Source) -> str:
    """Where a reader finds the paper."""
    if source.doi:
        return f"https://doi.org/{source.doi}"
    return f"https://arxiv.org/abs/{source.arxiv}" if source.arxiv else str(source.url)


def _claim(row: dict, spec: dict, parts: list[dict], paper: dict, seconds: dict, folder: Path) -> ClaimFacts:
    study, claim = row["study"], row["claim"]
    controls = {name: c for name, c in paper["controls"].items() if claim in c["must_fail"]}
    files = _files(spec, controls)
    cases = {file.split("/")[1].removesuffix(".nc") for file in files}
    cost = [value for (step, case), value in seconds.items() if case in cases and step not in ("judge", "figures")]
    known: Verdict = row["verdict"] if row["verdict"] in VERDICTS else "no verdict"
    numbers = {name: _number(row[name]) for name in NUMBERS}
    # The parts of the case and of each control come in the order of the claim's rules.
    rules = spec["rule"] if isinstance(spec["rule"], list) else [spec["rule"]]
    judged = [_judged(part, rules[i % len(rules)]) for i, part in enumerate(parts)]
    kept = (
        "says",
        "topic",
        "unit",
        "n",
        "over",
        "evidence",
        "expect",
        "needs_met",
        "control",
        "control_flipped",
        "null",
        "null_failed",
        "close",
        "replicates",
        "at_paper_size",
    )
    return ClaimFacts(
        study=study,
        claim=claim,
        **{name: row[name] for name in (*kept, "paper_value", "paper_where", "rule", "reason")},
        **numbers,
        paper_note=spec["paper"].get("note", ""),
        verdict=known,
        surprise=surprise(row | {"verdict": known}),
        figures=[name for name in row["figures"].split("; ") if name],
        note=spec["note"],
        no_null=spec.get("no_null", ""),
        config=_yaml({name: spec[name] for name in ("rule", "needs") if name in spec}),
        measures=next((j.measures for j in judged if j.decides and not j.control), ""),
        judged=judged,
        files=files,
        command=f"snakemake --cores 2 --forceall{_at(folder)} -- {folder}/{study}/claims.nc",
        cpu_s=sum(cost) if cost else None,
    )


def _judged(part: dict, rule: dict) -> Judged:
    said = {name: part[name] for name in ("control", "rule", "over", "unit", "n", "reason", "verdict")}
    numbers = {name: _number(part[name]) for name in MEASURED}
    return Judged(
        **said,
        **numbers,
        measures=" and ".join(dict.fromkeys(_variables(rule))),
        decides=part["decides"] == "yes",
        values=[_number(v) for v in part["values"]],
    )


def _not_judged(study: str, paper: dict, claim: str, spec: dict) -> dict:
    """The row of a claim that no judging knows."""
    rules = spec["rule"] if isinstance(spec["rule"], list) else [spec["rule"]]
    value = spec["paper"].get("value")
    text = "unit over needs_met control control_flipped null null_failed close".split()
    return {
        **dict.fromkeys(text, ""),
        **dict.fromkeys(NUMBERS, math.nan),
        "study": study,
        "topic": paper["topic"],
        "claim": claim,
        "says": spec["says"],
        "paper_value": "" if value is None else str(value),
        "paper_where": spec["paper"]["where"],
        "rule": " + ".join(rule["kind"] for rule in rules),
        "n": 0,
        "verdict": "no verdict",
        "evidence": spec.get("evidence", "measured"),
        "expect": spec["expect"],
        "figures": "; ".join(f for f, figure in paper["figures"].items() if claim in figure.get("claims", [])),
        "reason": "not judged yet: the study has no results",
    }


def _paper(study: str, paper: dict, rows: dict, costs: list[dict], seconds: dict, folder: Path) -> PaperFacts:
    source = Source.model_validate(paper["source"])
    total = next((row for row in costs if row["study"] == study and row["step"] == "total"), {})
    return PaperFacts(
        title=paper["title"],
        topic=paper["topic"],
        source=source,
        summary=filled(paper["summary"], rows),
        bibtex=bibtex(study, source),
        controls={
            name: ControlFacts(**{k: c[k] for k in ("of", "why", "must_fail")}, trivial=c.get("trivial", False))
            for name, c in paper["controls"].items()
        },
        deviations=[Deviation.model_validate(d) for d in paper.get("deviations", [])],
        figures={
            name: FigureFacts(
                title=f["title"],
                look=filled(f["look"], rows),
                claims=f.get("claims", []),
                files=[f"{read}.nc" for read in f["reads"]],
                command=f"snakemake --cores 2 --force{_at(folder)} -- {folder}/{study}/figures/{name}.svg",
                drawn=(folder / study / "figures" / f"{name}.svg").is_file(),
            )
            for name, f in paper["figures"].items()
        },
        results=[
            _result(folder / study, f"{step}/{case}.nc", seconds.get((step, case)))
            for case, spec in paper.get("cases", {}).items()
            for step in spec["steps"]
        ],
        config=f"config/studies/{study}.yaml",
        code=f"workflow/scripts/studies/{study}/",
        **{name: float(total[name]) if total else None for name in ("cpu_s", "wall_s", "peak_mb")},
        over_budget=bool(total.get("over_budget")),
    )


def _result(folder: Path, file: str, cpu_s: float | None) -> ResultFacts:
    found = attributes(folder / file)
    names = ("seed", "digest", "code_digest", "status", "parameters")
    return ResultFacts(file=file, cpu_s=cpu_s, **{name: str(found.get(name, "")) for name in names})


def _files(spec: dict, controls: dict[str, dict]) -> list[str]:
    """Results that a claim's rules and preconditions read, and the same of each control."""
    pairs = list(dict.fromkeys(_quantities(spec)))
    for name, control in controls.items():
        read = [spec["rule"], spec.get("needs") if control.get("trivial") else None]
        pairs += [(step, name) for step, case in _quantities(read) if case == control["of"]]
    return [f"{step}/{case}.nc" for step, case in dict.fromkeys(pairs)]


def _quantities(node) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if "step" in node and "case" in node:
            yield node["step"], node["case"]
        for value in node.values():
            yield from _quantities(value)
    elif isinstance(node, list):
        for value in node:
            yield from _quantities(value)


def _at(folder: Path) -> str:
    """What a command says of the scale, if it isn't the usual one."""
    return "" if folder.name == "laptop" else f" --config scale={folder.name}"


def _variables(rule: dict) -> Iterator[str]:
    for value in rule.values():
        if isinstance(value, dict) and "variable" in value:
            yield value["variable"].rpartition("/")[2].replace("_", " ")


def _yaml(data) -> str:
    import yaml

    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)


def _number(value: float | None):
    if value is None or math.isnan(value):
        return None
    return float(value) if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _tex(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "&%#_$" else letter for letter in text)
