"""An unstable market: where a change in revenue came from, and what a worse one would do to
revenue and cash."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.window import as_date

MOVES = ("new", "reactivated", "expanded", "contracted", "lost")
FACTORS = ("customers", "orders_per_customer", "basket")
NEW = "New since"
#: An invoice overdue for longer counts as money that is not coming.
GONE_AFTER = 90


def movement(before: pd.DataFrame, after: pd.DataFrame, known: pd.Index) -> pd.DataFrame:
    """The change in revenue between two periods (`Study.bought`) by what customers did; the rows
    add up to the change.

    New: not among the customers `known` when the first period ended. Reactivated: known, but
    silent in it. Lost: silent in the second. Expanded and contracted: bought in both, more or less.
    """
    index = before.index.union(after.index)
    a, b = (p["revenue"].reindex(index, fill_value=0.0) for p in (before, after))
    was, now = (index.isin(p.index) for p in (before, after))
    kind = np.select(
        [~was & ~index.isin(known), ~was, ~now, (b >= a).to_numpy()],
        ["new", "reactivated", "lost", "expanded"],
        "contracted",
    )
    out = pd.DataFrame({"kind": kind, "customers": 1, "change": b - a}).groupby("kind").sum()
    out = out.reindex(MOVES, fill_value=0)
    return out.assign(share_of_before=out["change"] / a.sum() if a.sum() else np.nan)


def bridge(before: pd.DataFrame, after: pd.DataFrame, segments: pd.Series) -> pd.DataFrame:
    """The change in revenue by segment: customers × orders per customer × basket, exactly (LMDI-I,
    Ang 2005).

    Each factor's part is L(V1, V0)·ln(x1/x0) with the logarithmic mean L(a, b) = (a − b)/(ln a −
    ln b), so the parts add up with no residual. A segment absent in one period changed by its
    customers alone, which is the limit of the formula; where revenue or orders net to nothing or
    less (returns), the change counts as basket.

    `segments` are those when the first period began, an ordered categorical by customer_id (later
    ones would favour who just bought); customers who came later have a row of their own. Per
    segment ``before, after, change`` (money) and the parts ``customers, orders_per_customer,
    basket``.
    """
    names, label = [*map(str, segments.cat.categories), NEW], segments.astype(str)
    x, y = (
        p.assign(customers=1)
        .groupby(label.reindex(p.index).fillna(NEW).to_numpy())[["customers", "orders", "revenue"]]
        .sum()
        .reindex(names, fill_value=0.0)
        for p in (before, after)
    )
    out = pd.DataFrame(
        {"before": x["revenue"], "after": y["revenue"], "change": y["revenue"] - x["revenue"]}
    )
    out[list(FACTORS)] = [
        _parts(a, b) for a, b in zip(x.to_numpy(float), y.to_numpy(float), strict=True)
    ]
    return out.rename_axis("segment")


def _parts(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    change = float(b[2] - a[2])
    if min(a[0], b[0]) <= 0:
        return change, 0.0, 0.0
    if min(*a, *b) <= 0:
        return 0.0, 0.0, change
    mean = a[2] if np.isclose(a[2], b[2], rtol=1e-12) else change / np.log(b[2] / a[2])
    customers, orders = (
        float(mean * np.log(r)) for r in (b[0] / a[0], b[1] / b[0] / (a[1] / a[0]))
    )
    return customers, orders, change - customers - orders


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
        if not (
            0 <= self.customers <= 1
            and 0 <= self.basket <= 1
            and self.roll_rates >= 0
            and self.largest >= 0
        ):
            raise ConfigError(
                f"A scenario loses shares between 0 and 1 and multiplies by 0 or more, got {self}."
            )


SCENARIOS: Mapping[str, Scenario] = {
    "As it is": Scenario(),
    "A fifth fewer customers": Scenario(customers=0.2),
    "They buy 15% less": Scenario(basket=0.15),
    "They pay 30 days later": Scenario(days_to_pay=30),
    "Bad debts double": Scenario(roll_rates=2.0),
    "The largest customer defaults": Scenario(largest=1),
    "The five largest default": Scenario(largest=5),
    "All of it, and the largest gone": Scenario(0.2, 0.15, 30, 2.0, 1),
}


def payment(history: pd.DataFrame, as_of: dt.date | str) -> pd.DataFrame:
    """How each customer pays: mean days from invoice to payment, and the share of money
    `GONE_AFTER` days overdue.

    An open overdue invoice has waited until the balance day (the day before `as_of`) at least, and
    counts with that: the paid ones alone would be the quick ones. One that counts as gone is in
    the share lost, not in the days too; who has neither paid nor owes anything overdue is taken to
    pay when it is due. `history` is ``features.receivables.invoice_history``; customers without an
    invoice are taken to pay at once.
    """
    balance = pd.Timestamp(as_date(as_of)) - pd.Timedelta(days=1)
    late = (balance - history["due_date"]).dt.days.where(history["closed_on"].isna(), 0)
    until = (
        history["closed_on"]
        .fillna(balance)
        .where(history["closed_on"].notna() | late.between(1, GONE_AFTER))
    )
    by = history.assign(
        wait=(until - history["issue_date"]).dt.days,
        terms=(history["due_date"] - history["issue_date"]).dt.days,
        gone=history["open_amount"].where(late > GONE_AFTER, 0.0),
    ).groupby("customer_id")
    return pd.DataFrame(
        {
            "days_to_pay": by["wait"].mean().fillna(by["terms"].mean()),
            "loss_rate": (by["gone"].sum() / by["amount"].sum()).clip(0, 1),
        }
    )


def applicable(
    base: pd.DataFrame, scenarios: Mapping[str, Scenario] = SCENARIOS
) -> dict[str, Scenario]:
    """The scenarios that mean something to this company: without invoices nobody pays late and
    nothing is a bad debt.

    Scenarios of nothing else are left out then, combined ones go without that part.
    """
    if "days_to_pay" in base:
        return dict(scenarios)
    paid = {name: replace(s, days_to_pay=0.0, roll_rates=1.0) for name, s in scenarios.items()}
    return {name: s for name, s in paid.items() if s == scenarios[name] or s != Scenario()}


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
        raise NotEnoughDataError(
            "Nobody bought in the period, so there is no revenue to put under stress."
        )
    scenarios = applicable(base, scenarios)
    # One draw at a time, and only of those who bought: all draws of a large base would not fit in
    # memory.
    buyers, rng = base[base["revenue"] != 0], np.random.default_rng(seed)
    money = [np.stack(_money(buyers, s, period_days)) for s in scenarios.values()]
    found = np.empty((draws, len(scenarios), 2))
    for draw in found:
        among = rng.binomial(len(base), len(buyers) / len(base))
        times = np.bincount(rng.integers(len(buyers), size=among), minlength=len(buyers))
        luck = rng.random(len(buyers))
        for i, scenario in enumerate(scenarios.values()):
            draw[i] = money[i] @ (times * (luck >= scenario.customers))
    ends = np.quantile(found, (0.5, 0.05, 0.95), axis=0)  # (end, scenario, revenue or cash)
    rows = {name: [*ends[:, i, 0], *ends[:, i, 1]] for i, name in enumerate(scenarios)}
    columns = [f"{money}{end}" for money in ("revenue", "cash") for end in ("", "_low", "_high")]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("scenario")


def _money(
    base: pd.DataFrame, scenario: Scenario, period_days: int
) -> tuple[np.ndarray, np.ndarray]:
    """Revenue and cash of every customer who stays."""
    revenue = base["revenue"].to_numpy(float) * (1 - scenario.basket)
    if scenario.largest:
        revenue[np.argsort(-revenue, kind="stable")[: scenario.largest]] = 0.0
    wait, lost = (
        base[c].fillna(0.0).to_numpy(float) if c in base else np.zeros(len(base))
        for c in ("days_to_pay", "loss_rate")
    )
    arrived = np.clip(1 - (wait + scenario.days_to_pay) / period_days, 0, 1)
    return revenue, revenue * arrived * (1 - np.minimum(lost * scenario.roll_rates, 1))


def cash(base: pd.DataFrame, period_days: int = 90, scenario: Scenario = Scenario()) -> float:
    """What these very customers pay within the period; in a scenario, on average over who is lost
    (see `stress`)."""
    return float(_money(base, scenario, period_days)[1].sum()) * (1 - scenario.customers)


def concentration(revenue: pd.Series) -> dict[str, float]:
    """Herfindahl-Hirschman index of revenue (1: one customer), its inverse, the largest one's and
    five's share."""
    positive = revenue[revenue > 0].sort_values(ascending=False)
    if positive.empty:
        raise NotEnoughDataError(
            "Nobody brought any revenue in the period, so it cannot hang on anybody."
        )
    share = positive / positive.sum()
    return {
        "hhi": float((share**2).sum()),
        "equal_customers": float(1 / (share**2).sum()),
        "largest_share": float(share.iloc[0]),
        "top_5_share": float(share.head(5).sum()),
    }


def reverse_stress(base: pd.DataFrame, cash_floor: float, *, period_days: int = 90) -> pd.DataFrame:
    """What breaks the cash floor: the smallest move of each lever alone that takes cash there;
    null if none does.

    Customers and basket in per cent lost, days, a multiple of bad debts, and a number of
    customers; days and debts only where the study has invoices.
    """

    def least(scenario: Callable[[float], Scenario], low: float, high: float) -> float:
        return _crossing(
            lambda move: cash(base, period_days, scenario(move)), low, high, cash_floor
        )

    rows = {
        "Customers lost, per cent": 100 * least(lambda v: Scenario(customers=v), 0, 1),
        "Basket lost, per cent": 100 * least(lambda v: Scenario(basket=v), 0, 1),
    }
    if "days_to_pay" in base:
        rows |= {
            "Days they pay later": least(lambda v: Scenario(days_to_pay=v), 0, period_days),
            "Bad debts multiplied by": least(lambda v: Scenario(roll_rates=v), 1, 100),
        }
    rows["Largest customers in default"] = _defaults(base, cash_floor, period_days)
    return pd.DataFrame({"breaks_at": rows}).rename_axis("lever")


def _defaults(base: pd.DataFrame, floor: float, period_days: int, most: int = 1000) -> float:
    revenue, cash = _money(base, Scenario(), period_days)
    largest = np.argsort(-revenue, kind="stable")[:most]
    left = cash.sum() - np.r_[0.0, np.cumsum(cash[largest])]
    return float(np.argmax(left <= floor)) if (left <= floor).any() else np.nan


def _crossing(cash: Callable[[float], float], low: float, high: float, floor: float) -> float:
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
    out = base[["action", "verdict"]].assign(
        **{n: f["verdict"].reindex(base.index) for n, f in others.items()}
    )
    return out[out[list(others)].ne(out["verdict"], axis=0).any(axis=1)]
