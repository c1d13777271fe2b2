"""A whole study, unattended: what has not changed is kept, the rest is made in parallel and
published at once."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

import segment_lab
from segment_lab.data.given import names_checked, of_kind
from segment_lab.errors import ArgumentError, ConfigError, SegmentLabError, nearest
from segment_lab.render import answer, earlier, inputs, plan
from segment_lab.render.catalog import Report, chosen, prepare
from segment_lab.render.editions import Edition
from segment_lab.render.progress import Progress
from segment_lab.render.publishing import Run, Shelf
from segment_lab.render.turns import Turn, Turns
from segment_lab.render.worker import ForkServer
from segment_lab.texts import known, say, speaking

if TYPE_CHECKING:
    from segment_lab.render.rendering import Limits

WAIT_SECONDS = 3600.0
ENGINES = ("segment-lab", "kernel")
#: In the folder of a run in the making: what its processes share.
SHARED_FOLDER = ".shared"


@dataclass(frozen=True)
class RunResult:
    """What came of a run: `exit_code` (0 all rendered, 1 some report failed) and the `folder` it
    was published in.

    `reports` maps each name to ``ok, failed, thin`` (not enough data) or ``skipped``; those in
    `rendered` were made anew, the rest was kept from earlier runs.
    """

    exit_code: int
    folder: Path
    reports: Mapping[str, str] = field(default_factory=dict)
    rendered: tuple[str, ...] = ()

    @property
    def index(self) -> Path:
        """The decision page."""
        return self.folder / "index.html"


@names_checked
def run_study(  # noqa: PLR0913 (every option of the command line)
    config: str | Path,
    *,
    as_of: dt.date | str | None = None,
    only: Sequence[str] | None = None,
    jobs: int | None = None,
    out: str | Path = "reports",
    force: bool = False,
    engine: str = "segment-lab",
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    log_json: bool = False,
    pdf: bool = False,
    retention: int | None = None,
    lang: Sequence[str] | None = None,
) -> RunResult:
    """Render a study's reports into ``<out>/<study>/<run>/`` and point ``latest`` at the run if it
    is good.

    A run with `only` or `parameters` is a look at a part or a what-if: it writes no segments and
    never becomes ``latest``.

    Parameters
    ----------
    config, out : path
        The study file, and the folder of all studies' reports.
    as_of, retention : date or str, int, optional
        Reference day, and runs to keep, instead of the study file's.
    only : sequence of str, optional
        Names of reports.
    jobs : int, optional
        Notebooks at the same time; the number of cores otherwise.
    force, pdf, log_json : bool
        Render even what has not changed; print every page to PDF as well; log one JSON object per
        line.
    engine : {"segment-lab", "kernel"}
        Forked kernels, or ordinary ones.
    lang : sequence of str, optional
        Languages instead of the study file's; all but the first get a folder of their own.
    parameters : mapping, optional
        Report → parameter → value, for that report alone in place of the study file's.

    Raises
    ------
    SegmentLabError
        The study file, a parameter, the data or the output folder is unfit; nothing was published.

    Examples
    --------
    >>> run_study("no_such_study.yml")
    Traceback (most recent call last):
    segment_lab.errors.ConfigError: ...
    """
    of_kind(
        "run_study",
        config=(config, (str, Path)),
        out=(out, (str, Path)),
        as_of=(as_of, (str, dt.date, NoneType)),
        only=(only, (list, tuple, NoneType)),
        lang=(lang, (list, tuple, NoneType)),
        parameters=(parameters, (Mapping, NoneType)),
        jobs=(jobs, (int, NoneType)),
        retention=(retention, (int, NoneType)),
    )
    if engine not in ENGINES:
        hint = nearest(engine, ENGINES)
        raise ArgumentError(say("render.error.no_engine", name=repr(engine), hint=hint))
    path = Path(config).absolute()
    languages = known(lang) if lang else inputs.study_languages(path)
    job = _Job(
        path,
        languages,
        str(as_of) if as_of else None,
        tuple(only) if only else None,
        max(1, jobs or _cores()),
        Path(out).absolute(),
        force,
        engine,
        dict(parameters or {}),
        pdf,
        retention,
        Progress(log_json),
    )
    with speaking(languages[0]):
        return job.run()


def _cores() -> int:
    return (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )


@dataclass
class _Job:
    """One call of `run_study`: its arguments, and the steps in order."""

    config: Path
    languages: tuple[str, ...]
    as_of: str | None
    only: tuple[str, ...] | None
    jobs: int
    out: Path
    force: bool
    engine: str
    changes: dict[str, Mapping[str, Any]]
    pdf: bool
    retention: int | None
    progress: Progress
    started: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    def run(self) -> RunResult:
        reports = chosen(self.only)
        name = inputs.study_name(self.config)
        if name is None:  # no study file: its validation says why
            prepare(str(self.config), self.as_of, self.changes)
            raise AssertionError(say("render.error.no_name", config=self.config))
        shelf = Shelf(self.out, name)
        waits = say("render.run.waiting", study=name)
        with shelf.locked(WAIT_SECONDS, lambda: self.progress.say("waiting", waits)):
            request = self._request(reports)
            for run in shelf.runs() if request and not self.force else ():
                if (
                    run.manifest["request"] == request
                    and run.manifest["status"] == "ok"
                    and run.intact()
                    and run.manifest.get("earlier", {})
                    == self._earlier(shelf, run.manifest)
                ):
                    return self._keep(shelf, run)
            with (
                shelf.staging() as staging,
                closing(
                    ForkServer(max(1, _cores() // self.jobs), staging / SHARED_FOLDER)
                ) as server,
            ):
                return self._make(shelf, staging, server, request)

    def _request(self, reports: Sequence[Report]) -> str | None:
        arguments = {
            "as_of": self.as_of,
            "only": self.only,
            "changes": self.changes,
            "pdf": self.pdf,
            "languages": self.languages,
        }
        return inputs.request_key(
            self.config, arguments, {r.name: r.digest for r in reports}
        )

    def _earlier(self, shelf: Shelf, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The run before, as the manifest names it."""
        return earlier.described(earlier.earlier_run(shelf.runs(), facts["as_of"]))

    def _keep(self, shelf: Shelf, run: Run) -> RunResult:
        if run.good:
            shelf.point(run)
        text = say("render.run.unchanged", folder=run.folder)
        self.progress.say("unchanged", text, folder=str(run.folder))
        return RunResult(
            0, run.folder, {r["name"]: r["status"] for r in run.manifest["reports"]}
        )

    def _make(
        self, shelf: Shelf, staging: Path, server: ForkServer, request: str | None
    ) -> RunResult:
        self.progress.say("check", say("render.run.reading", config=self.config.name))
        threading.Thread(target=_warm_up).start()
        with suppress(RuntimeError):  # what comes next meets the same, and says it
            server.call(
                "segment_lab.render.reading:take_in",
                {"config": str(self.config)},
                staging / ".taken",
                task="read",
            )
        facts = server.call(
            "segment_lab.render.catalog:prepare",
            {"config": str(self.config), "as_of": self.as_of, "changes": self.changes},
            staging / ".facts",
        )
        # A look at a part, or a what-if, is never the study's answer.
        in_part = bool(self.only or self.changes)
        reports = chosen(self.only or facts["report"]["only"])
        sets = [Edition(name, self.languages) for name in self.languages]
        parts = {
            (edition, r): plan.report_part(r, facts, self.config.name, edition)
            for edition in sets
            for r in reports
        }
        if all(part["status"] == "skipped" for part in parts.values()):
            reasons = sorted({part["reason"] for part in parts.values()})
            raise ConfigError(say("render.run.nothing", reasons=reasons))
        before = earlier.earlier_run(shelf.runs(), facts["as_of"])
        segments = plan.segments_part(facts, self.languages, earlier.described(before))
        if in_part:
            segments.update(status="skipped", reason=say("render.run.part"))
        kept = [] if self.force else [run for run in shelf.runs() if run.intact()]
        for part in (*parts.values(), segments):
            if part["status"] == "waiting":
                plan.reuse(part, kept, staging)
        order = plan.ordered(reports, shelf.runs())
        # The first language of all reports before the next, which finds what they computed.
        waiting = [
            (edition, report)
            for edition in sets
            for report in order
            if parts[edition, report]["status"] == "waiting"
        ]
        text = say(
            "render.run.start",
            title=facts["title"],
            as_of=facts["as_of"],
            waiting=len(waiting),
            reports=len(parts),
        )
        names = list(dict.fromkeys(report.name for _, report in waiting))
        self.progress.say("start", text, reports=names)
        past = earlier.held_against(shelf.runs(), facts["as_of"])
        for sentence in answer.changed_past(facts, past):
            self.progress.say("restated", sentence)
        facts["earlier"] = str(before.folder / earlier.ACTIONS) if before else ""
        self._render(waiting, parts, segments, facts, staging, server)
        shutil.rmtree(staging / SHARED_FOLDER, ignore_errors=True)
        fault = ""
        if request is not None and self._request(chosen(self.only)) != request:
            fault = say("render.run.changed_meanwhile")
            for part in (*parts.values(), segments):
                part.update(key="")  # nobody can say what they show
        made = {
            edition.language: [parts[edition, report] for report in reports]
            for edition in sets
        }
        manifest = self._manifest(facts, made, segments, request, in_part, fault)
        manifest["earlier"] = earlier.described(before)
        return self._publish(shelf, staging, manifest, past, tuple(names))

    def _render(
        self,
        waiting: Sequence[tuple[Edition, Report]],
        parts: Mapping[tuple[Edition, Report], dict[str, Any]],
        segments: dict[str, Any],
        facts: Mapping[str, Any],
        staging: Path,
        server: ForkServer,
    ) -> None:
        """Make the waiting parts, `jobs` at a time; each part of the manifest is completed in
        place."""
        from segment_lab.render.rendering import Limits

        turns = Turns(self.jobs)
        limits = Limits(
            server if self.engine == "segment-lab" else None,
            facts["report"]["timeout_seconds"],
            facts["report"]["memory_gb"] or _memory_share(self.jobs),
            turns,
            facts["personal"],
        )
        work = [
            self._page(report, parts[edition, report], facts, staging, limits, edition)
            for edition, report in waiting
        ]
        if segments["status"] == "waiting":
            export = partial(self._export, facts, staging, server, turns)
            work.insert(plan.place_of_export(waiting), (segments, export))
        # One more than compute: its kernel starts while the others are still at work.
        pool = ThreadPoolExecutor(self.jobs + 1)
        self.progress.begin(len(waiting) + (segments["status"] == "waiting"))
        try:
            futures = {pool.submit(make): part for part, make in work}
            for future in as_completed(futures):
                futures[future].update(future.result())
                self._tell(futures[future])
        finally:
            self.progress.end()
            # Left early: nothing new begins, what still runs ends, and nobody writes any more.
            pool.shutdown(wait=False, cancel_futures=True)
            server.close()
            pool.shutdown()

    def _page(
        self,
        report: Report,
        part: dict[str, Any],
        facts: Mapping[str, Any],
        staging: Path,
        limits: Limits,
        edition: Edition,
    ) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
        """A page's part of the manifest, and what makes the page and completes it."""
        from segment_lab.render.rendering import render_report

        with speaking(edition.language):
            page = plan.page_facts(part, facts, self.config.name)
        page["editions"] = edition.others(report.page)
        made = (report, part["parameters"], self.config, staging, limits, page, edition)
        return part, partial(render_report, *made)

    def _export(
        self,
        facts: Mapping[str, Any],
        staging: Path,
        server: ForkServer,
        turns: Turns,
    ) -> dict[str, Any]:
        turn = Turn(turns)
        turn.wait()
        began = time.monotonic()
        try:
            done = server.call(
                "segment_lab.render.exports:write_segments",
                {
                    "config": str(self.config),
                    "as_of": facts["as_of"],
                    "folder": str(staging),
                    "languages": list(self.languages),
                    "earlier": facts["earlier"],
                },
                staging / ".segments",
                self.languages[0],
            )
        except (SegmentLabError, RuntimeError) as error:
            reason = say("render.run.segments_failed", error=error)
            done = {"status": "failed", "reason": reason}
        finally:
            turn.over()
        return {"status": "ok", **done, "seconds": round(time.monotonic() - began, 2)}

    def _tell(self, part: Mapping[str, Any]) -> None:
        told = {name: part[name] for name in ("status", "seconds", "reason")}
        text = say("render.run.report", name=part["name"], **told)
        self.progress.say("report", text, report=part["name"], **told)
        self.progress.step()

    def _manifest(
        self,
        facts: Mapping[str, Any],
        made: Mapping[str, list[dict[str, Any]]],
        segments: dict[str, Any],
        request: str | None,
        in_part: bool,
        fault: str,
    ) -> dict[str, Any]:
        everything = [*(part for parts in made.values() for part in parts), segments]
        failed = fault or any(part["status"] == "failed" for part in everything)
        return {
            "study": facts["name"],
            "title": facts["title"],
            "as_of": facts["as_of"],
            "start": facts["start"],
            "window": facts["window"],
            "status": "failed" if failed else "ok",
            "fault": fault,
            "complete": not in_part,
            "request": request,
            "engine": self.engine,
            "started": self.started.isoformat(),
            "finished": "",
            "data": {"fingerprint": facts["fingerprint"], "tables": facts["tables"]},
            "months": facts["months"],
            "made_with": facts["made_with"] | {"code": segment_lab.code_fingerprint()},
            "currency": facts["currency"],
            "commit": inputs.commit(),
            "code": segment_lab.code_fingerprint(),
            "versions": inputs.versions(),
            "keep_runs": self.retention or facts["report"]["keep_runs"],
            "languages": list(self.languages),
            "reports": made[self.languages[0]],
            # The same reports in the other languages, each in its folder.
            "translations": {name: made[name] for name in self.languages[1:]},
            "segments": segments,
            "files": {},
        }

    def _publish(
        self,
        shelf: Shelf,
        staging: Path,
        manifest: dict[str, Any],
        past: Run | None,
        rendered: tuple[str, ...],
    ) -> RunResult:
        failed = manifest["status"] == "failed"
        name = answer.name_of(manifest)
        for run in shelf.runs() if not (failed or self.force or self.pdf) else ():
            whole = run.manifest["complete"] >= manifest["complete"]
            if run.folder.name == name and whole and run.intact():
                return self._keep(shelf, run)
        answer.write_page_one(manifest, staging, past)
        if self.pdf:
            from segment_lab.render.pdf import print_pages

            print_pages(sorted(staging.rglob("*.html")))
        folder, shown = answer.publish(shelf, staging, manifest)
        if shown.folder != folder:
            stays = say("render.run.latest_stays", as_of=shown.manifest["as_of"])
            self.progress.say("latest", stays)
        parts = answer.parts_of(manifest)
        lost = [part["name"] for part in parts if part["status"] == "failed"]
        done = say("render.run.failed", names=lost) if lost else say("render.run.done")
        text = say("render.run.finished", text=manifest["fault"] or done, folder=folder)
        status = manifest["status"]
        self.progress.say("done", text, folder=str(folder), status=status, failed=lost)
        return RunResult(
            exit_code(manifest["reports"], failed),
            folder,
            {r["name"]: r["status"] for r in manifest["reports"]},
            rendered,
        )


def exit_code(reports: Sequence[Mapping[str, Any]], failed: bool) -> int:
    """0 where at least one report shows something, 1 where one failed, 2 where the data carry
    none."""
    if failed:
        return 1
    return 0 if any(report["status"] == "ok" for report in reports) else 2


def _warm_up() -> None:
    """Load what renders pages, while another process reads the data."""
    import nbclient  # noqa: F401
    import papermill  # noqa: F401

    from segment_lab.render import engine, exporter, index, rendering  # noqa: F401

    exporter.warm()


def _memory_share(jobs: int) -> float:
    """What one of `jobs` notebooks may use, in GB: four fifths of the machine, shared."""
    import psutil

    return 0.8 * psutil.virtual_memory().total / jobs / 1e9
