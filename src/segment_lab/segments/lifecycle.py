"""The six customer bases, from the VIP base to the dead base, by explicit rules in an explicit
order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.config import packaged
from segment_lab.customers.people import consented
from segment_lab.customers.rates import with_interval
from segment_lab.data import engine
from segment_lab.errors import NotEnoughDataError
from segment_lab.segments.base import Finding, Segmenter, shortest_cut
from segment_lab.segments.segmentation import Segmentation

TIERS = ("VIP", "Regular", "Loyal", "Warm", "Cold", "Dead")
#: Where certainly more of the dead than this come back by themselves, they were not dead.
ALIVE = 1 / 3


class LifecycleSegmenter(Segmenter):
    """Six tiers. The rules overlap ("at least one purchase" holds for every buyer), so
    `precedence` decides.

    - VIP: flagged, or at least `vip_orders` orders, or among the top `vip_share` of buyers by
    value.
    - Dead: has ordered, and has been silent for longer than `dead_days_`.
    - Regular: at least `regular_orders` orders.
    - Loyal: at least two orders, and a customer for `loyal_days` or more; newer ones are Warm
    whatever they spend.
    - Warm: at least one order, or an offer made.
    - Cold: no order, at least one touch. Who meets no rule at all is put here too, and counted as
    unclaimed.

    `fit` learns `dead_days_` as the `dead_quantile` of the base's own gaps: each repeat customer's
    median days between orders (``gap_days``). Where nobody has ordered twice, silence is measured
    against silence: the same quantile of ``recency_days``. The top share by value is a threshold
    too; a tie that would carry it over the share stays outside, so equal customers never all
    become VIP.

    Parameters
    ----------
    loyal_days, regular_orders, vip_orders : int
        Days since the first order from which a customer can be loyal; orders that make one
        regular, or VIP (optional).
    dead_quantile, dead_days : float, int
        How the limit of silence is learned, or the limit by hand.
    vip_share : float
        Top share of buyers by `value`; 0 turns this way of becoming VIP off.
    value : {"revenue", "margin"}
    silent_vip : {"vip", "dead"}
        Whether a VIP who has been silent too long stays a VIP (and is counted as an alarm) or is
        Dead.

    Attributes
    ----------
    dead_days_, dead_reason_ : int or None, str
        None where nobody has bought; how it was learned.
    vip_value_ : float or None
        Least value of a VIP by value.
    """

    method = "lifecycle"

    def __init__(
        self,
        loyal_days: Annotated[int, Field(ge=1)] = 180,
        dead_quantile: Annotated[float, Field(gt=0, lt=1)] = 0.9,
        dead_days: Annotated[int, Field(ge=1)] | None = None,
        regular_orders: Annotated[int, Field(ge=3)] = 4,
        vip_share: Annotated[float, Field(ge=0, le=0.5)] = 0.05,
        vip_orders: Annotated[int, Field(ge=2)] | None = None,
        value: Literal["revenue", "margin"] = "revenue",
        silent_vip: Literal["vip", "dead"] = "vip",
    ):
        self.loyal_days = loyal_days
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
        self.dead_days_, self.dead_reason_ = self._learn_silence(buyers)
        self.vip_value_ = self._learn_vip_value(
            buyers[self.value].dropna().to_numpy(dtype="float64")
        )

    def _learn_silence(self, buyers: pd.DataFrame) -> tuple[int | None, str]:
        if self.dead_days is not None:
            return self.dead_days, "given by hand"
        share = f"{self.dead_quantile:.0%}"
        gaps = buyers.get("gap_days", pd.Series(dtype="float64"))[buyers["frequency"] > 1].dropna()
        if len(gaps):
            return max(int(np.quantile(gaps, self.dead_quantile)), 1), (
                f"{share} of the {len(gaps):,} repeat customers usually order again within that time"
            )
        if len(buyers):
            return max(int(buyers["recency_days"].quantile(self.dead_quantile)), 1), (
                f"no gap between two orders is known, so {share} of the customers' own silence counts"
            )
        return None, "nobody has bought yet"

    def _learn_vip_value(self, values: np.ndarray) -> float | None:
        ranked = np.sort(values)[::-1]
        places = int(self.vip_share * len(ranked))
        # A tie across the border stays outside: the next larger value is the threshold.
        inside = ranked[:places][
            ranked[:places] > max(ranked[places] if places < len(ranked) else 0, 0)
        ]
        return shortest_cut(inside[-1], values, "left") if len(inside) else None

    def rules(self, table: ir.Table) -> dict[str, ir.BooleanValue]:
        """Each tier's own condition, in the order of `TIERS`, before precedence: they overlap on
        purpose."""
        orders, told = table.frequency, self.columns_
        vip = [table.vip.cast("boolean").fill_null(False)] if "vip" in told else []
        vip += [orders >= self.vip_orders] if self.vip_orders is not None else []
        if self.vip_value_ is not None:
            vip.append((table[self.value] >= self.vip_value_).fill_null(False))
        warm = [
            orders >= 1,
            *([table.offer.cast("boolean").fill_null(False)] if "offer" in told else []),
        ]
        cold = [orders == 0, (table.touches > 0).fill_null(False)] if "touches" in told else []
        dead = (
            [orders >= 1, (table.recency_days > self.dead_days_).fill_null(False)]
            if self.dead_days_
            else []
        )
        known = (table.tenure_days >= self.loyal_days).fill_null(False)
        return {
            "VIP": ibis.or_(*vip),
            "Regular": orders >= self.regular_orders,
            "Loyal": (orders >= 2) & known,
            "Warm": ibis.or_(*warm),
            "Cold": ibis.and_(*cold) if cold else ibis.literal(False),
            "Dead": ibis.and_(*dead) if dead else ibis.literal(False),
        }

    def branches(self, table: ir.Table) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        rules = self.rules(table)
        return [(rules[tier], TIERS.index(tier)) for tier in self.precedence], TIERS.index("Cold")

    def matches(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The truth table: one row per customer, one boolean column per rule, and
        ``rules_matched``."""
        bits = engine.evaluate(
            self._checked(customers),
            lambda t: sum(rule.ifelse(1 << i, 0) for i, rule in enumerate(self.rules(t).values())),
        )
        truth = pd.DataFrame(
            {tier: (bits >> i & 1).astype(bool) for i, tier in enumerate(TIERS)},
            index=customers.index,
        )
        return truth.assign(rules_matched=truth.sum(axis=1))

    def _details(self, customers: pd.DataFrame) -> pd.DataFrame:
        return self.matches(customers)

    def rule_table(self) -> pd.DataFrame:
        """The rules in words with their values, in the order in which they are asked."""
        ways = [
            *(["flagged as VIP"] if "vip" in self.columns_ else []),
            *([f"{self.vip_orders} orders or more"] if self.vip_orders else []),
            *(
                [f"{self.value} of {self.vip_value_:,.2f} or more (top {self.vip_share:.0%})"]
                if self.vip_value_ is not None
                else []
            ),
        ]
        words = {
            "VIP": " or ".join(ways) or "nobody (no flag, no limit)",
            "Dead": f"ordered before, silent for more than {self.dead_days_} days ({self.dead_reason_})",
            "Regular": f"{self.regular_orders} orders or more",
            "Loyal": f"2 orders or more and a customer for {self.loyal_days} days or longer",
            "Warm": "1 order or more, or an offer made",
            "Cold": "no order, at least one contact; and whoever meets no rule",
        }
        return pd.DataFrame(
            {"rule": [words[t] for t in self.precedence]},
            index=pd.Index(self.precedence, name="tier"),
        )

    def silence_remark(self) -> str:
        """Where the limit of silence comes from, and whom it may wrong."""
        if self.dead_days_ is None:
            return "Nobody has bought yet, so nobody can be dead."
        limit = (
            f"The limit of silence, {self.dead_days_} days, was given by hand."
            if self.dead_days is not None
            else f"Silence is measured against the base's own rhythm: {self.dead_reason_} ({self.dead_days_} days)."
        )
        return (
            f"{limit} Customers who buy seldom by nature are counted dead too early. Flags such as VIP are known "
            "only as they are today, also for days in the past."
        )

    def meanings(self) -> dict[str, str]:
        return dict(packaged("tiers")["tiers"])

    @property
    def _schema(self) -> dict[str, str]:
        return super()._schema | {c: "boolean" for c in ("vip", "offer") if c in self.columns_}

    def describe(self) -> dict[str, Any]:
        return {
            **super().describe(),
            "precedence": list(self.precedence),
            "dead_days": self.dead_days_,
            "dead_days_reason": self.dead_reason_,
            "vip_value": self.vip_value_,
        }


def overlap_matrix(segmentation: Segmentation) -> pd.DataFrame:
    """Customers who meet both the rule of the row and that of the column; the diagonal is the rule
    alone."""
    truth = _truth(segmentation).astype("int64")
    return truth.T.dot(truth).rename_axis(index="rule", columns="also")


def unclaimed(segmentation: Segmentation) -> pd.Index:
    """Customers whom no rule claims (they are counted as Cold)."""
    truth = _truth(segmentation)
    return truth.index[~truth.any(axis=1)]


def overlap_remark(segmentation: Segmentation) -> str:
    """How many customers meet several rules, and how many meet none."""
    several, nobody = (_truth(segmentation).sum(axis=1) > 1).mean(), len(unclaimed(segmentation))
    left = (
        "Everybody meets at least one."
        if not nobody
        else f"{nobody:,} meet{'s' if nobody == 1 else ''} none (no order, no offer, no contact) and "
        f"{'is' if nobody == 1 else 'are'} counted as Cold."
    )
    return f"{several:.0%} of the customers meet more than one rule. {left}"


def silent_vips(segmentation: Segmentation, customers: pd.DataFrame) -> pd.DataFrame:
    """VIPs who have been silent beyond the limit, with what they bought; largest first."""
    silent = (segmentation.labels == "VIP") & _truth(segmentation)["Dead"]
    rows = segmentation.align(customers)[silent]
    return rows[["recency_days", "frequency", "revenue"]].sort_values(
        "revenue", ascending=False, kind="stable"
    )


def vip_check(
    segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue", small: float = 0.1
) -> dict[str, Any]:
    """Whether the VIPs are what the word says: a small share of the customers that leads in profit.

    ``customers, customer_share, value_share``; ``small`` (at most `small` of the buyers),
    ``leading`` (no other tier brings more), ``silent`` (VIPs silent beyond the limit) and a
    ``sentence``.
    """
    rows = segmentation.align(customers)
    vip, buyer = segmentation.labels == "VIP", rows["frequency"] > 0
    shares = rows[value].fillna(0).groupby(segmentation.labels.array, observed=False).sum()
    shares = shares / shares.sum() if shares.sum() else shares * 0
    share = float(vip.sum() / max(buyer.sum(), 1))
    silent = int((vip & _truth(segmentation)["Dead"]).sum())
    leading = bool(shares["VIP"] > 0 and shares["VIP"] == shares.max())
    verdict = {
        (True, True): "A small share that leads, as VIPs should.",
        (True, False): f"A small share, but {shares.idxmax()} brings more in total.",
        (False, True): "They lead, but they are too many to get special terms.",
        (False, False): "Neither few nor leading: the rule for VIPs needs another look.",
    }
    who = f"{vip.sum():,} VIPs are" if vip.sum() > 1 else "One VIP is"
    sentence = (
        f"{who} {share:.1%} of the buyers, with {shares['VIP']:.0%} of the {value}. "
        f"{verdict[share <= small, leading]}"
        if vip.any()
        else "Nobody is VIP by these rules."
    )
    return {
        "customers": int(vip.sum()),
        "customer_share": share,
        "value_share": float(shares["VIP"]),
        "small": share <= small,
        "leading": leading,
        "silent": silent,
        "sentence": sentence,
    }


def natural_return(
    segmentation: Segmentation, outcomes: pd.DataFrame, contacted: pd.Index | Sequence[str] = ()
) -> pd.DataFrame:
    """Who ordered by themselves (``future_orders``) in the period after the day of the
    segmentation.

    Customers `contacted` by a campaign in that period are left out, so that the rate is the
    natural one. Per tier ``customers, returned`` and ``return_rate`` with its interval.
    """
    known = segmentation.codes.index.intersection(outcomes.index).difference(pd.Index(contacted))
    labels, back = segmentation.labels.loc[known], outcomes["future_orders"].loc[known] > 0
    table = (
        back.groupby(labels.array, observed=False)
        .agg(customers="size", returned="sum")
        .rename_axis("tier")
    )
    return table.join(with_interval(table["returned"], table["customers"], "return_rate"))


def look_back(study: Any, days: int) -> tuple[Segmentation, pd.DataFrame, Sequence[str]]:
    """The tiers as they stood `days` ago, what happened since, and whom campaigns reached: for
    `natural_return`.

    NotEnoughDataError where the data do not reach that far back.
    """
    start = study.window.as_of - dt.timedelta(days=days)
    if start <= study.window.start:
        raise NotEnoughDataError(
            f"The data reach back {study.window.days} days; {days} are needed to look back."
        )
    then = study.at(start).segmentation("lifecycle")
    # Prospects of that day count too: a cold one who ordered came without a campaign.
    since = study.bought(days).reindex(then.codes.index).fillna(0).add_prefix("future_")
    return then, since, study.contacted_since(start)


def dead_remark(rates: pd.DataFrame, days: int) -> str:
    """What the return of the dead (`natural_return`) says about the limit; empty where few of them
    came back."""
    dead = (
        rates[["return_rate", "return_rate_low"]].astype("float64").to_dict("index").get("Dead", {})
    )
    if not dead.get("return_rate_low", 0) > ALIVE:
        return ""
    return (
        f"{dead['return_rate']:.0%} of those who counted as dead came back by themselves within {days} days: for "
        "this base the limit is too short. Raise dead_days or dead_quantile."
    )


def reach(segmentation: Segmentation, customers: pd.DataFrame) -> pd.DataFrame:
    """Per tier how many gave consent; `NotEnoughDataError` where the table has no ``consent``."""
    if "consent" not in customers:
        raise NotEnoughDataError(
            "The customers table has no consent, so nobody can be said to be reachable."
        )
    consent = consented(segmentation.align(customers))
    table = consent.groupby(segmentation.labels.array, observed=False).agg(
        customers="size", may_be_written_to="sum"
    )
    return table.assign(
        reachable_share=table["may_be_written_to"] / table["customers"].replace(0, np.nan)
    ).rename_axis("tier")


def lifecycle_finding(
    segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue"
) -> Finding:
    """The answer of the lifecycle report: who carries the business, and how much of the base is
    dead."""
    sizes, check = segmentation.sizes(), vip_check(segmentation, customers, value)
    buyers = int((segmentation.align(customers)["frequency"] > 0).sum())
    days, dead = segmentation.parameters["dead_days"], float(sizes["Dead"] / max(buyers, 1))
    second = f"{sizes['Dead']:,} of {buyers:,} who ever bought ({dead:.0%}) count as dead: silent for over {days} days."
    if check["silent"]:
        who = f"{check['silent']:,} VIPs have" if check["silent"] > 1 else "One VIP has"
        second += f" {who} been silent that long too: to be called first."
    return Finding(
        (check["sentence"], second),
        {
            "VIP_customers": check["customers"],
            f"VIP_{value}_share": check["value_share"],
            "dead_customers": int(sizes["Dead"]),
            "dead_share_of_buyers": dead,
            "dead_after_days": days,
            "silent_VIP_customers": check["silent"],
        },
    )


def _truth(segmentation: Segmentation) -> pd.DataFrame:
    if segmentation.details is None:
        raise ValueError(
            "This Segmentation carries no matched rules; make it with LifecycleSegmenter.segment."
        )
    return segmentation.details[list(TIERS)]
