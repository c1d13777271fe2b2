"""The files of a plan: frozen once drawn, dated once sent."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from segment_lab.act.campaign_files import PlanFiles
from segment_lab.errors import ConfigError, DataError

DAY, SENT = dt.date(2026, 6, 30), dt.date(2026, 7, 3)


def drawn(segment: str = "new", customers: int = 4) -> pd.DataFrame:
    rows = pd.DataFrame({"customer_id": [f"00{i}" for i in range(customers)]})
    rows["arm"] = ["email", "holdout"] * (customers // 2)
    return rows.assign(campaign_id=f"shop-{DAY}-{segment}", assigned_on=pd.NaT)


@pytest.fixture
def plans(tmp_path):
    return PlanFiles(tmp_path / "plans", "shop")


def days(paths) -> list[str]:
    return [",".join(sorted(set(_read(path)["assigned_on"]))) for path in paths]


def _read(path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_a_plan_is_written_once_and_refused_where_it_differs(plans):
    (path,) = plans.freeze([drawn()], DAY)
    before = path.read_bytes()
    assert plans.freeze([drawn()], DAY) == [path]
    assert path.read_bytes() == before
    with pytest.raises(DataError, match="frozen"):
        plans.freeze([drawn(customers=2)], DAY)
    with pytest.raises(DataError, match="frozen"):
        plans.freeze([drawn(), drawn("old")], DAY)
    assert path.read_bytes() == before


def test_only_the_date_is_filled_in(plans):
    (path,) = plans.freeze([drawn()], DAY)
    before = _read(path)
    assert plans.undated() == [DAY]
    plans.went_out(DAY, SENT)
    pd.testing.assert_frame_equal(_read(path), before.assign(assigned_on="2026-07-03"))
    assert plans.undated() == []
    assert plans.freeze([drawn()], DAY) == [path]  # drawn alike, and still dated
    assert days([path]) == ["2026-07-03"]


def test_a_date_that_is_there_stays_until_every_campaign_has_one(plans):
    paths = plans.freeze([drawn("a"), drawn("b")], DAY)
    rows = _read(paths[0]).assign(assigned_on="2026-07-01")
    rows.to_csv(paths[0], index=False)
    plans.went_out(DAY, SENT)
    assert days(paths) == ["2026-07-01", "2026-07-03"]
    plans.went_out(DAY, dt.date(2026, 7, 9))  # a mistake is put right
    assert days(paths) == ["2026-07-09", "2026-07-09"]


def test_a_plan_does_not_go_out_before_its_day(plans):
    plans.freeze([drawn()], DAY)
    with pytest.raises(ConfigError, match="before it was drawn"):
        plans.went_out(DAY, dt.date(2026, 6, 29))


def test_plans_of_other_studies_and_other_files_are_not_theirs(plans):
    plans.freeze([drawn()], DAY)
    (plans.folder / "shop-old-2026-01-01-new.csv").write_text("")
    (plans.folder / "notes.csv").write_text("")
    assert plans.days() == [DAY]
