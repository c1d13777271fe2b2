"""SQL expressions written by people (mappings, filters, rules), compiled to Ibis.

Nothing is evaluated as text: what `allowed.parse` lets through becomes an Ibis value over one
table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.common.annotations import ValidationError
from sqlglot import exp

from segment_lab.data.allowed import (
    ARGUMENTS,
    ARITHMETIC,
    BINARY,
    COMPARISONS,
    FUNCTIONS,
    as_number,
    as_text,
    parse,
    shown,
)
from segment_lab.errors import ConfigError, nearest
from segment_lab.texts import say


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
            say("data.rule.not_computed", where=where, text=shown(text), said=said)
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
        raise ConfigError(say("data.rule.no_condition", where=where, text=shown(text)))
    return value


# What makes text of text: a number among its arguments says nothing about the column.
_TEXT = (*ARGUMENTS, exp.Lower, exp.Upper, exp.Trim, exp.Length)


def _reckoned(tree: exp.Expr) -> set[str]:
    """Columns that an expression takes for numbers."""
    found: set[str] = set()
    for node in tree.find_all(*ARITHMETIC, exp.Abs, exp.Neg, exp.Round):
        found |= {n.name for n in _outside_text(node) if isinstance(n, exp.Column)}
    for node in tree.find_all(*COMPARISONS, exp.In):
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
        fits = as_text(_value(node.this, table)).like(node.expression.this)
        return ~fits if node.args.get("negate") else fits
    if isinstance(node, exp.Case):
        return _case(node, table)
    if type(node) in FUNCTIONS:
        return _call(node, table)
    return _compare(type(node), _value(node.left, table), _value(node.right, table))


def _call(node: Any, table: Any) -> Any:
    if isinstance(node, exp.Round):
        digits = node.args.get("decimals")
        return FUNCTIONS[exp.Round](
            _value(node.this, table), int(digits.this) if digits else 0
        )
    compute = FUNCTIONS[type(node)]
    if type(node) in ARGUMENTS:
        given = [node.args.get(name) for name in ARGUMENTS[type(node)]]
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
    if kind in ARITHMETIC and (left.type().is_boolean() or right.type().is_boolean()):
        raise TypeError(say("data.rule.no_sum"))
    if kind in ARITHMETIC and (left.type().is_temporal() or right.type().is_temporal()):
        return _moved(kind, left, right)
    if kind in ARITHMETIC or (numeric and kind not in (exp.And, exp.Or, exp.DPipe)):
        left, right = as_number(left), as_number(right)
    elif left.type().is_temporal() and right.type().is_string():
        right = right.cast("date")
    return BINARY[kind](left, right)


def _moved(kind: type[exp.Expression], day: Any, days: Any) -> Any:
    """A day so many days later or earlier."""
    if kind not in (exp.Add, exp.Sub) or days.type().is_temporal():
        raise TypeError(say("data.rule.no_day_sum"))
    return BINARY[kind](day, as_number(days).cast("int64").as_interval("D"))


def _literal(node: exp.Literal) -> str | int | float:
    return node.this if node.is_string else _literal_number(node.this)


def _literal_number(text: str) -> int | float:
    return int(text) if text.isdigit() else float(text)
