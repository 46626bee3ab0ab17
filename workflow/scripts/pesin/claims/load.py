"""Reads the yaml of config and studies, lays the scale over them, and says in a sentence what is wrong."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import yaml

from pesin.claims.models import SCALES, STEPS, Config, Resources, Study
from pesin.errors import UserError, did_you_mean
from pesin.params import check

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """Safe yaml, with two traps closed: a key given twice is an error, and 1e-3 is a number."""


def _mapping(loader, node):
    seen: set = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' stands twice", key_node.start_mark)
        seen.add(key)
    return _Base.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def read_yaml(path: Path):
    """Parse one yaml file.

    Raises
    ------
    UserError
        If the file is missing or isn't yaml; the message has file, line and column.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file.") from None
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise UserError(f"{where}: this is not yaml: {getattr(error, 'problem', error)}.") from None


# ------------------------------------------------------------------------------------------------------------ studies


def check_config(config: dict, where: str = "config/config.yaml") -> Config:
    """Return the checked config; an unknown scale or key is named with its nearest neighbour."""
    scale = config.get("scale")
    if scale is not None and scale not in SCALES:
        raise UserError(f"{where}: scale '{scale}' is not known.{did_you_mean(scale, SCALES)}")
    return check(Config, config, where)


def study_names(folder: Path) -> list[str]:
    """Names of all studies that have a yaml in `folder`, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def selected_studies(config: Config, folder: Path) -> list[str]:
    """Names of the studies that the config asks for.

    Raises
    ------
    UserError
        If one of them doesn't exist, or there is none at all.
    """
    known = study_names(folder)
    names = known if config.studies == "all" else list(dict.fromkeys(config.studies))
    for name in names:
        if name not in known:
            raise UserError(f"config: there is no study '{name}' in {folder}.{did_you_mean(name, known)}")
    if not names:
        raise UserError(f"{folder} holds no study: there is nothing to run.")
    return names


def load_study(name: str, folder: Path) -> Study:
    """Read and check `folder/name.yaml`."""
    path = folder / f"{name}.yaml"
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected keys and values at the top, found {type(data).__name__}.")
    return check(Study, data, str(path))


def judged_part(study: Study) -> dict:
    """What the yaml says without sizes, on which verdicts depend through the results alone: parameters of the judge."""
    sizes = dict.fromkeys(("params", "scales", "resources", "budget"), True)
    return study.model_dump(mode="json", by_alias=True, exclude=sizes | {"cases": {"__all__": {"params"}}})


def merge(base: dict, *overlays: dict) -> dict:
    """Lay dicts over each other: mappings merge key by key, everything else is replaced."""
    result = dict(base)
    for overlay in overlays:
        for key, value in overlay.items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merge(result[key], value) if both else value
    return result


@cache
def arguments(module: Path, function: str) -> tuple[str, ...]:
    """Names of the arguments of a module's function, read without importing it; () if it isn't there."""
    # The header alone is parsed: whole files would cost every start of Snakemake tenths of a second.
    header = re.search(
        rf"^def {function}\((.*?)\)[^)\n]*:$", module.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    if header is None:
        return ()
    (node,) = ast.parse(f"def {function}({header[1]}): ...").body
    assert isinstance(node, ast.FunctionDef)
    return tuple(argument.arg for argument in node.args.args + node.args.kwonlyargs)


def resolve_study(name: str, study: Study, scale: str, folder: Path) -> dict:
    """Return everything the rules need of one study at one scale, as plain sorted data.

    Parameters
    ----------
    name, study, scale
        The study and the scale laid over it: study.params <- case.params <- scale.params <- scale.cases.params, and
        for a control <- its `set`.
    folder
        The study's modules: workflow/scripts/studies/<name>.

    Returns
    -------
    dict
        cases: {case: {params, steps, uses: {step: {name: study/step/case}}}}, resources, figures, title, topic.
    """
    where = f"config/studies/{name}.yaml"
    overlay = study.scales.get(scale)  # type: ignore[call-overload]
    scaled = overlay.cases if overlay else {}
    shared = overlay.params if overlay else {}
    cases: dict[str, dict] = {}
    for case in [*study.cases, *(c for c in scaled if c not in study.cases)]:
        base, top = study.cases.get(case), scaled.get(case)
        layers = [base.params if base else {}, shared, top.params if top else {}]
        steps = (top and top.steps) or (base and base.steps) or study.steps
        uses = {**study.uses, **(base.uses if base else {}), **(top.uses if top else {})}
        cases[case] = {"params": merge(study.params, *layers), "steps": steps, "uses": uses}
    for control, spec in study.controls.items():
        base_case = cases[spec.of]
        params = merge(base_case["params"], spec.set)
        steps = spec.steps or base_case["steps"]
        taken = {name for step in steps for name in arguments(_module(folder, step), step)}
        uses = {name: reference for name, reference in base_case["uses"].items() if name in taken}
        cases[control] = {"params": params, "steps": steps, "uses": uses}
    for case, entry in cases.items():
        entry["steps"] = [step for step in STEPS if step in entry["steps"]]
        entry["uses"] = _uses(entry, folder, f"{where}: case '{case}'")
    more = overlay.resources if overlay else {}
    resources = {
        step: check(
            Resources,
            merge(study.resources.get(step, Resources()).model_dump(), more.get(step, {})),  # type: ignore[call-overload, arg-type]
            f"{where}: resources.{step}",
        ).model_dump()
        for step in (*STEPS, "figure")
    }
    for figure, drawn in study.figures.items():
        for read in drawn.reads:
            step, _, case = read.partition("/")
            if case not in cases or step not in cases[case]["steps"]:
                known = [f"{s}/{c}" for c in cases for s in cases[c]["steps"]]
                raise UserError(f"{where}: figures.{figure}.reads: no result '{read}'.{did_you_mean(read, known)}")
    return {
        "title": study.title,
        "topic": study.topic,
        "cases": cases,
        "resources": resources,
        "figures": {figure: drawn.reads for figure, drawn in study.figures.items()},
    }


def _uses(entry: dict, folder: Path, where: str) -> dict[str, dict[str, str]]:
    """For each step the results it takes beside its own case's: those that its function has an argument for."""
    takes = {step: arguments(_module(folder, step), step) for step in entry["steps"]}
    for name, reference in entry["uses"].items():
        if not any(name in names for names in takes.values()):
            raise UserError(f"{where}: uses.{name}: no step's function has an argument '{name}'.")
        if reference.count("/") != 2:
            raise UserError(f"{where}: uses.{name}: '{reference}' should read study/step/case.")
    return {step: {k: v for k, v in sorted(entry["uses"].items()) if k in names} for step, names in takes.items()}


def _module(folder: Path, step: str) -> Path:
    path = folder / f"{step}.py"
    if not path.is_file():
        raise UserError(f"{path} is missing: the study declares the step '{step}'. CONTRIBUTING.md says what goes in.")
    return path


def check_files(resolved: dict, folder: Path) -> None:
    """Raise UserError if the study's folder lacks a file or a function that its yaml declares."""
    if not (folder / "params.py").is_file():
        raise UserError(f"{folder / 'params.py'} is missing: it types the parameters of the study's cases.")
    for step in sorted({step for case in resolved["cases"].values() for step in case["steps"]}):
        if not arguments(_module(folder, step), step):
            raise UserError(f"{folder / f'{step}.py'} has no function '{step}(case, ...)'.")
    for figure in resolved["figures"]:
        if not arguments(_module(folder, "figures"), figure):
            raise UserError(f"{folder / 'figures.py'} has no function '{figure}(study)', declared under figures.")


def check_params(name: str, resolved: dict, params_type) -> None:
    """Check every case's params against the type `Params` of the study's params.py."""
    for case, entry in resolved["cases"].items():
        check(params_type, entry["params"], f"config/studies/{name}.yaml: case '{case}', params")
