"""Where data come from: CSV, Parquet, Excel, JSON and frames, read as raw text or typed columns.

Text files are read entirely as text by the engine's own reader, so ``007`` stays ``007``; lines
that do not have the header's number of fields are kept aside with their text.
"""

from __future__ import annotations

import atexit
import datetime as dt
import glob
import gzip
import hashlib
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from segment_lab.data.contracts import NUMBERED_DAYS, Reading, read_day
from segment_lab.errors import DataError, Fault


class Group(BaseModel):
    """Rows that name the group of the rows below them, as a customer above its documents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(description="column that holds the name")
    when: str = Field(description="SQL condition: the row is such a heading")


class Source(BaseModel):
    """One table of a study, as the YAML writes it. Exactly one of `path`, `url` is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = Field(
        None, description="CSV (also .gz), Parquet, Excel, JSON; globs; folders of Parquet"
    )
    url: str | None = Field(
        None,
        description="database: postgres://user:${PGPASSWORD}@host/crm, duckdb://crm.duckdb, "
        "sqlite://crm.sqlite, spark://local[2] …, or ${CRM_URL}",
    )
    table: str | None = Field(None, description="table in the database")
    sheet: str | int | list[str | int] | None = Field(
        None, description="sheet of an Excel file, or several alike"
    )
    columns: dict[str, str | None] = Field(
        default_factory=dict, description="canonical name → column or expression"
    )
    where: str | None = Field(None, description="SQL condition on the raw columns")
    header: bool | list[str] = Field(True, description="false: no header; a list names the columns")
    skip: int = Field(0, ge=0, description="lines above the header, such as a title")
    delimiter: str | None = Field(
        None, description="field separator; 'whitespace' for runs of blanks"
    )
    encoding: str = "utf-8"
    date_format: str | list[str] | None = Field(
        None,
        description="strptime format(s), for example %d.%m.%Y; "
        "or unix (seconds since 1970), excel (days since 1899-12-30)",
    )
    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ","] | None = Field(
        None,
        description="mark between groups of three digits; "
        "blanks and apostrophes need none, nor a dot beside decimal: ','",
    )
    nulls: list[str] = Field(default_factory=list, description="words that mean 'nothing'")
    casefold: list[str] = Field(
        default_factory=list, description="text columns compared without case"
    )
    decimals: int = Field(2, ge=0, le=6, description="digits of money behind the mark")
    duplicates: Literal["keep", "drop"] = Field(
        "keep", description="what to do with exactly repeated rows"
    )
    amount_per: Literal["line", "order"] = Field(
        "line",
        description="order: the amount is the whole order's and counts once, "
        "however many lines repeat it",
    )
    totals: str | None = Field(
        None, description="SQL condition of rows that are no data: totals, subtotals, footers"
    )
    groups: dict[str, Group] = Field(
        default_factory=dict, description="new column → heading rows whose name the rows below get"
    )
    fill_down: list[str] = Field(
        default_factory=list, description="columns filled only in the first row of a group"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        spark = (self.url or "").startswith("spark://")
        if (self.path is None) == (self.url is None) and not spark:
            raise ValueError("give either path or url")
        if self.url is not None and not self.table and not (spark and self.path):
            raise ValueError("a url needs the name of a table")
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}")
        if re.search(r"://[^/@]*:(?!\$\{\w+\}@)[^/]*@|password=(?!\$\{\w+\})", self.url or ""):
            raise ValueError(
                "a password stands in the study file; write ${NAME} in its place and set that variable"
            )
        return self


class RawTable:
    """A source opened on a connection: the raw Ibis `table`, and the lines the reader could not
    split."""

    def __init__(
        self,
        table: ir.Table,
        *,
        is_text: bool,
        broken: str | None = None,
        label: str = "",
        remote: bool = False,
        content: str = "",
        files: tuple[Path, ...] = (),
    ):
        self.table, self.is_text, self.label, self.remote, self.files = (
            table,
            is_text,
            label,
            remote,
            files,
        )
        self.content = content  # what tells one state of a database file from the next
        self._broken = broken

    def over(self, table: ir.Table) -> RawTable:
        """The same source with another `table` made of it."""
        return RawTable(
            table,
            is_text=self.is_text,
            broken=self._broken,
            label=self.label,
            remote=self.remote,
            content=self.content,
            files=self.files,
        )

    def broken(self, connection: Any) -> pd.DataFrame:
        """Lines with too few or too many fields (columns ``line``, ``text``, ``reason``); read the
        table first."""
        for file in self.files:
            _refuse_cut_off(file)
        if self._broken is None:
            return pd.DataFrame({"line": [], "text": [], "reason": []})
        query = (
            f"SELECT DISTINCT ON (file_id, line) line, csv_line AS text, lower(error_type::VARCHAR) AS reason "
            f"FROM {self._broken} ORDER BY file_id, line"
        )
        lines = connection.raw_sql(query).df()
        footer = {text for file in self.files for text in _footer(file, set(lines.text.map(_bare)))}
        lines.loc[lines.text.map(_bare).isin(footer), "reason"] = "footer"
        return lines


def _bare(text: str) -> str:
    return str(text).strip()


def _footer(file: Path, broken: set[str]) -> set[str]:
    """Those of the broken lines that stand below an empty line below all data: small print."""
    below: list[str] = []
    for line in reversed(_last_lines(file)):
        if line and line not in broken:
            break
        below.append(line)
    while below and below[-1]:  # down to the empty line
        below.pop()
    return set(below) - {""}


def _last_lines(file: Path, size: int = 8192) -> list[str]:
    if file.suffix == ".gz":
        return []
    with file.open("rb") as handle:
        handle.seek(max(0, file.stat().st_size - size))
        return [line.strip() for line in handle.read().decode("utf-8", "replace").splitlines()]


def raw_frame(data: Any) -> RawTable:
    """A pandas or polars frame, an Arrow table or an Ibis table as a source."""
    if isinstance(data, ir.Table):
        return RawTable(data, is_text=False, label="frame")
    if isinstance(data, pd.DataFrame):
        data = data.rename(columns=str).reset_index(drop=True)
        mixed = [c for c in data if data[c].dtype == object]
        # Arrow has no column of mixed types: such values are read as the text they would be in a
        # file.
        texts = {
            c: data[c].map(lambda v: None if pd.isna(v) else str(v)).astype("str") for c in mixed
        }
        data = data.assign(**texts)
    return RawTable(ibis.memtable(data), is_text=False, label="frame")


def expand(text: str, where: str, quoted: Callable[[str], str] = str) -> str:
    """``${NAME}`` and ``${NAME:-default}`` from the environment; an unset name without a default
    is an error."""

    def replace(match: re.Match[str]) -> str:
        value = os.environ.get(match[1], match[2])
        if value is None:
            raise DataError(
                f"{where} needs an environment variable",
                [
                    Fault(
                        match[1],
                        "is not set",
                        f"Set it, for example: {match[1]}=/folder segment-lab run …",
                    )
                ],
            )
        return quoted(value)

    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", replace, text)


def locate(source: Source, base: Path, where: str) -> Path:
    """The file of a source; relative paths start at the study file's folder."""
    path = Path(expand(source.path or "", where)).expanduser()
    path = path if path.is_absolute() else base / path
    if glob.has_magic(str(path)) or path.exists():
        return path
    folder = next((p for p in path.parents if p.exists()), base)
    there = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
    raise DataError(
        "A file is missing",
        [
            Fault(
                where,
                f"{path} does not exist",
                f"{folder} holds: {there}. Mend the path in the study file",
            )
        ],
    )


def open_file(source: Source, base: Path, connection: Any, where: str = "orders") -> RawTable:
    """Open the file or folder of a source on a DuckDB `connection`."""
    path = locate(source, base, where)
    suffix = "".join(path.suffixes[-2:]).lower()
    try:
        if path.is_dir() or suffix.endswith((".parquet", ".pq")):
            pattern = str(path / "**" / "*.parquet") if path.is_dir() else str(path)
            # Folders such as region=007 are columns; their values stay the text they are.
            partitioned = (
                {"hive_partitioning": True, "hive_types_autocast": False}
                if glob.has_magic(pattern)
                else {}
            )
            table = connection.read_parquet(pattern, **partitioned)
            return RawTable(table, is_text=False, label=path.name)
        if suffix.endswith((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")):
            return RawTable(_excel(path, source), is_text=True, label=path.name)
        if suffix.endswith((".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")):
            return RawTable(
                connection.read_json(str(path), sample_size=-1), is_text=False, label=path.name
            )
        return _text_file(path, source, connection)
    except (OSError, ibis.common.exceptions.IbisError, UnicodeError) as error:
        raise _unreadable(where, path, error) from None
    except Exception as error:  # the readers' own errors share no base class
        if type(error).__module__.split(".")[0] in (
            "_duckdb",
            "duckdb",
            "python_calamine",
            "pandas",
            "zlib",
        ):
            raise _unreadable(where, path, error) from None
        raise


def _unreadable(where: str, path: Path, error: Exception) -> DataError:
    problem = re.sub(r"^(\w+ )+Error: ", "", str(error).splitlines()[0]).rstrip(". ")
    if "sniffing file" in problem:
        problem = "its lines do not split into the same number of fields"
    return DataError(
        f"{path.name} cannot be read",
        [Fault(where, problem, "Check that the file is complete and of the kind its name says")],
    )


def _refuse_cut_off(path: Path) -> None:
    """The engine reads a compressed file that lacks its end as if it were whole."""
    if path.suffix == ".gz":
        try:
            with gzip.open(path) as file:
                while file.read(1 << 20):
                    pass
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable("orders", path, error) from None


def scratch() -> Path:
    """A folder of this process for copies; it goes when the process does."""
    return _scratch(os.getpid())


@cache
def _scratch(pid: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="segment_lab_"))
    # A forked child inherits the farewell, but not the folder.
    atexit.register(
        lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == pid else None
    )
    return folder


def _excel(path: Path, source: Source) -> ir.Table:
    sheets = source.sheet if isinstance(source.sheet, list) else [source.sheet or 0]
    header = source.skip if source.header is True else None
    with pd.ExcelFile(path, engine="calamine") as book:
        there = book.sheet_names
        if gone := [
            s for s in sheets if s not in there and not (isinstance(s, int) and s < len(there))
        ]:
            raise OSError(f"there is no sheet {gone[0]!r}, but {', '.join(map(repr, there))}")
        try:
            found = pd.read_excel(
                book,
                sheets,
                header=header,
                dtype=object,
                keep_default_na=False,
                skiprows=source.skip if header is None else 0,
            )
        except ValueError as error:  # a header below the last line
            raise OSError(str(error)) from None
    frames = [_sheet_text(frame, source) for frame in found.values()]
    cells = pd.concat(frames, ignore_index=True).fillna("").astype("str")
    return ibis.memtable(cells.where(cells != "", None))


def _sheet_text(frame: pd.DataFrame, source: Source) -> pd.DataFrame:
    if isinstance(source.header, list):
        frame.columns = source.header
    frame.columns = [str(c).strip() for c in frame.columns]
    return frame.map(_cell_text) if len(frame) else frame


def _cell_text(value: Any) -> str:
    """A spreadsheet cell as the text a CSV would hold: whole numbers without ``.0``, dates in
    ISO."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else str(value)


def _text_file(path: Path, source: Source, connection: Any) -> RawTable:
    label = path.name
    files = (
        sorted(map(Path, glob.glob(str(path))))
        if glob.has_magic(str(path)) and not path.exists()
        else [path]
    )
    if source.encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig"):
        files = [_transcoded(file, source.encoding) for file in files]
        source = source.model_copy(update={"encoding": "utf-8"})
    if not files:
        raise OSError("no file fits the pattern")
    if not files[0].stat().st_size:
        raise OSError("the file is empty")
    heads = {
        file.name: first_lines(file, source.encoding, source.skip + 1)[-1].rstrip()
        for file in files
    }
    if other := next((name for name, head in heads.items() if head != heads[files[0].name]), None):
        raise OSError(f"{other} has other columns than {files[0].name}: {heads[other]}")
    if source.delimiter == "whitespace":
        return RawTable(_whitespace(files[0], source, connection), is_text=True, label=label)
    delimiter = source.delimiter or separator(list(heads.values()))
    unique = hashlib.sha256(f"{path}{os.urandom(8).hex()}".encode()).hexdigest()[:12]
    rejects = f"rejects_{unique}"
    options: dict[str, Any] = {"names": source.header} if isinstance(source.header, list) else {}
    table = connection.read_csv(
        [str(file) for file in files],
        table_name=f"raw_{unique}",
        all_varchar=True,
        header=source.header is True,
        delim=delimiter,
        quote='"',
        escape='"',
        skip=source.skip,
        store_rejects=True,
        rejects_table=rejects,
        rejects_scan=f"scans_{unique}",
        encoding="utf-8",
        **options,
    )
    return RawTable(
        table.rename({c.strip(): c for c in table.columns if c.strip() != c}),
        is_text=True,
        broken=rejects,
        label=label,
        files=tuple(files),
    )


def separator(lines: list[str]) -> str:
    """The separator that these lines hold most of."""
    return max(",;\t|", key="".join(lines).count)


def _whitespace(path: Path, source: Source, connection: Any) -> ir.Table:
    """Lines split at runs of blanks: a layout DuckDB's reader does not know."""
    lines = connection.read_csv(
        str(path), all_varchar=True, header=False, delim="\x01", names=["line"], quote="", escape=""
    )
    names = (
        source.header
        if isinstance(source.header, list)
        else first_lines(path, source.encoding)[0].split()
    )
    fields = lines.line.strip().re_split(r"\s+")
    table = lines.select(**{name: fields[i] for i, name in enumerate(names)})
    return table.filter(table[names[0]] != names[0]) if source.header is True else table


def first_lines(path: Path, encoding: str, n: int = 1) -> list[str]:
    """The first `n` lines of a text file, or fewer."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding=encoding, errors="replace") as file:
        return [line.lstrip("\ufeff") for line in islice(file, n)] or [""]


def _transcoded(path: Path, encoding: str) -> Path:
    """A UTF-8 copy of a file in an encoding the engine does not read (cp1251, cp1250 …)."""
    target = scratch() / f"{len(list(scratch().iterdir()))}_{path.name.removesuffix('.gz')}"
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with (
            opener(path, "rt", encoding=encoding, newline="") as old,
            target.open("w", encoding="utf-8", newline="") as new,
        ):
            while block := old.read(1 << 20):
                new.write(block)
    except LookupError:
        raise UnicodeError(f"unknown encoding {encoding!r}") from None
    return target


# ISO first; then the layouts that exports of European, Russian and American tools write.
DATE_FORMATS = (
    "iso",
    "%Y%m%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%b-%y",
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def date_formats(values: ir.StringColumn) -> list[tuple[str, int]]:
    """Every known layout with the number of values it parses, most first; only those that parse
    any."""
    forms = ["iso", *(f + t for f in DATE_FORMATS if f != "iso" for t in _TIMES), *NUMBERED_DAYS]
    column = values.strip().nullif("").name("day").as_table()
    likely = _parsed(column.filter(column.day.notnull()).limit(1000), forms)
    return sorted(_parsed(column, list(likely)).items(), key=lambda item: -item[1])


def _parsed(table: ir.Table, forms: list[str]) -> dict[str, int]:
    """How many days each layout reads; the year 23 is not read, it is 2023 or 1923."""
    counts = {}
    for i, form in enumerate(forms):
        day = table.day.try_cast("timestamp") if form == "iso" else read_day(table.day, form)
        # A plain number is a day only where that day is likely.
        counts[f"f{i}"] = (
            day.year().between(1990, 2060) if form in NUMBERED_DAYS else day.year() >= 1000
        ).sum()
    row = table.aggregate(**counts).to_pandas().iloc[0].fillna(0) if forms else []
    return {form: int(n) for form, n in zip(forms, row, strict=True) if n}


def detect_reading(
    source: Source,
    raw: RawTable,
    dates: list[str],
    where: str,
    set_aside: Mapping[str, str] | None = None,
) -> Reading:
    """How the source's values are written; text dates that fit two layouts equally are an error,
    not a guess."""
    formats: tuple[str, ...] = ()
    offsets = False
    declared = [source.date_format] if isinstance(source.date_format, str) else source.date_format
    texts = [d for d in dates if d in raw.table.columns and raw.table[d].type().is_string()]
    if declared:
        formats = tuple(declared)
    elif texts:
        filled = raw.table.filter(raw.table[texts[0]].strip() != "")[texts[0]]
        sample = filled.as_table().limit(1000).to_pandas()[texts[0]]
        iso = sample.str.match(r"\s*\d{4}-\d{2}-\d{2}")
        offsets = bool(
            sample.str.contains(r"\d ?(?:Z|UTC|[+-]\d{2}:?\d{2})\s*$").any() and iso.any()
        )
        formats = (
            () if iso.mean() > 0.5 or sample.empty else _best_format(raw.table, texts[0], where)
        )
    return Reading(
        dict(source.columns),
        source.where,
        formats,
        offsets,
        source.decimal,
        source.decimals,
        tuple(source.nulls),
        tuple(source.casefold),
        raw.remote,
        source.thousands,
        source.amount_per,
        set_aside or {},
    )


def _best_format(table: ir.Table, column: str, where: str) -> tuple[str, ...]:
    found = [item for item in date_formats(table[column]) if item[0] != "iso"]
    if not found:
        return ()
    best = [form for form, n in found if n == found[0][1]]
    if len(best) > 1:
        raise DataError(
            "Dates can be read in two ways",
            [
                Fault(
                    f"{where}.{column}",
                    f"fits {' and '.join(best)} equally well",
                    f'Say which: date_format: "{best[0]}" under {where} in the study file',
                )
            ],
        )
    return tuple(best)
