"""The reports: which notebook answers which question, what it may be asked with, and what it needs."""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import segment_lab
from segment_lab.errors import ConfigError, nearest

if TYPE_CHECKING:
    from pydantic import BaseModel

    from segment_lab.study import Study


def notebooks_folder() -> Path:
    """Where the notebooks are: ``SEGMENT_LAB_NOTEBOOKS``, beside the sources, or inside the installed package."""
    package = Path(segment_lab.__file__).parent
    given = os.environ.get("SEGMENT_LAB_NOTEBOOKS")
    places = [Path(given)] if given else [package.parents[1] / "notebooks", package / "notebooks"]
    for place in places:
        if place.is_dir():
            return place.resolve()
    raise ConfigError(f"The notebooks are not in {' or '.join(map(str, places))}. Set SEGMENT_LAB_NOTEBOOKS.")


@dataclass(frozen=True)
class Report:
    """One notebook of the catalogue.

    Parameters
    ----------
    name : str
        What ``--only`` and ``-p NAME.PARAMETER=VALUE`` call it.
    file : str
        The notebook.
    options : str, optional
        Part of the study file that holds its options: ``methods.rfm``, ``comparison``, ``strategy``.
    tables : tuple of str
        Tables without which the report is left out.
    """

    name: str
    file: str
    options: str = ""
    tables: tuple[str, ...] = ("orders",)

    @property
    def method(self) -> str:
        """The segmentation method it shows, if it shows one."""
        return self.options.removeprefix("methods.") if self.options.startswith("methods.") else ""

    @property
    def page(self) -> str:
        """File name of the rendered page."""
        return Path(self.file).with_suffix(".html").name

    @property
    def path(self) -> Path:
        """The notebook's file."""
        return notebooks_folder() / self.file

    @property
    def content(self) -> dict[str, Any]:
        """The notebook, as JSON."""
        return json.loads(self.path.read_text("utf-8"))

    @property
    def digest(self) -> str:
        """A hash of the notebook's cells."""
        cells = [[c["cell_type"], "".join(c["source"]), c["metadata"].get("tags")] for c in self.content["cells"]]
        return hashlib.sha256(json.dumps(cells).encode()).hexdigest()

    @property
    def words(self) -> tuple[str, str]:
        """Title and question, from the notebook's first cell."""
        text = "".join(self.content["cells"][0]["source"]).strip()
        title, _, rest = text.partition("\n")
        return title.lstrip("# ").strip(), rest.strip().split("\n\n")[0].replace("\n", " ").strip()

    def schema(self) -> type[BaseModel] | None:
        """The typed options beyond ``config`` and ``as_of``; None where there are none."""
        from segment_lab import study_config

        if self.method:
            return study_config.options_model(self.method)
        field = study_config.StudyConfig.model_fields.get(self.options)
        return cast("type[BaseModel]", field.annotation) if field else None

    def cell(self) -> dict[str, Any]:
        """The defaults written in the notebook's cell tagged ``parameters``."""
        cells = [c for c in self.content["cells"] if "parameters" in c["metadata"].get("tags", [])]
        if len(cells) != 1:
            raise ConfigError(f"{self.file} must have exactly one cell tagged 'parameters', it has {len(cells)}.")
        tree = ast.parse("".join(cells[0]["source"]))
        return {target.id: ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)
                for target in node.targets if isinstance(target, ast.Name)}


CATALOG = {report.name: report for report in (
    Report("data", "00_data.ipynb"),
    Report("rfm", "10_rfm.ipynb", "methods.rfm"),
    Report("abc", "20_abc.ipynb", "methods.abc"),
    Report("lifecycle", "30_lifecycle.ipynb", "methods.lifecycle"),
    Report("clusters", "40_clusters.ipynb", "methods.clusters"),
    Report("receivables", "50_receivables.ipynb", "methods.receivables", ("orders", "invoices")),
    Report("leads", "60_leads.ipynb", "methods.leads", ("leads",)),
    Report("engagement", "65_engagement.ipynb", "methods.engagement", ("touches",)),
    Report("rules", "70_rules.ipynb", "methods.rules"),
    Report("comparison", "80_comparison.ipynb", "comparison"),
    Report("strategy", "90_strategy.ipynb", "strategy"),
)}


def chosen(names: Sequence[str] | None) -> list[Report]:
    """The reports of these names (all without any); an unknown one is an error that names the nearest."""
    known = {name: report for name, report in CATALOG.items() if report.path.exists()}
    for name in names or ():
        if name not in known:
            raise ConfigError(f"There is no report {name!r}; {nearest(name, known)}.")
    return [report for name, report in known.items() if not names or name in names]


def prepare(config: str, as_of: str | None, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Open a study, check all of its data, and resolve every report's parameters; plain data comes back.

    Raises
    ------
    ConfigError, DataError
        Everything that is wrong with the study file, a parameter or the data, before a kernel starts.
    """
    from segment_lab.study import Study

    for name in changes:
        if name not in CATALOG or not CATALOG[name].options:
            able = [n for n, r in CATALOG.items() if r.options]
            raise ConfigError(f"No report {name!r} takes parameters; {nearest(name, able)}.")
    methods = {CATALOG[n].method: dict(c) for n, c in changes.items() if CATALOG[n].method}
    others = {CATALOG[n].options: dict(c) for n, c in changes.items() if not CATALOG[n].method}
    study = Study.from_yaml(config, as_of=as_of, methods=methods, **others)
    tables = {}
    for intake in study.check():
        read, accepted = int(intake.counts.sum()) + intake.left_out, int(intake.counts["accepted"])
        tables[intake.name] = {"read": read, "accepted": accepted, "rejected": read - accepted}
    facts = {"name": study.name, "title": study.title, "as_of": study.window.as_of.isoformat(),
             "window": str(study.window), "fingerprint": study.fingerprint, "tables": tables,
             "report": study.config.report.model_dump(),
             "parameters": {r.name: _parameters(study, r, methods) for r in chosen(None)},
             "missing": {r.name: why for r in chosen(None) if (why := _why_not(study, r))}}
    return json.loads(json.dumps(facts, default=str))


def _parameters(study: Study, report: Report, changed: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if report.method and not _why_not(study, report):
        options = study.options(report.method)
    elif report.options and not report.method:
        options = getattr(study.config, report.options).model_dump()
    # A report about all methods sees what was changed for one of them.
    shared = {"methods": dict(changed)} if "methods" in report.cell() else {}
    return {"as_of": study.window.as_of.isoformat(), **options, **shared}


def _why_not(study: Study, report: Report) -> str:
    gone = [table for table in report.tables if not study.has(table)]
    if gone:
        return f"The study has no {' and no '.join(gone)}."
    wanted = study.config.methods
    if report.name == "rules" and "rules" not in wanted:
        return "The study file has no rules of the company's own (methods: rules)."
    if wanted and report.method not in {"", "leads", *wanted}:
        return f"The study file does not ask for it (methods: {', '.join(wanted)})."
    return ""
