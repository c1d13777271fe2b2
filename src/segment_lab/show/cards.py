"""What a report says: its headline, findings, notes and cards, and how they are grouped."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec

import pandas as pd
from markupsafe import Markup

from segment_lab.errors import NotEnoughDataError, nearest
from segment_lab.show.macros import Html, macro, plain, tidy
from segment_lab.texts import phrases, say, speaking
from segment_lab.texts import shown as named
from segment_lab.texts.formats import SPOKEN, format_value, guess_format, words

HEADLINE_MIME = "application/vnd.segment-lab.headline+json"
CARDS_MIME = "application/vnd.segment-lab.cards+json"
# The tone of a card where none is given, by the first words of its verdict.
TONES = {"roll out": "go", "pilot": "try", "do not": "stop"}
Given = ParamSpec("Given")


def note(text: Any, kind: str = "info") -> Html:
    """A paragraph set apart.

    Parameters
    ----------
    text : str or callable
        What it says, or a function of no arguments that gives it.
    kind : str
        ``info``, ``warning`` or ``missing``.

    Examples
    --------
    >>> print(note("Only one month is known.", "warning"))
    <p class="sl-note sl-warning"><strong>Caution:</strong> Only one month is known.</p>
    """
    kinds = phrases("show.notes")
    if kind not in kinds:
        raise ValueError(
            say(
                "show.unknown_note",
                kind=kind,
                hint=nearest(kind, kinds),
            )
        )
    if callable(text):
        return says_why(lambda: note(text(), kind))()
    missing = kind == "missing"
    return Html(
        macro(
            "note",
            text=str(text),
            kind=kind,
            word=kinds[kind],
        ),
        missing=missing,
    )


def says_why(show: Callable[Given, Html]) -> Callable[Given, Html]:
    """Decorator for what shows an answer: where there is not enough data, the reason stands in its
    place.

    `figure`, `table`, `finding` and `note` are made so; a page's own methods that return `Html`
    carry it too.

    Examples
    --------
    >>> @says_why
    ... def growth(months):
    ...     raise NotEnoughDataError("One month shows no growth.")
    >>> print(growth(1))
    <p class="sl-note sl-missing"><strong>Not available:</strong> One month shows no growth.</p>
    """

    @wraps(show)
    def shown(*args: Given.args, **options: Given.kwargs) -> Html:
        try:
            return show(*args, **options)
        except NotEnoughDataError as reason:
            return note(str(reason), "missing")

    return shown


def called(what: Any, *data: Any) -> Any:
    """`what`, or what it gives when it is a function: of `data`, which may be functions too."""
    if not callable(what):
        return what
    return what(*(part() if callable(part) else part for part in data))


@says_why
def finding(text: Any, *data: Any) -> Html:
    """What a part of the report found, in a sentence or two that stand above its evidence.

    Parameters
    ----------
    text : str or callable
        The sentences, or a function that gives them.
    *data
        What the function is called with; a part that is a function itself is called first.

    Examples
    --------
    >>> print(finding("Calls pay; mail does not."))
    <p class="sl-finding">Calls pay; mail does not.</p>
    """
    return Html(macro("finding", called(text, *data)))


def points(*sentences: str) -> Html:
    """Sentences of equal weight, one below the other; nothing without any.

    Examples
    --------
    >>> print(points("Calls first.", "Then mail."))
    <ul class="sl-points"><li>Calls first.</li><li>Then mail.</li></ul>
    """
    return Html(macro("points", sentences))


def headline(
    *sentences: str,
    figures: Mapping[str, Any] | None = None,
    status: Any = None,
    currency: str | None = None,
) -> Html:
    """The report's answer in plain words, with the figures that the index and the manifest keep.

    Parameters
    ----------
    sentences : str
        Two or three; the first is the answer and is shown largest.
    figures : mapping, optional
        Name to number or text; the name decides the format, as a column's name does in `table`.
    status : Status, optional
        Whether the segmentation may be acted on, and why.
    currency : str, optional
        Unit of the figures that are money; otherwise the study's.

    Examples
    --------
    >>> print(  # doctest: +NORMALIZE_WHITESPACE
    ...     headline("Sales grow.", figures={"revenue": 3677173.0}, currency="EUR")
    ... )
    <div class="sl-headline"><p class="sl-lead">Sales grow.</p><dl
    class="sl-keys"><div><dt>Revenue</dt><dd>EUR 3,677,173</dd></div></dl></div>
    """
    with speaking(currency=currency):
        shown = shown_facts(figures or {})
    standing = None if status is None else standing_of(status)
    kept: dict[str, Any] = {
        "sentences": list(sentences),
        "figures": {
            fact["name"]: {
                "label": fact["label"],
                "value": _json((figures or {})[fact["name"]]),
                "text": fact["text"].unescape(),
            }
            for fact in shown
        },
        "status": None,
    }
    if standing:
        kept["status"] = {
            key: standing[key] for key in ("kind", "reason", "word", "advice")
        }
    return Html(macro("headline", sentences, shown, standing), {HEADLINE_MIME: kept})


def standing_of(status: Any) -> dict[str, str]:
    """What a reader is told who does not know how data sufficiency is measured."""
    told = phrases(f"show.standing.{status.kind}")
    why = say("show.why", reason=status.reason)
    return {
        "kind": status.kind,
        "reason": status.reason,
        "why": why,
        **told,
    }


def card(
    title: str,
    facts: Mapping[str, Any] | None = None,
    *,
    verdict: str = "",
    tone: str = "",
    body: str | Html = "",
    href: str = "",
) -> Html:
    """A card of evidence: a title, a verdict, a sentence or two, and the figures that justify it.

    Parameters
    ----------
    title : str
        Its heading.
    facts : mapping, optional
        Name to number or text, written as in `headline`.
    verdict : str
        The decision in a word or two.
    tone : {"go", "try", "stop", "open"}, optional
        How the verdict is coloured; otherwise by its first words.
    body : str or Html
        A sentence or two, or a piece of its own.
    href : str
        The page of the run that says more.

    Examples
    --------
    >>> piece = card("Champions", {"customers": 120}, verdict="Roll out", body="They answer calls.")
    >>> piece.data[CARDS_MIME][0]["tone"], piece.data[CARDS_MIME][0]["facts"]
    ('go', {'customers': '120'})
    """
    tone = tone or _tone(verdict)
    shown = shown_facts(facts or {})
    rich = isinstance(body, Html)
    kept = {
        "title": named(title),
        "verdict": verdict,
        "tone": tone,
        "body": plain(str(body)) if rich else body,
        "facts": {fact["name"]: fact["text"].unescape() for fact in shown},
    }
    return Html(
        macro("card", named(title), shown, verdict, tone, body, href),
        {CARDS_MIME: [kept]},
    )


def _tone(verdict: str) -> str:
    for start, tone in TONES.items():
        if verdict.lower().startswith(start):
            return tone
    return "open"


def group(*pieces: Html) -> Html:
    """Several pieces as one output; cards alone stand side by side.

    Examples
    --------
    >>> print(group(finding("One."), finding("Two.")))
    <div class="sl-group"><p class="sl-finding">One.</p>
    <p class="sl-finding">Two.</p></div>
    """
    cards_alone = bool(pieces) and all(
        'class="sl-card"' in p.markup[:40] for p in pieces
    )
    css = "sl-cards" if cards_alone else "sl-group"
    return Html(macro("group", pieces, css), _kept(pieces))


def link(address: str, text: str) -> Html:
    """A line that leads to another page or file of the run.

    Examples
    --------
    >>> print(link("leads.xlsx", "All open leads"))
    <p class="sl-link"><a href="leads.xlsx">All open leads</a></p>
    """
    return Html(macro("link", address, text))


def details(summary: Any, *pieces: Html) -> Html:
    """Evidence folded under one line that says what it holds; what is missing is not folded away.

    Examples
    --------
    >>> print(  # doctest: +NORMALIZE_WHITESPACE
    ...     details("How it was measured", finding("By hold-out."))
    ... )
    <details class="sl-details"><summary>How it was measured</summary><p class="sl-finding">By
    hold-out.</p></details>
    """
    if pieces and all(piece.missing for piece in pieces):
        return group(*pieces)
    return Html(macro("details", tidy(str(summary)), pieces), _kept(pieces))


def _kept(pieces: tuple[Html, ...]) -> dict[str, Any]:
    """What the pieces keep for index and manifest, all cards in one list."""
    kept: dict[str, Any] = {}
    cards: list[Any] = []
    for piece in pieces:
        kept |= piece.data
        cards += piece.data.get(CARDS_MIME, ())
    return kept | ({CARDS_MIME: cards} if cards else {})


def shown_facts(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Figures with their labels, written as their names ask for; money with its currency."""
    return [
        {"name": name, "label": words(name), "text": _fact(name, value)}
        for name, value in figures.items()
    ]


def _fact(name: str, value: Any) -> Markup:
    several = isinstance(value, list | tuple)
    kind = guess_format(name, pd.Series(list(value) if several else [value]))
    if kind in ("money", "cents") and not several:
        return Markup.escape(SPOKEN[kind](value))
    return format_value(value, kind)


def _json(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_json(part) for part in value]
    value = value.item() if hasattr(value, "item") else value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)
