"""Reads the yaml of config and studies, and says in a sentence what is wrong."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import yaml

from pesin.config.models import SCALES, Config, Study
from pesin.errors import UserError, did_you_mean
from pesin.params import check

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """Safe yaml, with two traps closed: a key given twice is an error, and 1e-3 is a number."""


def _mapping(loader, node):
    seen: set = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":  # <<: what the mapping says itself goes before what it merges
            continue
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
        If the file is missing, isn't in UTF-8 or isn't yaml; the message has file, line and column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path}, line {line}: the file isn't in UTF-8. Save it in that encoding.") from None
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
    """Names of all studies that have a yaml in `folder`, sorted; hidden files, which editors and systems leave, aside.

    Raises
    ------
    UserError
        If a file there looks like a study, but none can be called so.
    """
    found = []
    for path in folder.glob("[!.]*"):
        if path.suffix.lower() not in (".yaml", ".yml") or path.is_dir():
            continue
        if path.suffix != ".yaml" or not re.fullmatch(r"[a-z][a-z0-9_]*", path.stem):
            raise UserError(
                f"{path}: no study can be called so. Rename it to [a-z][a-z0-9_]*.yaml, or move it elsewhere."
            )
        found.append(path.stem)
    return sorted(found)


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
    return check_study(name, read_study(name, folder), folder)


def read_study(name: str, folder: Path) -> dict:
    """What `folder/name.yaml` says, unchecked."""
    path = folder / f"{name}.yaml"
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected keys and values at the top, found {type(data).__name__}.")
    return data


def check_study(name: str, data: dict, folder: Path) -> Study:
    """The study that `folder/name.yaml` declares."""
    return check(Study, data, str(folder / f"{name}.yaml"))


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
