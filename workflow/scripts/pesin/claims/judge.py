"""Judges all claims of a study on its results, and on its controls."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import xarray as xr

from pesin.claims.models import Claim, Quantity
from pesin.claims.quantity import select
from pesin.claims.rules import DRAWS, WORST_FIRST, Outcome, evaluate, need_met
from pesin.config.models import Control, Study
from pesin.errors import UserError
from pesin.params import UPSTREAM
from pesin.steps.files import open_result
from pesin.steps.labels import labelled
from pesin.steps.record import MARK

COLUMNS = (
    "study topic claim says paper_value paper_where rule measured low high unit n verdict evidence expect needs_met"
    " control control_flipped figures reason over accept_low accept_high agreement close distance null null_failed"
).split()
MEASURED = ("measured", "low", "high", "accept_low", "accept_high")
NUMBERS = (*MEASURED, "agreement", "distance")
CLOSE = 0.9
Opener = Callable[[str, str], "xr.Dataset | xr.DataTree"]


def judge_study(name: str, study: Study, opened: Opener) -> tuple[list[dict], list[dict]]:
    """Judge every claim.

    Parameters
    ----------
    name, study
        The study and what its yaml says.
    opened
        Function (step, case) -> result; raises UserError for one that is missing or unfit.

    Returns
    -------
    (rows, parts)
        rows: one dict per claim with the ledger's columns. parts: one dict per rule, for the case and each control.
    """
    rows, parts = [], []
    for claim_id, claim in study.claims.items():
        outcome, over, claim_parts = _judge_claim(claim, opened)
        agreement = _agreement(outcome)
        unmet = _unmet(claim, opened)
        controls = {name: spec for name, spec in study.controls.items() if claim_id in spec.must_fail}
        flips: dict[str, Outcome] = {}
        powerless: dict[str, Outcome] = {}
        for control, spec in controls.items():
            flips[control], _, control_parts = _judge_claim(claim, opened, spec.of, control)
            claim_parts += control_parts
            if spec.trivial:
                flips[control] = _withheld(flips[control], claim, _placed(opened, spec, study, control))
            if _comes_out(outcome) and not _comes_out(flips[control]):
                cut, _, _ = _judge_claim(claim, opened, spec.of, control, as_many=True)
                powerless |= {} if _comes_out(cut) else {control: cut}
        parts += [{"claim": claim_id} | part for part in claim_parts]
        verdict, reason = _verdict(claim, outcome, unmet, flips, powerless)
        effect, null = ({c: o for c, o in flips.items() if controls[c].trivial is is_null} for is_null in (False, True))
        rows.append(
            {
                "study": name,
                "topic": study.topic,
                "claim": claim_id,
                "says": claim.says,
                "paper_value": "" if claim.paper.value is None else str(claim.paper.value),
                "paper_where": claim.paper.where,
                "rule": " + ".join(rule.kind for rule in claim.rules),
                "measured": outcome.measured,
                "low": outcome.low,
                "high": outcome.high,
                "unit": outcome.unit,
                "n": outcome.n,
                "verdict": verdict,
                "evidence": claim.evidence,
                "expect": claim.expect,
                "needs_met": ("no" if unmet else "yes") if claim.preconditions else "",
                "control": "; ".join(effect),
                "control_flipped": _said_of_controls(outcome, effect, powerless),
                "figures": "; ".join(f for f, spec in study.figures.items() if claim_id in spec.claims),
                "reason": reason,
                "over": over,
                "accept_low": outcome.accept_low,
                "accept_high": outcome.accept_high,
                "agreement": agreement,
                "close": "yes" if agreement < CLOSE else "",
                "distance": outcome.distance,
                "null": "; ".join(null),
                "null_failed": _said_of_controls(outcome, null, powerless),
            }
        )
    return rows, parts


def judge_folder(name: str, study: Study, folder: Path) -> tuple[list[dict], list[dict]]:
    """Judge every claim on the results that are in `folder` (step/case.nc); a missing one means "no verdict"."""

    @cache
    def opened(step: str, case: str):
        path = folder / step / f"{case}.nc"
        if not path.is_file():
            raise UserError(f"{step}/{case} has no result: {_why_missing(name, study, folder, step, case)}")
        return open_result(path)

    return judge_study(name, study, opened)


def _why_missing(name: str, study: Study, folder: Path, step: str, case: str) -> str:
    """Last words of the job that failed, this one or one it waited for, and its log; else where to look."""
    for log in _logs(name, study, folder, step, case):
        result = folder / log.parent.name / f"{log.stem}.nc"
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
        said = [line.strip() for line in lines if line.strip()]
        if said and not result.is_file() and not said[-1].startswith(MARK):
            return f"{said[-1].removesuffix('.')}. The log has more: {log}"
    return f"see {folder / 'logs' / step / case}.log"


def _logs(name: str, study: Study, folder: Path, step: str, case: str) -> list[Path]:
    """Logs of a step and of all that it waits for within the study, the earliest first."""
    control = study.controls.get(case)
    spec = study.cases.get(control.of if control else case)
    given = {**study.uses, **(spec.uses if spec else {})}.values()
    flat = [one.removeprefix(f"{name}/") for part in given for one in ([part] if isinstance(part, str) else part)]
    used = [reference.split("/") for reference in flat if reference.count("/") == 1]
    jobs = [job for earlier, other in used for job in _upstream(earlier, other)] + _upstream(step, case)
    return [folder / "logs" / earlier / f"{other}.log" for earlier, other in jobs]


def _upstream(step: str, case: str) -> list[tuple[str, str]]:
    return [(earlier, case) for earlier in UPSTREAM[step]]


def to_tree(rows: list[dict], parts: list[dict]) -> xr.DataTree:
    """Pack rows and parts into a DataTree: `/` over the dimension claim, `/parts` over the dimension part."""
    packed = [part | {"values": json.dumps(part["values"])} for part in parts]
    return xr.DataTree.from_dict({"/": _dataset(rows, "claim"), "/parts": _dataset(packed, "part")})


def to_rows(tree: xr.DataTree) -> list[dict]:
    """Unpack the ledger's rows from a `claims.nc`."""
    dataset = tree.to_dataset() if isinstance(tree, xr.DataTree) else tree
    return _unpacked(dataset, COLUMNS)


def to_parts(tree: xr.DataTree) -> list[dict]:
    """Unpack what each rule came to, on the case (`control` is "") and on each control, from a `claims.nc`."""
    dataset = tree.children["parts"].to_dataset(inherit=False)
    return [part | {"values": json.loads(part["values"])} for part in _unpacked(dataset, dataset.data_vars)]


def _judge_claim(claim: Claim, opened: Opener, of: str = "", control: str = "", as_many: bool = False):
    """The deciding outcome of a claim's rules, its unit of resampling, and each rule as a part.

    In a control, quantities of the case `of` read the control; with `as_many` they read the case after all, cut to as
    many independent units as the control has. A part is `timed` if it rests on measured seconds, so that a second run
    may give other values.
    """
    roles: set[str | None] = set()

    def read(quantity: Quantity) -> xr.DataArray:
        found = select(quantity, opened(quantity.step, quantity.case))
        if control and quantity.case == of:
            controlled = select(quantity.model_copy(update={"case": control}), opened(quantity.step, control))
            found = _cut(found, controlled, over) if as_many else controlled
        roles.add(found.attrs.get("role"))
        return found

    outcomes, timed = [], []
    for rule in claim.rules:
        roles.clear()
        over = _over(rule)
        try:
            outcome = _softened(evaluate(rule, read), getattr(rule, "otherwise", "not reproduced"))
            outcomes.append(replace(outcome, reason=_about(rule) + outcome.reason))
        except UserError as error:
            outcomes.append(Outcome("no verdict", reason=str(error)))
        timed.append("yes" if "timing" in roles else "")
    # All must hold: the worst decides, and among equals the first.
    ranks = ("not testable here", *WORST_FIRST)
    deciding = min(range(len(outcomes)), key=lambda i: ranks.index(outcomes[i].verdict))
    overs = [_over(rule) for rule in claim.rules]
    parts = [
        {
            "control": control or "",
            "rule": rule.kind,
            "over": over,
            "decides": "yes" if i == deciding else "",
            "timed": timed[i],
        }
        | {k: getattr(outcome, k) for k in Outcome.__dataclass_fields__ if k != "redraw"}
        | {"values": [None if np.isnan(value) else value for value in outcome.values]}
        for i, (rule, over, outcome) in enumerate(zip(claim.rules, overs, outcomes, strict=True))
    ]
    redraw = partial(_together, outcomes, ranks) if any(outcome.redraw for outcome in outcomes) else None
    return replace(outcomes[deciding], redraw=redraw), overs[deciding], parts


def _together(outcomes: list[Outcome], ranks: tuple[str, ...]) -> tuple[str, ...]:
    """A claim's verdict in each resample of its units, the worst of its rules."""
    votes = [outcome.redraw() if outcome.redraw else (outcome.verdict,) * DRAWS for outcome in outcomes]
    return tuple(min(one, key=ranks.index) for one in zip(*votes, strict=True))


def _agreement(outcome: Outcome) -> float:
    """Share of the resamples with the verdict of the whole; NaN if nothing was resampled, or there is no verdict."""
    if outcome.redraw is None or outcome.verdict in ("no verdict", "not testable here"):
        return math.nan
    votes = outcome.redraw()
    return sum(vote == outcome.verdict for vote in votes) / len(votes)


def _cut(found: xr.DataArray, like: xr.DataArray, over: str) -> xr.DataArray:
    """The units of a case that a control has too: those of the same names, else as many from the first."""
    if over not in found.dims or over not in like.dims or like.sizes[over] >= found.sizes[over]:
        return found
    if over in found.coords and over in like.coords and set(like[over].values) <= set(found[over].values):
        return found.sel({over: like[over].values})
    return found.isel({over: slice(like.sizes[over])})


def _over(rule) -> str:
    """The independent unit that a rule resamples; exact numbers hold element by element."""
    return getattr(rule, "over", "element" if rule.kind in ("identity", "every") else "")


def _about(rule) -> str:
    """What a rule measures, in front of its reason: the variables by name."""
    quantities = [value for _, value in rule if isinstance(value, Quantity)]
    names = list(dict.fromkeys(q.variable.rpartition("/")[2].replace("_", " ") for q in quantities))
    return f"{' and '.join(names)}: " if names else ""


def _softened(outcome: Outcome, otherwise: str) -> Outcome:
    """A failed rule that says `otherwise: partly` makes its claim `partly`, unless it fails in every unit."""
    if otherwise != "partly" or outcome.satisfied == 0:
        return outcome
    if (redraw := outcome.redraw) is not None:
        softer = {"not reproduced": "partly"}
        outcome = replace(outcome, redraw=lambda: tuple(softer.get(vote, vote) for vote in redraw()))
    if outcome.verdict != "not reproduced":
        return outcome
    reason = f"{outcome.reason}; this part fails, and counts as half"
    return replace(outcome, verdict="partly", reason=reason)


def _unmet(claim: Claim, opened: Opener) -> str:
    """Sentences of the preconditions that don't hold; "" if all do."""
    found = []
    for need in claim.preconditions:
        try:
            found.append(need_met(need, lambda quantity: select(quantity, opened(quantity.step, quantity.case))))
        except UserError as error:
            found.append(str(error))
    return "; ".join(sentence for sentence in found if sentence)


def _placed(opened: Opener, spec: Control, study: Study, control: str) -> Opener:
    """Results as a control sees them: its own for its case's, of the steps that it has."""
    steps = spec.steps or study.cases[spec.of].steps or study.steps
    return lambda step, case: opened(step, control if case == spec.of and step in steps else case)


def _withheld(outcome: Outcome, claim: Claim, opened: Opener) -> Outcome:
    """What a trivial run came to: one that fails a precondition fails its claim."""
    try:
        said = [need_met(need, lambda q: select(q, opened(q.step, q.case))) for need in claim.preconditions]
    except UserError as error:
        return Outcome("no verdict", reason=str(error))
    if not any(said) or not _comes_out(outcome):
        return outcome
    return replace(outcome, verdict="not reproduced", reason=f"precondition failed: {'; '.join(filter(None, said))}")


def _comes_out(outcome: Outcome) -> bool:
    return outcome.verdict in ("reproduced", "partly")


def _flipped(outcome: Outcome) -> bool:
    return outcome.verdict == "not reproduced"


def _said_of_controls(outcome: Outcome, flips: dict[str, Outcome], powerless: dict[str, Outcome]) -> str:
    """Whether every control of a claim fails it, and could have done otherwise."""
    if not flips:
        return ""
    if not all(map(_flipped, flips.values())):
        return "no"
    if outcome.verdict == "not reproduced":
        return "nothing to flip"
    return "without power" if powerless.keys() & flips.keys() else "yes"


def _verdict(
    claim: Claim, outcome: Outcome, unmet: str, flips: dict[str, Outcome], powerless: dict[str, Outcome]
) -> tuple[str, str]:
    """The claim's verdict after preconditions and controls, with the reason."""
    if outcome.verdict in ("not testable here", "no verdict"):
        return outcome.verdict, outcome.reason
    if unmet:
        return "no verdict", f"precondition failed: {unmet}"
    stuck = {control: o for control, o in flips.items() if not _flipped(o)}
    if stuck and outcome.verdict != "not reproduced":
        said = "; ".join(f"the control '{control}' came out '{o.verdict}' ({o.reason})" for control, o in stuck.items())
        return "no verdict", f"{said}: without the effect the claim does not fail, so '{outcome.verdict}' means nothing"
    if powerless:
        said = "; ".join(f"with as many units as '{c}' the case gives '{o.verdict}'" for c, o in powerless.items())
        return "no verdict", f"the control could not have shown it: {said}"
    if outcome.verdict == "reproduced" and claim.evidence == "illustrated":
        return "illustrated", outcome.reason
    return outcome.verdict, outcome.reason


def _unpacked(dataset: xr.Dataset, names) -> list[dict]:
    columns = {name: dataset[name].values.tolist() for name in names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _dataset(rows: list[dict], dim: str) -> xr.Dataset:
    variables = {}
    for name in rows[0]:
        column = [row[name] for row in rows]
        if all(isinstance(value, str) for value in column):
            values, nan = np.array(column, dtype=object), ""
        elif all(isinstance(value, int) for value in column):
            values, nan = np.array(column, dtype=np.int64), ""
        else:
            values, nan = np.array(column, dtype=float), "nothing measured"
        variables[name] = labelled(dim, values, name.replace("_", " "), nan=nan)
    return xr.Dataset(variables)
