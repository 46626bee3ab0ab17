"""Typed, frozen parameters, and the sentences that say which key of a yaml is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import core_schema

from pesin.errors import UserError, did_you_mean

UPSTREAM = {
    "simulate": ("simulate",),
    "train": ("simulate", "train"),
    "entropy": ("simulate", "train", "entropy"),
    "forecast": ("simulate", "train", "forecast"),
}


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Share = Annotated[float, Field(gt=0, le=1)]


def _rising(values):
    if any(b <= a for a, b in zip(values[:-1], values[1:], strict=True)):
        raise ValueError("its numbers must rise")
    return values


Rising = AfterValidator(_rising)
"""For a list of numbers: `Annotated[list[float], Rising]`."""


class Model(BaseModel):
    """Base of all: unknown keys are errors and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataFile(str):
    """A parameter that is the path of a file of data: an input of every step that sees it, hashed by its content.

    A relative path is relative to the working directory, the folder where Snakemake runs.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler):
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(min_length=1))


class DataFolder(DataFile):
    """A parameter that is the path of a folder of data: each file in it, at any depth, is an input."""


def data_paths(value, above: str = "") -> Iterator[tuple[str, DataFile]]:
    """Keys and values of all `DataFile` and `DataFolder` parameters of a checked model, at any depth."""
    if isinstance(value, DataFile):
        yield above, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from data_paths(getattr(value, name), f"{above}.{name}" if above else name)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from data_paths(item, f"{above}.{name}")
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from data_paths(item, f"{above}[{i}]")


class MultiHead(Model):
    """Width of a transformer, split among its attention heads."""

    width: PositiveInt
    heads: PositiveInt

    @model_validator(mode="after")
    def _splits(self):
        if self.width % self.heads:
            raise ValueError(f"width: {self.width} is no multiple of the {self.heads} heads")
        return self


def params_module(study: str, kind: str) -> str:
    """Name of the module that types the parameters of a study's kind ("" for the study's own)."""
    return ".".join(["studies", study, *([kind] if kind else []), "params"])


def visible(params: dict[str, Any], *steps: str) -> dict[str, Any]:
    """Return the part of a case's params that the steps may see: their own sections, those upstream, shared keys."""
    seen = {section for step in steps for section in UPSTREAM[step]}
    return {key: value for key, value in sorted(params.items()) if key not in UPSTREAM or key in seen}


def typed(params_type, params: dict[str, Any]):
    """Return the visible part of a case's params as an instance of the study's `Params`.

    The whole was checked when the workflow was read; here sections are missing, and asking for one is an
    AttributeError: a step can't depend on what it doesn't declare.
    """
    known = params_type.model_fields
    fields = {name: TypeAdapter(known[name].annotation).validate_python(value) for name, value in params.items()}
    result = params_type.model_construct(**fields)
    for section in set(UPSTREAM) - set(params):
        result.__dict__.pop(section, None)
    return result


def _kind(model) -> str:
    return str(model.model_fields["kind"].annotation)


def check(model, data, where: str):
    """Validate `data` against a pydantic model or type.

    Raises
    ------
    UserError
        One line for each fault: file, key, what is wrong, and the nearest known key for a misspelt one.
    """
    try:
        return TypeAdapter(model).validate_python(data)
    except ValidationError as error:
        lines = [_sentence(model, fault) for fault in error.errors()]
        raise UserError("\n".join(f"{where}: {line}" for line in dict.fromkeys(lines))) from None


def _sentence(model, fault) -> str:
    path = [str(part) for part in fault["loc"]]
    key = ".".join(part for part in path if not part.startswith(("list[", "function-", "tagged-")))
    if fault["type"] == "extra_forbidden":
        return f"unknown key '{key}'.{did_you_mean(path[-1], _fields(model, path))}"
    if fault["type"] == "missing":
        return f"the key '{key}' is missing."
    value = fault.get("input")
    shown = "" if isinstance(value, (dict, list)) or value is None else f" (it is {value!r})"
    message = f"{key + ': ' if key else ''}{fault['msg'].removeprefix('Value error, ')}{shown}"
    return message if message.endswith((".", "?")) else f"{message}."


def _fields(model, path) -> set[str]:
    """Names of all keys that could have been meant where `path` ends."""
    models = _models(model)
    parent = path[-2] if len(path) > 1 else None
    for candidate in models:
        if parent and "kind" in candidate.model_fields and f"'{parent}'" in _kind(candidate):
            return {field.alias or name for name, field in candidate.model_fields.items()}
    return {field.alias or name for m in models for name, field in m.model_fields.items()}


def _models(model) -> list:
    found: list = []

    def visit(item):
        if isinstance(item, type) and issubclass(item, BaseModel):
            if item not in found:
                found.append(item)
                for field in item.model_fields.values():
                    visit(field.annotation)
        for part in getattr(item, "__args__", ()) or ():
            visit(part)

    visit(model)
    return found
