"""Campaigns with a planted effect, then the order lines, returns included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from segment_lab.sample.population import DOWNTURN, PLAN, Clock, stream

PRODUCTS = pd.DataFrame(PLAN["products"])
COSTS = pd.DataFrame(PLAN["contact_costs"])
HORIZON: int = PLAN["horizon"]


def activity(orders: pd.DataFrame, day: int) -> pd.Series:
    """The company's simple scheme, from what it knew before `day`: one order, active or quiet (120
    days)."""
    past = orders[orders["day"] < day].groupby("who")["day"].agg(["size", "max"])
    repeat = np.where(day - past["max"] <= 120, "active", "quiet")
    return pd.Series(np.where(past["size"] == 1, "one order", repeat), index=past.index)


def run_campaigns(
    people: pd.DataFrame,
    orders: pd.DataFrame,
    clock: Clock,
    seed: int,
) -> tuple[pd.DataFrame, ...]:
    """Randomise each campaign within segments and let its effect change the orders themselves.

    Returns
    -------
    orders : the order days with those the campaigns brought, and without those they cost
    assignments : one row per campaign and customer, with its arm
    truth : planted effect and natural rate per campaign and segment
    """
    rng = stream(seed, "campaigns")
    assignments, truths = [], []
    reachable = people["consent"] & people["email"].notna()
    for campaign in PLAN["campaigns"]:
        day = clock.days - campaign["days_before"]
        groups = activity(orders, day)
        eligible = groups.isin(list(campaign["effects"]))
        if campaign["action"] == "email":
            eligible &= reachable.reindex(groups.index)
        groups = groups[eligible]
        chosen = groups.iloc[
            np.sort(rng.permutation(groups.size)[: int(0.6 * len(people))])
        ]
        for segment, members in chosen.groupby(chosen):
            who, effect = (
                rng.permutation(members.index.to_numpy()),
                campaign["effects"][segment],
            )
            treated, natural = (
                np.arange(who.size) < round(campaign["treated"] * who.size),
                _buys(orders, who, day),
            )
            truths.append(
                {
                    "campaign_id": campaign["id"],
                    "name": campaign["name"],
                    "segment": segment,
                    "planted_effect": effect,
                    "natural_rate": natural.mean(),
                }
            )
            # The chance of each to be moved comes from both arms, so that the treated stay a
            # binomial sample.
            pool = natural != (effect > 0)
            moved = who[
                treated & pool & (rng.random(who.size) * pool.mean() < abs(effect))
            ]
            orders = _move(orders, moved, day, effect, rng)
            assignments.append(_assignment(campaign, segment, day, who, treated))
    return orders, pd.concat(assignments, ignore_index=True), pd.DataFrame(truths)


def _buys(orders: pd.DataFrame, who: np.ndarray, day: int) -> np.ndarray:
    """Whether each of `who` orders within the horizon from `day`."""
    return np.isin(
        who, orders.loc[orders["day"].between(day, day + HORIZON - 1), "who"]
    )


def _move(
    orders: pd.DataFrame,
    moved: np.ndarray,
    day: int,
    effect: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Give each of `moved` an order within the horizon, or take away those it has."""
    if effect < 0:
        return orders[
            ~(orders["who"].isin(moved) & orders["day"].between(day, day + HORIZON - 1))
        ]
    added = pd.DataFrame(
        {
            "who": moved,
            "day": day + rng.integers(1, HORIZON, moved.size),
        }
    )
    return pd.concat([orders, added]).sort_values(["who", "day"], ignore_index=True)


def _assignment(
    campaign: dict[str, Any],
    segment: Any,
    day: int,
    who: np.ndarray,
    treated: np.ndarray,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "campaign_id": campaign["id"],
            "who": who,
            "arm": np.where(treated, "treatment", "holdout"),
            "day": day,
            "horizon_days": HORIZON,
            "scheme": "activity",
            "segment": segment,
            "action": campaign["action"],
            "cost_per_contact": COSTS.set_index("action")["cost_per_contact"][
                campaign["action"]
            ],
            "predicted_uplift": campaign["predicted"][segment],
        }
    )


def order_lines(
    people: pd.DataFrame,
    orders: pd.DataFrame,
    clock: Clock,
    seed: int,
) -> pd.DataFrame:
    """One row per order and product, money in cents; returns are negative lines of orders of their
    own."""
    rng = stream(seed, "lines")
    orders = orders.sort_values(["day", "who"], ignore_index=True)
    orders["number"] = orders.index
    orders["pick"] = _first_product(
        people["segment"].reindex(orders["who"]).to_numpy(), rng
    )
    lines = orders.loc[
        np.repeat(orders.index, 1 + rng.binomial(3, 0.28, len(orders)))
    ].reset_index(drop=True)
    account, n, position = (
        people.loc[lines["who"]],
        len(lines),
        lines.groupby("number").cumcount(),
    )
    # Further lines step through the range, so that no product comes twice in an order.
    product = (
        lines["pick"] + position * (1 + lines["number"] % (len(PRODUCTS) - 1))
    ) % len(PRODUCTS)
    price = PRODUCTS["price"].to_numpy()[product]
    spend = (
        account["basket"].to_numpy() * np.exp(rng.normal(0, 0.3, n)) / (1 + position)
    )
    spend *= 1 - DOWNTURN["baskets"] * clock.downturn(lines["day"])
    quantity = np.maximum(1, np.round(spend / price)).astype(int)
    amount = np.round(100 * price * quantity * np.exp(rng.normal(0, 0.06, n))).astype(
        int
    )
    margin = np.round(
        amount * (account["margin"].to_numpy() + rng.normal(0, 0.05, n))
    ).astype(int)
    lines = lines.assign(
        order_id="O" + (lines["number"] + 1).map("{:06d}".format),
        quantity=quantity,
        amount=amount,
        margin=margin,
        product=PRODUCTS["product"].to_numpy()[product],
    )
    back = _returns(lines, account["returns"].to_numpy(), clock, rng)
    return pd.concat([lines, back]).sort_values(
        ["day", "order_id", "product"], ignore_index=True
    )


def _first_product(segment: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The main product of each order (its number), by the taste of the segment."""
    kind = np.select([segment == "seasonal", segment == "bargain"], [1, 2], 0)
    edges = PRODUCTS[["ordinary", "seasonal", "bargain"]].cumsum().to_numpy().T
    draw = rng.random(segment.size) * edges[kind, -1]
    return (draw[:, None] >= edges[kind]).sum(axis=1)


def _returns(
    lines: pd.DataFrame,
    rate: np.ndarray,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Lines sent back within two weeks, the lines of one order on one day; a third of the large
    ones in part."""
    n = len(lines)
    day = lines["day"] + rng.integers(3, 15, n)[lines["number"]]
    sent_back, partial = (
        (rng.random(n) < rate) & (day < clock.days),
        rng.random(n) < 0.33,
    )
    half = np.where(partial, np.ceil(lines["quantity"] / 2), lines["quantity"]).astype(
        int
    )
    part = half / lines["quantity"]
    return lines.assign(
        day=day,
        order_id="R-" + lines["order_id"],
        quantity=-half,
        amount=-np.round(lines["amount"] * part).astype(int),
        margin=-np.round(lines["margin"] * part).astype(int),
    )[sent_back]
