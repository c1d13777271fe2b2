"""What a report shows: escaped, captioned, aligned, complete."""

from __future__ import annotations

import base64
import datetime as dt
import io
import re
from decimal import Decimal
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from segment_lab import show as display
from segment_lab import texts
from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.show.cards import CARDS_MIME, HEADLINE_MIME
from segment_lab.texts import formats as formatting


class Cells(HTMLParser):
    """Tags seen, and the text of every cell."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[list[str]] = []
        self._open = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self._open = True
            self.cells[-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._open = False

    def handle_data(self, data):
        if self._open:
            self.cells[-1][-1] += data


def cells(html: display.Html) -> list[list[str]]:
    return Cells(str(html)).cells


@pytest.fixture
def segments() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customers": [1200, 3],
            "revenue": [1_000_000.4, np.nan],
            "revenue_share": [0.9, 0.0001],
        },
        index=pd.Index(["A <b>", "B"], name="segment"),
    )


def test_without_a_currency_no_comma_is_left_over():
    def told(text: str) -> str:
        return re.sub(r"<[^>]+>", "", str(display.details(text)))

    assert [
        told(t)
        for t in (
            "Overdue money, ",
            "At the close, .",
            "Lost: 10 , overdue. More",
            "10 EUR, of .5",
        )
    ] == ["Overdue money", "At the close.", "Lost: 10, overdue. More", "10 EUR, of .5"]


def test_one_format_may_hold_for_all_columns():
    frame = pd.DataFrame(
        {"Prompt": [1.26], "Overdue": [1234.5]}, index=pd.Index(["A"], name="value")
    )
    html = display.table(frame, "Overdue money, ", formats="money")
    assert cells(html)[1] == ["A", "1", "1,234"]
    assert "<span>Overdue money</span>" in str(html)


def test_table_has_caption_scopes_and_rounded_aligned_numbers(segments):
    html = str(display.table(segments, "Size & revenue, EUR"))
    assert "<caption><span>Size &amp; revenue, EUR</span></caption>" in html
    assert html.count('scope="col"') == 4
    assert html.count('scope="row"') == 2
    assert cells(display.table(segments, "c")) == [
        ["Segment", "Customers", "Revenue", "Share of revenue"],
        ["A <b>", "1,200", "1,000,000", "90.0%"],
        ["B", "3", "–", "<0.1%"],
    ]
    assert '<td class="num" data-sort="1200">1,200</td>' in html
    assert "<b>" not in html


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_text_of_the_data_becomes_markup(value, column, caption):
    frame = pd.DataFrame({column: [value], "x": [1.5]})
    html = str(display.table(frame, f"Caption {caption}", note=f"Note {value}"))
    assert set(Cells(html).tags) <= {
        "div",
        "table",
        "caption",
        "span",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "p",
    }
    piece = display.group(
        display.headline(value, figures={column or "f": value}),
        display.note(value),
        display.card(value, {column or "f": value}, verdict=value, body=value),
    )
    assert set(Cells(str(piece)).tags) <= {
        "div",
        "p",
        "dl",
        "dt",
        "dd",
        "section",
        "h3",
        "strong",
    }


def test_intervals_stand_beside_their_value():
    frame = pd.DataFrame(
        {
            "scheme": ["rfm"],
            "gini": [0.64],
            "gini_low": [0.6],
            "gini_high": [0.68],
            "natural_rate": [(0.11, 0.19)],
        }
    )
    assert cells(display.table(frame, "c")) == [
        ["Scheme", "Concentration (Gini)", "Buys anyway"],
        ["rfm", "0.64 0.60 to 0.68", "11.0% to 19.0%"],
    ]


def test_cross_table_names_both_sides():
    moved = Segmentation.from_labels({"a": "X", "b": "Y"}).migration(
        Segmentation.from_labels({"a": "X", "b": "X"})
    )
    html = str(display.table(moved, "From rows to columns"))
    assert '<th scope="colgroup" colspan="2">Now</th>' in html
    assert cells(display.table(moved, "c"))[1:] == [
        ["Earlier", "X", "Y"],
        ["X", "1", "1"],
    ]


def test_bare_index_is_hidden_and_first_column_heads_the_row():
    html = str(display.table(pd.DataFrame({"name": ["a"], "n": [1]}), "c"))
    assert '<th scope="row">a</th><td class="num"' in html


def test_long_texts_get_a_wide_column():
    frame = pd.DataFrame(
        {"n": [1, 2], "what": ["short", "a text of more than two dozen letters"]}
    )
    html = str(display.table(frame, "c"))
    assert html.count('<td class="txt">') == html.count('<td class="txt long">') == 1


def test_rows_left_out_are_counted():
    html = display.table(pd.DataFrame({"n": range(250)}), "c", rows=100)
    assert len(cells(html)) == 101
    assert (
        "The first 100 of 250 rows; sorting and the filter cover these alone."
        in str(html)
    )


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("customers", [1, 2], "count"),
        ("revenue", [1e6, 2e6], "money"),
        ("cost_per_contact", [0.35, 1.2], "cents"),
        ("revenue_share", [0.1], "share"),
        ("response_rate", [0.1], "share"),
        ("median_recency_days", [3.0], "days"),
        ("customer_id", [7], "text"),
        ("year", [2024], "text"),
        ("gini", [0.5], "number"),
        ("vip", [True], "text"),
        ("mean_frequency", [1.4, 2.2], "number"),
        ("first_order", pd.to_datetime(["2024-01-01"]), "date"),
        ("day", [dt.date(2024, 1, 1)], "date"),
        ("amount", [Decimal("1000.50")], "money"),
        ("note", ["x"], "text"),
    ],
)
def test_format_is_guessed_from_name_and_type(name, values, kind):
    assert formatting.guess_format(name, pd.Series(values)) == kind


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "money", "–"),
        (float("nan"), "share", "–"),
        (pd.NaT, "date", "–"),
        (float("inf"), "number", "∞"),
        (-0.2, "count", "0"),
        (-1234.5, "cents", "−1,234.50"),
        (0.00001, "share", "<0.1%"),
        (0, "share", "0.0%"),
        (0.0123, "number", "0.012"),
        ("cash_trouble", "words", "cash trouble"),
        (True, "text", "yes"),
        (dt.datetime(2024, 1, 1, 13, 5), "date", "2024-01-01 13:05"),
        ((1, 2), "count", "1 to 2"),
    ],
)
def test_values_are_written_for_people(value, kind, text):
    assert formatting.format_value(value, kind).unescape() == text


def test_unknown_format_and_kind_name_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'money'"):
        display.table(pd.DataFrame({"a": [1]}), "c", formats={"a": "mony"})
    with pytest.raises(ValueError, match="did you mean 'warning'"):
        display.note("x", "warn")


@pytest.mark.parametrize(
    "make",
    [
        lambda: display.table(pd.DataFrame({"a": [1]}), " "),
        lambda: display.figure(draw(), alt=" "),
    ],
)
def test_caption_and_alt_text_are_required(make):
    with pytest.raises(ValueError, match="needs a"):
        make()
    plt.close("all")


def draw():
    from segment_lab.show import style

    ax = style.axes(rows=2)
    ax.barh(["a segment with quite a long name", "b"], [1, 2])
    return ax


def test_figure_is_a_small_closed_unclipped_deterministic_picture():
    from PIL import Image

    first, second = (
        str(display.figure(draw(), alt='bars "a" <b>')),
        str(display.figure(draw(), alt='bars "a" <b>')),
    )
    assert first == second
    assert plt.get_fignums() == []
    assert 'alt="bars &#34;a&#34; &lt;b&gt;"' in first
    image = Image.open(
        io.BytesIO(base64.b64decode(re.search('base64,([^"]+)', first)[1]))
    )
    assert image.format == "WEBP"
    assert len(image.getcolors(256)) <= 64
    edge = np.asarray(image.convert("L"))
    assert (
        min(edge[0].min(), edge[-1].min(), edge[:, 0].min(), edge[:, -1].min()) >= 254
    )  # nothing is cut off
    assert int(re.search(r'width="(\d+)"', first)[1]) == image.width // 2


def test_headline_keeps_sentences_figures_and_status_for_the_index():
    piece = display.headline(
        "Answer.",
        "More.",
        status=Status("PROPER", "segments.not_assessed"),
        figures={
            "customers": np.int64(3),
            "revenue_share": 0.305,
            "range": (1, 2),
            "no": np.nan,
        },
    )
    data = piece._repr_mimebundle_()[HEADLINE_MIME]
    assert data["sentences"] == ["Answer.", "More."]
    assert data["figures"]["customers"] == {
        "label": "Customers",
        "value": 3,
        "text": "3",
    }
    assert data["figures"]["revenue_share"]["text"] == "30.5%"
    assert data["figures"]["no"] == {"label": "No", "value": None, "text": "–"}
    assert data["status"] == {
        "kind": "PROPER",
        "reason": "data sufficiency has not been assessed yet",
        "word": "Settled",
        "advice": texts.say("show.standing.PROPER.advice"),
    }
    assert '<p class="sl-status sl-go"><strong>Settled:</strong>' in str(piece)
    assert "Why: data sufficiency has not been assessed yet." in str(piece)


def test_money_in_the_headline_has_its_unit():
    piece = display.headline(
        "Answer.",
        currency="EUR",
        figures={"customers": 3, "revenue": 1234.5, "cost": np.nan},
    )
    texts = [figure["text"] for figure in piece.data[HEADLINE_MIME]["figures"].values()]
    assert texts == ["3", "EUR 1,234", "–"]
    assert "EUR 1,234</dd>" in str(piece)


def test_a_caption_stands_above_its_picture_with_its_first_sentence_as_title():
    html = str(
        display.figure(
            draw(),
            alt="bars",
            caption="A brings 3.5 times as much <b>. Lines: 95% intervals. More.",
        )
    )
    assert html.index("figcaption") < html.index("<img")
    assert (
        "<strong>A brings 3.5 times as much &lt;b&gt;.</strong> Lines: 95% intervals. More.</figcaption>"
        in html
    )
    assert "figcaption" not in str(display.figure(draw(), alt="bars"))


def test_cards_stand_side_by_side_and_are_kept():
    cards = [
        display.card("A", {"n": 3}, verdict="Roll out"),
        display.card("B", verdict="Do not: uneconomic"),
    ]
    piece = display.group(*cards)
    assert str(piece).startswith('<div class="sl-cards">')
    kept = piece._repr_mimebundle_()[CARDS_MIME]
    assert [(c["title"], c["tone"]) for c in kept] == [("A", "go"), ("B", "stop")]
    assert kept[0]["facts"] == {"n": "3"}


def test_folded_cards_are_kept_too():
    folded = display.group(
        display.group(display.card("A")),
        display.details("Rest", display.card("B"), display.card("C")),
    )
    assert [c["title"] for c in folded.data[CARDS_MIME]] == ["A", "B", "C"]


def test_details_fold_pieces():
    assert str(display.details("How <sure>?", display.note("x"))).startswith(
        '<details class="sl-details"><summary>How &lt;sure&gt;?</summary><p class="sl-note'
    )


def test_pieces_show_in_jupyter_with_their_own_small_style():
    assert display.finding("x < y").markup == '<p class="sl-finding">x &lt; y</p>'
    assert display.note("x")._repr_html_().startswith("<style>")
    assert "<style>" not in str(display.details("s", display.note("x")))
