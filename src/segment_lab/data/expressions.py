"""SQL expressions written by people (mappings, filters, rules), compiled to Ibis.

Nothing is evaluated as text: what `allowed.parse` lets through becomes an Ibis value over one
table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.operations as ops
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
    named = columns(text, where)
    unknown = sorted(named - set(table.columns))
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
    for name in named:
        value = table[name]
        is_text = value.type().is_string()
        if is_text and number and name in reckoned:
            value = number(value)
        elif is_text and nothing:
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
        found |= _named(_outside_text(node))
    beside_numbers = [_outside_text(n) for n in tree.find_all(*COMPARISONS, exp.In)]
    choices = tree.find_all(exp.Coalesce, exp.Nullif, exp.Case)
    beside_numbers += map(_results, choices)
    for parts in beside_numbers:
        if any(map(_is_number, parts)):
            found |= _named(parts)
    return found


def _named(parts: list[exp.Expr]) -> set[str]:
    """The names of the columns among these parts."""
    return {part.name for part in parts if isinstance(part, exp.Column)}


def _outside_text(node: exp.Expr) -> list[exp.Expr]:
    return list(node.walk(prune=lambda part: isinstance(part, _TEXT)))


def _results(node: exp.Expr) -> list[exp.Expr]:
    """What a choice between values may give."""
    if isinstance(node, exp.Case):
        chosen = [branch.args["true"] for branch in node.args["ifs"]]
        return [*chosen, node.args.get("default")]
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
        value = _value(node.this, table)
        above = _compare(exp.GTE, value, _value(node.args["low"], table))
        below = _compare(exp.LTE, value, _value(node.args["high"], table))
        return above & below
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
    left = _value(node.left, table)
    right = _value(node.right, table)
    return _compare(type(node), left, right)


def _call(node: Any, table: Any) -> Any:
    compute = FUNCTIONS[type(node)]
    value = _value(node.this, table)
    if isinstance(node, exp.Round):
        digits = node.args.get("decimals")
        return compute(value, int(digits.this) if digits else 0)
    if type(node) in ARGUMENTS:
        given = [node.args.get(name) for name in ARGUMENTS[type(node)]]
        plain = [_literal(argument) for argument in given if argument is not None]
        return compute(value, *plain)
    if isinstance(node, exp.Nullif):
        return compute(value, _value(node.expression, table))
    if isinstance(node, exp.Coalesce):
        others = [_value(other, table) for other in node.expressions]
        return compute(value, *others)
    return compute(value)


def _case(node: exp.Case, table: Any) -> Any:
    subject = None if node.this is None else _value(node.this, table)
    branches = []
    for branch in node.args["ifs"]:
        test = _value(branch.this, table)
        if subject is not None:
            test = _compare(exp.EQ, subject, test)
        branches.append((test, _value(branch.args["true"], table)))
    otherwise = node.args.get("default")
    if otherwise is not None:
        otherwise = _value(otherwise, table)
    return ibis.cases(*branches, else_=otherwise)


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


def _is_word(kind: type[exp.Expression], right: Any) -> bool:
    """Whether something is asked to be, or not to be, one written word."""
    word = isinstance(right.op(), ops.Literal) and right.type().is_string()
    return word and kind in (exp.EQ, exp.NEQ)


def _compare(kind: type[exp.Expression], left: Any, right: Any) -> Any:
    types = (left.type(), right.type())
    if kind in ARITHMETIC:
        if any(one.is_boolean() for one in types):
            raise TypeError(say("data.rule.no_sum"))
        if any(one.is_temporal() for one in types):
            return _moved(kind, left, right)
        return BINARY[kind](as_number(left), as_number(right))
    numeric = any(one.is_numeric() for one in types)
    if numeric and kind not in (exp.And, exp.Or, exp.DPipe):
        left, right = as_number(left), as_number(right)
    elif left.type().is_boolean() and _is_word(kind, right):
        left = left.cast("string")  # as a text file would hold it: true, false
    elif left.type().is_temporal() and right.type().is_string():
        right = right.cast("date")
    return BINARY[kind](left, right)


def _moved(kind: type[exp.Expression], day: Any, days: Any) -> Any:
    """A day so many days later or earlier."""
    if kind not in (exp.Add, exp.Sub) or days.type().is_temporal():
        raise TypeError(say("data.rule.no_day_sum"))
    return BINARY[kind](day, as_number(days).cast("int64").as_interval("D"))


def _literal(node: exp.Literal) -> str | int | float:
    text = node.this
    if node.is_string:
        return text
    return int(text) if text.isdigit() else float(text)
