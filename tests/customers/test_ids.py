"""Ids looked up in other ids."""

import pandas as pd

from segment_lab.customers.ids import among


def test_ids_are_found_as_pandas_finds_them():
    ids = pd.Index(["a", "b", "c", "b"], dtype="str")
    for known in (["b", "x"], ["b", "b"], []):
        others = pd.Index(known, dtype="str")
        assert among(ids, others).tolist() == ids.isin(others).tolist()
