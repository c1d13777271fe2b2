"""Records that are one customer: found, written, checked by a person, read back."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from segment_lab.customers.merging import targets
from segment_lab.errors import ConfigError, SegmentLabError
from segment_lab.pages.base import CustomerBase
from segment_lab.pages.data import DataPage
from segment_lab.render.lists import write_base
from segment_lab.study.study import Study

ORDERS = """customer_id,order_date,amount
a,2026-01-01,5
b,2026-01-20,7
+7a,2026-02-01,11
d,2026-02-03,2
"""
CUSTOMERS = """customer_id,name,email,region
a,Jan Kowalski,jan@x.pl,
b,Anna Nowak,,
+7a,Kowalski Jan,JAN@x.pl,Kraków
d,Eva,nobody,
"""


@pytest.fixture
def study_of(tmp_path):
    (tmp_path / "orders.csv").write_text(ORDERS, "utf-8")
    (tmp_path / "customers.csv").write_text(CUSTOMERS, "utf-8")

    def make(*tables: str) -> Study:
        sources = {name: {"path": f"{name}.csv"} for name in tables}
        file = tmp_path / "s.yml"
        file.write_text(yaml.safe_dump({"name": "s", "sources": sources}))
        return Study.from_yaml(file)

    return make


def test_what_is_written_is_read_back(study_of, tmp_path):
    before = study_of("orders", "customers")
    assert CustomerBase(before).write_merge(tmp_path) == ["merge.csv"]
    (tmp_path / "merge.csv").rename(tmp_path / "merges.csv")
    after = study_of("orders", "customers", "merges")
    assert after.customers()["revenue"].to_dict() == {"a": 16.0, "b": 7.0, "d": 2.0}
    assert after.customers().loc["a", ["frequency", "region"]].tolist() == [2, "Kraków"]
    counts = after.intake("orders").counts
    assert counts.to_dict() == before.intake("orders").counts.to_dict()
    assert after.fingerprint != before.fingerprint
    assert CustomerBase(after).quality.records == 3
    assert CustomerBase(after).write_merge(tmp_path / "none") == []


def test_in_python_the_same_pairs_give_the_same_customers(study_of):
    study = study_of("orders", "customers")
    merged = study.merged(CustomerBase(study).quality.pairs)
    assert merged.customers().index.tolist() == ["a", "b", "d"]
    assert merged.window == study.window
    assert study.customers().index.tolist() == ["+7a", "a", "b", "d"]


def test_the_page_says_who_cannot_be_reached_and_where_the_pairs_are(study_of):
    page = DataPage(study_of("orders", "customers"))
    assert "2 of 4 customers have neither" in str(page.reach())
    # Not the reach of page one, which leaves out debtors and those without consent.
    assert "consent and debts do not count here" in str(page.reach())
    shown = str(page.would_move())
    assert "No customer would change segment" in shown or "merge.csv" in shown


def test_the_exports_hold_the_base_and_the_pairs(study_of, tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    written = write_base(study_of("orders", "customers"), folder)
    assert written == ["customer_base.xlsx", "merge.csv"]
    book = folder / "customer_base.xlsx"
    reach = pd.read_excel(book, sheet_name="Reach", engine="calamine")
    assert reach["Customers"].sum() == 4
    assert write_base(study_of("orders"), folder) == []


@pytest.fixture(scope="module")
def planted():
    """Forty customers, twelve of them in the base twice, and what each record bought."""
    people, orders, truth = [], [], {}
    for number in range(40):
        mail = f"person{number}@mail{number}.pl"
        name = f"Imię{number} Nazwisko{number}"
        people.append((f"r{number:02}", name, mail))
        worth = 1000 // (number + 1) + number
        records = [f"r{number:02}"]
        if number % 3 == 1 and len(truth) < 12:
            twin = f"t{number:02}"
            truth[twin] = f"r{number:02}"
            people.append((twin, " ".join(reversed(name.split())), mail.upper()))
            records.append(twin)
        for place, record in enumerate(records):
            orders.append((record, f"2026-01-{place + number % 25 + 1:02}", worth))
    columns = ["customer_id", "order_date", "amount"]
    base = pd.DataFrame(people, columns=["customer_id", "name", "email"])
    return base, pd.DataFrame(orders, columns=columns), truth


def labels_of(base, orders, **more) -> pd.Series:
    frames = {"customers": base, "orders": orders, **more}
    study = Study.from_frames(frames, as_of="2026-03-01")
    return study.segmentation("abc").labels.astype(str)


def test_who_would_change_segment_is_who_does_once_the_orders_are_one(planted):
    base, orders, truth = planted
    study = Study.from_frames({"customers": base, "orders": orders}, as_of="2026-03-01")
    found = CustomerBase(study)
    found.scheme = "abc"
    pairs = found.quality.pairs.set_index("customer_id")["merge_into"]
    assert pairs.to_dict() == truth
    # The truth by another way: the orders themselves are written under one id.
    one = orders.assign(customer_id=orders["customer_id"].replace(truth))
    kept = base[~base["customer_id"].isin(truth)]
    before, after = labels_of(base, orders), labels_of(kept, one)
    both = pd.DataFrame({"before": before.reindex(after.index), "after": after})
    changed = both[both["before"] != both["after"]].value_counts().to_dict()
    assert len(changed) >= 2
    assert sum(changed.values()) >= 3
    shown = found.moved.astype({"before": str, "after": str})
    by = shown.set_index(["before", "after"])
    assert by["customers"].to_dict() == changed
    own = both[(both["before"] != both["after"]) & both.index.isin(truth.values())]
    assert by["merged"].sum() == len(own) < by["customers"].sum()


def test_the_file_read_back_gives_the_segments_that_were_promised(planted, tmp_path):
    base, orders, truth = planted
    study = Study.from_frames({"customers": base, "orders": orders}, as_of="2026-03-01")
    CustomerBase(study).write_merge(tmp_path)
    merges = pd.read_csv(tmp_path / "merge.csv", dtype=str)
    one = orders.assign(customer_id=orders["customer_id"].replace(truth))
    kept = base[~base["customer_id"].isin(truth)]
    promised = labels_of(kept, one)
    read_back = labels_of(base, orders, merges=merges)
    assert read_back.sort_index().to_dict() == promised.sort_index().to_dict()


def test_customers_summed_up_are_added(tmp_path):
    summary = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "orders": [2, 3, 1],
            "revenue": [10.0, 5.0, 1.0],
            "last_order": pd.to_datetime(["2026-01-01", "2026-03-01", "2026-02-01"]),
        }
    )
    pairs = pd.DataFrame({"customer_id": ["b"], "merge_into": ["a"]})
    frames = {"customer_summary": summary, "merges": pairs}
    people = Study.from_frames(frames, as_of="2026-06-01").customers()
    assert people[["frequency", "revenue"]].loc["a"].tolist() == [5, 15.0]
    assert people.loc["a", "last_order"] == pd.Timestamp("2026-03-01")


def test_a_merged_id_may_go_on_but_not_in_two_directions_or_a_circle():
    def pairs(*rows):
        return pd.DataFrame(map(list, rows), columns=["customer_id", "merge_into"])

    assert targets(pairs("ab", "bc", "dd")).to_dict() == {"a": "c", "b": "c"}
    with pytest.raises(ConfigError, match="two customers"):
        targets(pairs("ab", "ac"))
    with pytest.raises(SegmentLabError, match="circle"):
        targets(pairs("ab", "ba"))
