"""Write the table of sizes in ``docs/architecture.md``: modules, lines and tokens by folder.

``make docs`` runs this. A token is a name, an operator, a number or a string; comments, docstrings
and line ends are none. A code line is a line that holds a token.
"""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "segment_lab"
TARGET = ROOT / "docs" / "architecture.md"
COUNTED = (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING)
HEAD = "| folder | modules | lines | tokens | tokens a code line |\n|---|---:|---:|---:|---:|\n"


@dataclass
class Size:
    """What a module or a folder holds."""

    modules: int = 0
    lines: int = 0
    code_lines: int = 0
    tokens: int = 0

    @property
    def density(self) -> float:
        """Tokens a code line."""
        return self.tokens / max(self.code_lines, 1)

    def __add__(self, other: Size) -> Size:
        return Size(
            self.modules + other.modules,
            self.lines + other.lines,
            self.code_lines + other.code_lines,
            self.tokens + other.tokens,
        )


def measured(path: Path) -> Size:
    """The size of one module."""
    text = path.read_text(encoding="utf-8")
    tokens, code = 0, set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        opens_line = token.line.strip().startswith(('"""', "'''"))
        docstring = token.type == tokenize.STRING and opens_line
        if token.type in COUNTED and not docstring:
            tokens += 1
            code.add(token.start[0])
    return Size(1, len(text.splitlines()), len(code), tokens)


def by_folder() -> dict[str, Size]:
    """The size of every folder, the modules at the top first, all of them last."""
    found: dict[str, Size] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room, *rest = path.relative_to(PACKAGE).parts
        name = f"`{room}/`" if rest else "top"
        found[name] = found.get(name, Size()) + measured(path)
    found = {"top": found.pop("top"), **found}
    found["**all**"] = sum(found.values(), Size())
    return found


def table() -> str:
    """The sizes as a table of Markdown."""
    rows = []
    for name, size in by_folder().items():
        figures = f"{size.modules} | {size.lines:,} | {size.tokens:,}"
        rows.append(f"| {name} | {figures} | {size.density:.1f} |\n")
    return HEAD + "".join(rows)


def main() -> None:
    """Put the table of today in the place of the one that stands there."""
    text = TARGET.read_text(encoding="utf-8")
    standing = re.compile(re.escape(HEAD) + r"(?:\|.*\n)+")
    TARGET.write_text(standing.sub(table(), text, count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
