"""The reports: which notebook answers which question, what it may be asked with, and what it
needs."""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import segment_lab
from segment_lab.errors import ConfigError, NotEnoughDataError, nearest
from segment_lab.schemes import SCHEMES, Scheme
from segment_lab.texts import DEFAULT, language, phrases, say

if TYPE_CHECKING:
    from pydantic import BaseModel

    from segment_lab.study.study import Study


def notebooks_folder() -> Path:
    """Where the notebooks are: ``SEGMENT_LAB_NOTEBOOKS``, beside the sources, or inside the
    installed package."""
    package = Path(segment_lab.__file__).parent
    given = os.environ.get("SEGMENT_LAB_NOTEBOOKS")
    places = (
        [Path(given)]
        if given
        else [package.parents[1] / "notebooks", package / "notebooks"]
    )
    for place in places:
        if place.is_dir():
            return place.resolve()
    raise ConfigError(say("render.error.no_notebooks", places=places))


@dataclass(frozen=True)
class Report:
    """One notebook of the catalogue.

    Parameters
    ----------
    name, file : str
        What ``--only`` and ``-p NAME.PARAMETER=VALUE`` call it (a method's name where it shows
        one); the notebook.
    options, extra : str
        Part of the study file whose values are its parameters (``methods.rfm``, ``comparison``,
        ``strategy``), and the model in `study_config` of those that the study file does not hold.
    tables : tuple of str
        Tables without which the report is left out.
    from_summary : bool
        Whether customers who are summed up already do instead of orders.
    """

    name: str
    file: str
    options: str = ""
    extra: str = ""
    tables: tuple[str, ...] = ("orders",)
    from_summary: bool = False

    @property
    def alone(self) -> bool:
        """Whether it shows one method and nothing of the others."""
        return self.options.startswith("methods.") and not self.extra

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
        cells = [
            [c["cell_type"], "".join(c["source"]), c["metadata"].get("tags")]
            for c in self.content["cells"]
        ]
        return hashlib.sha256(json.dumps(cells).encode()).hexdigest()

    @property
    def title_and_question(self) -> tuple[str, str]:
        """Title and question, from the notebook's first cell."""
        first = self.content["cells"][0]
        prose = self._prose.get(first.get("id"), "".join(first["source"]))
        text = prose.strip()
        title, _, rest = text.partition("\n")
        return title.lstrip("# ").strip(), rest.strip().split("\n\n")[0].replace(
            "\n", " "
        ).strip()

    @property
    def _prose(self) -> dict[str, str]:
        """Markdown by the id of its cell, in the language in use; English stands in the
        notebook."""
        return (
            {}
            if language() == DEFAULT
            else phrases(f"notebooks.{Path(self.file).stem}")
        )

    def translate(self, cells: Sequence[Any]) -> None:
        """Put the prose of the language in use into a notebook's cells."""
        for cell in cells:
            if cell.cell_type == "markdown":
                cell.source = self._prose.get(cell.get("id"), cell.source)

    def models(self) -> list[type[BaseModel]]:
        """The typed parameters beyond ``config`` and ``as_of``, in one model or two."""
        from segment_lab.study import config as study_config

        found = [getattr(study_config, self.extra)] if self.extra else []
        if self.options.startswith("methods."):
            found.append(
                study_config.options_model(self.options.removeprefix("methods."))
            )
        elif self.options:
            found.append(study_config.StudyConfig.model_fields[self.options].annotation)
        return found

    def cell(self) -> dict[str, Any]:
        """The defaults written in the notebook's cell tagged ``parameters``."""
        cells = [
            c
            for c in self.content["cells"]
            if "parameters" in c["metadata"].get("tags", [])
        ]
        if len(cells) != 1:
            text = say("render.error.parameter_cell", file=self.file, count=len(cells))
            raise ConfigError(text)
        tree = ast.parse("".join(cells[0]["source"]))
        return {
            target.id: ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }


def _page_of(scheme: Scheme) -> Report:
    options = f"methods.{scheme.name}" if scheme.options_on_page else ""
    tables = scheme.page_tables or scheme.tables
    return Report(
        scheme.name,
        scheme.notebook,
        options,
        scheme.page_options,
        tables,
        scheme.from_summary,
    )


_REPORTS = (
    Report("data", "00_data.ipynb"),
    *(_page_of(scheme) for scheme in SCHEMES.values()),
    Report("leads", "60_leads.ipynb", "methods.leads", tables=("leads",)),
    Report("comparison", "80_comparison.ipynb", "comparison"),
    Report("strategy", "90_strategy.ipynb", "strategy"),
)
#: Every report by name, in the order of the notebooks' numbers.
CATALOG = {
    report.name: report for report in sorted(_REPORTS, key=lambda report: report.file)
}


def chosen(names: Sequence[str] | None) -> list[Report]:
    """The reports of these names (all without any); an unknown one is an error that names the
    nearest."""
    known = {name: report for name, report in CATALOG.items() if report.path.exists()}
    for name in names or ():
        if name not in known:
            near = nearest(name, known)
            raise ConfigError(say("render.error.no_report", name=repr(name), near=near))
    return [report for name, report in known.items() if not names or name in names]


def prepare(
    config: str,
    as_of: str | None,
    changes: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Open a study, check all of its data, and resolve every report's parameters; plain data comes
    back.

    Raises
    ------
    ConfigError, DataError
        Everything that is wrong with the study file, a parameter or the data, before a kernel
        starts.
    """
    from segment_lab.data.damaged import in_words
    from segment_lab.render import inputs, since
    from segment_lab.study.study import Study

    able = [name for name, report in CATALOG.items() if report.options or report.extra]
    for name in changes:
        if name not in able:
            near = nearest(name, able)
            raise ConfigError(
                say("render.error.no_parameters", name=repr(name), near=near)
            )
    study = Study.from_yaml(config, as_of=as_of)
    intakes = study.check()
    check_playbook(study)
    parameters = {
        name: parameters_of(study, report, changes.get(name, {}))
        for name, report in CATALOG.items()
    }
    tables = {}
    for intake in intakes:
        read, accepted = (
            int(intake.counts.sum()) + intake.left_out,
            int(intake.counts["accepted"]),
        )
        tables[intake.name] = {
            "read": read,
            "accepted": accepted,
            "rejected": read - accepted,
        }
    with in_words("orders", study.name):
        months = since.by_month(study)
    if months and not any(revenue > 0 for _, revenue in months.values()):
        study.customers()  # says once what every page would say
    rest = study.config.model_dump(
        mode="json",
        exclude={"sources", "methods", "comparison", "strategy", "report", "notify"},
    )
    strategy = study.config.strategy.model_dump(mode="json")
    named = inputs.files_named(study.config.model_dump(exclude={"sources"}), study.base)
    return {
        "name": study.name,
        "title": study.title,
        "personal": study.config.personal,
        "currency": study.currency,
        "as_of": study.window.as_of.isoformat(),
        "start": study.window.start.isoformat(),
        "window": str(study.window),
        "fingerprint": study.fingerprint,
        "tables": tables,
        "report": study.config.report.model_dump(),
        "parameters": parameters,
        "missing": {r.name: why for r in chosen(None) if (why := _why_not(study, r))},
        # What a report's key needs beyond its own parameters: the rest of the study file, and all
        # methods.
        "rest": inputs.digest(rest, named),
        "methods": inputs.digest(
            study.config.methods,
            study.config.comparison.model_dump(mode="json"),
            strategy,
        ),
        "months": months,
        # Each apart, so that a later run can tell which of them is not as it was.
        "made_with": {
            "methods": inputs.digest(study.config.methods),
            "decision": inputs.digest(strategy),
            "comparison": inputs.digest(
                study.config.comparison.model_dump(mode="json")
            ),
            "playbook": inputs.digest(named),
            "rest": inputs.digest(
                {k: v for k, v in rest.items() if k not in ("as_of", "window")}
            ),
        },
    }


def check_playbook(study: Study) -> None:
    """Refuse a company's own playbook that is faulty or names segments of no scheme of the study.

    Raises
    ------
    ConfigError
        With every fault, before a report is begun.
    """
    from segment_lab.act.playbook import Playbook

    options = study.config.strategy
    if not options.playbook or not study.methods:
        return
    book = Playbook.from_yaml(study.base / options.playbook)
    schemes = [options.scheme] if options.scheme else study.methods
    faults: list[ConfigError] = []
    for scheme in schemes:
        try:
            book.check(study.segmentation(scheme).names)
        except NotEnoughDataError:
            return
        except ConfigError as error:
            faults.append(error)
        else:
            return
    raise faults[0]


def parameters_of(
    study: Study,
    report: Report,
    changed: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """The parameters of one report: the study file's, then what was changed, typed and with
    defaults."""
    from segment_lab.study.config import validate

    part, _, method = report.options.partition(".")
    given: dict[str, Any] = {}
    if method:
        given = dict(study.config.methods.get(method, {}))
    elif part:
        given = getattr(study.config, part).model_dump()
    if _why_not(study, report) and not changed:
        return {}
    values = {**given, **changed}
    known = [name for model in report.models() for name in model.model_fields]
    strange = [name for name in values if name not in known]
    if "personal" in strange:
        raise ConfigError(say("study.settings.personal"))
    if strange:
        name = f"{report.name}.{strange[0]}"
        near = nearest(strange[0], known)
        raise ConfigError(say("render.error.no_parameter", name=name, near=near))
    out: dict[str, Any] = {"as_of": study.window.as_of.isoformat()}
    for model in report.models():
        own = {
            name: value for name, value in values.items() if name in model.model_fields
        }
        title = say("render.error.parameters_of", report=report.name)
        out |= validate(model, own, title).model_dump(mode="json")
    return out


def _why_not(study: Study, report: Report) -> tuple[str, dict[str, Any]] | None:
    """Why a report is left out: a sentence's key and its facts, for every language to say."""
    gone = study.lacking(report.tables, report.from_summary)
    if gone:
        return "render.missing.tables", {"tables": gone}
    wanted = study.config.methods
    scheme = SCHEMES.get(report.name)
    if scheme is None or scheme.from_campaign:
        return None
    if scheme.needs_options and scheme.name not in wanted:
        return "render.missing.rules", {}
    if wanted and scheme.name not in wanted:
        return "render.missing.not_wanted", {"methods": list(wanted)}
    return None
