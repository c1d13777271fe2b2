"""What a response segment's own result says is to be done with it next time."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.act.campaigns import NO_STRATUM
from segment_lab.data.guess import first_config
from segment_lab.pages import known
from segment_lab.pages.front.lessons import lessons
from segment_lab.pages.lessons import LessonsPage, _by_cost
from segment_lab.texts import say

ROW = {
    "campaign_id": "K1",
    "variant": "a",
    "action": "email",
    "treated": 749,
    "effect": 0.0,
    "effect_low": -0.04,
    "effect_high": 0.04,
    "se": 0.02,
    "careful": 0.0,
    "freedom": np.inf,
    "money_effect": 0.0,
    "money_effect_low": -3.0,
    "money_effect_high": 3.0,
    "cost_per_contact": 0.05,
    "certain": False,
    "net_certain": False,
}


def test_a_lesson_says_in_whose_time_it_pays_and_quotes_the_segments():
    """It said "none is certain to pay yet" beside a decision that was proven by these very tests:
    that counts the year after a return."""
    named = {"moved": ["one order", "quiet"], "harmed": [], "verdict": "unclear"}
    told = say("campaigns.lesson.sentence", **ROW, **named, kind="e-mail")
    assert told.startswith("K1 (e-mail, a)")
    assert "Whether it pays within the campaign's time is not certain yet." in told
    assert told.endswith("It moved the segments “one order” and “quiet”.")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (7.0, 20.0, "pays"),
        (-9.0, -1.0, "harms"),
        (1.0, 5.0, "loses"),
        (-2.0, 9.0, "unclear"),
    ],
)
def test_a_segment_is_judged_by_its_measured_money_beside_the_cost(low, high, said):
    assert _by_cost(low, high, cost=6.5) == said


def test_page_one_says_where_a_campaign_moved_somebody_although_its_own_segments_do_not():
    """A card says "4 more buyers per 100 of the Dead"; "no difference" alone would deny it."""
    measured = pd.DataFrame([{**ROW, "segment": "quiet"}, {**ROW, "segment": "All"}])
    dead = {"segment": "Dead", "effect": 0.04, "effect_low": 0.01, "effect_high": 0.07}
    arms = pd.DataFrame([{**ROW, **dead, "certain": True}, {**ROW, "segment": "VIP"}])
    (said,) = lessons(SimpleNamespace(measured=measured, arms=arms))
    assert "no difference to customers left alone was found over all of them" in said
    assert said.endswith("but 4 more buyers per 100 among “Dead” customers (1 to 7).")
    (said,) = lessons(SimpleNamespace(measured=measured, arms=pd.DataFrame()))
    assert said.endswith("was found (0 per 100, 95% range −4 to 4).")


def money(effect: float, low: float, high: float) -> dict:
    names = ("money_effect", "money_effect_low", "money_effect_high")
    return {**dict(zip(names, (effect, low, high), strict=True)), "net_certain": True}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"certain": True, "effect": 0.12, **money(-4.9, -6.0, -3.7)},
            "12 more buyers per 100 (95% range −4 to 4), 4.90 each for 0.05. More "
            "buyers, who spend less: it loses money. Stop.",
        ),
        (
            money(9.3, 7.0, 12.0),
            "no certain change in buyers, 9.30 each for 0.05. It pays.",
        ),
        (money(-4.0, -5.0, -3.0), "−4.00 each for 0.05. It loses money. Stop."),
    ],
)
def test_page_one_tells_a_campaign_by_its_money_and_no_segment_by_a_dash(found, said):
    """More buyers who each spend less, and as many buyers who spend more."""
    rows = [{**ROW, **found, "segment": name} for name in (NO_STRATUM, "All")]
    page = SimpleNamespace(measured=pd.DataFrame(rows), arms=pd.DataFrame())
    (told,) = lessons(page)
    assert "to everybody: " in told
    assert NO_STRATUM not in told
    assert told.replace("−4.90", "4.90").endswith(said)


def test_a_segment_that_seems_harmed_is_a_warning_before_it_is_a_proof():
    """Silence would let the next campaign harm it again."""
    hurt = {"effect": -0.1, "effect_low": -0.18, "effect_high": -0.01}
    moved = {"effect": 0.11, "effect_low": 0.03, "effect_high": 0.19, "certain": True}
    rows = [
        {**ROW, **moved, "segment": "quiet"},
        {**ROW, **hurt, "segment": "active"},
        {**ROW, "segment": "one order"},
        {**ROW, "segment": "All"},
    ]
    page = SimpleNamespace(measured=pd.DataFrame(rows), arms=pd.DataFrame())
    helped, warned = lessons(page)
    assert "“quiet” customers: 11 more buyers per 100" in helped
    assert "“active” customers: 10 fewer buyers per 100 (95% range −18 to −1)" in warned
    assert warned.endswith("do not repeat it without a control group.")


@pytest.mark.parametrize(("others", "certain"), [(1, True), (20, False)])
def test_a_card_is_as_sure_as_all_that_was_measured_allows(
    monkeypatch, others, certain
):
    """One effect in two with a chance of 1 % is certain; one in 21 is what chance brings."""
    dead = {**ROW, "segment": "Dead", "careful": 0.0515}
    monkeypatch.setattr(known.measuring, "effects", lambda _: pd.DataFrame([dead]))
    own = pd.DataFrame([{**ROW, "segment": f"s{i}"} for i in range(others)])
    page = SimpleNamespace(_by_segments=own, measured=own, _basket=pd.Series())
    arms = known.Known._read_again(page)
    assert arms["certain"].tolist() == [certain]


def a_test(folder, *, worth: str = "", bought=(90, 60), size: int = 300):
    """A file of a test alone: of `size` customers an arm, so many did what was wanted."""
    lines = ["client;group;sent on;converted"]
    for arm, wanted in zip(("email", "control"), bought, strict=True):
        for number in range(size):
            lines.append(f"{arm}{number};{arm};2026-03-05;{int(number < wanted)}")
    (folder / "spring.csv").write_text("\n".join(lines), encoding="utf-8")
    text, _ = first_config(folder / "spring.csv", folder / "spring.yml")
    text = text.replace("outcome: converted", f"outcome: converted{worth}")
    (folder / "spring.yml").write_text(text, encoding="utf-8")
    study = sl.Study.from_yaml(folder / "spring.yml")
    study._keep_copies = False
    return LessonsPage(study)


def test_a_test_alone_is_measured_without_orders_and_without_money(tmp_path):
    page = a_test(tmp_path)
    (lesson,) = page.lessons.to_dict("records")
    assert (lesson["treated"], lesson["held"]) == (300, 300)
    assert lesson["effect"] == pytest.approx(0.10)
    # Newcombe's interval of 90/300 and 60/300.
    assert lesson["effect_low"] == pytest.approx(0.031, abs=0.002)
    assert lesson["effect_high"] == pytest.approx(0.168, abs=0.002)
    assert lesson["verdict"] == "works"
    (said,) = page.sentences()
    assert "+10.0 outcomes per 100 contacts" in said
    assert "a contact" not in said
    assert not [name for name in page.summary if "money" in name]
    assert "without orders nobody can say who responds" in str(page.who_responds())


def test_what_an_outcome_is_worth_makes_money_of_it(tmp_path):
    page = a_test(tmp_path, worth="\n      outcome_worth: 25")
    (lesson,) = page.lessons.to_dict("records")
    assert lesson["money_effect"] == pytest.approx(2.5)
    assert lesson["verdict"] == "pays"
    assert "2.50 a contact" in page.sentences()[0]


def test_a_test_that_moved_nobody_is_not_said_to_work(tmp_path):
    assert a_test(tmp_path, bought=(66, 60)).lessons["verdict"].tolist() == ["unclear"]


def test_arms_beside_one_control_are_measured_without_customer_numbers(tmp_path):
    """The layout of a well-known public e-mail test: three arms in a column called segment."""
    rows = [
        f"{i % 12},{arm},{int(i % 10 < bought)},{29.5 if i % 10 < bought else 0}"
        for arm, bought in {
            "Mens E-Mail": 4,
            "Womens E-Mail": 3,
            "No E-Mail": 1,
        }.items()
        for i in range(500)
    ]
    file = tmp_path / "test.csv"
    file.write_text("recency,segment,conversion,spend\n" + "\n".join(rows))
    target = tmp_path / "test.yml"
    text, proposal = first_config(file, target)
    target.write_text(text)
    assert any("number of the row" in said for said in proposal.took)
    page = LessonsPage(sl.Study.from_yaml(target))
    effects = page.lessons.set_index("action")["effect"].round(6).to_dict()
    assert effects == {"Mens E-Mail": 0.3, "Womens E-Mail": 0.2}
    assert list(page.effects["segment"]) == ["All", "All"]  # drawn by no segment
    first = page.sentences()[0]
    assert first == "Of 2 tests: test, Mens E-Mail and test, Womens E-Mail work."
    assert "500" in str(page.headline())  # the control, which both arms share
    assert "1,000" in str(page.headline())


def test_arms_that_no_segment_shares_are_said_not_to_compare():
    from segment_lab.act.effects import measured
    from segment_lab.errors import NotEnoughDataError

    apart = pd.DataFrame(
        {
            "campaign_id": "k",
            "customer_id": list("abcd"),
            "arm": ["treatment", "treatment", "holdout", "holdout"],
            "segment": ["x", "x", "y", "y"],
            "orders": 1,
            "revenue": 1.0,
            "finished": True,
        }
    )
    with pytest.raises(NotEnoughDataError, match="No segment holds customers of both"):
        measured(apart)


def test_a_campaign_that_helps_some_and_harms_others_is_kept_for_whom_the_rules_name():
    """On the whole it brings nothing; "stop it" beside rules that earn money denies them."""
    rng = np.random.default_rng(8)
    customers = [f"c{i}" for i in range(1500)]
    silent = rng.integers(1, 300, len(customers))
    day = pd.Timestamp("2026-01-01")
    last = day - pd.to_timedelta(silent, unit="D")
    first = day - pd.Timedelta(days=400)
    orders = pd.DataFrame(
        {
            "customer_id": customers * 2,
            "order_date": [*last, *[first] * len(customers)],
            "amount": 20.0,
        }
    )
    treated = rng.random(len(customers)) < 0.5
    gain = np.where(silent > 150, 6.0, -6.0) * treated
    campaign = pd.DataFrame(
        {
            "campaign_id": "K1",
            "customer_id": customers,
            "arm": np.where(treated, "treatment", "holdout"),
            "assigned_on": day,
            "horizon_days": 60,
            "action": "call",
            "cost_per_contact": 1.0,
            "outcome": rng.normal(20, 5, len(customers)) + gain,
        }
    )
    campaign["outcome_worth"] = 1.0
    frames = {"orders": orders, "campaigns": campaign}
    page = LessonsPage(sl.Study.from_frames(frames, as_of="2026-04-01"))
    assert page.lessons["verdict"].isin(["loses", "unclear"]).all()
    (said,) = page.summary["next_time"]
    assert said.startswith("Only whom the response rules name")


def test_a_small_share_is_not_said_to_be_none():
    facts = {"names": ["A", "B"], "customers": 2}
    assert "bring under 1% of all" in say(
        "decision.headline.by_name", share=0.003, **facts
    )
    assert "bring 0% of all" in say("decision.headline.by_name", share=0.0, **facts)


def test_ranges_of_single_groups_are_said_to_be_too_narrow(tmp_path, monkeypatch):
    """Rules are formed by the customers that they are then measured on."""
    page = a_test(tmp_path)
    groups = {"customers": [300, 300], "shrunk": [12.0, 1.0], "shrunk_se": [2.0, 1.0]}
    fitted = SimpleNamespace(
        difference_found_=True, effects_=pd.DataFrame(groups, index=["new", "old"])
    )
    worth = {"contacted": [0.5], "value": [1.7], "value_low": [-4.0], "value_high": [7]}
    monkeypatch.setattr(LessonsPage, "response", lambda *_: fitted)
    monkeypatch.setattr(
        LessonsPage, "values", lambda *_: pd.DataFrame(worth, index=["rules"])
    )
    monkeypatch.setattr(LessonsPage, "_cost", lambda *_: 5.0)
    said = str(page._campaign("spring"))
    assert "the ranges of single groups are narrower than they should be" in said
    assert "customers they were not learned from" in said
