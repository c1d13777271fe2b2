"""Leads and the funnel: figures that can be counted by hand, and what leaks the outcome."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets import ROOT, dataset, datasets_folder
from segment_lab.customers.rates import with_interval
from segment_lab.errors import DataError
from segment_lab.leads.funnel import deal_time, funnel, stage_order
from segment_lab.leads.leakage import auc, leakage, level_rates, levels
from segment_lab.leads.table import lead_table
from segment_lab.study.study import Study

# a: won on 5 January. b: waits in "new". c: lost. d: offered, lost only in March. e: lost, then
# taken up again.
VISITS = [
    ("a", "new", "2026-01-01"),
    ("a", "offer", "2026-01-03"),
    ("a", "Won", "2026-01-05"),
    ("b", "new", "2026-02-01"),
    ("c", "new", "2026-02-05"),
    ("c", "lost", "2026-02-08"),
    ("d", "new", "2026-01-01"),
    ("d", "offer", "2026-01-11"),
    ("d", "lost", "2026-03-05"),
    ("e", "new", "2026-01-10"),
    ("e", "lost", "2026-01-12"),
    ("e", "offer", "2026-01-20"),
]
LEADS = pd.DataFrame(
    {
        "lead_id": list("edcba"),
        "source": ["web", None, "web", "fair", "fair"],
        "value": [5.0, 40, 30, 20, 10],
        "status": ["open", "lost", "lost", "open", "won"],
    }
)


def table(frame: pd.DataFrame) -> ibis.Table:
    return ibis.memtable(frame)


def history(visits=VISITS) -> ibis.Table:
    frame = pd.DataFrame(visits, columns=["lead_id", "stage", "entered_on"])
    return ibis.memtable(
        frame.assign(entered_on=pd.to_datetime(frame["entered_on"]).dt.date)
    )


class TestLeadTable:
    def test_a_lead_stands_as_it_did_on_the_day(self):
        rows = lead_table(table(LEADS), history(), "2026-03-01")
        assert rows["won"].astype(object).where(
            rows["won"].notna(), None
        ).to_dict() == {
            "a": True,
            "b": None,
            "c": False,
            "d": None,
            "e": None,
        }
        assert rows["days_to_win"].dropna().to_dict() == {"a": 4.0}
        assert (
            lead_table(table(LEADS), history(), "2026-03-06")["won"]["d"] == np.False_
        )
        assert lead_table(table(LEADS), history(), "2026-01-04")["won"].isna().all()

    def test_without_a_history_the_status_speaks(self):
        rows = lead_table(table(LEADS))
        assert rows["won"].sum() == 1
        assert rows["won"].isna().sum() == 2

    def test_leads_of_the_future_are_not_seen(self):
        rows = lead_table(
            table(
                LEADS.assign(
                    created_on=pd.to_datetime("2026-01-01")
                    + pd.to_timedelta([0, 30, 0, 31, 0], unit="D")
                )
            ),
            as_of="2026-01-31",
        )
        assert list(rows.index) == ["a", "c", "e"]
        with pytest.raises(DataError, match="no leads"):
            lead_table(
                table(LEADS.assign(created_on=pd.Timestamp("2026-01-01"))),
                as_of="2026-01-01",
            )

    def test_numbers_written_as_text_are_numbers_and_empty_columns_go(self):
        rows = lead_table(
            table(
                LEADS.assign(
                    pages=["1", "2.5", None, "3", "4"],
                    nothing=None,
                    grade=["1", "x", "2", "3", "4"],
                )
            )
        )
        assert rows["pages"].tolist()[0] == 4.0
        assert "nothing" not in rows
        assert rows["grade"]["d"] == "x"

    @settings(max_examples=10)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from("abcdx"),
                st.sampled_from(["new", "offer", "won", "lost"]),
                st.sampled_from(["2026-03-01", "2026-04-01"]),
            ),
            max_size=6,
        )
    )
    def test_nothing_on_or_after_as_of_changes_the_past(self, later):
        known = lead_table(table(LEADS.drop(columns="status")), history(), "2026-03-01")
        more = lead_table(
            table(LEADS.drop(columns="status")),
            history([*VISITS, *later]),
            "2026-03-01",
        )
        pd.testing.assert_frame_equal(known, more)


class TestFunnel:
    @pytest.fixture
    def rows(self):
        return lead_table(table(LEADS), history(), "2026-03-01")

    def test_counted_by_hand(self, rows):
        stages = funnel(rows, history(), "2026-03-01")
        assert list(stages.index) == ["new", "offer", "Won"]
        assert stages["entered"].tolist() == [5, 3, 1]
        assert stages["converted"].tolist()[:2] == [3, 1]
        # New: c ended after 3 days and b waits; of the rest three of four went on. Offer: one left.
        assert stages["conversion"].tolist()[:2] == pytest.approx([0.75, 1.0])
        assert np.isnan(stages["converted"].iloc[2])
        # New: a 2, d 10 and e 2 days until the next stage; offer: a 2 days.
        assert stages["median_days"].tolist()[:2] == [2, 2]
        assert stages["waiting"].tolist() == [1, 2, 0]  # b; d and e
        assert stages["stuck"].tolist() == [1, 2, 0]
        assert stages["value"].tolist() == [105, 55, 10]
        assert stages["waiting_value"].tolist() == [20, 45, 0]

    def test_groups_add_up_to_the_whole(self, rows):
        whole, parts = (
            funnel(rows, history(), "2026-03-01", by=by) for by in (None, "source")
        )
        for column in ("entered", "waiting", "stuck", "value"):
            assert (
                parts[column].groupby("stage").sum().to_dict()
                == whole[column].to_dict()
            )
        assert "(not given)" in parts.index.get_level_values("source")

    def test_the_order_of_stages_may_be_given(self, rows):
        assert stage_order(history()) == ["new", "offer", "Won"]
        assert list(
            funnel(rows, history(), "2026-03-01", order=["offer", "Won"]).index
        ) == [
            "offer",
            "Won",
        ]

    def test_without_a_history_there_is_one_step(self):
        stages = funnel(lead_table(table(LEADS)))
        assert stages["entered"].tolist() == [5, 1]
        assert stages.loc["Lead", "conversion"] == pytest.approx(
            1 / 3
        )  # of those decided

    def test_an_unknown_column_is_named_with_the_nearest(self, rows):
        with pytest.raises(DataError, match="did you mean 'source'"):
            funnel(rows, by="sourse")

    def test_with_every_lead_open_there_is_a_funnel_all_the_same(self):
        rows = lead_table(table(LEADS.assign(status="open")))
        assert funnel(rows)["entered"].tolist() == [5]
        assert leakage(rows)["auc_alone"].isna().all()

    def test_deal_time(self, rows):
        times = deal_time(rows).iloc[0]
        assert (times["won"], times["mean_days"], times["median_days"]) == (1, 4, 4)
        assert deal_time(rows, "source").index.tolist() == ["fair"]
        assert deal_time(lead_table(table(LEADS))).empty

    def test_the_interval_of_a_few_skewed_deals_holds_their_mean(self):
        rng, held = np.random.default_rng(0), []
        for _ in range(200):
            leads = pd.DataFrame({"days_to_win": rng.gamma(2, 10, 6)})
            held.append(
                deal_time(leads).eval("mean_days_low <= 20 <= mean_days_high").iloc[0]
            )
        assert np.mean(held) >= 0.9  # the percentile bootstrap: .82

    def test_too_few_deals_have_no_interval(self):
        times = deal_time(pd.DataFrame({"days_to_win": [3.0, 9.0, 4.0, 30.0]})).iloc[0]
        assert times["mean_days"] == 11.5
        assert np.isnan(times["mean_days_low"])
        same = deal_time(pd.DataFrame({"days_to_win": [7.0] * 6})).iloc[0]
        assert (same["mean_days_low"], same["mean_days_high"]) == (7, 7)


class TestLeakage:
    """A lead's columns: 400 leads, 300 of them decided, 100 won."""

    @pytest.fixture
    def rows(self):
        rng, n = np.random.default_rng(0), 400
        won = pd.Series([True] * 100 + [False] * 200 + [pd.NA] * 100, dtype="boolean")
        known = won.fillna(False).to_numpy(bool)
        frame = pd.DataFrame(
            {
                "won": won.array,
                "budget": np.where(rng.random(n) < 0.7, known, ~known),
                "amount": rng.permutation(n) * 10,
                "proof": np.where(known, "yes", "no"),
                "decided_by": "x",
                "signed_copy": np.where(known, "c", None),
                "follow_up": np.where(won.notna(), rng.choice(["a", "b"], n), None),
                "remark": np.where(
                    known & (np.arange(n) < 30),
                    "sent welcome",
                    rng.choice(["u", "v"], n),
                ),
                "note_id": [f"N{i}" for i in range(n)],
                "country": "PL",
            },
            index=[f"L{i:03d}" for i in range(n)],
        )
        return frame.rename_axis("lead_id")

    def test_each_column_is_judged(self, rows):
        checks = leakage(rows)
        assert checks["verdict"].to_dict() == {
            "budget": "used",
            "amount": "used",
            "proof": "refused",
            "decided_by": "refused",
            "signed_copy": "refused",
            "follow_up": "refused",
            "remark": "refused",
            "note_id": "ignored",
            "country": "ignored",
        }
        reason = checks["reason"]
        assert "AUC 1.000" in reason["proof"]
        assert "AUC 1.000" in reason["signed_copy"]
        assert "100% of decided leads, 0% of open" in reason["follow_up"]
        assert "for 10% of the leads" in reason["remark"]
        assert "name" in reason["decided_by"]

    def test_names_declared_and_trusted(self, rows):
        checks = leakage(rows, leaky=["budget"], trusted=["decided_by"])
        assert checks.loc["budget", ["verdict", "reason"]].tolist() == [
            "refused",
            "declared as known only after the outcome",
        ]
        assert checks.loc["decided_by", "verdict"] == "ignored"
        # Trust in a name does not outweigh what the column gives away.
        assert (
            leakage(
                rows.rename(columns={"proof": "status_at_close"}),
                trusted=["status_at_close"],
            ).loc["status_at_close", "verdict"]
            == "refused"
        )

    def test_unknown_names_are_all_named(self, rows):
        with pytest.raises(
            DataError, match=r"(?s)leaky: budgt.*did you mean 'budget'.*trusted: nope"
        ):
            leakage(rows, leaky=["budgt"], trusted=["nope"])

    def test_pure_noise_does_not_leak(self):
        rng = np.random.default_rng(1)
        frame = pd.DataFrame(
            {f"c{i}": rng.choice(list("abcdefgh"), 500) for i in range(20)}
            | {"won": pd.Series(rng.random(500) < 0.3, dtype="boolean")}
        )
        checks = leakage(frame)
        assert (checks["verdict"] == "used").all()
        # Out of fold, a column that knows nothing ranks like chance; in sample all 20 would look
        # useful.
        assert abs(checks["auc_alone"].mean() - 0.5) < 0.03

    def test_rates_use_the_known_rows_only(self):
        codes, won = np.array([0, 0, 1, 1]), np.array([True, True, False, True])
        rates = level_rates(codes, won, np.array([True, False, True, False]))
        assert rates == pytest.approx([11 / 21, 11 / 21, 10 / 21, 10 / 21])

    def test_levels_hold_empty_values_and_bins(self):
        assert len(set(levels(pd.Series(["a", None, "b", None])))) == 3
        assert len(set(levels(pd.Series(range(1000))))) == 20

    @given(
        st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=30)
    )
    def test_auc_is_the_share_of_pairs_in_order(self, pairs):
        won, score = (
            np.array([w for w, _ in pairs]),
            np.array([s for _, s in pairs], float),
        )
        if won.all() or not won.any():
            assert np.isnan(auc(won, score))
            return
        grid = score[won][:, None] - score[~won][None, :]
        assert auc(won, score) == pytest.approx(((grid > 0) + 0.5 * (grid == 0)).mean())


class TestInterval:
    def test_wilson_by_hand_and_at_the_ends(self):
        out = with_interval([1, 0, 10, 0], [10, 10, 10, 0], "p")
        assert out.iloc[0].round(4).tolist() == [0.1, 0.0179, 0.4042]
        assert out["p_low"].tolist()[1] == 0
        assert out["p_high"].tolist()[2:] == [1, 1]
        assert np.isnan(out["p"].iloc[3])

    @given(st.integers(0, 60), st.integers(1, 60))
    def test_the_same_as_scipy(self, hits, more):
        from scipy.stats import binomtest

        n = hits + more
        row = with_interval([hits], [n], "p").iloc[0]
        known = binomtest(hits, n).proportion_ci(method="wilson")
        assert row[["p_low", "p_high"]].tolist() == pytest.approx(
            [known.low, known.high]
        )


@pytest.mark.slow
def test_the_public_leads_file(monkeypatch):
    """9,240 leads, 38.54 % converted; "Select" is no answer; google is Google; the last column is
    empty."""
    dataset("leads", "Leads.csv")
    monkeypatch.setenv("SEGMENT_LAB_DATASETS", str(datasets_folder()))
    rows = lead_table(Study.from_yaml(ROOT / "configs" / "leads.yml").table("leads"))
    stages = funnel(rows)
    assert stages["entered"].tolist() == [9240, 3561]
    assert stages.loc["Lead", "conversion"] == pytest.approx(0.3854, abs=5e-5)
    assert len(rows.columns) == 37
    assert (rows["source"] == "google").sum() == 2873
    assert not rows["source"].isin(["Google", "Select"]).any()
    assert rows["Lead Profile"].notna().sum() == 9240 - 2709 - 4146
    checks = leakage(rows, trusted=["Tags", "Lead Quality"])
    refused = checks.index[checks["verdict"] == "refused"]
    assert set(refused) == {
        "Tags",
        "Lead Quality",
        "Lead Profile",
        "Last Activity",
        "Last Notable Activity",
    }
    assert "all but fixes the outcome" in checks.loc["Tags", "reason"]
    assert checks.loc["Lead Number", "verdict"] == "ignored"


def test_notes_in_place_of_stages_are_one_clear_word():
    from segment_lab.leads.model import MOST_STAGES, LeadModel

    visits = [("a", f"note {n}", "2026-01-05") for n in range(MOST_STAGES + 1)]
    with pytest.raises(DataError, match="101 different stages; at most 100"):
        LeadModel().analyse(table(LEADS), history(visits), "2026-03-01")
