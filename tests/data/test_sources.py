"""Reading files: every broken thing is named once, nothing is guessed silently, rejects keep their
raw row."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest
import yaml

import segment_lab as sl
from segment_lab.data import embedded
from segment_lab.data.conforming import conform
from segment_lab.data.contracts import CONTRACTS
from segment_lab.data.databases import open_source
from segment_lab.data.days import date_formats
from segment_lab.data.reading import Reading
from segment_lab.data.sources import Source
from segment_lab.errors import DataError, NotEnoughDataError
from segment_lab.pages.comparison import ComparisonPage
from segment_lab.study.study import Study

BROKEN = """customer_id,order_date,amount
007,2026-01-01,5.00
8,31.01.2026,6.00
9,01/15/2026,7.00
10,2026-01-04,abc
 x ,2026-01-05,1.00
,2026-01-06,2.00
"q,x",2026-01-07,3.00,extra
11,2026-01"""


@pytest.fixture
def study_of(tmp_path):
    """A study over one text file with the given content."""

    def make(text: str, **config):
        (tmp_path / "orders.csv").write_text(
            text, encoding=config.pop("write", "utf-8")
        )
        source = {"path": "orders.csv", **config.pop("source", {})}
        (tmp_path / "study.yml").write_text(
            yaml.safe_dump({"name": "t", "sources": {"orders": source}, **config})
        )
        return Study.from_yaml(tmp_path / "study.yml")

    return make


def test_a_draft_that_another_process_put_in_place_does_not_matter(
    study_of, tmp_path, monkeypatch
):
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / ".fitted-abc-1.pickle.7-9.tmp").symlink_to(
        "gone"
    )  # listed, but nothing is there
    study = study_of("customer_id,order_date,amount\na,2026-01-01,5\n")
    assert len(study.customers()) == 1
    kept = {
        p.name.partition("-")[0] + "".join(p.suffixes)
        for p in (tmp_path / "cache").glob("[!.]*")
    }
    assert kept == {
        "orders.parquet",
        "orders.broken.parquet",
        "orders.memory",
        "statement.sql",
        "added.memory",
    }


def test_a_broken_file_gives_one_message_with_every_fault(study_of):
    with pytest.raises(DataError) as caught:
        study_of(BROKEN).check()
    message = str(caught.value)
    for part in (
        "unreadable order_date (2 rows)",
        "'01/15/2026', '31.01.2026'",
        "unreadable amount (1 row)",
        "'abc'",
        "missing columns (1 row)",
        "too many columns (1 row)",
        "date_format",
    ):
        assert part in message


def test_a_missing_column_is_named_with_what_there_is(study_of):
    with pytest.raises(
        DataError, match=r"orders.amount: is needed.*customer_id, order_date, price"
    ):
        study_of("customer_id,order_date,price\na,2026-01-01,5\n").check()


def test_within_tolerance_faulty_rows_are_set_aside(study_of, tmp_path):
    study = study_of(BROKEN, tolerance=0.9, as_of="2026-01-06")
    account = study.account().set_index("reason").lines.to_dict()
    assert account == {
        "accepted": 2,
        "no customer_id": 1,
        "unreadable amount": 1,
        "unreadable order_date": 2,
        "broken line: missing columns": 1,
        "broken line: too many columns": 1,
    }
    study = study_of(BROKEN, tolerance=0.9, as_of="2026-01-05")
    assert (
        study.account()
        .set_index("reason")
        .lines["later than this report (from 2026-01-05 on)"]
        == 1
    )
    assert study.write_rejected(tmp_path / "rejected.parquet") == 7
    rejected = pd.read_parquet(tmp_path / "rejected.parquet")
    assert rejected.set_index("reason").loc["unreadable amount", "amount"] == "abc"
    assert (rejected.text.dropna() == "11,2026-01").any()


def test_three_date_formats_can_be_declared(study_of):
    study = study_of(
        BROKEN,
        tolerance=0.9,
        source={"date_format": ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"]},
    )
    assert study.account().set_index("reason").lines["accepted"] == 4


def test_ambiguous_dates_are_an_error_not_a_guess(study_of):
    text = "customer_id,order_date,amount\na,01/02/2026,5\nb,03/04/2026,6\n"
    with pytest.raises(DataError, match=r"fits %d/%m/%Y and %m/%d/%Y equally well"):
        study_of(text).check()
    assert study_of(text, source={"date_format": "%d/%m/%Y"}).window.as_of.month == 4


def test_unambiguous_text_dates_are_recognised(study_of):
    study = study_of(
        "customer_id;order_date;amount\na;31.12.2025;5,50\nb;01.02.2026;6,00\n",
        source={"decimal": ","},
    )
    assert str(study.window.as_of) == "2026-02-02"
    assert study.customers().revenue.tolist() == [5.5, 6.0]


def test_comma_decimals_without_saying_so_are_refused_with_the_remedy(study_of):
    with pytest.raises(DataError, match="decimal: ','"):
        study_of(
            "customer_id;order_date;amount\na;2026-01-01;5,50\n" * 1
            + "b;2026-01-02;6\n"
        ).check()


def test_other_encodings(study_of):
    text = "клиент,дата,сумма\nИванов,2026-01-01,5\n"
    study = study_of(
        text,
        write="cp1251",
        source={
            "encoding": "cp1251",
            "columns": {
                "customer_id": "клиент",
                "order_date": "дата",
                "amount": "сумма",
            },
        },
    )
    assert study.customers().index.tolist() == ["Иванов"]


@pytest.mark.parametrize(
    "text", ["", "customer_id,order_date,amount\n", "customer_id,order_date,amount"]
)
def test_an_empty_file_is_an_error_in_words(study_of, text):
    with pytest.raises(DataError):
        study_of(text).check()


def test_exact_duplicates_are_kept_and_counted_or_dropped(study_of):
    text = "customer_id,order_date,amount\n" + "a,2026-01-01,5\n" * 3
    kept = study_of(text)
    assert kept.customers().revenue.tolist() == [15.0]
    assert "2 rows repeat another row exactly" in kept.intake("orders").remarks()[0]
    assert study_of(
        text, source={"duplicates": "drop"}
    ).customers().revenue.tolist() == [5.0]


@pytest.mark.parametrize("remote", [False, True])
def test_words_that_decide_are_read_in_any_case_and_unknown_ones_set_aside(remote):
    rows = [
        (f"c{i}", "K1", "Treatment " if i % 2 else "holdout", "2026-01-01")
        for i in range(38)
    ]
    rows = pd.DataFrame(
        [*rows, ("x", "K1", "maybe", "2026-01-01")],
        columns=["customer_id", "campaign_id", "arm", "assigned_on"],
    )
    table = conform(
        ibis.memtable(rows), CONTRACTS["campaigns"], Reading(remote=remote)
    ).to_pandas()
    assert table["arm"].value_counts().to_dict() == {
        "treatment": 19,
        "holdout": 19,
        "maybe": 1,
    }
    assert table.loc[
        table["reason"].notna(), ["customer_id", "reason"]
    ].to_numpy().tolist() == [["x", "unknown arm"]]


def test_too_many_unknown_words_stop_the_run_and_say_which_are_known(
    study_of, tmp_path
):
    (tmp_path / "k.csv").write_text(
        "customer_id,campaign_id,arm,assigned_on\na,K,sent,2026-01-01\n"
    )
    study = study_of("customer_id,order_date,amount\na,2026-01-01,5\n")
    config = study.config.model_dump(exclude_unset=True)
    config["sources"]["campaigns"] = {"path": "k.csv"}
    (tmp_path / "study.yml").write_text(yaml.safe_dump(config))
    with pytest.raises(
        DataError,
        match=r"unknown arm \(1 row\); for example 'sent'. The words are treatment",
    ):
        Study.from_yaml(tmp_path / "study.yml").check()


def test_amounts_of_nothing_are_told(study_of):
    some = study_of(
        "customer_id,order_date,amount\na,2026-01-01,0\na,2026-01-02,5\nb,2026-01-03,0.00\n"
    )
    assert some.intake("orders").remarks() == [
        "2 order lines have an amount of 0; an order of such lines alone is still an order"
    ]
    assert some.customers().frequency.tolist() == [2, 1]
    none = study_of("customer_id,order_date,amount\na,2026-01-01,0\n")
    assert "no amount is above 0" in none.intake("orders").remarks()[0]


def test_looking_back_past_the_first_order_says_what_helps(study_of):
    study = study_of("customer_id,order_date,amount\na,2026-05-01,5\nb,2026-05-31,6\n")
    with pytest.raises(
        NotEnoughDataError, match="A shorter horizon_days looks back less far"
    ):
        study.at("2026-03-03").customers()


def test_a_missing_file_says_what_is_there(tmp_path):
    (tmp_path / "here.csv").write_text("x")
    with pytest.raises(DataError, match=r"does not exist.*here\.csv"):
        open_source(Source(path="gone.csv"), tmp_path, embedded.connect())


def test_an_unset_variable_says_how_to_set_it(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_SUCH_FOLDER", raising=False)
    with pytest.raises(DataError, match="NO_SUCH_FOLDER=/folder"):
        open_source(
            Source(path="${NO_SUCH_FOLDER}/x.csv"), tmp_path, embedded.connect()
        )


def test_a_password_in_a_url_never_shows(monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_URL", "postgres://me:hunter2@localhost:1/none")
    with pytest.raises(DataError) as caught:
        open_source(
            Source(url="${CRM_URL}", table="orders"), tmp_path, embedded.connect()
        )
    assert "hunter2" not in str(caught.value)


def test_date_formats_counts():
    import ibis

    table = ibis.memtable(pd.DataFrame({"d": ["31.12.2025", "01.02.2026", "nonsense"]}))
    assert date_formats(table.d)[0] == ("%d.%m.%Y", 2)


def test_excel_keeps_ids_and_dates(tmp_path):
    frame = pd.DataFrame(
        {
            "customer_id": ["007", "8"],
            "order_date": pd.to_datetime(["2026-01-01", "2026-01-02"]),
            "amount": [1.5, 2],
        }
    )
    frame.to_excel(tmp_path / "log.xlsx", index=False, engine="xlsxwriter")
    table = sl.customer_table(tmp_path / "log.xlsx")
    assert table.index.tolist() == ["007", "8"]
    assert table.revenue.tolist() == [1.5, 2.0]


def test_parquet_folder_with_partitions(tmp_path):
    for year in (2025, 2026):
        folder = tmp_path / "log" / f"year={year}"
        folder.mkdir(parents=True)
        log = pd.DataFrame(
            {
                "customer_id": ["a"],
                "order_date": pd.to_datetime([f"{year}-01-01"]),
                "amount": [1.0],
            }
        )
        log.to_parquet(folder / "part.parquet")
    assert sl.customer_table(tmp_path / "log").loc["a", "frequency"] == 2


@pytest.mark.parametrize("amount", ["1e30", "-1e17", "nan", "inf", "1e400"])
def test_an_amount_beyond_all_bounds_is_set_aside_not_a_crash(study_of, amount):
    text = f"customer_id,order_date,amount\na,2026-01-01, 5.5\nb,2026-01-02 ,{amount}\n"
    study = study_of(text, tolerance=1)
    assert study.customers().revenue.to_dict() == {"a": 5.5}
    assert study.intake("orders").counts.to_dict() == {
        "accepted": 1,
        "unreadable amount": 1,
    }


def test_when_no_row_can_be_read_the_message_shows_values_and_what_to_do(study_of):
    with pytest.raises(
        DataError,
        match=r"unreadable order_date \(2 rows\); for example '1st of May', 'soon'. Say how",
    ):
        study_of("customer_id,order_date,amount\na,soon,5\nb,1st of May,6\n").check()
    with pytest.raises(
        DataError,
        match=r"returns by customers without a purchase \(1 row\).*amount: -COLUMN",
    ):
        study_of("customer_id,order_date,amount\na,2026-01-01,-5\n").customers()


def test_a_year_of_two_digits_is_not_the_first_century(study_of):
    text = "customer_id,order_date,amount\na,31.01.26,5\nb,01.02.26,6\n"
    assert str(study_of(text).window.as_of) == "2026-02-02"
    with pytest.raises(DataError, match="unreadable order_date"):
        study_of(text, source={"date_format": "%d.%m.%Y"}).check()


@pytest.mark.parametrize(
    ("form", "first", "last"),
    [("unix", 1767225600, 1767312000), ("excel", 46023, 46024)],
)
def test_days_written_as_numbers(study_of, form, first, last):
    study = study_of(
        f"customer_id,order_date,amount\na,{first},5\na,{last}.5,6\n",
        source={"date_format": form},
    )
    assert str(study.window) == "1 January 2026 to 2 January 2026 (2 days)"


def test_offsets_after_a_blank(study_of):
    study = study_of("customer_id,order_date,amount\na,2026-01-01 23:30:00 -0200,5\n")
    assert str(study.window.as_of) == "2026-01-03"


def test_conditions_and_products_of_text_follow_the_marks_of_the_source(study_of):
    study = study_of(
        "customer_id;order_date;n;price\na;2026-01-01;2;1.000,50 €\nb;2026-01-01;2;0,00\n",
        source={
            "decimal": ",",
            "where": "price > 0",
            "columns": {"amount": "n * price"},
        },
    )
    assert study.customers().revenue.to_dict() == {"a": 2001.0}


def test_a_time_in_a_workbook_is_text(tmp_path):
    import datetime as dt

    frame = pd.DataFrame(
        {
            "customer_id": ["a"],
            "order_date": [dt.date(2026, 1, 1)],
            "amount": [5],
            "at": [dt.time(9, 30)],
        }
    )
    frame.to_excel(tmp_path / "log.xlsx", index=False, engine="xlsxwriter")
    assert sl.customer_table(tmp_path / "log.xlsx").revenue.tolist() == [5.0]


def test_monthly_files_are_one_log(tmp_path):
    for month in ("01", "02"):
        (tmp_path / f"2026-{month}.csv").write_text(
            f"customer_id,order_date,amount\na,2026-{month}-01,5\nbroken\n"
        )
    table = sl.customer_table(str(tmp_path / "2026-*.csv"), tolerance=1)
    assert table.loc["a", ["frequency", "revenue"]].tolist() == [2, 10]
    assert table.attrs["account"] == {"accepted": 2, "broken line: missing columns": 2}
    (tmp_path / "2026-03.csv").write_text(
        "order_date,customer_id,amount\n2026-02-01,a,6\n"
    )
    with pytest.raises(
        DataError, match=r"2026-03.csv has other columns than 2026-01.csv"
    ):
        sl.customer_table(str(tmp_path / "2026-*.csv"))
    with pytest.raises(DataError, match="no file fits"):
        sl.customer_table(str(tmp_path / "2027-*.csv"))


def test_a_day_before_the_first_order_cannot_be_seen(study_of):
    study = study_of("customer_id,order_date,amount\na,2026-01-01,5\n")
    with pytest.raises(NotEnoughDataError, match="first order is of 2026-01-01"):
        study.at("2025-10-03").customers()


def test_a_typing_error_in_a_date_does_not_set_the_window(study_of):
    rows = "".join(
        f"{i % 50},2025-{i % 12 + 1:02}-{i % 28 + 1:02},5\n" for i in range(300)
    )
    text = f"customer_id,order_date,amount\na,2099-12-31,5\nb,1900-01-01,5\n{rows}"
    study = study_of(text)
    assert study.window.as_of.isoformat() == "2025-12-29"
    counts = study.intake("orders").counts
    assert counts.to_dict() == {"accepted": 300, "unlikely order_date": 2}


def test_a_plan_or_a_typing_error_ahead_does_not_move_as_of(study_of):
    """Three orders seven months after three hundred others: nobody is called inactive for them."""
    rows = "".join(
        f"{i % 50},2025-{i % 5 + 1:02}-{i % 28 + 1:02},5\n" for i in range(300)
    )
    late = "a,2025-12-29,5\n" * 3
    study = study_of(f"customer_id,order_date,amount\nb,1980-01-01,5\n{rows}{late}")
    assert study.window.as_of.isoformat() == "2025-05-29"
    assert (
        study.account()
        .set_index("reason")
        .lines["later than this report (from 2025-05-29 on)"]
        == 3
    )
    remarks = study.intake("orders").remarks()
    assert any(
        "3 orders lie far ahead" in r and "as_of is 2025-05-29" in r for r in remarks
    )
    assert any(
        "1980-01-01" in r and "window: {start: 2025-01-01}" in r for r in remarks
    )


def test_an_order_of_tomorrow_does_not_move_as_of(study_of):
    rows = "".join(
        f"{i % 50},2025-{i % 5 + 1:02}-{i % 28 + 1:02},5\n" for i in range(60)
    )
    soon = pd.Timestamp.today().normalize() + pd.Timedelta(days=200)
    study = study_of(f"customer_id,order_date,amount\n{rows}a,{soon:%Y-%m-%d},5\n")
    assert study.window.as_of.isoformat() == "2025-05-28"


def test_a_sheet_that_is_not_there_is_named_with_those_that_are(tmp_path):
    frame = pd.DataFrame(
        {"customer_id": ["a"], "order_date": ["2026-01-01"], "amount": [5]}
    )
    frame.to_excel(
        tmp_path / "log.xlsx", index=False, engine="xlsxwriter", sheet_name="2026"
    )
    for sheet in ("Sales", 2026):
        with pytest.raises(DataError, match=r"there is no sheet .*, but '2026'"):
            sl.customer_table(tmp_path / "log.xlsx", sheet=sheet)
    (tmp_path / "log.csv").write_text("customer_id,order_date,amount\na,2026-01-01,5\n")
    for name in ("log.xlsx", "log.csv"):
        with pytest.raises(DataError):
            sl.customer_table(tmp_path / name, skip=40)


def test_a_log_without_amounts_counts_orders(study_of):
    study = study_of(
        "customer_id,order_date\na,2026-01-01\na,2026-01-02\n",
        source={"columns": {"amount": "1"}},
    )
    assert study.customers().loc["a", ["frequency", "revenue"]].tolist() == [2, 2]


def test_a_sample_holds_the_same_customers_with_their_whole_history(study_of):
    lines = pd.DataFrame(
        {
            "customer_id": [f"c{i % 300}" for i in range(3000)],
            "amount": 5.0,
            "order_date": [f"2026-{1 + i % 6:02}-{1 + i % 28:02}" for i in range(3000)],
        }
    )
    study = study_of(lines.to_csv(index=False))
    part = study.drawn(100)
    assert study.drawn(300) is study
    assert 70 < len(part.customers()) < 130
    for day in (None, "2026-04-01"):
        whole, some = (study, part) if day is None else (study.at(day), part.at(day))
        pd.testing.assert_frame_equal(
            some.customers(), whole.customers().loc[some.customers().index]
        )
        assert set(part.at("2026-04-01").customers().index) <= set(
            part.customers().index
        )
    assert part.fingerprint != study.fingerprint
    assert part.window == study.window


def test_a_comparison_on_a_sample_says_so(study_of, monkeypatch):
    monkeypatch.setattr("segment_lab.study.study.JUDGED", 150)
    lines = pd.DataFrame(
        {
            "customer_id": [f"c{i * i % 307}" for i in range(4000)],
            "amount": range(1, 4001),
            "order_date": [f"2026-{1 + i % 9:02}-{1 + i % 28:02}" for i in range(4000)],
        }
    )
    card = study_of(lines.to_csv(index=False), methods={"abc": {}}).scorecard(
        draws=20, horizon_days=60
    )
    assert card.trial.customers < card.trial.drawn_from == lines.customer_id.nunique()
    said = ComparisonPage(card).notes()[0]
    assert "random sample" in said
    assert f"{card.trial.customers} of {card.trial.drawn_from} customers" in said
