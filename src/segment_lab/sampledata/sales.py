"""Campaigns with a planted effect, then the order lines, returns included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from segment_lab.sampledata.population import BARGAIN, SEASONAL, Clock, stream

HORIZON = 60
#: Product, list price, how often ordinary, seasonal and bargain customers pick it.
PRODUCTS = pd.DataFrame(
    [("Coffee", 14.0, 6, 2, 2), ("Tea", 9.0, 4, 2, 2), ("Machines", 95.0, 1, 1, .3), ("Accessories", 22.0, 3, 2, 2),
     ("Gift sets", 38.0, 1, 9, 1), ("Spare parts", 17.0, 2, .3, .5), ("Outlet", 6.0, .5, .3, 9)],
    columns=["product", "price", "ordinary", "seasonal", "bargain"])


@dataclass(frozen=True)
class Campaign:
    """One planted campaign; `effects` is the true extra chance to order within the horizon, by segment."""

    id: str
    name: str
    days_before: int
    action: str
    cost: float
    treated: float
    effects: dict[str, float]
    predicted: dict[str, float]


CAMPAIGNS = (
    Campaign("K1", "Autumn win-back discount", 320, "discount", 9.0, .50,
             {"quiet": .12, "one order": .06}, {"quiet": .10, "one order": .10}),
    Campaign("K2", "Holiday thank-you gift", 240, "gift", 18.0, .60,
             {"active": .10, "quiet": .08}, {"active": .05, "quiet": .05}),
    Campaign("K3", "Spring phone calls", 150, "call", 6.5, .50,
             {"active": -.10, "quiet": .10, "one order": .0}, {"active": .08, "quiet": .06, "one order": .05}),
    Campaign("K4", "News by e-mail", 75, "email", .05, .70,
             {"active": .0, "quiet": .05, "one order": .03}, {"active": .03, "quiet": .03, "one order": .03}),
)


def activity(orders: pd.DataFrame, day: int) -> pd.Series:
    """The company's simple scheme, from what it knew before `day`: one order, active or quiet (120 days)."""
    past = orders[orders["day"] < day].groupby("who")["day"].agg(["size", "max"])
    repeat = np.where(day - past["max"] <= 120, "active", "quiet")
    return pd.Series(np.where(past["size"] == 1, "one order", repeat), index=past.index)


def run_campaigns(people: pd.DataFrame, orders: pd.DataFrame, clock: Clock,
                  seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Randomise each campaign and let its effect change the orders themselves.

    Returns
    -------
    orders : the order days with those the campaigns added, and without those they cost
    assignments : one row per campaign and customer, with its arm
    truth : planted effect and natural rate per campaign and segment
    """
    rng = stream(seed, "campaigns")
    orders, assignments, truths = orders.assign(campaign=0), [], []
    for campaign in CAMPAIGNS:
        day = clock.days - campaign.days_before
        groups = activity(orders, day)
        groups = groups[groups.isin(list(campaign.effects))]
        chosen = groups.iloc[np.sort(rng.permutation(groups.size)[: int(.6 * len(people))])]
        for segment, members in chosen.groupby(chosen):
            who = rng.permutation(members.index.to_numpy())
            treated = np.arange(who.size) < round(campaign.treated * who.size)
            truths.append({"campaign_id": campaign.id, "name": campaign.name, "segment": segment,
                           "planted_effect": campaign.effects[segment],
                           "natural_rate": _buys(orders, who, day).mean()})
            orders = _apply(orders, who[treated], day, campaign.effects[segment], rng)
            assignments.append(_assignment(campaign, segment, day, who, treated))
    return orders, pd.concat(assignments, ignore_index=True), pd.DataFrame(truths)


def _buys(orders: pd.DataFrame, who: np.ndarray, day: int) -> np.ndarray:
    """Whether each of `who` orders within the horizon from `day`."""
    return np.isin(who, orders.loc[orders["day"].between(day, day + HORIZON - 1), "who"])


def _apply(orders: pd.DataFrame, treated: np.ndarray, day: int, effect: float,
           rng: np.random.Generator) -> pd.DataFrame:
    """Change the chance to order by `effect`: add orders to those without one, or take all in the horizon away."""
    buys = _buys(orders, treated, day)
    pool = treated[~buys] if effect > 0 else treated[buys]
    if not effect or not pool.size:
        return orders
    moved = pool[rng.random(pool.size) < abs(effect) * treated.size / pool.size]
    if effect < 0:
        return orders[~(orders["who"].isin(moved) & orders["day"].between(day, day + HORIZON - 1))]
    added = pd.DataFrame({"who": moved, "day": day + rng.integers(1, HORIZON - 5, moved.size), "campaign": 1})
    return pd.concat([orders, added]).sort_values(["who", "day"], ignore_index=True)


def _assignment(campaign: Campaign, segment: str, day: int, who: np.ndarray, treated: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({
        "campaign_id": campaign.id, "who": who, "arm": np.where(treated, "treatment", "holdout"), "day": day,
        "horizon_days": HORIZON, "scheme": "activity", "segment": segment, "action": campaign.action,
        "cost_per_contact": campaign.cost, "predicted_uplift": campaign.predicted[segment]})


def order_lines(people: pd.DataFrame, orders: pd.DataFrame, clock: Clock, seed: int) -> pd.DataFrame:
    """One row per order and product, money in whole cents; returns are lines with negative amounts of own orders."""
    rng = stream(seed, "lines")
    orders = orders.sort_values(["day", "who"], ignore_index=True)
    lines = orders.loc[np.repeat(orders.index, 1 + rng.binomial(3, .28, len(orders)))].reset_index(names="order")
    position = lines.groupby("order").cumcount().to_numpy()
    who, n = lines["who"].to_numpy(), len(lines)
    product = (_picks(people["code"].to_numpy()[lines.groupby("order")["who"].transform("first")], rng, lines["order"])
               + position * (1 + lines["order"] % 6)) % len(PRODUCTS)
    spend = people["basket"].to_numpy()[who] * np.exp(rng.normal(-.1, .45, n)) / (1 + position)
    spend *= 1 - .22 * clock.downturn(lines["day"])
    price = PRODUCTS["price"].to_numpy()[product]
    quantity = np.maximum(1, np.round(spend / price)).astype(int)
    amount = np.round(100 * price * quantity * np.exp(rng.normal(0, .06, n))).astype(int)
    share = people["margin"].to_numpy()[who] + rng.normal(0, .05, n)
    lines = lines.assign(order_id=[f"O{i + 1:06d}" for i in lines["order"]], product=PRODUCTS["product"].to_numpy()[product],
                         quantity=quantity, amount=amount, margin=np.round(amount * share).astype(int))
    return pd.concat([lines, _returns(lines, people, clock, rng)], ignore_index=True).sort_values(
        ["day", "order_id", "product"], ignore_index=True)


def _picks(code: np.ndarray, rng: np.random.Generator, order: pd.Series) -> np.ndarray:
    """The first product of each order; the further lines take others, so that no product comes twice."""
    kind = np.select([code == SEASONAL, code == BARGAIN], [1, 2], 0)
    weights = PRODUCTS[["ordinary", "seasonal", "bargain"]].to_numpy().T
    edges = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    draws = rng.random(int(order.max()) + 1)[order]
    return (draws[:, None] > edges[kind]).sum(axis=1).clip(max=len(PRODUCTS) - 1)


def _returns(lines: pd.DataFrame, people: pd.DataFrame, clock: Clock, rng: np.random.Generator) -> pd.DataFrame:
    """Lines sent back 3 to 20 days later, a third of them in part."""
    rate = people["returns"].to_numpy()[lines["who"]]
    day = lines["day"] + rng.integers(3, 12, len(lines))[lines["order"]]
    partial = rng.random(len(lines)) < .33
    back = lines.assign(day=day)[(rng.random(len(lines)) < rate) & (day < clock.days)]
    kept = np.where(partial[back.index] & (back["quantity"] > 1), np.ceil(back["quantity"] / 2), back["quantity"])
    part = kept / back["quantity"]
    return back.assign(order_id="R-" + back["order_id"], quantity=-kept.astype(int),
                       amount=-np.round(back["amount"] * part).astype(int),
                       margin=-np.round(back["margin"] * part).astype(int))
