"""A rule that is asked again is not written again, and answers as if it were."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.data import embedded


@pytest.fixture
def written(monkeypatch):
    """The statements that the engine is asked to write of any table, from an empty memory on."""
    statements = []
    monkeypatch.setattr(embedded, "_QUESTIONS", {})
    monkeypatch.setattr(embedded, "SMALL", 0)
    connection = embedded.shared()
    write = connection.compile

    def counted(query, **options):
        statements.append(write(query, **options))
        return statements[-1]

    monkeypatch.setattr(connection, "compile", counted, raising=False)
    return statements


def customers(scale: float = 1.0) -> pd.DataFrame:
    spent = scale * np.arange(1.0, 101.0)
    return pd.DataFrame(
        {"revenue": spent, "frequency": 1}, index=[f"c{i}" for i in range(100)]
    )


def test_a_rule_is_written_once(written):
    rule = sl.ABCSegmenter().fit(customers())
    first = rule.predict(customers())
    assert (rule.predict(customers()) == first).all()
    rule.predict(customers(2.0))
    assert len(written) == 1


def test_a_rule_that_learned_anew_answers_anew(written):
    rule = sl.ABCSegmenter().fit(customers())
    before = rule.predict(customers(2.0))
    after = rule.fit(customers(2.0)).predict(customers(2.0))
    fresh = sl.ABCSegmenter().fit(customers(2.0)).predict(customers(2.0))
    assert (after == fresh).all()
    assert (before != after).any()


def test_other_values_or_types_are_another_question(written):
    rule = sl.ABCSegmenter().fit(customers())
    changed = customers()
    changed.loc["c0", "revenue"] = 1e6
    assert rule.predict(changed)[0] != rule.predict(customers())[0]
    whole = customers().astype({"revenue": "int64"})
    assert (rule.predict(whole) == rule.predict(customers())).all()


def test_who_writes_into_an_answer_changes_no_other():
    table = customers()
    found = embedded.evaluate(table, lambda rows: rows.revenue > 50)
    found[:] = False
    assert embedded.evaluate(table, lambda rows: rows.revenue > 50).sum() == 50


def test_the_engine_is_not_asked_of_a_small_table(written, monkeypatch):
    monkeypatch.setattr(embedded, "SMALL", 100)
    small = sl.ABCSegmenter().fit(customers()).predict(customers())
    assert not written
    monkeypatch.setattr(embedded, "SMALL", 99)
    large = sl.ABCSegmenter().fit(customers()).predict(customers())
    assert len(written) == 1
    assert (small == large).all()
