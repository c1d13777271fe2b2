"""Each translation says what the English texts say: the same keys, the same facts, its plurals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, meta, nodes

from segment_lab import texts
from segment_lab.texts import pseudo
from segment_lab.texts.languages import locale, subject

#: Languages whose folders hold every text; others may still grow (English fills their gaps).
COMPLETE = ("ru", "pl")
ENGLISH = resources.files("segment_lab.texts").joinpath("en")
SUBJECTS = sorted(file.name.removesuffix(".yml") for file in ENGLISH.iterdir())
#: Words that are the same in other languages.
ALIKE = re.compile(
    r"RFM|ABC|VIP|DSO|AUC|AMI|ARI|Brier|Gini|Jaccard|V|η²|ω²|R²|segment-lab"
)

#: Keys whose texts are for the program, or the same in every language.
CODES = ("decision.tone.", "languages.name.")
#: Files that may hold more keys: English shows these names by what they are called.
OPEN = ("names",)
#: Whole texts that a language writes as English does.
SAME = {
    "pl": {
        "decision.kind.email",
        "front.segments.segment",
        "columns.segment",
        "columns.region",
        "columns.plan",
    }
}


def sentences(language: str, name: str) -> dict[str, str]:
    """Every text of a file by its full key."""
    return dict(_leaves(name, subject(language, name)))


def _leaves(path: str, found: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(found, dict):
        yield path, found
        return
    for key, value in found.items():
        yield from _leaves(f"{path}.{key}", value)


@cache
def parsed(language: str, text: str) -> nodes.Template:
    """The template as Jinja2 reads it, with the filters there are."""
    environment: Environment = texts._environment(language)
    environment.from_string(text)
    return environment.parse(text)


@cache
def facts(language: str, text: str) -> set[str]:
    return meta.find_undeclared_variables(parsed(language, text))


def plain(text: str) -> str:
    """What a template says besides its facts, and the words that are alike everywhere."""
    return ALIKE.sub("", re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.DOTALL))


def plurals(template: nodes.Template) -> Iterator[set[str]]:
    for call in template.find_all(nodes.Filter):
        if call.name == "plural":
            yield {form.key for form in call.kwargs}


every_file = pytest.mark.parametrize("name", SUBJECTS)
every_language = pytest.mark.parametrize("language", COMPLETE)


@every_language
@every_file
def test_a_translation_has_the_keys_of_the_english_file(language, name):
    here, english = set(sentences(language, name)), set(sentences("en", name))
    assert here >= english if name in OPEN else here == english


@every_language
@every_file
def test_a_translation_names_the_facts_of_the_english_sentence(language, name):
    english = sentences("en", name)
    for key, text in sentences(language, name).items():
        assert isinstance(text, str), key
        assert facts(language, text) == facts("en", english.get(key, "")), key


#: Filters that say how a figure is written.
WRITTEN = {"money", "cents", "percent", "share", "date", "month", "number", "per100"}


def figures(template: nodes.Template) -> set[tuple[str, str]]:
    """Every fact that is written as a figure, and how."""
    found = set()
    for call in template.find_all(nodes.Filter):
        if call.name in WRITTEN:
            found |= {(name.name, call.name) for name in call.find_all(nodes.Name)}
    return found


@every_language
@every_file
def test_a_translation_writes_figures_as_the_english_sentence_does(language, name):
    english = sentences("en", name)
    for key, text in sentences(language, name).items():
        here = figures(parsed(language, text))
        assert here == figures(parsed("en", english.get(key, ""))), key


@every_language
@every_file
def test_no_sentence_is_left_in_english(language, name):
    english = sentences("en", name)
    left = [
        key
        for key, text in sentences(language, name).items()
        if text == english.get(key)
    ]
    same = SAME.get(language, set())
    said = [key for key in left if not key.startswith(CODES) and key not in same]
    assert [key for key in said if re.search(r"[A-Za-z]{2}", plain(english[key]))] == []


@every_language
@every_file
def test_plurals_have_every_form_of_the_language(language, name):
    forms = set(locale(language).plural_form.tags) | {"other"}
    for key, text in sentences(language, name).items():
        assert all(given == forms for given in plurals(parsed(language, text))), key


@every_file
def test_a_pseudo_text_is_still_a_template_of_the_same_facts(name):
    english = sentences("en", name)
    for key, text in sentences(pseudo.NAME, name).items():
        assert facts(pseudo.NAME, text) == facts("en", english[key]), key


def test_the_words_that_an_expression_holds_are_accented_and_its_keys_are_not():
    english = """{{ ways | join(" or ") if ways else "nobody" }}{{ 'more' if kind == "up" }}"""
    template = texts._environment(pseudo.NAME).from_string(pseudo.text(english))
    assert template.render(ways=["a", "b"], kind="up") == "a óř bmóóřřéé"
    assert template.render(ways=[], kind="down") == "ñóóƀóóďýý"


@pytest.mark.parametrize("language", ["en", *COMPLETE])
@every_file
def test_how_sure_a_range_is_comes_from_the_level_used(language, name):
    typed = re.compile(r"\b(?:95|80)[ \u00a0\u202f]?%|\b19\b.{1,6}\b20\b")
    found = [
        key for key, text in sentences(language, name).items() if typed.search(text)
    ]
    assert found == []


def test_ranges_are_computed_from_the_levels_that_texts_print():
    package = Path(texts.__file__).parents[1]
    typed = re.compile(r"\b0\.(?:025|975)\b|\b1\.96\b|\b97\.5\b")
    found = [
        path.name
        for path in package.rglob("*.py")
        if typed.search(path.read_text("utf-8")) and path.name != "levels.py"
    ]
    assert found == []
    with texts.speaking("ru"):
        assert "95\u00a0%" in texts.say("comparison.caption.trust")


@every_language
@every_file
def test_no_key_is_written_twice(language, name):
    file = resources.files("segment_lab.texts").joinpath(language, f"{name}.yml")
    text = file.read_text("utf-8")
    for mapping in _mappings(yaml.compose(text, Loader=yaml.CSafeLoader)):
        names = [key.value for key, _ in mapping.value]
        assert len(names) == len(set(names)), names


def _mappings(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    if not isinstance(node, yaml.MappingNode):
        return
    yield node
    for _, value in node.value:
        yield from _mappings(value)
