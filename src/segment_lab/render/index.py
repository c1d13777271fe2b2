"""The pages that lead to the reports: a run's decision page, and the list of studies with their
history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from segment_lab.render import history, since
from segment_lab.render.earlier import held_against
from segment_lab.render.exporter import environment
from segment_lab.render.publishing import MANIFEST, Run, Shelf, write_whole
from segment_lab.texts import say, speaking

TONES = {
    "ok": "good",
    "failed": "bad",
    "skipped": "sl-open",
    "thin": "caution",
}
# Who has the word while no action can be recommended, first asked first.
SPEAKERS = (
    "receivables",
    "leads",
    "rfm",
    "abc",
    "lifecycle",
    "clusters",
    "rules",
    "engagement",
    "comparison",
    "data",
)


def run_page(
    manifest: Mapping[str, Any], front: Mapping[str, Any] | None = None
) -> str:
    """``index.html`` of a run: the decision first, then every report with its answer, then the
    files.

    Parameters
    ----------
    manifest : mapping
        The run's manifest; its clock times are not used, so the page is the same for the same
        inputs.
    front : mapping, optional
        The document of page one (`pages.front`); without it the reports' own answers stand there.
    """
    reports = {r["name"]: r for r in manifest["reports"]}
    good = {
        name: r
        for name, r in reports.items()
        if r["status"] == "ok" and r.get("headline")
    }
    trust, decision = good.get("comparison"), good.get("strategy")
    failed = [r for r in reports.values() if r["status"] == "failed"]
    scheme = reports.get((decision or {}).get("parameters", {}).get("scheme"))
    first = [r for r in (decision,) if r]
    page = {
        "studies": "../../index.html",
        "restated": [],
        **manifest,
        "lead": speaker(list(reports.values())),
        "decision": decision,
        "trust": trust,
        "failed": failed,
        "scheme": scheme,
        "tones": TONES,
        "shown": first
        + [r for r in reports.values() if r["status"] != "skipped" and r not in first],
        "left_out": [r for r in reports.values() if r["status"] == "skipped"],
    }
    if front is None:
        return environment().get_template("run.html.j2").render(page)
    return environment().get_template("front.html.j2").render(page, front=front)


def segments_page(page: Mapping[str, Any]) -> str:
    """``segments.html``: the cards of page one's segments (`pages.front.cards`)."""
    return environment().get_template("segments.html.j2").render(page=page)


def speaker(reports: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The report whose answer a study opens with: the decision, or what is known while nothing is
    recommended."""
    good = {r["name"]: r for r in reports if r["status"] == "ok" and r.get("headline")}
    figures = good["strategy"]["headline"]["figures"] if "strategy" in good else {}
    if any(figure["value"] for figure in figures.values()):
        return good["strategy"]
    return next((good[name] for name in SPEAKERS if name in good), good.get("strategy"))


def write_studies(out: Path) -> None:
    """``index.html`` of the reports folder: studies, their last good run, what changed, and all
    runs kept."""
    with FileLock(out / ".index.lock"):
        _write_studies(out)


def _write_studies(out: Path) -> None:
    studies: list[dict[str, Any]] = []
    for folder in sorted(p.parent for p in out.glob(f"*/*/{MANIFEST}")):
        if folder.parent.name not in [
            s["name"] for s in studies
        ] and not folder.parent.name.startswith("."):
            runs = Shelf(out, folder.parent.name).runs()
            if runs:
                studies.append(_study(folder.parent.name, runs))
    text = (
        environment()
        .get_template("studies.html.j2")
        .render(studies=studies, tones=TONES)
    )
    write_whole(out / "index.html", text)


def _study(name: str, runs: Sequence[Run]) -> dict[str, Any]:
    good = [run for run in runs if run.good]
    now = good[0] if good else None
    before = held_against(good[1:], now.manifest["as_of"]) if now else None
    return {
        "name": name,
        "title": runs[0].manifest["title"],
        "good": now,
        "before": before,
        "newest": max(runs, key=lambda run: run.manifest["finished"]),
        "lead": speaker(now.manifest["reports"]) if now else None,
        "figures": changes(now, before) if now else [],
        "since": [*_plan(now), *_since(now, before)] if now else [],
        "history": _history(now) if now else [],
        "runs": [_line(run) for run in runs],
    }


def _line(run: Run) -> dict[str, Any]:
    """A run in the list of all runs."""
    reports = run.manifest["reports"]
    failed = [report for report in reports if report["status"] == "failed"]
    return {
        "folder": run.folder.name,
        "as_of": run.manifest["as_of"],
        "status": run.manifest["status"],
        "complete": run.manifest["complete"],
        "failed": [report["title"] for report in failed],
    }


def _history(now: Run) -> list[dict[str, Any]]:
    with speaking(currency=now.manifest.get("currency", "")):
        return history.pictured(now.folder.parent)


def _plan(now: Run) -> list[str]:
    """What became of last time's plan: promised, came, learned."""
    handed_on = now.manifest.get("segments") or {}
    history = handed_on.get("history") or {}
    return list(history.get("plan", []))


def _since(now: Run, before: Run | None) -> list[str]:
    with speaking(currency=now.manifest.get("currency", "")):
        return since.told(now.manifest, before.manifest if before else None)


def changes(now: Run, before: Run | None) -> list[dict[str, str]]:
    """Every headline figure of a run with its value in the run before and the change between
    them."""
    past = {}
    for report, key, figure in _figures(before) if before else ():
        past[report["name"], key] = figure
    rows = []
    for report, key, figure in _figures(now):
        then = past.get((report["name"], key))
        rows.append(
            {
                "name": report["name"],
                "report": report["title"],
                "label": figure["label"],
                "now": figure["text"],
                "before": then["text"] if then else "–",
                "change": _change(figure, then),
            }
        )
    return rows


def _figures(run: Run) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Every headline figure of a run: its report, its key, and what it is."""
    for report in run.manifest["reports"]:
        headline = report.get("headline") or {}
        for key, figure in headline.get("figures", {}).items():
            yield report, key, figure


def _change(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    new, old = now["value"], (before or {}).get("value")
    if (
        isinstance(new, bool)
        or not isinstance(new, int | float)
        or not isinstance(old, int | float)
    ):
        return "–" if before is None or old == new else say("index.change.changed")
    if new == old:
        return say("index.change.none")
    if "%" in now["text"]:
        return say("index.change.points", change=new - old)
    if not old:
        return say("index.change.from_zero")
    return say("index.change.relative", change=(new - old) / abs(old))
