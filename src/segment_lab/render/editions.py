"""One computation, several sets of pages: the first language of a run stands in its folder, every
further one in a folder of its own name inside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segment_lab.texts import say


@dataclass(frozen=True)
class Edition:
    """The pages of one language.

    Parameters
    ----------
    language : str
        Its own.
    languages : tuple of str
        All of the run, the first in the run's folder itself.
    """

    language: str
    languages: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Where its pages are in the run's folder; empty for the first language.

        Examples
        --------
        >>> Edition("en", ("en", "ru")).folder, Edition("ru", ("en", "ru")).folder
        ('', 'ru')
        """
        return "" if self.language == self.languages[0] else self.language

    @property
    def up(self) -> str:
        """From its pages to the run's folder."""
        return "../" if self.folder else ""

    def path(self, name: str) -> str:
        """A file of this edition, from the run's folder."""
        return f"{self.folder}/{name}" if self.folder else name

    def others(self, page: str) -> list[dict[str, str]]:
        """The same page in the run's other languages: ``language, name, href``."""
        return [
            {
                "language": name,
                "name": say(f"languages.name.{name}"),
                "href": self.up + Edition(name, self.languages).path(page),
            }
            for name in self.languages
            if name != self.language
        ]

    def lead_out(self, run: Path) -> None:
        """Let the links of its pages to what all languages share lead out of its folder: data are
        written once, into the run's own."""
        folder = run / self.folder
        if folder == run:
            return
        own = {path.name for path in folder.iterdir()}
        shared = [p.name for p in run.iterdir() if p.is_file() and p.name not in own]
        inside = re.compile(f'href="({"|".join(map(re.escape, shared))})"')
        for page in folder.glob("*.html"):
            text = page.read_text("utf-8")
            page.write_text(inside.sub(rf'href="{self.up}\1"', text), "utf-8")

    def here(self, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Its reports as the manifest holds them, their pages seen from its own folder."""
        if not self.folder:
            return list(manifest["reports"])
        return [
            {**part, "page": part["page"].removeprefix(f"{self.folder}/")}
            for part in manifest["translations"][self.language]
        ]
