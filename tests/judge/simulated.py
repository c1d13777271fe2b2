"""A simulated order log with known days, and two segmenters of a few lines each: what the
evaluation is tested on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from segment_lab.judge.protocol import history_of
from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.window import ObservationWindow

START, END = dt.date(2025, 1, 1), dt.date(2026, 1, 1)


@cache
def orders(n: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Gamma rates, drop-out, log-normal baskets: heavy and light buyers, some of whom leave."""
    rng = np.random.default_rng(seed)
    rate, size, joined, life = (
        rng.gamma(0.9, 1 / 50, n),
        rng.lognormal(3.5, 0.8, n),
        rng.uniform(0, 200, n),
        rng.exponential(300, n),
    )
    count = 1 + rng.poisson(rate * np.minimum(life, 365 - joined))
    who = np.repeat(np.arange(n), count)
    wait = rng.uniform(0, np.minimum(life, 365 - joined)[who])
    first = np.r_[True, who[1:] != who[:-1]]
    day = np.floor(joined[who] + np.where(first, 0, wait)).astype(int)
    amount = size[who] * rng.lognormal(0, 0.3, len(who))
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in who],
            "amount": amount,
            "order_date": pd.Timestamp(START) + pd.to_timedelta(day, unit="D"),
        }
    )


def customers(day: dt.date, start: dt.date = START) -> pd.DataFrame:
    log = orders()
    seen = (log["order_date"] >= pd.Timestamp(start)) & (
        log["order_date"] < pd.Timestamp(day)
    )
    by = log[seen].groupby("customer_id")
    table = pd.DataFrame({"frequency": by.size(), "revenue": by["amount"].sum()})
    table["recency_days"] = (pd.Timestamp(day) - by["order_date"].max()).dt.days
    table["tenure_days"] = (pd.Timestamp(day) - by["order_date"].min()).dt.days
    table["t_x"] = table["tenure_days"] - table["recency_days"]
    table["repeat_frequency"] = table["frequency"] - 1
    return table.assign(monetary_value=table["revenue"] / table["frequency"])


def outcomes(day: dt.date, days: int = 90) -> pd.DataFrame:
    log, start = orders(), pd.Timestamp(day)
    if start + pd.Timedelta(days=days) > pd.Timestamp(END):
        raise AssertionError("asked for the unknown future")
    by = log[
        log["order_date"].between(
            start, start + pd.Timedelta(days=days), inclusive="left"
        )
    ].groupby("customer_id")
    known = customers(day).index
    return pd.DataFrame(
        {
            "future_revenue": by["amount"].sum().reindex(known).fillna(0.0),
            "future_orders": by.size().reindex(known).fillna(0).astype(int),
        }
    )


class Bands(BaseEstimator):
    """Quantile bands of one column, highest first."""

    def __init__(self, column: str = "revenue", k: int = 4):
        self.column, self.k = column, k

    def fit(self, table, y=None):
        self.cuts_ = np.quantile(table[self.column], np.arange(1, self.k) / self.k)
        self.segment_names_ = tuple(f"band {i + 1}" for i in range(self.k))
        return self

    def predict(self, table):
        return (
            self.k
            - 1
            - np.searchsorted(self.cuts_, table[self.column].to_numpy(), side="left")
        )

    def segment(self, table, window=None, status=None):
        return Segmentation(
            pd.Series(self.predict(table), index=table.index),
            self.segment_names_,
            "bands",
            {},
            window,
        )


@dataclass(frozen=True)
class SimulatedCompany:
    """The simulated log as a company on a day; what lies after END fails in `outcomes`."""

    schemes: dict[str, Any]
    window: ObservationWindow = field(
        default_factory=lambda: ObservationWindow(START, END)
    )

    def at(self, as_of, days=None):
        start = START if days is None else as_of - dt.timedelta(days=days)
        return SimulatedCompany(self.schemes, ObservationWindow(start, as_of))

    def customers(self):
        return customers(self.window.as_of, self.window.start)

    def population(self, method):
        return self.customers()

    def fitted(self, method):
        fresh = self.schemes[method].__class__(**self.schemes[method].get_params())
        return fresh.fit(self.customers())

    def segmentation(self, method, fitted=None):
        rule = fitted or self.fitted(method)
        return rule.segment(self.population(method), self.window)

    def outcomes(self, days):
        return outcomes(self.window.as_of, days)

    def status(self, method):
        return Status("PROPER", "segments.errors.invalid", {"method": method})

    def history(self, method):
        return history_of(self, method)

    def contacted_since(self, day):
        return []


class Clusters(Bands):
    """k-means on two raw columns."""

    def __init__(self, columns=("x", "y"), k: int = 3):
        self.columns, self.k = columns, k

    def fit(self, table, y=None):
        with threadpool_limits(1):
            self.model_ = KMeans(self.k, n_init=3, random_state=0).fit(
                table[list(self.columns)].to_numpy()
            )
        self.segment_names_ = tuple(f"cluster {i + 1}" for i in range(self.k))
        return self

    def predict(self, table):
        return self.model_.predict(table[list(self.columns)].to_numpy())


def labels(codes, names=None, method="own") -> Segmentation:
    codes = np.asarray(codes)
    names = names or [f"s{i}" for i in range(int(codes.max()) + 1)]
    return Segmentation(
        pd.Series(codes, index=[f"c{i:05d}" for i in range(len(codes))]),
        tuple(names),
        method,
    )
