"""A rule asked of a small table without the engine: Arrow's own functions answer what the engine
would.

Compiling a rule and asking the engine takes longer than computing it where a table has a few
thousand rows, and judges ask hundreds of rules. Everything here is exact or not done at all: where
the engine might say anything else (a division by zero, a logarithm of nothing, infinity, types that
rules seldom read) the answer is `Unsure` and the engine is asked. See decision 0171.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import ibis.expr.operations as ops
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: Whole numbers up to here are exact as doubles; of a larger decimal the engine makes a double in
#: two parts, before and behind the point, which may be off by a bit.
EXACT_UP_TO = 2**53
PLACES = 18
DOUBLE, DECIMAL, TRUTH, TEXT = "double", "decimal", "truth", "text"
NUMBERS = frozenset({DOUBLE, DECIMAL})


class Unsure(Exception):
    """Only the engine can say."""


@dataclass(frozen=True)
class Found:
    """Values, or one value for all rows, and the kind of value that the engine takes them for.

    Decimals are whole numbers of their last place, `scale` places behind the point: the engine
    reads ``365.25`` as a decimal, and adds and multiplies it with whole numbers exactly.
    """

    values: Any
    kind: str | None
    scale: int = 0

    def as_double(self) -> Any:
        """The values as doubles."""
        if self.kind == DOUBLE:
            return self.values
        if self.kind != DECIMAL:
            raise Unsure(str(self.kind))
        if isinstance(self.values, pa.Scalar):
            one = Found(pa.array([self.values]), DECIMAL, self.scale)
            return one.as_double()[0]
        values = pc.cast(self.values, pa.float64(), safe=False)
        if not self.scale:
            return values
        near = pc.divide(values, 10.0**self.scale)
        short = pc.less_equal(pc.abs_checked(self.values), EXACT_UP_TO)
        if pc.all(short).as_py() is not False:
            return near
        return pc.if_else(short, near, self._in_two_parts())

    def _in_two_parts(self) -> Any:
        """What stands before the point, and what stands behind it, as doubles added up."""
        before, behind = (
            pc.cast(part, pa.float64(), safe=False) for part in self._parts()
        )
        return pc.add(before, pc.divide(behind, 10.0**self.scale))

    def _parts(self) -> tuple[Any, Any]:
        """The whole number before the point, and the units behind it."""
        whole = pc.divide(self.values, _power(self.scale))
        return whole, pc.subtract(self.values, pc.multiply(whole, _power(self.scale)))

    def whole_below(self) -> Any:
        """The largest whole number that is no larger; a decimal's digits are not rounded first."""
        whole, rest = self._parts()
        return pc.if_else(pc.less(rest, 0), pc.subtract(whole, 1), whole)

    def at_scale(self, scale: int) -> Any:
        """A decimal's values with so many places behind the point."""
        if scale == self.scale:
            return self.values
        return pc.multiply_checked(self.values, _power(scale - self.scale))


def _power(places: int) -> int:
    """Ten to the power of so many places, as long as it is a whole number of 64 bits."""
    if places > PLACES:
        raise Unsure("places")
    return 10**places


def answered(
    rows: pa.Table, rules: Mapping[str, ops.Node]
) -> dict[str, np.ndarray] | None:
    """What each rule says of each row; None where only the engine can say."""
    asked = _Rows(rows)
    try:
        return {name: asked.column(asked.of(rule)) for name, rule in rules.items()}
    except (Unsure, OverflowError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


@dataclass
class _Rows:
    """A table, and what was found of it by the expression that asks."""

    rows: pa.Table
    known: dict[ops.Node, Found] = field(default_factory=dict)

    def column(self, found: Found) -> np.ndarray:
        """An answer in the form that the engine's take."""
        if found.scale:
            raise Unsure("decimal")
        return pa.chunked_array([self.by_row(found)]).to_numpy()

    def by_row(self, found: Found) -> Any:
        """A value for each row."""
        if found.kind is None:
            raise Unsure("nothing")
        if isinstance(found.values, pa.Scalar):
            return pa.repeat(found.values, self.rows.num_rows)
        return found.values

    def of(self, node: Any) -> Found:
        """What an expression gives."""
        if node not in self.known:
            answer = ANSWERS.get(type(node))
            if answer is None:
                raise Unsure(type(node).__name__)
            self.known[node] = answer(self, node)
        return self.known[node]

    def typed(self, node: Any) -> Any:
        """The values of an expression that is not nothing."""
        found = self.of(node)
        if found.kind is None:
            raise Unsure("nothing")
        return found.values

    def all_of(self, nodes: Sequence[Any]) -> list[Found]:
        """What several give."""
        return [self.of(node) for node in nodes]


def _field(asked: _Rows, node: Any) -> Found:
    """A column of the table, or one that was prepared."""
    if isinstance(node.rel, ops.Project):
        return asked.of(node.rel.values[node.name])
    if not isinstance(node.rel, ops.UnboundTable):
        raise Unsure(type(node.rel).__name__)
    values = asked.rows[node.name].combine_chunks()
    if pa.types.is_integer(values.type):
        return Found(pc.cast(values, pa.int64()), DECIMAL)
    if pa.types.is_boolean(values.type):
        return Found(values, TRUTH)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return Found(pc.cast(values, pa.large_string()), TEXT)
    if not pa.types.is_float64(values.type) or _any(pc.invert(pc.is_finite(values))):
        raise Unsure(str(values.type))
    return Found(values, DOUBLE)


def _literal(asked: _Rows, node: Any) -> Found:
    value, kind = node.value, node.dtype
    if value is None:
        return Found(None, None)
    if kind.is_boolean():
        return Found(pa.scalar(bool(value)), TRUTH)
    if kind.is_integer():
        return Found(pa.scalar(int(value), pa.int64()), DECIMAL)
    if kind.is_string():
        return Found(pa.scalar(str(value), pa.large_string()), TEXT)
    if kind.is_floating() and math.isfinite(value):
        return _number(value)
    raise Unsure(str(kind))


def _number(value: float) -> Found:
    """A number as it stands in SQL: a decimal where it is written without an exponent."""
    written = repr(float(value))
    if "e" in written:
        return Found(pa.scalar(float(value)), DOUBLE)
    whole, _, places = written.partition(".")
    units = int(whole + places)
    if abs(units) > _power(PLACES):
        raise Unsure("digits")
    return Found(pa.scalar(units, pa.int64()), DECIMAL, len(places))


def _added(compute: Callable[..., Any], asked: _Rows, node: Any) -> Found:
    left, right = asked.all_of(node.args)
    if {left.kind, right.kind} == {DECIMAL}:
        scale = max(left.scale, right.scale)
        values = compute(left.at_scale(scale), right.at_scale(scale))
        return Found(values, DECIMAL, scale)
    return Found(compute(left.as_double(), right.as_double()), DOUBLE)


def _multiplied(asked: _Rows, node: Any) -> Found:
    left, right = asked.all_of(node.args)
    if {left.kind, right.kind} == {DECIMAL}:
        values = pc.multiply_checked(left.values, right.values)
        return Found(values, DECIMAL, left.scale + right.scale)
    return Found(pc.multiply(left.as_double(), right.as_double()), DOUBLE)


def _divided(asked: _Rows, node: Any) -> Found:
    left, right = asked.all_of(node.args)
    divisor = right.as_double()
    if _any(pc.equal(divisor, 0.0)):
        raise Unsure("zero")
    return Found(pc.divide(left.as_double(), divisor), DOUBLE)


def _negate(asked: _Rows, node: Any) -> Found:
    found = asked.of(node.arg)
    if found.kind not in NUMBERS:
        raise Unsure("negate")
    return Found(pc.negate(found.values), found.kind, found.scale)


def _logarithm(asked: _Rows, node: Any) -> Found:
    values = asked.of(node.arg).as_double()
    if _any(pc.less_equal(values, 0.0)):
        raise Unsure("logarithm")
    return Found(pc.ln(values), DOUBLE)


def _exponential(asked: _Rows, node: Any) -> Found:
    values = pc.exp(asked.of(node.arg).as_double())
    if _any(pc.is_inf(values)):
        raise Unsure("infinite")
    return Found(values, DOUBLE)


def _cast(asked: _Rows, node: Any) -> Found:
    """A number as a double; other types are the engine's."""
    if not node.to.is_float64():
        raise Unsure(str(node.to))
    return Found(asked.of(node.arg).as_double(), DOUBLE)


def _floor(asked: _Rows, node: Any) -> Found:
    found = asked.of(node.arg)
    if found.kind == DECIMAL:
        return Found(found.whole_below(), DECIMAL)
    values = pc.floor(found.as_double())
    return Found(pc.cast(values, pa.int64()), DECIMAL)


def _compared(compute: Callable[..., Any], asked: _Rows, node: Any) -> Found:
    left, right = asked.all_of(node.args)
    if left.kind != right.kind:
        return Found(compute(left.as_double(), right.as_double()), TRUTH)
    if left.kind is None:
        raise Unsure("nothing")
    scale = max(left.scale, right.scale)
    return Found(compute(left.at_scale(scale), right.at_scale(scale)), TRUTH)


def _joined(compute: Callable[..., Any], asked: _Rows, node: Any) -> Found:
    left, right = asked.all_of(node.args)
    if {left.kind, right.kind} != {TRUTH}:
        raise Unsure("truth")
    return Found(compute(left.values, right.values), TRUTH)


def _not(asked: _Rows, node: Any) -> Found:
    return Found(pc.invert(asked.typed(node.arg)), TRUTH)


def _is_null(asked: _Rows, node: Any) -> Found:
    return Found(pc.is_null(asked.typed(node.arg)), TRUTH)


def _not_null(asked: _Rows, node: Any) -> Found:
    return Found(pc.is_valid(asked.typed(node.arg)), TRUTH)


def _among(asked: _Rows, node: Any) -> Found:
    found = asked.of(node.value)
    options = asked.all_of(node.options)
    kinds = {each.kind for each in options}
    if found.kind not in (TEXT, DECIMAL) or kinds != {found.kind}:
        raise Unsure("among")
    if any(each.scale for each in (found, *options)):
        raise Unsure("decimals")
    named = pa.array([each.values.as_py() for each in options], found.values.type)
    held = pc.is_in(found.values, value_set=named)
    # Whether nothing is among them is not known.
    known = pc.is_valid(found.values)
    return Found(pc.if_else(known, held, pa.scalar(None, pa.bool_())), TRUTH)


def _alike(found: Sequence[Found]) -> tuple[list[Any], str | None, int]:
    """Values of one kind and scale, as the engine makes them alike."""
    kinds = {each.kind for each in found} - {None}
    if not kinds or (len(kinds) > 1 and not kinds <= NUMBERS):
        raise Unsure(str(kinds))
    if DOUBLE in kinds:
        values = [None if each.kind is None else each.as_double() for each in found]
        return _typed(values), DOUBLE, 0
    scale = max(each.scale for each in found)
    values = [None if each.kind is None else each.at_scale(scale) for each in found]
    return _typed(values), next(iter(kinds)), scale


def _typed(values: Sequence[Any]) -> list[Any]:
    """The values, nothing among them of the type of the others."""
    kind = next(each.type for each in values if each is not None)
    return [pa.scalar(None, kind) if each is None else each for each in values]


def _first(asked: _Rows, node: Any) -> Found:
    values, kind, scale = _alike(asked.all_of(node.arg))
    return Found(pc.coalesce(*values), kind, scale)


def _extreme(compute: Callable[..., Any], asked: _Rows, node: Any) -> Found:
    values, kind, scale = _alike(asked.all_of(node.arg))
    if kind not in NUMBERS:
        raise Unsure(str(kind))
    return Found(compute(*values, skip_nulls=True), kind, scale)


def _cases(asked: _Rows, node: Any) -> Found:
    return _case(asked, node.cases, node.results, node.default)


def _if_else(asked: _Rows, node: Any) -> Found:
    results = (node.true_expr,)
    return _case(asked, (node.bool_expr,), results, node.false_null_expr)


def _case(
    asked: _Rows, conditions: Sequence[Any], results: Sequence[Any], other: Any
) -> Found:
    held = [asked.by_row(each) for each in asked.all_of(conditions)]
    values, kind, scale = _alike(asked.all_of([*results, other]))
    names = [str(place) for place in range(len(held))]
    cases = pc.make_struct(*held, field_names=names)
    return Found(pc.case_when(cases, *values), kind, scale)


def _any(truth: Any) -> bool:
    if isinstance(truth, pa.Scalar):
        return bool(truth.as_py())
    return bool(pc.any(truth).as_py())


ANSWERS: dict[type, Callable[[_Rows, Any], Found]] = {
    ops.Field: _field,
    ops.Literal: _literal,
    ops.Add: partial(_added, pc.add_checked),
    ops.Subtract: partial(_added, pc.subtract_checked),
    ops.Multiply: _multiplied,
    ops.Divide: _divided,
    ops.Negate: _negate,
    ops.Ln: _logarithm,
    ops.Exp: _exponential,
    ops.Floor: _floor,
    ops.Cast: _cast,
    ops.Equals: partial(_compared, pc.equal),
    ops.NotEquals: partial(_compared, pc.not_equal),
    ops.Less: partial(_compared, pc.less),
    ops.LessEqual: partial(_compared, pc.less_equal),
    ops.Greater: partial(_compared, pc.greater),
    ops.GreaterEqual: partial(_compared, pc.greater_equal),
    ops.And: partial(_joined, pc.and_kleene),
    ops.Or: partial(_joined, pc.or_kleene),
    ops.Not: _not,
    ops.IsNull: _is_null,
    ops.NotNull: _not_null,
    ops.InValues: _among,
    ops.Coalesce: _first,
    ops.Greatest: partial(_extreme, pc.max_element_wise),
    ops.Least: partial(_extreme, pc.min_element_wise),
    ops.SearchedCase: _cases,
    ops.IfElse: _if_else,
}
