"""SQL expressions written by people (mappings, filters, rules), compiled to Ibis through a
whitelist.

Nothing is evaluated as text: sqlglot parses, every node must be on the list below, and the tree
becomes an Ibis value over one table. A query, a second statement or any function that could reach
beyond the row is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import ibis
import ibis.expr.types as ir
import sqlglot
from ibis.common.annotations import ValidationError
from sqlglot import exp

from segment_lab.errors import ConfigError, nearest
from segment_lab.texts import say

_BINARY: dict[type[exp.Expression], Callable[[Any, Any], Any]] = {
    exp.EQ: lambda a, b: a == b,
    exp.NEQ: lambda a, b: a != b,
    exp.GT: lambda a, b: a > b,
    exp.GTE: lambda a, b: a >= b,
    exp.LT: lambda a, b: a < b,
    exp.LTE: lambda a, b: a <= b,
    exp.Add: lambda a, b: a + b,
    exp.Sub: lambda a, b: a - b,
    exp.Mul: lambda a, b: a * b,
    exp.Div: lambda a, b: a / b.nullif(0),
    exp.And: lambda a, b: a & b,
    exp.Or: lambda a, b: a | b,
    exp.DPipe: lambda a, b: _text(a) + _text(b),
}
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
_FUNCTIONS: dict[type[exp.Expression], tuple[str, Callable[..., Any]]] = {
    exp.Lower: ("lower", lambda x: x.lower()),
    exp.Upper: ("upper", lambda x: x.upper()),
    exp.Trim: ("trim", lambda x: x.strip()),
    exp.Length: ("length", lambda x: x.length()),
    exp.Abs: ("abs", lambda x: _number(x).abs()),
    exp.Neg: ("-", lambda x: -_number(x)),
    exp.Round: ("round", lambda x, digits=0: _number(x).round(digits)),
    exp.Coalesce: ("coalesce", lambda *xs: ibis.coalesce(*xs)),
    exp.Nullif: ("nullif", lambda x, other: x.nullif(other)),
    exp.Left: ("left", lambda x, n: _text(x).left(n)),
    exp.Right: ("right", lambda x, n: _text(x).right(n)),
    exp.Replace: ("replace", lambda x, old, new: _text(x).replace(old, new)),
    exp.SplitPart: ("split_part", lambda x, mark, n: _text(x).split(mark)[n - 1]),
    exp.RegexpReplace: (
        "regexp_replace",
        lambda x, old, new: _text(x).re_replace(old, new),
    ),
    exp.RegexpExtract: (
        "regexp_extract",
        lambda x, form, n=0: _text(x).re_extract(form, n),
    ),
    exp.RegexpLike: ("regexp_matches", lambda x, form: _text(x).re_search(form)),
    exp.Not: ("not", lambda x: ~x),
    exp.Paren: ("()", lambda x: x),
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
# Deeper expressions exhaust what compiles them.
DEEPEST = 60
# Arguments of a text function beside the text itself: literals alone, so that a pattern is never
# data.
_ARGUMENTS: dict[type[exp.Expr], tuple[str, ...]] = {
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
    facts = {"where": where, "text": _shown(text)}
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
        known = (
            isinstance(node, (*_BINARY, *_FUNCTIONS, *_OTHER)) and type(node) in _EXACT
        )
        if not known or node.comments or not _plain(node):
            part = repr(node.sql(dialect="duckdb"))
            raise ConfigError(say("data.rule.not_allowed", **facts, part=part))
    return tree


_EXACT = frozenset((*_BINARY, *_FUNCTIONS, *_OTHER))


def _plain(node: exp.Expr) -> bool:
    """Refuse the variants of allowed nodes that reach further than a row of one table."""
    if isinstance(node, exp.Column):
        return not node.args.get("table")
    if isinstance(node, (exp.In, *_COMPARISONS)):
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
    arguments = [node.args.get(name) for name in _ARGUMENTS.get(type(node), ())]
    return all(a is None or isinstance(a, exp.Literal) for a in arguments)


def _depth(tree: exp.Expr) -> int:
    """How many levels an expression has."""
    level, depth = [tree], 0
    while level and depth <= DEEPEST:
        depth += 1
        level = [child for node in level for child in node.iter_expressions()]
    return depth


def _shown(text: object, most: int = 200) -> str:
    """An expression as errors quote it: its beginning, where it is long."""
    whole = str(text)
    return repr(whole if len(whole) <= most else whole[:most] + "…")


def _outside_quotes(text: str) -> str:
    return "".join(part for i, part in enumerate(text.split("'")) if i % 2 == 0)


def columns(text: str, where: str) -> set[str]:
    """Names of the columns an expression reads."""
    return {column.name for column in parse(text, where).find_all(exp.Column)}


def compile_expression(
    text: str,
    table: ir.Table,
    where: str,
    number: Callable[[ir.StringValue], ir.Value] | None = None,
    nothing: Callable[[ir.StringValue], ir.Value] | None = None,
) -> ir.Value:
    """The expression as an Ibis value over `table`.

    Text that is reckoned with, or compared with a number, is read as a number: by `number`, which
    knows how the source writes them. Other text passes `nothing`, which makes null of the words
    that mean nothing, so that coalesce sees them.
    """
    tree = parse(text, where)
    unknown = sorted({c.name for c in tree.find_all(exp.Column)} - set(table.columns))
    if unknown:
        hints = [
            say(
                "data.rule.unknown",
                column=repr(name),
                hint=nearest(name, table.columns),
            )
            for name in unknown
        ]
        raise ConfigError(f"{where}: {'; '.join(hints)}.")
    reckoned = _reckoned(tree) if number else set()
    values = {}
    for name in {c.name for c in tree.find_all(exp.Column)}:
        value = table[name]
        if value.type().is_string() and number and name in reckoned:
            value = number(value)
        elif value.type().is_string() and nothing:
            value = nothing(value)
        values[name] = value
    try:
        return _value(tree, values)
    except (
        ibis.common.exceptions.IbisError,
        ValidationError,  # ibis' own word for kinds that do not go together
        TypeError,
        AttributeError,
        ValueError,
    ) as error:
        said = str(error).partition("\n")[0]
        raise ConfigError(
            say("data.rule.not_computed", where=where, text=_shown(text), said=said)
        ) from None


def condition(
    text: str,
    table: ir.Table,
    where: str,
    number: Callable[[ir.StringValue], ir.Value] | None = None,
) -> ir.BooleanValue:
    """An expression that is true or false of a row; a ConfigError where it is neither."""
    value = compile_expression(text, table, where, number)
    if not value.type().is_boolean():
        raise ConfigError(say("data.rule.no_condition", where=where, text=_shown(text)))
    return value


# What makes text of text: a number among its arguments says nothing about the column.
_TEXT = (*_ARGUMENTS, exp.Lower, exp.Upper, exp.Trim, exp.Length)


def _reckoned(tree: exp.Expr) -> set[str]:
    """Columns that an expression takes for numbers."""
    found: set[str] = set()
    for node in tree.find_all(*_ARITHMETIC, exp.Abs, exp.Neg, exp.Round):
        found |= {n.name for n in _outside_text(node) if isinstance(n, exp.Column)}
    for node in tree.find_all(*_COMPARISONS, exp.In):
        parts = _outside_text(node)
        if any(_is_number(part) for part in parts):
            found |= {part.name for part in parts if isinstance(part, exp.Column)}
    for node in tree.find_all(exp.Coalesce, exp.Nullif, exp.Case):
        parts = _results(node)
        if any(_is_number(part) for part in parts):
            found |= {part.name for part in parts if isinstance(part, exp.Column)}
    return found


def _outside_text(node: exp.Expr) -> list[exp.Expr]:
    return list(node.walk(prune=lambda part: isinstance(part, _TEXT)))


def _results(node: exp.Expr) -> list[exp.Expr]:
    """What a choice between values may give."""
    if isinstance(node, exp.Case):
        return [branch.args["true"] for branch in node.args["ifs"]] + [
            node.args.get("default")
        ]
    return [node.this, node.expression, *node.expressions]


def _is_number(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string


def _constant(node: Any) -> Any:
    """A value that is written in the expression itself."""
    if isinstance(node, exp.Null):
        return ibis.null()
    if isinstance(node, exp.Literal):
        return ibis.literal(_literal(node))
    if isinstance(node, exp.Boolean):
        return ibis.literal(bool(node.this))
    moment = dt.datetime.fromisoformat(node.this.this)
    return ibis.literal(moment.date() if node.to.is_type("date") else moment)


def _value(node: Any, table: Any) -> Any:
    if isinstance(node, exp.Column):
        return table[node.name]
    if isinstance(node, (exp.Null, exp.Literal, exp.Boolean, exp.Cast)):
        return _constant(node)
    if isinstance(node, exp.In):
        return _in(node, table)
    if isinstance(node, exp.Between):
        value, low, high = (
            _value(node.args[k], table) for k in ("this", "low", "high")
        )
        return _compare(exp.GTE, value, low) & _compare(exp.LTE, value, high)
    if isinstance(node, exp.Is):
        value = _value(node.this, table)
        if isinstance(node.expression, exp.Null):
            return value.isnull()
        return value == bool(node.expression.this)
    if isinstance(node, exp.Like):
        fits = _text(_value(node.this, table)).like(node.expression.this)
        return ~fits if node.args.get("negate") else fits
    if isinstance(node, exp.Case):
        return _case(node, table)
    if type(node) in _FUNCTIONS:
        return _call(node, table)
    return _compare(type(node), _value(node.left, table), _value(node.right, table))


def _call(node: Any, table: Any) -> Any:
    if isinstance(node, exp.Round):
        digits = node.args.get("decimals")
        return _FUNCTIONS[exp.Round][1](
            _value(node.this, table), int(digits.this) if digits else 0
        )
    compute = _FUNCTIONS[type(node)][1]
    if type(node) in _ARGUMENTS:
        given = [node.args.get(name) for name in _ARGUMENTS[type(node)]]
        plain = [_literal(argument) for argument in given if argument is not None]
        return compute(_value(node.this, table), *plain)
    if isinstance(node, exp.Nullif):
        return compute(_value(node.this, table), _value(node.expression, table))
    rest = (
        [_value(e, table) for e in node.expressions]
        if isinstance(node, exp.Coalesce)
        else []
    )
    return compute(_value(node.this, table), *rest)


def _case(node: exp.Case, table: Any) -> Any:
    subject = None if node.this is None else _value(node.this, table)
    branches = []
    for branch in node.args["ifs"]:
        test = _value(branch.this, table)
        if subject is not None:
            test = _compare(exp.EQ, subject, test)
        branches.append((test, _value(branch.args["true"], table)))
    otherwise = node.args.get("default")
    return ibis.cases(
        *branches, else_=None if otherwise is None else _value(otherwise, table)
    )


def _in(node: exp.In, table: Any) -> Any:
    value = _value(node.this, table)
    if _of_one_sort(node.expressions, value):
        return value.isin([_literal(e) for e in node.expressions])
    options = [_value(e, table) for e in node.expressions]
    answers = [_compare(exp.EQ, value, option) for option in options]
    return ibis.or_(*answers)


def _of_one_sort(options: list[Any], value: Any) -> bool:
    """Whether a list holds nothing but texts for a text, or numbers for a number."""
    kind = value.type()
    if not all(isinstance(option, exp.Literal) for option in options):
        return False
    if kind.is_string():
        return all(option.is_string for option in options)
    return kind.is_numeric() and not any(option.is_string for option in options)


def _compare(kind: type[exp.Expression], left: Any, right: Any) -> Any:
    numeric = left.type().is_numeric() or right.type().is_numeric()
    if kind in _ARITHMETIC and (left.type().is_boolean() or right.type().is_boolean()):
        raise TypeError(say("data.rule.no_sum"))
    if kind in _ARITHMETIC and (
        left.type().is_temporal() or right.type().is_temporal()
    ):
        return _moved(kind, left, right)
    if kind in _ARITHMETIC or (numeric and kind not in (exp.And, exp.Or, exp.DPipe)):
        left, right = _number(left), _number(right)
    elif left.type().is_temporal() and right.type().is_string():
        right = right.cast("date")
    return _BINARY[kind](left, right)


def _moved(kind: type[exp.Expression], day: Any, days: Any) -> Any:
    """A day so many days later or earlier."""
    if kind not in (exp.Add, exp.Sub) or days.type().is_temporal():
        raise TypeError(say("data.rule.no_day_sum"))
    return _BINARY[kind](day, _number(days).cast("int64").as_interval("D"))


def _number(value: Any) -> Any:
    return value.try_cast("float64") if value.type().is_string() else value


def _text(value: Any) -> Any:
    return value if value.type().is_string() else value.cast("string")


def _literal(node: exp.Literal) -> str | int | float:
    return node.this if node.is_string else _literal_number(node.this)


def _literal_number(text: str) -> int | float:
    return int(text) if text.isdigit() else float(text)
