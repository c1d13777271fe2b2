"""What is wrong with the columns and the index of a frame that somebody hands over."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from numbers import Real

import numpy as np
import pandas as pd

from segment_lab.errors import Fault, close
from segment_lab.texts import say


def column_faults(
    frame: pd.DataFrame,
    needed: Iterable[str],
    *,
    nullable: Iterable[str] = (),
    numbers: Iterable[str] = (),
    remedy: str = "",
) -> list[Fault]:
    """What is wrong with the columns of a frame: those that are missing, twice there, empty where
    they must not be, and no numbers where they must be.

    `remedy` says where a missing column comes from.
    """
    faults = []
    numbers, nullable = set(numbers), set(nullable)
    for column in dict.fromkeys(needed):
        if column not in frame:
            faults.append(_missing(frame, column, remedy))
            continue
        values = frame[column]
        if isinstance(values, pd.DataFrame):
            mend = say("errors.column.twice_remedy")
            faults.append(Fault(column, say("errors.column.twice"), mend))
            continue
        empty = values.isna()
        if column not in nullable and empty.any():
            mend = say("errors.column.nulls_remedy")
            problem = say("errors.column.nulls")
            faults.append(_rows(column, problem, mend, frame.index[empty]))
        elif column in numbers:
            faults += _number_faults(column, values)
    return faults


def index_faults(index: pd.Index) -> list[Fault]:
    """What is wrong with an index that says whose row it is."""
    if index.nlevels > 1:
        wrong = "levels"
    elif not index.is_unique:
        wrong = "twice"
    elif index.hasnans:
        wrong = "empty"
    else:
        return []
    where, remedy = say("errors.index.whose"), say(f"errors.index.{wrong}_remedy")
    return [Fault(where, say(f"errors.index.{wrong}"), remedy)]


def _missing(frame: pd.DataFrame, column: str, remedy: str) -> Fault:
    present = [str(name) for name in frame.columns]
    meant = close(column, present)
    problem = say("errors.column.missing", meant=meant, present=present)
    return Fault(column, problem, remedy)


def _number_faults(column: str, values: pd.Series) -> list[Fault]:
    """Words, flags and days where numbers are needed, and numbers without an end."""
    mend = say("errors.column.numbers_remedy")
    if not are_numbers(values):
        problem = say("errors.column.no_numbers", dtype=values.dtype)
        examples = tuple(map(str, values.dropna()[:3]))
        return [Fault(column, problem, mend, examples=examples)]
    if values.dtype.kind != "f":
        return []
    endless = np.isinf(values.to_numpy("float64", na_value=np.nan))
    if not endless.any():
        return []
    return [_rows(column, say("errors.column.endless"), mend, values.index[endless])]


def are_numbers(values: pd.Series) -> bool:
    """Whether a column holds real numbers and nothing else; one without any value does."""
    kind = values.dtype
    if kind is np.dtype(object):
        return all(
            isinstance(value, Real | Decimal) and not isinstance(value, bool)
            for value in values.dropna()
        )
    numeric = pd.api.types.is_numeric_dtype(kind)
    return numeric and not pd.api.types.is_bool_dtype(kind) and kind.kind != "c"


def _rows(column: str, problem: str, remedy: str, ids: pd.Index) -> Fault:
    return Fault(column, problem, remedy, len(ids), tuple(map(str, ids[:3])))
