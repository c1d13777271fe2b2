"""Who the invented customers are, and when they buy: planted segments, own rates, drop-out,
seasons."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import yaml

from segment_lab.errors import ConfigError
from segment_lab.texts import say
from segment_lab.window import as_date

#: Seasons and roll rates need two years; every planted segment a hundred customers in all.
FEWEST_YEARS = 2
FEWEST_CUSTOMERS = 100

PLAN: dict[str, Any] = yaml.safe_load(
    files(__package__).joinpath("plan.yml").read_text("utf-8")
)
SEGMENTS = pd.DataFrame(PLAN["segments"]).set_index("name")
DOWNTURN = PLAN["downturn"]


def stream(seed: int, name: str) -> np.random.Generator:
    """An own random stream per table, so that a change to one leaves the others as they are."""
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence([seed, *name.encode()]))
    )


@dataclass(frozen=True)
class Clock:
    """Days are whole numbers counted from `start`; everything happens on days ``0 <= day <
    days``."""

    start: np.datetime64
    days: int

    @classmethod
    def ending(cls, as_of: str, years: int) -> Clock:
        """The `years` before `as_of` (exclusive); a ConfigError where they are too few."""
        if years < FEWEST_YEARS:
            facts = {"years": years, "fewest": FEWEST_YEARS}
            raise ConfigError(say("sample.few_years", **facts))
        end = pd.Timestamp(as_date(as_of))
        start = end - pd.DateOffset(years=years)
        return cls(np.datetime64(start.date(), "D"), (end - start).days)

    def dates(self, day: pd.Series) -> np.ndarray:
        """Day numbers as timestamps; a day that is missing or never comes stays missing."""
        numbers = np.asarray(day, dtype=float)
        known = np.isfinite(numbers)
        result = np.full(
            numbers.shape,
            np.datetime64("NaT"),
            dtype="datetime64[s]",
        )
        result[known] = (self.start + numbers[known].astype("int64")).astype(
            "datetime64[s]"
        )
        return result

    def downturn(self, day: Any) -> np.ndarray:
        """0 in good times, 1 once the market has turned."""
        return np.clip(
            (np.asarray(day) - (self.days - DOWNTURN["days"])) / DOWNTURN["ramp"], 0, 1
        )

    def demand(self) -> np.ndarray:
        """Relative demand by day, shape (2, days): ordinary customers, then seasonal ones."""
        month = (self.start + np.arange(self.days)).astype("datetime64[M]").astype(
            int
        ) % 12
        fewer = 1 - DOWNTURN["orders"] * self.downturn(np.arange(self.days))
        demand = np.array([PLAN["season"], PLAN["holidays"]])[:, month] * fewer
        return demand / demand.mean(axis=1, keepdims=True)


def population(seed: int, customers: int, clock: Clock) -> pd.DataFrame:
    """One row per customer (its number is the index): the account as a CRM knows it, and the
    latent truth."""
    if customers < FEWEST_CUSTOMERS:
        facts = {"customers": customers, "fewest": FEWEST_CUSTOMERS}
        raise ConfigError(say("sample.few_customers", **facts))
    rng = stream(seed, "population")
    # The planned shares exactly, in random order.
    edges = np.round(SEGMENTS["share"].cumsum().to_numpy()[:-1] * customers)
    segment = SEGMENTS.index.to_numpy()[
        rng.permutation(
            np.searchsorted(
                edges,
                np.arange(customers),
                side="right",
            )
        )
    ]
    plan = SEGMENTS.loc[segment].reset_index(names="segment")
    company = rng.random(customers) < plan["company"]
    larger = np.where(company, np.exp(rng.normal(0.55, 0.45, customers)), 1.0)
    people = plan[["segment", "returns", "margin"]].assign(
        company=company,
        rate=rng.gamma(plan["shape"], plan["rate"] / plan["shape"]),
        dropout=rng.beta(2, 2 / plan["dropout"] - 2),
        basket=plan["basket"] * larger * np.exp(rng.normal(0, plan["spread"])),
        first_day=_first_days(segment, clock, rng),
    )
    first = people["first_day"]
    leave = np.floor(
        first + 60 + rng.random(customers) * (0.8 * clock.days - first - 60)
    )
    people["left_day"] = leave.where(segment == "lapsed")
    # Who buys in the first weeks was a customer before; a prospect is known from before its first
    # touch.
    before = np.where(
        first < 60, rng.integers(60, 1500, customers), rng.integers(0, 40, customers)
    )
    heard = clock.days - rng.integers(370, clock.days, customers)
    people["created_day"] = np.where(segment == "prospect", heard, first - before)
    return people.join(_accounts(people, rng))


def _first_days(
    segment: np.ndarray,
    clock: Clock,
    rng: np.random.Generator,
) -> np.ndarray:
    """First order in the data: an existing base at the start, then new customers, fewer in the
    downturn."""
    day, n = np.arange(clock.days), segment.size
    arrivals = (1 + 8 * np.exp(-day / 30)) * (
        1 - DOWNTURN["arrivals"] * clock.downturn(day)
    )
    ordinary, seasonal = (
        rng.choice(day, n, p=p / p.sum()) for p in clock.demand() * arrivals
    )
    return np.select(
        [segment == "seasonal", segment == "lapsed"],
        [seasonal, rng.integers(0, clock.days // 3, n)],
        ordinary,
    )


def _accounts(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """What a CRM knows of each: names, industry, region, owner, consent, flags, employees,
    potential."""
    n, company = len(people), people["company"]
    surname, given, industry = (
        rng.choice(PLAN[key], n).astype(object)
        for key in ("surnames", "given_names", "industries")
    )
    ids = pd.Series([f"C{i + 1:05d}" for i in range(n)])
    number = np.array([f" {i % 97}" for i in range(n)], dtype=object)
    names = pd.Series(
        np.where(company, surname + " " + industry + number, given + " " + surname)
    )
    ids.update(pd.Series(PLAN["odd_ids"]))
    names.update(pd.Series(PLAN["odd_names"]))
    region, yearly = (
        rng.integers(0, len(PLAN["regions"]), n),
        people["rate"] * people["basket"],
    )
    owner = np.where(
        rng.random(n) < 0.8, region, rng.integers(0, len(PLAN["owners"]), n)
    )
    employees = np.ceil(
        np.exp(1.6 + 0.35 * np.log1p(yearly / 50) + rng.normal(0, 0.8, n))
    )
    email = pd.Series([f"contact{i + 1}@example.com" for i in range(n)])
    return pd.DataFrame(
        {
            "customer_id": ids,
            "name": names,
            "email": email.where(rng.random(n) < 0.93),
            "customer_type": np.where(company, "company", "individual"),
            "industry": pd.Series(industry).where(company),
            "region": np.array(PLAN["regions"])[region],
            "owner": np.array(PLAN["owners"])[owner],
            "consent": rng.random(n) < np.where(company, 0.78, 0.66),
            "vip": rng.random(n)
            < np.where(people["segment"] == "key account", 0.7, 0.006),
            "employees": employees.where(company).astype("Int64"),
            "potential": (
                yearly.clip(lower=60) * np.exp(rng.normal(0.3, 0.6, n))
            ).round(-1),
        }
    )


def order_days(
    people: pd.DataFrame, clock: Clock, seed: int
) -> tuple[pd.DataFrame, pd.Series]:
    """When each buys on its own account.

    A Poisson process thinned by season and downturn. After each order a customer leaves for good
    with a chance of its own, as in BG/NBD (Fader, Hardie & Lee 2005); the lapsed also leave on a
    planted day.

    Orders (``who``, the customer number, and ``day``; at most one a day), and by customer the day
    after which it is gone for good; missing for those still there.
    """
    rng, demand = stream(seed, "orders"), clock.demand()
    buyers = people.index[people["segment"] != "prospect"].to_numpy()
    first, kind = (
        people["first_day"].to_numpy(),
        (people["segment"] == "seasonal").to_numpy().astype(int),
    )
    peak = demand.max(axis=1)[kind]
    expected = people["rate"].to_numpy() / 365 * peak * (clock.days - first)
    who = np.repeat(buyers, rng.poisson(expected[buyers]))
    day = first[who] + np.floor(
        rng.random(who.size) * (clock.days - first[who])
    ).astype(int)
    happens = rng.random(who.size) * peak[who] < demand[kind[who], day]
    orders = pd.DataFrame(
        {
            "who": np.append(buyers, who[happens]),
            "day": np.append(first[buyers], day[happens]),
        }
    )
    orders = orders.drop_duplicates().sort_values(["who", "day"], ignore_index=True)
    number = orders.groupby("who").cumcount().to_numpy() + 1
    lifetime = rng.geometric(people["dropout"].clip(0.0005, 1))[orders["who"]]
    last = orders.loc[number == lifetime].set_index("who")["day"].reindex(people.index)
    gone = orders["day"] > people["left_day"].reindex(orders["who"]).to_numpy()
    return orders[(number <= lifetime) & ~gone].reset_index(drop=True), np.fmin(
        last, people["left_day"]
    )
