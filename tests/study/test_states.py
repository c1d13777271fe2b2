"""A study's states and predictions stand beside every scheme and agree with the lifecycle."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import segment_lab as sl
from datasets import dataset, datasets_folder
from segment_lab.segments.claims import ENOUGH
from segment_lab.study import days, grown

ROOT = Path(__file__).resolve().parents[2]
#: What the pages say of a segment's silence, in any letter case → the states of whom it is true.
SAID = {
    "bought lately": ("active", "new"),
    "recent": ("active", "new"),
    "overdue": ("slowing",),
    "silent": ("slowing", "lapsed"),
    "stopped working with us": ("lapsed",),
    "reliable relationship": ("active", "new", "slowing"),
    "can be counted on": ("active", "new", "slowing"),
}


def log(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.date_range("2022-01-01", "2025-12-31")
    rows = []
    for i in range(n):
        first, rate = rng.integers(0, len(days) - 30), rng.gamma(1.5, 1 / 60)
        last = first + rng.integers(30, len(days))
        gaps = rng.exponential(1 / rate, 60).cumsum()
        bought = first + np.concatenate([[0], gaps[gaps < last - first]])
        rows += [(f"c{i}", days[int(d)], 20.0) for d in bought if d < len(days)]
    return pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])


def test_the_lifecycle_and_the_states_never_contradict_each_other_today_or_with_frozen_rules():
    study = sl.Study.from_frames({"orders": log()}, as_of="2026-01-01")
    assert len(study.season) == 12
    states = study.states()["state"]
    assert set(states) == {"new", "active", "slowing", "lapsed"}
    tiers = study.segmentation("lifecycle")
    assert (tiers.by_customer["Dead"] == (states == "lapsed")).all()
    before = study.at("2025-07-01")
    frozen = study.segmentation("lifecycle", fitted=before.fitted("lifecycle"))
    # The rhythm of the base moves a little in half a year, and nothing else does.
    assert (frozen.by_customer["Dead"] == tiers.by_customer["Dead"]).mean() > 0.98


def test_a_change_tells_the_silence_of_the_earlier_day_by_the_calendar_of_that_day():
    orders = log()
    orders = orders[(orders["order_date"].dt.month > 9) | (orders.index % 3 == 0)]
    study = sl.Study.from_frames({"orders": orders}, as_of="2026-01-01")
    rule, then = study.fitted("lifecycle"), study.change("lifecycle", 90).then
    before = study.at("2025-10-03", then.window.days)
    wanted = before.segmentation("lifecycle", fitted=rule).codes
    assert (then.codes == wanted).all()
    # Counted by today's calendar, silence before the season would be another.
    assert (rule.segment(before.population("lifecycle")).codes != wanted).any()


def test_the_customer_table_holds_predictions_where_asked():
    study = sl.Study.from_frames({"orders": log()}, as_of="2026-01-01")
    table = study.customers(predict=True)
    added = ["expected_orders", "expected_revenue", "state", "p_active", "rhythm_days"]
    assert list(table.columns[-5:]) == added
    assert table[added].notna().all(axis=None)
    before = study.at("2025-10-03")
    came = before.outcomes(90)["future_orders"].sum()
    expected = before.customers(predict=True)["expected_orders"].sum()
    assert 0.8 < expected / came < 1.25
    assert "expected_orders" not in study.customers()


def test_processes_of_a_run_share_the_tables_of_a_day(monkeypatch, tmp_path):
    asked, collect = [], grown.collect

    def counted(expression):
        asked.append(expression)
        return collect(expression)

    monkeypatch.setattr(grown, "collect", counted)
    monkeypatch.setenv(days.SHARED, str(tmp_path))
    # What earlier tests kept would be found.
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    orders = log(60)
    studies = [
        sl.Study.from_frames({"orders": orders}, as_of="2026-01-01") for _ in range(2)
    ]
    first, second = (study.customers(predict=True) for study in studies)
    # Today's table, and the one of the day of the last forecast.
    assert len(asked) == 2
    pd.testing.assert_frame_equal(first, second)
    earlier = studies[1].at("2025-07-01").customers()  # another day, another table
    assert len(asked) == 3
    assert len(earlier) <= len(first)
    changed = sl.Study.from_frames({"orders": orders.iloc[:-5]}, as_of="2026-01-01")
    assert changed.customers()["frequency"].sum() == first["frequency"].sum() - 5


def public_study(name: str) -> sl.Study:
    if name == "sample":
        return sl.Study.from_yaml(ROOT / "configs" / "sample.yml")
    if name == "rfm_orders":
        rows = pd.read_csv(dataset("rfm_orders", "rfm_data_orders.csv"))
        rows = rows.rename(columns={"revenue": "amount"})
        rows["order_date"] = pd.to_datetime(rows["order_date"])
        return sl.Study.from_frames(
            {"orders": rows[["customer_id", "order_date", "amount"]]}
        )
    dataset(name)
    return sl.Study.from_yaml(ROOT / "configs" / f"{name}.yml")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cdnow", "online_retail", "rfm_orders", "sample"])
def test_no_page_says_of_a_segment_what_the_states_deny(name, monkeypatch):
    """The rule: what a name or a description says of silence is true of nine in ten by the state;
    what the grid and the tiers promise, of everybody."""
    monkeypatch.setenv("SEGMENT_LAB_DATASETS", str(datasets_folder()))
    study = public_study(name)
    states = study.states()["state"]
    contradicted = []
    for method in ("rfm", "abc", "lifecycle", "clusters", "tree"):
        segments = study.segmentation(method)
        texts = study.fitted(method).meanings()
        labels = segments.labels.reindex(states.index)
        for segment in segments.names:
            inside = states[labels == segment]
            text = f"{segment}. {texts.get(segment, '')}".lower()
            least = 1.0 if method in ("rfm", "lifecycle") else ENOUGH
            for said, true_of in SAID.items():
                if said in text and len(inside) and inside.isin(true_of).mean() < least:
                    contradicted.append((method, segment, said))
    assert contradicted == []


def test_states_are_one_statement_from_the_order_lines():
    study = sl.Study.from_frames({"orders": log()}, as_of="2026-01-01")
    orders = study.table("orders")
    lines = orders.mutate(amount=orders.amount_minor / 100).to_pandas()
    wanted = study.states()
    for dialect in ("duckdb", "postgres", "sqlite", "bigquery", "snowflake"):
        text = study.to_sql("state", dialect)
        assert "season_before: 2026-01-01" in text
        assert "GROUP BY" in text
    connection = duckdb.connect()
    connection.register("orders", lines)
    found = connection.execute(study.to_sql("state")).df().set_index("customer_id")
    found = found.reindex(wanted.index)
    assert found["state"].tolist() == wanted["state"].tolist()
    for column in ("p_active", "rhythm_days"):
        assert found[column].to_numpy() == pytest.approx(wanted[column].to_numpy())
    people = study.customers().reset_index()
    stranger = people.iloc[[0]].assign(
        customer_id="stranger", frequency=0, recency_days=None
    )
    connection.register("people", pd.concat([people, stranger]))
    query = study.to_sql("state", source="customers", table="people")
    rows = connection.execute(query).df().set_index("customer_id")
    assert rows.loc["stranger"].isna().all()
    assert rows["state"].reindex(wanted.index).tolist() == wanted["state"].tolist()
