"""The segments as files: one row per customer, one column per scheme, then state and
expectations, for Parquet, CSV and spreadsheets."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segment_lab.data.files import REJECTED, neutralised, write_csv
from segment_lab.texts import DEFAULT, language, say, speaking
from segment_lab.texts.formats import words
from segment_lab.texts.names import told

if TYPE_CHECKING:
    import pandas as pd

    from segment_lab.study.study import Study

SHEET_ROWS = 1_048_575
#: What is expected of a customer, and how it is rounded in the files.
EXPECTED = {"p_active": 4, "expected_orders": 4, "expected_revenue": 2}
SEGMENT_FILES = (
    "segments.xlsx",
    "segments.csv",
    "segments.parquet",
    "rules_matched.csv",
    REJECTED,
    "rejected.parquet",
)


def write_segments(
    config: str,
    as_of: str | None,
    folder: str,
    languages: Sequence[str] = (DEFAULT,),
    earlier: str = "",
) -> dict[str, Any]:
    """Write ``segments.parquet / .csv / .xlsx`` and ``rejected.parquet / .csv`` to a folder; what
    was written comes back.

    Further `languages` get page one and what people read in a folder each; data are the same in
    every language, so they are written once. `earlier` is the path of the run before's actions.
    """
    from segment_lab.render.earlier import earlier_actions, marked_done
    from segment_lab.study.study import Study

    study = Study.from_yaml(config, as_of=as_of)
    frame, target = segments_frame(study), Path(folder)
    forecast = forecast_facts(study)
    frame.to_parquet(target / "segments.parquet", index=False)
    safe = neutralised(frame)
    write_csv(frame, target / "segments.csv")
    notes = []
    if len(safe) <= SHEET_ROWS:
        write_sheet(safe, target / "segments.xlsx", forecast)
    else:
        notes.append(say("render.run.sheet_too_long", most=SHEET_ROWS, rows=len(safe)))
    write_matched(study, target)
    rejected = write_rejected(study, target) if study.has("orders") else 0
    from segment_lab.render.lists import write_lists, write_read

    before = None
    if earlier:
        back = study.config.report.done
        marks = marked_done(study.base / back) if back else []
        before = earlier_actions(earlier, marks)
    listed, history = write_lists(study, target, before)
    for name in languages[1:]:
        (target / name).mkdir(exist_ok=True)
        with speaking(name):
            if len(safe) <= SHEET_ROWS:
                write_sheet(safe, target / name / "segments.xlsx", forecast)
                listed.append(f"{name}/segments.xlsx")
            listed += [
                f"{name}/{file}" for file in write_read(study, target / name, before)
            ]
    written = [name for name in SEGMENT_FILES if (target / name).exists()]
    return {
        "files": [*listed, *written],
        "customers": len(frame),
        "schemes": [column for column in frame.columns[1:] if column in study.methods],
        "rejected_order_lines": rejected,
        "notes": notes,
        "forecast": forecast,
        "history": history,
    }


def forecast_facts(study: Study) -> dict[str, Any]:
    """What is to be said of the expectations in the files: ``horizon`` and, where forecasts of
    earlier ``days`` could be checked, their usual errors in ``orders`` and ``revenue``; empty
    without orders."""
    if not study.has("orders"):
        return {}
    from segment_lab.customers.forecast import usual_errors
    from segment_lab.study.study import JUDGED

    errors = usual_errors(study.drawn(JUDGED).forecast_check())
    horizon = study.config.comparison.horizon_days
    return {"horizon": horizon, "days": 0, **errors}


def write_rejected(study: Study, folder: Path) -> int:
    """``rejected.parquet``, and ``rejected.csv`` to read where there is such a row; the count."""
    import pandas as pd

    rows = study.write_rejected(folder / "rejected.parquet")
    if rows:
        write_csv(pd.read_parquet(folder / "rejected.parquet"), folder / REJECTED)
    return rows


def write_matched(study: Study, folder: Path) -> None:
    """``rules_matched.csv``: every customer with all rules of the company's own that hold, whoever
    matches the most first; nothing without such rules."""
    from segment_lab.errors import NotEnoughDataError

    if "rules" not in study.methods:
        return
    try:
        found = study.segmentation("rules").to_frame()
    except NotEnoughDataError:
        return
    rows = found.sort_values("rules_matched", ascending=False, kind="stable")
    columns = ["customer_id", "segment", "rules_matched", "matched"]
    write_csv(rows.reset_index()[columns], folder / "rules_matched.csv")


def segments_frame(study: Study) -> pd.DataFrame:
    """One row per customer, sorted by ``customer_id``.

    First one text column per scheme, empty where it has no answer; where there are orders, then
    ``state``, ``p_active``, and for the comparison's horizon ``expected_orders`` and
    ``expected_revenue``, empty for those who never ordered.
    """
    import pandas as pd

    from segment_lab.errors import NotEnoughDataError

    columns = {}
    for method in study.methods:
        try:
            columns[method] = study.segmentation(method).labels.astype("str")
        except NotEnoughDataError:
            continue
    if not columns:
        return pd.DataFrame({"customer_id": pd.Series(dtype="str")})
    frame = pd.DataFrame(columns).sort_index().rename_axis("customer_id")
    if study.has("orders"):
        known = study.customers(predict=True).reindex(frame.index)
        frame["state"] = known["state"].astype("str").where(known["state"].notna())
        for name, decimals in EXPECTED.items():
            frame[name] = known[name].astype("float64").round(decimals)
    return frame.reset_index()


def write_sheet(
    frame: pd.DataFrame, path: Path, forecast: Mapping[str, Any] | None = None
) -> None:
    """One sheet with a frozen header and a filter, heads and names of segments as readers see
    them; the heads of expectations say how far such a `forecast` (`forecast_facts`) is usually off.
    The same frame gives the same bytes."""
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    with xlsxwriter.Workbook(path, options) as book:
        title = say("render.run.segments")
        book.set_properties({"created": dt.datetime(2000, 1, 1), "title": title})
        sheet, bold = book.add_worksheet(title), book.add_format({"bold": True})
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, len(frame.columns), 22)
        sheet.autofilter(0, 0, len(frame), max(len(frame.columns) - 1, 0))
        for column, name in enumerate(frame.columns):
            head = str(name) if language() == DEFAULT else words(name)
            sheet.write_string(0, column, head, bold)
            if forecast and name in ("expected_orders", "expected_revenue"):
                sheet.write_comment(0, column, say("index.forecast", **forecast))
        for number, row in enumerate(frame.itertuples(index=False), 1):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, column, told(value) if column else value)
                elif isinstance(value, float) and math.isfinite(value):
                    sheet.write_number(number, column, value)
