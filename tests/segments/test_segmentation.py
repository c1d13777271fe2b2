"""The result type as an analyst holds it: names, parts, further columns, a picture."""

from __future__ import annotations

import pandas as pd
import pytest
from bases import base

from segment_lab.errors import DataError
from segment_lab.segments.rfm import RFMSegmenter
from segment_lab.segments.segmentation import Segmentation

TABLE = pd.DataFrame(
    {
        "revenue": [10.0, 30, 60, 0],
        "employees": [1, 3, 10, 20],
        "vip": [True, False, None, True],
        "city": ["Ghent", "Oslo", "Oslo", "Oslo"],
    },
    index=pd.Index(list("abcd"), name="customer_id"),
)
SEG = Segmentation(pd.Series([0, 0, 1, 1], index=TABLE.index), ("Big", "Small"), "own")


def test_a_segment_s_name_gives_its_customers():
    assert list(SEG["Big"]) == ["a", "b"]
    with pytest.raises(KeyError, match="did you mean 'Small'"):
        SEG["Smal"]


def test_a_part_of_the_customers_is_described_alone():
    part = SEG.profile(TABLE.loc[["a", "c", "d"]])
    assert part["customers"].tolist() == [1, 2]
    assert part["revenue_share"].tolist() == pytest.approx([1 / 7, 6 / 7])
    with pytest.raises(DataError, match="does not hold every"):
        SEG.profile(TABLE.set_axis(list("wxyz")))
    with pytest.raises(TypeError, match="not of ids"):
        SEG.profile(SEG[SEG.names[0]])


def test_further_columns_numbers_by_median_and_yes_by_share():
    found = SEG.profile(TABLE, columns=["employees", "vip"])
    assert found["median_employees"].tolist() == [2, 15]
    assert found["vip_share"].tolist() == [0.5, 1.0]
    with pytest.raises(DataError, match=r"city.*neither numeric nor yes/no.*Ghent"):
        SEG.profile(TABLE, columns=["city"])
    with pytest.raises(DataError, match="did you mean 'employees'"):
        SEG.profile(TABLE, columns=["employes"])


def test_the_picture_shows_the_sizes_or_the_shares_of_money():
    assert "Big 2" in SEG.plot().figure.get_label()
    assert "Big 50%, 40%" in SEG.plot(TABLE).figure.get_label()


def test_labels_come_back_as_they_were_given():
    table = base(50)
    result = RFMSegmenter().fit(table).segment(table)
    twin = Segmentation.from_labels(result.labels)
    assert twin.codes.equals(result.codes)
    with pytest.raises(DataError, match="is none of"):
        Segmentation.from_labels({"a": "x", "b": None})
    assert Segmentation.from_labels({"a": 2, "b": 1}).names == ("1", "2")


def test_details_are_computed_when_looked_at_by_the_rule_of_then():
    table = base(200)
    segmenter = RFMSegmenter(n_bins=5).fit(table)
    asked = []
    later = SEG.replace(by_customer=lambda: asked.append(1) or TABLE)
    copied = later.replace(method="other")
    assert not asked
    assert copied.by_customer is TABLE
    assert copied.by_customer is TABLE
    assert asked == [1]
    segments = segmenter.segment(table)
    segmenter.fit(
        table.assign(recency_days=table["recency_days"].iloc[::-1].to_numpy() + 1000)
    )
    pd.testing.assert_frame_equal(
        segments.by_customer, RFMSegmenter(n_bins=5).fit(table).scores(table)
    )
