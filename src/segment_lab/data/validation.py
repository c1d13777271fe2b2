"""Pydantic's faults in plain words: which key, what is wrong, the nearest valid name."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

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
        raise ConfigError("\n  - ".join([title, *explain(model, error)])) from None
    except RecursionError:
        raise ConfigError(say("data.settings.deep", where=where)) from None


def explain(model: type[BaseModel], error: ValidationError) -> list[str]:
    """One line for each fault of a validation."""
    return [_line(model, dict(item)) for item in error.errors()]


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
    problem = item["msg"].removeprefix("Value error, ")
    if has(key := f"data.settings.types.{item['type']}"):
        limit = next(iter(item.get("ctx", {}).values()), None)
        problem = say(key, limit=limit)
    if item["type"] in ("missing", "value_error"):
        return say("data.settings.wrong", where=where, problem=problem)
    came = repr(item["input"])
    if len(came) > 200:
        came = came[:200] + "…"
    return say("data.settings.got", where=where, problem=problem, came=came)


def _fields_at(model: Any, path: list[str]) -> list[str]:
    """Field names of the part of the schema that `path` leads to."""
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        if field is None:
            continue
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
        for candidate in candidates:
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                model = candidate
                break
    return list(model.model_fields)
