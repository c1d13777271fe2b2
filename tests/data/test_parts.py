"""A text log of several files, or one that is added to: only what is new is parsed, and what comes
out is what parsing all of it gives."""

from __future__ import annotations

import errno
import os

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.data import parts, pieces, taking, textfiles
from segment_lab.errors import ConfigError

HEAD = "customer_id,order_id,order_date,amount\n"
JANUARY = "a,1,2026-01-01,5.50\nb,2,2026-01-02,7.25\nc,3,2026-01-30,x\n"
FEBRUARY = "a,4,2026-02-01,1.00\nc,3,2026-02-02,2.00\nb,2,2026-02-03,-7.25\n"


@pytest.fixture
def opened(monkeypatch):
    """Names of the files that are parsed."""
    names = []
    open_source = taking.open_source

    def noted(source, *rest):
        names.append(source.path.rpartition("_")[2].rpartition("/")[2])
        return open_source(source, *rest)

    monkeypatch.setattr(taking, "open_source", noted)
    return names


def study_of(folder, pattern="orders.csv", reading=""):
    path = folder / "study.yml"
    path.write_text(
        f"name: tiny\ntolerance: 0.9\nsources: {{orders: {{path: '{pattern}'{reading}}}}}\n"
    )
    return sl.Study.from_yaml(path)


def rows_of(intake) -> pd.DataFrame:
    frame = intake.lines.to_pandas()
    return frame.sort_values(list(frame.columns), ignore_index=True)


def same(folder, *named):
    """The study in parts; its rows, counts and customers are those of the whole."""
    study = study_of(folder, *named)
    intake = study.intake("orders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taking, "parts_of", lambda *_: None)
        patch.setattr(taking, "recalled", lambda _: None)
        patch.setattr(taking, "noted", lambda *_: None)
        alone = study_of(folder, *named)
        whole = alone.intake("orders")
        pd.testing.assert_frame_equal(rows_of(intake), rows_of(whole))
        assert intake.reading == whole.reading
        assert intake.fingerprint == whole.fingerprint
        assert intake.counts.to_dict() == whole.counts.to_dict()
        pd.testing.assert_frame_equal(intake.broken, whole.broken, check_dtype=False)
        pd.testing.assert_frame_equal(study.customers(), alone.customers())
    return intake


def test_lines_added_to_a_file_alone_are_parsed(tmp_path, opened, monkeypatch):
    monkeypatch.setattr(pieces, "LONG", 0)
    orders = tmp_path / "orders.csv"
    orders.write_text(HEAD + JANUARY)
    study_of(tmp_path).customers()
    orders.write_text(HEAD + JANUARY + FEBRUARY)
    opened.clear()
    study = study_of(tmp_path)
    table = study.customers()
    # What was parsed is a file of its own, with the lines of February alone.
    copies = [piece.file for piece in study.intake("orders").pieces.files]
    assert [len(pd.read_parquet(copy)) for copy in copies] == [3, 3]
    assert table.loc["c", "revenue"] == 2.0
    assert opened == ["orders.csv"]
    same(tmp_path)
    orders.write_text(HEAD + JANUARY + FEBRUARY + "d,9,2026-03-01,4\n")
    assert len(same(tmp_path).pieces.files) == 3


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (JANUARY, JANUARY.replace("7.25", "7.26") + FEBRUARY),
        (JANUARY.rstrip("\n"), JANUARY.rstrip("\n") + "1\n" + FEBRUARY),
        (
            JANUARY + 'd,"7,2026-01-31,1\n',
            JANUARY + 'd,"7,2026-01-31,1\n",,\n' + FEBRUARY,
        ),
        (JANUARY, JANUARY + FEBRUARY + "e,5,2026-02-03,1,1,1\n"),
        (JANUARY, JANUARY + "e,5,31.12.2025,1\n" * 9),
        (JANUARY, JANUARY[:-9]),
    ],
    ids=["changed", "no line end", "open quote", "broken line", "layouts", "shorter"],
)
def test_a_file_that_is_not_simply_longer_is_parsed_whole(tmp_path, before, after):
    orders = tmp_path / "orders.csv"
    orders.write_text(HEAD + before)
    study_of(tmp_path).intake("orders")
    orders.write_text(HEAD + after)
    same(tmp_path)


def test_a_new_file_among_others_alone_is_parsed(tmp_path, opened):
    (tmp_path / "o-1.csv").write_text(HEAD + JANUARY)
    (tmp_path / "o-2.csv").write_text(HEAD + FEBRUARY)
    same(tmp_path, "o-*.csv")
    (tmp_path / "o-3.csv").write_text(HEAD + "d,9,2026-03-01,4\n" + "e;5\n")
    opened.clear()
    study_of(tmp_path, "o-*.csv").intake("orders")
    assert opened == ["o-3.csv"]
    same(tmp_path, "o-*.csv")


def test_days_that_one_file_alone_does_not_tell_are_read_by_all(tmp_path):
    (tmp_path / "o-1.csv").write_text(HEAD + "a,1,13/01/2026,5\nb,2,25/01/2026,5\n")
    (tmp_path / "o-2.csv").write_text(HEAD + "a,3,02/03/2026,5\n")
    found = same(tmp_path, "o-*.csv")
    assert found.reading.date_formats == ("%d/%m/%Y",)


@pytest.mark.parametrize("reading", [", duplicates: drop", ", amount_per: order"])
def test_rows_that_look_at_others_are_read_together(tmp_path, reading):
    (tmp_path / "o-1.csv").write_text(HEAD + JANUARY)
    (tmp_path / "o-2.csv").write_text(HEAD + JANUARY)
    same(tmp_path, "o-*.csv", reading)


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    log = tmp_path / "orders.csv"
    log.write_text(HEAD + JANUARY * 20)
    study_of(tmp_path).intake("orders").counts.sum()
    log.write_text(HEAD + JANUARY * 20 + FEBRUARY)

    def full(_, copy, *rest):
        copy.write(b"a,")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(parts.shutil, "copyfileobj", full)
    before = {*textfiles.scratch().iterdir()}  # the process' own, with what others left
    with pytest.raises(ConfigError, match="no space") as refused:
        study_of(tmp_path).intake("orders")
    assert len(str(refused.value).splitlines()) == 1
    assert {*textfiles.scratch().iterdir()} == before
