"""Erasure on request: takes customers out of kept runs, caches and drawn campaigns, and says what
it touched."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from segment_lab.data.files import cache_folder, replacing
from segment_lab.errors import ConfigError
from segment_lab.render.books import write_book
from segment_lab.render.publishing import MANIFEST, Shelf, files_of, write_whole
from segment_lab.study.study import Study
from segment_lab.texts import say

#: Columns whose values name the person beside the id.
NAMING = ("name", "email", "phone")
#: Numbers up to this length cannot be told from figures on a page.
SHORTEST_NUMBER = 5
#: What stands on a page where an id or a name stood, and pieces of a page that go as a whole.
BLANK = "–"
PIECES = (
    re.compile(r"<tr\b.*?</tr>", re.DOTALL),
    re.compile(r"<li\b(?:(?!<li\b).)*?</li>", re.DOTALL),
    re.compile(r"BEGIN:VEVENT\r?\n.*?END:VEVENT\r?\n", re.DOTALL),
)
PAGES = (".html", ".ics", ".json", ".ipynb")
#: Seconds to wait for a run of the study that is on its way.
PATIENCE = 600.0


@dataclass
class Forgetting:
    """Customers of a study who are to be forgotten.

    Parameters
    ----------
    study : Study
    ids : collection of str
        Their ``customer_id``.
    out : path
        Folder of all studies' reports.
    plans : path, optional
        Folder of drawn campaigns; ``plans/<study>`` beside the study file by default.
    """

    study: Study
    ids: Collection[str]
    out: Path
    plans: Path | None = None
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.ids = {str(customer).strip() for customer in self.ids} - {""}
        if not self.ids:
            raise ConfigError(say("forget.nobody"))

    def everywhere(self) -> Iterator[str]:
        """Forget them; a sentence for every file that was touched, and for what only others can do.

        Every file is replaced in one step. Started again after an interruption it goes on.
        """
        shelf = Shelf(self.out, self.study.name)
        yield from self._plans()
        if shelf.folder.exists():
            with shelf.locked(PATIENCE):
                for run in sorted(run.folder for run in shelf.runs()):
                    yield from self._run(run)
                yield from self._studies()
        remain = list(self._sources())  # first: looking leaves copies in the cache
        yield from self._caches()
        yield from remain

    # Kept runs.

    def _run(self, folder: Path) -> Iterator[str]:
        """The lists of a run first: they say how the customers are called."""
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for path in files:
            if (count := self._list(path)) > 0:
                yield say("forget.list", file=path, rows=count)
        for path in files:
            if path.suffix not in PAGES or path.name == MANIFEST:
                continue
            if not self.tellable:
                if self._cells.search(path.read_text("utf-8")):
                    yield say("forget.untold", file=path)
            elif self._page(path):
                yield say("forget.page", file=path)
                printed = path.with_suffix(".pdf")
                if path.suffix == ".html" and printed.exists():
                    printed.unlink()
                    yield say("forget.gone", file=printed)
        yield from self._manifest(folder)

    def _manifest(self, folder: Path) -> Iterator[str]:
        """A manifest keeps the sentences that a run opens with, and the hashes of its files."""
        path = folder / MANIFEST
        before = json.loads(path.read_text("utf-8"))
        names_them = self.tellable and self._words.search(path.read_text("utf-8"))
        now = self._cleared(before) if names_them else before
        now = {**now, "files": files_of(folder)}
        if now != before:
            text = json.dumps(now, indent=2, ensure_ascii=False) + "\n"
            write_whole(path, text)
        if names_them:
            yield say("forget.page", file=path)

    def _studies(self) -> Iterator[str]:
        """The list of all studies shows what each run opened with."""
        page = self.out / "index.html"
        if self.tellable and page.exists() and self._page(page):
            yield say("forget.page", file=page)

    def _list(self, path: Path) -> int:
        """How many rows were taken out of a table."""
        if path.suffix == ".csv":
            raw = path.read_bytes()
            header = raw.partition(b"\n")[0]
            mark = ";" if header.count(b";") > header.count(b",") else ","
            frame = pd.read_csv(path, sep=mark, dtype=str, keep_default_na=False)
            form: dict[str, Any] = {
                "sep": mark,
                "index": False,
            }
            form["encoding"] = "utf-8-sig" if raw[:3] == b"\xef\xbb\xbf" else "utf-8"
            form["lineterminator"] = "\r\n" if header.endswith(b"\r") else "\n"

            def write(draft: Path, kept: pd.DataFrame) -> None:
                kept.to_csv(draft, **form)

            return self._rewritten(path, frame, write)
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)

            def write_rows(draft: Path, kept: pd.DataFrame) -> None:
                kept.to_parquet(draft, index=False)

            return self._rewritten(path, frame, write_rows)
        return self._book(path) if path.suffix == ".xlsx" else 0

    def _rewritten(
        self,
        path: Path,
        frame: pd.DataFrame,
        write: Callable[[Path, pd.DataFrame], None],
    ) -> int:
        theirs = self._rows(frame)
        if theirs.any():
            with replacing(path, private=True) as draft:
                write(draft, frame[~theirs])
        return int(theirs.sum())

    def _book(self, path: Path) -> int:
        sheets = pd.read_excel(path, sheet_name=None, dtype=object, engine="calamine")
        theirs = {name: self._rows(frame) for name, frame in sheets.items()}
        count = sum(int(rows.sum()) for rows in theirs.values())
        if count:
            kept = {name: frame[~theirs[name]] for name, frame in sheets.items()}
            with replacing(path, private=True) as draft:
                write_book(draft, kept, path.stem)
        return count

    def _rows(self, frame: pd.DataFrame) -> pd.Series:
        """Which rows are theirs; how they are called is remembered for the pages."""
        theirs = pd.Series(False, index=frame.index)
        for column in frame:
            cells = frame[column].astype(str)
            theirs |= cells.str.lstrip("'").isin(self.ids)
            if self.tellable and not pd.api.types.is_numeric_dtype(frame[column]):
                theirs |= cells.str.contains(self._words)
        for column in NAMING:
            if column in frame:
                found = frame.loc[theirs, column].dropna().astype(str).str.strip()
                self.names |= {name for name in found if len(name) > 2}
        return theirs

    def _page(self, path: Path) -> bool:
        """Whether a page named one of them; now it does not."""
        text = path.read_bytes().decode("utf-8")  # its line ends stay
        if not self._words.search(text):
            return False
        if path.suffix in (".ipynb", ".json"):
            kept = self._cleared(json.loads(text))
            text = json.dumps(kept, ensure_ascii=False, indent=1) + "\n"
        else:
            text = self._without(text)
        with replacing(path, private=True) as draft:
            draft.write_bytes(text.encode("utf-8"))
        return True

    def _cleared(self, value: Any) -> Any:
        """A notebook or figures without them: a notebook's texts are lists of lines, and a record
        that names one of them goes as a whole."""
        if isinstance(value, str):
            return self._without(value)
        if isinstance(value, dict):
            return {key: self._cleared(inner) for key, inner in value.items()}
        if not isinstance(value, list):
            return value
        if len(value) > 1 and all(map(_is_line, value[:-1])):
            return self._without("".join(value)).splitlines(keepends=True)
        return [self._cleared(inner) for inner in value if not self._record(inner)]

    def _record(self, value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        named = {*self.ids, *self.names}
        return any(inner in named for inner in value.values() if isinstance(inner, str))

    def _without(self, text: str) -> str:
        def kept(piece: re.Match[str]) -> str:
            return "" if self._words.search(piece[0]) else piece[0]

        if not self._words.search(text):
            return text
        for pattern in PIECES:
            text = pattern.sub(kept, text)
        return self._words.sub(BLANK, text)

    @property
    def tellable(self) -> bool:
        """Whether every id can be told from a figure."""
        return not any(i.isdigit() and len(i) < SHORTEST_NUMBER for i in self.ids)

    @property
    def _words(self) -> re.Pattern[str]:
        """The ids and names as whole words, as they stand and as a page writes them."""
        said = {*self.ids, *self.names}
        forms = {form for word in said for form in (word, escape(word))}
        longest = sorted(map(re.escape, forms), key=len, reverse=True)
        return re.compile(rf"(?<![\w@-])(?:{'|'.join(longest)})(?![\w@-])")

    @cached_property
    def _cells(self) -> re.Pattern[str]:
        return re.compile(rf">\s*(?:{'|'.join(map(re.escape, self.ids))})\s*<")

    # Drawn campaigns.

    def _plans(self) -> Iterator[str]:
        """In a drawn campaign a customer keeps his place under a name that says nothing: the arms
        stay comparable, and he counts as gone."""
        folder = self.plans or self.study.base / "plans" / self.study.name
        for path in sorted(folder.glob("*.csv")):
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            theirs = frame["customer_id"].str.lstrip("'").isin(self.ids)
            if not theirs.any():
                continue
            nobody = [f"forgotten-{secrets.token_hex(6)}" for _ in range(theirs.sum())]
            frame.loc[theirs, "customer_id"] = nobody
            with replacing(path) as draft:
                frame.to_csv(draft, index=False, lineterminator="\n")
            yield say("forget.plan", file=path, rows=int(theirs.sum()))

    # Caches and sources.

    def _caches(self) -> Iterator[str]:
        """Copies and models that hold one of them are removed; the next run makes them again."""
        gone = 0
        for path in sorted(cache_folder().glob("*")):
            if path.is_file() and self._holds(path):
                path.unlink(missing_ok=True)
                gone += 1
        if gone:
            yield say("forget.cache", files=gone, folder=cache_folder())

    def _holds(self, path: Path) -> bool:
        if path.suffix != ".parquet":
            content = path.read_bytes()
            numbers = any(i.isdigit() for i in self.ids) and path.suffix == ".pickle"
            return numbers or any(i.encode() in content for i in self.ids)
        table = ibis.duckdb.connect().read_parquet(path)
        found = []
        for column in table.columns:
            value = table[column].cast("string")
            found.append(value.isin(sorted(self.ids)))
            if path.name.endswith(".broken.parquet"):
                found += [value.contains(i) for i in self.ids]
        return bool(found) and bool(table.filter(ibis.or_(*found)).count().execute())

    def _sources(self) -> Iterator[str]:
        """Tables of the study that hold them still: a run would bring them back."""
        # Joined, not named: statements are kept, and must not hold what is to be forgotten.
        wanted = ibis.memtable(pd.DataFrame({"customer_id": sorted(self.ids)}))
        for name in self.study.config.sources:
            table = self.study.table(name)
            if "customer_id" not in table.columns:
                continue
            own = table.select(customer_id=table.customer_id.cast("string"))
            held = own.semi_join(wanted, "customer_id").count()
            if rows := int(held.get_backend().execute(held)):
                yield say("forget.source", table=name, rows=rows)


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and value.endswith("\n")
