"""Files of numbers that are days, and files that hold files."""

from __future__ import annotations

import zipfile

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.data.guess import first_config
from segment_lab.errors import DataError

MILLISECONDS = (
    '{"orderId":"o1","customerId":"c1","createdAt":1736150400000,"total":10.5}\n'
    '{"orderId":"o2","customerId":"c2","createdAt":1738828800000,"total":20.0}\n'
)


def test_milliseconds_that_json_holds_as_numbers_are_days(tmp_path):
    path = tmp_path / "orders.jsonl"
    path.write_text(MILLISECONDS, "utf-8")
    (tmp_path / "s.yml").write_text(first_config(path, tmp_path / "s.yml")[0], "utf-8")
    customers = sl.Study.from_yaml(tmp_path / "s.yml").customers()
    days = sorted(customers.last_order.astype(str).str[:10])
    assert days == ["2025-01-06", "2025-02-06"]


def test_milliseconds_without_a_layout_are_refused_in_words(tmp_path):
    path = tmp_path / "orders.parquet"
    frame = pd.DataFrame({"id": ["a", "b"], "t": [1736150400000, 1738828800000]})
    frame.assign(m=1.5).to_parquet(path)
    columns = {"customer_id": "id", "order_date": "t", "amount": "m"}
    with pytest.raises(DataError, match="unreadable order_date"):
        sl.customer_table(path, columns=columns)


def test_an_archive_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "orders.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("orders.csv", "customer,date,amount\nA,2025-01-01,1\n")
    with pytest.raises(DataError, match="unpack it"):
        first_config(path, tmp_path / "s.yml")
