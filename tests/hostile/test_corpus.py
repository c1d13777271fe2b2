"""Accepted + set aside = physical rows, or one clear refusal; never a traceback, a hang, a
flood."""

from __future__ import annotations

import pytest

from segment_lab.data import embedded
from segment_lab.data.damaged import in_words
from segment_lab.data.readers import open_file
from segment_lab.data.sources import Source
from segment_lab.data.taking import take_in
from segment_lab.data.validation import validate
from segment_lab.errors import SegmentLabError

from .corpus import CASES, HEADER, ROWS, VALUES


@pytest.fixture(scope="module")
def connection():
    return embedded.connect()


def test_the_corpus_is_large():
    assert len(CASES) + len(VALUES) >= 200


def read(case, folder, connection) -> tuple[int, int]:
    """Rows and lines set aside, as the reader alone sees them; with settings, as the study does."""
    source = validate(Source, {"path": case.name, **case.source}, "orders")
    if case.source:
        intake = take_in("orders", source, folder, connection, keep=False)
        if intake.faults(tolerance=1):
            raise SegmentLabError("refused")
        return int(intake.counts["accepted"]), int(
            intake.counts.sum() - intake.counts["accepted"]
        )
    raw = open_file(source, folder, connection)
    with in_words("orders", raw.label):
        seen = {
            f"c{i}": raw.table[c].max() for i, c in enumerate(raw.table.columns[:8])
        }
        rows = connection.execute(raw.table.aggregate(n=raw.table.count(), **seen))
        return int(rows["n"].iloc[0]), len(raw.broken(connection))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", CASES)
def test_every_line_is_a_row_or_set_aside(name, tmp_path, connection):
    case = CASES[name]
    (tmp_path / case.name).write_bytes(case.content)
    try:
        good, aside = read(case, tmp_path, connection)
    except SegmentLabError as error:
        said = str(error)
        if case.rows is not None or "Traceback" in said or len(said) > 4000:
            pytest.fail(said)
        return
    if case.rows is not None:
        assert good + aside == case.rows
    if case.accepted is not None:
        assert good == case.accepted


@pytest.fixture(scope="module")
def judged(tmp_path_factory, connection):
    """The reason of each row with one strange value, all in one file."""
    folder = tmp_path_factory.mktemp("values")
    lines = [f"{line},{place}\n" for place, (line, _) in enumerate(VALUES.values())]
    good = [line.replace(",x\n", ",-1\n") for line in ROWS * 5]
    (folder / "orders.csv").write_text(HEADER + "".join(good + lines), encoding="utf-8")
    source = Source(path="orders.csv", columns={"order_id": "note"})
    intake = take_in("orders", source, folder, connection, keep=False)
    assert int(intake.counts.sum()) == len(good) + len(lines)
    frame = connection.execute(intake.lines.select("order_id", "reason"))
    return frame[frame["order_id"] != "-1"].set_index("order_id")["reason"]


@pytest.mark.parametrize("name", VALUES)
def test_a_strange_value_is_set_aside_under_its_column(name, judged):
    expected = VALUES[name][1]
    reason = judged[str(list(VALUES).index(name))]
    if expected is None:
        assert reason is None or reason != reason
    else:
        assert str(reason).endswith(f" {expected}")
