"""What a run leaves behind: page one in every language, and its place among the study's runs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segment_lab.render import history, inputs, plan, since
from segment_lab.render.editions import Edition
from segment_lab.render.parts import unlink
from segment_lab.render.publishing import MANIFEST, Run, Shelf, files_of, writing
from segment_lab.texts import speaking
from segment_lab.window import ObservationWindow


def parts_of(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every part that a run made or kept: its pages in all languages, and its lists."""
    translated = [part for parts in manifest["translations"].values() for part in parts]
    return [*manifest["reports"], *translated, manifest["segments"]]


def name_of(manifest: Mapping[str, Any]) -> str:
    """The folder of a run: its day, and a hash of what all its parts are made of."""
    ending = "-failed" if manifest["status"] == "failed" else ""
    keys = inputs.digest([part["key"] for part in parts_of(manifest)])
    return f"{manifest['as_of']}-{keys[:8]}{ending}"


def write_page_one(
    manifest: Mapping[str, Any], staging: Path, past: Run | None
) -> None:
    """Write page one in every language; `past` is the run that this one is held against."""
    languages = tuple(manifest["languages"])
    for spoken in languages:
        edition = Edition(spoken, languages)
        with speaking(edition.language):
            _write_index(edition, staging, manifest, past)
        edition.lead_out(staging)
    if not manifest["complete"]:
        unlink(staging)


def changed_past(facts: Mapping[str, Any], past: Run | None) -> list[str]:
    """Sentences where the past is not what it was at the run that this one is held against."""
    if past is None:
        return []
    with speaking(currency=facts["currency"]):
        return since.materially_restated(facts, past.manifest)


def publish(shelf: Shelf, staging: Path, manifest: dict[str, Any]) -> tuple[Path, Run]:
    """Put a run on its shelf, and on the list of studies: its folder, and the run that ``latest``
    shows now where this one may be shown, else itself."""
    from segment_lab.render.index import write_studies

    failed = manifest["status"] == "failed"
    finished = dt.datetime.now(dt.UTC).isoformat()
    manifest.update(finished=finished, files=files_of(staging))
    (staging / MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")
    folder = shelf.publish(staging, name_of(manifest), instead=failed)
    shown = made = Run(folder, manifest)
    if made.good:
        shown = shelf.point(made)
        with writing(shelf.folder):
            history.append(shelf.folder, folder.name, manifest)
    shelf.prune(manifest["keep_runs"], folder)
    with writing(shelf.out):
        write_studies(shelf.out)
    return folder, shown


def _write_index(
    edition: Edition, staging: Path, manifest: Mapping[str, Any], past: Run | None
) -> None:
    """Page one of one language."""
    from segment_lab.render.index import run_page

    folder = staging / edition.folder
    inside = edition.folder + "/" if edition.folder else ""
    written = manifest["segments"]["files"]
    files = dict.fromkeys(name.removeprefix(inside) for name in written)
    page = {
        **manifest,
        "restated": changed_past(manifest, past),
        "window": str(ObservationWindow(manifest["start"], manifest["as_of"])),
        "reports": edition.here(manifest),
        "tables_shown": plan.table_rows(manifest["data"]["tables"]),
        "versions_shown": plan.version_rows(manifest["data"]["fingerprint"]),
        "downloads": [
            name for name in files if "/" not in name and not name.endswith(".html")
        ],
        "editions": edition.others("index.html"),
        "studies": edition.up + "../../index.html",
    }
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text(run_page(page, _front(folder)), "utf-8")


def _front(folder: Path) -> dict[str, Any] | None:
    """The document of page one; None where the study has nothing to decide on, or it failed."""
    path = folder / "front.json"
    document = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return document if "headline" in document else None
