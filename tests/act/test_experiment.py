"""The same lots everywhere, exact shares, a frozen file, and an alarm when the arms were not
kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lab.act import experiment as ex
from segment_lab.data.contracts import CONTRACTS
from segment_lab.errors import ConfigError, DataError


def base(n=100):
    return pd.Series(
        ["A"] * (n // 2) + ["B"] * (n - n // 2), index=[f"C{i:04d}" for i in range(n)]
    )


def test_lots_are_the_same_on_every_machine():
    # printf 'salt\\x1fspring\\x1f007' | sha256sum. Fixed for ever: another lot would break
    # campaigns under way.
    assert (
        ex.draw("007", "spring", "salt")
        == "a5a96ca37138363d5264a58caab12a999e6bac0cea9563d1a1d9135f4f2397bf"
    )
    arms = ex.assign_arms(base(20), campaign_id="2026-07", holdout_share=0.3)
    assert arms.index[arms["arm"] == "holdout"].tolist() == [
        "C0006",
        "C0007",
        "C0008",
        "C0010",
        "C0014",
        "C0016",
    ]


@given(st.integers(2, 200), st.floats(0.05, 0.95), st.randoms())
def test_shares_are_exact_and_row_order_does_not_matter(n, share, random):
    segments = base(n)
    arms = ex.assign_arms(segments, campaign_id="k", holdout_share=share)
    counts = (
        arms[arms["arm"] == "holdout"]
        .groupby("segment")
        .size()
        .reindex(["A", "B"], fill_value=0)
    )
    sizes = segments.value_counts().reindex(["A", "B"])
    assert counts.tolist() == [int(np.floor(s * share + 0.5)) for s in sizes]
    order = list(segments.index)
    random.shuffle(order)
    pd.testing.assert_frame_equal(
        ex.assign_arms(segments[order], campaign_id="k", holdout_share=share), arms
    )


def test_campaign_and_salt_draw_anew():
    arms = [
        ex.assign_arms(base(400), campaign_id=c, salt=s)["arm"]
        for c, s in (("a", ""), ("b", ""), ("a", "x"))
    ]
    for other in arms[1:]:
        assert (arms[0] != other).sum() > 50


def test_lots_do_not_follow_anything():
    # Ids of one pattern, 20,000 of them: the held-out half is spread evenly over the last digit.
    segments = pd.Series("A", index=[f"{i:06d}" for i in range(20_000)])
    arms = ex.assign_arms(segments, campaign_id="k", holdout_share=0.5)
    counts = pd.crosstab(arms.index.str[-1], arms["arm"])
    from scipy.stats import chi2_contingency

    assert chi2_contingency(counts).pvalue > 0.001


def test_bad_shares_and_twins_are_refused():
    for share in (0, 1, -0.1, 2):
        with pytest.raises(ConfigError, match="holdout_share"):
            ex.assign_arms(base(), campaign_id="k", holdout_share=share)
    with pytest.raises(DataError, match="more than once"):
        ex.assign_arms(pd.Series(["A", "A"], index=["x", "x"]), campaign_id="k")


def test_snapshot_is_frozen_and_fits_the_contract(tmp_path):
    arms = ex.assign_arms(base(), campaign_id="k1")
    plan = pd.DataFrame(
        {"action": "call", "cost_per_contact": 6.5, "predicted_uplift": [0.05, 0.02]},
        index=["A", "B"],
    )
    write = {
        "campaign_id": "k1",
        "assigned_on": "2026-07-01",
        "horizon_days": 60,
        "scheme": "abc",
        "plan": plan,
    }
    path = ex.freeze(arms, tmp_path / "new", **write)
    assert path.name == "campaign_k1.parquet"
    table = pd.read_parquet(path)
    assert set(table) <= set(CONTRACTS["campaigns"].names)
    assert table.groupby("segment")["predicted_uplift"].first().to_dict() == {
        "A": 0.05,
        "B": 0.02,
    }
    before = path.read_bytes()
    assert ex.freeze(arms, tmp_path / "new", **write).read_bytes() == before
    other = ex.assign_arms(base(), campaign_id="k1", salt="other")
    with pytest.raises(DataError, match="frozen"):
        ex.freeze(other, tmp_path / "new", **write)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_sample_ratio_alarm():
    arms = ex.assign_arms(base(2000), campaign_id="k", holdout_share=0.2)
    assert ex.sample_ratio(arms, 0.2)["ok"].all()
    lost = arms.drop(
        arms.index[(arms["arm"] == "holdout") & (arms["segment"] == "B")][:100]
    )
    found = ex.sample_ratio(lost, 0.2)
    assert found["ok"].to_dict() == {"All": False, "A": True, "B": False}
    assert found.loc["B", "holdout"] == 100


def test_several_arms_share_what_is_not_held_out():
    arms = ex.assign_arms(
        base(1000), campaign_id="k", holdout_share=0.2, arms=("gift", "letter")
    )
    counts = arms["arm"].value_counts()
    assert counts["holdout"] == pytest.approx(200, abs=2)
    assert counts["gift"] == pytest.approx(counts["letter"], abs=2)
    chance = arms.groupby(["segment", "arm"])["probability"].first()
    assert chance.groupby("segment").sum().tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize(("held", "alarm"), [(230, False), (241, False), (242, True)])
def test_the_alarm_sounds_once_in_a_thousand_by_chance(held, alarm):
    # 1,000 customers, 200 planned: chi-square by hand (n - 200)² / 160, its .001 bound 10.83.
    arms = ["holdout"] * held + ["treatment"] * (1000 - held)
    drawn = pd.DataFrame({"arm": arms, "segment": "A"})
    found = ex.sample_ratio(drawn, 0.2)
    assert found.loc["All", "ok"] == (not alarm)
