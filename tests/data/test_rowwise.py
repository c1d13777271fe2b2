"""A small table is answered without the engine, and as the engine would."""

from __future__ import annotations

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lab.data import embedded
from segment_lab.data.rowwise import answered

NUMBERS = ["whole", "whole_or_not", "spent", "days"]
#: Decimals as rules hold them: short ones, of seventeen digits, of many places, and small ones.
LITERALS = st.one_of(
    st.sampled_from([0.0, 1.0, -2.5, 365.25, 0.1, 0.30000000000000004, 1e-7, 1e17]),
    st.integers(-1000, 1000),
    st.floats(-1e4, 1e4, allow_nan=False).map(lambda value: round(value, 6)),
    st.floats(-1.0, 1.0, allow_nan=False),
)


@st.composite
def numbers(draw, table, depth=3):
    """An expression that gives a number."""
    if depth == 0 or draw(st.booleans()):
        if draw(st.booleans()):
            return table[draw(st.sampled_from(NUMBERS))]
        return ibis.literal(draw(LITERALS))
    left, right = (draw(numbers(table, depth - 1)) for _ in range(2))
    kind = draw(
        st.sampled_from([*"+-*/", "most", "least", "first", "if", "log", "floor", "as"])
    )
    made = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right,
        "most": lambda: ibis.greatest(left, right),
        "least": lambda: ibis.least(left, right),
        "first": lambda: ibis.coalesce(left, right),
        "if": lambda: ibis.ifelse(left > right, left, right),
        "log": lambda: (ibis.greatest(left, 0.0) + 1.0).ln(),
        "floor": lambda: left.floor(),
        "as": lambda: left.cast("float64"),
    }
    return made[kind]()


@st.composite
def truths(draw, table, depth=2):
    """An expression that is true or not."""
    if depth == 0 or draw(st.booleans()):
        left, right = (draw(numbers(table)) for _ in range(2))
        made = {
            "<": lambda: left < right,
            "<=": lambda: left <= right,
            "=": lambda: left == right,
            "null": lambda: left.isnull(),
            "vip": lambda: table.vip,
            "word": lambda: table.word == "a",
            "among": lambda: table.word.isin(["a", "b"]),
        }
        return made[draw(st.sampled_from(sorted(made)))]()
    left, right = (draw(truths(table, depth - 1)) for _ in range(2))
    made = {
        "and": lambda: left & right,
        "or": lambda: left | right,
        "not": lambda: ~left,
    }
    return made[draw(st.sampled_from(sorted(made)))]()


@st.composite
def frames(draw):
    rows = draw(st.integers(1, 12))

    def column(values):
        return draw(st.lists(values, min_size=rows, max_size=rows))

    cents = st.integers(-10_000, 10_000_000).map(lambda units: units / 100)
    return pd.DataFrame(
        {
            "whole": column(st.integers(-5, 4000)),
            "whole_or_not": pd.array(
                column(st.none() | st.integers(0, 9)), dtype="Int64"
            ),
            "spent": np.array(column(st.none() | cents), dtype="float64"),
            "days": column(st.floats(0, 4000, allow_nan=False)),
            "vip": pd.array(column(st.none() | st.booleans()), dtype="boolean"),
            "word": pd.array(column(st.none() | st.sampled_from("abc")), dtype="str"),
        }
    )


def both(frame, rule):
    """What is found without the engine (None: it is not sure), and what the engine says (None:
    it refuses decimals of too many digits)."""
    rows = embedded.rows_of(frame)
    question = embedded._question(
        rows.schema, {"answer": rule}, embedded.as_it_is, None
    )
    found = answered(rows, question.answers)
    try:
        said = embedded._asked(rows, question)["answer"]
    except (duckdb.ConversionException, duckdb.OutOfRangeException):
        said = None
    return (None if found is None else found["answer"]), said


def agree(found, said):
    if said.dtype == object and found.dtype != object:
        said = np.array([float(value) for value in said])
    empty = pd.isna(found) & pd.isna(said)
    return bool(((found == said) | empty).all())


@pytest.mark.parametrize("kind", [numbers, truths])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_answers_are_those_of_the_engine_to_the_last_bit(kind, data):
    frame = data.draw(frames())
    found, engine = both(frame, lambda table: data.draw(kind(table)))
    if found is not None and engine is not None:
        assert agree(found, engine)


FRAME = pd.DataFrame({"whole": [0, 1, 2], "spent": [1.5, np.nan, np.inf]})


@pytest.mark.parametrize(
    "rule",
    [
        lambda table: 1.0 / table.whole,
        lambda table: (table.whole * 1.0).ln(),
        lambda table: table.spent + 1.0,
        lambda table: table.whole.cast("string"),
        lambda table: (table.whole * 2000.0).exp(),
        lambda table: ibis.array([table.whole > 1]),
        lambda table: ibis.null("float64"),
        lambda table: table.whole + 0.5,
        lambda table: ~ibis.null("boolean"),
        lambda table: ibis.null("float64").isnull(),
    ],
    ids=[
        "by_zero",
        "log",
        "infinite",
        "cast",
        "exp",
        "array",
        "nothing",
        "decimal",
        "not",
        "null",
    ],
)
def test_where_the_engine_might_say_anything_else_it_is_asked(rule):
    found, _ = both(FRAME, rule)
    assert found is None


def test_most_rules_need_no_engine():
    table = pd.DataFrame({"recency_days": [1, 400], "revenue": [10.0, np.nan]})
    rule = lambda rows: ibis.cases(  # noqa: E731
        ((rows.recency_days / 365.25).floor() * 365.25 > 300.5, 2),
        (rows.revenue.fill_null(0.0) >= 9.99, 1),
        else_=0,
    )
    found, engine = both(table, rule)
    assert found is not None
    assert found.tolist() == engine.tolist() == [1, 2]


def test_a_decimal_is_not_rounded_before_its_whole_part_is_taken():
    table = pd.DataFrame({"whole": [0, -1]})
    rule = lambda rows: (rows.whole + 0.9999999999999999).floor()  # noqa: E731
    found, engine = both(table, rule)
    assert found.tolist() == engine.tolist() == [0, -1]
