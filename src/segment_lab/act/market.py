"""An unstable market: where a change in revenue came from, and what a worse one would do to
revenue and cash."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.customers.ids import among
from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.texts import say
from segment_lab.window import as_date

MOVES = ("new", "reactivated", "expanded", "contracted", "lost")
FACTORS = ("customers", "orders_per_customer", "basket")
#: Whoever first bought within a period.
NEW = "New customers"
#: An invoice overdue for longer counts as money that is not coming.
GONE_AFTER = 90


def movement(
    before: pd.DataFrame,
    after: pd.DataFrame,
    known: pd.Index,
) -> pd.DataFrame:
    """The change in revenue between two periods (`Study.bought`) by what customers did; the rows
    add up to the change.

    New: not among the customers `known` when the first period ended. Reactivated: known, but
    silent in it. Lost: silent in the second. Expanded and contracted: bought in both, more or less.
    """
    index = before.index.union(after.index)
    earlier = before["revenue"].reindex(index, fill_value=0.0)
    later = after["revenue"].reindex(index, fill_value=0.0)
    bought_before = among(index, before.index)
    bought_after = among(index, after.index)
    unknown = ~bought_before & ~among(index, known)
    more = (later >= earlier).to_numpy()
    kind = np.select(
        [unknown, ~bought_before, ~bought_after, more],
        ["new", "reactivated", "lost", "expanded"],
        "contracted",
    )
    moves = pd.DataFrame(
        {
            "kind": kind,
            "customers": 1,
            "change": later - earlier,
        }
    )
    out = moves.groupby("kind").sum().reindex(MOVES, fill_value=0)
    total = earlier.sum()
    return out.assign(share_of_before=out["change"] / total if total else np.nan)


def bridge(
    before: pd.DataFrame,
    after: pd.DataFrame,
    segments_before: pd.Series,
    segments_after: pd.Series,
) -> pd.DataFrame:
    """The change in revenue by segment: customers × orders per customer × basket, exactly (LMDI-I,
    Ang 2005).

    Each factor's part is L(V1, V0)·ln(x1/x0) with the logarithmic mean L(a, b) = (a − b)/(ln a −
    ln b), so the parts add up with no residual. A segment absent in one period changed by its
    customers alone, which is the limit of the formula; where revenue or orders net to nothing or
    less (returns), the change counts as basket.

    `segments_before` and `segments_after` are those on the day when either period began, ordered
    categoricals by customer_id. Whoever is sorted by what he did before a period is followed
    through that period both times: the best customers of one day always buy less afterwards, so
    the same people followed for longer would show a decline where nothing changed. Customers who
    first bought within a period have a row of their own. Per segment ``before, after, change``
    (money) and the parts ``customers, orders_per_customer, basket``.
    """
    names = [*map(str, segments_before.cat.categories), NEW]
    first = _totals(before, segments_before.astype(str), names)
    second = _totals(after, segments_after.astype(str), names)
    out = pd.DataFrame(
        {
            "before": first["revenue"],
            "after": second["revenue"],
        }
    )
    out["change"] = out["after"] - out["before"]
    pairs = zip(first.to_numpy(float), second.to_numpy(float), strict=True)
    out[list(FACTORS)] = [_parts(*pair) for pair in pairs]
    return out.rename_axis("segment")


def _totals(period: pd.DataFrame, segment: pd.Series, names: list[str]) -> pd.DataFrame:
    """``customers, orders, revenue`` of each segment in one period."""
    by = segment.reindex(period.index).fillna(NEW).to_numpy()
    columns = ["customers", "orders", "revenue"]
    return (
        period.assign(customers=1)
        .groupby(by)[columns]
        .sum()
        .reindex(names, fill_value=0.0)
    )


def _parts(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """A change in revenue as the parts of customers, orders per customer and basket."""
    customers0, orders0, revenue0 = before
    customers1, orders1, revenue1 = after
    change = float(revenue1 - revenue0)
    if min(customers0, customers1) <= 0:
        return change, 0.0, 0.0
    if min(*before, *after) <= 0:
        return 0.0, 0.0, change
    same = np.isclose(revenue0, revenue1, rtol=1e-12)
    mean = revenue0 if same else change / np.log(revenue1 / revenue0)
    by_customers = float(mean * np.log(customers1 / customers0))
    by_orders = float(mean * np.log(orders1 / customers1 / (orders0 / customers0)))
    return by_customers, by_orders, change - by_customers - by_orders


@dataclass(frozen=True)
class Scenario:
    """A worse market: shares lost of customers and basket, days later paid, bad debts multiplied,
    largest gone."""

    customers: float = 0.0
    basket: float = 0.0
    days_to_pay: float = 0.0
    roll_rates: float = 1.0
    largest: int = 0

    def __post_init__(self) -> None:
        shares = 0 <= self.customers <= 1 and 0 <= self.basket <= 1
        if not shares or self.roll_rates < 0 or self.largest < 0:
            raise ConfigError(say("market.bad_scenario", scenario=self))


#: The usual ones; their names are said by ``market.scenario``.
SCENARIOS: Mapping[str, Scenario] = {
    "as_it_is": Scenario(),
    "customers": Scenario(customers=0.2),
    "basket": Scenario(basket=0.15),
    "days_to_pay": Scenario(days_to_pay=30),
    "roll_rates": Scenario(roll_rates=2.0),
    "largest": Scenario(largest=1),
    "five_largest": Scenario(largest=5),
    "everything": Scenario(0.2, 0.15, 30, 2.0, 1),
}
#: The points between which a stressed result lies.
ENDS = (0.05, 0.95)


def payment(history: pd.DataFrame, as_of: dt.date | str) -> pd.DataFrame:
    """How each customer pays: mean days from invoice to payment, and the share of money
    `GONE_AFTER` days overdue.

    An open overdue invoice has waited until the balance day (the day before `as_of`) at least, and
    counts with that: the paid ones alone would be the quick ones. One that counts as gone is in
    the share lost, not in the days too; who has neither paid nor owes anything overdue is taken to
    pay when it is due. `history` is ``payments.invoice_history``; customers without an
    invoice are taken to pay at once.
    """
    balance = pd.Timestamp(as_date(as_of)) - pd.Timedelta(days=1)
    paid = history["closed_on"].notna()
    late = (balance - history["due_date"]).dt.days.where(~paid, 0)
    until = (
        history["closed_on"].fillna(balance).where(paid | late.between(1, GONE_AFTER))
    )
    rows = history.assign(
        wait=(until - history["issue_date"]).dt.days,
        terms=(history["due_date"] - history["issue_date"]).dt.days,
        gone=history["open_amount"].where(late > GONE_AFTER, 0.0),
    )
    by = rows.groupby("customer_id")
    out = pd.DataFrame({"days_to_pay": by["wait"].mean().fillna(by["terms"].mean())})
    return out.assign(loss_rate=(by["gone"].sum() / by["amount"].sum()).clip(0, 1))


def applicable(
    base: pd.DataFrame, scenarios: Mapping[str, Scenario] = SCENARIOS
) -> dict[str, Scenario]:
    """The scenarios that mean something to this company: without invoices nobody pays late and
    nothing is a bad debt.

    Scenarios of nothing else are left out then, combined ones go without that part.
    """
    if "days_to_pay" in base:
        return dict(scenarios)
    found = {}
    for name, scenario in scenarios.items():
        paid = replace(scenario, days_to_pay=0.0, roll_rates=1.0)
        if paid == scenario or paid != Scenario():
            found[name] = paid
    return found


def stress(
    base: pd.DataFrame,
    scenarios: Mapping[str, Scenario] = SCENARIOS,
    *,
    period_days: int = 90,
    draws: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Revenue and cash of one period under each scenario: median with the 5 % and 95 % points.

    Customers are drawn again with replacement, so a few large ones make the interval wide; the
    draws are the same for every scenario. Cash is what is collected within the period: sales
    spread evenly, each paid ``days_to_pay`` later, less the share never paid.

    `base` holds ``revenue`` of the last period by customer_id, optionally ``days_to_pay`` (0: pays
    at once) and ``loss_rate``; without days only scenarios that are `applicable` count. Per
    scenario ``revenue, revenue_low, revenue_high, cash, cash_low, cash_high``.
    """
    if not base["revenue"].sum() > 0:
        raise NotEnoughDataError(say("market.no_revenue"))
    scenarios = applicable(base, scenarios)
    rng = np.random.default_rng(seed)
    # One draw at a time, and only of those who bought: all draws of a large base would not fit in
    # memory.
    buyers = base[base["revenue"] != 0]
    money = [np.stack(_money(buyers, s, period_days)) for s in scenarios.values()]
    found = np.empty((draws, len(scenarios), 2))
    for draw in found:
        among = rng.binomial(len(base), len(buyers) / len(base))
        times = np.bincount(
            rng.integers(len(buyers), size=among), minlength=len(buyers)
        )
        luck = rng.random(len(buyers))
        for i, scenario in enumerate(scenarios.values()):
            draw[i] = money[i] @ (times * (luck >= scenario.customers))
    # (point, scenario, revenue or cash).
    points = np.quantile(found, (0.5, *ENDS), axis=0)
    out = pd.DataFrame(index=pd.Index(list(scenarios), name="scenario"))
    for place, name in enumerate(("revenue", "cash")):
        for point, end in enumerate(("", "_low", "_high")):
            out[f"{name}{end}"] = points[point, :, place]
    return out


def _money(
    base: pd.DataFrame, scenario: Scenario, period_days: int
) -> tuple[np.ndarray, np.ndarray]:
    """Revenue and cash of every customer who stays."""
    revenue = base["revenue"].to_numpy(float) * (1 - scenario.basket)
    if scenario.largest:
        revenue[np.argsort(-revenue, kind="stable")[: scenario.largest]] = 0.0
    wait = _known(base, "days_to_pay") + scenario.days_to_pay
    lost = np.minimum(_known(base, "loss_rate") * scenario.roll_rates, 1)
    arrived = np.clip(1 - wait / period_days, 0, 1)
    return revenue, revenue * arrived * (1 - lost)


def _known(base: pd.DataFrame, column: str) -> np.ndarray:
    """A column of the base, 0 where it is not known."""
    if column not in base:
        return np.zeros(len(base))
    return base[column].fillna(0.0).to_numpy(float)


def cash(
    base: pd.DataFrame,
    period_days: int = 90,
    scenario: Scenario = Scenario(),
) -> float:
    """What these very customers pay within the period; in a scenario, on average over who is lost
    (see `stress`)."""
    return float(_money(base, scenario, period_days)[1].sum()) * (
        1 - scenario.customers
    )


def dependence(revenue: pd.Series) -> dict[str, float]:
    """Herfindahl-Hirschman index of revenue (1: one customer), its inverse, the largest one's and
    five's share."""
    positive = revenue[revenue > 0].sort_values(ascending=False)
    if positive.empty:
        raise NotEnoughDataError(say("market.nobody_to_hang_on"))
    share = positive / positive.sum()
    return {
        "hhi": float((share**2).sum()),
        "equal_customers": float(1 / (share**2).sum()),
        "largest_share": float(share.iloc[0]),
        "top_5_share": float(share.head(5).sum()),
    }


def reverse_stress(
    base: pd.DataFrame,
    cash_floor: float,
    *,
    period_days: int = 90,
) -> pd.DataFrame:
    """What breaks the cash floor: the smallest move of each lever alone that takes cash there;
    null if none does.

    Customers and basket in per cent lost, days, a multiple of bad debts, and a number of
    customers; days and debts only where the study has invoices.
    """

    def least(lever: str, low: float, high: float) -> float:
        def left(move: float) -> float:
            change: dict[str, Any] = {lever: move}
            return cash(base, period_days, replace(Scenario(), **change))

        return _crossing(left, low, high, cash_floor)

    moves = {
        "customers": 100 * least("customers", 0, 1),
        "basket": 100 * least("basket", 0, 1),
    }
    if "days_to_pay" in base:
        moves["days_to_pay"] = least("days_to_pay", 0, period_days)
        moves["roll_rates"] = least("roll_rates", 1, 100)
    moves["largest"] = _defaults(base, cash_floor, period_days)
    return pd.DataFrame({"breaks_at": moves}).rename_axis("lever")


def _defaults(
    base: pd.DataFrame,
    floor: float,
    period_days: int,
    most: int = 1000,
) -> float:
    revenue, cash = _money(base, Scenario(), period_days)
    largest = np.argsort(-revenue, kind="stable")[:most]
    left = cash.sum() - np.r_[0.0, np.cumsum(cash[largest])]
    return float(np.argmax(left <= floor)) if (left <= floor).any() else np.nan


def _crossing(
    cash: Callable[[float], float],
    low: float,
    high: float,
    floor: float,
) -> float:
    if cash(low) <= floor:
        return low
    if cash(high) > floor:
        return np.nan
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if cash(middle) <= floor else (middle, high)
    return high


def worsened(known: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """Evidence (`evidence.evidence`) as it would look in a worse market (fewer buy, and each buys
    less), to decide again and compare verdicts."""
    out = known.copy()
    for money in ("margin_per_conversion", "margin_se"):
        out[money] = known[money] * (1 - scenario.basket)
    for rate in ("natural_rate", "planning_rate"):
        out[rate] = known[rate] * (1 - scenario.customers)
    return out


def changed(base: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Which recommendations a scenario overturns: verdicts as they are beside those of each
    (one action per segment)."""
    out = base[["action", "verdict"]].copy()
    for name, other in others.items():
        out[name] = other["verdict"].reindex(base.index)
    differs = out[list(others)].ne(out["verdict"], axis=0)
    return out[differs.any(axis=1)]
