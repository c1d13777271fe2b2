"""`init` on 330 and more small files as people have them: the right totals without an edit, or the right
question."""

from __future__ import annotations

from pathlib import Path

import ibis
import pytest
import yaml

import segment_lab as sl
from physical import physical_rows
from segment_lab.data.guess import first_config
from segment_lab.errors import SegmentLabError

CORPUS = Path(__file__).parent / "corpus"
RIGHT = yaml.safe_load((CORPUS / "right.yml").read_text("utf-8"))
FILES = {
    path.name: path
    for folder in ("exports", "cases", "invented")
    for path in (CORPUS / folder).iterdir()
}


def outcome(path: Path, target: Path) -> dict:
    """What init makes of a file, and what the study then reads."""
    try:
        text, proposal = first_config(path, target)
    except SegmentLabError as error:
        return {"refused": str(error), "says": ""}
    target.write_text(text, encoding="utf-8")
    found = {"says": "\n".join([*proposal.took, *proposal.doubts])}
    found["tables"] = sorted(proposal.sources)
    study = sl.Study.from_yaml(target)
    study._keep_copies = False
    plain = [name for name in found["tables"] if study.config.sources[name].path]
    found["rows"] = {name: _rows(study, name, path) for name in plain}
    try:
        study.check()
        if study.has("orders"):
            customers = study.customers()
            found["who"] = sorted(customers.index)
            found["customers"] = len(customers)
            found["orders"] = int(customers.frequency.sum())
            found["revenue"] = round(float(customers.revenue.sum()), 2)
            found["first"] = str(customers.first_order.min())[:10]
            found["last"] = str(customers.last_order.max())[:10]
        if study.has("leads"):
            leads = study.table("leads")
            found["leads"] = int(leads.count().execute())
            if "value" in leads.columns:
                found["worth"] = round(float(leads.value.sum().execute() or 0), 2)
        if study.has("lead_stages"):
            found["stages"] = int(study.table("lead_stages").count().execute())
        if study.has("touches"):
            touches = study.table("touches").execute()
            found["contacts"] = len(touches)
            found["reached"] = sorted(touches.customer_id[touches.event == "call"])
        if study.has("invoices"):
            lines = study.table("invoices")
            signs = lines.amount
            if "kind" in lines.columns:
                owed = (lines.kind == "invoice") | (lines.amount < 0)
                signs = owed.ifelse(lines.amount, -lines.amount)
            found["documents"] = int(lines.count().execute())
            if "settled_date" in lines.columns:
                signs = lines.settled_date.isnull().ifelse(signs, 0)
            found["open"] = round(float(signs.sum().execute()), 2)
            for name in ("settled_date", "disputed"):
                told = lines[name].cast("string") if name in lines.columns else None
                no = ibis.literal(0) if told is None else (told != "false").sum()
                found[name.removesuffix("_date")] = int(no.fill_null(0).execute())
    except SegmentLabError as error:
        found["stops"] = str(error)
    return found


def _rows(study: sl.Study, table: str, path: Path) -> tuple[int, int]:
    """Rows that the study accounts for (accepted, set aside, left out), and rows that are there."""
    intake = study.intake(table)
    told = int(intake.counts.sum()) + intake.left_out
    return told, physical_rows(path, study.config.sources[table])


def test_every_file_has_its_right_answer():
    assert sorted(FILES) == sorted(RIGHT)


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_totals_are_right_or_the_question_is(name, tmp_path):
    right, found = RIGHT[name], outcome(FILES[name], tmp_path / "s.yml")
    for key in ("refused", "stops", "says"):
        assert right.get(key, "") in found.get(key, ""), found
    if "stops" not in right:
        assert "stops" not in found
    numbers = {
        key: right[key]
        for key in right
        if key not in ("refused", "stops", "says", "tables")
    }
    assert {key: found.get(key) for key in numbers} == numbers
    for table, (told, there) in found.get("rows", {}).items():
        assert told == there, table
    if "tables" in right:
        assert found["tables"] == sorted(right["tables"])
