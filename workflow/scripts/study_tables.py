"""Writes tables of studies anew, between markers (`make docs`): of README.md and docs/cluster.md from the yamls, of
docs/scales.md from the two ledgers we stand by, of docs/pieces.md from what a walk through the papers' sizes wrote, of
docs/seeds.md from the replicates."""

import csv
import re
from pathlib import Path

from pesin.claims.compare import beyond, read_ledger
from pesin.claims.replicates import read_replicates, said
from pesin.config.models import STEPS, Config
from pesin.errors import UserError
from pesin.plan import Plan

# Words of the walk through the papers' sizes -> what docs/pieces.md says; the first that fits.
ENDINGS = {
    "not run": "not run: its input was not made",
    "time over|killed": "stopped for its time",
    "MemoryError|alloc": "stopped for its memory",
    "loops cut": "loops cut",
    "UserError|not installed": "needs what isn't here",
}
PROJECT = Path(__file__).resolve().parents[2]


def main() -> None:
    try:
        plan = Plan(PROJECT, Config(scale="paper"))
        for name, make in TABLES.items():
            page = PROJECT / name
            page.write_text(placed(page.read_text(encoding="utf-8"), make(plan), name), encoding="utf-8")
    except UserError as error:
        raise SystemExit(str(error)) from None


def placed(text: str, table: str, name: str) -> str:
    """The text of a page with the table between its markers.

    Raises
    ------
    UserError
        If the page lacks the two markers.
    """
    found, count = re.subn(
        r"(<!-- studies: written by 'make docs' -->\n).*?(<!-- end of studies -->)",
        lambda markers: f"{markers[1]}\n{table}\n{markers[2]}",
        text,
        flags=re.DOTALL,
    )
    if count != 1:
        raise UserError(
            f'{name}: the lines "<!-- studies: written by \'make docs\' -->" and "<!-- end of studies -->" '
            "should stand there once."
        )
    return found


def papers(plan: Plan) -> str:
    """Each study with its paper, by topic."""
    studies = {name: plan.declared(name) for name in plan.known}
    rows = [
        (f"`{name}`", study.topic, f"{authors(study.source.authors)} {study.source.year}: {study.source.title}")
        for name, study in sorted(studies.items(), key=lambda item: (item[1].topic, item[0]))
    ]
    return table(("study", "topic", "paper"), rows)


def authors(text: str) -> str:
    """At most three names; of more, the first."""
    names = text.split(", ")
    return text if len(names) < 4 else f"{names[0]} et al."


def sizes(plan: Plan) -> str:
    """What the jobs of each study ask for at the papers' sizes."""
    rows = []
    for name in plan.known:
        steps = [result.split("/")[0] for result in plan.study(name).results]
        asked = {step: plan.resources(name, step) for step in STEPS if step in steps}
        jobs = len(steps) + len(plan.declared(name).figures) + 1
        most = [max(getattr(one, key) for one in asked.values()) for key in ("threads", "mem_mb", "runtime")]
        gpu = ", ".join(step for step, one in asked.items() if one.gpu) or "-"
        rows.append((f"`{name}`", str(jobs), str(most[0]), f"{most[1] / 1000:g}", f"{most[2] / 60:.3g}", gpu))
    return table(("study", "jobs", "threads", "memory, GB", "time limit, h", "GPU"), rows)


def scales(plan: Plan) -> str:
    """Each claim that was judged at the paper's size, beside its verdict and value at laptop scale."""
    laptop, paper = (read_ledger(plan.project / "results" / "reference" / scale) for scale in ("laptop", "paper"))
    rows = []
    for (study, claim), large in paper.items():
        if (study, claim) not in laptop:
            raise UserError(f"results/reference/paper/ledger.csv: {study} {claim} is not in the laptop's ledger.")
        small = laptop[study, claim]
        moved = ["verdict"] * (small["verdict"] != large["verdict"]) + ["value"] * beyond(small, large)
        rows.append((f"`{study}`", claim, *map(_judged, (small, large)), " and ".join(moved) or "-"))
    return table(("study", "claim", "laptop", "the paper's size", "moved"), rows)


def _judged(row: dict) -> str:
    """A verdict, and the value with its interval where there is one."""
    values = [f"{float(row[name]):.3g}" if row[name] else "" for name in ("measured", "low", "high")]
    if not values[0]:
        return row["verdict"]
    return f"{row['verdict']}: {values[0]}" + (f" [{values[1]}, {values[2]}]" if values[1] != values[2] else "")


def pieces(plan: Plan) -> str:
    """Steps of which a few turns were run at the papers' sizes, as `benchmarks/paper_training.py --out` wrote them."""
    path = plan.project / "results" / "reference" / "paper" / "pieces.csv"
    rows = []
    for piece in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        study, case, step = (piece[name] for name in ("study", "case", "step"))
        plan.result(f"{study}/{step}/{case}")  # what was renamed since is named here
        turns = f"{piece['turns']} x {piece['s_a_turn']} s" if piece["turns"] else ""
        memory = f"{float(piece['peak_mb']) / 1000:.2g}" if piece["peak_mb"] else ""
        hours = f"{piece['bound']} {float(piece['core_h']):.2g}".strip() if piece["core_h"] else ""
        resumed = piece["checkpoint"].partition(":")[0]
        rows.append((f"`{study}`", case, step, turns, hours, memory, resumed, piece["inputs"], ending(piece)))
    heads = ("study", "case", "step", "turns", "core h", "memory, GB", "checkpoint", "fed by", "ended")
    return table(heads, rows)


def ending(piece: dict[str, str]) -> str:
    """How a piece ended, in a word or two: the table of numbers has the whole message."""
    said = piece["ended"]
    for words, short in ENDINGS.items():
        if any(word in said for word in words.split("|")):
            return short
    return "failed, for what it was fed" if said else "whole"


def seeds(plan: Plan) -> str:
    """Claims whose verdict turns among the replicates, after a count of those that keep theirs."""
    reference = plan.project / "results" / "reference" / "laptop"
    ledger, rows = read_ledger(reference), read_replicates(reference / "replicates.csv")
    tested = {key: found for key, found in said(rows).items() if ledger[key]["verdict"] != "not testable here"}
    verdicts = {(row["study"], row["claim"], row["replicate"]): row["verdict"] for row in rows}
    turned = [key for key, found in tested.items() if found.startswith("unsettled")]
    names = {row["replicate"] for row in rows if (row["study"], row["claim"]) in turned}
    names = sorted(names, key=lambda name: (not name.startswith("seed"), name))
    cells = [
        (
            f"`{study}`",
            claim,
            *(verdicts.get((study, claim, name), "") for name in names),
            ledger[study, claim]["close"],
        )
        for study, claim in sorted(turned)
    ]
    firm = f"{len(tested) - len(turned)} of {len(tested)} claims have one verdict in all of their runs. The others:\n\n"
    return firm + table(("study", "claim", *(name.replace("_", " ") for name in names), "close"), cells)


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


TABLES = {
    "README.md": papers,
    "docs/cluster.md": sizes,
    "docs/scales.md": scales,
    "docs/pieces.md": pieces,
    "docs/seeds.md": seeds,
}

if __name__ == "__main__":
    main()
