"""What is called certain among many effects: seldom chance where nothing works, most of what does
work all the same."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segment_lab.act.claims import FALSE_CLAIMS, certain
from segment_lab.act.economics import Arm, careful_difference
from segment_lab.act.effects import effects

#: Customers of an arm in each of eight segments, and the share that buys anyway.
ARM, RATE, SEGMENTS, DRAWS = 125, 0.12, 8, 300


def drawn(
    lift: list[float], customers: int = ARM, rate: float = RATE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects, their errors and degrees of freedom in many campaigns: draws × segments."""
    rng = np.random.default_rng(8)
    shape = (DRAWS, len(lift))
    treated = rng.binomial(customers, rate + np.asarray(lift), shape)
    held = rng.binomial(customers, rate, shape)
    judged = np.vectorize(
        lambda one, other: tuple(
            careful_difference(Arm(customers, one), Arm(customers, other))
        )
    )
    return judged(treated, held)


def claimed(*found: np.ndarray) -> np.ndarray:
    rows = zip(*found, strict=True)
    return np.array([certain(*map(pd.Series, row)) for row in rows])


def test_in_a_world_where_nothing_works_next_to_nothing_is_claimed():
    effect, error, freedom = drawn([0.0] * SEGMENTS)
    alone = (np.abs(effect) > 1.96 * error).any(axis=1).mean()
    assert alone > 0.2, "single ranges would claim something in a third of the worlds"
    assert claimed(effect, error, freedom).any(axis=1).mean() <= 1.6 * FALSE_CLAIMS


def test_nothing_is_claimed_of_a_handful_of_customers_either():
    """Forty segments of eight customers an arm: with the errors taken for known, something was
    certain in half of these worlds."""
    effect, error, freedom = drawn([0.0] * 40, customers=8, rate=0.35)
    assert claimed(effect, error, freedom).any(axis=1).mean() <= 1.6 * FALSE_CLAIMS
    as_before = claimed(effect * 10 / 8, error, np.full(effect.shape, np.inf))
    assert as_before.any(axis=1).mean() > 0.3


def test_what_works_is_found_and_what_does_not_is_not():
    found = claimed(*drawn([0.25] * 4 + [0.0] * 4)).mean(axis=0)
    assert found[:4].min() >= 0.9
    assert found[4:].max() <= 0.1


def test_an_unknown_effect_is_not_certain_and_does_not_count():
    effect = pd.Series([0.1, np.nan], index=["a", "b"])
    found = certain(effect, pd.Series([0.04, np.nan], index=["a", "b"]))
    assert found.to_dict() == {"a": True, "b": False}


def test_the_record_of_campaigns_says_what_is_certain():
    """Of 200 contacted and 200 held in three segments, 60 and 20, 34 and 20, 21 and 20 bought:
    a range of its own leaves out 0 for the second, all of them together do not."""
    parts = []
    for segment, bought in (("moved", 60), ("perhaps", 34), ("not", 21)):
        for arm, buyers in (("treatment", bought), ("holdout", 20)):
            rows = pd.DataFrame({"orders": np.arange(200) < buyers})
            parts.append(rows.assign(segment=segment, arm=arm))
    found = pd.concat(parts, ignore_index=True).astype({"orders": float})
    found = found.assign(campaign_id="K1", customer_id=found.index.astype(str))
    rows = effects(found).set_index("segment")
    assert rows.loc["perhaps", "effect_low"] > 0
    assert rows["certain"].to_dict() == {
        "moved": True,
        "not": False,
        "perhaps": False,
        "All": True,
    }


def test_a_contact_pays_where_its_money_after_the_cost_is_certain():
    """Everybody who was won spends 10: 60 of 200 against 20 bring 2 a contact, less 1 of cost;
    34 against 20 bring .70, which a cost of .05 leaves unsure."""
    parts = []
    for segment, bought, cost in (("pays", 60, 1.0), ("perhaps", 34, 0.05)):
        for arm, buyers in (("treatment", bought), ("holdout", 20)):
            rows = pd.DataFrame({"orders": (np.arange(200) < buyers) * 1.0})
            rows["revenue"] = rows["orders"] * 10.0
            parts.append(rows.assign(segment=segment, arm=arm, cost_per_contact=cost))
    found = pd.concat(parts, ignore_index=True).assign(campaign_id="K1")
    rows = effects(found.assign(customer_id=found.index.astype(str)))
    rows = rows.set_index("segment")
    assert rows.loc["pays", "money_effect"] == 2.0
    assert rows["net_certain"].to_dict() == {
        "pays": True,
        "perhaps": False,
        "All": True,
    }
