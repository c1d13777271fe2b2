"""Lists as they are printed: the header and the titles of the report stand again on every page."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from segment_lab.data.guess.totals import Aside
from segment_lab.data.quoting import literal, quoted
from segment_lab.texts import say


def page_breaks(frame: pd.DataFrame, above: Iterable[str]) -> Aside:
    """Rows that say the header again, the titles over them, and those titles anywhere else."""
    again = _header_again(frame)
    titles = _over(frame, again) | _said_above(frame, above)
    titles &= ~again
    aside = Aside(pd.Series(False, index=frame.index))
    if again.any():
        first = frame[again].notna().all()
        whole = str(first.idxmax())
        aside.conditions.append(f"trim({quoted(whole)}) = {literal(whole)}")
        rows = int(again.sum())
        aside.notes.append(say("init.took.header_again", rows=rows))
        aside.rows |= again
    for name in map(str, frame):
        here = titles & ~aside.rows & frame[name].notna()
        if here.any():
            _one_column(aside, frame, name, here)
    return aside


def _one_column(aside: Aside, frame: pd.DataFrame, name: str, here: pd.Series) -> None:
    """Titles that begin in one column, whatever the numbers of their pages."""
    texts = frame[name][here]
    form = f"^(?:{'|'.join(dict.fromkeys(map(_form, texts)))})$"
    if (frame[name].str.fullmatch(form).fillna(False) & ~here).any():
        return  # a row of the list has the same text there
    aside.conditions.append(f"regexp_matches(trim({quoted(name)}), {literal(form)})")
    examples = list(texts.unique()[:3])
    note = say("init.took.titles", rows=int(here.sum()), examples=examples)
    aside.notes.append(note)
    aside.rows |= here


def _form(text: str) -> str:
    """A pattern that fits a text with other numbers in it."""
    parts = re.split(r"\d+", text)
    return r"\d+".join(map(re.escape, parts))


def _header_again(frame: pd.DataFrame) -> pd.Series:
    """Rows whose cells are the names of their columns."""
    same = pd.DataFrame({name: frame[name] == name for name in frame})
    filled = frame.notna().sum(axis=1)
    return (same.sum(axis=1) == filled) & (filled > max(1, len(frame.columns) / 2))


def _over(frame: pd.DataFrame, again: pd.Series) -> pd.Series:
    """Nearly empty rows right above a header that is said again."""
    filled = frame.notna().sum(axis=1)
    lonely = (filled <= filled[~again].median() / 2) & ~again
    over = pd.Series(False, index=frame.index)
    below = again
    while below.any():
        below = below.shift(-1, fill_value=False) & lonely
        over |= below
    return over


def _said_above(frame: pd.DataFrame, above: Iterable[str]) -> pd.Series:
    """Rows that say what stands above the header, but for its numbers."""
    found = pd.Series(False, index=frame.index)
    forms = [_form(line) for line in above]
    filled = frame.notna().sum(axis=1)
    lonely = filled <= filled.median() / 2
    if not forms or not lonely.any():
        return found
    said = frame[lonely].fillna("").agg(" ".join, axis=1)
    spoken = said.str.replace(r'[\s,;|"]+', " ", regex=True).str.strip()
    found[spoken.index] = spoken.str.fullmatch("|".join(forms))
    return found
