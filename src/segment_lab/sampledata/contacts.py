"""Leads with their way through the funnel, and the contacts of the last year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segment_lab.sampledata.population import INDUSTRIES, OWNERS, PROSPECT, REGIONS, Clock, stream
from segment_lab.sampledata.sales import PRODUCTS

STAGES = ("new", "qualified", "offer", "negotiation")
#: Lead sources with their share and their weight in the log odds of winning.
SOURCES = pd.DataFrame([("website", .40, .0), ("referral", .15, 1.1), ("trade fair", .15, .3),
                        ("partner", .10, .7), ("cold call", .20, -.9)], columns=["name", "share", "weight"])
WON_NOTES = ("signed, welcome pack sent", "contract in the archive")
LOST_NOTES = ("went to a competitor", "no budget this year", "no answer any more")
TOUCH_DAYS = 365


def leads(people: pd.DataFrame, orders: pd.DataFrame, clock: Clock, seed: int) -> tuple[pd.DataFrame, ...]:
    """Tables (leads, stage history, truth, created days of the customers who were leads first)."""
    rng = stream(seed, "leads")
    table = _attributes(round(.4 * len(people)), rng)
    wins = rng.random(len(table)) < table["win_probability"]
    first = orders.groupby("who")["day"].min()
    candidates = first[(first > 120) & people["company"].to_numpy()[first.index]]
    return _follow(table, wins.to_numpy(), candidates, people, clock, rng)


def _attributes(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """What is known of a lead from the start, and the chance to win it that follows."""
    source = rng.choice(len(SOURCES), n, p=SOURCES["share"])
    visits, response = rng.poisson(rng.gamma(1.5, 2.5, n)), rng.gamma(1.2, 20, n).round().astype(int)
    budget, decider, demo = (rng.random(n) < p for p in (.45, .40, .35))
    employees = np.ceil(np.exp(rng.normal(2.9, 1.1, n))).astype(int)
    odds = (-3.0 + SOURCES["weight"].to_numpy()[source] + .14 * np.minimum(visits, 12) - .016 * response
            + 1.0 * budget + .9 * decider + 1.0 * demo + .2 * np.log(employees / 18))
    return pd.DataFrame({
        "source": SOURCES["name"].to_numpy()[source], "owner": rng.choice(OWNERS, n),
        "segment": np.select([employees < 10, employees < 50], ["small", "middle"], "large"),
        "value": (np.exp(rng.normal(6.4, .6, n)) * np.sqrt(employees)).round(-1),
        "industry": rng.choice(INDUSTRIES, n), "region": rng.choice(REGIONS, n), "employees": employees,
        "website_visits": visits, "response_hours": response, "budget_confirmed": budget,
        "decision_maker": decider, "demo_held": demo, "win_probability": 1 / (1 + np.exp(-odds))})


def _follow(table: pd.DataFrame, wins: np.ndarray, candidates: pd.Series, people: pd.DataFrame, clock: Clock,
            rng: np.random.Generator) -> tuple[pd.DataFrame, ...]:
    """Give each lead its dates: won ones end at the first order of a customer, recent ones are still open."""
    n = len(table)
    cycle = np.round(rng.gamma(3, 18, n) * table["segment"].map({"small": .7, "middle": 1.0, "large": 1.6})) + 4
    created = rng.integers(0, clock.days - 3, n).astype(float)
    winners = rng.permutation(np.flatnonzero(wins))
    chosen = rng.permutation(candidates.index)[: round(.9 * winners.size)]
    matched, pending = winners[: chosen.size], winners[chosen.size:]
    closed = created + cycle
    closed[matched] = candidates[chosen].to_numpy() - rng.integers(0, 4, chosen.size)
    created[matched] = np.maximum(closed[matched] - cycle[matched], 0)
    # The deals that will be won but are not yet: created recently enough to be still under way.
    created[pending] = clock.days - 1 - np.floor(rng.random(pending.size) * np.minimum(cycle[pending], 60))
    closed[pending] = np.maximum(created[pending] + cycle[pending], clock.days)
    stuck = rng.random(n) < .04
    closed[stuck & ~wins] = np.inf
    who = np.full(n, -1)
    who[matched] = chosen
    prospects = rng.permutation(np.flatnonzero(people["company"] & (people["code"] == PROSPECT)))
    losers = rng.permutation(np.flatnonzero(~wins & (created > clock.days - TOUCH_DAYS)))
    who[losers[: prospects.size]] = prospects[: losers.size]
    status = np.where(closed >= clock.days, "open", np.where(wins, "won", "lost"))
    note = np.where(status == "won", rng.choice(WON_NOTES, n), rng.choice(LOST_NOTES, n))
    table = table.assign(who=who, day=created, closed=closed, status=status, wins=wins,
                         close_note=np.where(status == "open", None, note))
    table = table.sort_values(["day"], kind="stable", ignore_index=True)
    table["lead_id"] = [f"L{i + 1:05d}" for i in range(n)]
    return table, _history(table, clock, rng)


def _history(table: pd.DataFrame, clock: Clock, rng: np.random.Generator) -> pd.DataFrame:
    """Stage by stage: won leads went through all, lost ones stopped somewhere, open ones are on the way."""
    last = np.where(table["wins"], 3, rng.choice(4, len(table), p=(.40, .30, .18, .12)))
    span = np.where(np.isfinite(table["closed"]), table["closed"] - table["day"], 60)
    rows, steps = [], np.sort(rng.random((len(table), 3)) ** 1.3, axis=1)
    for number, stage in enumerate(STAGES):
        at = table["day"] + (0 if number == 0 else np.floor(span * steps[:, number - 1]))
        rows.append(table[["lead_id"]].assign(stage=stage, day=at, step=number)[last >= number])
    ended = table[table["status"] != "open"]
    rows.append(pd.DataFrame({"lead_id": ended["lead_id"], "stage": ended["status"], "day": ended["closed"], "step": 4}))
    history = pd.concat(rows).query("day < @clock.days")
    return history.sort_values(["lead_id", "day", "step"], ignore_index=True)


def touches(people: pd.DataFrame, orders: pd.DataFrame, campaigns: pd.DataFrame, clock: Clock,
            seed: int) -> pd.DataFrame:
    """The last year's contacts: news by e-mail, campaign contacts, calls, chats and visits to the site."""
    rng = stream(seed, "touches")
    recent = orders[orders["day"] >= clock.days - TOUCH_DAYS]
    # Interest: what a customer does now, plus a part nobody sees. Prospects have the unseen part only.
    bought = recent.groupby("who").size().reindex(people.index, fill_value=0)
    interest = 1 / (1 + np.exp(-(-1.2 + .8 * np.log1p(bought) + rng.normal(0, .8, len(people)))))
    parts = [_mail(people, interest, campaigns, clock, rng), _visits_to_site(people, recent, interest, clock, rng),
             *(_talks(people, interest, channel, clock, rng) for channel in ("call", "chat"))]
    called = campaigns[(campaigns["arm"] == "treatment") & (campaigns["action"] == "call")]
    parts.append(called[["who", "day", "campaign_id"]].assign(
        channel="call", event="call", minutes=rng.integers(2, 15, len(called))))
    table = pd.concat(parts, ignore_index=True)
    table = table[(table["day"] >= people["created_day"].to_numpy()[table["who"]]) & (table["day"] < clock.days)]
    table = table.sort_values(["day", "who", "channel", "event", "topic", "minutes"], ignore_index=True)
    return table.assign(minutes=table["minutes"].astype("Int64"), touch_id=[f"T{i + 1:06d}" for i in range(len(table))])


def _mail(people: pd.DataFrame, interest: pd.Series, campaigns: pd.DataFrame, clock: Clock,
          rng: np.random.Generator) -> pd.DataFrame:
    """News every second month to those who agreed, campaign mail; delivered or not, opened, clicked with a topic."""
    reached = people.index[people["consent"] & people["email"].notna()]
    days = clock.days - 45 - 60 * np.arange(6)
    news = pd.DataFrame({"who": np.tile(reached, 6), "day": np.repeat(days, reached.size), "campaign_id": None})
    mailed = campaigns[(campaigns["arm"] == "treatment") & campaigns["action"].isin(["email", "discount"])]
    sent = pd.concat([news, mailed[["who", "day", "campaign_id"]]], ignore_index=True).assign(channel="email")
    dead = people.index.isin(rng.permutation(people.index)[: len(people) // 40])[sent["who"]]
    arrived = ~dead & (rng.random(len(sent)) > .01)
    keen = interest.to_numpy()[sent["who"]]
    # Privacy proxies open mail that nobody reads: a quarter of the opens say nothing of interest.
    opened = arrived & (rng.random(len(sent)) < .12 + .45 * keen)
    clicked = arrived & (rng.random(len(sent)) < .30 * keen ** 1.5)
    topic = rng.choice([*PRODUCTS["product"], "delivery", "prices"], len(sent))
    later = rng.integers(0, 4, len(sent))
    return pd.concat([sent.assign(event=np.where(arrived, "delivered", "undelivered")),
                      sent.assign(event="opened", day=sent["day"] + later)[opened | clicked],
                      sent.assign(event="clicked", day=sent["day"] + later, topic=topic)[clicked]])


def _visits_to_site(people: pd.DataFrame, recent: pd.DataFrame, interest: pd.Series, clock: Clock,
                    rng: np.random.Generator) -> pd.DataFrame:
    """Visits to the web site: some before an order, some out of interest, at least one by nearly every prospect."""
    before = recent[rng.random(len(recent)) < .30]
    number = rng.poisson(1.2 * interest) + (people["code"] == PROSPECT) * (rng.random(len(people)) < .95)
    who = np.concatenate([before["who"], np.repeat(people.index, number)])
    day = np.concatenate([before["day"] - rng.integers(0, 6, len(before)),
                          clock.days - 1 - rng.integers(0, TOUCH_DAYS, int(number.sum()))])
    return pd.DataFrame({"who": who, "day": day, "channel": "visit", "event": "visit",
                         "topic": rng.choice([*PRODUCTS["product"], "prices"], who.size)})


def _talks(people: pd.DataFrame, interest: pd.Series, channel: str, clock: Clock,
           rng: np.random.Generator) -> pd.DataFrame:
    """Calls go to companies, more to those a representative likes than to those who pay; chats come from the keen."""
    mean = np.where(people["company"], 1.6, .15) * rng.gamma(.8, 1.25, len(people)) if channel == "call" else .5 * interest
    number = rng.poisson(mean)
    who = np.repeat(people.index, number)
    minutes = 1 + rng.gamma(2, 4 if channel == "call" else 2.5, who.size).astype(int)
    return pd.DataFrame({"who": who, "day": clock.days - 1 - rng.integers(0, TOUCH_DAYS, who.size),
                         "channel": channel, "event": channel, "minutes": minutes})
