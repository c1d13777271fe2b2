"""A file is taken in once: until it changes, nobody parses or hashes it again."""

from __future__ import annotations

import pytest

import segment_lab as sl
from segment_lab.data import taking

LINES = "customer_id,order_date,amount\na,2026-01-01,5.50\nb,2026-01-02,7.25\nc,2026-01-03,x\n"


@pytest.fixture
def study_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "orders.csv").write_text(LINES)
    path = tmp_path / "study.yml"
    path.write_text(
        "name: tiny\nas_of: 2026-02-01\ntolerance: 0.5\nsources: {orders: {path: orders.csv}}\n"
    )
    return path


def taken_in(path):
    intake = sl.Study.from_yaml(path).intake("orders")
    return intake, (
        intake.fingerprint,
        intake.counts.to_dict(),
        intake.left_out,
        intake.raw.label,
    )


def test_a_file_that_is_known_is_not_opened(study_file, monkeypatch):
    _, first = taken_in(study_file)
    with monkeypatch.context() as patch:
        patch.setattr(taking, "open_source", lambda *_: pytest.fail("opened again"))
        again, found = taken_in(study_file)
        assert found == first
    # Only who looks at raw rows opens it: here at the line that cannot be read.
    assert again.examples("unreadable amount") == ("x",)


def test_a_change_of_the_same_size_is_noticed(study_file):
    _, first = taken_in(study_file)
    orders = study_file.parent / "orders.csv"
    orders.write_text(LINES.replace("7.25", "7.26"))
    _, found = taken_in(study_file)
    assert found[0] != first[0]


def test_other_words_for_the_same_file_are_another_intake(study_file):
    _, first = taken_in(study_file)
    study_file.write_text(
        study_file.read_text().replace(
            "orders.csv", "orders.csv, where: amount <> '5.50'"
        )
    )
    _, found = taken_in(study_file)
    assert found[1] != first[1]


def test_a_lost_copy_is_made_again(study_file):
    _, first = taken_in(study_file)
    for copy in (study_file.parent / "cache").glob("*.parquet"):
        copy.unlink()
    assert taken_in(study_file)[1] == first
