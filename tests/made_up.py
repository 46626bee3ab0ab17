"""Makes up a ledger of any size, with figures, for tests of the page: made_up(FOLDER, papers=47)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from pesin.claims.judge import judge_study
from pesin.claims.ledger import write_ledger
from pesin.config.models import Study
from pesin.errors import UserError
from project import ROOT

TEMPLATE = ROOT / "workflow/report/ledger.html.jinja"
UNITS = ("1", "nat", "nat/time unit")
TOPICS = ("chaos", "statistical physics", "neural networks", "reinforcement learning", "atoms", "stars", "recordings")
SAYS = (
    "Forecast error grows with the largest Lyapunov exponent of the system, and faster than its logarithm.",
    "Networks that see the symmetry learn it from a tenth of the samples.",
    "The entropy falls early in training.",
    "A reservoir of moderate size predicts as far as a transformer of the same budget.",
    "The estimate converges from above as the pattern length grows.",
    "The gain vanishes when the noise exceeds the signal.",
)
RULES = (
    {"kind": "bound", "above": 0.2, "over": "seed", "in_at_least": 0.8},
    {"kind": "bound", "below": 0.4, "over": "system"},
    {"kind": "within", "low": -0.2, "high": 0.6, "over": "seed", "estimate": "median"},
)


def made_up(folder: Path, papers: int = 47, claims: int = 6, figures: int = 5, drawn: bool = True) -> Path:
    """Write ledger.csv, ledger.json and ledger.html of made-up papers into `folder`; returns the page.

    The numbers are noise around a mean that differs from claim to claim, judged by the judge itself.
    """
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    studies = {f"paper_{i:02d}": _study(i, claims, figures, rng) for i in range(papers)}
    judged = {name: judge_study(name, study, _opened(study, rng)) for name, study in studies.items()}
    said = {
        name: study.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"params", "cases"})
        | {"cases": {case: {"steps": ["simulate", "entropy"]} for case in ("flow", "control")}}
        for name, study in studies.items()
    }
    costs = [
        {"study": name, "step": step, "name": case, "wall_s": "9", "cpu_s": str(seconds), "peak_mb": "900"}
        | {"own_s": "5", "over_budget": ""}
        for name in studies
        for step, case in (("simulate", "flow"), ("entropy", "flow"), ("entropy", "control"), ("total", ""))
        for seconds in [round(float(rng.exponential(20)), 2)]
    ]
    if drawn:
        _draw(folder, list(studies), figures)
    write_ledger(judged, said, costs, "laptop", folder, TEMPLATE)
    return folder / "ledger.html"


def _study(index: int, claims: int, figures: int, rng) -> Study:
    def claim(i: int) -> dict:
        value = {"step": "entropy", "case": "flow", "variable": f"quantity_{i}"}
        rule = dict(RULES[int(rng.integers(len(RULES)))]) | {"value": value}
        second = {"kind": "not_testable", "reason": "The recordings do not ship with the project."}
        return {
            "says": SAYS[i % len(SAYS)],
            "paper": {"value": [None, 0.31, "three times fewer samples"][i % 3], "where": f"figure {i + 1}"},
            "rule": second if rng.random() < 0.05 else [rule, rule] if i % 2 else rule,
            "expect": str(rng.choice(["reproduced", "partly", "not reproduced"])),
            "evidence": ["measured", "surrogate", "illustrated"][int(rng.integers(3))],
            "note": "A made-up note on the rule, as long as such notes are: it says why the bound lies where it lies.",
        }

    names = [f"C{i + 1}" for i in range(claims)]
    return Study.model_validate(
        {
            "title": f"Made-up paper {index:02d} on entropy and learned dynamics",
            "topic": TOPICS[index % len(TOPICS)],
            "source": {
                "authors": "Adler, Berg, Celik",
                "title": f"On the entropy of made-up things & others, part {index}",
                "venue": "Journal of Invention",
                "year": 2000 + index % 25,
                **({"doi": f"10.1000/{index}"} if index % 2 else {"arxiv": f"2001.{index:05d}"}),
            },
            "summary": " ".join(SAYS) + " A reader should doubt all of it, because it is made up.",
            "steps": ["simulate", "entropy"],
            "cases": {"flow": {}},
            "controls": {"control": {"of": "flow", "set": {}, "must_fail": names[:-1], "why": "Labels are shuffled."}},
            "figures": {
                f"figure_{i}": {
                    "title": f"Figure {i}",
                    "look": "Does the curve leave the band, and where? " + SAYS[i % len(SAYS)],
                    "claims": [name for j, name in enumerate(names) if j % figures == i],
                    "reads": ["entropy/flow"],
                }
                for i in range(figures)
            },
            "claims": dict(zip(names, map(claim, range(claims)), strict=True)),
            "deviations": [{"what": "Everything is smaller.", "why": "It is made up.", "claims": names[:2]}],
        }
    )


def _opened(study: Study, rng):
    """Results of a made-up study: noise around a mean for each claim, and far below it on the control."""
    means = rng.normal(0.3, 0.25, len(study.claims))
    lost = rng.random() < 0.05

    def opened(step: str, case: str) -> xr.Dataset:
        if lost and case == "flow":
            raise UserError(f"{step}/{case} has no result: see its log")
        data = {}
        for i, claim in enumerate(study.claims.values()):
            over = getattr(claim.rules[0], "over", "seed")
            mean = means[i] if case == "flow" else 9.0 if over == "system" else -9.0
            values = rng.normal(mean, 0.2, {"seed": 7, "system": 40}[over])
            data[f"quantity_{i}"] = (over, values, {"units": UNITS[i % 3]})
        return xr.Dataset(data)

    return opened


def _draw(folder: Path, studies: list[str], figures: int) -> None:
    """Figures as heavy as real ones (45 kB compressed), each different."""
    rng = np.random.default_rng(1)
    frame = '<svg xmlns="http://www.w3.org/2000/svg" width="518pt" height="187pt" viewBox="0 0 518 187">'
    for study in studies:
        (folder / study / "figures").mkdir(parents=True, exist_ok=True)
        for i in range(figures):
            lines = []
            for colour in ("#0072B2", "#D55E00", "#009E73"):
                y = 93 + rng.normal(size=3000).cumsum()
                points = " ".join(f"{a:.3f},{b:.4f}" for a, b in zip(np.linspace(5, 513, 3000), y, strict=True))
                lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
            path = folder / study / "figures" / f"figure_{i}.svg"
            path.write_text(f'{frame}<rect width="518" height="187" fill="#fff"/>{"".join(lines)}</svg>')
