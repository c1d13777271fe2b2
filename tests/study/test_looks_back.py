"""A log summed by the day answers as its lines do."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from segment_lab import Study
from segment_lab.study import days

DAY = dt.date(2025, 7, 1)


def _log(ids: str) -> pd.DataFrame:
    """Orders of several lines and days, returns, lines without order or customer."""
    rng = np.random.default_rng(5)
    n = 6_000
    number = rng.integers(0, 2_500, n)
    customer = number % 400
    table = pd.DataFrame(
        {
            "customer_id": customer
            if ids == "numbers"
            else [f"c{i}" for i in customer],
            "order_id": [f"o{i}" if i % 7 else None for i in number],
            "order_date": pd.Timestamp("2023-01-01")
            + pd.to_timedelta(number % 1000 + rng.integers(0, 3, n), unit="D"),
            "amount": np.round(rng.normal(20, 25, n), 2),
            "margin": np.round(rng.normal(5, 5, n), 2),
        }
    )
    table.loc[table.index % 97 == 0, "customer_id"] = None
    return table


def _answers(log: pd.DataFrame, returns: str) -> list[pd.DataFrame]:
    study = Study.from_frames({"orders": log}, returns=returns, tolerance=0.5)
    found = []
    for whole in (study, study.drawn(200)):
        for seen in (whole, whole.at(DAY), whole.at(dt.date(2025, 3, 1), 365)):
            found += [seen.customers(), seen.account(), pd.Series(seen.season)]
        found += [whole.at(dt.date(2025, 3, 1)).outcomes(90), whole.bought(60)]
    return found


@pytest.mark.parametrize("returns", ["net", "drop"])
@pytest.mark.parametrize("ids", ["numbers", "texts"])
def test_customers_accounts_outcomes_and_seasons_are_those_of_the_lines(
    ids, returns, tmp_path, monkeypatch
):
    log = _log(ids)
    expected = _answers(log, returns)
    monkeypatch.setenv(days.SHARED, str(tmp_path))
    monkeypatch.setattr(days, "MANY", 100)
    found = _answers(log, returns)
    for mine, theirs in zip(found, expected, strict=True):
        assert len(mine) or not len(theirs)
        assert mine.equals(theirs)
    written = len(list(tmp_path.glob("log-by-day-*.parquet")))
    assert written == (0 if returns == "drop" else 2)


def test_of_many_customers_few_days_are_held_and_a_day_forgotten_is_told_again(
    tmp_path, monkeypatch
):
    monkeypatch.setenv(days.SHARED, str(tmp_path))
    monkeypatch.setattr(days, "MANY", 100)
    study = Study.from_frames({"orders": _log("texts")}, tolerance=0.5)
    study.customers()
    asked = [DAY - dt.timedelta(days=30 * month) for month in range(5)]
    told = {day: study.at(day).customers() for day in asked}
    held = [key[1] for key in study._kept if key[:1] == ("at",)]
    assert held == asked[-days.DAYS_KEPT :]
    for day in asked:
        assert study.at(day).customers().equals(told[day])


def test_of_few_customers_every_day_is_held(tmp_path, monkeypatch):
    monkeypatch.setenv(days.SHARED, str(tmp_path))
    study = Study.from_frames({"orders": _log("texts")}, tolerance=0.5)
    study.customers()
    first = study.at(DAY)
    for month in range(5):
        study.at(DAY - dt.timedelta(days=30 * month))
    assert study.at(DAY) is first
