"""The six customer bases, from the VIP base to the dead base, by explicit rules in an explicit
order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.customers.people import consented
from segment_lab.customers.rates import with_interval
from segment_lab.customers.states import LAPSE, StateRule
from segment_lab.data import embedded
from segment_lab.errors import NotEnoughDataError
from segment_lab.segments.base import Segmenter, shortest_cut
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say

TIERS = ("VIP", "Regular", "Loyal", "Warm", "Cold", "Dead")


class LifecycleSegmenter(Segmenter):
    """Six tiers. The rules overlap ("at least one purchase" holds for every buyer), so
    `precedence` decides.

    - VIP: flagged, or at least `vip_orders` orders, or among the top `vip_share` of buyers by
      value.
    - Dead: has ordered, and has lapsed by the own rhythm (`customers.states`), or has been silent
      for longer than `dead_days_`.
    - Regular: at least `regular_orders` orders.
    - Loyal: at least two orders, and a customer for `loyal_days` or more; newer ones are Warm
      whatever they spend.
    - Warm: at least one order, or an offer made.
    - Cold: no order, at least one touch. Who meets no rule at all is put here too, and counted as
      unclaimed.

    By default (`silence` "own") who is dead is told by the state that the customer has on every
    other page: silent for more than 3.5 of the own usual gaps between orders. With "base" `fit`
    learns one limit for all, `dead_days_`, as the `dead_quantile` of the base's gaps: each repeat
    customer's median days between orders (``gap_days``). Where nobody has ordered twice, silence is
    measured against silence: the same quantile of ``recency_days``. The top share by value is a
    threshold
    too; a tie that would carry it over the share stays outside, so equal customers never all
    become VIP.

    Parameters
    ----------
    loyal_days, regular_orders, vip_orders : int
        Days since the first order from which a customer can be loyal; orders that make one
        regular, or VIP (optional).
    silence : {"own", "base"}
        Whether silence is measured in each customer's own rhythm, or against one limit for all.
    dead_quantile, dead_days : float, int
        How the one limit is learned, or the limit by hand (then `silence` does not matter).
    vip_share : float
        Top share of buyers by `value`; 0 turns this way of becoming VIP off.
    value : {"revenue", "margin"}
    silent_vip : {"vip", "dead"}
        Whether a VIP who has been silent too long stays a VIP (and is counted as an alarm) or is
        Dead.

    Attributes
    ----------
    dead_days_, dead_reason_ : int or None, str
        The one limit, None without one; how the limit was found.
    state_rule_ : StateRule or None
        How the own rhythm is told.
    vip_value_ : float or None
        Least value of a VIP by value.

    Examples
    --------
    >>> table = pd.DataFrame({"recency_days": [3, 400], "tenure_days": [93, 430]}, ["a", "b"])
    >>> table = table.assign(frequency=[10, 2], revenue=[500.0, 40.0], gap_days=[10.0, 30.0])
    >>> list(LifecycleSegmenter(dead_days=180).fit(table).segment(table).labels)
    ['Regular', 'Dead']
    """

    method = "lifecycle"
    flags = ("offer", "vip")

    def __init__(  # noqa: PLR0913 (an estimator's parameters)
        self,
        loyal_days: Annotated[int, Field(ge=1)] = 180,
        silence: Literal["own", "base"] = "own",
        dead_quantile: Annotated[float, Field(gt=0, lt=1)] = 0.9,
        dead_days: Annotated[int, Field(ge=1)] | None = None,
        regular_orders: Annotated[int, Field(ge=3)] = 4,
        vip_share: Annotated[float, Field(ge=0, le=0.5)] = 0.05,
        vip_orders: Annotated[int, Field(ge=2)] | None = None,
        value: Literal["revenue", "margin"] = "revenue",
        silent_vip: Literal["vip", "dead"] = "vip",
    ):
        self.loyal_days = loyal_days
        self.silence = silence
        self.dead_quantile = dead_quantile
        self.dead_days = dead_days
        self.regular_orders = regular_orders
        self.vip_share = vip_share
        self.vip_orders = vip_orders
        self.value = value
        self.silent_vip = silent_vip

    @property
    def columns(self) -> tuple[str, ...]:
        return ("frequency", "recency_days", "tenure_days", self.value)

    @property
    def optional_columns(self) -> tuple[str, ...]:
        return ("gap_days", "touches", "offer", "vip")

    def _more_columns(self) -> tuple[str, ...]:
        return ("recency_days", "tenure_days", self.value)  # null for prospects

    @property
    def precedence(self) -> tuple[str, ...]:
        """The order in which the rules are asked; the first that holds decides."""
        first = ("VIP", "Dead") if self.silent_vip == "vip" else ("Dead", "VIP")
        return (*first, "Regular", "Loyal", "Warm", "Cold")

    def _fit(self, rows: pd.DataFrame) -> None:
        self.segment_names_ = TIERS
        buyers = rows[rows["frequency"] > 0]
        self.state_rule_ = None
        self.dead_days_, self.dead_basis_, self.dead_known_ = self._learn_silence(
            buyers
        )
        if self.dead_basis_ == "own":
            season, as_of = getattr(self, "_calendar", ((), None))
            self.state_rule_ = StateRule.learn(buyers, season, as_of, chances=False)
        values = buyers[self.value].dropna().to_numpy(dtype="float64")
        self.vip_value_ = self._learn_vip_value(values)

    def _learn_silence(self, buyers: pd.DataFrame) -> tuple[int | None, str, int]:
        """The limit in days, what it was learned from, and from how many customers."""
        if self.dead_days is not None:
            return self.dead_days, "by_hand", len(buyers)
        if len(buyers) and self.silence == "own":
            return None, "own", len(buyers)
        repeat = buyers[buyers["frequency"] > 1]
        gaps = (
            repeat["gap_days"].dropna()
            if "gap_days" in repeat
            else repeat["frequency"].iloc[:0]
        )
        if len(gaps):
            return max(int(np.quantile(gaps, self.dead_quantile)), 1), "gaps", len(gaps)
        if len(buyers):
            days = int(buyers["recency_days"].quantile(self.dead_quantile))
            return max(days, 1), "silence", len(buyers)
        return None, "no_buyers", 0

    @property
    def dead_reason_(self) -> str:
        """How the limit of silence was found, in words."""
        facts = {
            "share": self.dead_quantile,
            "customers": self.dead_known_,
            "lapse": LAPSE,
        }
        return say(f"lifecycle.limit.{self.dead_basis_}", **facts)

    def _learn_vip_value(self, values: np.ndarray) -> float | None:
        ranked = np.sort(values)[::-1]
        places = int(self.vip_share * len(ranked))
        # A tie across the border stays outside: the next larger value is the threshold.
        outside = max(ranked[places], 0) if places < len(ranked) else 0
        inside = ranked[:places][ranked[:places] > outside]
        return shortest_cut(inside[-1], values, "left") if len(inside) else None

    def rules(self, table: ir.Table) -> dict[str, ir.BooleanValue]:
        """Each tier's own condition, in the order of `TIERS`, before precedence: they overlap on
        purpose."""
        orders, told = table.frequency, self.columns_
        no = ibis.literal(False)
        flagged = table.vip.cast("boolean").fill_null(False) if "vip" in told else no
        offered = (
            table.offer.cast("boolean").fill_null(False) if "offer" in told else no
        )
        touched = (table.touches > 0).fill_null(False) if "touches" in told else no
        often, rich, silent = no, no, no
        if self.vip_orders is not None:
            often = orders >= self.vip_orders
        if self.vip_value_ is not None:
            rich = (table[self.value] >= self.vip_value_).fill_null(False)
        if self.state_rule_:
            silent = self.state_rule_.lapsed(table).fill_null(False)
        elif self.dead_days_:
            silent = (table.recency_days > self.dead_days_).fill_null(False)
        known = (table.tenure_days >= self.loyal_days).fill_null(False)
        return {
            "VIP": flagged | often | rich,
            "Regular": orders >= self.regular_orders,
            "Loyal": (orders >= 2) & known,
            "Warm": (orders >= 1) | offered,
            "Cold": (orders == 0) & touched,
            "Dead": (orders >= 1) & silent,
        }

    def prepared(self, table: ir.Table) -> ir.Table:
        return self.state_rule_.clocked(table) if self.state_rule_ else table

    def looked_up(self, rows: pd.DataFrame) -> pd.DataFrame:
        return self.state_rule_.timed(rows) if self.state_rule_ else rows

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        rules = self.rules(table)
        return [
            (rules[tier], TIERS.index(tier)) for tier in self.precedence
        ], TIERS.index("Cold")

    def on(self, season: Sequence[float], as_of: dt.date) -> Self:
        """This segmenter with what a day of each month counts (`seasonal_weights`), for a table of
        `as_of`."""
        self._calendar = (tuple(season), as_of)
        rule: StateRule | None = getattr(self, "state_rule_", None)
        if rule:
            self.state_rule_ = replace(rule, as_of=as_of)
        return self

    def matches(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The truth table: one row per customer, one boolean column per rule, and
        ``rules_matched``."""
        bits = embedded.evaluate(
            self.looked_up(self._checked(customers)),
            lambda t: sum(
                rule.ifelse(1 << i, 0) for i, rule in enumerate(self.rules(t).values())
            ),
            self.prepared,
        )
        truth = pd.DataFrame(
            {tier: (bits >> i & 1).astype(bool) for i, tier in enumerate(TIERS)},
            index=customers.index,
        )
        return truth.assign(rules_matched=truth.sum(axis=1))

    def _by_customer(self, customers: pd.DataFrame) -> pd.DataFrame:
        return self.matches(customers)

    def rule_table(self) -> pd.DataFrame:
        """The rules in words with their values, in the order in which they are asked."""
        facts = {
            **self.get_params(deep=False),
            "flag": "vip" in self.columns_,
            "vip_value": self.vip_value_,
            "dead_days": self.dead_days_,
            "reason": self.dead_reason_,
            "lapse": LAPSE,
        }
        words = [say(f"lifecycle.rule.{tier}", **facts) for tier in self.precedence]
        return pd.DataFrame(
            {"rule": words}, index=pd.Index(self.precedence, name="tier")
        )

    def meanings(self) -> dict[str, str]:
        facts = {
            **self.get_params(deep=False),
            "flag": "vip" in self.columns_,
            "by_value": self.vip_value_ is not None,
        }
        return {tier: say(f"lifecycle.meaning.{tier}", **facts) for tier in TIERS}

    @property
    def _schema(self) -> dict[str, str]:
        return super()._schema | {
            c: "boolean" for c in ("vip", "offer") if c in self.columns_
        }

    def describe(self) -> dict[str, Any]:
        return {
            **super().describe(),
            "precedence": list(self.precedence),
            "dead_days": self.dead_days_,
            "dead_days_reason": self.dead_reason_,
            "dead_basis": self.dead_basis_,
            "dead_known": self.dead_known_,
            "typical_gap": self.state_rule_.typical_gap if self.state_rule_ else None,
            "vip_value": self.vip_value_,
        }


def overlap_matrix(segmentation: Segmentation) -> pd.DataFrame:
    """Customers who meet both the rule of the row and that of the column; the diagonal is the rule
    alone."""
    truth = truth_table(segmentation).astype("int64")
    return truth.T.dot(truth).rename_axis(index="rule", columns="also")


def unclaimed(segmentation: Segmentation) -> pd.Index:
    """Customers whom no rule claims (they are counted as Cold)."""
    truth = truth_table(segmentation)
    return truth.index[~truth.any(axis=1)]


def silent_vips(segmentation: Segmentation, customers: pd.DataFrame) -> pd.DataFrame:
    """VIPs who have been silent beyond the limit, with what they bought; largest first."""
    silent = (segmentation.labels == "VIP") & truth_table(segmentation)["Dead"]
    rows = segmentation.align(customers)[silent]
    return rows[["recency_days", "frequency", "revenue"]].sort_values(
        "revenue", ascending=False, kind="stable"
    )


def vip_check(
    segmentation: Segmentation,
    customers: pd.DataFrame,
    value: str = "revenue",
    small: float = 0.1,
) -> dict[str, Any]:
    """Whether the VIPs are what the word says: a small share of the customers that leads in profit.

    ``customers, customer_share, value_share``; ``small`` (at most `small` of the buyers),
    ``leading`` (no other tier brings more), ``largest`` (the tier that brings most) and ``silent``
    (VIPs silent beyond the limit).
    """
    rows = segmentation.align(customers)
    vip, buyer = segmentation.labels == "VIP", rows["frequency"] > 0
    shares = (
        rows[value].fillna(0).groupby(segmentation.labels.array, observed=False).sum()
    )
    shares = shares / shares.sum() if shares.sum() else shares * 0
    share = float(vip.sum() / max(buyer.sum(), 1))
    return {
        "customers": int(vip.sum()),
        "customer_share": share,
        "value_share": float(shares["VIP"]),
        "small": share <= small,
        "leading": bool(shares["VIP"] > 0 and shares["VIP"] == shares.max()),
        "largest": str(shares.idxmax()),
        "silent": int((vip & truth_table(segmentation)["Dead"]).sum()),
    }


def natural_return(
    segmentation: Segmentation,
    outcomes: pd.DataFrame,
    contacted: pd.Index | Sequence[str] = (),
) -> pd.DataFrame:
    """Who ordered by themselves (``future_orders``) in the period after the day of the
    segmentation.

    Customers `contacted` by a campaign in that period are left out, so that the rate is the
    natural one. Per tier ``customers, returned`` and ``return_rate`` with its interval.
    """
    known = segmentation.codes.index.intersection(outcomes.index).difference(
        pd.Index(contacted)
    )
    labels, back = (
        segmentation.labels.loc[known],
        outcomes["future_orders"].loc[known] > 0,
    )
    table = (
        back.groupby(labels.array, observed=False)
        .agg(customers="size", returned="sum")
        .rename_axis("tier")
    )
    return table.join(
        with_interval(table["returned"], table["customers"], "return_rate")
    )


def reach(segmentation: Segmentation, customers: pd.DataFrame) -> pd.DataFrame:
    """Per tier how many gave consent; `NotEnoughDataError` where the table has no ``consent``."""
    if "consent" not in customers:
        raise NotEnoughDataError(say("lifecycle.errors.no_consent"))
    consent = consented(segmentation.align(customers))
    table = consent.groupby(segmentation.labels.array, observed=False).agg(
        customers="size", may_be_written_to="sum"
    )
    return table.assign(
        reachable_share=table["may_be_written_to"]
        / table["customers"].replace(0, np.nan)
    ).rename_axis("tier")


def truth_table(segmentation: Segmentation) -> pd.DataFrame:
    """Which tiers' rules each customer meets, from the details of the segmentation."""
    if segmentation.by_customer is None:
        raise ValueError(say("lifecycle.errors.no_rules"))
    return segmentation.by_customer[list(TIERS)]
