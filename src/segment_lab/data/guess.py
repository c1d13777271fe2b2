"""A first study file from a data file: columns recognised by name in four languages, dates and
numbers by layout."""

from __future__ import annotations

import csv
import gzip
import os
import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import yaml

from segment_lab.data import engine
from segment_lab.data.days import date_formats
from segment_lab.data.expressions import columns as columns_of
from segment_lab.data.expressions import compile_expression
from segment_lab.data.readers import open_file
from segment_lab.data.reading import CURRENCY_MARKS, Reading
from segment_lab.data.sources import Source
from segment_lab.data.textfiles import first_lines, separator
from segment_lab.errors import DataError, Fault

# Words of column headers, most telling first: English, Russian, Polish, German. "-datum" is the
# end of a longer word.
HEADERS: dict[str, tuple[str, ...]] = {
    "customer_id": (
        "customer unique id",
        "customer id",
        "client id",
        "account id",
        "company id",
        "company ids",
        "user id",
        "buyer id",
        "subscriber id",
        "member id",
        "household id",
        "household key",
        "customer no",
        "customer number",
        "customer key",
        "id клиента",
        "код клиента",
        "id klienta",
        "nr klienta",
        "kundennummer",
        "kunden nr",
        "kunden id",
        "kdnr",
        "email",
        "e mail",
        "customer",
        "client",
        "account",
        "buyer",
        "subscriber",
        "member",
        "donor id",
        "donor",
        "household",
        "company",
        "organization",
        "organisation",
        "клиент",
        "покупатель",
        "контрагент",
        "klient",
        "nabywca",
        "kontrahent",
        "kunde",
        "auftraggeber",
        "rechnungsempfänger",
        "debitor",
        "id",
    ),
    "order_id": (
        "order id",
        "invoice no",
        "invoice id",
        "invoice number",
        "order no",
        "order number",
        "receipt",
        "transaction id",
        "basket id",
        "deal id",
        "record id",
        "invoice",
        "order",
        "номер заказа",
        "номер счета",
        "заказ",
        "чек",
        "документ",
        "nr zamówienia",
        "numer zamówienia",
        "zamówienie",
        "nr faktury",
        "numer faktury",
        "faktura",
        "bestellnummer",
        "auftragsnummer",
        "auftrag",
        "rechnungsnummer",
        "rechnung",
        "bestellung",
        "belegnummer",
    ),
    "order_date": (
        "order date",
        "order purchase timestamp",
        "invoice date",
        "purchase date",
        "transaction date",
        "close date",
        "gift date",
        "donation date",
        "won time",
        "date",
        "timestamp",
        "datetime",
        "created at",
        "paid at",
        "order ts",
        "дата заказа",
        "дата покупки",
        "дата",
        "data zamówienia",
        "data sprzedaży",
        "data",
        "bestelldatum",
        "rechnungsdatum",
        "belegdatum",
        "datum",
        "-datum",
    ),
    "amount": (
        "line total",
        "order total",
        "total amount",
        "net amount",
        "amount",
        "revenue",
        "total",
        "sales",
        "sales value",
        "payment value",
        "dollar value",
        "donation",
        "gift",
        "sum",
        "value",
        "turnover",
        "сумма заказа",
        "сумма",
        "выручка",
        "стоимость",
        "оборот",
        "kwota",
        "wartość",
        "przychód",
        "suma",
        "umsatz",
        "betrag",
        "summe",
        "wert",
        "gesamtpreis",
        "-umsatz",
        "-betrag",
        "-summe",
        "-wert",
    ),
    "margin": (
        "gross margin",
        "margin",
        "profit",
        "маржа",
        "прибыль",
        "marża",
        "zysk",
        "marge",
        "deckungsbeitrag",
        "rohertrag",
        "gewinn",
    ),
    "product": (
        "product",
        "product name",
        "item name",
        "item",
        "description",
        "sku",
        "stock code",
        "category",
        "товар",
        "продукт",
        "номенклатура",
        "produkt",
        "towar",
        "artikel",
        "bezeichnung",
        "ware",
    ),
    "quantity": (
        "quantity",
        "qty",
        "units",
        "count",
        "количество",
        "кол во",
        "ilość",
        "liczba sztuk",
        "menge",
        "anzahl",
    ),
}
UNIT_PRICE = (
    "unit price",
    "item cost",
    "price",
    "цена",
    "cena jednostkowa",
    "cena",
    "einzelpreis",
    "preis",
    "stückpreis",
    "-preis",
)
CURRENCY = ("currency", "currency code", "валюта", "waluta", "währung", "währg")
STATUS = (
    "order status",
    "financial status",
    "status",
    "deal stage",
    "stage name",
    "stage",
    "статус",
    "-status",
)
EVENT = ("event", "event name", "event type", "action")
_BOUGHT = r"purchase|order|paid|buy|bought|sale|donat|subscri"
DUE = (
    "due date",
    "payment due",
    "срок оплаты",
    "termin płatności",
    "fälligkeitsdatum",
    "fällig am",
)
_MUST = ("customer_id", "order_date", "amount")


def normal(header: str) -> str:
    """A header as plain words: ``CustomerID``, ``customer_id`` and ``Customer-Id`` are all
    ``customer id``."""
    spaced = re.sub(r"(?<=[a-zа-яßäöüąćęłńóśźż])(?=[A-ZА-ЯÄÖÜĄĆĘŁŃÓŚŹŻ])", " ", header)
    words = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", spaced)).strip().lower()
    return re.sub(r"\bi d\b", "id", words)


def match(headers: Iterable[str], words: Iterable[str], taken: Iterable[str] = ()) -> str | None:
    """The header that fits the earliest of `words`: exactly, or as whole words within it."""
    free = [(h, normal(h)) for h in headers if h not in taken]
    for word in words:
        exact = [h for h, n in free if n == normal(word)]
        if exact:
            return exact[0]
    for word in words:
        pattern = re.escape(normal(word)) + r"\b"
        inside = [
            h for h, n in free if re.search(pattern if word.startswith("-") else rf"\b{pattern}", n)
        ]
        if inside and len(word) > 2:
            return inside[0]
    return None


def guess_columns(headers: Iterable[str]) -> dict[str, str]:
    """Canonical order columns to header names; quantity × unit price where there is no amount."""
    headers = list(headers)
    found: dict[str, str] = {}
    for name in (
        "order_date",
        "order_id",
        "customer_id",
        "quantity",
        "margin",
        "amount",
        "product",
    ):
        hit = match(headers, HEADERS[name], found.values())
        if hit:
            found[name] = hit
    price = match(headers, UNIT_PRICE, set(found.values()) - {found.get("amount", "")})
    if "quantity" in found and price and "amount" not in found:
        found["amount"] = f"{quoted(found['quantity'])} * {quoted(price)}"
    elif price and "amount" not in found:
        found["amount"] = price
    return {name: found[name] for name in HEADERS if name in found}


def quoted(column: str) -> str:
    """A column's name as it stands in an expression."""
    return column if re.fullmatch(r"[A-Za-z_]\w*", column) else f'"{column}"'


def first_config(
    path: Path, target: Path, given: Mapping[str, str] | None = None
) -> tuple[str, dict[str, str], list[str]]:
    """The text of a study file for an order log, the columns that were guessed or `given`, and
    what to look at.

    Raises
    ------
    DataError
        A needed column cannot be told from its name; the message lists what the file has.
    """
    source: dict[str, Any] = {"path": str(path)} | _shape(path)
    remarks = [source.pop("remark")] if "remark" in source else []
    raw = open_file(Source(**source), Path.cwd(), engine.connect())
    headers = list(raw.table.columns)
    columns = guess_columns(headers) | dict(given or {})
    if missing := [name for name in _MUST if name not in columns]:
        raise _cannot_tell(path, headers, missing)
    source["columns"] = columns
    source |= _layout(raw.table, columns, remarks)
    currency = _money_kind(raw.table, source, remarks)
    remarks += _worth_a_look(raw.table, columns)
    return _text(path, target, source, currency, remarks), columns, remarks


def _cannot_tell(path: Path, headers: list[str], missing: list[str]) -> DataError:
    numbers = sum(bool(re.fullmatch(r"[\d.,/:_ -]+", header)) for header in headers)
    if numbers > len(headers) / 2:
        return DataError(
            f"{path.name} has no header",
            [
                Fault(
                    "first line",
                    f"looks like data: {', '.join(headers)}",
                    "Write a line with the names of the columns "
                    "above it, or name them in the study file: header: [customer_id, order_date, amount]",
                )
            ],
        )
    if {"frequency", "recency"} <= {normal(header) for header in headers}:
        return DataError(
            f"{path.name} is no order log",
            [
                Fault(
                    "frequency, recency",
                    "are summed up by customer already",
                    "Here they are computed: give the orders "
                    "themselves, a line each, with customer, date and amount",
                )
            ],
        )
    say = " ".join(f"-c {name}=COLUMN" for name in missing)
    counted = " Without amounts, -c amount=1 counts the lines." if "amount" in missing else ""
    return DataError(
        f"The columns of {path.name} cannot be told from their names",
        [
            Fault(
                ", ".join(missing),
                "no header looks like it",
                f"The file has: {', '.join(headers)}. Say which column "
                f"(or expression, such as 'price * quantity') it is: segment-lab init {shlex.quote(str(path))} {say}."
                f"{counted} Where orders stand in several files, or this is no order log but a table of leads, invoices "
                "or customers, docs/own_data.md says how",
            )
        ],
    )


# The shape of a file: where its header is and how its text is written
# ---------------------------------------


def _shape(path: Path) -> dict[str, Any]:
    """Encoding, delimiter, sheet and lines above the header, as far as they differ from the
    default."""
    suffix = "".join(path.suffixes[-2:]).lower()
    if suffix.endswith((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")):
        return _sheets(path)
    if path.is_dir() or suffix.endswith(
        (".parquet", ".pq", ".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz")
    ):
        return {}
    out: dict[str, Any] = {}
    try:
        if (encoding := _encoding(path)) != "utf-8":
            out["encoding"] = encoding
        lines = first_lines(path, encoding, 40)
    except (OSError, EOFError):
        return {}  # the reader says what is wrong with it
    if skip := _header_at(
        [next(csv.reader([line], delimiter=separator([line])), []) for line in lines]
    ):
        out["skip"] = skip
    fields = lines[min(skip, len(lines) - 1)]
    if (
        len(fields.split()) > 2
        and not any(fields.count(mark) for mark in ",;\t|")
        and " " in fields.strip()
    ):
        out["delimiter"] = "whitespace"
    return out


def _header_at(rows: list[list[Any]]) -> int:
    """The first row whose cells look most like the headers of an order log."""
    scores = [
        len(guess_columns(str(cell) for cell in row if cell).keys() & set(_MUST))
        if len(row) > 1
        else 0
        for row in rows
    ]
    best = max(scores, default=0)
    return scores.index(best) if best > 1 and best > scores[0] else 0


def _sheets(path: Path) -> dict[str, Any]:
    """The sheets that hold the order log (all with the same header), and the lines above it."""
    import pandas as pd

    try:
        book = pd.read_excel(
            path,
            sheet_name=None,
            header=None,
            nrows=40,
            dtype=object,
            engine="calamine",
            keep_default_na=False,
        )
    except Exception:
        return {}  # the reader says what is wrong with it
    heads = {}
    for name, frame in book.items():
        rows = frame.to_numpy().tolist()
        skip = _header_at(rows)
        header = [str(cell) for cell in rows[skip]] if rows else []
        heads[name] = (len(guess_columns(header).keys() & set(_MUST)), skip, header)
    best = max(heads, key=lambda name: heads[name][0])
    alike = [name for name in heads if heads[name][1:] == heads[best][1:]]
    out: dict[str, Any] = {"skip": heads[best][1]} if heads[best][1] else {}
    if len(alike) > 1 or best != next(iter(heads)):
        out["sheet"] = alike if len(alike) > 1 else best
    if others := [str(name) for name in heads if name not in alike]:
        out["remark"] = f"sheets that are not read: {', '.join(others)}"
    return out


# What text in an 8-bit encoding looks like when it is decoded rightly.
_LETTERS = {
    "cp1251": r"(?<![A-Za-z])[А-яЁёІіЇїЄєЎў]{2,}(?![A-Za-z])",
    "cp1252": "[àâäáãåæçèéêëíîïñòóôöõøœùúûüýßÀÂÄÁÃÅÆÇÈÉÊËÍÎÏÑÓÔÖÕØŒÚÛÜ€£]",
    "cp1250": "[ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽőűŐŰäöüßÄÖÜ€]",
}


def _encoding(path: Path) -> str:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        head = file.read(200_000)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head[1::2].count(0) > len(head) // 3:
        return "utf-16-le"
    try:
        head[: head.rfind(b"\n") + 1 or None].decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    shares = {}
    for encoding, letters in _LETTERS.items():
        text = head.decode(encoding, errors="replace")
        marked = re.findall(r"[^\x00-\x7f\xa0]", text)
        shares[encoding] = sum(map(len, re.findall(letters, text))) / len(marked) if marked else 0.0
    return max(shares, key=lambda encoding: shares[encoding])


# How its values are written
# -----------------------------------------------------------------------------------


def _layout(table: ir.Table, columns: Mapping[str, str], remarks: list[str]) -> dict[str, Any]:
    """How dates and numbers are written, where they are text."""
    out: dict[str, Any] = {}
    day = columns["order_date"]
    if day in table.columns and table[day].type().is_string():
        found = date_formats(table[day])
        best = [form for form, n in found if n == found[0][1]]
        if not best and _numbered(table[day]):
            best = ["excel"]
            remarks.append(
                f"{day} is counted from a start, not dated: it is read as days (for weeks: order_date: "
                f"7 * {quoted(day)}), and the calendar is made up"
            )
        if best and "iso" not in best:
            out["date_format"] = best[0]  # the European one, where two fit
        if len(best) > 1 and "iso" not in best:
            remarks.append(f"the dates fit {' and '.join(best)} alike: check which one is meant")
    amount = columns["amount"]
    texts = [
        c
        for c in ([amount] if amount in table.columns else sorted(columns_of(amount, "amount")))
        if c in table.columns and table[c].type().is_string()
    ]
    out |= _marks(table, texts, remarks)
    number = Reading(decimal=out.get("decimal", "."), thousands=out.get("thousands")).number
    value = (
        table[amount]
        if amount in table.columns
        else compile_expression(amount, table, "amount", number)
    )
    digits = decimals_of(number(value) if value.type().is_string() else value.cast("float64"))
    return out if digits == 2 else out | {"decimals": digits}


def _numbered(values: ir.StringColumn) -> bool:
    """Whole numbers of up to four digits alone: days or weeks since a start."""
    plain = values.strip().re_search(r"^\d{1,4}$")
    return bool((plain | (values.strip() == "")).all().to_pandas()) and bool(
        plain.any().to_pandas()
    )


# What a number looks like when its mark is a comma, a dot, or cannot be told: "1,50", "1.234,5" ·
# "1.50" · "1,234".
_COMMA = r"^\D*\d+,\d{1,2}\D*$|[.\p{Z}'’]\d{3},\d|\.\d{3}\.\d{3}"
_DOT = r"^\D*\d+\.(\d{1,2}|\d{4,})\D*$|[,\p{Z}'’]\d{3}\.\d|,\d{3},\d{3}"


def _marks(table: ir.Table, texts: list[str], remarks: list[str]) -> dict[str, str]:
    """Decimal and thousands mark of text numbers."""
    if not texts:
        return {}
    patterns = {
        "comma": _COMMA,
        "dot": _DOT,
        "open_comma": r"\d,\d{3}\b",
        "open_dot": r"\d\.\d{3}\D*$",
    }
    counts = table.aggregate(
        **{
            f"{name}{i}": table[text].re_search(pattern).sum()
            for i, text in enumerate(texts)
            for name, pattern in patterns.items()
        }
    )
    row = counts.to_pandas().iloc[0].fillna(0)
    n = {name: int(sum(row[f"{name}{i}"] for i in range(len(texts)))) for name in patterns}
    if n["comma"] > n["dot"]:
        return {"decimal": ","}
    if n["open_comma"]:
        if not n["dot"]:
            remarks.append(
                "numbers such as 1,234 are read as thousands: decimal: ',' would make 1.234 of them"
            )
        return {"thousands": ","}
    if n["open_dot"] and not n["dot"]:
        remarks.append(
            "numbers such as 1.234 are read as fractions: decimal: ',' would make 1234 of them"
        )
    return {}


def decimals_of(number: ir.Value) -> int:
    """Digits behind the mark that amounts are written with: 2 to 4."""
    table = number.name("amount").as_table()
    error = {
        f"d{d}": (table.amount * 10**d - (table.amount * 10**d).round()).abs().max() for d in (2, 3)
    }
    worst = table.filter(table.amount.abs() < 1e9).aggregate(**error).execute().iloc[0].fillna(0)
    # 1e-4 is far above float noise at a billion and far below a real third digit.
    return next((d for d in (2, 3) if worst[f"d{d}"] < 1e-4), 4)


# What only a person can decide
# --------------------------------------------------------------------------------


def _money_kind(table: ir.Table, source: dict[str, Any], remarks: list[str]) -> str:
    """The currency of the amounts; with several, the commonest, and a condition that keeps the
    others out."""
    amount = source["columns"]["amount"]
    column = match(table.columns, CURRENCY, source["columns"].values())
    kinds = (
        {k: n for k, n in _common_values(table, column).items() if len(k) <= 4} if column else {}
    )
    if column and len(kinds) > 1:
        first = next(iter(kinds))
        source["where"] = f"{quoted(column)} = '{first}'"
        remarks.append(
            f"{column} holds {_listed(kinds)}: only {first} is read, since a study has one currency"
        )
    elif not kinds and amount in table.columns and table[amount].type().is_string():
        kinds = _common_values(
            table.select(mark=table[amount].re_extract(rf"({CURRENCY_MARKS})", 1)), "mark"
        )
        if len(kinds) > 1:
            remarks.append(
                f"{amount} holds amounts in {_listed(kinds)}: leave all but one currency out with where"
            )
    named = re.search(rf"\b({CURRENCY_MARKS})\b", amount)
    return next(iter(kinds), named[1] if named else "")


def _worth_a_look(table: ir.Table, columns: Mapping[str, str]) -> list[str]:
    out = []
    for name in table.columns:
        twin = re.sub(r"[_.]1$", "", name)
        if twin != name and twin in table.columns:
            out.append(f"if the header holds {twin} twice, the second is called {name} here")
    status = match(table.columns, STATUS, columns.values())
    ends = _common_values(table, status) if status else {}
    if status and len(ends) > 1:
        out.append(
            f"{status} is {_listed(ends)}: leave out what was no sale, for example "
            f"where: {quoted(status)} = '{next(iter(ends))}'"
        )
    event = next(
        (name for name in table.columns if normal(name) in EVENT and name not in columns.values()),
        None,
    )
    kinds = _common_values(table, event, 100) if event else {}
    if event and len(kinds) > 1:
        bought = next(
            (kind for kind in kinds if re.search(_BOUGHT, kind, re.IGNORECASE)), next(iter(kinds))
        )
        out.append(
            f"{event} is one of {len(kinds)} things that happened: leave in what was a purchase, for example "
            f"where: {quoted(event)} = '{bought}'"
        )
    if due := match(table.columns, DUE, columns.values()):
        out.append(
            f"with {due} this may be a list of invoices: map it as the table invoices too, and who owes what is "
            "reported"
        )
    customer = columns["customer_id"]
    if customer in table.columns:
        rows = table.group_by(id=table[customer].cast("string")).aggregate(n=table.count())
        top = rows.filter(rows.id.strip() != "").order_by(ibis.desc("n")).limit(2).to_pandas()
        if len(top) == 2 and top.n[0] == 1 and rows.count().to_pandas() >= 100:
            out.append(
                f"no value of {customer} comes twice: is it the id of a customer, and not of an order?"
            )
        if len(top) == 2 and top.n[0] > 10 * top.n[1]:
            out.append(
                f"{customer} {top.id[0]!r} has {top.n[0]:,} rows, the next {top.n[1]:,}: if it stands for "
                f"unknown buyers, write nulls: [{top.id[0]!r}]"
            )
    return out


def _common_values(table: ir.Table, column: str, most: int = 12) -> dict[str, int]:
    """The values of a column with `most` different ones at most, commonest first; none for other
    columns."""
    text = table[column].cast("string").name("value").as_table()
    counts = (
        text.filter(text.value.strip() != "")
        .value.value_counts(name="n")
        .order_by(ibis.desc("n"), "value")
        .limit(most + 1)
        .to_pandas()
    )
    return (
        dict(zip(counts["value"], counts["n"].astype(int), strict=True))
        if len(counts) <= most
        else {}
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{value} ({n:,})" for value, n in list(counts.items())[:6]) + (
        " …" if len(counts) > 6 else ""
    )


def _text(
    path: Path, target: Path, source: dict[str, Any], currency: str, remarks: list[str]
) -> str:
    where = Path(os.path.relpath(path.resolve(), target.resolve().parent)).as_posix()
    name = re.sub(r"[^a-z0-9]+", "_", path.name.split(".")[0].lower()).strip("_")[:60]
    study = {
        "name": name if re.search("[a-z]", name) else "study",
        "title": path.name.split(".")[0],
        "currency": currency,
        "timezone": "UTC",
    }
    source = {key: source[key] for key in sorted(source, key=lambda k: k == "columns")} | {
        "path": where
    }
    rest = {
        "sources": {"orders": source},
        "methods": {"rfm": {}, "abc": {}, "lifecycle": {}, "clusters": {}},
    }
    look = "".join(f"#   - {remark}\n" for remark in remarks)
    return (
        f"# First study file for {path.name}. Check the columns, then: segment-lab check {target.name}\n"
        + (f"# To look at:\n{look}" if look else "")
        + _yaml(study)
        + "# as_of: 2026-06-30    # the day after the last order, unless you say so\n"
        "# returns: drop        # net unless you say so: negative amounts lower the revenue\n"
        + (
            ""
            if "margin" in source["columns"]
            else "# strategy: {margin_rate: 0.3}    # of 1.00 of revenue; without it no action is weighed\n"
        )
        + _yaml(rest)
    )


def _yaml(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=110)
