"""Page one on bases of many shapes: always a headline, a row per segment, names; never a claim
without data."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.act.audiences import EXCEPTIONS
from segment_lab.act.stance import UNSTAFFED
from segment_lab.pages import advice
from segment_lab.pages.choosing import treatment
from segment_lab.pages.front.cards import Cards, document
from segment_lab.pages.front.exceptions import Exceptions
from segment_lab.pages.front.gather import Gathering
from segment_lab.pages.front.links import audience_file
from segment_lab.pages.front.news import News, minutes_gap
from segment_lab.pages.front.pictures import bridge_picture
from segment_lab.pages.front.treatments import Treatment, habits
from segment_lab.texts import speaking

AS_OF = dt.date(2026, 1, 1)


def log(rows: list[tuple[str, int, float]]) -> pd.DataFrame:
    """Orders from (customer, days before as_of, amount)."""
    return pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": [str(i) for i in range(len(rows))],
            "order_date": [
                pd.Timestamp(AS_OF) - pd.Timedelta(days=row[1]) for row in rows
            ],
            "amount": [row[2] for row in rows],
        }
    )


def regular(
    name: str, gap: int, until: int, start: int, amount: float
) -> list[tuple[str, int, float]]:
    return [(name, day, amount) for day in range(start, until, -gap)]


def ten() -> pd.DataFrame:
    rows = []
    for i in range(10):
        rows += regular(f"c{i}", 20 + 3 * i, 5 + 12 * i, 700, 40.0 + i)
    return log(rows)


def giants() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = []
    for i in range(55):
        rows += regular(
            f"s{i:02}", int(rng.integers(20, 90)), int(rng.integers(1, 300)), 700, 50.0
        )
    for i in range(5):
        rows += regular(f"giant{i}", 30, 200 if i == 0 else 10, 700, 20_000.0)
    return log(rows)


def one_each() -> pd.DataFrame:
    return log([(f"c{i}", 3 * i + 1, 20.0 + i % 7) for i in range(120)])


def one_month() -> pd.DataFrame:
    return log([(f"c{i % 40}", 1 + i % 29, 10.0 + i % 5) for i in range(90)])


def subscription() -> pd.DataFrame:
    rows = []
    for i in range(60):
        rows += regular(f"c{i:02}", 30, 1 if i % 4 else 400, 720, 10.0)
    return log(rows)


SHAPES = {
    "ten customers": ten,
    "five giants": giants,
    "one order each": one_each,
    "a month": one_month,
    "a subscription": subscription,
}


def gathered(frame: pd.DataFrame, **options) -> Gathering:
    study = sl.Study.from_frames({"orders": frame}, as_of=AS_OF, title="Shop")
    return Gathering(study, "rfm", 90, options)


@cache
def known(shape: str) -> Gathering:
    """A shape as it is, gathered once for the tests that only read it."""
    return gathered(SHAPES[shape]())


@pytest.mark.parametrize("shape", SHAPES)
def test_every_base_gives_a_sensible_page(shape):
    made = known(shape)
    with speaking(currency="EUR"):
        shown = made.front().shown()
    text = json.dumps(shown, ensure_ascii=False)
    assert len(shown["headline"]) > 20
    assert not re.search(r"\bnan\b|None|inf\b|\{\{", text)
    sizes = made.page.now.sizes()
    named = {part["name"] for row in shown["rows"] for part in row["parts"]}
    assert set(sizes.index[sizes > 0]) <= named
    for row in shown["rows"]:
        assert row["stance_text"]
        assert row["action"]
        assert row["verdict_text"]
    assert len(shown["parts"]) == 4
    with speaking(currency="EUR"):
        cards = document(made)["cards"]
    assert not re.search(
        r"\bnan\b|None|inf\b|\{\{", json.dumps(cards, ensure_ascii=False)
    )
    parts = [part for row in shown["rows"] for part in row["parts"]]
    linked = {part["card"] for part in parts if part["card"]}
    assert linked == {f"segments.html#{card['anchor']}" for card in cards}


def test_without_a_margin_nothing_is_called_worthless():
    made = known("five giants")
    with speaking(currency="EUR"):
        rows = made.treatments()
    verdicts = {row.verdict for row in rows}
    assert len(rows) > 2
    assert "not_worth_it" not in verdicts
    assert all(np.isnan(row.worth) for row in rows)


def test_where_nobody_is_to_be_called_the_page_names_the_segment_that_comes_first():
    with speaking(currency="EUR"):
        front = known("a subscription").front()
        headline, week = front.headline(), front.parts()[2]["columns"][0]
    assert "First: Champions, 87% of the revenue." in headline
    assert "named customers" not in headline
    assert week["heading"] == "Customers to call"
    assert week["note"] == "Nobody is off the usual rhythm."


def test_the_headline_names_no_segment_that_has_no_row():
    """All ten customers were loyal when the periods began; nobody is so today."""
    with speaking(currency="EUR"):
        shown = known("ten customers").front().shown()
    assert "Loyal" not in shown["headline"]
    assert "Loyal" not in {row["name"] for row in shown["rows"]}


def test_without_contacts_nobody_claims_that_effort_is_well_spent():
    made = known("five giants")
    with speaking(currency="EUR"):
        stop = made.front().parts()[0]["lines"]
    assert stop == [
        "These data do not tell how much time each segment takes: add a table of contacts "
        "(touches)."
    ]


def test_one_account_behind_a_decline_is_named_unless_others_lost_as_much():
    rows = [(f"c{i}", day, 10.0) for i in range(20) for day in (10, 375, 470)]
    rows += [(f"small{i}", 375, 5.0) for i in range(6)]

    def told(*lost: float) -> tuple[list[str], float]:
        gone = [(f"large{i}", 375, money) for i, money in enumerate(lost)]
        study = sl.Study.from_frames({"orders": log(rows + gone)}, as_of=AS_OF)
        return News(study, "rfm", 90).accounts_behind()

    assert told(500.0) == (["large0"], 500.0)
    assert told(500.0, 400.0) == (["large0", "large1"], 900.0)
    assert told(500.0, 490.0, 480.0) == ([], 0.0)


def test_more_calls_than_a_week_holds_are_not_due_this_week():
    def callers(last: str, owners: bool) -> str:
        due = pd.DataFrame({"due": pd.to_datetime(["2026-01-02", last])})
        rows = SimpleNamespace(
            actions=SimpleNamespace(callable=due), as_of=AS_OF, owners=owners
        )
        return Exceptions._callers(rows)

    assert callers("2026-01-08", owners=True) == "Owners, this week"
    assert callers("2026-03-10", owners=False) == (
        "Sales, the largest first, until 10 March 2026"
    )


def test_whoever_is_called_although_the_segment_gets_mail_is_counted_in_its_row():
    made = known("five giants")
    with speaking(currency="EUR"):
        rows = made.treatments()
    called = {row.segment: row.called for row in rows if row.card}
    labels = made.page.now.labels.astype(str)
    listed = labels.reindex(made.actions.callable["customer_id"]).value_counts()
    stances = {row.segment: row.stance for row in rows}
    assert sum(called.values())
    for name, count in called.items():
        mailed = stances[name] != "protect"  # nobody has an owner who would call
        assert count == (listed.get(name, 0) if mailed else 0)


def test_where_nothing_is_forecast_no_forecast_is_spoken_of():
    with speaking(currency="EUR"):
        text = json.dumps(known("five giants").front().shown(), ensure_ascii=False)
    assert "forecast above" not in text
    assert "margin of 0%" not in text


def test_a_silent_giant_is_named():
    made = known("five giants")
    with speaking(currency="EUR"):
        column = made.front().parts()[2]["columns"][0]
    assert column["items"][0]["name"] == "giant0"
    assert (
        "260,000" in column["items"][0]["why"]
    )  # thirteen orders in its last active year


def test_the_news_is_exact():
    rows = [
        ("a", 10, 60.0),
        ("a", 375, 100.0),
        ("b", 400, 50.0),
        ("c", 20, 10.0),
        ("d", 800, 1.0),
    ]
    study = sl.Study.from_frames({"orders": log(rows)}, as_of=AS_OF)
    news = News(study, "rfm", 90)
    assert news.back_days == 365
    assert news.change == pytest.approx(70 / 150 - 1)
    assert news.moves["change"].to_dict() == {
        "new": 10.0,
        "reactivated": 0.0,
        "expanded": 0.0,
        "contracted": -40.0,
        "lost": -50.0,
    }
    # b lost 50 and a 40: the first alone is more than half.
    assert news.few_accounts() == (1, 50.0, 90.0)
    assert list(news.by_customer.index[:2]) == ["b", "a"]


def steady(customers=1500, days=2000, seed=5):
    """Customers come and go at a steady pace, so that no segment brings more or less than before."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(customers):
        came = rng.uniform(0, days)
        stays = min(rng.exponential(400), came)
        orders = rng.poisson(8 * stays / 365)
        when = [came, *(came - rng.uniform(0, stays, orders))]
        rows += [(f"c{i:04}", int(day) + 1, 50.0) for day in when]
    return log(rows)


def test_a_steady_base_has_no_declining_segment():
    """Some of the best customers of a day leave, others take their place: that is no decline."""
    study = sl.Study.from_frames({"orders": steady()}, as_of=AS_OF)
    news = News(study, "rfm", 90)
    before = news.before["revenue"].sum()
    segments = news.by_segment
    assert abs(segments["change"]["Champions"]) < 0.2 * segments["before"]["Champions"]
    then = study.at(AS_OF - dt.timedelta(days=455)).segmentation("rfm").labels
    followed = news.by_customer.groupby(then.astype(str)).sum()
    assert followed["Champions"] < -0.3 * segments["before"]["Champions"]
    change = news.now["revenue"].sum() - before
    assert segments["change"].sum() == pytest.approx(change)


@pytest.mark.slow
def test_a_segment_that_really_buys_less_is_named():
    frame = steady()
    began = AS_OF - dt.timedelta(days=90)
    study = sl.Study.from_frames({"orders": frame}, as_of=AS_OF)
    labels = study.at(began).segmentation("rfm").labels
    best = labels.index[labels == "Champions"]
    since = frame["order_date"] >= pd.Timestamp(began)
    frame = frame[~(frame["customer_id"].isin(best) & since)]
    study = sl.Study.from_frames({"orders": frame}, as_of=AS_OF)
    assert News(study, "rfm", 90).behind()[0] == "Champions"


def test_a_short_log_compares_with_nothing():
    study = sl.Study.from_frames({"orders": one_month()}, as_of=AS_OF)
    news = News(study, "rfm", 90)
    assert news.back_days == 0
    assert np.isnan(news.change)


def test_minutes_on_segments_that_bring_next_to_nothing():
    frame = log([("a", 1, 970.0), ("b", 1, 20.0), ("c", 1, 10.0), ("a", 2, 0.0)])
    study = sl.Study.from_frames({"orders": frame}, as_of=AS_OF)
    segments = study.segmentation("abc")
    minutes = pd.Series({"a": 10.0, "b": 60.0, "c": 30.0})
    gap = minutes_gap(segments, minutes, study.customers()["revenue"])
    labels = segments.labels.astype(str)
    small = [name for name in ("b", "c") if labels[name] != labels["a"]]
    assert gap["minutes"] == minutes[small].sum()
    assert gap["share"] == minutes[small].sum() / 100


def test_names_of_files_suit_every_file_system():
    assert audience_file("Can't Lose / A:B") == "audiences/can_t_lose___a_b.csv"
    assert audience_file("???") == "audiences/segment.csv"


def test_without_a_margin_the_row_says_from_which_margin_it_pays():
    rng = np.random.default_rng(3)
    rows = []
    for i in range(300):
        start = int(rng.integers(100, 700))
        rows += regular(
            f"s{i:03}", int(rng.integers(20, 90)), int(rng.integers(1, 95)), start, 80.0
        )
    made = gathered(log(rows))
    rates = made.grounds.pays_from.dropna()
    assert len(rates)
    name = str(rates.idxmin())
    action = made.grounds.paying["action"][name]
    at = gathered(log(rows), margin_rate=float(rates[name])).page.options
    row = at[(at["segment"] == name) & (at["action"] == action)].iloc[0]
    cost = row["cost_per_contact"]
    assert row["expected"] == pytest.approx(0.0, abs=0.01 * cost)
    # The decision page says from which margin on it contacts whom: the row speaks of that action.
    least = made.page.worth_from()["margin_rate"].dropna()
    assert len(least)
    for segment, rate in least.items():
        done = made.page.at_margins[rate].decided["action"][segment]
        if done in made.grounds._fitting(segment):
            assert made.grounds.paying["action"][segment] == done
    # Whom the page serves by mail alone it offers no call.
    stances = made.page.treatments["stance"]
    by_mail = [name for name in made.grounds.paying.index if stances[name] in UNSTAFFED]
    assert by_mail
    for name in by_mail:
        kinds = {entry.action: entry.channel for entry in made.page.entries[name]}
        assert kinds[made.grounds.paying["action"][name]] == "email"


def test_debtors_are_not_called_before_they_have_paid():
    made = gathered(giants())
    frame = made.actions.frame
    frame.loc[frame["customer_id"] == "giant0", "in_debt"] = 1.0
    assert "giant0" not in set(made.actions.callable["customer_id"])
    with speaking(currency="EUR"):
        column = made.front().parts()[2]["columns"][0]
    assert "giant0" not in [item["name"] for item in column["items"]]
    assert "1 more" in column["note"]


def test_where_nobody_has_an_owner_none_is_asked_to_call():
    with speaking(currency="EUR"):
        rows = known("five giants").treatments()
        alone, owned = treatment("win_back", False), treatment("win_back", True)
        assert treatment("grow", False) == treatment("grow", True)
    protected = [row for row in rows if row.stance == "protect" and row.card]
    assert protected
    assert not any("owner" in row.serve.lower() for row in protected)
    assert "by mail" in alone
    assert "owner" in owned


def test_an_action_that_is_too_dear_is_told_with_its_cost_and_sales():
    made = gathered(one_each())
    known = made.page.known
    name = str(known.index[known["revenue"] > 0][0])
    made.grounds.pays_from[name] = 2.0
    row = pd.Series({"customers": 500, "break_even": 0.5})
    action = made.grounds.paying["action"][name]
    options = made.page.options.set_index(["segment", "action"])
    cost = options.loc[(name, action), "cost_per_contact"]
    with speaking(currency="EUR"):
        told = made.grounds._judgement(name, row)
    assert f"EUR {cost:.2f} a contact" in told
    assert f"EUR {cost / 2:.2f} of sales" in told


def test_page_one_says_what_would_change_our_mind():
    made = gathered(giants(), margin_rate=0.3)
    with speaking(currency="EUR"):
        lines = made.front().parts()[-1]["lines"]
        told = [line for line in lines if line.startswith("What would change our mind")]
        rows = made.page.treatments
        rows = rows[(rows["members"] > 0) & (made.page.known["revenue"] > 0)]
        changes = {advice.change(row) for row in rows.to_dict("records")}
    assert 1 <= len(told) <= 3
    assert len(told) == min(len(changes), 3)
    assert all(any(line.endswith(change) for change in changes) for line in told)


def test_a_log_of_a_month_speaks_of_no_year_and_draws_none():
    made = known("a month")
    with speaking(currency="EUR"):
        shown, cards = made.front().shown(), document(made)["cards"]
    said = json.dumps([shown, cards], ensure_ascii=False)
    assert "in the last 29 days" in said
    assert not re.search(r"last (active )?year|12 months|twelve months", said)
    assert not any(row["spark"] for row in shown["rows"])


def test_where_no_minutes_are_known_no_card_speaks_of_hours():
    with speaking(currency="EUR"):
        cards = document(known("ten customers"))["cards"]
    said = {fact["label"]: fact["text"] for card in cards for fact in card["facts"]}
    assert "Habits" in said
    assert "Effort" not in said


def test_one_order_has_no_usual_gap():
    people = {"recency_days": [5.0, 9.0, 9.0], "gap_days": [8.0, None, None]}
    with speaking():
        once = habits(pd.DataFrame({"frequency": [9, 1, 1], **people}))
        often = habits(pd.DataFrame({"frequency": [9, 3, 2], **people}))
    assert once == "1 order each, the last 9 days ago (medians)."
    assert often.endswith("usually one every 8 days.")


def small(segment: str, **more) -> Treatment:
    facts = {"who": f"Who {segment} is.", "few": True, "history": (1.0,) * 12}
    served = ("protect", "your_judgement", "judgement")
    return Treatment(segment, facts.pop("who"), 5, 5, *served, **facts, **more)


def test_a_card_names_only_those_whom_its_action_leaves_out():
    counts = dict.fromkeys(EXCEPTIONS, 0)
    treatments = pd.DataFrame({"Dead": {**counts, "debt": 13, "no_consent": 0}}).T
    page = SimpleNamespace(treatments=treatments)
    row = dataclasses.replace(small("Dead"), customers=100, reachable=87)
    with speaking():
        said = Cards(SimpleNamespace(page=page))._reach(row)
    assert said == "87 of 100 may be contacted; left out: 13 in debt."


def test_a_loss_that_many_share_is_explained_by_nobody():
    rows = [(f"c{i}", 3 * i + 1, 20.0 + i % 7) for i in range(119)]
    even = gathered(log(rows)).news
    wide = gathered(log([(f"c{i}", 1 + i % 99, 9.0 + i // 7) for i in range(900)])).news
    with speaking(currency="EUR"):
        assert bridge_picture(wide)["title"] == "Where the change came from"
        assert bridge_picture(even)["title"] == "Where the change came from"
        assert "account" in bridge_picture(known("five giants").news)["title"]


def test_whoever_owes_money_is_told_so_where_the_call_is_asked_for():
    made = gathered(giants())
    late = pd.Series({"giant0": 400.0})
    listed = dataclasses.replace(made.actions, debtors=late).frame
    owing = listed["customer_id"] == "giant0"
    said = listed["why"].str.contains("credit control has the first word")
    assert owing.any()
    assert list(said) == list(owing)
