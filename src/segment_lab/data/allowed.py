"""What may stand in an SQL expression that a person writes: the list, and the check against it.

sqlglot parses, and every node must be on the list below. A query, a second statement or any
function that could reach beyond the row is refused.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import ibis
import sqlglot
from sqlglot import exp

from segment_lab.errors import ConfigError
from segment_lab.texts import say

BINARY: dict[type[exp.Expression], Callable[[Any, Any], Any]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.Add: operator.add,
    exp.Sub: operator.sub,
    exp.Mul: operator.mul,
    exp.Div: lambda a, b: a / b.nullif(0),
    exp.And: operator.and_,
    exp.Or: operator.or_,
    exp.DPipe: lambda a, b: as_text(a) + as_text(b),
}
ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div)
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
FUNCTIONS: dict[type[exp.Expression], Callable[..., Any]] = {
    exp.Lower: lambda x: x.lower(),
    exp.Upper: lambda x: x.upper(),
    exp.Trim: lambda x: x.strip(),
    exp.Length: lambda x: x.length(),
    exp.Abs: lambda x: as_number(x).abs(),
    exp.Neg: lambda x: -as_number(x),
    exp.Round: lambda x, digits=0: as_number(x).round(digits),
    exp.Coalesce: ibis.coalesce,
    exp.Nullif: lambda x, other: x.nullif(other),
    exp.Left: lambda x, n: as_text(x).left(n),
    exp.Right: lambda x, n: as_text(x).right(n),
    exp.Replace: lambda x, old, new: as_text(x).replace(old, new),
    exp.SplitPart: lambda x, mark, n: as_text(x).split(mark)[n - 1],
    exp.RegexpReplace: lambda x, old, new: as_text(x).re_replace(old, new),
    exp.RegexpExtract: lambda x, form, n=0: as_text(x).re_extract(form, n),
    exp.RegexpLike: lambda x, form: as_text(x).re_search(form),
    exp.Not: operator.invert,
    exp.Paren: lambda x: x,
}
_OTHER = (
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.In,
    exp.Between,
    exp.Is,
    exp.Like,
    exp.Case,
    exp.If,
    exp.Cast,
    exp.DataType,
)
_ALLOWED = frozenset((*BINARY, *FUNCTIONS, *_OTHER))
# Deeper expressions exhaust what compiles them.
DEEPEST = 60
# Arguments of a text function beside the text itself: literals alone, so that a pattern is never
# data.
ARGUMENTS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Left: ("expression",),
    exp.Right: ("expression",),
    exp.Replace: ("expression", "replacement"),
    exp.SplitPart: ("delimiter", "part_index"),
    exp.RegexpReplace: ("expression", "replacement"),
    exp.RegexpExtract: ("expression", "group"),
    exp.RegexpLike: ("expression",),
}


@lru_cache(maxsize=1000, typed=True)
def parse(text: str, where: str) -> exp.Expr:
    """The checked syntax tree of one expression; `where` names it in errors.

    Raises
    ------
    ConfigError
        It does not parse, holds more than one statement, or uses anything that is not on the list.
    """
    facts = {"where": where, "text": shown(text)}
    try:
        statements = sqlglot.parse(str(text), read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        said = str(error).splitlines()[0]
        raise ConfigError(say("data.rule.no_expression", **facts, said=said)) from None
    except RecursionError:
        raise ConfigError(say("data.rule.deep", **facts)) from None
    if (
        len(statements) != 1
        or statements[0] is None
        or ";" in _outside_quotes(str(text))
    ):
        raise ConfigError(say("data.rule.one", **facts))
    tree = statements[0]
    if _depth(tree) > DEEPEST:
        raise ConfigError(say("data.rule.deep", **facts))
    for node in tree.walk():
        if type(node) not in _ALLOWED or node.comments or not _plain(node):
            part = repr(node.sql(dialect="duckdb"))
            raise ConfigError(say("data.rule.not_allowed", **facts, part=part))
    return tree


def _plain(node: exp.Expr) -> bool:
    """Refuse the variants of allowed nodes that reach further than a row of one table."""
    if isinstance(node, exp.Column):
        return not node.args.get("table")
    if isinstance(node, (exp.In, *COMPARISONS)):
        # `x = NULL` holds for nobody in SQL; whoever writes it means IS NULL.
        null = any(isinstance(child, exp.Null) for child in node.iter_expressions())
        return not (
            null
            or node.args.get("query")
            or node.args.get("unnest")
            or node.args.get("field")
        )
    if isinstance(node, exp.Like):
        return isinstance(node.expression, exp.Literal)
    if isinstance(node, exp.Cast):
        return isinstance(node.this, exp.Literal) and node.to.is_type(
            "date", "timestamp"
        )
    if isinstance(node, exp.Trim):
        return not node.args.get("expression") and not node.args.get("position")
    if isinstance(node, exp.Is):
        return isinstance(node.expression, (exp.Null, exp.Boolean))
    if isinstance(node, exp.RegexpReplace):
        flags = node.args.get("modifiers")
        if node.args.get("position") or (flags is not None and flags.this != "g"):
            return False
    if isinstance(node, exp.RegexpLike) and node.args.get("flag"):
        return False
    arguments = [node.args.get(name) for name in ARGUMENTS.get(type(node), ())]
    return all(a is None or isinstance(a, exp.Literal) for a in arguments)


def _depth(tree: exp.Expr) -> int:
    """How many levels an expression has."""
    level, depth = [tree], 0
    while level and depth <= DEEPEST:
        depth += 1
        level = [child for node in level for child in node.iter_expressions()]
    return depth


def shown(text: object, most: int = 200) -> str:
    """An expression as errors quote it: its beginning, where it is long."""
    whole = str(text)
    return repr(whole if len(whole) <= most else whole[:most] + "…")


def _outside_quotes(text: str) -> str:
    return "".join(part for i, part in enumerate(text.split("'")) if i % 2 == 0)


def as_text(value: Any) -> Any:
    return value if value.type().is_string() else value.cast("string")


def as_number(value: Any) -> Any:
    return value.try_cast("float64") if value.type().is_string() else value
