"""Inputs that break readers, made in code: each with the number of its physical rows."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass, field
from typing import Any

HEADER = "customer_id,order_date,amount,note\n"


def row(number: int, note: str = "x") -> str:
    return f"c{number % 7},2025-{number % 12 + 1:02}-{number % 28 + 1:02},5.00,{note}\n"


ROWS = [row(number) for number in range(40)]
MANY = [row(number) for number in range(31_000)]


@dataclass(frozen=True)
class Case:
    """A file, the settings of its source, and what is in it (rows: none where it is refused)."""

    content: bytes
    rows: int | None
    accepted: int | None = None
    name: str = "orders.csv"
    source: dict[str, Any] = field(default_factory=dict)


def text(body: str, rows: int | None, accepted: int | None = None, **more: Any) -> Case:
    return Case((HEADER + body).encode(), rows, accepted, **more)


def put(line: str, place: int, rows: list[str] = ROWS) -> str:
    """The rows with a line before the given one."""
    return "".join([*rows[:place], line, *rows[place:]])


CASES: dict[str, Case] = {}

# Quotes that are never closed
# -------------------------------------------------------------------------------------------------
for place in (0, 1, 20, 39, 40):
    CASES[f"unmatched quote, row {place}"] = text(
        put('a,2025-01-01,5,"5 inch\n', place), 41, 40
    )
    CASES[f"unmatched quote in the id, row {place}"] = text(
        put('"a,2025-01-01,5,x\n', place), 41
    )
    CASES[f"inch mark, row {place}"] = text(
        put('a,2025-01-01,5,5" pipe\n', place), 41, 41
    )
    quoted = put('a,2025-01-01,5,"two\nlines"\n', place)
    CASES[f"line break in quotes, row {place}"] = text(quoted, 41, 41)
    windows = put('a,2025-01-01,5,"5 inch\n', place).replace("\n", "\r\n")
    CASES[f"unmatched quote, Windows, row {place}"] = text(windows, 41)
full = ['"' + '","'.join(line.strip().split(",")) + '"\n' for line in ROWS]
for place in (0, 20, 38):
    broken = full[:]
    broken[place] = '"a","2025-01-01","5","x\n'
    CASES[f"all quoted, one open, row {place}"] = text("".join(broken), 40, 39)
CASES["two open quotes"] = text(
    put('a,2025-01-01,5,"y\n', 5).replace(row(30), 'a,2025-01-01,5,"z\n'), 41
)
CASES["quotes doubled"] = text(put('a,2025-01-01,5,"say ""hi"""\n', 5), 41, 41)
CASES["a quote alone"] = text(put('"\n', 5), 41, 40)
CASES["every row opens a quote"] = text(
    "".join('a,2025-01-01,5,"x\n' for _ in range(300)), None
)
CASES["last line open"] = text("".join(ROWS) + 'a,2025-01-01,5,"x', 41, 40)
letter = 'a,2025-01-01,5,"' + "a line, of a letter\n" * 30 + 'end"\n'
CASES["a long letter in quotes"] = text(put(letter, 5), 41, 41)

# Line ends and bytes
# -------------------------------------------------------------------------------------------------
whole = HEADER + "".join(ROWS)
CASES["old Macintosh"] = Case(whole.replace("\n", "\r").encode(), 40, 40)
CASES["Windows"] = Case(whole.replace("\n", "\r\n").encode(), 40, 40)
CASES["Windows doubled"] = Case(whole.replace("\n", "\r\r\n").encode(), 40, 40)
CASES["no end at the end"] = Case(whole.rstrip("\n").encode(), 40, 40)
CASES["blank lines"] = Case(whole.replace("\n", "\n\n").encode(), 40, 40)
late = "".join(MANY[:30_500])
CASES["Macintosh after row 30,000"] = Case(
    (HEADER + late + "".join(MANY[30_500:]).replace("\n", "\r")).encode(),
    31_000,
    31_000,
)
CASES["Windows after row 30,000"] = Case(
    (HEADER + late + "".join(MANY[30_500:]).replace("\n", "\r\n")).encode(),
    31_000,
    31_000,
)
CASES["open quote after row 30,000"] = Case(
    (HEADER + put('a,2025-01-01,5,"x\n', 30_500, MANY)).encode(), 31_001, 31_000
)
CASES["a line of 3 MB"] = text(
    put("a,2025-01-01,5," + "x" * 3_000_000 + "\n", 5), 41, 40
)
CASES["a line of 3 MB without commas"] = text(put("x" * 3_000_000 + "\n", 40), 41, 40)
CASES["a quoted field of 3,000 lines"] = text(
    put('a,2025-01-01,5,"' + "x\n" * 3_000 + '"\n', 5), 3_041, 40
)
CASES["null bytes"] = text(put("a\0,2025-01-01,5,\0\n", 5), 41, 41)
CASES["form feed"] = text(put("a,2025-01-01,5,\f\v\n", 5), 41, 41)
CASES["line separators of Unicode"] = text(
    put("a,2025-01-01,5,x\u2028y\u0085z\n", 5), 41, 41
)
CASES["right to left"] = text(put("\u202eabc,2025-01-01,5,x\n", 5), 41, 41)
CASES["emoji and joiners"] = text(put("👩‍👩‍👧,2025-01-01,5,\u200b\n", 5), 41, 41)
CASES["marks of byte order inside"] = text(put("\ufeffa,2025-01-01,5,x\n", 5), 41, 41)
CASES["mark of byte order"] = Case(b"\xef\xbb\xbf" + whole.encode(), 40, 40)
CASES["bytes that are no UTF-8, in the id"] = Case(
    whole.encode() + b"\xff\xe9,2025-01-01,5,x\n", 41, 40
)
CASES["surrogates"] = Case(whole.encode() + b"\xed\xa0\x80,2025-01-01,5,x\n", 41)
CASES["too few and too many fields"] = text(
    put("a,b\na,2025-01-01,5,x,y,z\n", 5), 42, 40
)
CASES["separators alone"] = text(put(",,,\n,,,\n", 5), 42)
for encoding in ("cp1251", "koi8-r", "utf-16", "utf-16-le", "mac-cyrillic", "cp866"):
    body = (HEADER + put("Иванов,2025-01-01,5,ул. Ленина\n", 5)).encode(encoding)
    CASES[f"declared {encoding}"] = Case(body, 41, 41, source={"encoding": encoding})
for encoding in ("cp1252", "cp1250", "latin-1"):
    body = (HEADER + put("Müller,2025-01-01,5,Äpfel\n", 5)).encode(encoding)
    CASES[f"declared {encoding}"] = Case(body, 41, 41, source={"encoding": encoding})
    CASES[f"not declared {encoding}"] = Case(body, 41, 40)

# Values
# -------------------------------------------------------------------------------------------------
DAYS = (
    "infinity", "-infinity", "epoch", "now", "today", "20255-01-01", "0000-00-00", "2025-02-30",
    "2025-13-01", "9999-12-31", "0001-01-01", "1969-12-31", "1899-12-30", "2199-01-01", "-1",
    "1e9", "NaT", "nan", "NULL", "soon", "2025-1-1T", "٢٠٢٥-٠١-٠١", "2025–01–01", "24:00",
    "2025-01-01 25:61", "2025-06-31", "'2025-01-01", "=DATE(2025,1,1)", "1/1/1",
)  # fmt: skip
AMOUNTS = (
    "1e400", "-1e400", "nan", "inf", "-inf", "Infinity", "1e30", "--5", "0x10", "5€€5", "=1+1",
    "€", "+", ".", "1e", "∞", "½", "abc", "5,00,0x", "1.2.3", "#REF!", "#N/A", "TRUE", "'",
)  # fmt: skip
GOOD = (
    "5-",
    "(5)",
    "−5",
    "1 000",
    "1\u00a0000.50",
    "5 €",
    "$5",
    "CHF 5",
    "1'000",
    ".5",
    "5.",
    "1E2",
)
IDS = {
    "long": "i" * 10_000, "formula": "=cmd|' /C calc'!A0", "SQL": "'; DROP TABLE orders; --",
    "HTML": "<script>alert(1)</script>", "braces": "{{ 7*7 }}", "percent": "%s%n", "NULL": "NULL",
    "zero": "0", "nan": "nan", "quoted comma": '"a,b"', "backslash": "a\\", "dollar": "${HOME}",
}  # fmt: skip
NO_IDS = {"empty": "", "blanks": "   ", "tab": "\t", "no-break": '"\u00a0"'}


def values() -> dict[str, tuple[str, str | None]]:
    """Case → a row with one strange value, and the reason it must get (none: accepted)."""
    found: dict[str, tuple[str, str | None]] = {}
    for day in DAYS:
        found[f"day {day}"] = (f'a,"{day}",5', "order_date")
    for amount in AMOUNTS:
        found[f"amount {amount}"] = (f'a,2025-01-01,"{amount}"', "amount")
    for amount in GOOD:
        found[f"amount {amount} is one"] = (f'a,2025-01-01,"{amount}"', None)
    for name, value in NO_IDS.items():
        found[f"no id: {name}"] = (f"{value},2025-01-01,5", "customer_id")
    for name, value in IDS.items():
        found[f"id {name}"] = (f"{value},2025-01-01,5", None)
    return found


VALUES = values()

# Names of files, headers, containers
# -------------------------------------------------------------------------------------------------
for name in (
    "orders[1].csv", "what?.csv", "a*b.csv", "{x}.csv", " sp ace.csv", "it's.csv", 'say "hi".csv',
    "ünï.csv", "-dash.csv", "a;b.csv", "x.csv.txt", "%41.csv", "noending", "[!a].tsv", "x.CSV",
):  # fmt: skip
    CASES[f"file {name}"] = Case(whole.encode(), 40, 40, name=name)
HEADERS = {
    "twice": "customer_id,order_date,amount,note,note\n",
    "an empty one": "customer_id,order_date,amount,\n",
    "blanks around": " customer_id , order_date ,amount, note\n",
    "words of SQL": "customer_id,order_date,amount,select\n",
    "the word reason": "customer_id,order_date,amount,reason\n",
    "a line break": 'customer_id,order_date,amount,"no\nte"\n',
    "quotes": 'customer_id,order_date,amount,"no""te"\n',
}
for name, header in HEADERS.items():
    body = "".join(ROWS)
    if name == "twice":
        body = body.replace(",x\n", ",x,y\n")
    CASES[f"header with {name}"] = Case((header + body).encode(), 40, 40)
wide = ",".join(f"k{i}" for i in range(2000))
CASES["2,000 columns"] = Case(
    f"customer_id,order_date,amount,{wide}\na,2025-01-01,5,{',' * 1999}\n".encode(),
    1,
    1,
)
CASES["zipped"] = Case(gzip.compress(whole.encode()), 40, 40, name="orders.csv.gz")
CASES["zipped with an open quote"] = Case(
    gzip.compress((HEADER + put('a,2025-01-01,5,"x\n', 5)).encode()),
    41,
    40,
    name="orders.csv.gz",
)
noise = random.Random(7).randbytes(5000)
for name in (
    "x.csv",
    "x.csv.gz",
    "x.xlsx",
    "x.xls",
    "x.parquet",
    "x.json",
    "x.ods",
    "x",
):
    CASES[f"noise as {name}"] = Case(noise, None, name=name)
    CASES[f"nothing as {name}"] = Case(b"", None, name=name)
CASES["cut off zip"] = Case(
    gzip.compress(whole.encode())[:-20], None, name="orders.csv.gz"
)
CASES["deep JSON"] = Case(b"[" * 100_000, None, name="x.json")
CASES["JSON of numbers"] = Case(b"[1,2,3]", None, name="x.json")

# Settings
# -------------------------------------------------------------------------------------------------
BAD_SETTINGS: dict[str, dict[str, Any]] = {
    "where that is no condition": {"where": "amount"},
    "where a text": {"where": "'a'"},
    "where null": {"where": "NULL"},
    "where a sum of truths": {"where": "TRUE + TRUE"},
    "where deep": {"where": "(" * 300 + "amount > 0" + ")" * 300},
    "where a long chain": {"where": " OR ".join(["amount > 0"] * 3000)},
    "where with a subquery": {"where": "amount > (SELECT 1)"},
    "where with a file": {"where": "amount IN (SELECT * FROM read_csv('/etc/passwd'))"},
    "where two statements": {"where": "amount > 0; DROP TABLE x"},
    "where an unknown column": {"where": "nothing > 0"},
    "no customer": {"columns": {"customer_id": None}},
    "an empty expression": {"columns": {"amount": ""}},
    "a day that is none": {"columns": {"order_date": "DATE '2025-13-01'"}},
    "an unknown directive": {"date_format": "%Q"},
    "half a directive": {"date_format": "%"},
    "an empty layout": {"date_format": ""},
    "an unknown encoding": {"encoding": "rot13"},
    "a codec that is none for text": {"encoding": "zip"},
    "a header of one": {"header": ["a"]},
    "a header twice": {
        "header": ["customer_id", "customer_id", "order_date", "amount"]
    },
    "skip beyond the end": {"skip": 10**9},
    "a column to fill that is not there": {"fill_down": ["nope"]},
    "decimal and thousands alike": {"decimal": ",", "thousands": ","},
}
for name, source in BAD_SETTINGS.items():
    CASES[f"setting: {name}"] = Case(whole.encode(), None, source=source)
CASES["setting: a very long IN"] = Case(
    whole.encode(),
    40,
    40,
    source={"where": f"amount IN ({', '.join(map(str, range(2000)))})"},
)
