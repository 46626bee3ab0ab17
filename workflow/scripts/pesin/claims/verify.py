"""Holds everything below results/<scale> against what would be made now, by digests alone, and names what doesn't fit.

Snakemake goes by times and by its own notes in .snakemake; a result that was edited, copied from elsewhere with an old
time, or made before .snakemake was lost is up to date to it. Here contents are compared: of the results, their
parameters, code and inputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import xarray as xr

from pesin.errors import UserError
from pesin.plan import FIGURE_FORMATS, Plan, Uses
from pesin.steps.files import open_result
from pesin.steps.record import read_record
from pesin.steps.run import file_digest, files_digest

Finding = tuple[Path, str]
TABLES = {"ledger": ("ledger.csv", "ledger.html", "ledger.svg"), "costs": ("costs.csv",)}


def verify(plan: Plan) -> tuple[list[Finding], int]:
    """Compare all files of a scale with what their inputs, parameters, data and code are now.

    Parameters
    ----------
    plan
        Of the studies and the scale to look at; its results lie relative to the working directory.

    Returns
    -------
    (findings, checked)
        findings: (file, what is wrong), in the order of the workflow. checked: number of files looked at.
    """
    check = _Check(plan, Path(plan.results))
    for study in plan.selected:
        check.study(study)
    check.tables()
    check.strangers(plan.selected)
    return check.findings, len(check.expected)


class _Check:
    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder, self.scale = plan, folder, plan.settings.scale
        self.findings: list[Finding] = []
        self.expected: set[Path] = set()
        self._digests: dict[Path, str | None] = {}

    def study(self, name: str) -> None:
        plan, study = self.plan, self.plan.study(name)
        for case, entry in study.cases.items():
            for step in entry.steps:
                seen, code = plan.params(name, step, case), plan.code(name, step, case)
                try:
                    files = plan.files(name, step, case)
                except UserError as error:
                    self._say(self._path(f"{name}/{step}/{case}"), f"stale: its data are gone: {error}")
                    continue
                self.result(f"{name}/{step}/{case}", seen, code, plan.taken(name, step, case), files)
        judge = plan.driver_code("judge")
        self.result(f"{name}/claims", plan.judged(name), judge, {r: f"{name}/{r}" for r in study.results})
        self.made(self.folder / name, "judge/claims", ("captions.rst",), judge)
        for figure in study.declared.figures:
            drawn = tuple(f"figures/{figure}.{suffix}" for suffix in FIGURE_FORMATS)
            self.made(self.folder / name, f"figures/{figure}", drawn, plan.figure_code(name, figure))

    def tables(self) -> None:
        for name, files in TABLES.items():
            self.made(self.folder, name, files, self.plan.driver_code(name))

    def result(self, reference: str, params: dict, code: list[str], inputs: Uses, files: Sequence[str] = ()) -> None:
        """One NetCDF result: whole, unchanged, and made from the parameters, code and inputs of now."""
        path = self._path(reference)
        self.expected.add(path)
        found = self._open(path)
        if found is None:
            return
        then, now = json.loads(found.attrs.get("parameters", "{}")), json.loads(json.dumps(params))
        if then != now:
            self._say(path, f"stale: made with other parameters ({'; '.join(_differences(then, now))})")
        if found.attrs.get("code_digest") != files_digest(code):
            self._say(path, "stale: made by other code")
        digests = {
            name: self._digest(self._path(given))
            if isinstance(given, str)
            else [self._digest(self._path(one)) for one in given]
            for name, given in inputs.items()
        }
        recorded = json.loads(found.attrs.get("inputs", "{}"))
        changed = sorted(name for name in digests.keys() | recorded.keys() if digests.get(name) != recorded.get(name))
        if changed:
            self._say(path, f"stale: made from other inputs ({', '.join(changed)})")
        present, then = (
            {file: file_digest(Path(file)).hex() for file in files},
            json.loads(found.attrs.get("files", "{}")),
        )
        other = sorted(file for file in present.keys() | then.keys() if present.get(file) != then.get(file))
        if other:
            self._say(path, f"stale: made from other data ({', '.join(other)})")

    def made(self, folder: Path, rule: str, files: tuple[str, ...], code: list[str]) -> None:
        """Files without attributes of their own, by the record in their job's log."""
        log = folder / "logs" / f"{rule}.log"
        known = read_record(log)
        for name in files:
            path = folder / name
            self.expected.add(path)
            if not path.is_file():
                self._say(path, "missing")
            elif not known:
                self._say(path, f"of unknown origin: {log} has no record of it")
            elif file_digest(path).hex() != known["outputs"].get(path.name):
                self._say(path, "altered: changed after it was made")
            elif known["code_digest"] != files_digest(code):
                self._say(path, "stale: made by other code")
            elif other := [read for read, digest in known["inputs"].items() if self._read(read) != digest]:
                self._say(path, f"stale: made from other results ({', '.join(Path(o).stem for o in other)})")

    def strangers(self, studies: list[str]) -> None:
        """Files below the studies' folders that nothing makes."""
        for study in studies:
            for path in sorted((self.folder / study).rglob("*")):
                if not path.is_file() or path in self.expected or "logs" in path.parts:
                    continue
                if ".tmp-" in path.name:
                    self._say(path, "left by a job that was killed while writing: delete it when no job runs")
                elif not path.name.endswith(".checkpoint"):
                    self._say(path, "a stranger: no rule makes it")

    def _path(self, reference: str) -> Path:
        return self.folder / f"{reference}.nc"

    def _open(self, path: Path) -> xr.Dataset | xr.DataTree | None:
        """The result, its content held against its digest; None, and a finding, if it is unfit."""
        try:
            found = open_result(path)
        except UserError as error:
            self._say(path, "missing" if not path.is_file() else f"altered or broken: {error}")
            self._digests[path] = None
            return None
        self._digests[path] = found.attrs["digest"]
        return found

    def _digest(self, path: Path) -> str | None:
        """Digest of a result of now, opened once (a study's results come in the workflow's order)."""
        if path not in self._digests:
            try:
                self._digests[path] = open_result(path).attrs["digest"]
            except UserError:
                self._digests[path] = None
        return self._digests[path]

    def _read(self, path: str) -> str | None:
        """Digest of a result that a record names by its path then; the folder may have moved since."""
        return self._digest(self.folder / Path(*Path(path).parts[Path(path).parts.index(self.scale) + 1 :]))

    def _say(self, path: Path, what: str) -> None:
        self.findings.append((path, what))


def _differences(then: dict, now: dict, above: str = "") -> Iterator[str]:
    for key in sorted({*then, *now}):
        name, old, new = f"{above}{key}", then.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{name}.")
        elif old != new:
            yield f"{name}: {_short(old)} then, {_short(new)} now"


def _short(value, limit: int = 60) -> str:
    text = json.dumps(value)
    return text if len(text) <= limit else text[:limit] + "..."
