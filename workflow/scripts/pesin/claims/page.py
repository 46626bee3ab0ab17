"""Writes the ledger's page: one file that opens from disk, figures inside, with nothing fetched from anywhere."""

from __future__ import annotations

import re
from pathlib import Path

from pesin.claims.facts import VERDICTS, ClaimFacts, Judged, Ledger, PaperFacts
from pesin.claims.pictures import packed
from pesin.claims.strip import accepted, short, strip

MEANINGS = {
    "reproduced": "The whole interval lies in the region that the claim's rule accepts.",
    "illustrated": "A theorem, shown at work: the numbers agree with it, which proves nothing new.",
    "partly": "The centre lies in the region and the interval reaches out, or a side condition of the claim failed.",
    "not reproduced": "The measurement lies outside of the region. That is a finding.",
    "not testable here": "What the claim needs is not to be had here; the reason is given.",
    "no verdict": "A precondition failed, a result is missing, or the control came out too.",
}
SCALES = {
    "smoke": ": tiny sizes, to test that everything runs. These verdicts mean nothing.",
    "laptop": ": smaller than the papers' sizes; each report says by how much it leaves them.",
    "paper": ": the papers' own sizes.",
}
FEW_UNITS = 10


def write_page(facts: Ledger, template: Path, path: Path) -> None:
    """Write the page.

    Parameters
    ----------
    facts
        The ledger as data. Text in it is shown as text: everything is escaped.
    template
        The jinja2 template; its style and script lie beside it.
    path
        The page to write; figures are taken from `facts.folder`.
    """
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(template.parent), autoescape=_escaped, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"short": short, "accepted": accepted, "plural": plural, "duration": duration}
    environment.filters |= {"brief": brief, "halves": halves, "marked": marked}
    folder = Path(facts.folder)
    found = {
        (study, name): packed(folder / study / "figures" / f"{name}.svg")
        for study, paper in facts.papers.items()
        for name in paper.figures
    }
    pictures = {key: picture for key, picture in found.items() if picture}
    text = environment.get_template(template.name).render(
        facts=facts,
        pictures=pictures,
        sizes={key: f"{p.width} / {p.height}" for key, p in pictures.items()},
        topics=topics(facts),
        surprises=sum(claim.surprise for claim in facts.claims),
        evidences=list(dict.fromkeys(claim.evidence for claim in facts.claims)),
        kinds=sorted({kind for claim in facts.claims for kind in claim.rule.split(" + ")}),
        scale_note=SCALES.get(facts.scale, "."),
        at="" if facts.scale == "laptop" else f" --config scale={facts.scale} --",
        meanings=MEANINGS,
        strip=strip,
        deciding=deciding,
        outcome=lambda study: outcome([claim for claim in facts.claims if claim.study == study]),
        doubts=lambda study: doubts([claim for claim in facts.claims if claim.study == study]),
        parameters=parameters,
        sample=strip(SAMPLE, SAMPLE.values),
    )
    path.write_text(text, encoding="utf-8")


def topics(facts: Ledger) -> dict[str, dict]:
    """For each topic its claims, best first, the number of its papers, and the whole in a sentence."""
    found: dict[str, dict] = {}
    for topic in sorted({claim.topic for claim in facts.claims}):
        claims = sorted((c for c in facts.claims if c.topic == topic), key=lambda c: VERDICTS.index(c.verdict))
        good = sum(claim.verdict in ("reproduced", "illustrated") for claim in claims)
        papers = len({claim.study for claim in claims})
        found[topic] = {"claims": claims, "good": good, "papers": papers, "said": f"{topic}: {outcome(claims)}"}
    return found


def outcome(claims: list[ClaimFacts]) -> str:
    """How many claims came out how: "5 of 8 claims reproduced, 2 partly, 1 not reproduced"."""
    many = {v: sum(claim.verdict == v for claim in claims) for v in VERDICTS}
    parts = [f"{count} {verdict}" for verdict, count in many.items() if count]
    return f"{len(claims)} {plural('claim', len(claims))}: {', '.join(parts)}"


def doubts(claims: list[ClaimFacts]) -> list[str]:
    """What a reader should doubt of a study, as far as its rows tell."""
    tested = [claim for claim in claims if claim.verdict not in ("not testable here", "no verdict")]
    few = [c for c in tested if c.over not in ("", "element") and c.n < FEW_UNITS]
    found = {
        "On substituted data": [c.claim for c in claims if c.evidence == "surrogate"],
        "With no control in which the effect is taken away": [c.claim for c in tested if not c.control],
        "With no trivial run that must fail": [
            c.claim for c in tested if not (c.null or c.no_null) and c.evidence != "illustrated"
        ],
        f"On fewer than {FEW_UNITS} independent units": [f"{c.claim} ({c.n} {plural(c.over, c.n)})" for c in few],
        "Without an interval over units": [c.claim for c in tested if c.over == "element"],
        "Otherwise than we expected": [f"{c.claim} ({c.verdict}, not {c.expect})" for c in claims if c.surprise],
    }
    return [f"{what}: {', '.join(which)}." for what, which in found.items() if which]


def parameters(paper: PaperFacts) -> dict[str, str]:
    """For each case what its last step saw, as JSON."""
    return {result.file.split("/")[1].removesuffix(".nc"): result.parameters for result in paper.results}


def deciding(claim: ClaimFacts) -> list:
    """The numbers of the units of the rule that decides."""
    return next((part.values for part in claim.judged if part.decides and not part.control), [])


def plural(word: str, count: int) -> str:
    """The word as the count asks: 1 seed, 5 seeds."""
    if count == 1 or word.endswith("s"):
        return word
    return f"{word[:-1]}ies" if word.endswith("y") and word[-2:-1] not in "aeiou" else f"{word}s"


def duration(seconds: float) -> str:
    """Seconds as a reader says them: 0.4 s, 12 s, 3 min, 2.5 h."""
    for most, per, unit in ((99, 1, "s"), (5400, 60, "min")):
        if seconds <= most:
            return f"{seconds / per:.1f} {unit}" if seconds / per < 1 else f"{seconds / per:.0f} {unit}"
    return f"{seconds / 3600:.1f} h"


def brief(authors: str) -> str:
    """First author, and whether there are more."""
    names = authors.replace(" and ", ", ").split(", ")
    return authors if len(names) < 3 else f"{names[0]} et al."


def halves(summary: str) -> tuple[str, str]:
    """What a summary says, and from "What to doubt:" or "A reader should doubt" on what it says to doubt."""
    said, phrase, doubted = re.split(r"(What to doubt:|A reader should doubt|$)", summary, maxsplit=1)
    return said.strip(), (doubted if phrase.endswith(":") else phrase + doubted).strip()


def marked(text: str):
    """The text escaped for the page, what stands between backticks as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _escaped(name: str | None) -> bool:
    """Style and script are ours and stand in the page as they are."""
    return not (name or "").endswith((".css", ".js"))


SAMPLE = Judged(
    control="",
    rule="within",
    measures="",
    over="seed",
    decides=True,
    verdict="partly",
    measured=1.02,
    low=0.86,
    high=1.18,
    accept_low=0.9,
    accept_high=1.3,
    unit="1",
    n=6,
    values=[0.8, 0.93, 0.99, 1.04, 1.12, 1.24],
    reason="",
)
