"""What two languages of a page have in common: its numbers; and what is left of a third."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"
UNREAD = re.compile(
    r"<(script|style|pre|code|title)\b.*?</\1>|<section class=\"provenance\">.*?</section>"
    r"|base64,[^\"]+|<header.*?</header>|<footer.*?</footer>",
    re.S,
)
SAID = re.compile(r'\b(?:alt|aria-label)="([^"]*)"')
FILE = re.compile(r"[\w/]+\.(?:csv|xlsx|parquet|json|yml|ics|md)\b")
WORD = re.compile(r"(?<![^\W\d_])[A-Za-z]{3,}(?![^\W\d_])")
#: A column of so few values is one of the company's own words, not of names or notes.
FEW = 60
#: Names that are the same in every language, and months and lists of European English.
NAMES = {
    *[
        "abc",
        "ami",
        "ari",
        "auc",
        "bg",
        "brier",
        "crm",
        "dso",
        "eur",
        "gamma",
        "gini",
        "kpi",
        "mae",
        "nbd",
        "rfm",
        "sql",
        "vip",
        "mail",
    ],
    # A setting, and columns that a reader may add.
    *["strategy", "birthday", "anniversary"],
    "excel",
    *["bootstrap", "cramer", "cramér", "jaccard", "lorenz", "shapley", "factoring"],
    # A packaged grid, named as in the study file.
    "quintiles",
}
ENGLISH = {
    *[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
    ],
    *["november", "december", "and"],
    # Words that a template is given as facts: the languages' own templates choose by them.
    *[
        "revenue",
        "margin",
        "frequency",
        "recency",
        "monetary",
        "up",
        "down",
        "above",
        "below",
        "inside",
    ],
}


def text_of(page: str) -> str:
    """What a reader sees and hears of a page, without code and how it was made."""
    body = UNREAD.sub(" ", page)
    heard = " ".join(SAID.findall(body))
    return html.unescape(re.sub(r"<[^>]+>", " ", body) + " " + heard)


def numbers(page: str, language: str) -> set[str]:
    """The figures that a page states, as English writes them without thousands' commas."""
    text = text_of(page)
    if language.startswith("en"):
        text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    else:
        text = re.sub(r"(?<=\d)[\u00a0\u202f](?=\d{3}(?!\d))", "", text)
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    return set(re.findall(r"\d+(?:\.\d+)?", text))


def own_words() -> set[str]:
    """The words of the sample's company: its columns, its values and its study file."""
    said = [re.sub(r"#.*", "", (ROOT / "configs" / "sample.yml").read_text("utf-8"))]
    for path in SAMPLE.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            values: dict[str, set[str]] = {
                name: set() for name in rows.fieldnames or ()
            }
            for row in rows:
                for name, held in values.items():
                    if len(held) <= FEW:
                        held.add(row[name] or "")
        said.extend(values)
        for held in values.values():
            said.extend(held if len(held) <= FEW else ())
    return {word.lower() for word in WORD.findall(" ".join(said).replace("_", " "))}


def english_left(page: str, language: str, own: set[str]) -> set[str]:
    """Words in plain Latin letters that are neither the company's own nor names."""
    known = own | NAMES | (ENGLISH if language == "en-XA" else set())
    text = FILE.sub(" ", text_of(page)).replace("_", " ")
    return {word for word in WORD.findall(text) if word.lower() not in known}
