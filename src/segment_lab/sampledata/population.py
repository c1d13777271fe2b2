"""Who the invented customers are, and when they buy: planted segments, heterogeneous rates, drop-out, seasons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from segment_lab.errors import ConfigError
from segment_lab.window import as_date

#: The planted behaviour. `share` of all customers; `company` share of companies; `rate` orders a year (mean of a
#: gamma with `shape`); `dropout` mean chance to leave after an order; `basket` median money of an individual's
#: order, `spread` its log standard deviation between customers; `returns` chance per line; `margin` share.
SEGMENTS = pd.DataFrame(
    [("key account", .025, 1.00, 18.0, 8.0, .006, 260.0, .75, .03, .24),
     ("regular",     .160, .62, 8.0, 6.0, .012, 105.0, .55, .04, .38),
     ("seasonal",    .120, .22, 2.6, 8.0, .030, 150.0, .45, .04, .42),
     ("one-off",     .365, .22, 1.2, 2.0, .920, 150.0, .80, .04, .40),
     ("bargain",     .080, .10, 6.5, 5.0, .030, 70.0, .40, .28, .14),
     ("lapsed",      .100, .50, 7.5, 6.0, .010, 95.0, .55, .05, .37),
     ("prospect",    .150, .45, 0.0, 1.0, .500, 100.0, .50, .00, .35)],
    columns=["name", "share", "company", "rate", "shape", "dropout", "basket", "spread", "returns", "margin"])
KEY, REGULAR, SEASONAL, ONE_OFF, BARGAIN, LAPSED, PROSPECT = range(len(SEGMENTS))

#: Relative demand by calendar month, January first; seasonal customers buy for the holidays only.
SEASON = np.array([.85, .85, .95, .95, .95, .90, .80, .80, .95, 1.05, 1.30, 1.65])
HOLIDAYS = np.array([.05, .05, .10, .10, .05, .05, .05, .05, .10, .60, 4.0, 6.8])

DOWNTURN_DAYS, QUARTER = 270, 90
REGIONS = ("North", "South", "East", "West", "Abroad")
INDUSTRIES = ("Hotels", "Restaurants", "Offices", "Retail", "Bakeries")
OWNERS = ("A. Weiss", "B. Okafor", "C. Lindqvist", "D. Marino", "E. Novak", "F. Dubois")
SURNAMES = ("Keller", "O'Brien", "Müller", "Kowalski", "García", "Łukasik", "Haddad", "Jensen", "Moreau", "Petrov",
            "Silva", "Tanaka", "Walsh", "Øster", "Brandt", "Castle", "Demir", "Eriksen", "Fischer", "Grant")
GIVEN = ("Ana", "Ben", "Clara", "David", "Eva", "Filip", "Greta", "Hugo", "Inès", "Jan", "Kim", "Leo", "Maja", "Nora")
#: Identifiers and names that a careless reader damages: leading zeros, formulas, markup.
ODD_IDS = {6: "007", 41: "042", 98: "00100", 233: "0E5"}
ODD_NAMES = {13: "@Home Interiors", 57: "+Plus Catering", 120: "Brown & Sons <Head Office>"}


def stream(seed: int, name: str) -> np.random.Generator:
    """An own random stream per table, so that a change to one leaves the others as they are."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *name.encode()])))


@dataclass(frozen=True)
class Clock:
    """Days are whole numbers counted from `start`; everything happens on days ``0 <= day < days``."""

    start: np.datetime64
    days: int

    @classmethod
    def ending(cls, as_of: str, years: int) -> Clock:
        """The `years` before `as_of` (exclusive). At least two are needed for seasons and roll rates."""
        if years < 2:
            raise ConfigError(f"years={years} is too short for a sample CRM. Ask for 2 or more.")
        end = pd.Timestamp(as_date(as_of))
        start = end - pd.DateOffset(years=years)
        return cls(np.datetime64(start.date(), "D"), (end - start).days)

    def dates(self, day: np.ndarray | pd.Series) -> np.ndarray:
        """Day numbers as timestamps; a missing day stays missing."""
        numbers = np.asarray(day, dtype=float)
        known = np.isfinite(numbers)
        result = np.full(numbers.shape, np.datetime64("NaT"), dtype="datetime64[s]")
        result[known] = (self.start + numbers[known].astype("int64")).astype("datetime64[s]")
        return result

    def months(self) -> np.ndarray:
        """Calendar month of every day, 0 = January."""
        return (self.start + np.arange(self.days)).astype("datetime64[M]").astype(int) % 12

    def downturn(self, day: np.ndarray) -> np.ndarray:
        """0 in good times; rises to 1 within the first quarter of the last three."""
        return np.clip((np.asarray(day) - (self.days - DOWNTURN_DAYS)) / QUARTER, 0, 1)


def population(seed: int, customers: int, clock: Clock) -> pd.DataFrame:
    """One row per customer (its number is the index): accounts as a CRM knows them and the latent truth."""
    if customers < 100:
        raise ConfigError(f"customers={customers} is too few for the planted segments. Ask for 100 or more.")
    rng = stream(seed, "population")
    code = _shares(customers, rng)
    plan = SEGMENTS.iloc[code].reset_index(drop=True)
    company = rng.random(customers) < plan["company"]
    size = np.where(company, np.exp(rng.normal(.55, .45, customers)), 1.0)
    people = pd.DataFrame({
        "code": code, "company": company,
        "rate": rng.gamma(plan["shape"], plan["rate"] / plan["shape"]),
        "dropout": rng.beta(2, 2 / plan["dropout"] - 2),
        "basket": plan["basket"] * size * np.exp(rng.normal(0, plan["spread"])),
        "returns": plan["returns"], "margin": plan["margin"]})
    people["first_day"] = _first_days(code, clock, rng)
    left = people["first_day"] + 60 + rng.random(customers) * (.8 * clock.days - people["first_day"] - 60)
    people["left_day"] = np.where(code == LAPSED, np.floor(left), np.nan)
    known_before = np.where(people["first_day"] < 60, rng.integers(60, 1500, customers), rng.integers(0, 40, customers))
    # A prospect became known at some time before its first touch, in the last year.
    people["created_day"] = np.where(code == PROSPECT, clock.days - rng.integers(370, clock.days, customers),
                                     people["first_day"] - known_before)
    return people.join(_accounts(people, rng))


def _shares(customers: int, rng: np.random.Generator) -> np.ndarray:
    """Segment codes with the planned shares exactly (to a customer), in random order."""
    edges = np.round(SEGMENTS["share"].cumsum().to_numpy() * customers)
    return rng.permutation(np.searchsorted(edges, np.arange(customers), side="right").clip(max=PROSPECT))


def _demand(clock: Clock) -> np.ndarray:
    """Relative demand, shape (2, days): ordinary customers, then seasonal ones; the downturn included."""
    months = clock.months()
    return np.stack([SEASON[months], HOLIDAYS[months]]) * (1 - .30 * clock.downturn(np.arange(clock.days)))


def _first_days(code: np.ndarray, clock: Clock, rng: np.random.Generator) -> np.ndarray:
    """First order in the data: an existing base at the start, then new customers, fewer in the downturn."""
    day = np.arange(clock.days)
    arrivals = (1 + 8 * np.exp(-day / 30)) * (1 - .35 * clock.downturn(day)) * (day < clock.days - 5)
    chances = _demand(clock) * arrivals
    ordinary, seasonal = (rng.choice(clock.days, code.size, p=p / p.sum()) for p in chances)
    first = np.where(code == SEASONAL, seasonal, ordinary)
    return np.where(code == LAPSED, rng.integers(0, clock.days // 3, code.size), first)


def _accounts(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """What a CRM knows of each: names, industry, region, owner, consent, flags, employees, potential."""
    n, company = len(people), people["company"].to_numpy()
    surname, given = rng.choice(SURNAMES, n), rng.choice(GIVEN, n)
    industry, region = rng.choice(INDUSTRIES, n), rng.integers(0, len(REGIONS), n)
    own = rng.random(n) < .8
    # numpy's own string dtype would cut longer names, hence objects
    names = np.where(company, [f"{s} {i} {k % 97}" for k, (s, i) in enumerate(zip(surname, industry, strict=True))],
                     [f"{g} {s}" for g, s in zip(given, surname, strict=True)]).astype(object)
    ids = np.array([f"C{i + 1:05d}" for i in range(n)], dtype=object)
    for table, odd in ((ids, ODD_IDS), (names, ODD_NAMES)):
        for position, text in odd.items():
            if position < n:
                table[position] = text
    yearly = people["rate"] * people["basket"]
    vip = np.where(people["code"] == KEY, rng.random(n) < .7, rng.random(n) < .006)
    return pd.DataFrame({
        "customer_id": ids, "name": names,
        "email": np.where(rng.random(n) < .93, [f"contact{i + 1}@example.com" for i in range(n)], None),
        "customer_type": np.where(company, "company", "individual"),
        "industry": np.where(company, industry, None),
        "region": np.array(REGIONS)[region],
        "owner": np.array(OWNERS)[np.where(own, region, rng.integers(0, len(OWNERS), n))],
        "consent": rng.random(n) < np.where(company, .78, .66), "vip": vip,
        "employees": pd.array(np.where(company, np.ceil(np.exp(1.6 + .35 * np.log1p(yearly / 50)
                                                               + rng.normal(0, .8, n))), np.nan), dtype="Int64"),
        "potential": (yearly.clip(lower=60) * np.exp(rng.normal(.3, .6, n))).round(-1)})


def order_days(people: pd.DataFrame, clock: Clock, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """When each buys on its own account: columns ``who`` (customer number) and ``day``, at most one a day; and the
    day after which each is gone for good, missing for those who are still there.

    A Poisson process thinned by season and downturn. After each order a customer leaves for good with its own
    probability, as in BG/NBD (Fader, Hardie & Lee 2005); the lapsed also leave on a planted day.
    """
    rng = stream(seed, "orders")
    demand = _demand(clock)
    demand = demand / demand.mean(axis=1, keepdims=True)
    buyers = np.flatnonzero(people["code"] != PROSPECT)
    first = people["first_day"].to_numpy()
    kind = (people["code"] == SEASONAL).to_numpy().astype(int)
    expected = people["rate"].to_numpy() / 365 * demand.max(axis=1)[kind] * (clock.days - first)
    who = np.repeat(buyers, rng.poisson(expected[buyers]))
    day = first[who] + np.floor(rng.random(who.size) * (clock.days - first[who])).astype(int)
    accepted = rng.random(who.size) * demand.max(axis=1)[kind[who]] < demand[kind[who], day]
    orders = pd.DataFrame({"who": np.concatenate([buyers, who[accepted]]),
                           "day": np.concatenate([first[buyers], day[accepted]])})
    orders = orders.drop_duplicates().sort_values(["who", "day"], ignore_index=True)
    number = orders.groupby("who").cumcount().to_numpy() + 1
    lifetime = rng.geometric(people["dropout"].clip(.0005, 1))[orders["who"]]
    left = people["left_day"].to_numpy()[orders["who"]]
    last = orders.loc[number == lifetime].set_index("who")["day"].reindex(people.index)
    dropped = np.fmin(last, people["left_day"]).rename("dropped_day")
    return orders[(number <= lifetime) & ~(orders["day"].to_numpy() > left)].reset_index(drop=True), dropped
