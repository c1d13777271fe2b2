"""The company's own criteria: ordered rules over any column of the customer table, and what they
do.

A rule is one SQL condition. The first rule that holds names the customer's segment. A condition
that is neither true nor false, because a value it needs is empty, does not hold (also under NOT):
use IS NULL or coalesce.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from segment_lab.data import engine
from segment_lab.data.expressions import columns, compile_expression
from segment_lab.errors import ConfigError
from segment_lab.segments.base import Finding, Segmenter
from segment_lab.segments.segmentation import Segmentation


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

    def __init__(
        self,
        rules: Sequence[Rule],
        otherwise: str = "Other",
        previous: Sequence[Rule] | None = None,
    ):
        self.rules = rules
        self.otherwise = otherwise
        self.previous = previous

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(
            sorted(
                set().union(*(columns(rule["when"], where) for where, rule in self._all_rules()))
            )
        )

    def _more_columns(self) -> tuple[str, ...]:
        return self.columns

    def _all_rules(self) -> list[tuple[str, Rule]]:
        versions = (("rule", self.rules), ("previous rule", self.previous or ()))
        return [(f"{kind} '{rule['name']}'", rule) for kind, rules in versions for rule in rules]

    def fit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        """Check every rule against the columns of a customer table; nothing is learned from the
        values."""
        self._check_parameters()
        if isinstance(customers, pd.DataFrame) and (faults := self._faults(customers)):
            raise ConfigError(
                "\n".join(["The rules cannot be used:", *(f"  - {fault}" for fault in faults)])
            )
        return super().fit(customers)

    def _faults(self, customers: pd.DataFrame) -> list[str]:
        """Everything that is wrong with the rules: names, text, columns and types."""
        names = [*(rule["name"] for rule in self.rules), self.otherwise]
        faults = [
            f"the name '{name}' is used twice"
            for name in sorted({n for n in names if names.count(n) > 1})
        ]
        sound = {}
        for where, rule in self._all_rules():
            try:
                read = columns(rule["when"], where)
                schema = dict.fromkeys(map(str, customers.columns), "string") | _types(
                    customers, read
                )
                kind = compile_expression(
                    rule["when"], ibis.table(schema, name="customers"), where
                ).type()
            except ConfigError as error:
                faults.append(str(error))
                continue
            if not read:
                faults.append(
                    f"{where}: {rule['when']!r} reads no column; `otherwise` names the segment of the rest"
                )
            elif not kind.is_boolean():
                faults.append(
                    f"{where}: {rule['when']!r} is a {kind}, not a condition that holds or does not"
                )
            else:
                sound[where] = rule["when"]
        if _dry_run(
            list(sound.values()), customers
        ):  # one query for all; each alone only to name the guilty
            faults += [
                f"{where}: {when!r} cannot be computed: {problem}"
                for where, when in sound.items()
                if (problem := _dry_run([when], customers))
            ]
        return faults if self.rules else ["there is none"]

    def _fit(self, rows: pd.DataFrame) -> None:
        self.schema_ = _types(rows, set(rows.columns))
        self.segment_names_ = (*(rule["name"] for rule in self.rules), self.otherwise)

    @property
    def _schema(self) -> dict[str, str]:
        return self.schema_

    def branches(self, table: ir.Table) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int]:
        return list(zip(self._conditions(table), range(len(self.rules)), strict=True)), len(
            self.rules
        )

    def _conditions(self, table: ir.Table) -> list[ir.BooleanValue]:
        typed: Any = _Typed(table, self.schema_)
        return [
            compile_expression(rule["when"], typed, f"rule '{rule['name']}'").cast("boolean")
            for rule in self.rules
        ]

    def truth(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Which rules hold for whom, first match or not: a yes/no column per rule, one row per
        customer."""
        rows = self._checked(customers)
        held = engine.evaluate(
            rows, lambda table: ibis.array([c.fill_null(False) for c in self._conditions(table)])
        )
        names = list(self.segment_names_[:-1])
        return pd.DataFrame(np.stack(list(held)).astype(bool), index=customers.index, columns=names)

    def moved(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Customers whom the previous version of the rules put elsewhere: ``before`` and
        ``now``."""
        if not self.previous:
            return pd.DataFrame({"before": [], "now": []}, index=customers.index[:0], dtype="str")
        before = (
            RuleSegmenter(self.previous, self.otherwise).fit(customers).segment(customers).labels
        )
        both = pd.DataFrame(
            {"before": before.astype("str"), "now": self.segment(customers).labels.astype("str")}
        )
        return both[both["before"] != both["now"]]

    def unmoved(self) -> str:
        """What to say where `moved` finds nobody."""
        return (
            "Nobody moved."
            if self.previous
            else "The study file holds no previous version of the rules."
        )

    def meanings(self) -> dict[str, str]:
        return {
            **{rule["name"]: rule["when"] for rule in self.rules},
            self.otherwise: "No rule claims them.",
        }

    def describe(self) -> dict[str, Any]:
        return {"rules": self.rules, "otherwise": self.otherwise}

    def _details(self, customers: pd.DataFrame) -> pd.DataFrame:
        truth = self.truth(customers)
        names = truth.columns.to_numpy()
        # Joined once per combination of rules, of which there are few, not once per customer.
        which = truth.groupby(list(truth), sort=False).ngroup()
        combinations = truth[~which.duplicated()].to_numpy()
        matched = np.array(["; ".join(names[row]) for row in combinations], dtype=object)[which]
        return truth.add_prefix("rule: ").assign(rules_matched=truth.sum(axis=1), matched=matched)


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
    schema = dict.fromkeys(map(str, customers.columns), "string") | _types(customers, read)

    def rule(table: ir.Table) -> ir.Value:
        typed: Any = _Typed(table, schema)
        return ibis.array(
            [compile_expression(when, typed, "rule").cast("boolean") for when in conditions]
        )

    try:
        if conditions:
            engine.evaluate(rows, rule)
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return ""


def _types(customers: pd.DataFrame, names: set[str]) -> dict[str, str]:
    """Ibis types of those columns that the table has; one without any value is read as text."""
    rows = customers[[c for c in customers if c in names]]
    found = ibis.Schema.from_pyarrow(pa.Schema.from_pandas(rows, preserve_index=False))
    return {name: "string" if kind.is_null() else str(kind) for name, kind in found.items()}


def rule_counts(truth: pd.DataFrame) -> pd.DataFrame:
    """What each rule does, in order: customers it holds for, claims first, and claims as the only
    one.

    ``finding`` says which rules are dead: they hold for nobody, or only for customers an earlier
    rule took.
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
    out["finding"] = np.select(
        [out["customers_matched"] == 0, out["customers_claimed"] == 0],
        ["dead: holds for nobody", "dead: earlier rules take all its customers"],
        "",
    )
    return out


def rule_overlaps(truth: pd.DataFrame) -> pd.DataFrame:
    """Customers for whom both rules hold; the diagonal counts all customers of a rule."""
    held = truth.to_numpy().astype("int64")
    return pd.DataFrame(
        held.T @ held, truth.columns.rename("rule"), truth.columns.rename("also claimed by")
    )


def rules_finding(segmentation: Segmentation, truth: pd.DataFrame) -> Finding:
    """The answer of the rules report: whom the rules leave out, claim twice, and which rules do
    nothing."""
    n, counts, matches = len(truth), rule_counts(truth), truth.sum(axis=1)
    unclaimed, several = int((matches == 0).sum()), int((matches > 1).sum())
    dead = counts.index[counts["finding"] != ""]
    sizes = segmentation.sizes().iloc[:-1]
    yours = f"Your {len(counts)} rules place" if len(counts) > 1 else "Your one rule places"
    first = (
        f"{yours} {n - unclaimed:,} of {n:,} customers; the largest segment is "
        f"{sizes.idxmax()} with {sizes.max():,}."
    )
    idle = f"Rules that do nothing: {', '.join(dead)}." if len(dead) else "Every rule is in use."
    second = (
        f"No rule claims {unclaimed:,} customers ({unclaimed / n:.0%}); several rules claim {several:,} "
        f"({several / n:.0%}), who go to the first. {idle}"
    )
    figures = {
        "customers": n,
        "unclaimed_customers": unclaimed,
        "customers_claimed_by_several": several,
        "dead_rules": len(dead),
    }
    return Finding((first, second), figures)
