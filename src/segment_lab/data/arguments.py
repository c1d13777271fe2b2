"""What callers hand over, held against annotations: every fault at once, in words.

The annotations of a function are the only place where its arguments are described: their types,
their bounds, and an example where the shape is not plain.
"""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable, Mapping
from functools import cache, wraps
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast, get_type_hints

import pydantic

from segment_lab.data.given import named, public_name
from segment_lab.data.validation import strict_faults
from segment_lab.errors import ArgumentError
from segment_lab.texts import say
from segment_lab.window import as_date

#: A number of draws, runs …; of days; an amount of money or hours; a day as `as_date` reads it.
Count = Annotated[int, pydantic.Field(ge=1)]
Days = Annotated[int, pydantic.Field(ge=1, le=36_525)]
Amount = Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]
if TYPE_CHECKING:
    Day = dt.date | str
else:
    Day = Annotated[Any, pydantic.AfterValidator(as_date)]
F = TypeVar("F", bound=Callable[..., Any])
SEVERAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@cache
def described(function: Callable[..., Any]) -> type[pydantic.BaseModel]:
    """The arguments of a function as a pydantic model, from its annotations and defaults."""
    inner = inspect.unwrap(function)
    notes = dict(inner.__annotations__)
    notes.pop("return", None)  # what comes back may be known to type checkers alone
    bare = SimpleNamespace(__annotations__=notes)
    hints = get_type_hints(bare, inner.__globals__, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in ("self", "cls") and parameter.kind not in SEVERAL:
            default = parameter.default
            given = ... if default is parameter.empty else default
            fields[name] = (hints.get(name, Any), given)
    config = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    return pydantic.create_model("Arguments", __config__=config, **fields)


def refuse(
    model: type[pydantic.BaseModel], given: Mapping[str, Any], where: str
) -> None:
    """ArgumentError with every value that is not what the model describes."""
    if faults := strict_faults(model, given):
        raise ArgumentError(say("errors.arguments.title", where=where), faults)


def checked(function: F) -> F:
    """A public function that refuses wrong arguments by name and by value before it begins."""
    names = named(function)

    @wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        bound = dict(names(args, given))
        known = described(function)
        values = {name: bound[name] for name in known.model_fields if name in bound}
        refuse(known, values, public_name(function))
        return function(*args, **given)

    return cast("F", call)
