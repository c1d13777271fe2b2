"""What a report shows: tables, figures, notes, cards and the headline, as HTML that needs no
script.

Everything that came from data is escaped here and nowhere else.
"""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from markupsafe import Markup

from segment_lab.errors import NotEnoughDataError, nearest
from segment_lab.texts.formats import NUMERIC, format_value, guess_format, is_missing, words

HEADLINE_MIME = "application/vnd.segment-lab.headline+json"
CARDS_MIME = "application/vnd.segment-lab.cards+json"
MOST_ROWS = 200
LONG = 24  # characters from which a text gets a wide column, also on a phone
# Enough style for JupyterLab; reports have their own and drop this one.
LAB_STYLE = (
    "<style>.sl-scroll td.txt,.sl-scroll th{text-align:left!important}.sl-scroll caption,.sl-note,"
    ".sl-foot,.sl-card,figcaption{text-align:left;max-width:46em}.sl-lead{font-size:1.2em}"
    ".sl-finding,figcaption strong{font-weight:600}figcaption strong{display:block}"
    "dl[class^=sl-]{display:flex;flex-wrap:wrap;gap:.4em 2em}dl[class^=sl-] :is(dt,dd){float:none!important;"
    "width:auto!important;margin:0!important}.sl-scroll caption{font-weight:600}"
    ".sl-note,.sl-card{border-left:3px solid #8aa;padding:0 1em}"
    "</style>"
)


@dataclass(frozen=True)
class Html:
    """A piece of a page, shown by Jupyter and kept by nbconvert; `data` is kept by index and
    manifest."""

    markup: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        return f"{LAB_STYLE}{self.markup}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/html": self._repr_html_(), "text/plain": _plain(self.markup), **self.data}

    def __str__(self) -> str:
        return str(self.markup)


def _tidy(text: str) -> str:
    """Without the blank or comma that a study without a currency leaves before a full stop, a
    comma or the end."""
    return re.sub(r"[ ,]+(?=[.,](?:\s|$)|$)", "", text)


def _plain(markup: str) -> str:
    return re.sub(r"\s+", " ", Markup(re.sub(r"<[^>]*>", " ", markup)).unescape()).strip()[:200]


def table(
    frame: pd.DataFrame,
    caption: str,
    *,
    formats: Mapping[str, str] | str | None = None,
    labels: Mapping[str, str] | None = None,
    note: str = "",
    index: bool = True,
    rows: int = MOST_ROWS,
    empty: str = "",
) -> Html:
    """An accessible table: caption, scoped headers, numbers aligned and rounded, cells escaped.

    Columns ``x``, ``x_low`` and ``x_high`` are shown as one: the value with its interval.

    Parameters
    ----------
    frame : DataFrame
        Rows in the order to show. Its index becomes the row headers unless `index` is False (or it
        is a bare 0, 1, 2 …); the first column does then.
    caption : str
        One sentence that says what the table shows, units included.
    formats : mapping or str, optional
        Column to one of ``count, money, cents, share, days, number, date, words, text``, or one
        for all columns; otherwise as in ``config/columns.yml``, or guessed from name and dtype.
    labels : mapping, optional
        Column to the words shown in its header; otherwise as in ``config/columns.yml``, or
        underscores become spaces.
    note : str, optional
        A line below the table.
    index : bool
        Whether the index is shown.
    rows : int
        At most so many rows are shown; the rest are counted in a line below.
    empty : str
        A sentence to show in place of a table without rows.
    """
    if not caption.strip():
        raise ValueError(
            "A table needs a caption: one sentence that says what it shows, units included."
        )
    caption = _tidy(caption)
    if empty and frame.empty:
        return _nothing(empty)
    formats = (
        dict.fromkeys(frame.columns, formats) if isinstance(formats, str) else dict(formats or {})
    )
    labels = dict(labels or {})
    depth, across = 1, frame.columns.name
    if index and not (isinstance(frame.index, pd.RangeIndex) and frame.index.name is None):
        depth = frame.index.nlevels
        keys = [
            frame.index.get_level_values(i).to_series(name=name or "").reset_index(drop=True)
            for i, name in enumerate(frame.index.names)
        ]
        frame = pd.concat([*keys, frame.reset_index(drop=True)], axis=1)
    total, frame = len(frame), frame.head(rows)
    columns = _columns(frame, formats, labels)
    body = Markup("\n").join(_row(columns, i, depth) for i in range(len(frame)))
    numeric = [position >= depth and c[1] in NUMERIC for position, c in enumerate(columns)]
    head = _head([c[0] for c in columns], numeric, depth, across)
    feet = [note] if note else []
    if total > rows:
        feet.append(f"The first {rows:,} of {total:,} rows.")
    foot = Markup("").join(Markup('<p class="sl-foot">{}</p>').format(f) for f in feet)
    return Html(
        Markup(
            '<div class="sl-scroll" role="group" tabindex="0" aria-label="{}">\n<table>\n'
            "<caption><span>{}</span></caption>\n{}\n<tbody>\n{}\n</tbody>\n</table>\n</div>{}"
        ).format(caption, caption, head, body, foot)
    )


def _columns(
    frame: pd.DataFrame, formats: Mapping[Any, str], labels: Mapping[Any, str]
) -> list[tuple[str, str, list[Any], list[Any]]]:
    """Per shown column: header, format, values, and intervals (None where a column has none)."""
    names = list(frame.columns)
    bounds = {
        f"{n}{end}"
        for n in names
        if {f"{n}_low", f"{n}_high"} <= set(map(str, names))
        for end in ("_low", "_high")
    }
    out = []
    for position, name in enumerate(names):
        if str(name) in bounds:
            continue
        values = frame.iloc[:, position]
        kind = formats.get(name) or guess_format(str(name), values)
        intervals: list[Any] = [None] * len(frame)
        if f"{name}_low" in bounds:
            intervals = list(zip(frame[f"{name}_low"], frame[f"{name}_high"], strict=True))
        label = " · ".join(words(part) for part in name) if isinstance(name, tuple) else words(name)
        out.append((labels.get(name, label), kind, list(values), intervals))
    return out


def _head(labels: list[str], numeric: list[bool], depth: int, across: Any) -> Markup:
    cells = Markup("").join(
        Markup('<th scope="col" class="{}">{}</th>').format("num" if number else "txt", label)
        if label
        else Markup("<td></td>")
        for label, number in zip(labels, numeric, strict=True)
    )
    over = Markup("")
    if across is not None and len(labels) > depth:
        over = Markup(
            '<tr><td colspan="{}"></td><th scope="colgroup" colspan="{}">{}</th></tr>\n'
        ).format(depth, len(labels) - depth, words(across))
    return Markup("<thead>\n{}<tr>{}</tr>\n</thead>").format(over, cells)


def _row(columns: list[tuple[str, str, list[Any], list[Any]]], i: int, depth: int) -> Markup:
    cells = []
    for position, (_, kind, values, intervals) in enumerate(columns):
        value, numeric = values[i], kind in NUMERIC
        text = format_value(value, kind)
        if intervals[i] is not None and not is_missing(value):
            text += Markup(' <span class="ci">{}</span>').format(format_value(intervals[i], kind))
        known = (
            numeric and not isinstance(value, str | list | tuple | Html) and not is_missing(value)
        )
        sort = Markup(' data-sort="{}"').format(f"{value:.12g}") if known else Markup("")
        if position < depth:
            cells.append(Markup('<th scope="row"{}>{}</th>').format(sort, text))
        else:
            css = (
                "num"
                if numeric
                else "txt long"
                if isinstance(value, str) and len(value) > LONG
                else "txt"
            )
            cells.append(Markup('<td class="{}"{}>{}</td>').format(css, sort, text))
    return Markup("<tr>{}</tr>").format(Markup("").join(cells))


def figure(drawing: Any, alt: str = "", caption: str = "") -> Html:
    """A picture of a matplotlib Axes or Figure; `alt` says in words, from the data, what it shows.

    The pictures of `segment_lab.show.pictures` bring their own alt text, as the label of the
    figure. The caption stands above the picture, its first sentence as the title: there belongs
    what the picture tells. The picture has twice the pixels it is shown with and 64 colours, as
    lossless WebP (a third smaller than PNG); the same drawing gives the same bytes. The figure is
    closed afterwards.
    """
    import matplotlib.pyplot as plt
    from PIL import Image

    canvas = drawing if hasattr(drawing, "savefig") else drawing.figure
    alt = alt.strip() or str(canvas.get_label())
    if not alt.strip():
        raise ValueError(
            "A figure needs an alt text: what it shows, in words and figures from the data."
        )
    raw, small = io.BytesIO(), io.BytesIO()
    # A tight box may grow the picture, so no label is ever cut off.
    canvas.savefig(
        raw, format="png", dpi=220, bbox_inches="tight", pad_inches=0.08, facecolor="white"
    )
    plt.close(canvas)
    image = Image.open(raw).convert("RGB").quantize(64, dither=Image.Dither.NONE)
    image.convert("RGB").save(small, format="WEBP", lossless=True, method=4)
    data = base64.b64encode(small.getvalue()).decode()
    title, *rest = re.split(r"(?<=[.:?]) +(?=[A-Z0-9])", _tidy(caption), maxsplit=1)
    above = (
        Markup("<figcaption><strong>{}</strong> {}</figcaption>").format(title, "".join(rest))
        if caption
        else ""
    )
    return Html(
        Markup(
            '<figure class="sl-figure">{}<img alt="{}" width="{}" height="{}" '
            'src="data:image/webp;base64,{}"></figure>'
        ).format(above, alt, image.width // 2, image.height // 2, data)
    )


NOTES = {"info": "Note", "warning": "Caution", "missing": "Not available"}


def note(text: str, kind: str = "info") -> Html:
    """A paragraph set apart; `kind` is ``info``, ``warning`` or ``missing``."""
    if kind not in NOTES:
        raise ValueError(f"{kind!r} is no kind of note; {nearest(kind, NOTES)}")
    return Html(
        Markup('<p class="sl-note sl-{}"><strong>{}:</strong> {}</p>').format(
            kind, NOTES[kind], text
        )
    )


def _nothing(text: str) -> Html:
    return note(text)  # for where a parameter is called note


def finding(text: str) -> Html:
    """What a part of the report found, in a sentence or two that stand above its evidence."""
    return Html(Markup('<p class="sl-finding">{}</p>').format(text))


# What a reader is told who does not know how data sufficiency is measured.
STANDING = {
    "PROPER": ("Settled", "the segments have stopped shifting and may be acted on."),
    "PRELIMINARY": (
        "Preliminary",
        "the segments may still shift as data come in; look again before a large campaign.",
    ),
}


def headline(
    *sentences: str,
    figures: Mapping[str, Any] | None = None,
    status: Any = None,
    currency: str = "",
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
    currency : str
        Unit of the figures that are money.
    """
    shown = {
        name: {
            "label": words(name),
            "value": _json(value),
            "text": _fact(name, value, currency).unescape(),
        }
        for name, value in (figures or {}).items()
    }
    data: dict[str, Any] = {"sentences": list(sentences), "figures": shown, "status": None}
    text = Markup("").join(
        Markup('<p class="{}">{}</p>').format("sl-rest" if i else "sl-lead", s)
        for i, s in enumerate(sentences)
    )
    if status is not None:
        word, advice = STANDING[status.kind]
        data["status"] = {
            "kind": status.kind,
            "reason": status.reason,
            "word": word,
            "advice": advice,
        }
        text += Markup(
            '<p class="sl-status sl-{}"><strong>{}:</strong> {} <span>Why: {}.</span></p>'
        ).format("go" if status.kind == "PROPER" else "try", word, advice, status.reason)
    return Html(
        Markup('<div class="sl-headline">{}{}</div>').format(
            text, _facts(figures or {}, "sl-keys", currency)
        ),
        {HEADLINE_MIME: data},
    )


VERDICTS = {"roll out": "go", "pilot": "try", "do not": "stop"}


def card(
    title: str, facts: Mapping[str, Any] | None = None, *, verdict: str = "", body: str | Html = ""
) -> Html:
    """A card of evidence: a title, a verdict, a sentence or two, and the figures that justify
    it."""
    tone = next(
        (tone for start, tone in VERDICTS.items() if verdict.lower().startswith(start)), "open"
    )
    chip = Markup('<p class="sl-verdict sl-{}">{}</p>').format(tone, verdict) if verdict else ""
    rich = isinstance(body, Html)
    text = Markup(body) if rich else Markup("<p>{}</p>").format(body) if body else ""
    data = {
        "title": title,
        "verdict": verdict,
        "tone": tone,
        "body": _plain(str(body)) if rich else body,
        "facts": {name: _fact(name, value).unescape() for name, value in (facts or {}).items()},
    }
    return Html(
        Markup('<section class="sl-card"><h3>{}</h3>{}{}{}</section>').format(
            title, chip, text, _facts(facts or {}, "sl-facts")
        ),
        {CARDS_MIME: [data]},
    )


def answer(make: Callable[[], Html]) -> Html:
    """What `make` shows, or the reason why there is not enough data for it."""
    try:
        return make()
    except NotEnoughDataError as reason:
        return note(str(reason), "missing")


def group(*pieces: Html) -> Html:
    """Several pieces as one output; cards alone stand side by side."""
    cards = [c for piece in pieces for c in piece.data.get(CARDS_MIME, ())]
    data: dict[str, Any] = {mime: value for piece in pieces for mime, value in piece.data.items()}
    if cards:
        data[CARDS_MIME] = cards
    side = (
        "sl-cards"
        if pieces and all('class="sl-card"' in p.markup[:40] for p in pieces)
        else "sl-group"
    )
    return Html(Markup('<div class="{}">{}</div>').format(side, _joined(pieces)), data)


def details(summary: str, *pieces: Html) -> Html:
    """Evidence folded under one line that says what it holds."""
    return Html(
        Markup('<details class="sl-details"><summary>{}</summary>{}</details>').format(
            _tidy(summary), _joined(pieces)
        ),
        group(*pieces).data,
    )


def _joined(pieces: Iterable[Html]) -> Markup:
    return Markup("\n").join(Markup(piece.markup) for piece in pieces)


def _fact(name: str, value: Any, currency: str = "") -> Markup:
    kind = guess_format(
        name, pd.Series(list(value) if isinstance(value, list | tuple) else [value])
    )
    unit = (
        f" {currency}" if currency and kind in ("money", "cents") and not is_missing(value) else ""
    )
    return format_value(value, kind) + unit


def _facts(facts: Mapping[str, Any], css: str, currency: str = "") -> Markup:
    rows = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(
            words(name), _fact(name, value, currency)
        )
        for name, value in facts.items()
    )
    return Markup('<dl class="{}">{}</dl>').format(css, rows) if facts else Markup("")


def _json(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_json(v) for v in value]
    value = value.item() if hasattr(value, "item") else value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)
