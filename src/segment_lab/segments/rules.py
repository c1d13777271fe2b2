"""The company's own criteria: ordered rules over any column of the customer table, and what they
do.

A rule is one SQL condition. The first rule that holds names the customer's segment. A condition
that is neither true nor false, because a value it needs is empty, does not hold (also under NOT):
use IS NULL or coalesce.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from segment_lab.data import embedded
from segment_lab.data.expressions import columns, compile_expression
from segment_lab.errors import ConfigError
from segment_lab.segments.base import Segmenter
from segment_lab.texts import say

#: How rules are written.
EXAMPLE = '[{"name": "Key account", "when": "revenue >= 500"}]'


@with_config(ConfigDict(extra="forbid"))
class Rule(TypedDict):
    """A segment's `name` and the SQL condition `when` a customer belongs to it."""

    name: str
    when: str


class RuleSegmenter(Segmenter):
    """Segments by the company's own ordered rules.

    Parameters
    ----------
    rules : list of mappings with ``name`` and ``when``
        The first that holds wins. Names are unique.
    otherwise : str
        Segment of the customers that no rule claims.
    previous : list of rules, optional
        The version before: `moved` shows who changed segment.

    Raises
    ------
    ConfigError
        A rule does not parse, names a column the table does not have, is no condition, or uses
        anything beyond columns, literals, comparisons, logic, arithmetic and a few functions. All
        faults of all rules at once.

    Examples
    --------
    >>> table = pd.DataFrame({"revenue": [900, 20], "region": ["North", None]}, index=["a", "b"])
    >>> rules = [{"name": "Key", "when": "revenue >= 500 AND region IN ('North', 'East')"}]
    >>> list(RuleSegmenter(rules).fit(table).segment(table).labels)
    ['Key', 'Other']
    """

    method = "rules"
    numeric: ClassVar[bool] = False

    def __init__(
        self,
        rules: Annotated[Sequence[Rule], Field(examples=[EXAMPLE])],
        otherwise: str = "Other",
        previous: Annotated[Sequence[Rule] | None, Field(examples=[EXAMPLE])] = None,
    ):
        self.rules = rules
        self.otherwise = otherwise
        self.previous = previous

    @property
    def columns(self) -> tuple[str, ...]:
        self._check_parameters()
        read: set[str] = set()
        for where, rule in self._all_rules():
            read |= columns(rule["when"], where)
        return tuple(sorted(read))

    def _more_columns(self) -> tuple[str, ...]:
        return self.columns

    def _all_rules(self) -> list[tuple[str, Rule]]:
        current = [(say("rules.fault.where", **rule), rule) for rule in self.rules]
        before = [
            (say("rules.fault.where_previous", **r), r) for r in self.previous or ()
        ]
        return current + before

    def fit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        """Check every rule against the columns of a customer table; nothing is learned from the
        values."""
        self._check_parameters()
        self._check_frame(customers)
        if faults := self._faults(customers):
            lines = [say("rules.fault.all"), *(f"  - {fault}" for fault in faults)]
            raise ConfigError("\n".join(lines))
        return self.refit(customers)

    def refit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        return super().fit(customers)

    def _faults(self, customers: pd.DataFrame) -> list[str]:
        """Everything that is wrong with the rules: names, text, columns and types."""
        if not self.rules:
            return [say("rules.fault.none")]
        names = [*(rule["name"] for rule in self.rules), self.otherwise]
        twice = sorted({name for name in names if names.count(name) > 1})
        faults = [say("rules.fault.twice", name=name) for name in twice]
        sound = {}
        for where, rule in self._all_rules():
            fault = _fault(where, rule["when"], customers)
            if fault:
                faults.append(fault)
            else:
                sound[where] = rule["when"]
        if not _dry_run(list(sound.values()), customers):  # one query for all
            return faults
        for where, when in sound.items():  # each alone, to name the guilty
            if problem := _dry_run([when], customers):
                facts = {"where": where, "when": when, "problem": problem}
                faults.append(say("rules.fault.not_computed", **facts))
        return faults

    def _fit(self, rows: pd.DataFrame) -> None:
        self.schema_ = _types(rows, set(rows.columns))
        self.segment_names_ = (*(rule["name"] for rule in self.rules), self.otherwise)

    @property
    def _schema(self) -> dict[str, str]:
        return self.schema_

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int]:
        conditions = self._conditions(table)
        return [(condition, code) for code, condition in enumerate(conditions)], len(
            conditions
        )

    def _conditions(self, table: ir.Table) -> list[ir.BooleanValue]:
        typed: Any = _Typed(table, self.schema_)
        conditions = []
        for rule in self.rules:
            where = say("rules.fault.where", **rule)
            conditions.append(
                compile_expression(rule["when"], typed, where).cast("boolean")
            )
        return conditions

    def truth(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Which rules hold for whom, first match or not: a yes/no column per rule, one row per
        customer."""
        self._check_fitted()
        rows = self._checked(customers)
        held = embedded.evaluate(
            rows,
            lambda table: ibis.array(
                [c.fill_null(False) for c in self._conditions(table)]
            ),
        )
        names = list(self.segment_names_[:-1])
        return pd.DataFrame(
            np.stack(list(held)).astype(bool), index=customers.index, columns=names
        )

    def moved(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Customers whom the previous version of the rules put elsewhere: ``before`` and
        ``now``."""
        if not self.previous:
            return pd.DataFrame(
                {
                    "before": [],
                    "now": [],
                },
                index=customers.index[:0],
                dtype="str",
            )
        previous = RuleSegmenter(self.previous, self.otherwise).fit(customers)
        before = previous.segment(customers).labels.astype("str")
        now = self.segment(customers).labels.astype("str")
        both = pd.DataFrame({"before": before, "now": now})
        return both[both["before"] != both["now"]]

    def meanings(self) -> dict[str, str]:
        conditions = {rule["name"]: rule["when"] for rule in self.rules}
        return {**conditions, self.otherwise: say("rules.otherwise")}

    def describe(self) -> dict[str, Any]:
        return {"rules": self.rules, "otherwise": self.otherwise}

    def _by_customer(self, customers: pd.DataFrame) -> pd.DataFrame:
        truth = self.truth(customers)
        names = truth.columns.to_numpy()
        # Joined once per combination of rules, of which there are few, not once per customer.
        which = truth.groupby(list(truth), sort=False).ngroup()
        combinations = truth[~which.duplicated()].to_numpy()
        matched = np.array(
            ["; ".join(names[row]) for row in combinations], dtype=object
        )[which]
        return truth.add_prefix("rule: ").assign(
            rules_matched=truth.sum(axis=1), matched=matched
        )


def _fault(where: str, when: str, customers: pd.DataFrame) -> str:
    """What is wrong with one rule as it is written; empty where nothing is."""
    try:
        read = columns(when, where)
        schema = dict.fromkeys(map(str, customers.columns), "string") | _types(
            customers, read
        )
        compiled = compile_expression(when, ibis.table(schema, name="customers"), where)
    except ConfigError as error:
        return str(error)
    if not read:
        return say("rules.fault.no_column", where=where, when=when)
    if not compiled.type().is_boolean():
        return say(
            "rules.fault.no_condition", where=where, when=when, type=compiled.type()
        )
    return ""


class _Typed:
    """A table whose columns without any value keep the type they had when the rules were fitted."""

    def __init__(self, table: ir.Table, schema: Mapping[str, str]):
        self.table, self.schema, self.columns = table, schema, table.columns

    def __getitem__(self, name: str) -> ir.Value:
        column = self.table[name]
        return column.cast(self.schema[name]) if column.type().is_null() else column


def _dry_run(conditions: Sequence[str], customers: pd.DataFrame) -> str:
    """What the engine has against conditions that are well-formed (a word compared with a date,
    -TRUE …)."""
    read = set().union(*(columns(when, "rule") for when in conditions))
    rows = customers[[c for c in customers if c in read]].head(1)
    schema = dict.fromkeys(map(str, customers.columns), "string") | _types(
        customers, read
    )

    def rule(table: ir.Table) -> ir.Value:
        typed: Any = _Typed(table, schema)
        return ibis.array(
            [
                compile_expression(when, typed, "rule").cast("boolean")
                for when in conditions
            ]
        )

    try:
        if conditions:
            embedded.evaluate(rows, rule)
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return ""


def _types(customers: pd.DataFrame, names: set[str]) -> dict[str, str]:
    """Ibis types of those columns that the table has; one without any value is read as text."""
    rows = customers[[c for c in customers if c in names]]
    found = ibis.Schema.from_pyarrow(pa.Schema.from_pandas(rows, preserve_index=False))
    return {
        name: "string" if kind.is_null() else str(kind) for name, kind in found.items()
    }


def rule_counts(truth: pd.DataFrame) -> pd.DataFrame:
    """What each rule does, in order: customers it matches, is assigned, and matches alone.

    ``finding`` says which rules are dead: they match nobody, or only customers of earlier rules.
    """
    held = truth.to_numpy()
    first = held & (np.cumsum(held, axis=1) == 1)
    alone = held & (held.sum(axis=1) == 1)[:, None]
    out = pd.DataFrame(
        {
            "customers_matched": held.sum(axis=0),
            "customers_claimed": first.sum(axis=0),
            "customers_only_here": alone.sum(axis=0),
        },
        index=truth.columns.rename("rule"),
    )
    idle = [out["customers_matched"] == 0, out["customers_claimed"] == 0]
    out["finding"] = np.select(
        idle, [say("rules.dead.nobody"), say("rules.dead.taken")], ""
    )
    return out


def rule_overlaps(truth: pd.DataFrame) -> pd.DataFrame:
    """Customers for whom both rules hold; the diagonal counts all customers of a rule."""
    held = truth.to_numpy().astype("int64")
    return pd.DataFrame(
        held.T @ held,
        truth.columns.rename("rule"),
        truth.columns.rename("also claimed by"),
    )
