"""Pydantic's faults in plain words: which key, what is wrong, the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from typing_extensions import is_typeddict

from segment_lab.data.given import came
from segment_lab.errors import ConfigError, nearest
from segment_lab.texts import has, say

M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], data: Any, where: str) -> M:
    """`data` as a `model`.

    Raises
    ------
    ConfigError
        Every fault at once, unknown names with the nearest valid one; `where` is what the message
        calls the input.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        title = say("data.settings.title", where=where)
        raise ConfigError(
            "\n  - ".join([title, *explain(model, error.errors())])
        ) from None
    except RecursionError:
        raise ConfigError(say("data.settings.deep", where=where)) from None


def explain(model: type[BaseModel], items: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each fault of a validation."""
    return [_line(model, dict(item)) for item in items]


def strict_faults(model: type[BaseModel], data: Mapping[str, Any]) -> list[str]:
    """One line for each fault of values that are used as they are: a text or a flag in place of a
    number is one, though pydantic would make a number of it."""
    found: dict[Any, Any] = {}
    for strict in (False, True):
        try:
            model.model_validate(dict(data), strict=strict)
        except ValidationError as error:
            for item in error.errors():
                if not strict or _made_of_a_word(item):
                    found.setdefault(item["loc"], item)
    # What may be of several kinds fails once for each.
    lines = []
    for _, alike in groupby(found.values(), lambda item: id(item["input"])):
        several = list(alike)
        line = _line(model, dict(several[0]))
        if len(several) > 1 and len({item["loc"][0] for item in several}) == 1:
            line = _none_of(model, several)
        lines.append(line)
    return lines


def _made_of_a_word(item: Mapping[str, Any]) -> bool:
    wanted = item["type"] in ("int_type", "float_type", "bool_type")
    return wanted and isinstance(item["input"], str | bytes | bool)


def _line(model: type[BaseModel], item: dict[str, Any]) -> str:
    path = [str(part) for part in item["loc"]]
    where = ".".join(path) or say("data.settings.whole")
    if item["type"] == "extra_forbidden":
        valid = _fields_at(model, path[:-1])
        return say(
            "data.settings.unknown",
            where=where,
            hint=nearest(path[-1], valid),
        )
    problem = _problem(item)
    if item["type"] in ("missing", "value_error"):
        return say("data.settings.wrong", where=where, problem=problem)
    example = _example(model, path)
    facts = {"where": where, "problem": problem, "came": came(item["input"])}
    return say("data.settings.got", example=example, **facts)


def _none_of(model: type[BaseModel], items: list[Any]) -> str:
    """One line for a value that is none of several kinds."""
    name = str(items[0]["loc"][0])
    problem = say("data.settings.several", problems=[_problem(item) for item in items])
    facts = {"where": name, "problem": problem, "came": came(items[0]["input"])}
    return say("data.settings.got", example=_example(model, [name]), **facts)


def _problem(item: Mapping[str, Any]) -> str:
    if has(key := f"data.settings.types.{item['type']}"):
        facts = item.get("ctx", {})
        return say(key, limit=next(iter(facts.values()), None), **facts)
    return str(item["msg"]).removeprefix("Value error, ")


def _example(model: type[BaseModel], path: list[str]) -> str:
    """How the field is written that a path begins with, where its annotation shows it."""
    field = model.model_fields.get(path[0]) if path else None
    examples = field.examples if field else None
    return str(examples[0]) if examples else ""


def _fields_at(model: Any, path: list[str]) -> list[str]:
    """Field names of the part of the schema that `path` leads to."""
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        if field is None:
            continue
        for candidate in _within(field.annotation):
            if is_typeddict(candidate) or (
                isinstance(candidate, type) and issubclass(candidate, BaseModel)
            ):
                model = candidate
                break
    return list(getattr(model, "model_fields", None) or model.__annotations__)


def _within(annotation: Any) -> list[Any]:
    """An annotation, and those that it is made of."""
    found = [annotation]
    for part in get_args(annotation):
        found += _within(part)
    return found
