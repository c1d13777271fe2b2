"""Leads with their way through the funnel, and the contacts of the last year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segment_lab.sample.population import PLAN, Clock, stream
from segment_lab.sample.sales import PRODUCTS

SOURCES = pd.DataFrame(PLAN["lead_sources"])
STAGES = ("new", "qualified", "offer", "negotiation")
#: Days by which the sales cycle is longer for larger companies, and their names.
SIZES = pd.DataFrame(
    {
        "name": ["small", "middle", "large"],
        "cycle": [0.7, 1.0, 1.6],
    }
)
TOPICS = [*PRODUCTS["product"], "delivery", "prices"]
LAST_YEAR = 365


def leads(
    people: pd.DataFrame,
    orders: pd.DataFrame,
    clock: Clock,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables (leads, stage history). Won leads are companies among the customers; some others are
    prospects."""
    rng = stream(seed, "leads")
    table = _attributes(round(0.4 * len(people)), rng)
    table["wins"] = rng.random(len(table)) < table["win_probability"]
    table["day"] = rng.integers(0, clock.days - 3, len(table)).astype(float)
    table["who"] = _accounts(table, people, orders, clock, rng)
    like = np.where(
        table["who"] >= 0,
        table["who"],
        rng.choice(people.index[people["company"]], len(table)),
    )
    size = np.searchsorted(
        [10, 50], people["employees"].loc[like].to_numpy(int), side="right"
    )
    table["segment"] = SIZES["name"].to_numpy()[size]
    table[["industry", "region", "employees"]] = people.loc[
        like, ["industry", "region", "employees"]
    ].to_numpy()
    first = orders.groupby("who")["day"].min().reindex(table["who"]).to_numpy()
    table = _schedule(table, first, SIZES["cycle"].to_numpy()[size], clock, rng)
    table = table.sort_values("day", kind="stable", ignore_index=True)
    table["lead_id"] = [f"L{i + 1:05d}" for i in range(len(table))]
    return table, _history(table, clock, rng)


def _attributes(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """What is known of a lead from the start, and the chance to win it that follows."""
    source, owner = (
        rng.choice(len(SOURCES), n, p=SOURCES["share"]),
        rng.integers(0, len(PLAN["owners"]), n),
    )
    visits = rng.poisson(rng.gamma(1.5, 2.5, n))
    hours = rng.gamma(1.2, 10 + 5 * owner).round().astype(int)
    budget, decider, demo = (rng.random(n) < p for p in (0.45, 0.40, 0.35))
    odds = (
        -2.8
        + SOURCES["weight"].to_numpy()[source]
        + 0.14 * np.minimum(visits, 12)
        - 0.016 * hours
        + 1.0 * budget
        + 0.9 * decider
        + 1.0 * demo
    )
    return pd.DataFrame(
        {
            "source": SOURCES["name"].to_numpy()[source],
            "owner": np.array(PLAN["owners"])[owner],
            "value": np.exp(rng.normal(7.6, 0.8, n)).round(-1),
            "website_visits": visits,
            "response_hours": hours,
            "budget_confirmed": budget,
            "decision_maker": decider,
            "demo_held": demo,
            "win_probability": 1 / (1 + np.exp(-odds)),
        }
    )


def _accounts(
    table: pd.DataFrame,
    people: pd.DataFrame,
    orders: pd.DataFrame,
    clock: Clock,
    rng: np.random.Generator,
) -> np.ndarray:
    """Customer number of each lead, -1 for none: nine in ten winners have become customers
    already."""
    who, first = np.full(len(table), -1), orders.groupby("who")["day"].min()
    company = people["company"]
    pairs = [
        (table["wins"], first.index[(first > 120) & company[first.index]], 0.9),
        (
            ~table["wins"] & (table["day"] > clock.days - LAST_YEAR),
            people.index[company & (people["segment"] == "prospect")],
            1.0,
        ),
    ]
    for eligible, accounts, share in pairs:
        chosen = rng.permutation(np.flatnonzero(eligible))
        chosen = chosen[: min(round(share * chosen.size), accounts.size)]
        who[chosen] = rng.permutation(accounts.to_numpy())[: chosen.size]
    return who


def _schedule(
    table: pd.DataFrame,
    first_order: np.ndarray,
    pace: np.ndarray,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """When each lead came and was decided: won just before the first order; a few lie undecided
    for ever."""
    n, wins = len(table), table["wins"]
    cycle = np.round(rng.gamma(3, 18, n) * pace) + 4
    closed = pd.Series(first_order - rng.integers(0, 4, n)).where(wins)
    won, pending = closed.notna(), wins & closed.isna()
    # A deal that is going to be won is still under way: it came within its cycle, and within two
    # months.
    recent = clock.days - 1 - np.floor(rng.random(n) * np.minimum(cycle, 60))
    day = table["day"].mask(won, np.maximum(closed - cycle, 0)).mask(pending, recent)
    closed = closed.fillna(day + cycle).mask(~wins & (rng.random(n) < 0.04), np.inf)
    closed = closed.mask(pending, np.maximum(day + cycle, clock.days))
    status = np.select([closed >= clock.days, wins], ["open", "won"], "lost")
    note = np.where(
        wins, rng.choice(PLAN["won_notes"], n), rng.choice(PLAN["lost_notes"], n)
    )
    return table.assign(
        day=day,
        closed=closed,
        status=status,
        close_note=pd.Series(note).where(status != "open"),
    )


def _history(
    table: pd.DataFrame,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Stage by stage: won leads went through all, lost ones stopped somewhere, open ones are on
    the way."""
    last = np.where(
        table["wins"],
        3,
        rng.choice(
            4,
            len(table),
            p=(0.40, 0.30, 0.18, 0.12),
        ),
    )
    span = (table["closed"] - table["day"]).replace(np.inf, 60)
    steps = np.sort(rng.random((len(table), 3)) ** 1.3, axis=1)
    rows = [table[["lead_id", "day"]].assign(stage="new", step=0)]
    for number, stage in enumerate(STAGES[1:], start=1):
        entered = table["day"] + np.floor(span * steps[:, number - 1])
        rows.append(
            table[["lead_id"]].assign(
                stage=stage,
                step=number,
                day=entered,
            )[last >= number]
        )
    ended = table[table["status"] != "open"]
    rows.append(
        ended[["lead_id"]].assign(
            stage=ended["status"],
            step=4,
            day=ended["closed"],
        )
    )
    history = pd.concat(rows)
    return history[history["day"] < clock.days].sort_values(
        ["lead_id", "step"], ignore_index=True
    )


def touches(
    people: pd.DataFrame,
    orders: pd.DataFrame,
    campaigns: pd.DataFrame,
    clock: Clock,
    seed: int,
) -> pd.DataFrame:
    """The last year's contacts: news by e-mail, campaign contacts, calls, chats and visits to the
    site."""
    rng = stream(seed, "touches")
    recent = orders[orders["day"] >= clock.days - LAST_YEAR]
    # Interest: what a customer does now, plus a part nobody sees. Prospects have the unseen part
    # only.
    bought = recent.groupby("who").size().reindex(people.index, fill_value=0)
    keen = 0.8 * np.log1p(bought) - 1.2 + rng.normal(0, 0.8, len(people))
    interest = pd.Series(1 / (1 + np.exp(-keen)), index=people.index)
    treated = campaigns.loc[
        campaigns["arm"] == "treatment", ["who", "day", "campaign_id", "action"]
    ]
    called = treated[treated["action"] == "call"]
    # Calls go to companies, and more to those a representative likes than to those who pay.
    calls = np.where(people["company"], 1.6, 0.15) * rng.gamma(0.8, 1.25, len(people))
    parts: list[pd.DataFrame] = [
        _mail(people, interest, treated[treated["action"] == "email"], clock, rng),
        _site_visits(people, recent, interest, clock, rng),
        _talks(calls, "call", 4.0, clock, rng),
        _talks(0.5 * interest, "chat", 2.5, clock, rng),
        called.assign(
            channel="call", event="call", minutes=rng.integers(2, 15, len(called))
        ),
    ]
    table = pd.concat(parts, ignore_index=True)
    known = people["created_day"].reindex(table["who"]).to_numpy()
    table = table[(table["day"] >= known) & (table["day"] < clock.days)].astype(
        {"minutes": "Int64"}
    )
    table = table.sort_values(
        ["day", "who", "channel", "event", "topic", "minutes"], ignore_index=True
    )
    return table.assign(touch_id=[f"T{i + 1:06d}" for i in range(len(table))])


def _mail(
    people: pd.DataFrame,
    interest: pd.Series,
    campaign: pd.DataFrame,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """News every second month to those who agreed, and campaign mail: delivered or not, opened,
    clicked."""
    reached = people.index[people["consent"] & people["email"].notna()].to_numpy()
    news = pd.DataFrame(
        {
            "who": np.tile(reached, 6),
            "day": np.repeat(clock.days - 45 - 60 * np.arange(6), reached.size),
        }
    )
    sent = pd.concat([news, campaign], ignore_index=True).assign(channel="email")
    n, keen = len(sent), interest.reindex(sent["who"]).to_numpy()
    dead = sent["who"].isin(rng.permutation(people.index)[: len(people) // 40])
    arrived = ~dead & (rng.random(n) > 0.01)
    # Privacy proxies open mail that nobody reads: the constant part of the opens says nothing of
    # interest.
    opened, clicked = (
        arrived & (rng.random(n) < 0.12 + 0.45 * keen),
        arrived & (rng.random(n) < 0.30 * keen**1.5),
    )
    answer = sent.assign(
        day=sent["day"] + rng.integers(0, 4, n), topic=rng.choice(TOPICS, n)
    )
    return pd.concat(
        [
            sent.assign(event=np.where(arrived, "delivered", "undelivered")),
            answer.drop(columns="topic").assign(event="opened")[opened | clicked],
            answer.assign(event="clicked")[clicked],
        ]
    )


def _site_visits(
    people: pd.DataFrame,
    recent: pd.DataFrame,
    interest: pd.Series,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Visits to the web site: some before an order, some out of interest, one by nearly every
    prospect."""
    before = recent[rng.random(len(recent)) < 0.30]
    number = rng.poisson(1.2 * interest) + (
        (people["segment"] == "prospect") & (rng.random(len(people)) < 0.95)
    )
    who = np.append(before["who"], np.repeat(people.index, number))
    day = np.append(
        before["day"] - rng.integers(0, 6, len(before)),
        _any_day(int(number.sum()), clock, rng),
    )
    return pd.DataFrame(
        {
            "who": who,
            "day": day,
            "channel": "visit",
            "event": "visit",
            "topic": rng.choice(TOPICS, who.size),
        }
    )


def _talks(
    mean: np.ndarray | pd.Series,
    channel: str,
    length: float,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Calls or chats, `mean` of them per customer, with their minutes."""
    who = np.repeat(np.arange(len(mean)), rng.poisson(mean))
    return pd.DataFrame(
        {
            "who": who,
            "day": _any_day(who.size, clock, rng),
            "channel": channel,
            "event": channel,
            "minutes": 1 + rng.gamma(2, length, who.size).astype(int),
        }
    )


def _any_day(n: int, clock: Clock, rng: np.random.Generator) -> np.ndarray:
    return clock.days - 1 - rng.integers(0, LAST_YEAR, n)
