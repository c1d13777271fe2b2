"""A first study file from a data file: columns recognised by name in four languages, dates by their layout."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import yaml

from segment_lab import engine
from segment_lab.errors import DataError, Fault
from segment_lab.expressions import compile_expression
from segment_lab.sources import Source, date_formats, open_source

# Words of column headers, most telling first: English, Russian, Polish, German.
HEADERS: dict[str, tuple[str, ...]] = {
    "customer_id": ("customer id", "client id", "account id", "user id", "buyer id", "customer no",
                    "customer number", "customer", "client", "account", "buyer", "id клиента", "код клиента",
                    "клиент", "покупатель", "контрагент", "id klienta", "nr klienta", "klient", "nabywca",
                    "kontrahent", "kundennummer", "kunden nr", "kunden id", "kunde", "kdnr", "id"),
    "order_id": ("order id", "invoice no", "invoice id", "invoice number", "order no", "order number", "receipt",
                 "transaction id", "invoice", "order", "номер заказа", "номер счета", "заказ", "чек",
                 "nr zamówienia", "numer zamówienia", "zamówienie", "nr faktury", "faktura", "bestellnummer",
                 "auftragsnummer", "auftrag", "rechnungsnummer", "rechnung", "bestellung", "belegnummer"),
    "order_date": ("order date", "invoice date", "purchase date", "transaction date", "date", "timestamp", "datetime",
                   "дата заказа", "дата покупки", "дата", "data zamówienia", "data sprzedaży", "data", "bestelldatum",
                   "rechnungsdatum", "belegdatum", "datum"),
    "amount": ("line total", "total amount", "net amount", "amount", "revenue", "total", "sales", "dollar value", "sum",
               "value", "turnover", "сумма заказа", "сумма", "выручка", "стоимость", "оборот", "kwota", "wartość",
               "przychód", "suma", "umsatz", "betrag", "summe", "wert", "gesamtpreis"),
    "margin": ("gross margin", "margin", "profit", "маржа", "прибыль", "marża", "zysk", "marge", "deckungsbeitrag",
               "rohertrag", "gewinn"),
    "product": ("product", "item", "description", "sku", "stock code", "category", "товар", "продукт", "номенклатура",
                "produkt", "towar", "artikel", "bezeichnung", "ware"),
    "quantity": ("quantity", "qty", "units", "count", "количество", "кол во", "ilość", "liczba sztuk", "menge",
                 "anzahl"),
}
UNIT_PRICE = ("unit price", "price", "цена", "cena jednostkowa", "cena", "einzelpreis", "preis", "stückpreis")
_MUST = ("customer_id", "order_date", "amount")


def normal(header: str) -> str:
    """A header as plain words: ``CustomerID``, ``customer_id`` and ``Customer-Id`` are all ``customer id``."""
    spaced = re.sub(r"(?<=[a-zа-яßäöüąćęłńóśźż])(?=[A-ZА-ЯÄÖÜĄĆĘŁŃÓŚŹŻ])", " ", header)
    words = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", spaced)).strip().lower()
    return re.sub(r"\bi d\b", "id", words)


def match(headers: Iterable[str], words: Iterable[str], taken: set[str]) -> str | None:
    """The header that fits the earliest of `words`: exactly, or as whole words within it."""
    free = [(h, normal(h)) for h in headers if h not in taken]
    for word in words:
        exact = [h for h, n in free if n == normal(word)]
        if exact:
            return exact[0]
    for word in words:
        inside = [h for h, n in free if re.search(rf"\b{re.escape(normal(word))}\b", n)]
        if inside and len(word) > 2:
            return inside[0]
    return None


def guess_columns(headers: Iterable[str]) -> dict[str, str]:
    """Canonical order columns to header names; quantity × unit price where there is no amount."""
    headers = list(headers)
    found: dict[str, str] = {}
    for name in ("order_date", "order_id", "customer_id", "quantity", "margin", "amount", "product"):
        hit = match(headers, HEADERS[name], set(found.values()))
        if hit:
            found[name] = hit
    price = match(headers, UNIT_PRICE, set(found.values()) - {found.get("amount", "")})
    if "quantity" in found and price and "amount" not in found:
        quoted = (h if re.fullmatch(r"[A-Za-z_]\w*", h) else f'"{h}"' for h in (found["quantity"], price))
        found["amount"] = " * ".join(quoted)
    return {name: found[name] for name in HEADERS if name in found}


def first_config(path: Path, target: Path) -> tuple[str, dict[str, str]]:
    """The text of a study file for an order log, and the columns that were guessed.

    Raises
    ------
    DataError
        A needed column cannot be told from its name; the message lists what the file has.
    """
    connection = engine.connect()
    source: dict[str, Any] = {"path": str(path)}
    encoding = _encoding(path)
    if encoding != "utf-8":
        source["encoding"] = encoding
    raw = open_source(Source(**source), Path.cwd(), connection)
    headers = list(raw.table.columns)
    if len(headers) == 1 and len(headers[0].split()) > 2:
        source["delimiter"] = "whitespace"
        raw = open_source(Source(**source), Path.cwd(), connection)
        headers = list(raw.table.columns)
    columns = guess_columns(headers)
    if missing := [name for name in _MUST if name not in columns]:
        raise DataError(f"The columns of {path.name} cannot be told from their names", [
            Fault(name, "no header looks like it", f"The file has: {', '.join(headers)}. Write it in the study file "
                  "under sources.orders.columns") for name in missing])
    source |= _layout(raw, columns)
    return _text(path, target, source, columns), columns


def _encoding(path: Path) -> str:
    if path.suffix not in (".csv", ".txt", ".tsv"):
        return "utf-8"
    head = path.read_bytes()[:200_000]
    for encoding in ("utf-8", "cp1251", "cp1250", "cp1252"):
        try:
            whole = head[: head.rfind(b"\n") + 1 or None] if encoding == "utf-8" else head
            text = whole.decode(encoding)
        except UnicodeDecodeError:
            continue
        header = re.split(r"[,;\t]", text.splitlines()[0].replace('"', ""))
        if encoding == "utf-8" or guess_columns(header).keys() >= set(_MUST):
            return encoding
    return "utf-8"


def _layout(raw: Any, columns: dict[str, str]) -> dict[str, Any]:
    """How dates and decimals are written, where they are text."""
    out: dict[str, Any] = {}
    dates = raw.table[columns["order_date"]]
    if dates.type().is_string():
        found = date_formats(dates)
        best = [form for form, n in found if n == found[0][1]]
        if best and "iso" not in best:
            # Two layouts fit alike (every day ≤ 12): the European one is written, with a remark to check it.
            out["date_format"] = best[0]
    amount = columns["amount"]
    digits = decimals_of(compile_expression(amount, raw.table, "amount"))
    if digits != 2:
        out["decimals"] = digits
    if amount in raw.table.columns and raw.table[amount].type().is_string():
        text = raw.table[amount]
        comma = text.re_search(r"^\s*-?\d+,\d{1,2}\s*$").sum()
        marks = raw.table.aggregate(comma=comma, all=text.count()).execute().iloc[0]
        if marks["all"] and (marks["comma"] or 0) > marks["all"] / 2:
            out["decimal"] = ","
    return out


def decimals_of(amount: ir.Value) -> int:
    """Digits behind the mark that amounts are written with: 2 to 4."""
    number = amount.try_cast("float64") if amount.type().is_string() else amount.cast("float64")
    table = number.name("amount").as_table()
    error = {f"d{d}": (table.amount * 10**d - (table.amount * 10**d).round()).abs().max() for d in (2, 3)}
    worst = table.filter(table.amount.abs() < 1e9).aggregate(**error).execute().iloc[0].fillna(0)
    # 1e-4 is far above float noise at a billion and far below a real third digit.
    return next((d for d in (2, 3) if worst[f"d{d}"] < 1e-4), 4)


def _text(path: Path, target: Path, source: dict[str, Any], columns: dict[str, str]) -> str:
    try:
        where = path.resolve().relative_to(target.resolve().parent, walk_up=True)  # type: ignore[call-arg]
    except (TypeError, ValueError):  # Python 3.11 has no walk_up
        import os
        where = Path(os.path.relpath(path.resolve(), target.resolve().parent))
    name = re.sub(r"[^a-z0-9_]+", "_", path.name.split(".")[0].lower()).strip("_") or "study"
    study = {"name": name, "title": path.name.split(".")[0], "currency": "", "timezone": "UTC",
             "sources": {"orders": {**source, "path": where.as_posix(), "columns": columns}},
             "methods": {"rfm": {}, "abc": {}, "lifecycle": {}, "clusters": {}}}
    head = (f"# First study file for {path.name}. Check the columns, then: segment-lab run {target.name}\n"
            "# as_of defaults to the day after the last order; `segment-lab check` shows what would be read.\n")
    return head + yaml.safe_dump(study, sort_keys=False, allow_unicode=True)
