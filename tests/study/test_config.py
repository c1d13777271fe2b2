"""The study file: every fault at once, the nearest valid name, nothing silently ignored."""

from __future__ import annotations

import pytest
import yaml

from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.study.config import load
from segment_lab.study.study import Study

ORDERS = {"orders": {"path": "orders.csv"}}


def write(tmp_path, **config):
    (tmp_path / "orders.csv").write_text(
        "customer_id,order_date,amount\na,2026-01-01,5\nb,2026-01-20,7\na,2026-02-01,5\n"
    )
    path = tmp_path / "study.yml"
    path.write_text(yaml.safe_dump({"name": "t", "sources": ORDERS, **config}))
    return path


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"tilte": "x"}, "tilte: is not known; did you mean 'title'"),
        ({"timezone": "Berlin"}, "no time zone"),
        ({"returns": "ignore"}, "'net' or 'drop'"),
        ({"window": {"start": "2026-01-01", "days": 3}}, "not both"),
        ({"window": {"dayz": 3}}, "did you mean 'days'"),
        ({"sources": {"order": {"path": "x"}}}, "did you mean 'orders'"),
        ({"sources": {"orders": {"path": "x", "url": "y"}}}, "either path or url"),
        ({"sources": {"orders": {"paht": "x"}}}, "did you mean 'path'"),
        ({"methods": {"rfmm": {}}}, "did you mean 'rfm'"),
        ({"methods": {"rfm": {"n_bin": 3}}}, "did you mean 'n_bins'"),
        ({"methods": {"rfm": {"n_bins": 100}}}, "n_bins"),
        ({"comparison": {"draws": "many"}}, "comparison.draws"),
        ({"name": "Not A Name"}, "name"),
    ],
)
def test_faults_are_named(tmp_path, config, words):
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, **config))
    assert words in str(caught.value)


def test_all_faults_come_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(
            write(tmp_path, tilte="x", returns="ignore", methods={"rfm": {"n_bin": 3}})
        )
    assert all(word in str(caught.value) for word in ("tilte", "returns", "n_bins"))


@pytest.mark.parametrize("text", ["- a\n- b", "name: [", "just text"])
def test_what_is_no_study_file(tmp_path, text):
    path = tmp_path / "x.yml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="not a"):
        load(path)


def test_a_day_that_does_not_exist_is_no_fault_of_the_program(tmp_path):
    (tmp_path / "s.yml").write_text("name: t\nas_of: 2026-13-01\n")
    with pytest.raises(ConfigError, match="holds a day that does not exist"):
        load(tmp_path / "s.yml")


def test_a_missing_study_file_points_to_init(tmp_path):
    with pytest.raises(ConfigError, match="segment-lab init"):
        load(tmp_path / "none.yml")


def test_overrides_and_methods(tmp_path):
    study = Study.from_yaml(
        write(tmp_path), as_of="2026-01-25", methods={"rfm": {"n_bins": 3}}
    )
    assert str(study.window) == "1 January 2026 to 24 January 2026 (24 days)"
    assert study.options("rfm")["n_bins"] == 3
    assert study.customers().frequency.to_dict() == {"a": 1, "b": 1}


def test_the_future_is_unknown(tmp_path):
    study = Study.from_yaml(write(tmp_path))
    assert str(study.window.as_of) == "2026-02-02"
    with pytest.raises(ConfigError, match="unknown future"):
        study.at("2026-03-01")
    with pytest.raises(NotEnoughDataError, match=r"study.at\('2026-01-03'\)"):
        study.outcomes(30)
    earlier = study.at("2026-01-21")
    assert earlier.outcomes(12).future_revenue.to_dict() == {"a": 5.0, "b": 0.0}
    assert earlier.customers().loc["a", "frequency"] == 1


def test_a_table_that_is_not_there_says_so(tmp_path):
    study = Study.from_yaml(write(tmp_path))
    assert not study.has("invoices")
    with pytest.raises(NotEnoughDataError, match="no table 'invoices'"):
        study.table("invoices")
    assert "receivables" not in study.methods


def test_rolling_window(tmp_path):
    study = Study.from_yaml(write(tmp_path, window={"days": 10}, as_of="2026-02-02"))
    assert study.customers().index.tolist() == ["a"]
    assert (
        study.account().set_index("reason").lines["before the window (2026-01-23)"] == 2
    )
    assert study.at("2026-01-25").customers().index.tolist() == ["b"]


def test_whether_names_are_shown_is_one_key_of_the_study(tmp_path):
    sources = {"orders": {"path": "orders.csv"}}
    path = tmp_path / "s.yml"
    path.write_text(yaml.safe_dump({"name": "s", "sources": sources, "personal": True}))
    assert load(path).personal
    old = {"name": "s", "sources": sources, "strategy": {"personal": True}}
    path.write_text(yaml.safe_dump(old))
    with pytest.raises(ConfigError, match=r"personal: true.* at the top level"):
        load(path)
