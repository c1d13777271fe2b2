"""Page one of tables that stand without a log of orders: each has its headline, figures, names."""

from __future__ import annotations

import datetime as dt
import json
import re
from functools import cache

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.pages.front.alone import AloneFront
from segment_lab.pages.front.wings import Wings
from segment_lab.render.catalog import chosen
from segment_lab.render.runner import exit_code
from segment_lab.texts import speaking

AS_OF = dt.date(2026, 6, 1)


def day(back: int) -> str:
    return str(AS_OF - dt.timedelta(days=back))


def invoices() -> pd.DataFrame:
    rows = []
    for month in range(1, 19):
        for customer in ("a", "b", "c"):
            rows.append(
                (
                    f"{customer}{month}",
                    customer,
                    day(30 * month + 20),
                    100.0,
                    30 * month,
                )
            )
    frame = pd.DataFrame(
        rows, columns=["invoice_id", "customer_id", "issue_date", "amount", "due"]
    )
    frame["due_date"] = [day(back) for back in frame["due"]]
    late = frame["customer_id"].eq("b")
    frame["settled_date"] = [
        day(back - 10) if slow else day(back)
        for back, slow in zip(frame["due"], late, strict=True)
    ]
    # The newest two invoices of b and c are open; a owes nothing.
    frame.loc[frame["invoice_id"].isin(["b1", "c1"]), "settled_date"] = None
    frame.loc[frame["invoice_id"] == "b1", "amount"] = 700.0
    return frame.drop(columns="due")


def leads(open_ones: int = 5) -> pd.DataFrame:
    rows = [(f"d{i}", day(200 + i), ["won", "lost"][i % 2], 10.0) for i in range(40)]
    rows += [(f"o{i}", day(5 + i), None, 100.0 * (i + 1)) for i in range(open_ones)]
    return pd.DataFrame(rows, columns=["lead_id", "created_on", "status", "value"])


def touches() -> pd.DataFrame:
    events = ["clicked", "delivered", "undelivered", "delivered"]
    rows = [(f"c{i}", day(1 + i), "email", events[i % 4]) for i in range(20)]
    return pd.DataFrame(rows, columns=["customer_id", "touch_date", "channel", "event"])


def summary() -> pd.DataFrame:
    rows = [(f"c{i}", 1 + i % 4, 50.0, day(3 + 9 * i), day(400)) for i in range(30)]
    rows[-1] = ("giant", 9, 5000.0, day(200), day(600))
    columns = ["customer_id", "orders", "revenue", "last_order", "first_order"]
    return pd.DataFrame(rows, columns=columns)


TABLES = {
    "invoices": invoices,
    "leads": leads,
    "touches": touches,
    "customer_summary": summary,
}


@cache
def shown(*tables: str) -> dict:
    """Page one of these tables alone."""
    return page(**{table: TABLES[table]() for table in tables})


def page(**tables: pd.DataFrame) -> dict:
    study = sl.Study.from_frames(tables, as_of=AS_OF, title="Shop", currency="EUR")
    with speaking(currency="EUR"):
        return AloneFront(study, Wings(study)).shown()


@pytest.mark.parametrize("table", TABLES)
def test_a_table_alone_opens_with_its_own_words(table):
    document = shown(table)
    assert len(document["headline"]) > 20
    assert document["tiles"]
    assert not re.search(r"\bnan\b|None|inf\b|\{\{", json.dumps(document))


def test_debtors_are_told_with_whom_to_call_first():
    document = shown("invoices")
    assert "EUR 800 is overdue" in document["headline"]
    names = [item["name"] for item in document["parts"][0]["columns"][0]["items"]]
    assert sorted(names) == ["b", "c"]
    assert f"call {names[0]}" in document["headline"]


@pytest.mark.slow
def test_without_overdue_debt_nobody_is_called():
    paid = invoices().assign(settled_date=lambda f: f["due_date"])
    document = page(invoices=paid)
    assert "overdue" in document["headline"]
    assert len(document["parts"]) == 1


def test_leads_are_told_with_their_worth():
    document, none_open = shown("leads"), page(leads=leads(0))
    assert "5 leads are open, worth EUR 1,500" in document["headline"]
    assert document["parts"][0]["columns"]
    assert none_open["headline"] == "No lead is open; 20 of 40 were won."


def test_the_best_customers_who_are_silent_are_named():
    document = shown("customer_summary")
    names = [item["name"] for item in document["parts"][0]["columns"][0]["items"]]
    assert "giant" in names


def test_two_tables_share_the_page():
    document = page(leads=leads(), touches=touches())
    assert "5 leads are open" in document["headline"]
    assert "followed a link" in document["headline"]


def test_which_schemes_a_table_carries():
    carried = {
        table: sl.Study.from_frames({table: make()}, as_of=AS_OF).methods
        for table, make in TABLES.items()
    }
    assert carried["invoices"] == ["receivables"]
    assert carried["leads"] == []
    assert carried["touches"] == ["engagement"]
    assert carried["customer_summary"] == ["rfm", "abc", "clusters"]


def test_debtors_without_orders_are_valued_by_what_was_invoiced():
    study = sl.Study.from_frames({"invoices": invoices()}, as_of=AS_OF)
    rows = study.population("receivables")
    assert rows.loc["b", "revenue"] == 17 * 100 + 700
    assert rows.loc["a", "frequency"] == 18


def test_summed_up_customers_are_a_customer_table():
    study = sl.Study.from_frames({"customer_summary": summary()}, as_of=AS_OF)
    giant = study.customers().loc["giant"]
    assert giant[["recency_days", "frequency", "tenure_days", "t_x"]].tolist() == [
        200,
        9,
        600,
        400,
    ]
    assert giant["monetary_value"] == pytest.approx(5000 / 9)
    assert study.segmentation("abc").labels["giant"] == "A"
    assert study.status("rfm").kind == "PRELIMINARY"


def test_sums_are_not_seen_on_another_day():
    study = sl.Study.from_frames({"customer_summary": summary()}, as_of=AS_OF)
    with pytest.raises(NotEnoughDataError, match="orders themselves"):
        study.at(day(90)).customers()
    with pytest.raises(NotEnoughDataError, match="orders themselves"):
        study.states()
    early = sl.Study.from_frames({"customer_summary": summary()}, as_of=day(50))
    with pytest.raises(ConfigError, match="was not known"):
        early.customers()


def test_a_run_that_shows_nothing_is_no_success():
    ok, thin, skipped = ({"status": status} for status in ("ok", "thin", "skipped"))
    assert exit_code([ok, thin], failed=False) == 0
    assert exit_code([thin, skipped], failed=False) == 2
    assert exit_code([ok], failed=True) == 1


def test_reports_know_that_sums_may_stand_for_orders():
    from_sums = {report.name for report in chosen(None) if report.from_summary}
    assert from_sums == {"rfm", "abc", "clusters", "rules"}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_alone_has_one_picture(table):
    pictures = shown(table)["pictures"]
    assert len(pictures) == 1
    assert pictures[0]["title"]
    assert pictures[0]["svg"].count("<rect") >= 1


def test_decided_leads_say_which_source_wins_most():
    frame = leads(open_ones=0).assign(source=lambda t: ["web", "fair"] * 20)
    frame = pd.concat([frame] * 2).assign(
        lead_id=[f"l{i}" for i in range(80)], status=["won", "lost"] * 40
    )
    assert "“web”, where 100% were won" in page(leads=frame)["headline"]


def test_no_name_stands_where_no_debtor_has_an_owner():
    columns = [part["columns"] for part in shown("invoices")["parts"]]
    items = [item for column in columns[0] for item in column["items"]]
    assert items
    assert {item["owner"] for item in items} == {""}
