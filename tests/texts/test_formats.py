"""Figures as the language in use writes them; the digits are the same in every language."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lab import texts
from segment_lab.config import packaged
from segment_lab.texts import formats
from segment_lab.texts.languages import subject

WRITTEN = {
    "en": ("EUR 3,677,173", "30.5%", "30 June 2026", "1,234.50"),
    "ru": ("3 677 173 EUR", "30,5 %", "30 июня 2026 г.", "1 234,50"),
    "pl": ("3 677 173 EUR", "30,5%", "30 czerwca 2026", "1 234,50"),
}


@pytest.mark.parametrize("language", WRITTEN)
def test_each_language_writes_figures_its_own_way(language):
    with texts.speaking(language=language, currency="EUR"):
        shown = (
            formats.SPOKEN["money"](3_677_173.4),
            formats.percent(0.305, 1),
            formats.SPOKEN["date"]("2026-06-30"),
            formats.decimal(1234.5, 2),
        )
    assert (
        tuple(re.sub(r"[\u00a0\u202f]", " ", text) for text in shown)
        == WRITTEN[language]
    )


def test_a_segment_of_the_companys_own_is_no_code_of_ours():
    with texts.speaking("ru"):
        written = [
            str(formats.format_value(name, "name")) for name in ("Lost", "active")
        ]
        assert written == ["Потерянные", "active"]
        assert str(formats.format_value("active")) == "активный"
        said = texts.say("plan.file", contacts=1, held=1, path="active")
    assert said.endswith("active")


def test_blanks_inside_a_number_do_not_break():
    with texts.speaking(language="pl", currency="EUR"):
        assert formats.SPOKEN["money"](1234567) == "1\u00a0234\u00a0567\u00a0EUR"


def test_money_without_a_currency_or_a_value():
    assert formats.SPOKEN["money"](1234.4) == "1,234"
    with texts.speaking(currency="EUR"):
        assert formats.SPOKEN["money"](None) == formats.MISSING
        assert formats.SPOKEN["cents"](-3.5) == "EUR −3.50"


@given(st.floats(-1e12, 1e12), st.integers(0, 4))
def test_babel_writes_the_digits_that_python_rounds_to(value, decimals):
    written = (
        formats.decimal(value, decimals).replace(",", "").replace(formats.MINUS, "-")
    )
    assert float(written) == float(f"{value:.{decimals}f}")


@given(st.floats(-100, 100))
def test_a_percentage_is_rounded_once(share):
    written = formats.percent(share, 1).replace(",", "").replace(formats.MINUS, "-")
    assert float(written.removesuffix("%")) == float(f"{100 * share:.1f}")


def test_templates_say_figures_in_the_language_in_use():
    sentence = texts._environment("en").from_string(
        "{{ sales | money }}, {{ change | percent }} on {{ day | date }}, {{ names | listed }}"
    )
    facts = {
        "sales": 1234567,
        "change": -0.27,
        "day": "2026-06-30",
        "names": ["A", "B", "C"],
    }
    with texts.speaking(currency="EUR"):
        told = sentence.render(facts)
    assert told == "EUR 1,234,567, −27% on 30 June 2026, A, B and C"


def test_columns_are_shown_in_known_ways():
    assert set(packaged("columns").values()) <= set(formats.FORMATS)


@pytest.mark.parametrize("language", texts.languages())
def test_every_header_is_told_once_and_in_plain_words(language):
    headers = subject(language, "columns")
    assert len(headers) > 40
    for name, header in headers.items():
        assert header == header.strip()
        assert not re.search(r"[_/]", header), name


def test_a_small_effect_is_never_written_as_none():
    """A threshold of +0.0 buyers per 100 says nothing; an effect of none has no sign."""
    written = formats.SPOKEN["per100"]
    assert [written(share) for share in (0.026, 0.0004, -0.0003, 0.0)] == [
        "+2.6",
        "+0.04",
        "−0.03",
        "0.0",
    ]
