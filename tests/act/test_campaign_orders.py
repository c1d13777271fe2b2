"""What a campaign's customers ordered is counted as in the customer table; money, too, is compared
like with like."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from segment_lab.act.campaigns import measurable, results
from segment_lab.act.effects import effects

LINES = pd.DataFrame(
    [
        ("a", None, "2026-01-10", 5.0),
        ("a", None, "2026-01-10", 2.0),
        ("a", None, "2026-01-12", 1.0),  # ids left out
        ("b", "1", "2026-01-11", 30.1),
        ("b", "1", "2026-01-11", -10.2),
        ("b", "1", "2026-01-11", -19.9),  # cancelled
        ("c", "2", "2026-01-11", 0.0),
        ("d", "R", "2026-01-11", -9.0),
    ],  # a free sample is an order, a return is none
    columns=["customer_id", "order_id", "order_date", "amount"],
).astype({"order_date": "datetime64[s]"})


def campaigns(customers: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "campaign_id": "K",
            "customer_id": list(customers),
            "arm": "treatment",
            "assigned_on": "2026-01-10",
            "horizon_days": 30.0,
        }
    )


def test_orders_are_those_of_the_customer_table():
    found = results(campaigns("abcd"), ibis.memtable(LINES), "2026-04-01").set_index(
        "customer_id"
    )
    assert found["orders"].to_dict() == {"a": 2, "b": 0, "c": 1, "d": 0}
    assert found["revenue"].to_dict() == {"a": 8, "b": 0, "c": 0, "d": -9}


def test_a_row_that_stands_there_twice_counts_once_and_merged_customers_are_set_aside():
    rows = campaigns("aabcd")
    found = results(rows, ibis.memtable(LINES), "2026-04-01")
    assert sorted(found["customer_id"]) == list("abcd")
    assert not found["twice"].any()
    merged = rows.assign(
        arm=["holdout", "treatment", "treatment", "holdout", "holdout"]
    )
    found = results(merged, ibis.memtable(LINES), "2026-04-01")
    assert found.loc[found["twice"], "customer_id"].tolist() == ["a"]
    assert sorted(measurable(found)["customer_id"]) == list("bcd")


def test_money_of_a_whole_campaign_is_not_bent_by_unequal_holdouts():
    # Nothing has an effect; large customers were held out far more often than small ones.
    rng, parts = np.random.default_rng(0), []
    for segment, treated, held, mean in (
        ("large", 200, 200, 500.0),
        ("small", 900, 100, 5.0),
    ):
        arms = ["treatment"] * treated + ["holdout"] * held
        parts.append(
            pd.DataFrame(
                {
                    "segment": segment,
                    "arm": arms,
                    "revenue": rng.normal(mean, 5, len(arms)),
                }
            )
        )
    found = pd.concat(parts, ignore_index=True).assign(
        campaign_id="K",
        action="call",
        finished=True,
        orders=1.0,
        assigned_on=pd.Timestamp("2026-01-01"),
    )
    every = effects(found).set_index("segment").loc["All"]
    assert every["money_effect_low"] < 0 < every["money_effect_high"]
    assert abs(every["money_effect"]) < 2  # the arms as a whole: -250
