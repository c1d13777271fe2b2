"""Nothing that happens on the day of a report or after it changes a figure of it."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as pyplot
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segment_lab as sl
from segment_lab.pages.base import CustomerBase
from segment_lab.render.catalog import CATALOG
from segment_lab.render.exports import segments_frame
from segment_lab.render.lists import write_lists
from segment_lab.show import drawing
from segment_lab.texts import say

AS_OF = "2026-01-01"
SAMPLE = Path(__file__).parents[2] / "data" / "sample"
#: What dates a row of each table.
DATED = {
    "orders": "order_date",
    "touches": "touch_date",
    "leads": "created_on",
    "lead_stages": "entered_on",
    "invoices": "issue_date",
    "payments": "payment_date",
    "campaigns": "assigned_on",
}
#: Columns by which a row is a new one, and not the same line twice.
KEYS = {
    "orders": "order_id",
    "touches": "touch_id",
    "leads": "lead_id",
    "invoices": "invoice_id",
    "payments": "payment_id",
    "campaigns": "campaign_id",
}
RULES = [
    {"name": "Big", "when": "revenue >= 3000"},
    {"name": "Cold", "when": "frequency = 0"},
    {"name": "New", "when": "tenure_days <= 180"},
]
METHODS = {
    "rfm": {},
    "abc": {},
    "lifecycle": {},
    "clusters": {"k": 3},
    "receivables": {},
    "engagement": {},
    "leads": {},
    "rules": {"rules": RULES, "otherwise": "Rest"},
}
#: The page of the data says on purpose that lines are later than the report.
ABOUT_THE_FILES = "data"


def small(customers: int) -> dict[str, pd.DataFrame]:
    """The sample's first customers as they were known before the day; accounts have no date."""
    tables = {path.stem: pd.read_csv(path) for path in SAMPLE.glob("*.csv")}
    ids = tables["customers"]["customer_id"].head(customers)
    out = {
        "customers": tables["customers"].head(customers).drop(columns="created_on"),
        "contact_costs": tables["contact_costs"],
    }
    for name, day in DATED.items():
        rows = tables[name][tables[name][day] < AS_OF]
        if "customer_id" in rows:
            rows = rows[rows["customer_id"].isin(ids)]
        out[name] = rows
    for name, key, of in (
        ("lead_stages", "lead_id", "leads"),
        ("payments", "invoice_id", "invoices"),
    ):
        out[name] = out[name][out[name][key].isin(out[of][key])]
    return {name: rows.reset_index(drop=True) for name, rows in out.items()}


def with_later(
    tables: dict[str, pd.DataFrame], seed: int = 0, rows: int = 6, days: int = 60
) -> dict[str, pd.DataFrame]:
    """Every table with rows from the day on: new business of old customers, one who comes only
    then, and the first of them on the day itself."""
    rng = np.random.default_rng(seed)
    out = dict(tables)
    for name, column in DATED.items():
        drawn = tables[name].sample(rows, replace=True, random_state=rng).copy()
        after = rng.integers(0, days, rows)
        after[0] = 0
        drawn[column] = (
            pd.Timestamp(AS_OF) + pd.to_timedelta(after, unit="D")
        ).strftime("%Y-%m-%d")
        if name in KEYS:
            drawn[KEYS[name]] = [f"LATER{place}" for place in range(rows)]
        if "customer_id" in drawn and name != "campaigns":
            drawn.iloc[-1, drawn.columns.get_loc("customer_id")] = "LATE"
        if "due_date" in drawn:
            drawn["due_date"] = "2026-04-01"
            drawn["settled_date"] = None
        if "amount" in drawn and name != "payments":
            drawn["amount"] = 9000.0
        out[name] = pd.concat([tables[name], drawn], ignore_index=True)
    late = (
        tables["customers"]
        .tail(1)
        .assign(customer_id="LATE", name="Late Comer", email="late@example.com")
    )
    out["customers"] = pd.concat([tables["customers"], late], ignore_index=True)
    return out


def study(tables: dict[str, pd.DataFrame]) -> sl.Study:
    return sl.Study.from_frames(
        tables,
        name="later",
        as_of=AS_OF,
        methods=METHODS,
        strategy={"scheme": "rfm"},
        comparison={"draws": 20},
    )


def facts_of_every_table(known: sl.Study) -> dict[str, pd.DataFrame]:
    """What every page is made of."""
    earlier = known.at("2025-10-01")
    found = {
        "customers": known.customers(prospects=True, predict=True),
        "customers earlier": earlier.customers(prospects=True),
        "outcomes": earlier.outcomes(90),
        "contacts": known.contacts(),
        "debtors": known.population("receivables"),
        "engagement": known.population("engagement"),
        "campaigns": known.campaign_results(),
        "base": CustomerBase(known).quality.completeness,
    }
    for method in ("rfm", "abc", "lifecycle", "receivables", "engagement", "rules"):
        found[method] = known.segmentation(method).labels.to_frame()
    return {name: rows.sort_index() for name, rows in found.items()}


def words(page: object) -> list[str]:
    """The text of a page: its sentences, figures and tables, and what its pictures show."""
    told = re.findall(r'alt="([^"]*)"', str(page))
    return [*re.sub(r"<[^>]+>", "\n", str(page)).split(), *told]


def files(known: sl.Study, folder: Path) -> dict[str, object]:
    """What a run writes for other programs and people, as values."""
    folder.mkdir()
    write_lists(known, folder)
    found: dict[str, object] = {"segments": segments_frame(known).to_csv()}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".parquet":
            found[name] = pd.read_parquet(path).to_csv()
        elif path.suffix == ".xlsx":
            sheets = pd.read_excel(
                path, sheet_name=None, header=None, engine="calamine"
            )
            found[name] = {sheet: rows.to_csv() for sheet, rows in sheets.items()}
        elif path.is_file():
            found[name] = path.read_text("utf-8")
    return found


@pytest.fixture
def without_drawing(monkeypatch):
    """Pictures are drawn from the same tables and told in words; their pixels cost the time."""
    monkeypatch.setattr(drawing, "picture_of", lambda canvas: ("", 1, 1))
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def known() -> dict[str, pd.DataFrame]:
    return small(120)


@pytest.fixture(scope="module")
def facts(known) -> dict[str, pd.DataFrame]:
    return facts_of_every_table(study(known))


PEOPLE = ("orders", "customers", "touches", "leads", "lead_stages")


def test_later_rows_change_no_customer(known):
    """The short case: who is known on a day, also on an earlier one, and what they did."""
    changed = with_later(known)
    found = [
        sl.Study.from_frames({name: tables[name] for name in PEOPLE}, as_of=AS_OF)
        for tables in (known, changed)
    ]
    for of in (
        lambda known: known.customers(prospects=True),
        lambda known: known.at("2025-10-01").customers(prospects=True),
        lambda known: known.at("2025-10-01").outcomes(90),
    ):
        without, with_ = map(of, found)
        pd.testing.assert_frame_equal(with_, without)


@pytest.mark.slow
@settings(max_examples=2)
@given(st.integers(0, 999), st.integers(2, 12))
def test_later_rows_change_no_table(known, facts, seed, rows):
    after = facts_of_every_table(study(with_later(known, seed, rows)))
    for name, expected in facts.items():
        pd.testing.assert_frame_equal(after[name], expected, obj=name)


def test_the_later_rows_do_arrive(known):
    """None of the properties here could fail otherwise."""
    tables = with_later(known)
    people = {name: tables[name] for name in PEOPLE}
    later = sl.Study.from_frames(people, as_of="2026-06-01")
    assert "LATE" in later.customers(prospects=True).index
    assert len(later.table("orders").to_pandas()) == len(known["orders"]) + 6


@pytest.mark.slow
@pytest.mark.parametrize("page", [name for name in CATALOG if name != ABOUT_THE_FILES])
def test_later_rows_change_no_page(known, without_drawing, page):
    expected = words(study(known).show(page))
    assert len(expected) > 20
    assert words(study(with_later(known)).show(page)) == expected


def lines(page: object) -> list[str]:
    """The pieces of text of a page, in order."""
    return [piece.strip() for piece in re.sub(r"<[^>]+>", "\n", str(page)).split("\n")]


@pytest.mark.slow
def test_later_rows_are_told_in_the_account_of_what_was_read_and_nowhere_else(
    known, without_drawing
):
    """The page of the data: up to that account only one sentence is new."""
    account = say("data_page.captions.account")
    shown = []
    for tables in (known, with_later(known)):
        told = lines(study(tables).show(ABOUT_THE_FILES))
        shown.append(told[: told.index(account)])
    expected, found = shown
    assert len(expected) > 100
    new = [line for line in found if "later than this report" in line]
    assert len(new) == 1
    assert [line for line in found if line and line not in new] == list(
        filter(None, expected)
    )


@pytest.mark.slow
def test_later_rows_change_no_file(known, tmp_path):
    without, with_ = study(known), study(with_later(known))
    expected = files(without, tmp_path / "without")
    assert len(expected) > 5
    assert files(with_, tmp_path / "with") == expected
