"""History as data: one row per run and segment, in one file beside a study's runs, for Power BI or
any other tool; runs may be pruned, their rows stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segment_lab.data.files import replacing
from segment_lab.show.svg import sparkline
from segment_lab.texts import say

if TYPE_CHECKING:
    import pandas as pd

    from segment_lab.pages.front.gather import Gathering

HISTORY = "history.parquet"
#: What a run says of a segment, and what came of its actions, which the next run finds out.
COLUMNS = {
    "run": "str",
    "as_of": "datetime64[ms]",
    "segment": "str",
    "customers": "int64",
    "revenue": "float64",
    "verdict": "str",
    "actions": "int64",
    "done": "Int64",
    "bought": "Int64",
}
#: Twelve months' worth of runs are a picture; so many segments have a line each.
DRAWN = 12


def rows_of(gathered: Gathering) -> dict[str, list[Any]]:
    """What a run adds: its ``segments``, what ``came`` of the actions of the run before, and what
    became of the last ``plan`` in words, for the index of studies."""
    from segment_lab.pages.front.lessons import became

    listed = gathered.actions
    asked: Any = listed.frame["segment"].value_counts() if len(listed.frame) else {}
    segments = [
        {
            "segment": row.segment,
            "customers": int(row.customers),
            "revenue": round(float(sum(row.history)), 2),
            "verdict": row.verdict,
            "actions": int(asked.get(row.segment, 0)),
        }
        for row in gathered.treatments()
        if row.card
    ]
    plan = became(gathered.page)
    return {
        "segments": segments,
        "came": _came(listed.outcome),
        "plan": plan,
    }


def _came(outcome: pd.DataFrame) -> list[dict[str, Any]]:
    if outcome.empty or "segment" not in outcome:
        return []
    flags = outcome[["segment", "done", "bought"]].astype(
        {"done": bool, "bought": bool}
    )
    summed = flags.groupby("segment", observed=True).sum()
    return [
        {"segment": str(name), "done": int(row["done"]), "bought": int(row["bought"])}
        for name, row in summed.iterrows()
    ]


def append(folder: Path, run: str, manifest: Mapping[str, Any]) -> Path | None:
    """Add a run's rows to ``history.parquet`` in the folder of its study, in one step.

    A run that is there already replaces its own rows, so a rerun adds none; rows are ordered by
    day, then by run. What came of the run before is written into the rows of that run.

    Parameters
    ----------
    folder : Path
        Of the study's runs.
    run : str
        Name of the run's folder.
    manifest : mapping
        Its manifest; its ``segments`` part holds what `rows_of` said.

    Returns
    -------
    Path or None
        The file; None where the run says nothing of segments.
    """
    import pandas as pd

    told = manifest["segments"].get("history") or {}
    if not told.get("segments"):
        return None
    added = pd.DataFrame(told["segments"]).assign(
        run=run, as_of=pd.Timestamp(manifest["as_of"]), done=None, bought=None
    )
    path = folder / HISTORY
    kept = read(folder)
    own = kept["run"] == run
    for name in ("done", "bought"):  # what came of it is known already
        known = kept[own].set_index("segment")[name]
        added[name] = added["segment"].map(known)
    kept = _with_outcome(kept[~own], manifest, told["came"])
    frames = [frame[list(COLUMNS)].astype(COLUMNS) for frame in (kept, added)]
    whole = pd.concat([frame for frame in frames if len(frame)])
    whole = whole.sort_values(["as_of", "run"], kind="stable")
    with replacing(path, private=True) as draft:
        whole.to_parquet(draft, index=False)
    return path


def _with_outcome(
    kept: pd.DataFrame,
    manifest: Mapping[str, Any],
    came: Sequence[Mapping[str, Any]],
) -> pd.DataFrame:
    """What a run found out about the run before stands in the rows of that run."""
    before = manifest.get("earlier", {}).get("run")
    kept = kept.copy()
    for found in came:
        there = (kept["run"] == before) & (kept["segment"] == found["segment"])
        kept.loc[there, ["done", "bought"]] = [found["done"], found["bought"]]
    return kept


def read(folder: Path) -> pd.DataFrame:
    """The history of a study, empty where none was written yet.

    A file that is damaged is put aside as ``history.damaged``, so that it costs no run its pages.
    """
    import pandas as pd

    path = folder / HISTORY
    if path.exists():
        try:
            return pd.read_parquet(path).astype(COLUMNS)
        except (OSError, ValueError, KeyError):
            path.replace(path.with_suffix(".damaged"))
    return pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)


def pictured(folder: Path) -> list[dict[str, Any]]:
    """A line per segment of the last run: ``name, customers, revenue, customers_line,
    revenue_line, verdict`` over the runs' days, the last run of a day standing for it."""
    whole = read(folder)
    if whole["as_of"].nunique() < 2:
        return []
    daily = whole.drop_duplicates(["as_of", "segment"], keep="last")
    last = daily[daily["as_of"] == daily["as_of"].max()]
    lines = []
    for row in last.to_dict("records"):
        past = daily[daily["segment"] == row["segment"]].tail(DRAWN)
        drawn = {
            f"{name}_line": sparkline(
                list(past[name].astype(float)),
                say(f"index.history.{name}_alt", **_ends(row["segment"], past[name])),
            )
            for name in ("customers", "revenue")
        }
        lines.append({**row, **drawn})
    return lines


def _ends(segment: str, values: pd.Series) -> dict[str, Any]:
    return {
        "segment": segment,
        "first": float(values.iloc[0]),
        "last": float(values.iloc[-1]),
        "runs": len(values),
    }
