"""Segments assigned by the engine: what Python gives, without pandas ever seeing the customers."""

from __future__ import annotations

import datetime as dt

import crm
import pandas as pd
import pytest
from click.testing import CliRunner

import segment_lab as sl
from datasets import ROOT
from segment_lab.cli import main
from segment_lab.errors import ConfigError, DataError

METHODS = ("rfm", "abc", "lifecycle", "clusters", "rules")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study():
    return crm.sample()


def read(result) -> pd.Series:
    return pd.read_parquet(result.path).set_index("customer_id").segment.sort_index()


@pytest.mark.parametrize("method", METHODS)
def test_below_the_limit_it_is_the_segmentation_of_every_buyer(study, method, tmp_path):
    result = study.assign(method, tmp_path / "out" / "s.parquet")
    labels = study.fitted(method).segment(study.population(method)).labels.astype("str")
    wanted = labels[study.customers().index]
    pd.testing.assert_series_equal(read(result), wanted, check_names=False)
    assert result.profile.customers.to_dict() == {
        n: int((wanted == n).sum()) for n in result.segmenter.segment_names_
    }
    assert result.profile.revenue.sum() == pytest.approx(
        study.customers().revenue.sum(), abs=0.05
    )
    assert result.learned_on == len(wanted)
    assert "all 1,700 customers" in result.note
    assert list((tmp_path / "out").iterdir()) == [result.path]


def test_above_the_limit_the_rule_is_learned_on_a_seeded_sample_and_applied_to_all(
    study, tmp_path
):
    results = [
        study.assign("rfm", tmp_path / f"{i}.parquet", limit=600, seed=seed)
        for i, seed in enumerate([0, 0, 1])
    ]
    assert 500 < results[0].learned_on < 700
    assert f"sample of {results[0].learned_on:,} of 1,700 customers" in results[0].note
    pd.testing.assert_series_equal(read(results[0]), read(results[1]))
    assert results[0].segmenter.cuts_ != results[2].segmenter.cuts_
    everybody = study.customers()
    wanted = results[0].segmenter.segment(everybody).labels.astype("str")
    pd.testing.assert_series_equal(read(results[0]), wanted, check_names=False)


def test_a_learned_scheme_learns_from_what_followed_and_is_applied_to_all(
    study, tmp_path
):
    result = study.assign("tree", tmp_path / "s.parquet")
    labels = study.fitted("tree").segment(study.customers()).labels.astype("str")
    pd.testing.assert_series_equal(read(result), labels, check_names=False)
    before = study.at(study.window.as_of - dt.timedelta(days=90))
    assert result.learned_on == len(before.customers())
    assert f"learned on {result.learned_on:,} customers as they stood" in result.note
    few = study.assign("tree", tmp_path / "few.parquet", limit=800)
    assert few.learned_on < 900
    assert len(read(few)) == len(labels)


def test_steps_are_told(study, tmp_path):
    steps = []
    study.assign("abc", tmp_path / "s.parquet", limit=600, progress=steps.append)
    assert steps[1] == "learning the rule on 600 of 1,700 customers"


def test_schemes_that_need_more_than_orders_are_refused(study, tmp_path):
    with pytest.raises(
        ConfigError, match="receivables reads disputed_open, invoices_n"
    ):
        study.assign("receivables", tmp_path / "s.parquet")


def test_an_earlier_day_and_an_empty_window(study, tmp_path):
    earlier = study.at("2025-12-31")
    assert (
        len(read(earlier.assign("abc", tmp_path / "s.parquet")))
        == len(earlier.customers())
        < len(study.customers())
    )
    empty = sl.Study.from_yaml(
        ROOT / "configs" / "sample.yml",
        as_of="2020-01-01",
        window={"start": "2019-12-01"},
    )
    with pytest.raises(DataError, match="Nobody bought anything"):
        empty.assign("abc", tmp_path / "none.parquet")
    assert not (tmp_path / "none.parquet").exists()


def test_in_a_server_the_same_customers_are_drawn(study, server, tmp_path, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", crm.PASSWORD)
    crm.into_postgres(server)
    remote = sl.Study.from_yaml(crm.study_file(tmp_path, server.url))
    assert remote.season == pytest.approx(study.season)
    assert len(remote.season) == 12
    for method in ("rfm", "lifecycle"):
        here, there = (
            s.assign(method, tmp_path / f"{i}.parquet", limit=600)
            for i, s in enumerate((study, remote))
        )
        assert here.learned_on == there.learned_on
        pd.testing.assert_series_equal(read(here), read(there))
        pd.testing.assert_frame_equal(here.profile, there.profile)


def test_the_command_says_sizes_and_what_was_sampled(tmp_path):
    config, target = str(ROOT / "configs" / "sample.yml"), str(tmp_path / "s.parquet")
    result = CliRunner().invoke(
        main, ["assign", config, "--method", "abc", "--limit", "600", "--out", target]
    )
    assert result.exit_code == 0, result.output
    assert "of revenue  A" in result.output
    assert "random sample of" in result.output
    assert len(pd.read_parquet(target)) == 1700
