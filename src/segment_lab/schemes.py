"""The schemes: every way to segment customers, declared once, here.

A scheme is one entry. Study file, study, comparison, catalogue of pages and decision page all read
it, so a new segmentation is a segmenter, an entry, its words under ``texts/`` and a notebook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from segment_lab.errors import ConfigError, nearest
from segment_lab.texts import say


@dataclass(frozen=True)
class Scheme:
    """One way to segment customers.

    Parameters
    ----------
    name : str
        What the study file, the command line and Python call it.
    segmenter : str
        ``module:Class``, imported when used.
    notebook : str
        The page that shows it.
    tables : tuple of str
        Tables without which nobody can be segmented by it.
    population : {"buyers", "everybody", "debtors", "contacted"}
        Whose rows it segments, and with which columns (`Study.population`).
    default : bool
        Whether it applies where the study file names no methods.
    needs_options : bool
        Whether it exists only as far as the study file describes it (the company's own rules).
    learned : bool
        Whether it is fitted on an earlier day, to what customers did since.
    from_campaign : bool
        Whether it is fitted to a campaign's customers and what they did in their arms.
    page_tables : tuple of str
        Tables its page needs, where these are fewer than the scheme's.
    page_options : str
        Model in `study.config` of what the page takes as parameters beside the segmenter's options.
    options_on_page : bool
        Whether the segmenter's options are parameters of the page.
    from_summary : bool
        Whether customers who are summed up already (``customer_summary``) do instead of orders.
    """

    name: str
    segmenter: str
    notebook: str
    tables: tuple[str, ...] = ("orders",)
    population: str = "buyers"
    default: bool = True
    needs_options: bool = False
    learned: bool = False
    from_campaign: bool = False
    page_tables: tuple[str, ...] = ()
    page_options: str = ""
    options_on_page: bool = True
    from_summary: bool = False

    @property
    def segmenter_class(self) -> Any:
        """The segmenter's class, imported now."""
        return imported(self.segmenter)


SCHEMES: Mapping[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme(
            "rfm",
            "segment_lab.segments.rfm:RFMSegmenter",
            "10_rfm.ipynb",
            from_summary=True,
        ),
        Scheme(
            "abc",
            "segment_lab.segments.abc:ABCSegmenter",
            "20_abc.ipynb",
            from_summary=True,
        ),
        Scheme(
            "lifecycle",
            "segment_lab.segments.lifecycle:LifecycleSegmenter",
            "30_lifecycle.ipynb",
            population="everybody",
        ),
        Scheme(
            "clusters",
            "segment_lab.segments.clusters:ClusterSegmenter",
            "40_clusters.ipynb",
            from_summary=True,
        ),
        Scheme(
            "tree",
            "segment_lab.segments.tree:TreeSegmenter",
            "45_tree.ipynb",
            default=False,
            learned=True,
        ),
        Scheme(
            "rules",
            "segment_lab.segments.rules:RuleSegmenter",
            "70_rules.ipynb",
            population="everybody",
            default=False,
            needs_options=True,
            from_summary=True,
        ),
        Scheme(
            "receivables",
            "segment_lab.receivables.segmenter:ReceivablesSegmenter",
            "50_receivables.ipynb",
            tables=("invoices",),
            population="debtors",
            page_options="ReceivablesReport",
            options_on_page=False,
        ),
        Scheme(
            "engagement",
            "segment_lab.contacts.segmenter:EngagementSegmenter",
            "65_engagement.ipynb",
            tables=("touches",),
            population="contacted",
            page_options="EngagementReport",
        ),
        Scheme(
            "response",
            "segment_lab.act.response:ResponseSegmenter",
            "85_lessons.ipynb",
            tables=("orders", "campaigns"),
            default=False,
            from_campaign=True,
            page_tables=("campaigns",),
            page_options="LessonsReport",
            options_on_page=False,
        ),
    )
}
#: Models with options in the study file that segment no customers.
MODELS: Mapping[str, str] = {"leads": "segment_lab.leads.model:LeadModel"}


def scheme(name: str) -> Scheme:
    """The scheme of a name; a ConfigError names the nearest one.

    Examples
    --------
    >>> scheme("rfm").notebook
    '10_rfm.ipynb'
    """
    if name not in SCHEMES:
        hint = nearest(name, SCHEMES)
        raise ConfigError(say("study.settings.no_method", method=repr(name), hint=hint))
    return SCHEMES[name]


def imported(reference: str) -> Any:
    """What ``module:Name`` stands for."""
    module, name = reference.split(":")
    return getattr(import_module(module), name)


def with_options() -> list[str]:
    """All that ``methods`` of a study file may name."""
    return [*SCHEMES, *MODELS]


def described(name: str) -> Any:
    """The class whose signature describes the options of a scheme or model."""
    return SCHEMES[name].segmenter_class if name in SCHEMES else imported(MODELS[name])
