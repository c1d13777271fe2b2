"""A mailing reaches only those who agreed, and says why it leaves out the others."""

from __future__ import annotations

import pandas as pd
import pytest

from segment_lab.contacts.mailing import mailing, reachable
from segment_lab.errors import ConfigError, DataError
from segment_lab.segments.segmentation import Segmentation

CUSTOMERS = pd.DataFrame(
    {
        "consent": [True, True, False, None, True, True],
        "email": ["a@x", None, "c@x", "d@x", "e@x", "f@x"],
    },
    index=pd.Index(list("abcdef"), name="customer_id"),
)
LABELS = pd.Series(["one"] * 5 + ["two"], index=list("abcdef"))
SEGMENTS = Segmentation.from_labels(LABELS, names=["one", "two", "none"])


def test_each_customer_is_left_out_for_the_first_reason():
    found = mailing(
        SEGMENTS, CUSTOMERS, ["one"], undelivered=["c", "e"], debtors=["d", "e"]
    )
    assert found.recipients["customer_id"].tolist() == ["a"]
    assert found.suppressed["customers"].to_dict() == {
        "no_consent": 2,
        "undelivered": 1,
        "overdue_debt": 0,
        "no_address": 1,
    }
    assert len(found.recipients) + found.suppressed["customers"].sum() == 5


def test_personal_data_only_when_asked_for():
    assert list(mailing(SEGMENTS, CUSTOMERS, ["one"]).recipients) == ["customer_id"]
    people = mailing(SEGMENTS, CUSTOMERS, ["one", "two"], personal=True).recipients
    assert people["email"].tolist() == ["a@x", "e@x", "f@x"]


def test_without_recorded_consent_nobody_is_mailed():
    with pytest.raises(DataError, match="consent: is missing"):
        mailing(SEGMENTS, CUSTOMERS.drop(columns="consent"), ["one"])
    with pytest.raises(DataError, match="email: is missing"):
        mailing(SEGMENTS, CUSTOMERS.drop(columns="email"), ["one"], personal=True)
    with pytest.raises(ConfigError, match="no segment 'onne': did you mean 'one'"):
        mailing(SEGMENTS, CUSTOMERS, ["onne"])


def test_reachable_accounts_for_every_customer_of_every_segment():
    out = reachable(SEGMENTS, CUSTOMERS, debtors=["f"])
    assert out["customers_reached"].tolist() == [2, 0, 0]
    reasons = out.drop(columns=["customers", "reachable_share"]).sum(axis=1)
    assert reasons.tolist() == out["customers"].tolist() == [5, 1, 0]
