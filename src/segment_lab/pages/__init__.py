"""What each report gathers from a study, as tables and as the pieces that show them.

A notebook opens with ``from segment_lab import Study, pages, show`` and asks its page for its
pieces: ``pages.DataPage(study).headline()``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Page → module, loaded when first used. The page of a wing lives with its wing.
_HOMES = {
    "ABCPage": "pages.abc",
    "ClustersPage": "pages.clusters",
    "ComparisonPage": "pages.comparison",
    "ContactsPage": "contacts.page",
    "DataPage": "pages.data",
    "LeadModel": "leads.model",
    "LeadsPage": "leads.page",
    "LessonsPage": "pages.lessons",
    "LifecyclePage": "pages.lifecycle",
    "RFMPage": "pages.rfm",
    "ReceivablesPage": "receivables.page",
    "RulesPage": "pages.rules",
    "StrategyPage": "pages.strategy",
    "TreePage": "pages.tree",
    "acted_on": "pages.serving",
    "methods": "pages.parameters",
    "options": "pages.parameters",
    "serving_table": "pages.serving",
}
__all__ = [
    "ABCPage",
    "ClustersPage",
    "ComparisonPage",
    "ContactsPage",
    "DataPage",
    "LeadModel",
    "LeadsPage",
    "LessonsPage",
    "LifecyclePage",
    "RFMPage",
    "ReceivablesPage",
    "RulesPage",
    "StrategyPage",
    "TreePage",
    "acted_on",
    "methods",
    "options",
    "serving_table",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"segment_lab.pages has no {name!r}")
    value = getattr(import_module(f"segment_lab.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
