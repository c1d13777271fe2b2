"""Profiles for people: typical values, products, movements, and nobody's name unless asked for."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from segment_lab.act import profiles
from segment_lab.errors import ConfigError
from segment_lab.segments.segmentation import Segmentation
from segment_lab.window import ObservationWindow

IDS = pd.Index([f"C{i:02d}" for i in range(20)], name="customer_id")
PEOPLE = pd.DataFrame(
    {
        "name": "Ann",
        "email": "a@example.com",
        "region": ["North"] * 8 + ["South"] * 2 + ["South"] * 10,
        "industry": [None] * 20,
        "revenue": range(20, 0, -1),
        "frequency": 2,
        "recency_days": 5,
    },
    index=IDS,
)
SEG = Segmentation(
    pd.Series([0] * 10 + [1] * 10, index=IDS), ("Big", "Small", "Empty"), "own"
)


def test_who_says_what_is_typical_here():
    out = profiles.who(SEG, PEOPLE).set_index(["segment", "column"])
    assert out.loc[("Big", "region")].tolist() == ["North", 0.8, 0.4]
    assert out.loc[("Small", "region")].tolist() == ["South", 1, 0.6]
    assert "industry" not in out.index.get_level_values("column")
    # 5 of 10 against 9 of 20 is chance.
    even = PEOPLE.assign(
        region=["North"] * 5 + ["South"] * 5 + ["North"] * 4 + ["South"] * 6
    )
    assert profiles.who(SEG, even).empty
    assert (
        "name" not in profiles.who(SEG, PEOPLE, ["name", "region"])["column"].tolist()
    )


def test_what_hardly_differs_from_everybody_is_not_typical():
    """100 % of a segment against 97 % of all is beyond chance and not worth a word; 15 % against
    7.5 % is twice as common."""
    ids = pd.Index([f"C{i:05d}" for i in range(10_000)], name="customer_id")
    place = np.arange(10_000)
    seg = Segmentation(pd.Series(place // 5000, index=ids), ("A", "B"), "own")
    people = pd.DataFrame({"revenue": 1.0}, index=ids)
    people["vip"] = np.where(place >= 9700, "yes", "no")
    people["region"] = np.where(place < 750, "Abroad", "Home")
    found = profiles.who(seg, people, ["vip", "region"])
    assert found[["segment", "column", "value"]].to_numpy().tolist() == [
        ["A", "region", "Abroad"]
    ]


def test_own_columns_describe_too_where_they_have_few_values_and_say_more_than_chance():
    rng = np.random.default_rng(3)
    ids = pd.Index([f"C{i:03d}" for i in range(400)], name="customer_id")
    seg = Segmentation(
        pd.Series(np.arange(400) % 4, index=ids), ("A", "B", "C", "D"), "own"
    )
    noise = {f"noise_{i}": rng.choice(list("uvwxyz"), 400) for i in range(10)}
    people = pd.DataFrame(
        {
            "age": np.where(np.arange(400) % 4 == 1, "65+", "19-24"),
            "email": "a@example.com",
            "street": [f"s{i}" for i in range(400)],
            **noise,
        },
        index=ids,
    ).assign(revenue=1.0)
    assert profiles.who(seg, people)[
        ["segment", "column", "value"]
    ].to_numpy().tolist()[0] == [
        "A",
        "age",
        "19-24",
    ]
    found = set(profiles.who(seg, people)["column"])
    assert found == {"age"}


def test_numbers_and_yes_or_no_describe_too():
    base = PEOPLE.assign(
        vip=[True] * 9 + [False] * 11,
        listed=pd.Series([None] * 2 + [True, False] * 9, index=IDS, dtype="object"),
        employees=[*range(100, 110), *range(1, 11)],
        tenure_days=range(20),
        consent=[True] * 10 + [False] * 10,
    )
    assert profiles.describing(base) == [
        "industry",
        "region",
        "vip",
        "listed",
        "employees",
    ]
    out = profiles.who(SEG, base).set_index(["segment", "column"])
    assert out.loc[("Big", "vip")].tolist() == [True, 0.9, 0.45]
    assert not out.loc[("Small", "vip"), "value"]
    assert ("Big", "listed") not in out.index
    bands = profiles.banded(base["employees"])
    assert sorted({(band.left, band.right) for band in bands}) == [
        (1, 5),
        (6, 10),
        (100, 104),
        (105, 109),
    ]
    assert bands.value_counts().tolist() == [5, 5, 5, 5]


def test_a_number_with_gaps_keeps_them():
    values = pd.Series([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, None])
    bands = profiles.banded(values)
    assert bands.isna().tolist() == [False] * 8 + [True]
    assert bands[0] == pd.Interval(1.0, 2.0, closed="both")


def test_what_they_buy():
    lines = pd.DataFrame(
        {
            "customer_id": ["C00", "C01", "C15", "C15", "stranger"],
            "amount": [60.0, 20.0, 30.0, -5.0, 9.0],
            "product": ["tea", "milk", "tea", "milk", "tea"],
        }
    )
    out = profiles.what(profiles.purchases(SEG, ibis.memtable(lines)), SEG.names, top=1)
    assert out["segment"].tolist() == ["Big", "Small"]
    assert out["product"].tolist() == ["tea", "tea"]
    assert out["share"].tolist() == [0.75, 1]
    assert out["base_share"].tolist() == pytest.approx([90 / 110] * 2)
    assert profiles.what(
        profiles.purchases(SEG, ibis.memtable(lines[["customer_id", "amount"]])),
        SEG.names,
    ).empty
    dated = lines.assign(
        order_date=pd.to_datetime(["2026-01-01", "2026-06-01", *["2026-06-02"] * 3])
    )
    seen = SEG.replace(window=ObservationWindow("2026-02-01", "2026-06-02"))
    assert profiles.purchases(seen, ibis.memtable(dated)).to_numpy().tolist() == [
        ["Big", "milk", 20.0]
    ]


def test_how_they_moved():
    earlier = Segmentation(
        pd.Series([0] * 6 + [1] * 9 + [2] * 2, index=IDS[:17]), SEG.names, "own"
    )
    out = profiles.moved(SEG, earlier)
    assert list(out.index) == list(SEG.names)
    assert out.loc["Big"].tolist() == [10, 6, 6, 4, 0, 0, "Small", ""]
    assert out.loc["Small"].tolist() == [10, 9, 5, 2, 4, 3, "Empty", "Big"]
    assert out.loc["Empty"].tolist() == [0, 2, 0, 0, 2, 0, "", "Small"]
    assert (out["stayed"] + out["left"] == out["before"]).all()
    assert (out["stayed"] + out["came_in"] + out["new"] == out["customers"]).all()


def test_examples_span_the_segment_and_hide_people():
    out = profiles.examples(SEG, PEOPLE, "Big", n=3)
    assert out["revenue"].tolist() == [20, 16, 11]
    assert list(out) == ["revenue", "frequency", "recency_days"]
    assert list(profiles.examples(SEG, PEOPLE, "Big", personal=True))[:2] == [
        "name",
        "email",
    ]
    assert len(profiles.examples(SEG, PEOPLE, "Small", n=99)) == 10
    assert profiles.examples(SEG, PEOPLE, "Empty").empty


def test_an_unknown_segment_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'Small'"):
        profiles.examples(SEG, PEOPLE, "Smal")
