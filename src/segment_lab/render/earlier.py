"""The run before this one, as input: which it is, its actions, and what people marked as done.

The same history gives the same page: the run is chosen by its day and its name, never by the
clock, and its hash is part of what a run depends on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segment_lab.errors import ConfigError
from segment_lab.render.publishing import Run
from segment_lab.texts import say
from segment_lab.texts.formats import words

if TYPE_CHECKING:
    import pandas as pd

ACTIONS = "actions.parquet"


def earlier_run(runs: Iterable[Run], as_of: str) -> Run | None:
    """The last good run of an earlier day that holds actions."""
    able = [
        run
        for run in runs
        if run.good
        and run.manifest["as_of"] < as_of
        and ACTIONS in run.manifest["files"]
    ]
    return max(
        able, key=lambda run: (run.manifest["as_of"], run.folder.name), default=None
    )


def held_against(runs: Iterable[Run], as_of: str) -> Run | None:
    """What a run of this day is held against, of runs with the latest first: the last good one of
    an earlier day, or else of the same."""
    able = [run for run in runs if run.good and run.manifest["as_of"] <= as_of]
    past = [run for run in able if run.manifest["as_of"] < as_of]
    return next(iter(past or able), None)


def described(run: Run | None) -> dict[str, Any]:
    """What the manifest keeps of it; empty without one."""
    if run is None:
        return {}
    sha256 = run.manifest["files"][ACTIONS]["sha256"]
    return {
        "run": run.folder.name,
        "as_of": run.manifest["as_of"],
        "actions": sha256,
    }


def earlier_actions(path: str | Path, done: Iterable[str] = ()) -> pd.DataFrame:
    """Its actions, with the marks that people brought back.

    Parameters
    ----------
    path : path
        Of its ``actions.parquet``.
    done : iterable of str
        Ids of actions that somebody marked as done.
    """
    import pandas as pd

    actions = pd.read_parquet(path)
    marked = actions["action_id"].isin(set(done))
    actions["done"] = actions["done"].mask(marked, "yes")
    return actions


def marked_done(path: Path) -> list[str]:
    """Ids of the actions that have a mark in the column ``done`` of a list that was sent back.

    Parameters
    ----------
    path : Path
        A workbook as ``actions.xlsx`` (every sheet counts) or a CSV with the same columns.

    Raises
    ------
    ConfigError
        There is no such file, or it lacks one of the two columns.
    """
    from segment_lab.act.actions import marked

    found: list[str] = []
    for name, frame in _sheets(path).items():
        heads = {str(head).strip().lower(): head for head in frame.columns}
        columns = [_head(heads, wanted) for wanted in ("action_id", "done")]
        if None in columns:
            raise ConfigError(say("follow_up.no_columns", file=path.name, sheet=name))
        ids, marks = frame[columns[0]], frame[columns[1]]
        found += list(ids[marked(marks)].astype(str))
    return sorted(set(found))


def _head(heads: Mapping[str, Any], wanted: str) -> Any:
    """A column by its name in data or on the page."""
    return heads.get(wanted, heads.get(words(wanted).lower()))


def _sheets(path: Path) -> dict[str, pd.DataFrame]:
    import pandas as pd

    if not path.is_file():
        raise ConfigError(say("follow_up.no_file", file=path))
    if path.suffix.lower() == ".csv":
        return {
            path.name: pd.read_csv(
                path,
                dtype=str,
                keep_default_na=False,
            )
        }
    sheets = pd.read_excel(path, sheet_name=None, dtype=str, engine="calamine")
    return {name: frame for name, frame in sheets.items() if len(frame)}
