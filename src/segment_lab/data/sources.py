"""A source as the study file writes it, and as it stands opened on a connection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.common.exceptions import IbisError
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from segment_lab.data.damaged import RULE, footer, refuse_cut_off
from segment_lab.data.environment import VARIABLE, expand
from segment_lab.data.given import came
from segment_lab.data.reading import COUNTED, ISO, NUMBERED_DAYS, WEEKS, WORDS
from segment_lab.errors import ArgumentError, DataError, Fault
from segment_lab.texts import say

# Text and directives of strptime, at least one of these.
_LAYOUT = re.compile(
    r"(?:[^%]|%%)*%-?[aAbBcdfgGHIjmMnpSuUVwWxXyYzZ](?:[^%]|%-?[%aAbBcdfgGHIjmMnpSuUVwWxXyYzZ])*"
)
_PASSWORD = re.compile(r"://[^/@]*:(?!\$\{\w+\}@)[^/]*@")
_PARAMETER = re.compile(r"[?&;]([^=&;]+)=([^&;]*)")
_SECRET = re.compile(
    r"pass|pwd|secret|token|key|credential|auth|signature|\bsig$", re.IGNORECASE
)


def holds_secret(url: str) -> bool:
    """Whether a password, a token or a key stands in an address itself.

    Examples
    --------
    >>> holds_secret("postgres://me:${PGPASSWORD}@host/crm"), holds_secret("mysql://h/crm?pwd=abc")
    (False, True)
    """
    if _PASSWORD.search(url):
        return True
    for name, value in _PARAMETER.findall(url):
        if value and _SECRET.search(name) and not VARIABLE.fullmatch(value):
            return True
    return False


class Group(BaseModel):
    """Rows that name the group of the rows below them, as a customer above its documents.

    Parameters
    ----------
    column : str
        Holds the name.
    when : str
        SQL condition: the row is such a heading.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    when: str


#: How a statement begins that only reads.
_SELECT = re.compile(r"(select|with|from)\b", re.IGNORECASE)


class Source(BaseModel):
    """One table of a study, as the YAML writes it. Exactly one of `path`, `url` is given.

    Parameters
    ----------
    path : str
        CSV (also .gz), Parquet, Excel, JSON; patterns; folders of Parquet.
    url : str
        A database: ``postgres://user:${PGPASSWORD}@host/crm``, ``duckdb://crm.duckdb``,
        ``sqlite://crm.sqlite``, ``spark://local[2]`` …, or ``${CRM_URL}``.
    table : str
        The table in the database.
    query : str
        A SELECT in place of `table`. With ``url: duckdb://`` it may read files that lie beside the
        study file: ``FROM 'orders.csv' JOIN 'customers.csv' USING (customer_id)``.
    sheet : str, int or list
        The sheet of an Excel file, or several alike.
    columns : mapping
        Canonical name → column or expression.
    where : str
        SQL condition on the raw columns.
    header : bool or list of str
        False: no header; a list names the columns.
    skip : int
        Lines above the header, such as a title.
    delimiter : str
        Field separator; ``whitespace`` for runs of blanks.
    encoding : str
        Of a text file.
    date_format : str or list of str
        strptime formats, for example ``%d.%m.%Y``; or ``unix``, ``unix_ms`` (since 1970),
        ``excel`` (days since 1899-12-30), ``week`` (2025-W03), ``words`` (months written out, as
        in ``5 января 2025``), ``counted`` (days since a start that is not known), ``iso`` (beside
        others).
    decimal, thousands : str
        The decimal mark, and the mark between groups of three digits; blanks and apostrophes need
        none, nor a dot beside ``decimal: ','``.
    nulls : list of str
        Words that mean "nothing".
    casefold : list of str
        Text columns compared without case.
    decimals : int
        Digits of money behind the mark that are kept.
    duplicates : {"keep", "drop"}
        What to do with exactly repeated rows.
    amount_per : {"line", "order"}
        With "order" the amount is the whole order's and counts once, however many lines repeat it.
    totals : str
        SQL condition of rows that are no data: totals, subtotals, footers.
    groups : mapping
        New column → heading rows whose name the rows below get.
    fill_down : list of str
        Columns filled only in the first row of a group.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = None
    url: str | None = None
    table: str | None = None
    query: str | None = None
    sheet: str | int | list[str | int] | None = None
    columns: dict[str, str | None] = Field(default_factory=dict)
    where: str | None = None
    header: bool | list[str] = True
    skip: int = Field(0, ge=0)
    delimiter: str | None = None
    encoding: str = "utf-8"
    date_format: str | list[str] | None = None
    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ","] | None = None
    nulls: list[str] = Field(default_factory=list)
    casefold: list[str] = Field(default_factory=list)
    decimals: int = Field(4, ge=0, le=6)
    duplicates: Literal["keep", "drop"] = "keep"
    amount_per: Literal["line", "order"] = "line"
    totals: str | None = None
    groups: dict[str, Group] = Field(default_factory=dict)
    fill_down: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        url = self.url or ""
        spark = url.startswith("spark://")
        if (self.path is None) == (self.url is None) and not spark:
            raise ValueError(say("data.source.one_place"))
        asked = [part for part in (self.table, self.query) if part]
        if self.url is not None and not asked and not (spark and self.path):
            raise ValueError(say("data.source.table"))
        if len(asked) > 1 or (self.query and self.url is None):
            raise ValueError(say("data.source.query"))
        return self

    @field_validator("query")
    @classmethod
    def _one_select(cls, value: str | None) -> str | None:
        """Whatever else a statement might do, a source only reads."""
        if value is None:
            return None
        statement = value.strip().removesuffix(";").strip()
        if ";" in statement or not _SELECT.match(statement):
            raise ValueError(say("data.source.one_select"))
        return statement

    @model_validator(mode="after")
    def _two_marks(self) -> Source:
        if self.thousands == self.decimal:
            raise ValueError(say("data.source.marks", mark=repr(self.decimal)))
        return self

    @model_validator(mode="after")
    def _no_secret(self) -> Source:
        for place in (self.url, self.path):
            if place and holds_secret(place):
                raise ValueError(say("data.source.secret"))
        return self

    @field_validator("columns", mode="before")
    @classmethod
    def _numbers_too(cls, columns: Any) -> Any:
        """A number that is the same in every row, such as ``outcome_worth: 25``, is an
        expression."""
        if not isinstance(columns, dict):
            return columns
        plain = (int, float)
        return {
            name: str(value) if type(value) in plain else value
            for name, value in columns.items()
        }

    @field_validator("date_format")
    @classmethod
    def _layouts(cls, value: str | list[str] | None) -> str | list[str] | None:
        forms = [value] if isinstance(value, str) else value or []
        for form in forms:
            named = form in (*NUMBERED_DAYS, COUNTED, WEEKS, WORDS, ISO)
            if not named and not _LAYOUT.fullmatch(form):
                raise ValueError(say("data.source.layout", form=repr(form)))
        return value

    @property
    def dates(self) -> tuple[str, ...]:
        """The declared layouts of dates; none where they are found by looking."""
        if self.date_format is None:
            return ()
        if isinstance(self.date_format, str):
            return (self.date_format,)
        return tuple(self.date_format)


class RawTable:
    """A source opened on a connection: the raw Ibis `table`, and the lines the reader could not
    split.

    Parameters
    ----------
    table : ibis Table
    is_text : bool
        Values are the text of a file.
    broken : str, optional
        The reader's own table of lines with too few or too many fields.
    label : str
        What the source is called on pages.
    remote : bool
        The table stays in a database.
    content : str
        What tells one state of a database file from the next.
    files : tuple of Path
        Text files that must be whole.
    aside : list of (line, text, reason)
        Lines that were kept from the reader.
    """

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
        aside: Sequence[tuple[int, str, str]] = (),
    ):
        self.table = table
        self.is_text = is_text
        self.label = label
        self.remote = remote
        self.content = content
        self.files = files
        self.aside = aside
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
            aside=self.aside,
        )

    def broken(self, connection: Any) -> pd.DataFrame:
        """Lines with too few or too many fields (columns ``line``, ``text``, ``reason``); read the
        table first."""
        for file in self.files:
            refuse_cut_off(file)
        if self._broken is None:
            return pd.DataFrame(
                {
                    "line": [],
                    "text": [],
                    "reason": [],
                }
            )
        # Each time the table is read, its lines are noted again.
        scans = self._broken.replace("rejects_", "scans_")
        query = (
            "SELECT DISTINCT ON (file_path, line) line, csv_line AS text, "
            f"lower(error_type::VARCHAR) AS reason FROM {self._broken} "
            f"JOIN {scans} USING (scan_id, file_id) ORDER BY file_path, line"
        )
        lines = connection.raw_sql(query).df()
        if self.aside:
            aside = pd.DataFrame(self.aside, columns=["line", "text", "reason"])
            lines = pd.concat([lines, aside], ignore_index=True)
        bare = lines.text.astype("str").str.strip()
        lines.loc[bare.str.fullmatch(RULE), "reason"] = "footer"
        for file in self.files:
            lines.loc[bare.isin(footer(file, set(bare))), "reason"] = "footer"
        return lines


def raw_frame(data: Any) -> RawTable:
    """A pandas or polars frame, an Arrow table or an Ibis table as a source."""
    if isinstance(data, ir.Table):
        return RawTable(data, is_text=False, label="frame")
    try:
        return RawTable(_frame(data), is_text=False, label="frame")
    except (ValueError, TypeError, AttributeError, duckdb.Error, IbisError) as error:
        why = str(error).partition("\n")[0]
        text = say("data.frame.unreadable", came=came(data), why=why)
        raise ArgumentError(text) from error


def _frame(data: Any) -> ir.Table:
    if isinstance(data, pd.DataFrame):
        data = data.rename(columns=str).reset_index(drop=True)
        # Arrow has no column of mixed types: such values are read as the text they would be in a
        # file.
        for name in data.columns[
            [pd.api.types.is_object_dtype(kind) for kind in data.dtypes]
        ]:
            text = data[name].map(lambda value: None if pd.isna(value) else str(value))
            data = data.assign(**{name: text.astype("str")})
    table = ibis.memtable(data)
    if not table.columns:
        raise ValueError(say("data.frame.empty"))
    return table


def locate(source: Source, base: Path, where: str) -> Path:
    """The file of a source; relative paths start at the study file's folder.

    Raises
    ------
    DataError
        There is no such file or folder, or it is a pipe or a device, which may never end.
    """
    path = Path(expand(source.path or "", where)).expanduser()
    path = path if path.is_absolute() else base / path
    try:
        if path.is_file() or path.is_dir():
            return path
        special = path.exists()
    except (OSError, ValueError) as error:  # too long, or a null byte in it
        fault = Fault(where, str(error)[:300], say("data.file.mend"))
        raise DataError(say("data.file.missing_title"), [fault]) from None
    if special:
        fault = Fault(where, say("data.file.special", path=path), say("data.file.copy"))
        raise DataError(say("data.file.missing_title"), [fault])
    if "*" in path.name:
        return path
    folder = next((p for p in path.parents if p.is_dir()), base)
    there = ", ".join(sorted(p.name for p in folder.iterdir())[:8])
    remedy = say("data.file.mend_path", folder=folder, there=there)
    fault = Fault(where, say("data.file.missing", path=path), remedy)
    raise DataError(say("data.file.missing_title"), [fault])
