"""segment_lab: which customers to serve how, which segmentation deserves trust, whether the
strategy worked."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segment_lab.act import Playbook, plan_budget
    from segment_lab.act.response import ResponseSegmenter
    from segment_lab.contacts.segmenter import EngagementSegmenter
    from segment_lab.judge.scorecard import scorecard
    from segment_lab.receivables.segmenter import ReceivablesSegmenter
    from segment_lab.render import run_study
    from segment_lab.segments.abc import ABCSegmenter
    from segment_lab.segments.clusters import ClusterSegmenter
    from segment_lab.segments.lifecycle import LifecycleSegmenter
    from segment_lab.segments.rfm import RFMSegmenter
    from segment_lab.segments.rules import RuleSegmenter
    from segment_lab.segments.segmentation import Segmentation
    from segment_lab.segments.tree import TreeSegmenter
    from segment_lab.study.customer_table import customer_table
    from segment_lab.study.study import Study
    from segment_lab.window import ObservationWindow

__version__ = "0.1.0"

# Public name → module. Loaded when first used: importing the package costs no pandas, no engine,
# no scikit-learn.
_HOMES = {
    "Study": "study.study",
    "customer_table": "study.customer_table",
    "ObservationWindow": "window",
    "Segmentation": "segments.segmentation",
    "RFMSegmenter": "segments.rfm",
    "ABCSegmenter": "segments.abc",
    "LifecycleSegmenter": "segments.lifecycle",
    "ClusterSegmenter": "segments.clusters",
    "RuleSegmenter": "segments.rules",
    "TreeSegmenter": "segments.tree",
    "ResponseSegmenter": "act.response",
    "ReceivablesSegmenter": "receivables.segmenter",
    "EngagementSegmenter": "contacts.segmenter",
    "scorecard": "judge.scorecard",
    "Playbook": "act.playbook",
    "plan_budget": "act.budget",
    "run_study": "render.runner",
}
#: Rooms that a notebook opens by name: ``sl.show.table(…)``, ``sl.pages.DataPage(study)``.
ROOMS = ("pages", "show", "texts")
__all__ = [
    "ABCSegmenter",
    "ClusterSegmenter",
    "EngagementSegmenter",
    "LifecycleSegmenter",
    "ObservationWindow",
    "Playbook",
    "RFMSegmenter",
    "ReceivablesSegmenter",
    "ResponseSegmenter",
    "RuleSegmenter",
    "Segmentation",
    "Study",
    "TreeSegmenter",
    "customer_table",
    "plan_budget",
    "run_study",
    "scorecard",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"segment_lab.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    try:
        return import_module(f"segment_lab.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"segment_lab.{name}":
            raise
        raise AttributeError(_unknown(name)) from None


def _unknown(name: str) -> str:
    if name.startswith("_"):
        return f"segment_lab has no {name!r}"
    from segment_lab.errors import nearest
    from segment_lab.texts import say  # in whose words the nearest name is given

    return say("errors.no_name", name=name, hint=nearest(name, [*__all__, *ROOMS]))


def __dir__() -> list[str]:
    return [*__all__, *ROOMS]


@cache
def code_fingerprint() -> str:
    """A hash of the package's own code and data files: what is kept from other code is made
    again."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(
        p for p in root.rglob("*") if p.suffix in (".py", ".yml", ".j2", ".css", ".js")
    ):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
