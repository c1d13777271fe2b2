"""A further language is a folder; what it lacks is said in English, and a language made by code
finds what is not in the folders at all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from segment_lab import config, texts
from segment_lab.act import effects
from segment_lab.errors import ConfigError
from segment_lab.receivables import segmenter as receivables
from segment_lab.render.catalog import CATALOG
from segment_lab.render.editions import Edition
from segment_lab.render.inputs import study_languages
from segment_lab.segments import lifecycle
from segment_lab.study.config import StudyConfig
from segment_lab.texts import pseudo
from segment_lab.texts.languages import _over, subject

SHOWN_TEXTS = (
    "action",
    "kpi",
    "guardrail",
    "rationale",
    "source",
    "assumption",
    "kind",
    "channel",
)
PLAIN_WORD = re.compile(r"[A-Za-z]{3,}")


def test_a_text_that_a_language_lacks_is_said_in_english():
    below = {"a": "one", "group": {"b": "two", "c": "three"}}
    above = {"group": {"b": "два"}, "a": None}
    assert _over(below, above) == {"a": "one", "group": {"b": "два", "c": "three"}}


def test_an_unknown_language_names_the_nearest():
    with pytest.raises(ConfigError, match="no language 'fn'; did you mean 'en'"):
        texts.known(["fn"])
    with pytest.raises(ValueError, match="no language 'xx'"):
        StudyConfig.model_validate(
            {"name": "a", "lang": "xx", "sources": {"orders": {}}}
        )


@pytest.mark.parametrize(
    ("given", "languages"),
    [
        ("lang: en", ("en",)),
        ("lang: [en, en]", ("en",)),
        ("lang: no", ("en",)),
        ("", ("en",)),
    ],
)
def test_the_languages_of_a_study_file(tmp_path, given, languages):
    path = tmp_path / "study.yml"
    path.write_text(f"name: a\n{given}\n")
    assert study_languages(path) == languages


def test_further_languages_have_a_folder_and_link_to_each_other():
    first, second = (Edition(name, ("en", "ru")) for name in ("en", "ru"))
    assert (first.path("a.html"), second.path("a.html")) == ("a.html", "ru/a.html")
    assert [other["href"] for other in first.others("a.html")] == ["ru/a.html"]
    assert [other["href"] for other in second.others("a.html")] == ["../a.html"]


def test_links_to_what_all_languages_share_lead_out_of_a_folder(tmp_path):
    second = Edition("ru", ("en", "ru"))
    (tmp_path / "ru").mkdir()
    for name in ("segments.csv", "list.xlsx", "ru/list.xlsx", "ru/a.html"):
        (tmp_path / name).write_text("")
    page = tmp_path / "ru" / "a.html"
    links = [f'<a href="{name}">' for name in ("segments.csv", "list.xlsx", "a.html")]
    page.write_text("".join(links))
    for _ in range(2):  # a page that is kept is led out again
        second.lead_out(tmp_path)
        found = re.findall('href="([^"]*)"', page.read_text())
        assert found == ["../segments.csv", "list.xlsx", "a.html"]


def test_speaking_ends_with_its_block():
    with texts.speaking("en-XA", "EUR"):
        texts.speak(currency="PLN")
        assert (texts.language(), texts.currency()) == ("en-XA", "PLN")
    assert texts.language() == "en"


def test_pseudo_texts_are_accented_longer_and_keep_their_facts():
    english = subject("en", "rfm")["finding"]["best"]
    made = pseudo.text(english)
    words, longer = (pseudo.CODE.sub("", text) for text in (english, made))
    assert len(longer) > 1.2 * len(words)
    assert re.findall(r"{{\s*(\w+)", made) == re.findall(r"{{\s*(\w+)", english)
    assert not PLAIN_WORD.search(pseudo.CODE.sub("", made))


def test_names_of_segments_are_translated_and_those_of_a_company_are_not():
    with texts.speaking("en-XA"):
        for name in ("Champions", "Rare, long silent", "Silent 31–90 days, 2+ orders"):
            assert not PLAIN_WORD.search(texts.shown(name)), name
        assert "31–90" in texts.shown("Silent 31–90 days, 2+ orders")
        assert texts.shown("Key accounts, north") == "Key accounts, north"
    assert texts.shown("Champions") == "Champions"


def test_every_name_of_a_packaged_segment_has_words():
    grids = [config.packaged(f"rfm/{name}")["segments"] for name in config.names("rfm")]
    rfm = {str(rule["name"]) for grid in grids for rule in grid}
    fixed = {*lifecycle.TIERS, *receivables.NAMES, effects.ALL}
    assert rfm | fixed <= set(subject("en", "names"))


def test_the_texts_of_the_packaged_playbooks_have_words():
    held = set()
    for name in config.names("playbooks"):
        for entry in config.packaged(f"playbooks/{name}"):
            held |= {entry[key] for key in SHOWN_TEXTS}
            held |= {entry["uplift"]["source"]} if entry.get("uplift") else set()
    assert held == set(subject("en", "playbooks"))


def test_prose_of_the_notebooks_is_what_translators_work_from():
    for report in CATALOG.values():
        cells = report.content["cells"]
        prose = {
            cell["id"]: "".join(cell["source"])
            for cell in cells
            if cell["cell_type"] == "markdown"
            and "hide" not in cell["metadata"].get("tags", [])
        }
        assert subject("en", "notebooks")[Path(report.file).stem] == prose
        with texts.speaking("en-XA"):
            assert not PLAIN_WORD.search(
                report.title_and_question[0].replace("RFM", "").replace("ABC", "")
            )


@pytest.mark.parametrize("language", texts.languages())
def test_translations_hold_no_key_that_english_lacks(language):
    """A key that was renamed in English would go unseen."""

    def lost(own, english, path):
        for key, value in own.items():
            if key not in english:
                yield f"{path}.{key}"
            elif isinstance(value, dict) and isinstance(english[key], dict):
                yield from lost(value, english[key], f"{path}.{key}")

    folder = Path(texts.__file__).parent / language
    found = []
    for file in sorted(folder.glob("*.yml")):
        if file.stem in (
            "columns",
            "names",
        ):  # English shows these by what they are called
            continue
        own = yaml.safe_load(file.read_text("utf-8")) or {}
        found += lost(own, subject("en", file.stem), file.stem)
    assert json.dumps(found) == "[]"


def test_a_sentence_that_ends_in_an_abbreviation_has_one_full_stop():
    with texts.speaking("ru"):
        asked = texts.say("front.sure.next", day="2026-06-30")
    assert re.search(r"2026\sг\.$", asked)
