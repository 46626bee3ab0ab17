"""What the rules ask of the yamls at a scale: each study's cases, inputs, code, params, files, resources, figures.

Plain Python: Snakemake's rules, `verify`, tests and benchmarks read the same plan.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pesin.claims.models import Quantity
from pesin.config.load import arguments, check_study, judged_part, merge, read_study, selected_studies, study_names
from pesin.config.models import STEPS, Case, Config, Overlay, Resources, Study
from pesin.errors import UserError, did_you_mean
from pesin.kept import keep, kept, key_of
from pesin.params import UPSTREAM, DataFile, DataFolder, check, data_paths, params_module, visible
from pesin.stats.wilson import fewest_units
from pesin.steps.closure import closure, step_closure
from pesin.steps.plugin import code_files, find

Uses = dict[str, str | list[str]]
"""Argument of a step's function -> the result, or the results, that it is handed: study/step/case."""
EARLIER = {"data": "simulate", "trained": "train"}
"""Argument of a step's function -> the earlier step whose result it is handed."""
FIGURE_FORMATS = ("svg", "pdf", "png")
SMOKE_SECONDS = 8.0
"""Core seconds that a study's own functions may take at smoke scale: the tests run all of them, twice."""


@dataclass(frozen=True)
class CasePlan:
    """A case or a control at the chosen scale."""

    kind: str
    """Folder of its modules below the study's; "" if they lie in the study's own."""
    steps: list[str]
    params: dict[str, Any]
    uses: dict[str, Uses]
    """For each step the results it takes beside its own case's."""
    control_of: str = ""
    data: dict[str, DataFile] = field(default_factory=dict)
    """The parameters that are paths of data, by their dotted key."""


@dataclass(frozen=True)
class StudyPlan:
    """A study at the chosen scale."""

    name: str
    declared: Study
    folder: Path
    """Its modules."""
    cases: dict[str, CasePlan]
    resources: dict[str, Resources]

    @cached_property
    def results(self) -> list[str]:
        """All results as step/case, in the order of the yaml."""
        return [f"{step}/{case}" for case, entry in self.cases.items() for step in entry.steps]

    def module(self, case: str, name: str) -> Path:
        """File of a step or of the params of a case."""
        return self.folder / self.cases[case].kind / f"{name}.py"

    def params_type(self, case: str):
        """The type `Params` of a case's kind."""
        return import_module(params_module(self.name, self.cases[case].kind)).Params


class Plan:
    """All that a run needs to know of the studies.

    Parameters
    ----------
    project
        Folder of the Snakefile.
    settings
        The checked config.
    cache
        Folder that keeps checked studies from one start to the next, made when needed; None keeps nothing.

    Raises
    ------
    UserError
        From every method: a sentence that names file and key.
    """

    def __init__(self, project: Path, settings: Config, cache: Path | None = None) -> None:
        self.project, self.settings, self.cache = project, settings, cache
        self.scripts, self.yamls = project / "workflow" / "scripts", project / "config" / "studies"
        self.known = study_names(self.yamls)
        self.selected = selected_studies(settings, self.yamls)
        self.results = f"{settings.results}/{settings.scale}"
        self.study = lru_cache(None)(self._study)

    # ------------------------------------------------------------------------------------------------------- studies

    def declared(self, study: str) -> Study:
        """The study's yaml, checked."""
        return self.study(study).declared

    def _study(self, study: str) -> StudyPlan:
        """The study at the scale, its parameters, code and claims checked."""
        if study not in self.known:
            raise UserError(f"There is no study '{study}'.{did_you_mean(study, self.known)}")
        folder, scale = self.scripts / "studies" / study, self.settings.scale
        if self.cache is None:
            return resolve(study, check_study(study, read_study(study, self.yamls), self.yamls), scale, folder)
        file, key = (
            self.cache / f"{study}.{scale}.json",
            key_of(scale, self.yamls / f"{study}.yaml", *self._read(study)),
        )
        found = kept(file, key)
        if found is not None:
            return from_json(study, found, folder)
        written = read_study(study, self.yamls)
        plan = resolve(study, check_study(study, written, self.yamls), scale, folder)
        keep(file, key, to_json(plan, written))
        return plan

    def _read(self, study: str) -> list[Path]:
        """All code that a study's plan depends on: its own modules, the library behind its parameters, and this."""
        own = sorted((self.scripts / "studies" / study).rglob("*.py"))
        types = [path for path in own if path.name == "params.py"]
        return own + [Path(path) for path in closure(self.scripts, Path(__file__), *types)]

    def case(self, study: str, case: str) -> CasePlan:
        cases = self.study(study).cases
        if case not in cases:
            raise UserError(f"The study '{study}' has no case '{case}'.{did_you_mean(case, cases)}")
        return cases[case]

    # --------------------------------------------------------------------------------------------------------- steps

    def result(self, reference: str) -> str:
        """Path of a result study/step/case."""
        study, step, case = reference.split("/")
        steps = self.case(study, case).steps
        if step not in steps:
            raise UserError(f"The case '{study}/{case}' has no step '{step}'.{did_you_mean(step, steps)}")
        return f"{self.results}/{reference}.nc"

    def taken(self, study: str, step: str, case: str) -> Uses:
        """References of the results that a step is handed, by argument: its own case's earlier steps, and `uses`.

        A control without an earlier step is handed its case's result of it.
        """
        entry = self.case(study, case)
        before = [made for made in UPSTREAM[step] if made != step and made in entry.steps]
        earlier: Uses = {name: f"{study}/{made}/{case}" for name, made in EARLIER.items() if made in before}
        return entry.uses[step] | earlier

    def inputs(self, study: str, step: str, case: str) -> dict[str, str | list[str]]:
        """Result files that a step is handed, by argument."""
        self.result(f"{study}/{step}/{case}")  # an unknown case or step is named here
        return {
            name: self.result(given) if isinstance(given, str) else [self.result(one) for one in given]
            for name, given in self.taken(study, step, case).items()
        }

    def params(self, study: str, step: str, case: str) -> dict[str, Any]:
        """The parameters that a step may see."""
        return visible(self.case(study, case).params, step)

    def code(self, study: str, step: str, case: str) -> list[str]:
        """Every file of the project whose edit could change the step's result."""
        return step_closure(self.scripts, study, self.case(study, case).kind, step, self.params(study, step, case))

    def files(self, study: str, step: str, case: str, elsewhere: bool = False) -> list[str]:
        """Files of data that the parameters seen by a step name, those of folders one by one.

        `elsewhere`: jobs run on other machines, so that the files must lie on a disk that those see.
        """
        seen: list[str] = []
        for key, path in self.case(study, case).data.items():
            section = key.partition(".")[0]
            if section not in UPSTREAM or section in UPSTREAM[step]:
                where = f"config/studies/{study}.yaml: case '{case}', params.{key}"
                seen += data_files(path, where, elsewhere)
        return sorted(set(seen))

    def check_data(self, study: str) -> None:
        """Raise UserError if a file or a folder of data that the study's parameters name isn't there."""
        for case, entry in self.study(study).cases.items():
            for step in entry.steps:
                self.files(study, step, case)

    def resources(self, study: str, step: str) -> Resources:
        return self.study(study).resources[step]

    # ------------------------------------------------------------------------------------------- judge, figures, pages

    def study_results(self, study: str) -> list[str]:
        """Files of all results of a study, controls included."""
        return [self.result(f"{study}/{reference}") for reference in self.study(study).results]

    def claims(self, study: str) -> str:
        return f"{self.results}/{study}/claims.nc"

    def figures(self, study: str) -> list[str]:
        return [f"{self.results}/{study}/figures/{figure}.svg" for figure in self.declared(study).figures]

    def targets(self, study: str) -> list[str]:
        """Verdicts and figures; the judge takes every result, so nothing is left out."""
        return [self.claims(study), *self.figures(study)]

    def all_targets(self) -> list[str]:
        """Verdicts and figures of all selected studies."""
        return [path for study in self.selected for path in self.targets(study)]

    def all_figures(self) -> list[str]:
        return [path for study in self.selected for path in self.figures(study)]

    def judged(self, study: str) -> dict:
        """What the judge reads of the yaml."""
        return judged_part(self.declared(study))

    def figure_reads(self, study: str, figure: str) -> list[str]:
        """Results that a figure is drawn from, as step/case."""
        figures = self.declared(study).figures
        if figure not in figures:
            raise UserError(f"The study '{study}' has no figure '{figure}'.{did_you_mean(figure, figures)}")
        return figures[figure].reads

    def figure_inputs(self, study: str, figure: str) -> list[str]:
        return [self.result(f"{study}/{read}") for read in self.figure_reads(study, figure)]

    def figure_cases(self, study: str, figure: str) -> dict[str, dict]:
        """For each case read its kind, and the parameters that the results read depend on."""
        steps: dict[str, list[str]] = {}
        for read in self.figure_reads(study, figure):
            step, case = read.split("/")
            steps.setdefault(case, []).append(step)
        entries = {case: self.case(study, case) for case in sorted(steps)}
        return {case: {"kind": e.kind, "params": visible(e.params, *steps[case])} for case, e in entries.items()}

    def figure_code(self, study: str, figure: str) -> list[str]:
        """Files whose edit could change a figure: the drawing, and the types of the parameters it is handed."""
        kinds = sorted({entry["kind"] for entry in self.figure_cases(study, figure).values()})
        folder = self.study(study).folder
        return self.driver_code("figure", folder / "figures.py", *(folder / kind / "params.py" for kind in kinds))

    def driver_code(self, driver: str, *more: Path) -> list[str]:
        """Import closure of a driver and of other modules."""
        return closure(self.scripts, self.scripts / f"{driver}.py", *more)

    def paper(self, study: str) -> dict:
        """What the ledger's page says about a paper, as the yaml states it, and the cases of this scale."""
        sizes = dict.fromkeys(("params", "cases", "scales", "resources"), True)
        said = self.declared(study).model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=sizes)
        return said | {"cases": {case: {"steps": entry.steps} for case, entry in self.study(study).cases.items()}}

    def at_paper_size(self) -> list[str]:
        """The ledger of the papers' own sizes that we stand by, if there is one and this run isn't of that scale."""
        path = self.project / "results/reference/paper/ledger.csv"
        return [str(path)] if self.settings.scale != "paper" and path.is_file() else []

    def replicates(self) -> list[str]:
        """The table of replicates that we stand by at this scale, if there is one."""
        path = self.project / "results" / "reference" / self.settings.scale / "replicates.csv"
        return [str(path)] if path.is_file() else []

    def budgets(self) -> dict[str, dict[str, float]]:
        """For each study the most that columns of its costs' total may hold at this scale."""
        declared = {study: self.declared(study).budget for study in self.selected}
        of_scale = {
            "smoke": lambda budget: {"own_s": SMOKE_SECONDS},
            "laptop": lambda budget: {"cpu_s": budget.seconds, "peak_mb": budget.memory_mb},
        }
        most = of_scale.get(self.settings.scale, lambda budget: {})
        return {study: most(budget) for study, budget in declared.items()}


# ------------------------------------------------------------------------------------------------- laying out a study


def resolve(name: str, study: Study, scale: str, folder: Path) -> StudyPlan:
    """Lay a scale over a study, and check that everything it names is there.

    study.params <- case.params <- scale.params <- scale.cases.params; for a control then <- set <- fewer <-
    scale.cases.<control>.params.
    """
    where = f"config/studies/{name}.yaml"
    overlay = study.scales.get(scale, Overlay())  # type: ignore[call-overload]
    cases = _cases(name, study, overlay, folder, where)
    plan = StudyPlan(name, study, folder, cases, _resources(study, overlay, where))
    _check_modules(plan)
    for case, entry in cases.items():
        typed = check(plan.params_type(case), entry.params, f"{where}: case '{case}', params")
        cases[case] = replace(entry, data=dict(data_paths(typed)))
    _check_code(plan)
    _check_reads(plan, where)
    if scale != "smoke":
        _check_estimates(study, study.units | overlay.units, where)
    return plan


def to_json(plan: StudyPlan, written: dict) -> dict:
    """A plan, and the yaml that it was made of, as what JSON holds; inverse of `from_json`."""
    cases = {
        case: asdict(entry) | {"data": {key: [type(path).__name__, path] for key, path in entry.data.items()}}
        for case, entry in plan.cases.items()
    }
    resources = {step: asked.model_dump() for step, asked in plan.resources.items()}
    return {"written": written, "cases": cases, "resources": resources}


def from_json(name: str, found: dict, folder: Path) -> StudyPlan:
    """A plan that `resolve` has checked before; code that its parameters name is looked for again."""
    types = {"DataFile": DataFile, "DataFolder": DataFolder}
    cases = {
        case: CasePlan(**entry | {"data": {key: types[kind](path) for key, (kind, path) in entry["data"].items()}})
        for case, entry in found["cases"].items()
    }
    resources = {step: Resources(**asked) for step, asked in found["resources"].items()}
    plan = StudyPlan(name, Study.model_validate(found["written"]), folder, cases, resources)
    _check_code(plan)
    return plan


def _cases(name: str, study: Study, overlay: Overlay, folder: Path, where: str) -> dict[str, CasePlan]:
    found: dict[str, CasePlan] = {}
    for case in [*study.cases, *(c for c in overlay.cases if c not in {**study.cases, **study.controls})]:
        base, top = study.cases.get(case, Case()), overlay.cases.get(case, Case())
        params = merge(study.params, base.params, overlay.params, top.params)
        uses = {**study.uses, **base.uses, **top.uses}
        steps = top.steps or base.steps or study.steps
        found[case] = _case(name, folder, where, case, top.kind or base.kind or "", steps, params, uses)
    for control, spec in study.controls.items():
        of, top = found[spec.of], overlay.cases.get(control, Case())
        if top.kind or top.uses or top.steps:
            raise UserError(f"{where}: a scale may change the params of the control '{control}', and nothing else.")
        params = merge(of.params, spec.set, spec.fewer, top.params)
        _check_fewer(spec.fewer, params, of.params, f"{where}: controls.{control}.fewer")
        base = study.cases.get(spec.of, Case())
        scaled = overlay.cases.get(spec.of, Case())
        own = spec.steps or of.steps
        lacking = {key: made for key, made in EARLIER.items() if made in of.steps and made not in own}
        taken: Uses = {key: f"{made}/{spec.of}" for key, made in lacking.items()}  # the case's own, to reuse its run
        uses = {**taken, **study.uses, **base.uses, **scaled.uses}
        found[control] = _case(name, folder, where, control, of.kind, own, params, uses, spec.of)
    return found


def _case(name, folder, where, case, kind, steps, params, uses, control_of="") -> CasePlan:
    """One case with the results that each of its steps has an argument for."""
    steps = [step for step in STEPS if step in steps]
    if kind and not (folder / kind).is_dir():
        known = sorted(path.parent.name for path in folder.glob("*/params.py"))
        raise UserError(f"{where}: cases.{case}.kind: there is no folder {folder / kind}.{did_you_mean(kind, known)}")
    takes = {step: arguments(_module(folder / kind, step), step) for step in steps}
    full = {
        argument: [_full(name, one) for one in given] if isinstance(given, list) else _full(name, given)
        for argument, given in sorted(uses.items())
    }
    for argument in full:
        # A control may have fewer steps than its case, and so no use for what its case takes.
        if not control_of and not any(argument in names for names in takes.values()):
            raise UserError(
                f"{where}: case '{case}': uses.{argument}: no step's function has an argument '{argument}'."
            )
    own = {step: {argument: given for argument, given in full.items() if argument in takes[step]} for step in steps}
    return CasePlan(kind, steps, params, own, control_of)


def _full(study: str, reference: str) -> str:
    return reference if reference.count("/") == 2 else f"{study}/{reference}"


def _module(folder: Path, step: str) -> Path:
    path = folder / f"{step}.py"
    if not path.is_file():
        raise UserError(f"{path} is missing: the study declares the step '{step}'. CONTRIBUTING.md says what goes in.")
    return path


def _resources(study: Study, overlay: Overlay, where: str) -> dict[str, Resources]:
    return {
        step: check(
            Resources,
            merge(study.resources.get(step, Resources()).model_dump(), overlay.resources.get(step, {})),  # type: ignore[call-overload, arg-type]
            f"{where}: resources.{step}",
        )
        for step in (*STEPS, "figure")
    }


# ------------------------------------------------------------------------------------------------------------- checks


def _check_modules(plan: StudyPlan) -> None:
    """Raise UserError if the study's folder lacks a file or a function that its yaml declares."""
    for entry in plan.cases.values():
        folder = plan.folder / entry.kind
        if not (folder / "params.py").is_file():
            raise UserError(f"{folder / 'params.py'} is missing: it types the parameters of the study's cases.")
        for step in entry.steps:
            if not arguments(folder / f"{step}.py", step):
                raise UserError(f"{folder / f'{step}.py'} has no function '{step}(case, ...)'.")
    for figure in plan.declared.figures:
        if not arguments(_module(plan.folder, "figures"), figure):
            raise UserError(f"{plan.folder / 'figures.py'} has no function '{figure}(study)', declared under figures.")


def _check_code(plan: StudyPlan) -> None:
    """Raise UserError if a file of code that a parameter names isn't there."""
    for entry in plan.cases.values():
        for reference in code_files(entry.params):
            find(reference)


def _check_reads(plan: StudyPlan, where: str) -> None:
    """Raise UserError if a figure or a claim reads a result that no case makes."""
    for figure, drawn in plan.declared.figures.items():
        for read in drawn.reads:
            if read not in plan.results:
                hint = did_you_mean(read, plan.results)
                raise UserError(f"{where}: figures.{figure}.reads: no result '{read}'.{hint}")
    for claim, spec in plan.declared.claims.items():
        for part in (*spec.rules, *spec.preconditions):
            quantities = [part] if isinstance(part, Quantity) else [v for _, v in part if isinstance(v, Quantity)]
            for quantity in quantities:
                read = f"{quantity.step}/{quantity.case}"
                if read not in plan.results:
                    hint = did_you_mean(read, plan.results)
                    raise UserError(f"{where}: claims.{claim}: no result '{read}'.{hint}")


def _check_fewer(named: dict, own: dict, case: dict, where: str) -> None:
    """Raise UserError unless each value is less than the case's, a part of its list, or a multiple of its stride.

    `named` are the keys that the control says it has fewer of; `own` and `case` all parameters of control and case.
    """
    for key in named:
        at = f"{where}.{key}"
        if key not in case:
            raise UserError(f"{at}: the case has no such parameter.{did_you_mean(key, case)}")
        value, whole = own[key], case[key]
        if isinstance(named[key], dict) and isinstance(value, dict) and isinstance(whole, dict):
            _check_fewer(named[key], value, whole, at)
        elif isinstance(value, list) and isinstance(whole, list):
            if not all(item in whole for item in value):
                raise UserError(f"{at}: {value} has what the case's {whole} has not.")
        elif key == "every" and isinstance(value, int) and isinstance(whole, int) and value % whole == 0:
            continue  # a stride: every ninth of a list where the case takes every third
        elif value == whole:
            continue  # at a scale that leaves out none
        elif isinstance(value, bool) or not isinstance(value, int) or not isinstance(whole, int) or value > whole:
            raise UserError(f"{at}: {value!r} is no smaller number, or shorter list, than the case's {whole!r}.")


def _check_estimates(study: Study, units: dict[str, int], where: str) -> None:
    """Raise UserError where no share of the declared units could satisfy a rule, even if all say the same.

    A median over units that are too few for its interval to leave one out is warned of.
    """
    for claim, spec in study.claims.items():
        for rule in spec.rules:
            if getattr(rule, "estimate", None) == "median" and units.get(rule.over, 9) < 9:
                warnings.warn(
                    f"{where}: claims.{claim}: the median of {units[rule.over]} along '{rule.over}' has an interval"
                    " from the least to the greatest: one straggler decides. Take nine, or the mean.",
                    stacklevel=2,
                )
            if getattr(rule, "estimate", None) != "share":
                continue
            low = getattr(rule, "low", None) or getattr(rule, "above", None) or 0.0
            high = getattr(rule, "high", None) or getattr(rule, "below", None) or 1.0
            needed = max(fewest_units(low), fewest_units(1 - high))
            if needed < 2:
                continue
            asked, known = f"{where}: claims.{claim}: a share between {low:g} and {high:g}", units.get(rule.over)
            if known is None:
                raise UserError(
                    f"{asked} needs {needed} along '{rule.over}'. Say how many there are: units: {{{rule.over}: N}}"
                )
            if known < needed:
                raise UserError(
                    f"{asked} is out of reach with {known} along '{rule.over}', since its interval is as wide even if"
                    f" all agree: it takes {needed}. Choose another threshold, or more units, before the run."
                )


# --------------------------------------------------------------------------------------------------------- data files

NODE_LOCAL = ("/tmp", "/var/tmp", "/dev/shm", "/run")


def data_files(path: DataFile, where: str, elsewhere: bool) -> list[str]:
    """Files behind a path parameter; a sentence where there is none, or where a cluster's nodes can't see it."""
    found = Path(path)
    if elsewhere and str(found.resolve()).startswith(tuple(f"{place}/" for place in NODE_LOCAL)):
        raise UserError(f"{where}: {path} lies where each node of a cluster has its own disk. Move it to a shared one.")
    if isinstance(path, DataFolder):
        inside = sorted(str(file) for file in found.rglob("*") if file.is_file()) if found.is_dir() else []
        if not inside:
            raise UserError(f"{where}: there is no folder {path} with files in it (from {Path.cwd()}).")
        return inside
    if found.is_dir():
        raise UserError(f"{where}: {path} is a folder; name a file in it.")
    if not found.is_file():
        raise UserError(f"{where}: there is no file {path} (from {Path.cwd()}). A relative path begins where you run.")
    return [str(found)]
