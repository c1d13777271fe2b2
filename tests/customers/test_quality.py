"""The state of a customer base: what is filled, what cannot be right, and who stands there
twice."""

from __future__ import annotations

import pandas as pd
import pytest

from planted_duplicates import base_with_duplicates
from segment_lab.customers.duplicates import duplicates, score
from segment_lab.customers.quality import anonymous, completeness, quality, reach

ACCOUNTS = pd.DataFrame(
    {
        "name": [
            "ООО Ромашка",
            "Romashka LLC",
            "Kowalski Jan",
            "Jan Kowalski",
            "Müller GmbH",
        ],
        "email": ["info@romashka.ru", "INFO@romashka.ru ", "jan@x.pl", None, "nobody"],
        "phone": [
            "+7 495 123-45-67",
            "8 (495) 1234567",
            "600 700 800",
            "+48 600700800",
            None,
        ],
    },
    index=pd.Index(["1", "2", "3", "4", "5"], name="customer_id"),
)


def test_filled_and_invalid_values_are_counted():
    found = completeness(ACCOUNTS)
    assert found["filled"].to_dict() == {"name": 5, "email": 4, "phone": 4}
    assert found.loc["email", "invalid"] == 1  # nobody
    assert found.loc["phone", "invalid"] == 0


def test_who_cannot_be_reached_by_segment():
    segments = pd.Series(["A", "A", "B", "B", "B"], index=ACCOUNTS.index)
    found = reach(ACCOUNTS, segments)
    assert found.loc["A", "nowhere"] == 0
    assert found.loc["B", "nowhere"] == pytest.approx(1 / 3)
    assert found.loc["B", "by_email"] == pytest.approx(1 / 3)


def test_one_customer_under_two_ids_is_found_across_alphabets_and_spellings():
    pairs = duplicates(ACCOUNTS)
    joined = {
        frozenset(pair)
        for pair in pairs[["customer_id", "merge_into"]].to_numpy().tolist()
    }
    assert joined == {frozenset("12"), frozenset("34")}
    found = quality(ACCOUNTS)
    assert (found.records, found.customers) == (5, 3)


def test_without_columns_to_tell_by_nobody_is_a_duplicate():
    alone = pd.DataFrame({"city": ["Kraków", "Kraków"]}, index=["1", "2"])
    assert quality(alone).customers == 2


def test_who_customers_are_is_left_out():
    people = pd.DataFrame(
        {
            "E-Mail": ["a@b.de"],
            "Телефон": ["1"],
            "full_name": ["A"],
            "Adresse": ["X"],
            "city": "Y",
        },
        index=pd.Index(["a@b.de"], name="customer_id"),
    )
    assert anonymous(people).reset_index().to_numpy().tolist() == [[1, "Y"]]
    numbered = people.set_index(pd.Index(["1234567"]))
    assert anonymous(numbered).index.tolist() == ["1234567"]


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_duplicates_are_found_and_nobody_else(seed):
    base = base_with_duplicates(seed, 2000)
    figures = score(duplicates(base.customers), base.truth)
    assert figures["precision"] >= 0.98
    assert figures["recall"] >= 0.85


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("EmmaCarter", "Emma Carter"),
        ("Jörg eiß", "Jörg Weiß"),
        ("Żubr spółka  o.o.", "Żubr Sp. z o.o."),
    ],
)
def test_a_slip_in_the_name_does_not_part_what_a_phone_joins(one, other):
    rows = pd.DataFrame({"name": [one, other], "phone": ["+48 937 197 933"] * 2})
    assert len(duplicates(rows)) == 1
    rows["name"] = ["Jan Nowak", "Anna Nowak"]
    assert duplicates(rows).empty
