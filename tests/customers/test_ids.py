"""Ids looked up in other ids."""

import gc

import pandas as pd

from segment_lab.customers.ids import among, met_before


def test_ids_are_found_as_pandas_finds_them():
    ids = pd.Index(["a", "b", "c", "b"], dtype="str")
    for known in (["b", "x"], ["b", "b"], []):
        others = pd.Index(known, dtype="str")
        assert among(ids, others).tolist() == ids.isin(others).tolist()


def table(ids, name="customer_id"):
    return pd.DataFrame({"n": range(len(ids))}, pd.Index(ids, dtype="str", name=name))


def test_tables_of_the_same_customers_share_one_index():
    first, second = (met_before(table(["a", "b", "c"])) for _ in range(2))
    assert second.index is first.index
    third, account = met_before((table(["a", "b", "c"]), table(["x"])))
    assert third.index is first.index
    assert account.index.tolist() == ["x"]
    first.index.get_loc("b")  # what was noted to look ids up is there for all
    assert "_engine" in third.index._cache


def test_other_customers_another_order_or_another_name_keep_their_own_index():
    known = met_before(table(["a", "b", "c"]))
    for ids, name in ((["a", "b"], "customer_id"), (["c", "b", "a"], "customer_id")):
        own = met_before(table(ids, name))
        assert own.index is not known.index
        assert own.index.tolist() == ids
    named = met_before(table(["a", "b", "c"], "who"))
    assert named.index.name == "who"
    assert known.index.name == "customer_id"


def test_an_index_is_forgotten_with_the_last_table_that_has_it():
    from segment_lab.customers import ids

    found = met_before(table(["p", "q", "r"]))
    met = list(ids._MET.values())
    assert any(known is found.index for known in met)
    del found, met
    gc.collect()
    assert not any(
        known.equals(pd.Index(["p", "q", "r"])) for known in ids._MET.values()
    )
